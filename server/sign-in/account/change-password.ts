/**
 * A new password, in exchange for the one there is. Every other session ends, and so does every remembered device; this one gets a new
 * secret. Whoever has no password yet (a passkey alone) must have proven who they are a moment ago.
 */
import { isFault, type Result } from "../../../core/faults.ts";
import { endMailLinks } from "../../credentials/mail-links/mail-links.ts";
import { writePassword } from "../../credentials/passwords/store.ts";
import { queueMail } from "../../mail/queue-mail.ts";
import { elevateSession } from "../../sessions/begin-session.ts";
import { endSessionsOf } from "../../sessions/end-session.ts";
import { hashNewPassword } from "../check-password.ts";
import { mailLocale, policyOf } from "../complete.ts";
import { sessionGone } from "../give-second-factor.ts";
import { countGuess } from "../guess-limits.ts";
import type { SignIn } from "../needs.ts";
import { wrongCredentials } from "../prove-password.ts";
import { recordAlone } from "../record.ts";
import { type Account, forgetDevices, holdAccount } from "../store.ts";
import { keptElsewhere } from "./change-profile.ts";
import { type Asking, isRecent, note, notRecent, withAccount } from "./visit.ts";

export type PasswordChange = { readonly current: string; readonly next: string };

/** Answers with the session's new cookie. */
export const changePassword = async (
  needs: SignIn,
  asking: Asking,
  { current, next }: PasswordChange,
): Promise<Result<{ readonly cookie: string }>> => {
  const { session, request } = asking;
  const about = await withAccount(needs, asking, async (tx, account) => ({
    account,
    lengthMin: (await policyOf(tx, account.home)).password_length_min,
  }));
  if (isFault(about)) return about;
  const { account, lengthMin } = about;
  const kept = keptElsewhere(account);
  if (kept !== undefined) return kept;
  const unproven = await refusedAs(needs, asking, account, current);
  if (unproven !== undefined) return unproven;
  const { email, displayName } = account;
  const hash = await hashNewPassword(needs, next, { lengthMin, email, displayName });
  if (isFault(hash)) return hash;

  return needs.platform.database.transaction(session.home, async (tx): Promise<Result<{ readonly cookie: string }>> => {
    const now = needs.platform.clock.now();
    const held = await holdAccount(tx, session.user, "alone");
    // Another change came first: what was proven is not the password any more.
    if (held === undefined || !held.stands || held.password !== account.password) return wrongCredentials();
    const { methods, acr, state } = session;
    const policy = await policyOf(tx, session.home);
    const hand = await elevateSession(tx, session, { state, methods, acr, policy, now, stepUp: true });
    if (hand === undefined) return sessionGone();
    await writePassword(tx, session.user, hash, now);
    await endMailLinks(tx, session, "reset_password", now);
    await forgetDevices(tx, session.user);
    const ending = { reason: "password_changed", now, requestId: request.requestId, offline: true } as const;
    const sessions = await endSessionsOf(tx, session.user, { ...ending, except: session.id });
    await note(tx, asking, "change-password", now, { sessions });
    const locale = mailLocale(account, request);
    await queueMail(tx, needs.sealKey, { template: "password_changed", to: email, locale, tenant: account.home }, now);
    return { cookie: hand.cookie };
  });
};

/** A guess like any other: counted before it is looked at. */
export const refusedAs = async (needs: SignIn, asking: Asking, account: Account, password: string) => {
  if (account.password === null) return isRecent(needs, asking.session) ? undefined : notRecent();
  const guess = await countGuess(needs, account.email, asking.request);
  if (isFault(guess)) return guess;
  const verified = await needs.hasher.verify(account.password, password);
  if (isFault(verified)) {
    await guess.unseen();
    return verified;
  }
  if (verified.matches) {
    await guess.right();
    return undefined;
  }
  const now = needs.platform.clock.now();
  const { request } = asking;
  await recordAlone(needs, { action: "account.password", outcome: "failed", human: account, request, now });
  return wrongCredentials();
};
