/**
 * The keys a client signs with: registered with it (`jwks`), or fetched from where it publishes them (`jwks_uri`).
 *
 * What was fetched is kept for a while in the process: public keys, and no decision. A key id that is not among them has the set fetched
 * again, but not more often than the throttle lets a stranger make us; and where fetching fails, what was good is good for a while longer.
 */
import type { JWK } from "jose";
import type { Clock } from "../platform/clock.ts";
import type { GuardedFetch } from "../platform/outbound/fetch.ts";
import { algorithmsOf } from "../principals/service-accounts/check-keys.ts";
import type { ClientMetadata } from "./model.ts";

/** The public keys published at an address; `kid` is the one that is looked for. */
export type RemoteKeys = (uri: string, kid: string | undefined) => Promise<readonly JWK[]>;

const freshMs = 10 * 60_000;
/** Between two fetches of one address, whatever key ids come. */
const throttleMs = 30_000;
/** Kept this long beyond its freshness where the address does not answer. */
const staleMs = 24 * 3_600_000;
const setsMax = 1_000;
const keysMax = 30;
const octetsMax = 64 * 1024;

type Kept = { readonly keys: readonly JWK[]; readonly fetchedAt: number; readonly triedAt: number };

export const openRemoteKeys = (guardedFetch: GuardedFetch, clock: Clock): RemoteKeys => {
  const kept = new Map<string, Kept>();
  const fetching = new Map<string, Promise<readonly JWK[]>>();

  const renew = async (uri: string, before: Kept | undefined): Promise<readonly JWK[]> => {
    const keys = await fetchKeys(guardedFetch, uri);
    const now = clock.now();
    const stillGood = before !== undefined && now - before.fetchedAt < freshMs + staleMs;
    const after: Kept =
      keys === undefined
        ? { keys: stillGood ? before.keys : [], fetchedAt: stillGood ? before.fetchedAt : 0, triedAt: now }
        : { keys, fetchedAt: now, triedAt: now };
    // The oldest goes first: a Map keeps the order of insertion.
    kept.delete(uri);
    if (kept.size >= setsMax) kept.delete(kept.keys().next().value ?? "");
    kept.set(uri, after);
    return after.keys;
  };

  return async (uri, kid) => {
    const known = kept.get(uri);
    const now = clock.now();
    const wanted = known === undefined || now - known.fetchedAt >= freshMs || !has(known.keys, kid);
    if (known !== undefined && (!wanted || now - known.triedAt < throttleMs)) return known.keys;
    const running = fetching.get(uri);
    if (running !== undefined) return running;
    const renewing = renew(uri, known).finally(() => fetching.delete(uri));
    fetching.set(uri, renewing);
    return renewing;
  };
};

const has = (keys: readonly JWK[], kid: string | undefined): boolean =>
  kid === undefined ? keys.length > 0 : keys.some((key) => key.kid === kid);

/** Undefined where the address does not answer with a key set (RFC 7517 §5). Keys we cannot use are left out. */
const fetchKeys = async (guardedFetch: GuardedFetch, uri: string): Promise<readonly JWK[] | undefined> => {
  const answer = await guardedFetch(uri, {
    octetsMax,
    headers: { accept: "application/jwk-set+json, application/json" },
  });
  if ("refused" in answer || answer.status !== 200) return undefined;
  try {
    const set: unknown = JSON.parse(answer.body.toString());
    const keys = (set as { readonly keys?: unknown } | null)?.keys;
    return Array.isArray(keys) ? keys.slice(0, keysMax).filter(isUsable) : undefined;
  } catch {
    return undefined;
  }
};

const isUsable = (key: unknown): key is JWK =>
  typeof key === "object" && key !== null && !("d" in key) && !("k" in key) && algorithmsOf(key).length > 0;

/** All keys of the client; `kid` is the one that is looked for, and may be new. */
export const keysOf = async (
  { remoteKeys }: { readonly remoteKeys: RemoteKeys },
  { jwks, jwks_uri }: Pick<ClientMetadata, "jwks" | "jwks_uri">,
  kid: string | undefined,
): Promise<readonly JWK[]> => (jwks_uri === null ? (jwks?.keys ?? []) : remoteKeys(jwks_uri, kid));

/**
 * The client's key that a JWS header means, and the one algorithm it is verified with. `registered` is the algorithm the client has
 * registered for what is signed; RS256 is accepted where it is, and nowhere else. Undefined where there is no such key.
 */
export const signingKeyOf = async (
  needs: { readonly remoteKeys: RemoteKeys },
  metadata: Pick<ClientMetadata, "jwks" | "jwks_uri">,
  header: { readonly kid: string | undefined; readonly alg: string | undefined },
  registered: string | null,
): Promise<{ readonly jwk: JWK; readonly alg: string } | undefined> => {
  const { kid, alg } = header;
  if (alg === undefined || (registered !== null && !sameAlgorithm(registered, alg))) return undefined;
  const fitting = (await keysOf(needs, metadata, kid)).filter(
    (key) =>
      (key.use ?? "sig") === "sig" &&
      (key.alg === undefined || sameAlgorithm(key.alg, alg)) &&
      (algorithmsOf(key).includes(alg) || (alg === "RS256" && registered === "RS256" && key.kty === "RSA")),
  );
  const named = kid === undefined ? fitting : fitting.filter((key) => key.kid === kid);
  const [jwk] = named;
  // Without a key id only a client with one key says which it means.
  return jwk !== undefined && named.length === 1 ? { jwk, alg } : undefined;
};

/** RFC 9864: Ed25519 is what EdDSA has come to be called. */
const sameAlgorithm = (registered: string, alg: string): boolean =>
  registered === alg || (registered === "EdDSA" && alg === "Ed25519") || (registered === "Ed25519" && alg === "EdDSA");
