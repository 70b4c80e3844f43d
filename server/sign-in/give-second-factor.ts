/**
 * The second factor: a TOTP code or a recovery code. Of a session that has only the first, which then is a full one; or of a full one that
 * steps up. Either way the session gets a new secret.
 */
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import { useRecoveryCode } from "../credentials/recovery-codes/recovery-codes.ts";
import { useTotp } from "../credentials/totp/totp.ts";
import { queueMail } from "../mail/queue-mail.ts";
import type { Tx } from "../platform/database/database.ts";
import { elevateSession } from "../sessions/begin-session.ts";
import type { Session } from "../sessions/model.ts";
import { mailLocale, welcomed } from "./complete.ts";
import { type Proof, withSecond } from "./factors.ts";
import { countFactorGuess } from "./guess-limits.ts";
import type { SignedIn, SignIn, Visit } from "./needs.ts";
import { record } from "./record.ts";
import { rememberDevice } from "./remembered-device.ts";
import { type Account, holdAccount, readReception } from "./store.ts";

export type SecondFactorGiven = {
  readonly kind: "totp" | "recovery_code";
  readonly code: string;
  /** Whether this browser may leave it out next time, where the tenant allows that. */
  readonly remember: boolean;
  readonly request: Visit;
};

const code_length_max = 64;

export const wrongCode = (): Fault => fault("invalid_credentials", "the code is not right, or was used before");
export const sessionGone = (): Fault => fault("invalid_credentials", "the session is over; sign in again");

export const giveSecondFactor = async (
  needs: SignIn,
  session: Session,
  given: SecondFactorGiven,
): Promise<Result<SignedIn>> => {
  const { kind, request } = given;
  const { database, clock } = needs.platform;
  const now = clock.now();
  const account = await database.transaction(session.home, (tx) => holdAccount(tx, session.user));
  if (account === undefined || !account.stands) return sessionGone();
  const guess = await countFactorGuess(needs, account, request);
  if (isFault(guess)) return guess;
  const answer = await database.transaction(session.home, async (tx): Promise<Result<SignedIn>> => {
    const isRight = given.code.length <= code_length_max && (await uses(needs, tx, session, given, now));
    if (!isRight) {
      const detail = { kind, reason: "wrong code" };
      await record(tx, { action: "sign-in.second-factor", outcome: "failed", human: session, request, now, detail });
      return wrongCode();
    }
    if (kind === "recovery_code") await tellRecoveryCodeUsed(needs, tx, account, request, now);
    return addSecondFactor(needs, tx, {
      account,
      session,
      second: ["otp"],
      remember: given.remember,
      request,
      now,
      kind,
    });
  });
  if (!isFault(answer)) await guess.right();
  return answer;
};

const uses = (needs: SignIn, tx: Tx, session: Session, given: SecondFactorGiven, now: number): Promise<boolean> =>
  given.kind === "totp"
    ? useTotp(tx, needs.sealKey, session, given.code, now)
    : useRecoveryCode(tx, session, given.code, now);

type Added = {
  readonly account: Account;
  readonly session: Session;
  readonly second: readonly ["otp"] | readonly [Proof];
  readonly remember: boolean;
  readonly request: Visit;
  readonly now: number;
  /** For the log. */
  readonly kind: string;
};

/** A second factor was right. In a transaction of the session's home. */
export const addSecondFactor = async (needs: SignIn, tx: Tx, added: Added): Promise<Result<SignedIn>> => {
  const { account, session, second, remember, request, now, kind } = added;
  const { policy, returning } = await readReception(tx, session.user);
  const proof = withSecond(session, second[0]);
  const hand = await elevateSession(tx, session, {
    state: "full",
    ...proof,
    policy,
    now,
    stepUp: session.state === "full",
    requestId: request.requestId,
  });
  if (hand === undefined) return sessionGone();
  const device = remember ? await rememberDevice(tx, session, policy, request, now) : undefined;
  const detail = { kind, acr: proof.acr, ...(device === undefined ? {} : { remembered: true }) };
  await record(tx, {
    action: "sign-in.second-factor",
    outcome: "done",
    human: session,
    session: session.id,
    request,
    now,
    detail,
  });
  const { cookies, ...welcome } = await welcomed(needs, tx, { account, hand, returning, request, now });
  return { ...welcome, next: "done", cookies: device === undefined ? cookies : [...cookies, device] };
};

const tellRecoveryCodeUsed = (needs: SignIn, tx: Tx, account: Account, request: Visit, now: number): Promise<void> =>
  queueMail(
    tx,
    needs.sealKey,
    {
      template: "second_factor_changed",
      change: "recovery_code_used",
      to: account.email,
      locale: mailLocale(account, request),
      tenant: account.home,
    },
    now,
  );
