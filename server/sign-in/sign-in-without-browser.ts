/**
 * An e-mail address and a password where there is no browser, and so no session and no page to ask for more on: only whoever would be asked
 * for nothing more gets in. For first-party applications that a tenant enables (gRPC `IssueToken`).
 */
import { fault, isFault, type Result } from "../../core/faults.ts";
import { secondFactorsOf } from "../credentials/second-factors.ts";
import { policyOf } from "./complete.ts";
import { byPassword, nextAfter, type Proof, stricter } from "./factors.ts";
import type { SignIn } from "./needs.ts";
import { type PasswordClaim, provePassword, stillProven } from "./prove-password.ts";
import { record } from "./record.ts";
import type { Account } from "./store.ts";

export type ProvenHuman = Pick<Account, "home" | "user" | "identitySource"> &
  Proof & {
    /** Ms since the epoch. */
    readonly authTime: number;
  };

export const signInWithoutBrowser = async (needs: SignIn, claim: PasswordClaim): Promise<Result<ProvenHuman>> => {
  const { context, request } = claim;
  const action = claim.action ?? "sign-in.password-grant";
  const proven = await provePassword(needs, { ...claim, action });
  if (isFault(proven)) return proven;
  const now = needs.platform.clock.now();
  return needs.platform.database.transaction(proven.account.home, async (tx): Promise<Result<ProvenHuman>> => {
    const account = await stillProven(tx, proven);
    if (isFault(account)) return account;
    const { mfa: own } = await policyOf(tx, account.home);
    const mfa = context === null || context === account.home ? own : stricter(own, (await policyOf(tx, context)).mfa);
    const factors = await secondFactorsOf(tx, account);
    const next = nextAfter({ mfa, proof: byPassword, factors, remembered: false });
    const outcome = next === "done" ? "done" : "denied";
    await record(tx, { action, outcome, human: account, request, now, detail: { next } });
    return next === "done"
      ? { home: account.home, user: account.user, identitySource: account.identitySource, ...byPassword, authTime: now }
      : fault("invalid_credentials", "this account signs in with a second factor, which takes a browser");
  });
};
