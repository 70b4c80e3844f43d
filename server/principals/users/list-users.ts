/** Lists users: the tenant's, or those managed by one perimeter and what is below it. */
import { strict } from "../../operations/fields.ts";
import { below, listInputBelow, pageOutput, pagingOf, rendered } from "../../operations/listing/page-output.ts";
import { operation } from "../../operations/operation.ts";
import { atParentOrTenant } from "../../operations/targets.ts";
import { perimeterCollections } from "../place.ts";
import { collection, render, userOutput } from "./model.ts";
import { listUsers as readUsers } from "./store.ts";

export const listUsers = operation({
  name: "users.list",
  summary: "List users",
  kind: "read",
  method: "GET",
  path: "/v1/users",
  status: 200,
  input: strict(listInputBelow),
  output: pageOutput(userOutput),
  permission: "users:read",
  scope: "tenant",
  target: atParentOrTenant(collection),
  run: async (tx, input, context) => {
    const where = { below: below(input), perimeters: perimeterCollections(context.model) };
    const page = await readUsers(tx, where, input, pagingOf(tx, context, collection, input));
    return rendered(page, (user) => render(context.model, user));
  },
});
