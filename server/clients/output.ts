/** An application as the API shows it. Its secrets are never in it. */
import Type from "typebox";
import { formatRef } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import { etagOf } from "../operations/etag.ts";
import { displayName, etag, id, ref, strict, time } from "../operations/fields.ts";
import { nodeRef } from "../operations/targets.ts";
import { metadataFields } from "./fields.ts";
import { type Application, collection } from "./model.ts";

export const applicationFields = {
  id,
  resource: ref("applications/{uuid}"),
  parent: ref("the perimeter it belongs to"),
  client_id: Type.String(),
  display_name: displayName,
  state: Type.Union([Type.Literal("active"), Type.Literal("disabled")]),
  source: Type.Union([Type.Literal("managed"), Type.Literal("registered"), Type.Literal("metadata_document")], {
    description: "registered by an administrator, by itself (RFC 7591), or read from its metadata document",
  }),
  first_party: Type.Boolean({ description: "the tenant's own: nobody is asked for consent" }),
  ...metadataFields,
  etag,
  create_time: time,
  update_time: time,
} as const;

export const applicationOutput = strict(applicationFields);

export const render = (model: Model, application: Application) => ({
  id: application.id,
  resource: formatRef(collection, application.id),
  parent: nodeRef(model, application.node),
  client_id: application.clientId,
  display_name: application.displayName,
  state: application.state,
  source: application.source,
  first_party: application.firstParty,
  ...(application.metadata as Rendered),
  etag: etagOf(application.revision),
  create_time: application.createTime.toISOString(),
  update_time: application.updateTime.toISOString(),
});

/** The same members, as the schema's types have them: it knows no readonly arrays. */
type Rendered = Type.Static<Type.TObject<typeof metadataFields>>;
