// The same promise as `redis-cache.ts`, kept in one process.
//
// Allowed only beside the embedded database. That one takes a lock on its directory, so this process is the only one that can change
// anything, and every change passes through the `publish` below before it is answered. With a second process there would be changes
// that this one never hears of, and "revocation is seen everywhere at once" (invariant 7) would be false.
import type { Clock } from "../clock.ts";
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
import type { FreshCache, Lease } from "./fresh-cache.ts";

const itemsMaxByDefault = 50_000;

type Item = { readonly value: string; readonly expiresAt: number };
/** What a lease is, inside. `takenAt`: by the clock, ms. */
type Held = Terms & { readonly takenAt: number };

/**
 * A cache in this process, for the embedded database alone: see above. Holds `itemsMax` entries and versions together; beyond that the
 * least recently used goes, and a version that went is a new one when it is next filled for.
 */
export const openMemoryCache = ({
  clock,
  random,
  itemsMax = itemsMaxByDefault,
}: {
  readonly clock: Clock;
  readonly random: Random;
  readonly itemsMax?: number;
}): FreshCache => {
  // A Map keeps the order of insertion: what is used is put last, and the first is the least recently used.
  const items = new Map<string, Item>();

  const get = (key: string): string | null => {
    const item = items.get(key);
    if (item === undefined) return null;
    items.delete(key);
    if (item.expiresAt <= clock.now()) return null;
    items.set(key, item);
    return item.value;
  };

  const set = (key: string, value: string, ms: number): void => {
    items.delete(key);
    items.set(key, { value, expiresAt: clock.now() + ms });
    if (items.size <= itemsMax) return;
    const [eldest] = items.keys();
    if (eldest !== undefined) items.delete(eldest);
  };

  const setAll = (keys: readonly string[], value: string, ms: number): void => {
    for (const key of keys) set(key, value, ms);
  };

  return {
    read: async (probes) => {
      const wanted = plan(probes, "");
      const takenAt = clock.now();
      return readingsOf(probes, wanted, wanted.keys.map(get), (terms) => {
        return { ...terms, takenAt } satisfies Held as unknown as Lease;
      });
    },
    fill: async (lease, payload, ttlMs) => {
      const { key, versions, seen, absent, takenAt } = lease as unknown as Held;
      const ttl = Math.floor(Math.min(ttlMs, entryAgeMsMax - (clock.now() - takenAt)));
      if (!(ttl >= 1) || payload.length > payloadCharactersMax) return;
      if (absent.length > 0) {
        const stillAbsent = absent.filter((version) => get(version) === null);
        return setAll(stillAbsent, newNonce(random), versionAgeMs);
      }
      if (versions.every((version, index) => get(version) === seen[index])) set(key, seal(seen, payload), ttl);
    },
    fence: async (keys) => setAll(keys, newFence(random), fenceAgeMs),
    publish: async (keys) => setAll(keys, newNonce(random), versionAgeMs),
    close: async () => items.clear(),
  };
};
