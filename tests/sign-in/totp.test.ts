// TOTP: the vectors of RFC 4226 and RFC 6238, and devices whose last step only rises, however many use a code at once.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { isFault } from "../../core/faults.ts";
import type { PrincipalId } from "../../core/ids.ts";
import { secondFactorsOf } from "../../server/credentials/second-factors.ts";
import { base32, codeAt, keyUri, readCode, stepAt, stepsOf } from "../../server/credentials/totp/code.ts";
import {
  beginTotp,
  confirmTotp,
  listTotp,
  removeTotp,
  showTotp,
  totp_devices_max,
  useTotp,
} from "../../server/credentials/totp/totp.ts";
import type { Tx } from "../../server/platform/database/database.ts";
import { SealBroken } from "../../server/platform/keys/seal.ts";
import { newId } from "../../server/platform/random.ts";
import { registerUser } from "../../server/principals/users/register-user.ts";
import { openWorkbench } from "../support/engine.ts";

const rfcSeed = Buffer.from("12345678901234567890");

test("RFC 4226 appendix D: the first ten codes of the specification's seed", () => {
  const codes = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
  for (const [step, code] of codes.entries()) assert.equal(codeAt(rfcSeed, step), code);
});

test("RFC 6238 appendix B: the codes of the specification's times, with SHA-1", () => {
  const codes = [
    [59, "94287082"],
    [1111111109, "07081804"],
    [1111111111, "14050471"],
    [1234567890, "89005924"],
    [2000000000, "69279037"],
    [20000000000, "65353130"],
  ] as const;
  for (const [seconds, code] of codes) assert.equal(codeAt(rfcSeed, stepAt(seconds * 1000), 8), code);
});

test("RFC 6238 §5.2: a code is one step's, and is taken one step before and after", () => {
  const now = 1_700_000_010_000;
  const step = stepAt(now);
  for (const off of [-1, 0, 1]) assert.deepEqual(stepsOf(rfcSeed, codeAt(rfcSeed, step + off), now), [step + off]);
  for (const off of [-2, 2]) assert.deepEqual(stepsOf(rfcSeed, codeAt(rfcSeed, step + off), now), []);
});

test("a code is read as apps show it, and nothing else is one", () => {
  for (const text of ["123456", "123 456", " 123-456\n"]) assert.equal(readCode(text), "123456");
  for (const text of ["", "12345", "1234567", "12345a", "１２３４５６", "-23456", "1e5", `1${" ".repeat(100)}23456`])
    assert.equal(readCode(text), undefined, text);
});

test("RFC 4648 §10: base 32; and the key URI names issuer and account, whatever is in them", () => {
  for (const [plain, text] of [
    ["f", "MY"],
    ["fo", "MZXQ"],
    ["foobar", "MZXW6YTBOI"],
  ] as const)
    assert.equal(base32(Buffer.from(plain)), text);
  const uri = new URL(keyUri(rfcSeed, "Acme: Portal & Co", "ada+x@acme.example"));
  assert.equal(uri.searchParams.get("secret"), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
  assert.equal(uri.searchParams.get("issuer"), "Acme  Portal & Co");
  assert.equal(decodeURIComponent(uri.pathname), "/Acme  Portal & Co:ada+x@acme.example");
});

// ── devices ──

const bench = await openWorkbench();
after(bench.close);
const home = await bench.tenant();
const owner = await bench.ownerOf(home);
const { sealKey } = bench.engine;

const human = async () => {
  const input = { parent: bench.rootRef(home), email: `${newId()}@acme.example`, display_name: "Ada" };
  return { home, user: (await bench.ok(registerUser, owner, input)).id as PrincipalId };
};
type Human = Awaited<ReturnType<typeof human>>;
const within = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => bench.engine.platform.database.transaction(home, work);

const labels = { accountName: "ada@acme.example", issuerName: "Acme" };
const begin = async (of: Human, now: number, displayName = "A phone") => {
  const begun = await within((tx) => beginTotp(tx, sealKey, { ...of, ...labels, displayName, now }));
  assert.ok(!isFault(begun), JSON.stringify(begun));
  return { ...begun, seed: seedOf(begun.secret) };
};
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** As an app reads what is typed into it. */
const seedOf = (secret: string): Buffer => {
  const bits = Array.from(secret, (sign) => alphabet.indexOf(sign).toString(2).padStart(5, "0")).join("");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2)));
};
const start = bench.clock.ms;
const later = (steps: number): number => start + steps * 30_000;
const codeFor = (seed: Buffer, now: number): string => codeAt(seed, stepAt(now));
const use = (of: Human, code: string, now: number) => within((tx) => useTotp(tx, sealKey, of, code, now));
const confirmed = async () => {
  const ada = await human();
  const device = await begin(ada, start);
  assert.equal(
    await within((tx) => confirmTotp(tx, sealKey, { ...ada, id: device.id }, codeFor(device.seed, start), start)),
    true,
  );
  return { ada, device };
};

test("a device is begun, shows its seed as text, URI and QR code, and counts only once its first code was right", async () => {
  const ada = await human();
  const device = await begin(ada, start);
  assert.equal(device.seed.length, 20);
  assert.ok(device.uri.includes(`secret=${device.secret}`));
  assert.match(device.qrSvg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="[\d ]+">.*<path .*<\/svg>$/);
  assert.ok(!/<script|style=|on\w+=/i.test(device.qrSvg));
  const code = codeFor(device.seed, start);
  assert.equal(await use(ada, code, start), false);
  assert.equal((await within((tx) => secondFactorsOf(tx, ada))).totp, 0);
  const id = { ...ada, id: device.id };
  assert.equal(await within((tx) => confirmTotp(tx, sealKey, id, "000000", start)), code === "000000");
  // A form that comes back shows the same.
  const again = await within((tx) => showTotp(tx, sealKey, { ...id, ...labels, now: start }));
  assert.equal(again?.secret, device.secret);
  assert.equal(await within((tx) => confirmTotp(tx, sealKey, id, code, start)), true);
  assert.equal((await within((tx) => secondFactorsOf(tx, ada))).totp, 1);
  assert.deepEqual(
    (await within((tx) => listTotp(tx, ada))).map(({ id: one, displayName }) => [one, displayName]),
    [[device.id, "A phone"]],
  );
});

test("a device is confirmed once, by any number of tries at once, and the code that confirmed it is used", async () => {
  const ada = await human();
  const device = await begin(ada, start);
  const code = codeFor(device.seed, start);
  const tries = await Promise.all(
    Array.from({ length: 20 }, () => within((tx) => confirmTotp(tx, sealKey, { ...ada, id: device.id }, code, start))),
  );
  assert.equal(tries.filter(Boolean).length, 1);
  assert.equal(await use(ada, code, start), false);
  assert.equal(
    await within((tx) => showTotp(tx, sealKey, { ...ada, id: device.id, ...labels, now: start })),
    undefined,
  );
});

test("a device that was begun is forgotten after a quarter of an hour", async () => {
  const ada = await human();
  const device = await begin(ada, start);
  const at = start + 15 * 60_000 + 1;
  assert.equal(
    await within((tx) => confirmTotp(tx, sealKey, { ...ada, id: device.id }, codeFor(device.seed, at), at)),
    false,
  );
});

test("invariant 3: of twenty uses of one code at once, one is true", async () => {
  const { ada, device } = await confirmed();
  const now = later(1);
  const uses = await Promise.all(Array.from({ length: 20 }, () => use(ada, codeFor(device.seed, now), now)));
  assert.equal(uses.filter(Boolean).length, 1);
  assert.equal(await use(ada, codeFor(device.seed, now), now), false);
  // And a step later, when the code would still be within the window.
  assert.equal(await use(ada, codeFor(device.seed, now), later(2)), false);
});

test("invariant 3: of many uses of two steps' codes at once, each is true at most once, and the later one is", async () => {
  const { ada, device } = await confirmed();
  const now = later(2);
  const [before, next] = [codeFor(device.seed, later(1)), codeFor(device.seed, later(3))];
  const uses = await Promise.all(
    Array.from({ length: 20 }, async (_, n) => ({
      code: n % 2 === 0 ? before : next,
      ok: await use(ada, n % 2 === 0 ? before : next, now),
    })),
  );
  const times = (code: string) => uses.filter((one) => one.ok && one.code === code).length;
  assert.equal(times(next), 1);
  assert.ok(times(before) <= 1);
});

test("the step only rises: after the next step's code, this one's and the one before are worth nothing", async () => {
  const { ada, device } = await confirmed();
  const now = later(2);
  assert.equal(await use(ada, codeFor(device.seed, later(3)), now), true);
  for (const step of [1, 2, 3])
    assert.equal(await use(ada, codeFor(device.seed, later(step)), now), false, String(step));
  assert.equal(await use(ada, codeFor(device.seed, later(4)), later(4)), true);
});

test("another human's code, and another tenant's, is none", async () => {
  const [one, two] = [await confirmed(), await confirmed()];
  const now = later(1);
  const code = codeFor(one.device.seed, now);
  assert.equal(await use(two.ada, code, now), false);
  const other = await bench.tenant();
  const there = (tx: Tx) => useTotp(tx, sealKey, { home: other, user: one.ada.user }, code, now);
  assert.equal(await bench.engine.platform.database.transaction(other, there), false);
  assert.equal(await use(one.ada, code, now), true);
});

test("several devices work side by side; one that is removed works no more; five are the most", async () => {
  const { ada, device } = await confirmed();
  const second = await begin(ada, start, "A tablet");
  await within((tx) => confirmTotp(tx, sealKey, { ...ada, id: second.id }, codeFor(second.seed, start), start));
  assert.equal(await use(ada, codeFor(second.seed, later(1)), later(1)), true);
  assert.equal(await use(ada, codeFor(device.seed, later(1)), later(1)), true);
  assert.equal(await within((tx) => removeTotp(tx, { ...ada, id: device.id })), true);
  assert.equal(await within((tx) => removeTotp(tx, { ...ada, id: device.id })), false);
  assert.equal(await use(ada, codeFor(device.seed, later(2)), later(2)), false);
  const stranger = await human();
  assert.equal(await within((tx) => removeTotp(tx, { ...stranger, id: second.id })), false);
  for (let n = 1; n < totp_devices_max; n += 1) {
    const one = await begin(ada, start);
    await within((tx) => confirmTotp(tx, sealKey, { ...ada, id: one.id }, codeFor(one.seed, start), start));
  }
  const refused = await within((tx) =>
    beginTotp(tx, sealKey, { ...ada, ...labels, displayName: "One more", now: start }),
  );
  assert.ok(isFault(refused) && refused.fault === "not_admissible");
});

test("beginning again and again leaves three under way at most", async () => {
  const ada = await human();
  for (let n = 0; n < 6; n += 1) await begin(ada, start + n);
  const [row] = await bench.sql<{ count: number }>(
    home,
    "test.totp_count",
    "select count(*)::integer as count from totp_devices where tenant_id = $1 and user_id = $2",
    [home, ada.user],
  );
  assert.equal(row?.count, 3);
});

test("invariant 5: the seed is not in the database, and its sealed form opens for its own row only", async () => {
  const { ada, device } = await confirmed();
  const other = await confirmed();
  const rows = await bench.sql<{ row: string }>(
    home,
    "test.totp_rows",
    "select row_to_json(t)::text as row from totp_devices t where tenant_id = $1",
    [home],
  );
  const dump = rows.map(({ row }) => row).join("\n");
  for (const trace of [device.secret, device.seed.toString("hex"), device.seed.toString("base64")])
    assert.ok(!dump.includes(trace));
  await bench.sql(
    home,
    "test.totp_swap",
    `update totp_devices set secret_sealed = (select secret_sealed from totp_devices where tenant_id = $1 and id = $3)
      where tenant_id = $1 and id = $2`,
    [home, device.id, other.device.id],
  );
  await assert.rejects(use(ada, codeFor(other.device.seed, later(1)), later(1)), SealBroken);
});
