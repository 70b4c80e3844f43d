// Freshness: after a publish has returned, no read anywhere answers from before it; in one round trip, with no clock or counter to trust.
//
// A version key holds a nonce: random, so never twice the same. An entry carries the nonces of all it depends on, and counts only if they
// are the ones standing in the same MGET. They are the nonces its reader saw BEFORE it asked the database. To publish is to set a new
// nonce, after COMMIT. Where a reader saw none it may keep nothing: a nonce set after the database was read cannot vouch for what was
// read. It sets one all the same, in place of a fill, and the next reader will have seen it in time.
//
// Why that is enough. Let a change commit, then its publish execute at X, then a read hit an entry E. The nonce N standing at the
// read was set at X or later, for X replaced the one before it and none is ever set twice. E carries N, so its reader saw N at X or
// later, and asked the database after that: after the commit. So E knows of the change. Nothing else was used: not how many readers
// or writers there are, nor what order they came in; an eviction, a FLUSHALL or an expiry only removes nonces, and what has no nonce
// is a miss. Two writers on one key: each one's own X comes after its own commit, which is all the proof asks.
//
// A read never writes, and a fill comes from a caller who found in the database what was asked for. So a stranger who sends forged tokens
// by the thousand, each naming another principal, leaves no key behind, and drives nobody else's out.
//
// A fill is a compare-and-set all the same, against the nonces its lease saw: not for freshness, since an entry under a nonce that has
// gone is never believed, but so that a slow reader does not put its worthless entry in the place of a good one.
//
// What a counter would need, and this does not: that it never goes back. A replica promoted before it heard of version 7 gives out 7 a
// second time, and whatever was filled under the first 7 is believed again. Hence also: every attempt to publish has a new nonce, since
// one that was lost in a buffer and arrives late would otherwise restore an old one.
//
// What could still break it is a dataset that goes back as a whole (a snapshot, a promoted replica): old nonces beside old entries. So keys
// begin with the incarnation of the server, which it learns anew on every connection, and a lease is good on its own link only. In a
// cluster there is no such name to learn; there, and where a network is split so that writers and readers hold different servers, the
// bound is the age of an entry: 30 s, counted from when its lease was taken, before the database was read.
//
// The fence is not needed for any of this. It is for the writer who dies between COMMIT and publish, and it keeps readers from storing
// what is about to be worthless. Of two writers the first to publish lifts the other's fence too; if that other one then dies
// unacknowledged, its change is seen within 30 s. An acknowledged one is seen at once.
//
// The answers must come from the primary: a database replica that lags would be asked after the commit and still not know of it.
import { setTimeout as pause } from "node:timers/promises";
import type { Log } from "../log.ts";
import {
  entryAgeMsMax,
  fenceAgeMs,
  newFence,
  newNonce,
  payloadCharactersMax,
  plan,
  type Random,
  readingsOf,
  seal,
  type Terms,
  versionAgeMs,
} from "./entry.ts";
import type { FreshCache, Lease, Probe, Reading, VersionKey } from "./fresh-cache.ts";
import { evaluate, type Link, openRedis, type Redis, script } from "./redis-connection.ts";

/** Taken off every entry's age, for the time a fill is under way. A link that needs longer has been given up. */
const fillMsMax = 500;
const publishPauseMs = 100;

/** KEYS: entry, versions. ARGV: ttl in ms, entry, versions as they were seen. */
const fillScript = script(`
for i = 2, #KEYS do
  if redis.call("GET", KEYS[i]) ~= ARGV[i + 1] then return 0 end
end
redis.call("SET", KEYS[1], ARGV[2], "PX", ARGV[1])
return 1`);

/** What a lease is, inside. */
type Held = Terms & {
  readonly link: Link;
  /** Monotonic, ms. Before the database is read. */
  readonly takenAt: number;
};

export type RedisCacheOptions = {
  readonly random: Random;
  /** What no entry outlives, ms; a publish that cannot be acknowledged waits as long. Lower in tests only. */
  readonly ageMsMax?: number;
};

/** Opens a connection of its own; `redis` is for those who want to share it. Throws as `openRedis` does. */
export const openRedisCache = async (
  options: RedisCacheOptions & { readonly url: string; readonly log: Log },
): Promise<FreshCache & { readonly redis: Redis }> => {
  const redis = await openRedis(options);
  return { ...redisCache(redis, options), redis };
};

/** The cache, over a connection that it closes. */
export const redisCache = (redis: Redis, { random, ageMsMax = entryAgeMsMax }: RedisCacheOptions): FreshCache => {
  const read = (probes: readonly Probe[]): Promise<readonly Reading[]> => {
    const link = redis.link();
    if (link === undefined || probes.length === 0) return Promise.resolve(probes.map(bypass));
    const wanted = plan(probes, link.incarnation);
    return mget(link, wanted.keys).then(
      (values) => readingsOf(probes, wanted, values, lendOn(link)),
      () => probes.map(bypass),
    );
  };

  const fill = async (lease: Lease, payload: string, ttlMs: number): Promise<void> => {
    const { link, key, versions, seen, absent, takenAt } = lease as unknown as Held;
    const left = ageMsMax - (performance.now() - takenAt) - Math.min(fillMsMax, ageMsMax / 10);
    const ttl = Math.floor(Math.min(ttlMs, left));
    if (redis.link() !== link || !(ttl >= 1) || payload.length > payloadCharactersMax) return;
    const filling =
      absent.length > 0
        ? initialise(link, absent)
        : evaluate(link, fillScript, [key, ...versions], [String(ttl), seal(seen, payload), ...seen]);
    await filling.catch(() => undefined);
  };

  /** Gives absent versions a nonce, where nobody has since published, fenced or done the same. */
  const initialise = (link: Link, absent: readonly string[]): Promise<unknown> => {
    const nonce = newNonce(random);
    return Promise.all(absent.map((name) => link.send(name, ["SET", name, nonce, "NX", "PX", String(versionAgeMs)])));
  };

  const fence = async (keys: readonly VersionKey[]): Promise<void> => {
    const link = redis.link();
    if (link !== undefined) await setAll(link, keys, newFence(random), fenceAgeMs).catch(() => undefined);
  };

  const publish = async (keys: readonly VersionKey[]): Promise<void> => {
    const deadline = performance.now() + ageMsMax;
    for (let left = ageMsMax; keys.length > 0 && left > 0; left = deadline - performance.now()) {
      const link = await redis.nextLink(undefined, left);
      if (link === undefined) continue;
      const said = await announce(link, keys);
      // Acknowledged over a link that has died since, perhaps with its server: the one that follows is to hear it too.
      if (said === "acknowledged" && redis.link() === link) return;
      if (said === "read only") redis.giveUp(link, "the server is read only");
      if (said !== "acknowledged") await pause(publishPauseMs);
    }
  };

  /** A full server refuses to SET, and still deletes; a version that is gone is as good as a new one. */
  const announce = async (
    link: Link,
    keys: readonly VersionKey[],
  ): Promise<"acknowledged" | "refused" | "read only"> => {
    try {
      await setAll(link, keys, newNonce(random), versionAgeMs).catch(() =>
        Promise.all(keys.map((key) => link.send(key, ["DEL", link.incarnation + key]))),
      );
      return "acknowledged";
    } catch (error) {
      return error instanceof Error && error.message.startsWith("READONLY") ? "read only" : "refused";
    }
  };

  return { read, fill, fence, publish, close: redis.close };
};

const mget = (link: Link, keys: readonly string[]): Promise<readonly (string | null)[]> =>
  link.send(keys[0] ?? "", ["MGET", ...keys]) as Promise<readonly (string | null)[]>;

const setAll = (link: Link, keys: readonly VersionKey[], value: string, ms: number): Promise<unknown> =>
  Promise.all(keys.map((key) => link.send(key, ["SET", link.incarnation + key, value, "PX", String(ms)])));

const lendOn = (link: Link) => {
  return (terms: Terms): Lease => ({ ...terms, link, takenAt: performance.now() }) satisfies Held as unknown as Lease;
};

const nothing: Reading = { payload: undefined, lease: undefined };
const bypass = (): Reading => nothing;
