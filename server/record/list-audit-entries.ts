/** Lists a tenant's audit log, newest first: who did what, on whose behalf, and why it was allowed or refused. */
import Type from "typebox";
import { id, strict, time } from "../operations/fields.ts";
import { listInput } from "../operations/listing/list-page.ts";
import { pageOutput, pagingOf, rendered } from "../operations/listing/page-output.ts";
import { operation } from "../operations/operation.ts";
import { atTenant } from "../operations/targets.ts";
import { type AuditRow, listEntries } from "./store.ts";

const collection = "audit-entries";

const orNull = <Schema extends Type.TSchema>(schema: Schema, description: string) =>
  Type.Union([schema, Type.Null()], { description });
const text = (description: string) => orNull(Type.String(), description);

const entryOutput = strict({
  id,
  time,
  action: Type.String({ description: "an operation's name, or a protocol step such as oauth.token" }),
  outcome: Type.Union([Type.Literal("done"), Type.Literal("denied"), Type.Literal("failed")]),
  authenticated_principal: text("who presented credentials"),
  subject: text("the token's `sub`"),
  actor: orNull(Type.Unknown(), "who acted on the subject's behalf, with the chain of those before"),
  actor_of_record: text("who, in business terms, initiated it"),
  approvers: orNull(Type.Array(Type.String()), "who agreed"),
  identity_source: text("where the human's identity is kept"),
  credential: text("what was presented"),
  client_id: text("the OAuth client"),
  session_id: text("the session"),
  request_id: text("the request"),
  trace_id: text("the trace"),
  target: text("what was acted on"),
  target_path: orNull(Type.Array(Type.String()), "the perimeters the target stands in, nearest first"),
  permission: text("what was asked for"),
  bypass: Type.Boolean({ description: "whether only a role at the host permitted it" }),
  because: orNull(Type.Unknown(), "the decision's reason"),
  detail: orNull(Type.Unknown(), "what else matters"),
});

const render = ({ time: at, approvers, target_path, ...entry }: AuditRow) => ({
  ...entry,
  time: at.toISOString(),
  approvers: approvers && [...approvers],
  target_path: target_path && [...target_path],
});

export const listAuditEntries = operation({
  name: "audit.list",
  summary: "List the audit log, newest first",
  kind: "read",
  method: "GET",
  path: "/v1/audit-entries",
  status: 200,
  input: strict(listInput),
  output: pageOutput(entryOutput),
  permission: "audit:read",
  scope: "tenant",
  target: atTenant(collection),
  run: async (tx, input, context) => rendered(await listEntries(tx, input, pagingOf(tx, context, collection)), render),
});
