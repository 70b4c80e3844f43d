// Recovery codes: enough of them, long enough for a plain hash, good once, and read however they were typed.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { PrincipalId } from "../../core/ids.ts";
import {
  newRecoveryCodes,
  recovery_codes_count,
  recoveryCodesLeft,
  useRecoveryCode,
} from "../../server/credentials/recovery-codes/recovery-codes.ts";
import type { Tx } from "../../server/platform/database/database.ts";
import { newId } from "../../server/platform/random.ts";
import { registerUser } from "../../server/principals/users/register-user.ts";
import { openWorkbench } from "../support/engine.ts";

const bench = await openWorkbench();
after(bench.close);
const home = await bench.tenant();
const owner = await bench.ownerOf(home);
const now = bench.clock.ms;

const human = async () => {
  const input = { parent: bench.rootRef(home), email: `${newId()}@acme.example`, display_name: "Ada" };
  return { home, user: (await bench.ok(registerUser, owner, input)).id as PrincipalId };
};
type Human = Awaited<ReturnType<typeof human>>;
const within = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => bench.engine.platform.database.transaction(home, work);
const codesFor = (of: Human) => within((tx) => newRecoveryCodes(tx, of, now));
const use = (of: Human, code: string) => within((tx) => useRecoveryCode(tx, of, code, now));
const left = (of: Human) => within((tx) => recoveryCodesLeft(tx, of));

test("ten codes of 80 random bits each, in groups that can be read out", async () => {
  const ada = await human();
  const codes = await codesFor(ada);
  assert.equal(codes.length, recovery_codes_count);
  assert.equal(new Set(codes).size, 10);
  // Five bits a character, sixteen of them: SHA-256 is enough for what cannot be guessed.
  for (const code of codes) assert.match(code, /^([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}$/);
  assert.equal(await left(ada), 10);
});

test("a code works once, however it is typed, and the count goes down", async () => {
  const ada = await human();
  const [one = "", two = "", three = ""] = await codesFor(ada);
  assert.equal(await use(ada, one), true);
  assert.equal(await use(ada, one), false);
  assert.equal(await use(ada, `  ${two.toUpperCase().replaceAll("-", " ")}\n`), true);
  assert.equal(await use(ada, three.replaceAll("-", "–").replaceAll("0", "O").replaceAll("1", "l")), true);
  assert.equal(await left(ada), 7);
});

test("what is no code is none: empty, short, long, another alphabet", async () => {
  const ada = await human();
  const [one = ""] = await codesFor(ada);
  for (const text of [
    "",
    "-",
    one.slice(1),
    `${one}0`,
    `${one}${" ".repeat(100)}`,
    "u".repeat(16),
    "0".repeat(16),
    "%".repeat(16),
  ])
    assert.equal(await use(ada, text), false, text);
  assert.equal(await left(ada), 10);
});

test("invariant 3: of twenty uses of one code at once, one is true", async () => {
  const ada = await human();
  const [one = ""] = await codesFor(ada);
  const uses = await Promise.all(Array.from({ length: 20 }, () => use(ada, one)));
  assert.equal(uses.filter(Boolean).length, 1);
  assert.equal(await left(ada), 9);
});

test("new codes replace the old ones, and two renewals at once leave one set", async () => {
  const ada = await human();
  const [old = ""] = await codesFor(ada);
  const sets = await Promise.all([codesFor(ada), codesFor(ada), codesFor(ada)]);
  assert.equal(await left(ada), 10);
  assert.equal(await use(ada, old), false);
  const worth = await Promise.all(sets.map(([one = ""]) => use(ada, one)));
  assert.equal(worth.filter(Boolean).length, 1);
});

test("a code is its human's: another's, and the same id in another tenant, get nothing for it", async () => {
  const [ada, grace] = [await human(), await human()];
  const [one = ""] = await codesFor(ada);
  await codesFor(grace);
  assert.equal(await use(grace, one), false);
  const other = await bench.tenant();
  const there = (tx: Tx) => useRecoveryCode(tx, { home: other, user: ada.user }, one, now);
  assert.equal(await bench.engine.platform.database.transaction(other, there), false);
  assert.equal(await use(ada, one), true);
});

test("invariant 5: no code is in the database, in any writing", async () => {
  const ada = await human();
  const codes = await codesFor(ada);
  const rows = await bench.sql<{ row: string }>(
    home,
    "test.codes",
    "select row_to_json(t)::text as row from recovery_codes t where tenant_id = $1",
    [home],
  );
  const dump = rows.map(({ row }) => row).join("\n");
  assert.ok(rows.length >= 10);
  for (const code of codes)
    for (const trace of [
      code,
      code.replaceAll("-", ""),
      Buffer.from(code).toString("hex"),
      Buffer.from(code.replaceAll("-", "")).toString("hex"),
    ])
      assert.ok(!dump.includes(trace));
});
