/**
 * The way of everything that is looked up on a request: one cache round trip for all of it, then, for what the cache does not have, one
 * SQL statement for all of that, then the cache is filled under the versions seen before the statement (invariants 6 and 7).
 */
import type { Lease, Probe } from "../platform/cache/fresh-cache.ts";
import type { Platform } from "../platform/platform.ts";
import { lookUpTogether } from "./look-ups.ts";
import type { Lookup } from "./store.ts";

/** One thing wanted: where it is cached, how it is asked for, and how either answer is read. */
export type Wanted<T> = {
  readonly probe: Probe;
  readonly fromCache: (payload: string) => T | undefined;
  /**
   * Whether what is cached will do; absent, it will. Where it will not, the database is asked and what it answers takes its place. For whoever
   * demands an answer that knows of something: fresh is not enough then.
   */
  readonly suffices?: (payload: string) => boolean;
  /** Undefined where there is nothing to ask, as for a token whose signature is not ours. */
  readonly ask: () => Lookup | undefined | Promise<Lookup | undefined>;
  readonly fromDatabase: (answer: unknown) => Found<T>;
};

/** What the database knew. `keep` is what may be cached of it, and for how long; without it nothing is. */
export type Found<T> = {
  readonly value: T | undefined;
  readonly keep?: { readonly payload: string; readonly ttlMs: number };
};

/** One answer for each that is wanted, in order; undefined where there is none. */
export const resolve = async <T>(
  platform: Platform,
  wanted: readonly Wanted<T>[],
): Promise<readonly (T | undefined)[]> => {
  const readings = await platform.cache.read(wanted.map(probeOf));
  const cold: Cold<T>[] = [];
  const values = wanted.map((one, at) => {
    const reading = readings[at];
    if (reading?.payload !== undefined && (one.suffices === undefined || one.suffices(reading.payload)))
      return one.fromCache(reading.payload);
    cold.push({ one, at, lease: reading?.lease });
    return undefined;
  });
  if (cold.length > 0) await settle(platform, cold, values);
  return values;
};

const probeOf = <T>({ probe, suffices }: Wanted<T>): Probe =>
  suffices === undefined ? probe : { ...probe, replaceable: true };

type Cold<T> = { readonly one: Wanted<T>; readonly at: number; readonly lease: Lease | undefined };

const settle = async <T>(
  { database, cache }: Platform,
  cold: readonly Cold<T>[],
  values: (T | undefined)[],
): Promise<void> => {
  const lookups = await Promise.all(cold.map(async ({ one }) => one.ask()));
  const asked = lookups.filter((lookup) => lookup !== undefined);
  const answers = asked.length === 0 ? [] : await lookUpTogether(database, asked);
  let next = 0;
  for (const [nth, { one, at, lease }] of cold.entries()) {
    if (lookups[nth] === undefined) continue;
    const { value, keep } = one.fromDatabase(answers[next++] ?? null);
    values[at] = value;
    // Nobody waits for it, and it never throws: whoever asks next over the same connection asks after it.
    if (lease !== undefined && keep !== undefined) void cache.fill(lease, keep.payload, keep.ttlMs);
  }
};
