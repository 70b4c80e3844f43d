import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("generate.ts", import.meta.url));

/** Runs the program in a folder with these generators, as often as `runs` says, and then looks around. */
const inFolder = (
  generators: Readonly<Record<string, string>>,
  use: (run: (...args: readonly string[]) => { status: number | null; output: string }, folder: string) => void,
): void => {
  const folder = mkdtempSync(join(tmpdir(), "countersign-generate-"));
  mkdirSync(join(folder, "tools/generators"), { recursive: true });
  writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);
  for (const [name, text] of Object.entries(generators)) writeFileSync(join(folder, "tools/generators", name), text);
  try {
    use((...args) => {
      const run = spawnSync(process.execPath, [program, ...args], { cwd: folder, encoding: "utf8" });
      return { status: run.status, output: run.stdout + run.stderr };
    }, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const matrix = `export const path = "api/matrix.txt";\nexport const generate = async (): Promise<string> => "one\\ntwo\\n";\n`;

test("a missing file fails the check, is written, and then passes it", () =>
  inFolder({ "matrix.ts": matrix }, (run, folder) => {
    const missing = run("--check");
    assert.match(missing.output, /api\/matrix\.txt is missing: run `npm run generate`/);
    assert.equal(missing.status, 1);
    assert.equal(existsSync(join(folder, "api/matrix.txt")), false);
    assert.equal(run().status, 0);
    assert.equal(readFileSync(join(folder, "api/matrix.txt"), "utf8"), "one\ntwo\n");
    assert.equal(run("--check").status, 0);
  }));

test("a file changed by hand fails the check, which names the line and changes nothing", () =>
  inFolder({ "matrix.ts": matrix }, (run, folder) => {
    run();
    writeFileSync(join(folder, "api/matrix.txt"), "one\n2\n");
    const stale = run("--check");
    assert.match(stale.output, /api\/matrix\.txt is out of date from line 2/);
    assert.equal(stale.status, 1);
    assert.equal(readFileSync(join(folder, "api/matrix.txt"), "utf8"), "one\n2\n");
  }));

test("no generator, an incomplete one, and two for one file are failures", () => {
  inFolder({}, (run) => assert.match(run("--check").output, /no generator was found/));
  inFolder({ "a.ts": "export const path = 1;" }, (run) => assert.match(run().output, /does not export `path` and/));
  inFolder({ "a.ts": matrix, "b.ts": matrix }, (run) => assert.match(run().output, /made by both .*a\.ts and .*b\.ts/));
});
