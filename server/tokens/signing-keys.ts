/**
 * The keys tokens are signed with: sealed at rest, rotated, one set for each algorithm. Access tokens are ES256; ID tokens and logout
 * tokens are signed as their client is registered, and the keys of the other algorithms are made when they are first asked for.
 *
 * A key is published for as long as a relying party may cache the key set before it signs, and stays published until the last
 * token it can have signed has expired. Every process reads the same rows, so all of them sign with the same key at the same time.
 */
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
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
/** The longest a token lives (migration 0001, service_accounts), and what clocks may differ by. */
const longestTokenMs = 24 * 3600 * 1000 + 60_000;
const reloadIntervalMs = 60_000;
/** An unknown kid makes us look again, but not more often than this: a forger must not turn us into load on the database. */
const unknownKidReloadMs = 10_000;
/** RFC 7518 §3.3. */
const rsaBits = 2048;

/** RFC 7518 §3.1, RFC 8037 §3.1. */
export const signingAlgs = ["RS256", "ES256", "PS256", "EdDSA"] as const;
export type SigningAlg = (typeof signingAlgs)[number];
/** What access tokens are signed with. */
const accessTokenAlg: SigningAlg = "ES256";

export type SigningKey = {
  readonly kid: string;
  readonly alg: SigningAlg;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly publicJwk: JWK;
  readonly signFrom: number;
  readonly verifyUntil: number;
};

export type SigningKeys = {
  /** The key that signs access tokens now. */
  current(): SigningKey;
  /** The key that signs now with this algorithm, made where there is none yet. */
  signer(alg: SigningAlg): Promise<SigningKey>;
  /** The key a token names, or undefined: also when it is too old to verify with. */
  find(kid: string): SigningKey | undefined;
  /** Looks in the database for a kid this process has not seen; throttled. */
  findFresh(kid: string): Promise<SigningKey | undefined>;
  /** The key a token names, however old: for hints, which may have expired (OpenID Connect RP-Initiated Logout §2). */
  findPast(kid: string): Promise<SigningKey | undefined>;
  /** RFC 7517 §5. */
  keySet(): { readonly keys: readonly JWK[] };
  /** Makes the next key now; it signs once every cached key set must have seen it. */
  rotate(alg?: SigningAlg): Promise<void>;
  close(): void;
};

const rowName = (kid: string): string => `signing_keys/${kid}`;

const opened = (secretKey: SecretKey, stored: StoredKey): SigningKey => ({
  kid: stored.kid,
  alg: stored.alg,
  publicKey: createPublicKey({ key: stored.public_jwk, format: "jwk" }),
  privateKey: createPrivateKey({
    key: unseal(secretKey, rowName(stored.kid), stored.private_sealed),
    format: "der",
    type: "pkcs8",
  }),
  publicJwk: { ...stored.public_jwk, kid: stored.kid, alg: stored.alg, use: "sig" },
  signFrom: stored.sign_from.getTime(),
  verifyUntil: stored.verify_until?.getTime() ?? Number.POSITIVE_INFINITY,
});

type Needs = { readonly database: Database; readonly secretKey: SecretKey; readonly clock: Clock; readonly log: Log };

type Pair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
const generate = promisify(generateKeyPair);
/** On libuv's threads: an RSA key takes a while. */
const pairFor = async (alg: SigningAlg): Promise<Pair> => {
  switch (alg) {
    case "ES256":
      return generate("ec", { namedCurve: "P-256" });
    case "EdDSA":
      return generate("ed25519");
    case "RS256":
    case "PS256":
      return generate("rsa", { modulusLength: rsaBits });
  }
};

const storedKey = (secretKey: SecretKey, alg: SigningAlg, pair: Pair, now: number, signFrom: number): StoredKey => {
  const kid = newId<string>();
  return {
    kid,
    alg,
    public_jwk: pair.publicKey.export({ format: "jwk" }),
    private_sealed: seal(secretKey, rowName(kid), pair.privateKey.export({ format: "der", type: "pkcs8" })),
    create_time: new Date(now),
    sign_from: new Date(signFrom),
    verify_until: null,
  };
};

/** What rotation of one algorithm's keys must do now, decided from their rows alone. */
const nextSignFrom = (keys: readonly StoredKey[], now: number, force: boolean): number | undefined => {
  const newest = keys.reduce((latest, key) => Math.max(latest, key.sign_from.getTime()), 0);
  if (newest === 0) return now;
  const waiting = newest > now;
  const due = now >= newest + rotationIntervalMs - keySetCacheSeconds * 1000;
  return !waiting && (due || force) ? now + keySetCacheSeconds * 1000 : undefined;
};

/** Which algorithm must have a key, though it has none yet; and which must have another, due or not. */
type Wish = { readonly need: SigningAlg; readonly force: boolean };
const none: Wish = { need: accessTokenAlg, force: false };

/** The algorithms whose next key is to be made. */
const dueAlgs = (keys: readonly StoredKey[], now: number, { need, force }: Wish): readonly SigningAlg[] =>
  signingAlgs.filter((alg) => {
    const own = keys.filter((key) => key.alg === alg);
    return (own.length > 0 || alg === need) && nextSignFrom(own, now, force && alg === need) !== undefined;
  });

/** Reads the keys, making the first or the next ones where they are due; only one process does so at a time. */
const refresh = async (needs: Needs, wish: Wish): Promise<readonly SigningKey[]> => {
  const { database, secretKey, clock } = needs;
  const seen = await database.hostTransaction(readKeys);
  const due = dueAlgs(seen, clock.now(), wish);
  // Made before the lock is taken: a key that another process has made meanwhile is thrown away.
  const pairs = await Promise.all(due.map(async (alg) => [alg, await pairFor(alg)] as const));
  const rows =
    due.length === 0
      ? seen
      : await database.hostTransaction(async (tx) => {
          await lockKeys(tx);
          const keys = await readKeys(tx);
          const now = clock.now();
          for (const [alg, pair] of pairs) {
            const own = keys.filter((key) => key.alg === alg);
            const signFrom = nextSignFrom(own, now, wish.force && alg === wish.need);
            if (signFrom === undefined) continue;
            await setVerifyUntil(tx, alg, new Date(signFrom + longestTokenMs));
            await insertKey(tx, storedKey(secretKey, alg, pair, now, signFrom));
          }
          return readKeys(tx);
        });
  return rows.map((row) => opened(secretKey, row));
};

export const openSigningKeys = async (needs: Needs): Promise<SigningKeys> => {
  const { clock, log } = needs;
  let keys = await refresh(needs, none);
  let askedAt = Number.NEGATIVE_INFINITY;
  // One at a time for each algorithm: the first ID tokens of a new deployment come together.
  const making = new Map<SigningAlg, Promise<void>>();

  const reload = async (): Promise<void> => {
    try {
      keys = await refresh(needs, none);
    } catch (error) {
      log.warn({ error: String(error) }, "signing keys could not be read again; the ones known stay in use");
    }
  };
  const timer = setInterval(() => void reload(), reloadIntervalMs);
  timer.unref();

  const find = (kid: string): SigningKey | undefined =>
    keys.find((key) => key.kid === kid && key.verifyUntil > clock.now());

  const newest = (alg: SigningAlg): SigningKey | undefined => {
    const now = clock.now();
    let best: SigningKey | undefined;
    for (const key of keys)
      if (key.alg === alg && key.signFrom <= now && (best === undefined || key.signFrom > best.signFrom)) best = key;
    return best;
  };

  const make = async (alg: SigningAlg): Promise<void> => {
    keys = await refresh(needs, { need: alg, force: false });
  };

  const fresh = async (): Promise<void> => {
    const now = clock.now();
    if (now - askedAt < unknownKidReloadMs) return;
    askedAt = now;
    await reload();
  };

  return {
    current: () => {
      const key = newest(accessTokenAlg);
      if (key === undefined) throw new Error("no signing key has begun to sign; is the clock behind?");
      return key;
    },
    signer: async (alg) => {
      const known = newest(alg);
      if (known !== undefined) return known;
      const made = making.get(alg) ?? make(alg).finally(() => making.delete(alg));
      making.set(alg, made);
      await made;
      const key = newest(alg);
      if (key === undefined) throw new Error(`no ${alg} key has begun to sign; is the clock behind?`);
      return key;
    },
    find,
    findFresh: async (kid) => {
      await fresh();
      return find(kid);
    },
    findPast: async (kid) => {
      const known = keys.find((key) => key.kid === kid);
      if (known !== undefined) return known;
      await fresh();
      return keys.find((key) => key.kid === kid);
    },
    keySet: () => ({ keys: keys.filter((key) => key.verifyUntil > clock.now()).map((key) => key.publicJwk) }),
    rotate: async (alg = accessTokenAlg) => {
      keys = await refresh(needs, { need: alg, force: true });
    },
    close: () => clearInterval(timer),
  };
};
