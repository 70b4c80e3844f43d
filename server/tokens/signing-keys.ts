/**
 * The keys access tokens are signed with: ES256, sealed at rest, rotated.
 *
 * A key is published for as long as a relying party may cache the key set before it signs, and stays published until the last
 * token it can have signed has expired. Every process reads the same rows, so all of them sign with the same key at the same time.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import type { JWK } from "jose";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { type SecretKey, seal, unseal } from "../platform/keys/seal.ts";
import type { Log } from "../platform/log.ts";
import { newId } from "../platform/random.ts";
import { insertKey, lockKeys, readKeys, type StoredKey, setVerifyUntil } from "./signing-keys-store.ts";

/** Relying parties may cache the key set this long (`Cache-Control` of the JWKS). */
export const keySetCacheSeconds = 3600;
const rotationIntervalMs = 90 * 24 * 3600 * 1000;
/** The longest an access token lives (migration 0001, service_accounts), and what clocks may differ by. */
const longestTokenMs = 24 * 3600 * 1000 + 60_000;
const reloadIntervalMs = 60_000;
/** An unknown kid makes us look again, but not more often than this: a forger must not turn us into load on the database. */
const unknownKidReloadMs = 10_000;

export type SigningKey = {
  readonly kid: string;
  readonly alg: "ES256";
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly publicJwk: JWK;
  readonly signFrom: number;
  readonly verifyUntil: number;
};

export type SigningKeys = {
  /** The key that signs now. */
  current(): SigningKey;
  /** The key a token names, or undefined: also when it is too old to verify with. */
  find(kid: string): SigningKey | undefined;
  /** Looks in the database for a kid this process has not seen; throttled. */
  findFresh(kid: string): Promise<SigningKey | undefined>;
  /** RFC 7517 §5. */
  keySet(): { readonly keys: readonly JWK[] };
  /** Makes the next key now; it signs once every cached key set must have seen it. */
  rotate(): Promise<void>;
  close(): void;
};

const rowName = (kid: string): string => `signing_keys/${kid}`;

const opened = (secretKey: SecretKey, stored: StoredKey): SigningKey => ({
  kid: stored.kid,
  alg: "ES256",
  publicKey: createPublicKey({ key: stored.public_jwk, format: "jwk" }),
  privateKey: createPrivateKey({
    key: unseal(secretKey, rowName(stored.kid), stored.private_sealed),
    format: "der",
    type: "pkcs8",
  }),
  publicJwk: { ...stored.public_jwk, kid: stored.kid, alg: "ES256", use: "sig" },
  signFrom: stored.sign_from.getTime(),
  verifyUntil: stored.verify_until?.getTime() ?? Number.POSITIVE_INFINITY,
});

type Needs = { readonly database: Database; readonly secretKey: SecretKey; readonly clock: Clock; readonly log: Log };

const makeKey = (secretKey: SecretKey, now: number, signFrom: number): StoredKey => {
  const kid = newId<string>();
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    kid,
    alg: "ES256",
    public_jwk: pair.publicKey.export({ format: "jwk" }),
    private_sealed: seal(secretKey, rowName(kid), pair.privateKey.export({ format: "der", type: "pkcs8" })),
    create_time: new Date(now),
    sign_from: new Date(signFrom),
    verify_until: null,
  };
};

/** What rotation must do now, decided from the rows alone. */
const nextSignFrom = (keys: readonly StoredKey[], now: number, force: boolean): number | undefined => {
  const newest = keys.reduce((latest, key) => Math.max(latest, key.sign_from.getTime()), 0);
  if (newest === 0) return now;
  const waiting = newest > now;
  const due = now >= newest + rotationIntervalMs - keySetCacheSeconds * 1000;
  return !waiting && (due || force) ? now + keySetCacheSeconds * 1000 : undefined;
};

/** Reads the keys, making the first or the next one where it is due; only one process does so at a time. */
const refresh = async ({ database, secretKey, clock }: Needs, force: boolean): Promise<readonly SigningKey[]> => {
  const rows = await database.hostTransaction(async (tx) => {
    const seen = await readKeys(tx);
    if (nextSignFrom(seen, clock.now(), force) === undefined) return seen;
    await lockKeys(tx);
    const keys = await readKeys(tx);
    const now = clock.now();
    const signFrom = nextSignFrom(keys, now, force);
    if (signFrom === undefined) return keys;
    await setVerifyUntil(tx, new Date(signFrom + longestTokenMs));
    await insertKey(tx, makeKey(secretKey, now, signFrom));
    return await readKeys(tx);
  });
  return rows.map((row) => opened(secretKey, row));
};

export const openSigningKeys = async (needs: Needs): Promise<SigningKeys> => {
  const { clock, log } = needs;
  let keys = await refresh(needs, false);
  let askedAt = Number.NEGATIVE_INFINITY;

  const reload = async (): Promise<void> => {
    try {
      keys = await refresh(needs, false);
    } catch (error) {
      log.warn({ error: String(error) }, "signing keys could not be read again; the ones known stay in use");
    }
  };
  const timer = setInterval(() => void reload(), reloadIntervalMs);
  timer.unref();

  const find = (kid: string): SigningKey | undefined =>
    keys.find((key) => key.kid === kid && key.verifyUntil > clock.now());

  return {
    current: () => {
      const now = clock.now();
      const usable = keys.filter((key) => key.signFrom <= now);
      const newest = usable.reduce<SigningKey | undefined>(
        (best, key) => (best && best.signFrom >= key.signFrom ? best : key),
        undefined,
      );
      if (newest === undefined) throw new Error("no signing key has begun to sign; is the clock behind?");
      return newest;
    },
    find,
    findFresh: async (kid) => {
      const now = clock.now();
      if (now - askedAt >= unknownKidReloadMs) {
        askedAt = now;
        await reload();
      }
      return find(kid);
    },
    keySet: () => ({ keys: keys.filter((key) => key.verifyUntil > clock.now()).map((key) => key.publicJwk) }),
    rotate: async () => {
      keys = await refresh(needs, true);
    },
    close: () => clearInterval(timer),
  };
};
