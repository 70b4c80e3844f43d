/**
 * Enrolling a second factor because the tenant or an application asks for one: a session with only the first factor becomes a full one. An
 * old session that is full already proves who it is once more: else whoever found its cookie would make the account theirs.
 */
import { fault, isFault, type Fault, type Result } from "../../core/faults.ts";
import { passkeyCreationOptions, type PasskeyOptions, registerPasskey } from "../credentials/passkeys/passkeys.ts";
import { secondFactorsOf } from "../credentials/second-factors.ts";
import { beginTotp, confirmTotp, type NewTotp, showTotp } from "../credentials/totp/totp.ts";
import type { Tx } from "../platform/database/database.ts";
import type { Session } from "../sessions/model.ts";
import { hasSecondFactor } from "./factors.ts";
import { addSecondFactor, sessionGone, wrongCode } from "./give-second-factor.ts";
import { countFactorGuess } from "./guess-limits.ts";
import { isRecent, notRecent } from "./account/visit.ts";
import type { SignedIn, SignIn, Visit } from "./needs.ts";
import { type Account, holdAccount } from "./store.ts";

type Asking = { readonly serviceName: string; readonly deviceName: string; readonly request: Visit };

/** Whoever has a second factor gives it; a session with the first alone must not add one that suits it better. */
const alreadyEnrolled = (): Fault => fault("illegal_transition", "there is a second factor already; give that one");

const enrolling = async (needs: SignIn, tx: Tx, session: Session): Promise<Result<Account>> => {
  if (session.state === "full" && !isRecent(needs, session)) return notRecent();
  const account = await holdAccount(tx, session.user);
  if (account === undefined || !account.stands) return sessionGone();
  return hasSecondFactor(await secondFactorsOf(tx, session)) ? alreadyEnrolled() : account;
};

/** A TOTP device to confirm. `device` shows the one begun before again, as where its code was mistyped. */
export const beginTotpEnrolment = async (
  needs: SignIn,
  session: Session,
  { serviceName, deviceName, device }: Asking & { readonly device?: string | undefined },
): Promise<Result<NewTotp>> => {
  const { database, clock } = needs.platform;
  const now = clock.now();
  return database.transaction(session.home, async (tx): Promise<Result<NewTotp>> => {
    const account = await enrolling(needs, tx, session);
    if (isFault(account)) return account;
    const { home, user } = session;
    const shown = { home, user, accountName: account.email, issuerName: serviceName, now };
    const again = device === undefined ? undefined : await showTotp(tx, needs.sealKey, { ...shown, id: device });
    return again ?? (await beginTotp(tx, needs.sealKey, { ...shown, displayName: deviceName }));
  });
};

/** Confirms the TOTP device begun with `beginTotpEnrolment` in this session. */
export const enrolTotp = async (
  needs: SignIn,
  session: Session,
  { device, code, request }: { readonly device: string; readonly code: string; readonly request: Visit },
): Promise<Result<SignedIn>> => {
  const { database, clock } = needs.platform;
  const now = clock.now();
  const guess = await countFactorGuess(needs, { ...session, email: "" }, request);
  if (isFault(guess)) return guess;
  const answer = await database.transaction(session.home, async (tx): Promise<Result<SignedIn>> => {
    const account = await enrolling(needs, tx, session);
    if (isFault(account)) return account;
    const { home, user } = session;
    if (!(await confirmTotp(tx, needs.sealKey, { home, user, id: device }, code, now))) return wrongCode();
    return addSecondFactor(needs, tx, {
      account,
      session,
      second: ["otp"],
      remember: false,
      request,
      now,
      kind: "totp",
    });
  });
  if (!isFault(answer)) await guess.right();
  return answer;
};

export const beginPasskeyEnrolment = async (
  needs: SignIn,
  session: Session,
  { serviceName }: Pick<Asking, "serviceName">,
): Promise<Result<PasskeyOptions>> => {
  const { database, clock } = needs.platform;
  const now = clock.now();
  return database.transaction(session.home, async (tx): Promise<Result<PasskeyOptions>> => {
    const account = await enrolling(needs, tx, session);
    if (isFault(account)) return account;
    const { home, user } = session;
    const { email: accountName, displayName } = account;
    return passkeyCreationOptions(needs, tx, { home, user, accountName, displayName, serviceName, now });
  });
};

/** Registers a passkey. Making one proves possession and no more, so the class is that of two factors. */
export const enrolPasskey = async (
  needs: SignIn,
  session: Session,
  { response, deviceName, request }: Omit<Asking, "serviceName"> & { readonly response: unknown },
): Promise<Result<SignedIn>> => {
  const { database, clock } = needs.platform;
  const now = clock.now();
  return database.transaction(session.home, async (tx): Promise<Result<SignedIn>> => {
    const account = await enrolling(needs, tx, session);
    if (isFault(account)) return account;
    const { home, user } = session;
    const made = await registerPasskey(needs, tx, { home, user, response, displayName: deviceName, now });
    if (isFault(made)) return made;
    const method = made.backedUp ? "swk" : "hwk";
    const second = [{ methods: [method], acr: "urn:countersign:acr:single-factor" }] as const;
    return addSecondFactor(needs, tx, { account, session, second, remember: false, request, now, kind: "passkey" });
  });
};
