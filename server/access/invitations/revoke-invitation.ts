/** Takes an invitation back. Its link is worthless from then on; who has accepted stays. */
import { fault, isFault } from "../../../core/faults.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atInvitation, knownInvitation } from "./find.ts";
import { invitationOutput, render } from "./model.ts";
import { revokeInvitation as revokeStored } from "./store.ts";

export const revokeInvitation = operation({
  name: "invitations.revoke",
  summary: "Revoke an invitation",
  kind: "change",
  method: "POST",
  path: "/v1/invitations/{id}:revoke",
  status: 200,
  input: strict({ id }),
  output: invitationOutput,
  permission: "invitations:revoke",
  scope: "tenant",
  target: atInvitation,
  event: (invitation) => ({
    type: "invitation.revoked",
    subject: invitation.resource,
    data: { parent: invitation.parent },
  }),
  run: async (tx, input, { model, now, ifMatch }) => {
    const invitation = await knownInvitation(tx, input.id);
    if (isFault(invitation)) return invitation;
    if (invitation.state !== "pending")
      return fault("illegal_transition", `the invitation is ${invitation.state} already`);
    const expected = expectRevision(ifMatch, invitation.revision, "optional");
    if (isFault(expected)) return expected;
    if (!(await revokeStored(tx, invitation.id, expected.revision, new Date(now)))) return overtaken();
    const after = await knownInvitation(tx, input.id);
    return isFault(after) ? after : render(model, after, now);
  },
});
