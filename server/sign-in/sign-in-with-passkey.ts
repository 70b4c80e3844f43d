/**
 * A passkey: as the first and only factor where it verified its user, as the second of a session that has the first, or to step up.
 */
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import type { TenantId } from "../../core/ids.ts";
import { namedByPasskey, usePasskey } from "../credentials/passkeys/passkeys.ts";
import { addressClass } from "../platform/web/address.ts";
import type { Session } from "../sessions/model.ts";
import { completeFirstFactor, endOther } from "./complete.ts";
import { byPasskey } from "./factors.ts";
import { addSecondFactor, sessionGone } from "./give-second-factor.ts";
import { countFactorGuess } from "./guess-limits.ts";
import type { SignedIn, SignIn, Visit } from "./needs.ts";
import { unproven } from "./prove-password.ts";
import { record, recordAlone } from "./record.ts";
import { holdAccount } from "./store.ts";

const wrongPasskey = (): Fault => fault("invalid_credentials", "the passkey was not accepted");

export type PasskeyGiven = {
  /** What `navigator.credentials.get` answered, as parsed JSON; nothing of it is believed. */
  readonly response: unknown;
  readonly context: TenantId | null;
  readonly request: Visit;
  readonly current?: Session | undefined;
};

/** Without a name or a password: the challenge was a usernameless one, and the authenticator verified its user. */
export const signInWithPasskey = async (needs: SignIn, given: PasskeyGiven): Promise<Result<SignedIn>> => {
  const { response, context, request, current } = given;
  const { database, clock } = needs.platform;
  const address = addressClass(request.address());
  const refused = await needs.limits.take("passkey.address", address);
  if (refused !== undefined) return refused;
  const now = clock.now();
  const human = namedByPasskey(response);
  const failed = { action: "sign-in.passkey", outcome: "failed", human: undefined, request, now } as const;
  if (human === undefined) {
    await recordAlone(needs, failed);
    return wrongPasskey();
  }
  const answer = await database.transaction(human.home, async (tx): Promise<Result<SignedIn>> => {
    const account = await holdAccount(tx, human.user);
    const used =
      account?.stands === true ? await usePasskey(needs, tx, { response, human, second: false, now }) : undefined;
    if (account === undefined || used === undefined || isFault(used)) {
      // Who an answer names that proves nothing is the say of whoever sent it: where there is nobody, the host's log has it.
      await record(tx, { ...failed, human: account });
      return wrongPasskey();
    }
    if (!account.verified && !account.member) return unproven();
    const proof = byPasskey(used.method, used.userVerified);
    const done = await completeFirstFactor(needs, tx, { account, proof, context, request, current, now });
    const detail = { passkey: used.id, acr: proof.acr, next: done.next };
    const { id: session } = done.session;
    await record(tx, { action: "sign-in.passkey", outcome: "done", human: account, session, request, now, detail });
    return done;
  });
  if (isFault(answer)) return answer;
  await needs.limits.giveBack("passkey.address", address);
  await endOther(needs, { current, home: human.home, request, now });
  return answer;
};

export type SecondPasskeyGiven = {
  readonly response: unknown;
  readonly remember: boolean;
  readonly request: Visit;
};

/** As the second factor of this session, or to step it up: one of this human's passkeys, for a challenge made for them. */
export const givePasskey = async (
  needs: SignIn,
  session: Session,
  { response, remember, request }: SecondPasskeyGiven,
): Promise<Result<SignedIn>> => {
  const { database, clock } = needs.platform;
  const now = clock.now();
  const account = await database.transaction(session.home, (tx) => holdAccount(tx, session.user));
  if (account === undefined || !account.stands) return sessionGone();
  const guess = await countFactorGuess(needs, account, request);
  if (isFault(guess)) return guess;
  const answer = await database.transaction(session.home, async (tx): Promise<Result<SignedIn>> => {
    const used = await usePasskey(needs, tx, { response, human: session, second: true, now });
    if (isFault(used)) {
      const detail = { kind: "passkey" };
      await record(tx, { action: "sign-in.second-factor", outcome: "failed", human: session, request, now, detail });
      return wrongPasskey();
    }
    const second = [byPasskey(used.method, used.userVerified)] as const;
    return addSecondFactor(needs, tx, { account, session, second, remember, request, now, kind: "passkey" });
  });
  if (!isFault(answer)) await guess.right();
  return answer;
};
