import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const runner = fileURLToPath(new URL("test.ts", import.meta.url));

type Run = { readonly status: number | null; readonly output: string; readonly lastLine: string };

/** Runs `npm test`'s program over a folder that holds these files. */
const runTests = (files: Readonly<Record<string, string>>, ...args: readonly string[]): Run => {
  const folder = mkdtempSync(join(tmpdir(), "countersign-runner-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text.replaceAll("FOLDER", folder));
    }
    // node:test refuses to run inside of a test, which this variable tells it that it is.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const run = spawnSync(process.execPath, [runner, ...args], { cwd: folder, env, encoding: "utf8" });
    const output = run.stdout + run.stderr;
    return { status: run.status, output, lastLine: run.stdout.trimEnd().split("\n").at(-1) ?? "" };
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** Empty once a process has ended, even while nobody has collected its exit code. */
const commandLine = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
};

const passing = `import { test } from "node:test";\ntest("passes", () => {});\n`;

test("tests that hold others are not counted, and all that pass end in exit code 0", () => {
  const nested = `import { describe, it, test } from "node:test";
    describe("a suite", () => { it("one", () => {}); it("two", () => {}); });
    test("a parent", async (t) => { await t.test("three", () => {}); });`;
  const run = runTests({ "core/a.test.ts": passing, "server/deep/er/b.test.ts": nested });
  assert.equal(run.lastLine, "4 passed, 0 failed", run.output);
  assert.equal(run.status, 0);
});

test("a failure is shown with its place and its difference, and what the file wrote", () => {
  const run = runTests({
    "core/a.test.ts": passing,
    "core/b.test.ts": `import assert from "node:assert/strict";\nimport { test } from "node:test";
console.log("a word from the file");
test("sums", () => assert.deepEqual({ sum: 3 }, { sum: 4 }));`,
  });
  assert.equal(run.lastLine, "1 passed, 1 failed", run.output);
  assert.equal(run.status, 1);
  assert.match(run.output, /FAIL sums\n {2}at core\/b\.test\.ts:4:1/);
  assert.match(run.output, /sum: 3/);
  assert.match(run.output, /a word from the file/);
});

const doubtful: Readonly<Record<string, readonly [text: string, says: RegExp]>> = {
  "a skipped test": [`import { test } from "node:test"; test.skip("later", () => {});`, /was skipped/],
  "a test that skips itself": [`import { test } from "node:test"; test("x", (t) => t.skip("no"));`, /was skipped/],
  "a todo": [`import { test } from "node:test"; test.todo("some day");`, /is marked todo/],
  "a file without tests": ["export const nothing = 1;", /has no tests/],
  "a file that does not load": [`import "./nowhere.ts";`, /ERR_MODULE_NOT_FOUND/],
  "an error after the tests": [
    `import { test } from "node:test"; test("x", () => void setTimeout(() => { throw new Error("too late") }, 20));`,
    /too late/,
  ],
  "a hook that fails": [
    `import { after, test } from "node:test"; after(() => { throw new Error("hook") }); test("x", () => {});`,
    /hook/,
  ],
  "an exit code set by the file": [
    `import { test } from "node:test"; test("x", () => { process.exitCode = 3; });`,
    /badly/,
  ],
};
for (const [name, [text, says]] of Object.entries(doubtful)) {
  test(`what leaves a doubt fails: ${name}`, () => {
    const run = runTests({ "core/a.test.ts": passing, "core/b.test.ts": text });
    assert.match(run.lastLine, /^[12] passed, 1 failed$/, run.output);
    assert.match(run.output, says);
    assert.equal(run.status, 1);
  });
}

test("a file that does not end after its tests is ended and fails, and its tests still count", () => {
  const run = runTests({
    "core/a.test.ts": `import { test } from "node:test"; test("x", () => void setInterval(() => {}, 1000));`,
  });
  assert.match(run.output, /did not end after its tests and was ended/);
  assert.equal(run.lastLine, "1 passed, 1 failed", run.output);
});

test("no test file at all, or none that matches, fails", () => {
  assert.deepEqual(
    [runTests({}), runTests({ "core/a.test.ts": passing }, "nowhere")].map(({ status, lastLine }) => [
      status,
      lastLine,
    ]),
    [
      [1, "0 passed, 1 failed"],
      [1, "0 passed, 1 failed"],
    ],
  );
});

test("an argument narrows the run to the files whose path contains it", () => {
  const run = runTests({ "core/a.test.ts": passing, "core/decide/b.test.ts": passing }, "decide");
  assert.equal(run.lastLine, "1 passed, 0 failed");
  assert.match(run.output, /core\/decide\/b\.test\.ts/);
});

test("a process that a test leaves behind is ended, and fails the run", () => {
  const text = `import { spawn } from "node:child_process"; import { writeFileSync } from "node:fs"; import { test } from "node:test";
    test("x", () => {
      const child = spawn("sleep", ["300"], { detached: true, stdio: "ignore" });
      child.unref();
      writeFileSync(process.env.PID_FILE, String(child.pid));
    });`;
  const pidFile = join(mkdtempSync(join(tmpdir(), "countersign-runner-")), "pid");
  process.env["PID_FILE"] = pidFile;
  const run = runTests({ "core/a.test.ts": text });
  assert.match(run.output, /a test left this process behind: \d+ sleep 300/);
  assert.equal(run.lastLine, "1 passed, 1 failed");
  assert.equal(commandLine(Number(readFileSync(pidFile, "utf8"))), "");
  rmSync(dirname(pidFile), { recursive: true });
});
