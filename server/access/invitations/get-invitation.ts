/** Reads one invitation. Its link is in no answer. */
import { isFault } from "../../../core/faults.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atInvitation, knownInvitation } from "./find.ts";
import { invitationOutput, render } from "./model.ts";

export const getInvitation = operation({
  name: "invitations.get",
  summary: "Read an invitation",
  kind: "read",
  method: "GET",
  path: "/v1/invitations/{id}",
  status: 200,
  input: strict({ id }),
  output: invitationOutput,
  permission: "invitations:read",
  scope: "tenant",
  target: atInvitation,
  run: async (tx, input, { model, now }) => {
    const invitation = await knownInvitation(tx, input.id);
    return isFault(invitation) ? invitation : render(model, invitation, now);
  },
});
