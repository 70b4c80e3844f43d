/** Lists sessions of the tenant's users: all, one user's (`filter`), or those of the users one perimeter manages. */
import { strict } from "../operations/fields.ts";
import { below, listInputBelow, pageOutput, pagingOf, rendered } from "../operations/listing/page-output.ts";
import { operation } from "../operations/operation.ts";
import { atParentOrTenant } from "../operations/targets.ts";
import { listSessionsBelow } from "./list-store.ts";
import { collection, render, sessionOutput } from "./operation-model.ts";

export const listSessions = operation({
  name: "sessions.list",
  summary: "List sessions of users",
  kind: "read",
  method: "GET",
  path: "/v1/sessions",
  status: 200,
  input: strict(listInputBelow),
  output: pageOutput(sessionOutput),
  permission: "sessions:read",
  scope: "tenant",
  target: atParentOrTenant(collection),
  run: async (tx, input, context) => {
    const page = await listSessionsBelow(tx, below(input), input, pagingOf(tx, context, collection, input));
    return rendered(page, (session) => render(session, context.now));
  },
});
