/** Lists resource grants: the tenant's, or those on one node and below it, where the permission must then hold. */
import { strict } from "../../operations/fields.ts";
import { below, listInputBelow, pageOutput, pagingOf, rendered } from "../../operations/listing/page-output.ts";
import { operation } from "../../operations/operation.ts";
import { atParentOrTenant } from "../../operations/targets.ts";
import { collection, grantOutput, render } from "./model.ts";
import { listGrants } from "./store.ts";

export const listResourceGrants = operation({
  name: "resource-grants.list",
  summary: "List resource grants",
  kind: "read",
  method: "GET",
  path: "/v1/resource-grants",
  status: 200,
  input: strict(listInputBelow),
  output: pageOutput(grantOutput),
  permission: "resource-grants:read",
  scope: "tenant",
  target: atParentOrTenant(collection),
  run: async (tx, input, context) => {
    const { model } = context;
    const stretch = { below: below(input), places: [...model.resources.keys()] };
    const page = await listGrants(tx, stretch, input, pagingOf(tx, context, collection, input));
    return rendered(page, (grant) => render(model, grant));
  },
});
