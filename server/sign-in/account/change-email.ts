/** A new e-mail address: it counts once the link that was sent to it is used, and the old one hears of it. */
import { type Result, fault, isFault } from "../../../core/faults.ts";
import { type PrincipalId, principalRef, type TenantId } from "../../../core/ids.ts";
import { newMailLink, peekMailLink, readMailLink, useMailLink } from "../../credentials/mail-links/mail-links.ts";
import { emit } from "../../events/store.ts";
import { queueMail } from "../../mail/queue-mail.ts";
import { ownAttribution } from "../../sessions/attribution.ts";
import { mailLocale } from "../complete.ts";
import { countLink, linkExpired } from "../links.ts";
import { countMail } from "../mail-limits.ts";
import type { SignIn } from "../needs.ts";
import { holdAccount } from "../store.ts";
import { keptElsewhere } from "./change-profile.ts";
import { changeEmail } from "./store.ts";
import { type Asking, note, withRecent } from "./visit.ts";

const purpose = "change_email";

/**
 * Sends the link. Whether the address is somebody else's is not said: whoever reads its mail finds out, and nobody else.
 */
export const askForEmailChange = async (needs: SignIn, asking: Asking, email: string): Promise<Result<void>> => {
  const counted = await countMail(needs, email, asking.request);
  if (isFault(counted)) return counted;
  return withRecent<void>(needs, asking, async (tx, account, now) => {
    const kept = keptElsewhere(account);
    if (kept !== undefined) return kept;
    if (counted === "enough") return undefined;
    const token = await newMailLink(tx, account, purpose, email, now);
    if (token === undefined) return fault("rate_limited", "too many links were sent; wait before the next one");
    const url = `${needs.issuer}/account/email?link=${token}`;
    const locale = mailLocale(account, asking.request);
    await queueMail(tx, needs.sealKey, { template: "change_email", url, to: email, locale, tenant: account.home }, now);
    await note(tx, asking, "ask-email-change", now);
    return undefined;
  });
};

type LinkGiven = Asking & { readonly link: string };

/** Whoever opens the link is not who asked for it: another account would be given their address. */
const notWhoAsked = () =>
  fault("permission_denied", "the link is for another account; sign in with the account that is to have the address");

/** Uses nothing up. */
export const readEmailChange = async (needs: SignIn, given: LinkGiven): Promise<Result<{ readonly email: string }>> => {
  const refused = await countLink(needs, given.request);
  if (refused !== undefined) return refused;
  const link = readMailLink(given.link);
  if (link === undefined) return linkExpired();
  const { database, clock } = needs.platform;
  const found = await database.transaction(link.tenant, (tx) => peekMailLink(tx, link, purpose, clock.now()));
  if (found === undefined) return linkExpired();
  return isWhoAsked(given, link.tenant, found.user) ? { email: found.email } : notWhoAsked();
};

const isWhoAsked = ({ session }: LinkGiven, home: TenantId, user: PrincipalId): boolean =>
  session.state === "full" && session.home === home && session.user === user;

/**
 * Uses the link, once. Reading the mail proves the address, and the session that it is wanted: a link alone would let anybody have their own
 * account given somebody else's address, by a reader who presses a button too many.
 */
export const changeEmailByLink = async (
  needs: SignIn,
  given: LinkGiven,
): Promise<Result<{ readonly email: string }>> => {
  const refused = await countLink(needs, given.request);
  if (refused !== undefined) return refused;
  const link = readMailLink(given.link);
  if (link === undefined) return linkExpired();
  const { database, clock } = needs.platform;
  return database.transaction(link.tenant, async (tx): Promise<Result<{ readonly email: string }>> => {
    const now = clock.now();
    const meant = await peekMailLink(tx, link, purpose, now);
    if (meant !== undefined && !isWhoAsked(given, link.tenant, meant.user)) return notWhoAsked();
    const used = await useMailLink(tx, link, purpose, now);
    const account = used && (await holdAccount(tx, used.user));
    // Taken by somebody else meanwhile gets the same answer: whose it is now is nobody else's to know.
    if (used === undefined || account === undefined || !account.stands) return linkExpired();
    if (!(await changeEmail(tx, account.user, used.email, new Date(now)))) return linkExpired();
    const { request } = given;
    await note(tx, given, "change-email", now);
    const attribution = ownAttribution(given.session, request.requestId);
    const subject = principalRef("human", account.user);
    await emit(tx, { type: "user.updated", subject, data: { email_changed: true } }, attribution, now);
    const { email: to, home: tenant } = account;
    const locale = mailLocale(account, request);
    await queueMail(tx, needs.sealKey, { template: "email_changed", newEmail: used.email, to, locale, tenant }, now);
    return { email: used.email };
  });
};
