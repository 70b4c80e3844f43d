/** Queues the mail whose link lets its reader choose a new password. The old one stays good until then. */
import { readLocale, defaultLocale } from "../../messages/messages.ts";
import { queueMail } from "../../mail/queue-mail.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { SecretKey } from "../../platform/keys/seal.ts";
import type { TenantId } from "../../../core/ids.ts";
import type { Human } from "../human.ts";
import { localeOfUser } from "../human-store.ts";
import { newMailLink } from "../mail-links/mail-links.ts";

export type ResetMail = Human & {
  readonly email: string;
  /** What the request asked for; what the human has chosen goes before it. */
  readonly locale?: string;
  /** Whose face the mail has; null for the deployment's. */
  readonly tenant: TenantId | null;
  readonly now: number;
};

/** False where the human has been sent as many as there may be within the hour, and nothing is sent. */
export const sendPasswordReset = async (
  tx: Tx,
  { issuer, sealKey }: { readonly issuer: string; readonly sealKey: SecretKey },
  asked: ResetMail,
): Promise<boolean> => {
  const { email, tenant, now } = asked;
  const link = await newMailLink(tx, asked, "reset_password", email, now);
  if (link === undefined) return false;
  const locale = readLocale(await localeOfUser(tx, asked.user)) ?? readLocale(asked.locale) ?? defaultLocale;
  const url = `${issuer}/reset-password?link=${link}`;
  await queueMail(tx, sealKey, { template: "reset_password", url, to: email, locale, tenant }, now);
  return true;
};
