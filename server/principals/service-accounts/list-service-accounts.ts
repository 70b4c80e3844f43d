/** Lists service accounts: the tenant's, or those of one perimeter and what is below it. */
import { strict } from "../../operations/fields.ts";
import { below, listInputBelow, pageOutput, pagingOf, rendered } from "../../operations/listing/page-output.ts";
import { operation } from "../../operations/operation.ts";
import { atParentOrTenant } from "../../operations/targets.ts";
import { perimeterCollections } from "../place.ts";
import { collection, render, serviceAccountOutput } from "./model.ts";
import { listServiceAccounts as readServiceAccounts } from "./store.ts";

export const listServiceAccounts = operation({
  name: "service-accounts.list",
  summary: "List service accounts",
  kind: "read",
  method: "GET",
  path: "/v1/service-accounts",
  status: 200,
  input: strict(listInputBelow),
  output: pageOutput(serviceAccountOutput),
  permission: "service-accounts:read",
  scope: "tenant",
  target: atParentOrTenant(collection),
  run: async (tx, input, context) => {
    const where = { below: below(input), perimeters: perimeterCollections(context.model) };
    const page = await readServiceAccounts(tx, where, input, pagingOf(tx, context, collection, input));
    return rendered(page, (account) => render(context.model, account));
  },
});
