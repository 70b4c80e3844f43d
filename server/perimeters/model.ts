/**
 * Perimeters: the nodes of a tenant's tree at which authority can be anchored. A root is a tenant. Their types come from the access model,
 * and every type is served alike, in its own collection.
 *
 *     active ⇄ suspended,   either → deleted
 *
 * What is suspended is refused with everything below it, since a decision asks that every perimeter on the path be active.
 */
import Type from "typebox";
import { fault, type Result } from "../../core/faults.ts";
import { formatRef } from "../../core/ids.ts";
import type { Model, Perimeter } from "../../core/model/model.ts";
import type { NewEvent } from "../events/model.ts";
import { etagOf } from "../operations/etag.ts";
import { displayName, etag, id, ref, strict, time } from "../operations/fields.ts";
import { nodeRef } from "../operations/targets.ts";
import type { NodeState, TreeNode } from "../tree/model.ts";

/** A node of a perimeter type, and its parent's type, which is the first half of the parent's ref. */
export type PerimeterNode = TreeNode & { readonly parentType: string | null };

export type Verb = "suspend" | "resume" | "delete";

const transitions: Readonly<Record<Verb, Readonly<Partial<Record<NodeState, NodeState>>>>> = {
  suspend: { active: "suspended" },
  resume: { suspended: "active" },
  delete: { active: "deleted", suspended: "deleted" },
};

/** The state the verb leads to from this one; a fault where it leads nowhere. */
export const stateAfter = (verb: Verb, state: NodeState): Result<{ readonly state: NodeState }> => {
  const next = transitions[verb][state];
  return next === undefined
    ? fault("illegal_transition", `it is ${state}; there is nothing to ${verb}`)
    : { state: next };
};

/** A type that is never below another: its id is always a tenant's. */
export const isAlwaysRoot = (type: Perimeter): boolean => type.root && type.in.length === 0;

export const perimeterOutput = strict({
  id,
  resource: ref("{collection}/{uuid}"),
  parent: Type.Union([ref("the perimeter it is in"), Type.Null()], { description: "null for a tenant" }),
  display_name: displayName,
  state: Type.Union([Type.Literal("active"), Type.Literal("suspended"), Type.Literal("deleted")]),
  etag,
  create_time: time,
  update_time: time,
});

export const render = (model: Model, node: PerimeterNode) => ({
  id: node.id as string,
  resource: nodeRef(model, node),
  parent:
    node.parent === null || node.parentType === null
      ? null
      : nodeRef(model, { id: node.parent, type: node.parentType }),
  display_name: node.displayName,
  state: node.state,
  etag: etagOf(node.revision),
  create_time: node.createTime.toISOString(),
  update_time: node.updateTime.toISOString(),
});

type Rendered = ReturnType<typeof render>;

/** `tenant.suspended`, or `perimeter.suspended` for one below a tenant; whatever a model calls them, who listens can rely on these. */
export const happened =
  (type: Perimeter, participle: string) =>
  (node: Rendered): NewEvent => ({
    type: `${node.parent === null ? "tenant" : "perimeter"}.${participle}`,
    subject: formatRef(type.collection, node.id),
    data: { type: type.type, parent: node.parent, display_name: node.display_name, state: node.state },
  });
