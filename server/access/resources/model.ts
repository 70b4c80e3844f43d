/**
 * Registered resources: nodes of the model's resource types, below a perimeter or below one another. What is registered can be granted,
 * listed, moved and asked about in conditions; what is not is decided at its registered parent.
 *
 * Registering something gives nobody anything, its creator neither: who may do what there follows from roles and grants at and above it. An
 * owner is only a fact, which conditions can ask about (`resource.owner == subject.ref`).
 */
import Type, { type Static } from "typebox";
import { hostTenant, type PrincipalId, type PrincipalKind, principalRef } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import type { Principal } from "../../authority/caller.ts";
import { etagOf } from "../../operations/etag.ts";
import { displayName, etag, id, ref, strict, time, uuidPattern } from "../../operations/fields.ts";
import { nodeRef } from "../../operations/targets.ts";
import type { TreeNode } from "../../tree/model.ts";

/** The application's own words about it, which only conditions read. */
export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export type Resource = TreeNode & {
  /** The parent's type, which is the first half of the parent's ref. */
  readonly parentType: string;
  readonly owner: Principal | null;
  readonly attributes: Attributes;
};

export const collection = "resources";

/** Bytes of the attributes as JSON in UTF-8; the database holds twice that in its own format. */
export const attributes_size_max = 4_096;
export const batch_size_max = 100;

/** An identifier of the condition language, so that `resource.attributes.name` can be written. */
const attributeName = "^[A-Za-z][A-Za-z0-9_]{0,63}$";
/** Text without control characters: PostgreSQL's JSON cannot hold all of them. */
const attributeText = Type.String({ maxLength: 1_000, pattern: "^[^\\u0000-\\u001f\\u007f]*$" });

export const attributes = Type.Record(
  Type.String({ pattern: attributeName }),
  Type.Union([
    attributeText,
    Type.Number({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }),
    Type.Boolean(),
    Type.Array(attributeText, { maxItems: 100 }),
  ]),
  {
    additionalProperties: false,
    maxProperties: 64,
    description: `the application's own words about it, for conditions; at most ${attributes_size_max} bytes of JSON`,
  },
);

export const type = Type.String({
  pattern: "^[a-z][a-z0-9_-]{0,63}$",
  maxLength: 64,
  description: "a resource type of the access model, such as `documents`",
});
export const parent = ref("the perimeter or resource it is in");
export const owner = ref(
  "users/{uuid} or service-accounts/{uuid}; a fact for conditions, which gives nothing by itself",
);
export const ownId = Type.String({
  pattern: uuidPattern,
  description:
    "the application's own UUID for it; made here where it is absent. It is never used again, not after deletion either",
});

export const resourceOutput = strict({
  id,
  resource: ref("{type}/{uuid}"),
  type,
  parent,
  display_name: displayName,
  state: Type.Union([Type.Literal("active"), Type.Literal("deleted")]),
  owner: Type.Union([owner, Type.Null()], { description: "null where it has none" }),
  attributes,
  etag,
  create_time: time,
  update_time: time,
});

export const render = (model: Model, resource: Resource): Static<typeof resourceOutput> => ({
  id: resource.id,
  resource: nodeRef(model, resource),
  type: resource.type,
  // Every resource has a parent: only a tenant's root has none.
  parent: nodeRef(model, { id: resource.parent ?? "", type: resource.parentType }),
  display_name: resource.displayName,
  state: resource.state === "deleted" ? "deleted" : "active",
  owner: resource.owner === null ? null : principalRef(resource.owner.kind, resource.owner.id),
  attributes: { ...resource.attributes } as Static<typeof attributes>,
  etag: etagOf(resource.revision),
  create_time: resource.createTime.toISOString(),
  update_time: resource.updateTime.toISOString(),
});

type Rendered = ReturnType<typeof render>;

/** What an event about a resource tells. Attributes are the application's, and stay out of what is sent around. */
export const happened = (resource: Rendered, participle: string) => ({
  type: `resource.${participle}`,
  subject: resource.resource,
  data: {
    type: resource.type,
    parent: resource.parent,
    display_name: resource.display_name,
    owner: resource.owner,
  },
});

export const ownerOf = (kind: PrincipalKind | null, principal: PrincipalId | null): Principal | null =>
  kind === null || principal === null ? null : { kind, id: principal };

/** The host's own UUID means "above every tenant" wherever an anchor is read, so nothing in a tenant may be called so. */
export const isReserved = (named: string): boolean => named === hostTenant;
