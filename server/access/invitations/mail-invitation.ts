/** The mail that carries an invitation's link. */
import { principalRef } from "../../../core/ids.ts";
import { localeOfUser } from "../../credentials/human-store.ts";
import { defaultLocale } from "../../messages/messages.ts";
import { queueMail } from "../../mail/queue-mail.ts";
import type { OperationContext } from "../../operations/operation.ts";
import type { Tx } from "../../platform/database/database.ts";
import { tenantFrontIn } from "../../policies/front.ts";
import { findUser } from "../../principals/users/store.ts";
import { type Invitation, invitationUrl } from "./model.ts";

export const mailInvitation = async (
  tx: Tx,
  invitation: Pick<Invitation, "email">,
  token: string,
  { caller, issuer, sealKey, now }: OperationContext,
): Promise<void> => {
  const front = await tenantFrontIn(tx, tx.tenant);
  const tenantName = front?.brand?.displayName ?? front?.displayName ?? "";
  const inviter = caller.principal.kind === "human" ? await findUser(tx, caller.principal.id) : undefined;
  await queueMail(
    tx,
    sealKey,
    {
      template: "invitation",
      url: invitationUrl(issuer, token),
      tenantName,
      // A service that invites does so in its tenant's name.
      inviter: inviter?.displayName ?? tenantName,
      to: invitation.email,
      locale: (inviter && (await localeOfUser(tx, inviter.id))) ?? defaultLocale,
      tenant: tx.tenant,
    },
    now,
  );
};

export const inviterRef = ({ caller }: OperationContext): string =>
  principalRef(caller.principal.kind, caller.principal.id);
