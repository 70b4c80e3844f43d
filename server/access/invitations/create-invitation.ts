/**
 * Invites somebody by mail to become a member of a perimeter, with a role there where one is named: never more than the inviter holds
 * (invariant 8), now and when it is accepted. The link goes to the address alone; the answer does not have it.
 */
import Type from "typebox";
import { fault, isFault } from "../../../core/faults.ts";
import type { PrincipalId } from "../../../core/ids.ts";
import { displayName, email, ref, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atParent } from "../../operations/targets.ts";
import { newId } from "../../platform/random.ts";
import { activePerimeter, firstRole } from "../../principals/place.ts";
import { newSecret } from "../../tokens/secret-text.ts";
import { inviterRef, mailInvitation } from "./mail-invitation.ts";
import { type Invitation, invitationOutput, lifetimeMs, render, role } from "./model.ts";
import { countPending, endExpired, insertInvitation } from "./store.ts";

/** Open invitations a tenant has at most: mail in our name is not to be had without end. */
export const pending_max = 1_000;

export const createInvitation = operation({
  name: "invitations.create",
  summary: "Invite somebody by mail to become a member of a perimeter",
  kind: "change",
  method: "POST",
  path: "/v1/invitations",
  status: 201,
  input: strict({
    parent: ref("the perimeter the invited becomes a member of"),
    email,
    display_name: Type.Optional(displayName),
    role: Type.Optional(role),
  }),
  output: invitationOutput,
  permission: "invitations:create",
  scope: "tenant",
  target: atParent,
  // Whoever listens and needs the address reads the invitation: personal data has no place in streams that are kept.
  event: (invitation) => ({
    type: "invitation.created",
    subject: invitation.resource,
    data: { parent: invitation.parent, role: invitation.role, invited_by: invitation.invited_by },
  }),
  run: async (tx, input, context) => {
    const { model, now } = context;
    const node = await activePerimeter(tx, model, input.parent);
    if (isFault(node)) return node;
    const given = await firstRole(tx, node.id, input.role, context);
    if (isFault(given)) return given;
    const at = new Date(now);
    if ((await countPending(tx, at)) >= pending_max)
      return fault("not_admissible", `${pending_max} invitations are open; revoke some first`);

    const id = newId<string>();
    const secret = newSecret("invitation", tx.tenant, id as PrincipalId);
    const invitation: Invitation = {
      tenant: tx.tenant,
      id,
      node: { id: node.id, type: node.type },
      email: input.email,
      displayName: input.display_name ?? null,
      role: given?.role ?? null,
      invitedBy: inviterRef(context),
      state: "pending",
      user: null,
      revision: 1,
      createTime: at,
      updateTime: at,
      expireTime: new Date(now + lifetimeMs),
    };
    await endExpired(tx, node.id, input.email, at);
    if (!(await insertInvitation(tx, invitation, secret.hash)))
      return fault(
        "already_exists",
        `\`${input.email}\` is invited to \`${input.parent}\` already; send it again, or revoke it`,
      );
    await mailInvitation(tx, invitation, secret.text, context);
    return render(model, invitation, now);
  },
});
