// Hashing and judging passwords: what is stored, what is refused, and that a flood of them stops nobody else.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, test } from "node:test";
import fc from "fast-check";
import { isFault, type Result } from "../../core/faults.ts";
import { openPasswordHasher } from "../../server/credentials/passwords/hasher.ts";
import { passwordProblems } from "../../server/credentials/passwords/rules.ts";

const hasher = openPasswordHasher();
after(hasher.close);

const good = <T>(result: Result<T>): T => {
  assert.ok(!isFault(result), JSON.stringify(result));
  return result;
};

const stored = good(await hasher.hash("correct horse battery"));

test("a password is stored as argon2id with 19 MiB, two passes and one lane, under a salt of its own", async () => {
  assert.match(stored, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.notEqual(good(await hasher.hash("correct horse battery")), stored);
});

test("the right password matches and needs no new hash; another does not match", async () => {
  assert.deepEqual(await hasher.verify(stored, "correct horse battery"), { matches: true, rehash: false });
  for (const other of ["correct horse batterY", "correct horse battery ", "", "correct horse"])
    assert.deepEqual(await hasher.verify(stored, other), { matches: false, rehash: false }, other);
});

test("RFC 8265 §4.2: the same password typed elsewhere is the same: NFC, and every space is a space", async () => {
  const hash = good(await hasher.hash("Å\u00a0naïve über-straße"));
  const typed = "A\u030a\u3000nai\u0308ve u\u0308ber-straße";
  assert.equal(good(await hasher.verify(hash, typed)).matches, true);
  // Case and width are the password's own (§4.2.2 rules 1 and 3).
  for (const other of ["å naïve über-straße", "Å naïve über-strasse", "Å ｎaïve über-straße"])
    assert.equal(good(await hasher.verify(hash, other)).matches, false, other);
});

test("a new hash never cuts: passwords that differ in their last character are two", async () => {
  const long = "0123456789".repeat(19) + "a".repeat(9);
  const hash = good(await hasher.hash(`${long}a`));
  assert.equal(good(await hasher.verify(hash, `${long}a`)).matches, true);
  assert.equal(good(await hasher.verify(hash, `${long}b`)).matches, false);
});

test("a password of more than 200 characters is refused, and matches nothing", async () => {
  const refused = await hasher.hash("é".repeat(201));
  assert.ok(isFault(refused) && refused.fault === "invalid_argument");
  assert.ok(!isFault(await hasher.hash("😀".repeat(200))));
  assert.deepEqual(await hasher.verify(stored, "x".repeat(1_000_000)), { matches: false, rehash: false });
});

test("where there is no password a decoy is computed: it never matches, and takes as long", async () => {
  const times = { known: [] as number[], unknown: [] as number[] };
  const timed = async (kind: "known" | "unknown") => {
    const start = performance.now();
    const answer = await hasher.verify(kind === "known" ? stored : null, "a wrong password");
    times[kind].push(performance.now() - start);
    assert.deepEqual(answer, { matches: false, rehash: false });
  };
  for (let turn = 0; turn < 25; turn += 1) for (const kind of ["known", "unknown"] as const) await timed(kind);
  const median = (of: readonly number[]) => of.toSorted((a, b) => a - b)[of.length >> 1] ?? 0;
  const ratio = median(times.unknown) / median(times.known);
  assert.ok(ratio > 0.6 && ratio < 1.6, `unknown takes ${ratio.toFixed(2)} times as long as known`);
});

test("what is stored and cannot be read matches nothing, and throws nothing", async () => {
  for (const broken of ["", "x", "$argon2id$v=19$m=19456,t=2,p=1$AAAA", `$2b$31$${"a".repeat(53)}`, "plain text"])
    assert.deepEqual(await hasher.verify(broken, "x"), { matches: false, rehash: false }, broken);
});

test("hashing leaves the main thread free: it goes on turning", async () => {
  let turns = 0;
  const busy = { on: true };
  const turn = () => {
    turns += 1;
    if (busy.on) setImmediate(turn);
  };
  setImmediate(turn);
  await Promise.all([1, 2, 3, 4].map((n) => hasher.hash(`password number ${n}`)));
  busy.on = false;
  assert.ok(turns > 100, `${turns} turns`);
});

test("past its bound the hasher answers `unavailable` at once and says when to ask again; who waits is served in turn", async () => {
  const small = openPasswordHasher({ parallel: 1, waitingMax: 3 });
  const order: number[] = [];
  const asked = Array.from({ length: 20 }, (_, n) => small.hash(`password ${n}`).then((answer) => ({ n, answer })));
  for (const one of asked) void one.then(({ n }) => order.push(n));
  const answers = await Promise.all(asked);
  const served = answers.filter(({ answer }) => !isFault(answer)).map(({ n }) => n);
  assert.deepEqual(served, [0, 1, 2, 3]);
  // The sixteen that were turned away knew it before the first hash was done.
  assert.deepEqual(order.slice(-4), [0, 1, 2, 3]);
  for (const { answer } of answers.slice(4))
    assert.ok(isFault(answer) && answer.fault === "unavailable" && answer.retryAfterSeconds === 1);
  // And it recovers.
  assert.ok(!isFault(await small.hash("afterwards")));
  await small.close();
});

test("closing turns away who waits, and ends when the last one is done", async () => {
  const closing = openPasswordHasher({ parallel: 1, waitingMax: 10 });
  const state = { running: true };
  const running = closing.hash("running").finally(() => (state.running = false));
  const waiting = closing.hash("waiting");
  await closing.close();
  await new Promise(setImmediate);
  assert.equal(state.running, false);
  assert.ok(!isFault(await running));
  for (const refused of [await waiting, await closing.hash("late")])
    assert.ok(isFault(refused) && refused.fault === "unavailable");
});

// ── rules ──

const ada = { lengthMin: 12, email: "ada.lovelace@acme.example", displayName: "Ada Lovelace" };
const reasonFor = (text: string, asked = ada): string | undefined => passwordProblems(text, asked)[0]?.reason;

test("NIST SP 800-63B-4 §3.1.1.2: the policy's length is asked for, in characters, and never less than eight", () => {
  assert.equal(reasonFor("vk3#Zp9!qLd"), "too_short");
  assert.equal(reasonFor("vk3#Zp9!qLdw"), undefined);
  assert.equal(reasonFor("😀🐝🌵🚲🎷🧊🪐🦉🍇🧵🪁🫖"), undefined);
  assert.equal(reasonFor("😀🐝🌵🚲🎷🧊"), "too_short");
  assert.equal(reasonFor("vk3#Zp9", { ...ada, lengthMin: 1 }), "too_short");
  assert.equal(reasonFor("x".repeat(201)), "too_long");
});

test("NIST SP 800-63B-4 §3.1.1.2: no kind of character is asked for, and every one is allowed", () => {
  for (const text of [
    "vkzpqldwhtnmrb",
    "91824650173648",
    "пароль для почты",
    "合言葉は山と川だと言った",
    "tapir moon kettle",
  ])
    assert.equal(reasonFor(text), undefined, text);
});

test("a password that is guessed first is refused, in disguise too", () => {
  for (const text of [
    "password1234",
    "P@ssw0rd1234!",
    "!!Sunshine2024",
    "aaaaaaaaaaaaaa",
    "abcabcabcabcabc",
    "123456789012",
    "abcdefghijklm",
    "qwertyuiop123",
    "passwordpassword",
    "ｐａｓｓｗｏｒｄ1234",
  ])
    assert.equal(reasonFor(text), "common", text);
});

test("what is little more than one's name, address or the service's name is refused", () => {
  for (const text of [
    "lovelaceada123",
    "Ada.Lovelace1815",
    "ADALOVELACE!!",
    "countersign2026",
    "acme.example99",
    "lovelacepassword",
  ])
    assert.equal(reasonFor(text), "about_you", text);
  const asked = { ...ada, serviceNames: ["Globex Portal"] };
  assert.equal(reasonFor("globexportal12", asked), "about_you");
  assert.equal(reasonFor("globexportal12"), undefined);
  assert.equal(reasonFor("lovelace tapir moon kettle"), undefined);
});

test("control characters, lone surrogates and unassigned code points are no password (RFC 8265 §4.2.3)", () => {
  for (const sign of ["\0", "\n", "\u007f", "\ud800", "\u{e0080}"])
    assert.equal(reasonFor(`tapir moon kettle${sign}`), "not_text", JSON.stringify(sign));
});

test("judging never throws, whatever is typed, and says what to change", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 250 }), fc.string(), (text, name) => {
      for (const problem of passwordProblems(text, { ...ada, displayName: name })) {
        assert.equal(problem.path, "password");
        assert.ok(problem.message.length > 0);
      }
    }),
  );
});

test("on Linux the threads that hash stand back behind the one that answers requests", {
  skip: process.platform !== "linux" ? "priorities of threads are Linux's" : false,
}, async () => {
  await hasher.hash("whatever it is");
  const niceness = (thread: string): number =>
    // proc_pid_stat(5), field 19; the name before it is in parentheses and may hold spaces.
    Number(readFileSync(`/proc/self/task/${thread}/stat`, "utf8").split(") ")[1]?.split(" ")[16]);
  const pool = readdirSync("/proc/self/task").filter(
    (thread) => readFileSync(`/proc/self/task/${thread}/comm`, "utf8").trim() === "libuv-worker",
  );
  assert.ok(pool.length >= 4);
  const own = niceness(String(process.pid));
  for (const thread of pool) assert.ok(niceness(thread) > own);
});
