/** A forgotten password: a link by mail, and what it opens. */
import { isFault, type Result } from "../../core/faults.ts";
import { hostTenant, type TenantId } from "../../core/ids.ts";
import {
  endMailLinks,
  newMailLink,
  peekMailLink,
  readMailLink,
  useMailLink,
} from "../credentials/mail-links/mail-links.ts";
import { writePassword } from "../credentials/passwords/store.ts";
import { queueMail } from "../mail/queue-mail.ts";
import { platformIdentity } from "../principals/users/model.ts";
import { endSessionsOf } from "../sessions/end-session.ts";
import { hashNewPassword } from "./check-password.ts";
import { mailLocale, policyOf } from "./complete.ts";
import { endApiTokens } from "./end-api-tokens.ts";
import { evenly } from "./evenly.ts";
import { countLink, linkExpired, linkUrl } from "./links.ts";
import { countMail } from "./mail-limits.ts";
import type { SignIn, Visit } from "./needs.ts";
import { email_length_max } from "./prove-password.ts";
import { record, recordAlone } from "./record.ts";
import { findAccount, forgetDevices, holdAccount, isMember, markEmailVerified } from "./store.ts";

const purpose = "reset_password";

export type ResetAsked = {
  readonly email: string;
  readonly context: TenantId | null;
  /** The authorization request that was interrupted. */
  readonly continueWith?: string | undefined;
  readonly request: Visit;
};

/** The answer is the same whether or not the address is known. */
export const requestPasswordReset = (needs: SignIn, asked: ResetAsked): Promise<Result<void>> =>
  evenly(() => sendLink(needs, asked));

const sendLink = async (needs: SignIn, asked: ResetAsked): Promise<Result<void>> => {
  const { context, request } = asked;
  const { database, clock } = needs.platform;
  const email = asked.email.trim();
  if (email.length > email_length_max || email.includes("\0")) return undefined;
  const counted = await countMail(needs, email, request);
  if (isFault(counted)) return counted;
  const account = await findAccount(database, hostTenant, email, context);
  const now = clock.now();
  const step = { action: "sign-in.request-reset", human: account, request, now } as const;
  if (counted === "enough" || account === undefined || !account.stands || account.identitySource !== platformIdentity)
    return recordAlone(needs, { ...step, outcome: "failed" });
  return database.transaction(account.home, async (tx) => {
    await record(tx, { ...step, outcome: "done" });
    // Who has not proven an address yet, and is a member of nothing, proves it first, with the password chosen then.
    if (!account.verified && !(await isMember(tx, account.user))) return;
    const token = await newMailLink(tx, account, purpose, account.email, now);
    if (token === undefined) return;
    const url = linkUrl(needs, "reset-password", token, asked.continueWith);
    const { email: to, home: tenant } = account;
    await queueMail(
      tx,
      needs.sealKey,
      { template: "reset_password", url, to, locale: mailLocale(account, request), tenant },
      now,
    );
  });
};

/** Whether the link could still be used, for the page that asks for the new password. Uses nothing up. */
export const checkResetLink = async (
  needs: SignIn,
  { link, request }: { readonly link: string; readonly request: Visit },
): Promise<Result<{ readonly email: string; readonly tenant: TenantId }>> => {
  const { database, clock } = needs.platform;
  const refused = await countLink(needs, request);
  if (refused !== undefined) return refused;
  const presented = readMailLink(link);
  if (presented === undefined) return linkExpired();
  const found = await database.transaction(presented.tenant, (tx) => peekMailLink(tx, presented, purpose, clock.now()));
  return found === undefined ? linkExpired() : { email: found.email, tenant: presented.tenant };
};

export type ResetGiven = { readonly link: string; readonly password: string; readonly request: Visit };

/**
 * Sets the password and uses the link up, once: in the same transaction every session, token and remembered device of the human ends, their
 * API tokens with them, and every other link to choose a password. They sign in next. Reading the mail proves the address.
 */
export const resetPassword = async (needs: SignIn, given: ResetGiven): Promise<Result<{ readonly email: string }>> => {
  const { password, request } = given;
  const { database, clock } = needs.platform;
  const refused = await countLink(needs, request);
  if (refused !== undefined) return refused;
  const link = readMailLink(given.link);
  if (link === undefined) return linkExpired();
  const about = await database.transaction(link.tenant, async (tx) => {
    const found = await peekMailLink(tx, link, purpose, clock.now());
    const account = found && (await holdAccount(tx, found.user));
    return account && { account, lengthMin: (await policyOf(tx, link.tenant)).password_length_min };
  });
  if (about === undefined || !about.account.stands) return linkExpired();
  const { account, lengthMin } = about;
  const hash = await hashNewPassword(needs, password, {
    lengthMin,
    email: account.email,
    displayName: account.displayName,
  });
  if (isFault(hash)) return hash;
  const now = clock.now();
  return database.transaction(link.tenant, async (tx): Promise<Result<{ readonly email: string }>> => {
    const used = await useMailLink(tx, link, purpose, now);
    // The address may have been changed since: then the link proves nothing about the account any more.
    if (used === undefined || !(await markEmailVerified(tx, used.user, used.email, new Date(now))))
      return linkExpired();
    await writePassword(tx, used.user, hash, now);
    await endMailLinks(tx, { home: link.tenant, user: used.user }, purpose, now);
    await forgetDevices(tx, used.user);
    const ending = { reason: "password_reset", now, requestId: request.requestId, offline: true } as const;
    const sessions = await endSessionsOf(tx, used.user, ending);
    const apiTokens = await endApiTokens(tx, { home: link.tenant, user: used.user }, request, now);
    await record(tx, {
      action: "sign-in.reset-password",
      outcome: "done",
      human: account,
      request,
      now,
      detail: { sessions, api_tokens: apiTokens },
    });
    const { email: to, home: tenant } = account;
    await queueMail(
      tx,
      needs.sealKey,
      { template: "password_reset", to, locale: mailLocale(account, request), tenant },
      now,
    );
    return { email: used.email };
  });
};
