// The rule against its meaning: a snapshot is the set of transactions it sees, and a demand is met when nothing of it is missing.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isFault } from "../../core/faults.ts";
import { type ConsistencyToken, readToken, satisfies, tokenCharactersMax, tokenOf } from "./consistency.ts";

const xidMin = 3;
const xidMax = 24;
const every = Array.from({ length: xidMax - xidMin }, (_, n) => n + xidMin);

/** A snapshot as PostgreSQL takes it: `ended` have ended; the next number not begun, or begun and not ended, bounds what is listed. */
const snapshotOf = (ended: ReadonlySet<number>): string => {
  const xmax = Math.max(xidMin - 1, ...ended) + 1;
  const xip = every.filter((xid) => xid < xmax && !ended.has(xid));
  return `${xip[0] ?? xmax}:${xmax}:${xip.join(",")}`;
};

const endedSet = fc.subarray([...every]).map((xids) => new Set(xids));

const read = (text: string): ConsistencyToken => {
  const token = readToken(text);
  assert.ok(!isFault(token), text);
  return token;
};

test("a snapshot meets a snapshot's demand exactly when it sees every transaction that one sees", () => {
  fc.assert(
    fc.property(endedSet, endedSet, (seen, demanded) => {
      const token = read(tokenOf({ read: snapshotOf(demanded) }));
      assert.equal(satisfies(snapshotOf(seen), token), demanded.isSubsetOf(seen));
    }),
    { numRuns: 3_000 },
  );
});

test("a snapshot meets a change's demand exactly when it sees that transaction", () => {
  fc.assert(
    fc.property(endedSet, fc.constantFrom(...every), (seen, xid) => {
      assert.equal(satisfies(snapshotOf(seen), read(`w${xid}`)), seen.has(xid));
    }),
    { numRuns: 3_000 },
  );
});

test("what has once been met stays met as more transactions end, and every snapshot meets its own demand", () => {
  fc.assert(
    fc.property(endedSet, endedSet, (seen, later) => {
      const token = read(tokenOf({ read: snapshotOf(seen) }));
      assert.ok(satisfies(snapshotOf(seen), token));
      assert.ok(satisfies(snapshotOf(seen.union(later)), token));
    }),
  );
});

test("demands add up: what meets one that meets another meets the other", () => {
  fc.assert(
    fc.property(endedSet, endedSet, endedSet, (a, b, c) => {
      const [one, two, three] = [snapshotOf(a), snapshotOf(b), snapshotOf(c)];
      const meets = (x: string, y: string) => satisfies(x, read(`s${y}`));
      if (meets(one, two) && meets(two, three)) assert.ok(meets(one, three));
    }),
    { numRuns: 2_000 },
  );
});

test("a text that is no token is refused, whatever it is", () => {
  for (const text of [
    "",
    "s",
    "w",
    "x12",
    "s3:4",
    "s4:3:",
    "s3:9:2",
    "s3:9:5,4",
    "s3:9:5,5",
    "s3:9:9",
    "s3:9:5,",
    "s3:9:,5",
    "s 3:9:",
    "s3:9:5\n",
    "w2",
    "w-3",
    "w1e3",
    "w3 ",
    "w٣",
    "w9007199254740993",
    "s3:99999999999999999:",
    "W3",
    `s3:9:${"5".repeat(tokenCharactersMax)}`,
    `w${"0".repeat(tokenCharactersMax)}3`,
  ]) {
    const token = readToken(text);
    assert.ok(isFault(token) && token.fault === "invalid_argument", JSON.stringify(text.slice(0, 40)));
  }
  fc.assert(fc.property(fc.string(), (text) => void readToken(text)));
});

test("room for a thousand transactions under way, with numbers of ten digits", () => {
  const first = 9_000_000_000;
  const xip = Array.from({ length: 1_000 }, (_, n) => first + 7 * n);
  const token = tokenOf({ read: `${first}:${first + 10_000}:${xip.join(",")}` });
  assert.deepEqual(read(token), { at: "snapshot", xmax: first + 10_000, xip });
});

test("facts that do not say when they were read meet no demand", () => {
  for (const unreadable of ["", "3", "nonsense", "9:3:"]) {
    assert.equal(satisfies(unreadable, read("w3")), false);
    assert.equal(satisfies(unreadable, read("s3:3:")), false);
  }
});
