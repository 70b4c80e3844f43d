// What an entry looks like, and what one MGET says about it. Pure: the Redis cache and the in-process one share it, so that they
// cannot disagree on what counts as fresh.
//
// An entry is `nonce1.nonce2…|payload`, a version key holds a nonce, or `!nonce` while it is fenced. Nonces are base64url, so none
// of the three marks can stand in one.
import type { Lease, Probe, Reading, VersionKey } from "./fresh-cache.ts";

/** No entry outlives this, counted from before the database was read for it (invariant 7). */
export const entryAgeMsMax = 30_000;
/** A fence left by a crash goes after this: by then every entry filled before it has died. */
export const fenceAgeMs = 60_000;
/** A version nobody changes is forgotten after this, which costs one answer of its readers: what is asked without it is not kept. */
export const versionAgeMs = 3_600_000;
/** Longer answers are not kept: an entry is read whole on every request. */
export const payloadCharactersMax = 65_536;

const nonceOctets = 12;
const fenceMark = "!".charCodeAt(0);
const between = ".".charCodeAt(0);
const end = "|".charCodeAt(0);

/** `count` unpredictable bytes, as `randomOctets` gives them. */
export type Random = (count: number) => Buffer;

/** 96 random bits: what a version was never before, and will never be again, whatever is restored or fails over. */
export const newNonce = (random: Random): string => random(nonceOctets).toString("base64url");

/** What a fenced version key holds. */
export const newFence = (random: Random): string => `!${newNonce(random)}`;

/** An answer as it is stored under the versions seen. */
export const seal = (seen: readonly string[], payload: string): string => `${seen.join(".")}|${payload}`;

/** The keys of one MGET: an entry for each probe, in order, and then every version once. */
export type Plan = {
  readonly keys: readonly string[];
  /** Where in `keys` each probe's versions are: probe after probe, version after version. */
  readonly places: readonly number[];
};

/** What to fetch for the probes. `prefix` stands before every key. */
export const plan = (probes: readonly Probe[], prefix: string): Plan => {
  const keys: string[] = [];
  const places: number[] = [];
  // The versions put so far, as they were asked for. A request names a handful: looking through them beats hashing them.
  const known: VersionKey[] = [];
  for (const probe of probes) keys.push(prefix + probe.key);
  for (const probe of probes) {
    for (const version of probe.versions) {
      let nth = known.length > scannedMax ? -1 : known.indexOf(version);
      if (nth < 0) {
        nth = known.push(version) - 1;
        keys.push(prefix + version);
      }
      places.push(probes.length + nth);
    }
  }
  return { keys, places };
};
/** A batch with more versions than this fetches some of them twice, which is cheaper than finding out. */
const scannedMax = 64;

/** What a miss can be filled with, all by their keys. */
export type Terms = {
  readonly key: string;
  /** The versions there are, and the nonce each was seen to hold. */
  readonly versions: readonly string[];
  readonly seen: readonly string[];
  /** The versions there are not. While there is one, nothing may be kept: a fill can only make these. */
  readonly absent: readonly string[];
};

/** Makes the lease for a miss. */
export type Lend = (terms: Terms) => Lease;

/**
 * Reads the values of a plan's keys. A probe is a hit when its entry names exactly the versions that stand; it gets no lease when one
 * of them is fenced, or when it depends on nothing and so could never be taken back.
 */
export const readingsOf = (
  probes: readonly Probe[],
  { keys, places }: Plan,
  values: readonly (string | null)[],
  lend: Lend,
): readonly Reading[] => {
  const readings: Reading[] = [];
  let first = 0;
  for (let index = 0; index < probes.length; index += 1) {
    const last = first + (probes[index]?.versions.length ?? 0);
    const payload = openEntry(values[index] ?? null, values, places, first, last);
    if (payload === undefined) readings.push({ payload, lease: leaseFor(index, first, last) });
    else if (probes[index]?.replaceable === undefined) readings.push({ payload });
    else readings.push({ payload, lease: leaseFor(index, first, last) });
    first = last;
  }
  return readings;

  function leaseFor(index: number, from: number, to: number): Lease | undefined {
    const versions: string[] = [];
    const seen: string[] = [];
    const absent: string[] = [];
    for (const place of places.slice(from, to)) {
      const version = keys[place] ?? "";
      const value = values[place] ?? null;
      if (value === null) {
        absent.push(version);
        continue;
      }
      if (value.charCodeAt(0) === fenceMark) return undefined;
      versions.push(version);
      seen.push(value);
    }
    return from === to ? undefined : lend({ key: keys[index] ?? "", versions, seen, absent });
  }
};

/** The payload, if the entry's versions are those that stand. Compares in place: this runs for every probe of every request. */
const openEntry = (
  entry: string | null,
  values: readonly (string | null)[],
  places: readonly number[],
  first: number,
  last: number,
): string | undefined => {
  if (entry === null || first === last) return undefined;
  let at = 0;
  for (let index = first; index < last; index += 1) {
    const version = values[places[index] ?? 0] ?? null;
    // A fence matches no entry, since nothing is filled under one.
    if (version === null || !entry.startsWith(version, at)) return undefined;
    at += version.length;
    if (entry.charCodeAt(at) !== (index === last - 1 ? end : between)) return undefined;
    at += 1;
  }
  return entry.slice(at);
};
