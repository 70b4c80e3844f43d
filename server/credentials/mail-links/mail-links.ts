/**
 * Links sent by mail: whoever opens one reads the address it was sent to. They are made and used in the human's home tenant, which the link
 * itself says, and are good once.
 */
import type { TenantId } from "../../../core/ids.ts";
import type { Tx } from "../../platform/database/database.ts";
import { newId } from "../../platform/random.ts";
import { digestOctets } from "../../tokens/digest.ts";
import { newSecret, type PresentedSecret, readSecret } from "../../tokens/secret-text.ts";
import type { Human } from "../human.ts";
import { countLinks, endLinks, findLink, insertLink, type LinkPurpose, spendLink, type StoredLink } from "./store.ts";

export const reset_link_minutes = 30;
export const verify_link_hours = 24;
/** So many mails of one kind go to one human within an hour. */
export const links_per_hour_max = 5;

const hourMs = 3_600_000;

const lifetimeMs: Readonly<Record<LinkPurpose, number>> = {
  reset_password: reset_link_minutes * 60_000,
  verify_email: verify_link_hours * hourMs,
  change_email: verify_link_hours * hourMs,
};

/** The link's secret, which is in the mail and nowhere else; undefined where the human has been sent as many as there may be. */
export const newMailLink = async (
  tx: Tx,
  { home, user }: Human,
  purpose: LinkPurpose,
  email: string,
  now: number,
): Promise<string | undefined> => {
  if ((await countLinks(tx, user, purpose, new Date(now - hourMs))) >= links_per_hour_max) return undefined;
  const secret = newSecret("mail_link", home, user);
  await insertLink(tx, {
    id: newId(),
    user,
    purpose,
    email,
    hash: secret.hash,
    createTime: new Date(now),
    expireTime: new Date(now + lifetimeMs[purpose]),
  });
  return secret.text;
};

/** Reads a link's secret; the transaction it is used in is opened for `tenant`. Undefined for what can be none. */
export const readMailLink = (
  text: string,
): (PresentedSecret<"mail_link"> & { readonly tenant: TenantId }) | undefined => readSecret(text, ["mail_link"]);

/** Whether the link could be used, for a page that asks for more before it is. */
export const peekMailLink = (
  tx: Tx,
  link: PresentedSecret<"mail_link">,
  purpose: LinkPurpose,
  now: number,
): Promise<StoredLink | undefined> => findLink(tx, digestOctets(link.digest), purpose, new Date(now));

/** Uses the link: one of any number of uses at once is told whose it is. */
export const useMailLink = (
  tx: Tx,
  link: PresentedSecret<"mail_link">,
  purpose: LinkPurpose,
  now: number,
): Promise<StoredLink | undefined> => spendLink(tx, digestOctets(link.digest), purpose, new Date(now));

/** After a new password, older links to choose one are worth nothing. */
export const endMailLinks = (tx: Tx, human: Human, purpose: LinkPurpose, now: number): Promise<void> =>
  endLinks(tx, human.user, purpose, new Date(now));
