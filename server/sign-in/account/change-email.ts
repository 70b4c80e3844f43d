/** A new e-mail address: it counts once the link that was sent to it is used, and the old one hears of it. */
import { type Result, fault, isFault } from "../../../core/faults.ts";
import { principalRef } from "../../../core/ids.ts";
import { newMailLink, peekMailLink, readMailLink, useMailLink } from "../../credentials/mail-links/mail-links.ts";
import { emit } from "../../events/store.ts";
import { queueMail } from "../../mail/queue-mail.ts";
import { ownAttribution } from "../../sessions/attribution.ts";
import { mailLocale } from "../complete.ts";
import { countLink, linkExpired } from "../links.ts";
import { countMail } from "../mail-limits.ts";
import type { SignIn, Visit } from "../needs.ts";
import { record } from "../record.ts";
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

type LinkGiven = { readonly link: string; readonly request: Visit };

/** Uses nothing up. */
export const readEmailChange = async (needs: SignIn, given: LinkGiven): Promise<Result<{ readonly email: string }>> => {
  const refused = await countLink(needs, given.request);
  if (refused !== undefined) return refused;
  const link = readMailLink(given.link);
  if (link === undefined) return linkExpired();
  const { database, clock } = needs.platform;
  const found = await database.transaction(link.tenant, (tx) => peekMailLink(tx, link, purpose, clock.now()));
  return found === undefined ? linkExpired() : { email: found.email };
};

/** Uses the link, once. Reading the mail is the proof; no session is needed, and none is begun. */
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
    const used = await useMailLink(tx, link, purpose, now);
    const account = used && (await holdAccount(tx, used.user));
    // Taken by somebody else meanwhile gets the same answer: who opens the link need not be who asked for it.
    if (used === undefined || account === undefined || !account.stands) return linkExpired();
    if (!(await changeEmail(tx, account.user, used.email, new Date(now)))) return linkExpired();
    const { request } = given;
    await record(tx, { action: "account.change-email", outcome: "done", human: account, request, now });
    const attribution = ownAttribution({ user: account.user }, request.requestId);
    const subject = principalRef("human", account.user);
    await emit(tx, { type: "user.updated", subject, data: { email_changed: true } }, attribution, now);
    const { email: to, home: tenant } = account;
    const locale = mailLocale(account, request);
    await queueMail(tx, needs.sealKey, { template: "email_changed", newEmail: used.email, to, locale, tenant }, now);
    return { email: used.email };
  });
};
