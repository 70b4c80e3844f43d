/**
 * Consistency tokens: how recent an answer was, as text, and the demand that a later one be no older.
 *
 * A token says which transactions of the database an answer knows of, in PostgreSQL's own terms (ADR 0011). `s` and a snapshot is an
 * answer's: every transaction that snapshot saw. `w` and a transaction's number is a change's: that transaction. An answer meets a demand
 * when the snapshot its facts were read under sees everything the token names, whether they were read just now or lie in the cache.
 *
 * Clients are to treat it as opaque. It proves nothing and gives nothing: a made-up one costs its maker an answer, and nobody else.
 */
import { type Fault, fault, type Result } from "../../core/faults.ts";

/** A snapshot: what began at `xmax` or later it does not see, nor those in `xip`, which were under way; all else it does. */
type Snapshot = { readonly xmax: number; readonly xip: readonly number[] };

/** A demand, read. */
export type ConsistencyToken =
  | ({ readonly at: "snapshot" } & Snapshot)
  | { readonly at: "change"; readonly xid: number };

/** A snapshot names what is under way, at most one transaction a connection: this is room for over a thousand. */
export const tokenCharactersMax = 16_384;

/** The token of an answer made of facts read under this snapshot (`StoredFacts.read`). */
export const tokenOf = ({ read }: { readonly read: string }): string => `s${read}`;

/** Reads what a client sent back. What is not a token's text is `invalid_argument`; nothing is looked up. */
export const readToken = (text: string): Result<ConsistencyToken> => {
  if (text.length > tokenCharactersMax) return malformed;
  if (text.startsWith("s")) {
    const snapshot = readSnapshot(text.slice(1));
    return snapshot === undefined ? malformed : { at: "snapshot", ...snapshot };
  }
  const xid = text.startsWith("w") ? readXid(text.slice(1)) : undefined;
  return xid === undefined ? malformed : { at: "change", xid };
};

const malformed: Fault = fault("invalid_argument", "the consistency token is not one that was given out here");

/** Whether facts read under this snapshot know of everything the token names. A snapshot that can't be read knows of nothing. */
export const satisfies = (read: string, token: ConsistencyToken): boolean => {
  const seen = readSnapshot(read);
  if (seen === undefined) return false;
  if (token.at === "change") return token.xid < seen.xmax && !seen.xip.includes(token.xid);
  if (seen.xmax < token.xmax) return false;
  const under_way = new Set(token.xip);
  return seen.xip.every((xid) => xid >= token.xmax || under_way.has(xid));
};

/** For an answer that the database itself is too old to give: it was restored, or the token is another deployment's. */
export const notThatRecent: Fault = fault(
  "consistency_unavailable",
  "the database does not know of what the consistency token names; it may have been restored, or the token is another deployment's",
);

const snapshotText = /^(\d{1,16}):(\d{1,16}):((?:\d{1,16}(?:,\d{1,16})*)?)$/;

/** `xmin:xmax:xip,xip` as `pg_current_snapshot()` gives it; undefined for what it never gives. */
const readSnapshot = (text: string): Snapshot | undefined => {
  const [, first = "", next = "", list = ""] = snapshotText.exec(text) ?? [];
  const [xmin, xmax] = [readXid(first), readXid(next)];
  if (xmin === undefined || xmax === undefined || xmin > xmax) return undefined;
  const xip = list === "" ? [] : list.split(",").map(Number);
  const sound = xip.every((xid, at) => xid >= (at === 0 ? xmin : (xip[at - 1] ?? 0) + 1) && xid < xmax);
  return sound ? { xmax, xip } : undefined;
};

/** PostgreSQL counts transactions in 64 bits, from 3; at a million a second 2^53 are 285 years. */
const readXid = (text: string): number | undefined => {
  const xid = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(xid) && xid >= xidMin ? xid : undefined;
};
const xidMin = 3;
