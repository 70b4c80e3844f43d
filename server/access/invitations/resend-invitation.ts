/**
 * Sends an invitation again, with a new link: the old one is worthless from then on. Whoever sends it again must still be able to give
 * what it gives, and from now on it is theirs.
 */
import { fault, isFault } from "../../../core/faults.ts";
import type { PrincipalId } from "../../../core/ids.ts";
import { roleRef } from "../../authority/assignments-store.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { nodeRef } from "../../operations/targets.ts";
import { activePerimeter, firstRole } from "../../principals/place.ts";
import { newSecret } from "../../tokens/secret-text.ts";
import { atInvitation, knownInvitation } from "./find.ts";
import { inviterRef, mailInvitation } from "./mail-invitation.ts";
import { invitationOutput, lifetimeMs, render } from "./model.ts";
import { renewInvitation } from "./store.ts";

/** One mail a minute to one address is enough. */
const resend_pause_ms = 60_000;

export const resendInvitation = operation({
  name: "invitations.resend",
  summary: "Send an invitation again, with a new link",
  kind: "change",
  method: "POST",
  path: "/v1/invitations/{id}:resend",
  status: 200,
  input: strict({ id }),
  output: invitationOutput,
  permission: "invitations:create",
  scope: "tenant",
  target: atInvitation,
  event: (invitation) => ({
    type: "invitation.resent",
    subject: invitation.resource,
    data: { parent: invitation.parent, role: invitation.role, invited_by: invitation.invited_by },
  }),
  run: async (tx, input, context) => {
    const { model, now, ifMatch } = context;
    const invitation = await knownInvitation(tx, input.id);
    if (isFault(invitation)) return invitation;
    if (invitation.state !== "pending")
      return fault("illegal_transition", `the invitation is ${invitation.state} already`);
    const expected = expectRevision(ifMatch, invitation.revision, "optional");
    if (isFault(expected)) return expected;
    const wait = invitation.updateTime.getTime() + resend_pause_ms - now;
    if (wait > 0)
      return fault("rate_limited", "the invitation has just been sent", { retryAfterSeconds: Math.ceil(wait / 1000) });
    const node = await activePerimeter(tx, model, nodeRef(model, invitation.node));
    if (isFault(node)) return node;
    const asked = invitation.role === null ? undefined : roleRef(invitation.role);
    const given = await firstRole(tx, invitation.node.id, asked, context);
    if (isFault(given)) return given;

    const secret = newSecret("invitation", tx.tenant, invitation.id as PrincipalId);
    const renewed = {
      hash: secret.hash,
      invitedBy: inviterRef(context),
      now: new Date(now),
      expireTime: new Date(now + lifetimeMs),
    };
    if (!(await renewInvitation(tx, invitation.id, expected.revision, renewed))) return overtaken();
    await mailInvitation(tx, invitation, secret.text, context);
    const after = await knownInvitation(tx, input.id);
    return isFault(after) ? after : render(model, after, now);
  },
});
