/**
 * Whether a password is the one of the account an address stands for. One answer for every way in which it is not: nobody known by the
 * address, no password, a wrong one, a suspended human or tenant; and where nobody is known as much is computed as for anybody.
 */
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import { hostTenant, type TenantId } from "../../core/ids.ts";
import { replaceHash } from "../credentials/passwords/store.ts";
import type { Tx } from "../platform/database/database.ts";
import { countGuess } from "./guess-limits.ts";
import type { SignIn, Visit } from "./needs.ts";
import { recordAlone } from "./record.ts";
import { type Account, findAccount, holdAccount } from "./store.ts";

export const email_length_max = 254;

export type PasswordClaim = {
  readonly email: string;
  readonly password: string;
  /** The tenant people are signing in to; null for none in particular. */
  readonly context: TenantId | null;
  readonly request: Visit;
  /** What the log calls it. */
  readonly action?: string;
};

export type ProvenPassword = {
  readonly account: Account;
  /** The hash that matched. It may have been replaced by the time it counts. */
  readonly stored: string;
  /** A new hash of the same password, where the old one was imported or is out of date. */
  readonly rehashed: string | undefined;
};

export const wrongCredentials = (): Fault =>
  fault("invalid_credentials", "the e-mail address and the password do not go together");

/** The answer to the right password of an account whose address was never proven: whoever hears it is who registered. */
export const unproven = (): Fault =>
  fault("not_admissible", "the e-mail address is not proven yet; use the link that was sent to it");

export const provePassword = async (needs: SignIn, claim: PasswordClaim): Promise<Result<ProvenPassword>> => {
  const { platform, hasher } = needs;
  const email = claim.email.trim();
  if (email.length > email_length_max || email.includes("\0")) return wrongCredentials();
  const guess = await countGuess(needs, email, claim.request);
  if (isFault(guess)) return guess;
  const account = await findAccount(platform.database, hostTenant, email, claim.context);
  const verified = await hasher.verify(account?.password ?? null, claim.password);
  if (isFault(verified)) {
    await guess.unseen();
    return verified;
  }
  if (account === undefined || account.password === null || !verified.matches || !account.stands) {
    await recordAlone(needs, {
      action: claim.action ?? "sign-in.password",
      outcome: "failed",
      human: account,
      request: claim.request,
      now: platform.clock.now(),
      detail: { reason: reasonOf(account, verified.matches) },
    });
    return wrongCredentials();
  }
  await guess.right();
  const rehashed = verified.rehash ? await hasher.hash(claim.password) : undefined;
  return { account, stored: account.password, rehashed: isFault(rehashed) ? undefined : rehashed };
};

const reasonOf = (account: Account | undefined, matches: boolean): string => {
  if (account === undefined) return "unknown account";
  if (account.password === null) return "no password";
  return matches ? "suspended" : "wrong password";
};

/**
 * The account as it is now, in the transaction that lets it in: still standing, and with the password that was proven. In a transaction of
 * its home, which neither a suspension nor a new password can then overtake.
 */
export const stillProven = async (tx: Tx, { account, stored, rehashed }: ProvenPassword): Promise<Result<Account>> => {
  const now = await holdAccount(tx, account.user);
  if (now === undefined || !now.stands || now.password !== stored) return wrongCredentials();
  // Who registered by itself is nobody until the address is proven: not by a membership either, which was meant for the address's owner.
  if (!now.verified && (!now.member || now.chosenByStranger)) return unproven();
  if (rehashed !== undefined) await replaceHash(tx, now.user, stored, rehashed);
  return now;
};
