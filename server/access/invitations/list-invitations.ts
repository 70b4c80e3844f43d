/** Lists invitations: the tenant's, or those to one perimeter and what is below it. */
import { strict } from "../../operations/fields.ts";
import { below, listInputBelow, pageOutput, pagingOf, rendered } from "../../operations/listing/page-output.ts";
import { operation } from "../../operations/operation.ts";
import { atParentOrTenant } from "../../operations/targets.ts";
import { perimeterCollections } from "../../principals/place.ts";
import { collection, invitationOutput, render } from "./model.ts";
import { listInvitations as readInvitations } from "./store.ts";

export const listInvitations = operation({
  name: "invitations.list",
  summary: "List invitations",
  kind: "read",
  method: "GET",
  path: "/v1/invitations",
  status: 200,
  input: strict(listInputBelow),
  output: pageOutput(invitationOutput),
  permission: "invitations:read",
  scope: "tenant",
  target: atParentOrTenant(collection),
  run: async (tx, input, context) => {
    const where = { below: below(input), perimeters: perimeterCollections(context.model) };
    const page = await readInvitations(tx, where, input, pagingOf(tx, context, collection, input));
    return rendered(page, (invitation) => render(context.model, invitation, context.now));
  },
});
