/** `countersign model test`: files of assertions as an operator runs them, with no server and no database. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readPage } from "../readme/page.ts";
import { runCli } from "../support/server-process.ts";
import { modelText, openFolder } from "./kit.ts";

const folder = await openFolder();
after(() => folder.remove());
const shipped = fileURLToPath(new URL("../../models", import.meta.url));

const run = (...args: readonly string[]) => runCli(["model", "test", ...args]);

await folder.model("notes");
const right = `world:
  organizations/acme: {}
  clients/north: { in: organizations/acme }
tests:
  - name: a clerk reads
    given: [{ role: clerk, at: organizations/acme }]
    allow: [clients:read on clients/north]
`;

test("the models that ship hold everything that is claimed of them, each in full", async () => {
  const { code, stdout, stderr } = await run(shipped, "--complete");
  assert.equal(code, 0, stdout + stderr);
  assert.deepEqual(stdout.match(/^ok .*\/(\w+)\.test\.yaml {2}\d+ passed, 0 failed$/gm)?.length, 5);
});

test("with no file it is the one beside the model of the settings, which is the one that ships", async () => {
  assert.match((await run()).stdout, /^ok .*models\/default\.test\.yaml /);
  const path = await folder.file("notes.test.yaml", right);
  const own = await runCli(["model", "test"], { COUNTERSIGN_MODEL: path.replace(".test", "") });
  assert.equal(own.code, 0, own.stderr);
  assert.ok(own.stdout.startsWith(`ok   ${path}  1 passed, 0 failed\n`), own.stdout);
  assert.match(own.stdout, /no test says exactly what these roles may do: owner, clerk, guard, host\/super_admin$/m);
  assert.match(own.stdout, /no test says what these oblige to: notes:write$/m);
});

test("`--complete` also fails where something is not decided in full", async () => {
  const path = await folder.file("notes.test.yaml", right);
  assert.equal((await run(path)).code, 0);
  const { code, stdout } = await run(path, "--complete");
  assert.equal(code, 1);
  assert.match(stdout, /^FAIL /);
});

test("the file that the guide shows holds of the model that ships", async () => {
  const [shown] = readPage("docs/guides/model.md").blocks.filter(({ language }) => language === "yaml");
  assert.ok(shown);
  const path = await folder.file("guide.test.yaml", `model: ${join(shipped, "default.yaml")}\n${shown.body}`);
  const { code, stdout, stderr } = await run(path);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, / {2}4 passed, 0 failed$/m);
});

test("what does not hold is said with its file, line and reason, and the exit code is 1", async () => {
  const path = await folder.file("notes.test.yaml", right.replace("clients:read on", "clients:update on"));
  const { code, stdout } = await run(path);
  assert.equal(code, 1);
  assert.match(stdout, /^FAIL .*notes\.test\.yaml {2}0 passed, 1 failed\n {2}a clerk reads\n/);
  assert.ok(
    stdout.includes(`    ${path}:7: \`clients:update\` on \`clients/north\` is denied: no role or grant gives`),
    stdout,
  );
});

test("mistakes in a file are all told, with lines; other files are still run", async () => {
  const good = await folder.file("notes.test.yaml", right);
  await folder.file("more.yaml", modelText());
  const bad = await folder.file(
    "more.test.yaml",
    right
      .replace("clerk,", "clrek,")
      .replace("clients/north\n", "clients/nroth\n")
      .replace("on clients/north", "on clients/nroth"),
  );
  const { code, stdout } = await run(bad, good);
  assert.equal(code, 1);
  assert.match(
    stdout,
    /more\.test\.yaml:6: tests\[0\]\.given\[0\]\.role: there is no role `clrek`; did you mean `clerk`\?$/m,
  );
  assert.match(
    stdout,
    /more\.test\.yaml:7: .*there is no `clients\/nroth` in the world; did you mean `clients\/north`\?$/m,
  );
  assert.match(stdout, /^ok .*notes\.test\.yaml/m);
});

test("the model is the one the file names, or the one of its own name; without either it is said what is missing", async () => {
  const named = await folder.file("elsewhere.test.yaml", `model: notes.yaml\n${right}`);
  assert.equal((await run(named)).code, 0);
  const lost = await folder.file("lost.test.yaml", right);
  assert.match((await run(lost)).stdout, /lost\.test\.yaml:1: model: there is no model `.*lost\.yaml`$/m);
  await folder.file("ill.yaml", "title: Ill\n");
  const ill = await folder.file("ill.test.yaml", right);
  assert.match((await run(ill)).stdout, /ill\.yaml:1: perimeters: has no root type/);
  const missing = await run("/nowhere/x.test.yaml");
  assert.equal(missing.code, 1);
  assert.equal(missing.stdout, "");
  assert.match(missing.stderr, /`\/nowhere\/x\.test\.yaml` cannot be read/);
});
