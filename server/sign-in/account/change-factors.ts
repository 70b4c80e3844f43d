/** A human's own passkeys, authenticator apps and recovery codes. Each change needs a fresh proof, is noted, and told by mail. */
import { fault, isFault, type Result } from "../../../core/faults.ts";
import {
  listPasskeys,
  type Passkey,
  passkeyCreationOptions,
  type PasskeyOptions,
  registerPasskey,
  removePasskey,
  renamePasskey,
} from "../../credentials/passkeys/passkeys.ts";
import { newRecoveryCodes } from "../../credentials/recovery-codes/recovery-codes.ts";
import {
  beginTotp,
  confirmTotp,
  listTotp,
  type NewTotp,
  removeTotp,
  showTotp,
  type TotpDevice,
} from "../../credentials/totp/totp.ts";
import type { FactorChange } from "../../mail/model.ts";
import { queueMail } from "../../mail/queue-mail.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { Session } from "../../sessions/model.ts";
import { mailLocale } from "../complete.ts";
import { wrongCode } from "../give-second-factor.ts";
import { countFactorGuess } from "../guess-limits.ts";
import type { SignIn } from "../needs.ts";
import { type Account, forgetDevices } from "../store.ts";
import { keptElsewhere } from "./change-profile.ts";
import { type Asking, note, withAccount, withRecent } from "./visit.ts";

const tell = async (
  needs: SignIn,
  tx: Tx,
  asking: Asking,
  account: Account,
  change: FactorChange,
  now: number,
): Promise<void> => {
  await note(tx, asking, change.replaceAll("_", "-"), now);
  const { email: to, home: tenant } = account;
  const locale = mailLocale(account, asking.request);
  await queueMail(tx, needs.sealKey, { template: "second_factor_changed", change, to, locale, tenant }, now);
};

const gone = () => fault("not_found", "it is not there any more");

// ── passkeys ──

export const ownPasskeys = (needs: SignIn, session: Session): Promise<Result<readonly Passkey[]>> =>
  withAccount(needs, { session }, (tx) => listPasskeys(tx, session));

export const beginPasskey = (needs: SignIn, session: Session, serviceName: string): Promise<Result<PasskeyOptions>> =>
  withAccount(needs, { session }, async (tx, account, now) => {
    const { home, user, email: accountName, displayName } = account;
    return passkeyCreationOptions(needs, tx, { home, user, accountName, displayName, serviceName, now });
  });

export const addPasskey = (
  needs: SignIn,
  asking: Asking,
  { response, displayName }: { readonly response: unknown; readonly displayName: string },
): Promise<Result<void>> =>
  withRecent<void>(needs, asking, async (tx, account, now) => {
    const kept = keptElsewhere(account);
    if (kept !== undefined) return kept;
    const { home, user } = account;
    const made = await registerPasskey(needs, tx, { home, user, response, displayName, now });
    if (isFault(made)) return made;
    await tell(needs, tx, asking, account, "passkey_added", now);
    return undefined;
  });

export const nameOwnPasskey = (
  needs: SignIn,
  asking: Asking,
  { id, displayName }: { readonly id: string; readonly displayName: string },
): Promise<Result<void>> =>
  withAccount<void>(needs, asking, async (tx, { home, user }, now) => {
    if (!(await renamePasskey(tx, { home, user, id }, displayName))) return gone();
    await note(tx, asking, "rename-passkey", now);
    return undefined;
  });

export const removeOwnPasskey = (needs: SignIn, asking: Asking, id: string): Promise<Result<void>> =>
  withRecent<void>(needs, asking, async (tx, account, now) => {
    const { home, user } = account;
    if (!(await removePasskey(tx, { home, user, id }))) return gone();
    await forgetDevices(tx, user);
    await tell(needs, tx, asking, account, "passkey_removed", now);
    return undefined;
  });

// ── authenticator apps ──

export const ownTotp = (needs: SignIn, session: Session): Promise<Result<readonly TotpDevice[]>> =>
  withAccount(needs, { session }, (tx) => listTotp(tx, session));

type Labels = { readonly serviceName: string; readonly displayName: string };

/** `device` shows the one begun before again, as where its code was mistyped. */
export const beginOwnTotp = (
  needs: SignIn,
  asking: Asking,
  { serviceName, displayName, device }: Labels & { readonly device: string | undefined },
): Promise<Result<NewTotp>> =>
  withRecent(needs, asking, async (tx, account, now): Promise<Result<NewTotp>> => {
    const kept = keptElsewhere(account);
    if (kept !== undefined) return kept;
    const { home, user, email: accountName } = account;
    const shown = { home, user, accountName, issuerName: serviceName, now };
    const again = device === undefined ? undefined : await showTotp(tx, needs.sealKey, { ...shown, id: device });
    return again ?? beginTotp(tx, needs.sealKey, { ...shown, displayName });
  });

export const addTotp = async (
  needs: SignIn,
  asking: Asking,
  { device, code }: { readonly device: string; readonly code: string },
): Promise<Result<void>> => {
  const { session, request } = asking;
  const guess = await countFactorGuess(needs, { ...session, email: "" }, request);
  if (isFault(guess)) return guess;
  const added = await withRecent<void>(needs, asking, async (tx, account, now) => {
    const { home, user } = account;
    if (!(await confirmTotp(tx, needs.sealKey, { home, user, id: device }, code, now))) return wrongCode();
    await tell(needs, tx, asking, account, "totp_added", now);
    return undefined;
  });
  if (!isFault(added)) await guess.right();
  return added;
};

export const removeOwnTotp = (needs: SignIn, asking: Asking, id: string): Promise<Result<void>> =>
  withRecent<void>(needs, asking, async (tx, account, now) => {
    const { home, user } = account;
    if (!(await removeTotp(tx, { home, user, id }))) return gone();
    await forgetDevices(tx, user);
    await tell(needs, tx, asking, account, "totp_removed", now);
    return undefined;
  });

// ── recovery codes ──

/** Ten new ones, shown once; those there were are gone. */
export const renewRecoveryCodes = (needs: SignIn, asking: Asking): Promise<Result<readonly string[]>> =>
  withRecent(needs, asking, async (tx, account, now): Promise<Result<readonly string[]>> => {
    const kept = keptElsewhere(account);
    if (kept !== undefined) return kept;
    const codes = await newRecoveryCodes(tx, account, now);
    await tell(needs, tx, asking, account, "recovery_codes_renewed", now);
    return codes;
  });
