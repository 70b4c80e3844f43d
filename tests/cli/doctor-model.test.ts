/** `countersign doctor` says whether the model file is the one in force (ADR 10), and what to do where it is not. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { loadModel } from "../../server/startup/access-model.ts";
import { freshDatabase } from "../support/postgres.ts";
import { freshCacheUrl } from "../support/redis.ts";
import { type Environment, runCli, type ServerProcess, startServer } from "../support/server-process.ts";

const folder = await mkdtemp(join(tmpdir(), "countersign-doctor-"));
after(() => rm(folder, { recursive: true, force: true }));
const shipped = await readFile(new URL("../../models/default.yaml", import.meta.url), "utf8");
const write = async (name: string, text: string): Promise<{ readonly path: string; readonly version: string }> => {
  const path = join(folder, name);
  await writeFile(path, text);
  return { path, version: loadModel(path).version };
};
const first = await write("first.yaml", shipped);
const second = await write("second.yaml", `${shipped}  payouts:create: { class: human }\n`);
const third = await write("third.yaml", `${shipped}  payouts:read: { class: human }\n`);

type Seen = { readonly code: number; readonly found: "ok" | "failed"; readonly said: string };
const doctor = async (env: Environment, model: { readonly path: string }): Promise<Seen> => {
  const { code, stdout } = await runCli(["doctor"], { ...env, COUNTERSIGN_MODEL: model.path });
  const [, found, said = ""] = /^(ok|failed) +model in force +(.*)$/m.exec(stdout) ?? [];
  assert.ok(found === "ok" || found === "failed", stdout);
  return { code, found, said };
};
const apply = async (env: Environment, ...args: readonly string[]): Promise<void> => {
  const { code, stderr } = await runCli(["model", "apply", ...args], env);
  assert.equal(code, 0, stderr);
};
const stopping = (server: ServerProcess): ServerProcess => {
  after(() => server.stop());
  return server;
};

test("on PostgreSQL: the file in force, another one, the one before it, and a server that goes on with that", async () => {
  const { url, drop } = await freshDatabase();
  after(drop);
  const own = { COUNTERSIGN_DATABASE_URL: url, COUNTERSIGN_CACHE_URL: await freshCacheUrl() };
  const server = stopping(await startServer({ env: { ...own, COUNTERSIGN_MODEL: first.path } }));

  const well = await doctor(server.env, first);
  assert.deepEqual([well.found, well.code], ["ok", 0]);
  assert.ok(well.said.includes(first.version) && well.said.includes("the one in the file"), well.said);

  const other = await doctor(server.env, second);
  assert.deepEqual([other.found, other.code], ["failed", 1]);
  for (const part of [first.version, second.version, `\`countersign model diff ${second.path}\``])
    assert.ok(other.said.includes(part), other.said);
  assert.ok(other.said.includes(`\`countersign model apply ${second.path}\``), other.said);

  await apply(server.env, second.path);
  const before = await doctor(server.env, first);
  assert.equal(before.found, "failed");
  assert.match(before.said, new RegExp(`${second.version} is in force.*servers may be started with .* until \\d{4}-`));
  const running = await doctor(server.env, second);
  assert.equal(running.found, "failed");
  assert.match(running.said, new RegExp(`server on this machine was started with ${first.version}: start it anew`));

  await apply(server.env, third.path, "--allow-widening", "--overlap-seconds", "0");
  await apply(server.env, second.path, "--allow-widening", "--overlap-seconds", "0");
  const retired = await doctor(server.env, third);
  assert.match(retired.said, /countersign model diff/);
  assert.doesNotMatch(retired.said, /until/);

  await server.stop();
  assert.equal((await doctor(server.env, second)).found, "ok");
});

test("on PostgreSQL: where none is in force yet, and where nobody can be asked", async (t) => {
  const { url, drop } = await freshDatabase();
  t.after(drop);
  const env = {
    COUNTERSIGN_DATABASE_URL: url,
    COUNTERSIGN_CACHE_URL: "redis://127.0.0.1:1",
    COUNTERSIGN_SECRET_KEY: Buffer.alloc(32, 7).toString("base64"),
    COUNTERSIGN_MANAGEMENT_PORT: "0",
  };
  const none = await doctor(env, first);
  assert.equal(none.found, "ok");
  assert.match(none.said, /none yet: the first server that is started/);
  const nobody = await doctor({ ...env, COUNTERSIGN_DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" }, first);
  assert.equal(nobody.found, "failed");
  assert.match(nobody.said, /127\.0\.0\.1:1/);
});

test("on the embedded database: before the first start, beside the server that has it, and when nobody has it", async () => {
  const dataDir = join(folder, "data");
  const none = await doctor({ COUNTERSIGN_DATA_DIR: dataDir, COUNTERSIGN_MANAGEMENT_PORT: "0" }, first);
  assert.equal(none.found, "ok");
  assert.match(none.said, /none yet/);

  const server = stopping(await startServer({ env: { COUNTERSIGN_MODEL: first.path } }));
  assert.equal((await doctor(server.env, first)).found, "ok");
  const beside = await doctor(server.env, second);
  assert.equal(beside.found, "failed");
  assert.match(beside.said, new RegExp(`started with ${first.version}.*stop it`));
  const elsewhere = await doctor({ ...server.env, COUNTERSIGN_MANAGEMENT_PORT: "1" }, first);
  assert.equal(elsewhere.found, "failed");
  assert.match(elsewhere.said, /COUNTERSIGN_MANAGEMENT_PORT/);

  await server.kill();
  assert.equal((await doctor(server.env, first)).found, "ok");
  const alone = await doctor(server.env, second);
  assert.equal(alone.found, "failed");
  assert.ok(alone.said.includes(first.version) && alone.said.includes(second.version), alone.said);
});
