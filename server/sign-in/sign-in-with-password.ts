/** The first factor: an e-mail address and a password. */
import { isFault, type Result } from "../../core/faults.ts";
import type { TenantId } from "../../core/ids.ts";
import type { Session } from "../sessions/model.ts";
import { completeFirstFactor, endOther } from "./complete.ts";
import { byPassword } from "./factors.ts";
import type { SignedIn, SignIn, Visit } from "./needs.ts";
import { provePassword, stillProven } from "./prove-password.ts";
import { record } from "./record.ts";

export type PasswordGiven = {
  readonly email: string;
  readonly password: string;
  /** The tenant people are signing in to; null for none in particular. */
  readonly context: TenantId | null;
  readonly request: Visit;
  /** The session the browser has: renewed where it is the same human's, ended where it is another's. */
  readonly current?: Session | undefined;
};

export const signInWithPassword = async (needs: SignIn, given: PasswordGiven): Promise<Result<SignedIn>> => {
  const { context, request, current } = given;
  const proven = await provePassword(needs, given);
  if (isFault(proven)) return proven;
  const now = needs.platform.clock.now();
  const { home } = proven.account;
  const answer = await needs.platform.database.transaction(home, async (tx) => {
    const account = await stillProven(tx, proven);
    if (isFault(account)) return account;
    const done = await completeFirstFactor(needs, tx, { account, proof: byPassword, context, request, current, now });
    const { id: session } = done.session;
    const detail = { next: done.next };
    await record(tx, { action: "sign-in.password", outcome: "done", human: account, session, request, now, detail });
    return done;
  });
  if (!isFault(answer)) await endOther(needs, { current, home, request, now });
  return answer;
};
