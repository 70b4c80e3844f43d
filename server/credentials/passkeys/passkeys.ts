/**
 * A human's passkeys (WebAuthn Level 3): registered by the signed-in, used with no name typed, or as the second factor of somebody known.
 * The relying party is the issuer's host. What is verified is the library's work; whose passkey it is, and that each answer counts once,
 * is ours.
 */
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from "@simplewebauthn/server";
import { fault, type Result } from "../../../core/faults.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { SecretKey } from "../../platform/keys/seal.ts";
import { newId } from "../../platform/random.ts";
import { digestOctets, digestOf } from "../../tokens/digest.ts";
import type { Human } from "../human.ts";
import { challenge_ttl_seconds, newChallenge, readChallenge } from "./challenge.ts";
import { handleOf, humanOfHandle, readCreated, readGot } from "./response.ts";
import {
  changeName,
  deletePasskey,
  findPasskey,
  insertPasskey,
  type PasskeyRow,
  passkeysOf,
  raiseCounter,
  spendChallenge,
} from "./store.ts";

export type PasskeyNeeds = {
  readonly issuer: string;
  /** Challenges are authenticated with a key derived from it. */
  readonly sealKey: SecretKey;
};

export type Passkey = {
  readonly id: string;
  readonly displayName: string;
  readonly createTime: Date;
  readonly useTime: Date | null;
  /** Synced between devices by its provider, as against bound to one. */
  readonly backedUp: boolean;
  readonly transports: readonly string[];
};

export const passkeys_max = 20;

/** The host whose passkeys they are, and the origin whose pages may ask for them (WebAuthn §5.1.2). */
const relyingParty = (issuer: string): { readonly id: string; readonly origin: string } => {
  const { hostname, origin } = new URL(issuer);
  return { id: hostname, origin };
};

/** No more is said of why: who is told could be anybody. */
export const passkeyRefused = fault("not_admissible", "the passkey was not accepted; try again");
/** Two authenticators have the same key, or the answer came twice: said apart so that it can be recorded. */
export const passkeyCounterWentBack = fault("not_admissible", "the passkey was not accepted; try again");

const passkeyOf = (row: Omit<PasskeyRow, "credential_id">): Passkey => ({
  id: row.id,
  displayName: row.display_name,
  createTime: row.create_time,
  useTime: row.use_time,
  backedUp: row.backed_up,
  transports: row.transports,
});

/** Oldest first. */
export const listPasskeys = async (tx: Tx, { user }: Human): Promise<readonly Passkey[]> =>
  (await passkeysOf(tx, user)).map(passkeyOf);

export const renamePasskey = (
  tx: Tx,
  { user, id }: Human & { readonly id: string },
  displayName: string,
): Promise<boolean> => changeName(tx, user, id, displayName);

export const removePasskey = (tx: Tx, { user, id }: Human & { readonly id: string }): Promise<boolean> =>
  deletePasskey(tx, user, id);

/** Whose the answer says it is, to open the transaction for; nothing is proven by it. Undefined where it names nobody. */
export const namedByPasskey = (response: unknown): Human | undefined => {
  const handle = readGot(response)?.response.response.userHandle;
  return handle === undefined ? undefined : humanOfHandle(handle);
};

/** The human's credentials as both ceremonies name them. */
const descriptorsOf = async (
  tx: Tx,
  { user }: Human,
): Promise<{ readonly id: string; readonly transports: string[] }[]> =>
  (await passkeysOf(tx, user)).map((row) => ({
    id: row.credential_id.toString("base64url"),
    transports: [...row.transports],
  }));

// ── registering (WebAuthn §7.1) ──

/** EdDSA, ES256, RS256 (COSE): what authenticators have, as they prefer them. */
const algorithms = [-8, -7, -257];
const transportsKnown = new Set(["ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"]);

/** What is handed to the page's script, as JSON. */
export type PasskeyOptions = Readonly<Record<string, unknown>> & { readonly challenge: string };

const tooMany = fault("not_admissible", `${passkeys_max} passkeys are the most there may be; remove one`);

/** For `navigator.credentials.create`. A fault where the human has as many as there may be. */
export const passkeyCreationOptions = async (
  { issuer, sealKey }: PasskeyNeeds,
  tx: Tx,
  asked: Human & {
    /** The e-mail address, and the name: what a chooser shows. */
    readonly accountName: string;
    readonly displayName: string;
    readonly serviceName: string;
    readonly now: number;
  },
): Promise<Result<PasskeyOptions>> => {
  const excludeCredentials = await descriptorsOf(tx, asked);
  if (excludeCredentials.length >= passkeys_max) return tooMany;
  const options = await generateRegistrationOptions({
    rpID: relyingParty(issuer).id,
    rpName: asked.serviceName,
    userID: new Uint8Array(handleOf(asked)),
    userName: asked.accountName,
    userDisplayName: asked.displayName,
    challenge: new Uint8Array(newChallenge(sealKey, { use: "create", human: asked }, asked.now)),
    timeout: challenge_ttl_seconds * 1000,
    attestationType: "none",
    excludeCredentials,
    // A key that can neither be found without a name nor ask for a PIN still is a second factor.
    authenticatorSelection: { residentKey: "preferred", userVerification: "preferred" },
    supportedAlgorithmIDs: algorithms,
  });
  return { ...options };
};

/** `response`: what the browser answered, as parsed JSON. */
export const registerPasskey = async (
  { issuer, sealKey }: PasskeyNeeds,
  tx: Tx,
  given: Human & { readonly response: unknown; readonly displayName: string; readonly now: number },
): Promise<Result<Passkey>> => {
  const read = readCreated(given.response);
  if (read === undefined) return passkeyRefused;
  const { response, said } = read;
  const ends = readChallenge(sealKey, said.challenge, { use: "create", human: given }, given.now);
  if (ends === undefined || !(await spendChallenge(tx, digestOctets(digestOf(said.challenge)), ends)))
    return passkeyRefused;
  if ((await descriptorsOf(tx, given)).length >= passkeys_max) return tooMany;

  const { id: expectedRPID, origin: expectedOrigin } = relyingParty(issuer);
  const verified = await verifyRegistrationResponse({
    response,
    expectedChallenge: said.challenge,
    expectedOrigin,
    expectedRPID,
    requireUserVerification: false,
    supportedAlgorithmIDs: algorithms,
  }).catch(() => undefined);
  if (verified?.verified !== true) return passkeyRefused;

  const { credential, aaguid, credentialBackedUp } = verified.registrationInfo;
  const row = {
    id: newId<string>(),
    user: given.user,
    credentialId: Buffer.from(credential.id, "base64url"),
    publicKey: Buffer.from(credential.publicKey),
    counter: credential.counter,
    transports: [...new Set(response.response.transports)].filter((one) => transportsKnown.has(one)),
    aaguid: /^[0-]+$/.test(aaguid) ? null : aaguid,
    backedUp: credentialBackedUp,
    displayName: given.displayName,
    createTime: new Date(given.now),
  };
  return (await insertPasskey(tx, row))
    ? passkeyOf({
        ...row,
        display_name: row.displayName,
        create_time: row.createTime,
        use_time: null,
        backed_up: row.backedUp,
      })
    : fault("already_exists", "this passkey is registered already");
};

// ── using (WebAuthn §7.2) ──

export type UsedPasskey = Human & {
  readonly id: string;
  /** The authenticator checked who its user is (PIN, fingerprint): the passkey is two factors in itself. */
  readonly userVerified: boolean;
  /** RFC 8176: a key that cannot leave its device, as against one that is synced. */
  readonly method: "hwk" | "swk";
};

/**
 * For `navigator.credentials.get`. Without a human: usernameless, which is what autofill asks for too (`mediation: "conditional"`), and
 * the authenticator has to verify its user. With one: a second factor, of that human's passkeys only.
 */
export const passkeyRequestOptions = async (
  { issuer, sealKey }: PasskeyNeeds,
  asked: { readonly now: number; readonly second?: { readonly tx: Tx; readonly human: Human } },
): Promise<PasskeyOptions> => {
  const { now, second } = asked;
  const use =
    second === undefined ? { use: "usernameless" as const } : { use: "second factor" as const, human: second.human };
  const options = await generateAuthenticationOptions({
    rpID: relyingParty(issuer).id,
    challenge: new Uint8Array(newChallenge(sealKey, use, now)),
    timeout: challenge_ttl_seconds * 1000,
    userVerification: second === undefined ? "required" : "preferred",
    ...(second === undefined ? {} : { allowCredentials: await descriptorsOf(second.tx, second.human) }),
  });
  return { ...options };
};

/**
 * Uses the passkey, once: the challenge is spent whatever comes of it. `human` is whose it must be, by `namedByPasskey` or by the session;
 * the transaction is for their home. With `second` the challenge must have been made for them as a second factor; without, it must have
 * been usernameless, and the user verified.
 */
export const usePasskey = async (
  { issuer, sealKey }: PasskeyNeeds,
  tx: Tx,
  given: { readonly response: unknown; readonly human: Human; readonly second: boolean; readonly now: number },
): Promise<Result<UsedPasskey>> => {
  const { human, second, now } = given;
  const read = readGot(given.response);
  if (read === undefined) return passkeyRefused;
  const { response, said } = read;
  const use = second ? { use: "second factor" as const, human } : { use: "usernameless" as const };
  const ends = readChallenge(sealKey, said.challenge, use, now);
  if (ends === undefined || !(await spendChallenge(tx, digestOctets(digestOf(said.challenge)), ends)))
    return passkeyRefused;
  // Step 6: the handle, where there is one, names whose credential it is.
  const handle = response.response.userHandle;
  if (handle === undefined ? !second : handle !== handleOf(human).toString("base64url")) return passkeyRefused;
  const stored = await findPasskey(tx, human.user, Buffer.from(response.id, "base64url"));
  if (stored === undefined) return passkeyRefused;

  const { id: expectedRPID, origin: expectedOrigin } = relyingParty(issuer);
  const verified = await verifyAuthenticationResponse({
    response,
    expectedChallenge: said.challenge,
    expectedOrigin,
    expectedRPID,
    requireUserVerification: !second,
    // The library looks at the counter before the signature. Below every counter, so that it is judged after, by the update.
    credential: { id: response.id, publicKey: new Uint8Array(stored.public_key), counter: -1 },
  }).catch(() => undefined);
  if (verified?.verified !== true) return passkeyRefused;

  const { newCounter, userVerified, credentialDeviceType, credentialBackedUp } = verified.authenticationInfo;
  const raised = await raiseCounter(tx, {
    id: stored.id,
    counter: newCounter,
    backedUp: credentialBackedUp,
    now: new Date(now),
  });
  return raised
    ? { ...human, id: stored.id, userVerified, method: credentialDeviceType === "singleDevice" ? "hwk" : "swk" }
    : passkeyCounterWentBack;
};
