/** A start that cannot succeed: one clear message that says what to do, exit code 1, and no port opened. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import pg from "pg";
import { freshDatabase } from "../support/postgres.ts";
import { freshCacheUrl, freePort } from "../support/redis.ts";
import { type Environment, runCli, type ServerProcess, startRefused, startServer } from "../support/server-process.ts";

const running: { server: ServerProcess | undefined } = { server: undefined };
const folders: string[] = [];
before(async () => {
  running.server = await startServer();
});
after(async () => {
  await running.server?.stop();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

const refused = async (env: Environment, why: RegExp): Promise<void> => {
  const { code, output, listened } = await startRefused({ env });
  assert.match(output, why);
  assert.match(output, /^countersign cannot start:$/m);
  assert.equal(code, 1);
  assert.equal(listened, false, "it opened no port");
};

const dataDir = (): string => running.server?.dataDir ?? assert.fail("the server runs");

const folder = async (): Promise<string> => {
  const made = await mkdtemp(join(tmpdir(), "countersign-refusals-"));
  folders.push(made);
  return made;
};

test("an unknown setting is named, with the one that was probably meant", () =>
  refused(
    { COUNTERSIGN_ISSUR: "http://localhost" },
    /COUNTERSIGN_ISSUR is not a setting; did you mean COUNTERSIGN_ISSUER\?/,
  ));

test("a foreign lock: the process that holds the data directory is named", () =>
  refused(
    { COUNTERSIGN_DATA_DIR: dataDir() },
    new RegExp(`another countersign \\(pid ${running.server?.pid}\\) uses .*; stop it, or set COUNTERSIGN_DATA_DIR`),
  ));

test("a model with mistakes: every one of them, with its place", async () => {
  const model = join(await folder(), "model.yaml");
  await writeFile(
    model,
    "title: Broken\nperimeters: { org: {} }\nroles: { owner: { permissions: ['nothing:read'] } }\n",
  );
  await refused({ COUNTERSIGN_MODEL: model }, /model\.yaml/);
});

test("a secret key that is no key", async () => {
  const external = {
    COUNTERSIGN_DATABASE_URL: "postgres://localhost:1/x",
    COUNTERSIGN_CACHE_URL: "redis://localhost:1",
  };
  await refused(
    { ...external, COUNTERSIGN_SECRET_KEY: "short" },
    /COUNTERSIGN_SECRET_KEY must be 32 bytes in base64 or hex; make one with: openssl/,
  );
});

test("a database that cannot be reached is said where, and no password with it", async () => {
  const port = await freePort();
  const env = {
    COUNTERSIGN_DATABASE_URL: `postgres://ada:open-sesame@127.0.0.1:${port}/identity`,
    COUNTERSIGN_CACHE_URL: await freshCacheUrl(),
  };
  const { output } = await startRefused({ env });
  assert.doesNotMatch(output, /open-sesame/);
  await refused(env, new RegExp(`nothing listens at 127\\.0\\.0\\.1:${port}/identity: start PostgreSQL there`));
});

test("a cache that cannot be reached is said where", async (t) => {
  const { url, drop } = await freshDatabase();
  t.after(drop);
  const port = await freePort();
  await refused(
    { COUNTERSIGN_DATABASE_URL: url, COUNTERSIGN_CACHE_URL: `redis://127.0.0.1:${port}` },
    new RegExp(`127\\.0\\.0\\.1:${port}`),
  );
});

test("on a database set up with another key, a server refuses, and one with the right key starts", async (t) => {
  const { url, drop } = await freshDatabase();
  t.after(drop);
  const env = { COUNTERSIGN_DATABASE_URL: url, COUNTERSIGN_CACHE_URL: await freshCacheUrl() };
  const server = await startServer({ env });
  await server.stop();
  await refused(env, /COUNTERSIGN_SECRET_KEY is not the key this database was set up with/);
  const again = await startServer({
    env: { ...env, COUNTERSIGN_SECRET_KEY: server.env["COUNTERSIGN_SECRET_KEY"] ?? "" },
  });
  assert.equal(await again.stop(), 0);
});

test("the embedded database's own key is as needed: a lost secret.key is not silently replaced", async () => {
  const copy = await folder();
  const server = await startServer({ env: { COUNTERSIGN_DATA_DIR: copy } });
  await server.stop();
  await rm(join(copy, "secret.key"));
  await refused({ COUNTERSIGN_DATA_DIR: copy }, /COUNTERSIGN_SECRET_KEY is not the key this database was set up with/);
});

test("a migration that was changed after it was applied stops the start and `migrate` alike", async (t) => {
  const { url, drop } = await freshDatabase();
  t.after(drop);
  const env = {
    COUNTERSIGN_DATABASE_URL: url,
    COUNTERSIGN_CACHE_URL: await freshCacheUrl(),
    COUNTERSIGN_SECRET_KEY: Buffer.alloc(32, 1).toString("base64"),
  };
  const first = await runCli(["migrate"], env);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^applied 0001_foundation\.sql$/m);
  assert.equal((await runCli(["migrate"], env)).stdout, "the database was up to date\n");
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("update schema_migrations set checksum = 'another' where version = 1");
  await client.end();
  await refused(env, /0001_foundation\.sql/);
  const second = await runCli(["migrate"], env);
  assert.equal(second.code, 1);
  assert.match(second.stderr, /0001_foundation\.sql/);
});

test("a port that another program has", async () => {
  const taken = running.server?.env["COUNTERSIGN_PORT"] ?? "";
  const { code, output } = await startRefused({ env: { COUNTERSIGN_PORT: taken } });
  assert.equal(code, 1);
  assert.match(output, /another program uses that port: stop it, or set another/);
});
