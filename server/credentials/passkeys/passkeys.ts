/** Passkeys (WebAuthn Level 3): what a browser is asked for, and what it answers. */
import type { Result } from "../../../core/faults.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { Human } from "../human.ts";

/** `challengeKey`: derivedKey(secretKey, "passkey challenges"). */
export type PasskeyNeeds = { readonly issuer: string; readonly challengeKey: Buffer };

export type Passkey = {
  readonly id: string;
  readonly displayName: string;
  readonly createTime: Date;
  readonly useTime: Date | null;
  /** Synced between devices by its provider, as against bound to one. */
  readonly backedUp: boolean;
  readonly transports: readonly string[];
};

/** What is handed to the page's script, as JSON. */
export type PasskeyOptions = Readonly<Record<string, unknown>> & { readonly challenge: string };

export type UsedPasskey = Human & {
  readonly id: string;
  /** The authenticator checked who its user is (PIN, fingerprint): the passkey is two factors in itself. */
  readonly userVerified: boolean;
  /** RFC 8176: a key that cannot leave its device, as against one that is synced. */
  readonly method: "hwk" | "swk";
};

/** For `navigator.credentials.create`. A fault where the human has as many as there may be. */
export const passkeyCreationOptions = async (
  _needs: PasskeyNeeds,
  _tx: Tx,
  _asked: Human & {
    readonly accountName: string;
    readonly displayName: string;
    readonly serviceName: string;
    readonly now: number;
  },
): Promise<Result<PasskeyOptions>> => {
  throw new Error("not yet");
};

/** `response`: what the browser answered, as parsed JSON; nothing of it is believed. */
export const registerPasskey = async (
  _needs: PasskeyNeeds,
  _tx: Tx,
  _given: Human & { readonly response: unknown; readonly displayName: string; readonly now: number },
): Promise<Result<Passkey>> => {
  throw new Error("not yet");
};

/**
 * For `navigator.credentials.get`. With no human: usernameless, also for autofill (`mediation: "conditional"`), and the authenticator has to
 * verify its user. With one (a second factor): that human's passkeys only; it needs `tx`.
 */
export const passkeyRequestOptions = async (
  _needs: PasskeyNeeds,
  _asked: { readonly now: number; readonly second?: { readonly tx: Tx; readonly human: Human } },
): Promise<PasskeyOptions> => {
  throw new Error("not yet");
};

/** Whose the answer says it is, to open the transaction for; nothing is proven yet. Undefined where it names nobody. */
export const namedByPasskey = (_response: unknown): Human | undefined => {
  throw new Error("not yet");
};

/**
 * Proves the passkey, once. `human`: whose it must be. Without `second` the challenge must have been a usernameless one, and the user must
 * have been verified; with it, one for this human. Faults are `invalid_grant`-like: `not_admissible` with no more said than that it failed.
 */
export const usePasskey = async (
  _needs: PasskeyNeeds,
  _tx: Tx,
  _given: { readonly response: unknown; readonly human: Human; readonly second: boolean; readonly now: number },
): Promise<Result<UsedPasskey>> => {
  throw new Error("not yet");
};

export const listPasskeys = async (_tx: Tx, _human: Human): Promise<readonly Passkey[]> => {
  throw new Error("not yet");
};
export const renamePasskey = async (
  _tx: Tx,
  _passkey: Human & { readonly id: string },
  _displayName: string,
): Promise<boolean> => {
  throw new Error("not yet");
};
export const removePasskey = async (_tx: Tx, _passkey: Human & { readonly id: string }): Promise<boolean> => {
  throw new Error("not yet");
};
