/** The command line and the server process on PostgreSQL and Redis, with several workers: what production looks like. */
import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freshDatabase } from "../support/postgres.ts";
import { freshCacheUrl } from "../support/redis.ts";
import { runCli, type ServerProcess, startServer } from "../support/server-process.ts";

const running: { server?: ServerProcess; drop?: () => Promise<void> } = {};
before(async () => {
  const { url, drop } = await freshDatabase();
  running.drop = drop;
  const env = { COUNTERSIGN_DATABASE_URL: url, COUNTERSIGN_CACHE_URL: await freshCacheUrl(), COUNTERSIGN_WORKERS: "2" };
  running.server = await startServer({ env });
});
after(async () => {
  await running.server?.stop();
  await running.drop?.();
});

const server = (): ServerProcess => running.server ?? assert.fail("the server runs");

test("`bootstrap` prints new credentials, keeps them for `token` in a file only we can read, and the token works", async () => {
  const { code, stdout, stderr } = await runCli(["bootstrap"], server().env);
  assert.equal(code, 0, stderr);
  const made = JSON.parse(stdout) as { client_id: string; issuer: string };
  assert.deepEqual(Object.keys(made), ["issuer", "setup_url", "client_id", "client_secret", "expires_at"]);
  assert.equal(made.issuer, server().issuer);
  const file = join(server().dataDir, "bootstrap.json");
  assert.deepEqual(JSON.parse(await readFile(file, "utf8")), made);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const token = await runCli(["token"], server().env);
  const found = await runCli(["introspect", token.stdout.trim()], server().env);
  assert.equal((JSON.parse(found.stdout) as { client_id: string }).client_id, made.client_id);
});

test("`doctor` looks at PostgreSQL, its migrations, the fence, the clock and the cache", async () => {
  const { code, stdout } = await runCli(["doctor"], server().env);
  assert.equal(code, 0, stdout);
  for (const name of ["database", "migrations", "row-level security", "database clock", "cache"])
    assert.match(stdout, new RegExp(`^ok +${name} `, "m"));
});

test("`doctor` names what is down: a cache that nobody runs, a database that has no migrations", async (t) => {
  const { url, drop } = await freshDatabase();
  t.after(drop);
  const env = { ...server().env, COUNTERSIGN_DATABASE_URL: url, COUNTERSIGN_CACHE_URL: "redis://127.0.0.1:1" };
  const { code, stdout } = await runCli(["doctor"], env);
  assert.equal(code, 1);
  assert.match(stdout, /^failed +migrations +0001_foundation\.sql.* not applied yet: run `countersign migrate`/m);
  assert.match(stdout, /^failed +cache +.*127\.0\.0\.1:1/m);
});

test("SIGTERM ends the server and its workers with exit code 0, and a killed one starts again on the same data", async () => {
  const killed = server();
  await killed.kill();
  const again = await startServer({ env: killed.env });
  assert.notEqual(again.pid, killed.pid);
  assert.equal(again.issuer, killed.issuer);
  assert.equal(await again.stop(), 0);
});
