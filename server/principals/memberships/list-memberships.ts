/** Lists who belongs where: in the tenant, or in one perimeter and below it. */
import { strict } from "../../operations/fields.ts";
import { below, listInputBelow, pageOutput, pagingOf, rendered } from "../../operations/listing/page-output.ts";
import { operation } from "../../operations/operation.ts";
import { atParentOrTenant } from "../../operations/targets.ts";
import { perimeterCollections } from "../place.ts";
import { collection, membershipOutput, render } from "./model.ts";
import { listMemberships as readMemberships } from "./store.ts";

export const listMemberships = operation({
  name: "memberships.list",
  summary: "List memberships",
  kind: "read",
  method: "GET",
  path: "/v1/memberships",
  status: 200,
  input: strict(listInputBelow),
  output: pageOutput(membershipOutput),
  permission: "memberships:read",
  scope: "tenant",
  target: atParentOrTenant(collection),
  run: async (tx, input, context) => {
    const where = { below: below(input), perimeters: perimeterCollections(context.model) };
    const page = await readMemberships(tx, where, input, pagingOf(tx, context, collection, input));
    return rendered(page, (membership) => render(context.model, membership));
  },
});
