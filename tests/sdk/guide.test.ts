/** The guides' programs run: each of them as it stands there, but for the addresses of whom it talks to. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { createClient } from "redis";
import { countersign, type ReplayStore } from "../../sdk/countersign.ts";
import { transaction } from "../../sdk/postgres.ts";
import { startTestIssuer } from "../../sdk/testing.ts";
import { athOf, proofKey, proofOf } from "../oauth/dpop-kit.ts";
import { bearer, send } from "../oauth/http.ts";
import { readPage, root } from "../readme/page.ts";
import { freshDatabase } from "../support/postgres.ts";
import { freePort, startRedis } from "../support/redis.ts";
import { acme, adapters, fileId, globex, usual } from "./kit.ts";

const node = adapters["node"];
assert.ok(node);

// Inside the checkout, so that a program finds the packages it names.
mkdirSync(join(root, ".tmp"), { recursive: true });
const folder = mkdtempSync(join(root, ".tmp", "sdk-guide-"));
after(() => rmSync(folder, { recursive: true }));

const programs = (page: string): readonly string[] =>
  readPage(page)
    .blocks.filter(({ language }) => language === "js")
    .map(({ body }) => body);

const sources: Readonly<Record<string, string>> = { "": "countersign", "/testing/model": "testing-model" };

/** As the reader has the package, the checkout has its sources. */
const here = (program: string): string =>
  program.replaceAll(/"@countersign\/sdk(\/[a-z/]+)?"/g, (_, part: string = "") => {
    const file = sources[part] ?? part.slice(1);
    return JSON.stringify(pathToFileURL(join(root, "sdk", `${file}.ts`)).href);
  });

const written = (name: string, program: string): string => {
  const file = join(folder, name);
  writeFileSync(file, here(program));
  return file;
};

const started = (t: TestContext, args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess => {
  // A test of a test's own is no part of this one.
  const { NODE_TEST_CONTEXT: _, ...surroundings } = process.env;
  const child = spawn(process.execPath, [...args], { cwd: root, env: { ...surroundings, ...env }, stdio: "pipe" });
  t.after(() => child.kill("SIGKILL"));
  return child;
};

const issuer = await startTestIssuer({ decide: ({ permission }) => permission !== "files:write" });
after(() => issuer.close());
const { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET } = issuer.credentials;

/** The first answer of a program that is still starting. */
const answering = async (url: string, child: ChildProcess): Promise<void> => {
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => void (said += text));
  for (let tries = 0; tries < 500; tries += 1) {
    if (child.exitCode !== null) break;
    const answer = await fetch(url).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer !== undefined) return;
    await pause(20);
  }
  assert.fail(`the program does not answer: ${said}`);
};

const [
  onFastify = "",
  onExpress = "",
  onHono = "",
  sharing = "",
  transactions = "",
  proof = "",
  itsTest = "",
  ...more
] = programs("docs/guides/sdk.md");
const [fence = "", ...otherTables] = readPage("docs/guides/sdk.md")
  .blocks.filter(({ language }) => language === "sql")
  .map(({ body }) => body);

for (const [name, program] of Object.entries({ onFastify, onExpress, onHono }))
  test(`the guide's service ${name} lets in who may, and nobody else`, async (t) => {
    const port = await freePort();
    const text = program.replaceAll("https://id.example.com", issuer.url).replaceAll("3000", String(port));
    const child = started(t, [written(`${name}.mjs`, text)], { CLIENT_ID, CLIENT_SECRET });
    const base = `http://127.0.0.1:${port}`;
    await answering(`${base}/health`, child);
    const url = `${base}/files/${fileId}`;
    assert.equal((await send(`${base}/health`)).text, "well");
    assert.equal((await send(url)).status, 401);
    const audience = "https://files.example.com";
    const answer = await send(url, { headers: bearer(await issuer.mint({ tenant: acme, audience })) });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json()["tenant_id"], acme);
    assert.equal(
      (await send(`${base}/files/nonsense`, { headers: bearer(await issuer.mint({ tenant: acme, audience })) })).status,
      404,
    );
  });

test("the guide's short service runs too", async (t) => {
  const [program = ""] = programs("docs/guides/protect-an-api.md");
  const port = await freePort();
  const text = program.replaceAll("http://localhost:8080", issuer.url).replaceAll("3000", String(port));
  const child = started(t, [written("short.mjs", text)], {});
  const url = `http://127.0.0.1:${port}/accounts/${fileId}`;
  await answering(url, child);
  const answer = await send(url, { headers: bearer(await issuer.mint({ tenant: acme })) });
  assert.match(answer.text, /^hello users\//);
});

test("the guide's repository is proven to keep tenants apart", async (t) => {
  const database = await freshDatabase();
  const owner = new pg.Client({ connectionString: database.url });
  await owner.connect();
  const url = new URL(database.url);
  url.username = `notes_${database.url.slice(-8)}`;
  url.password = "only-for-tests";
  await owner.query(`create role ${url.username} login password 'only-for-tests'`);
  assert.deepEqual(otherTables, []);
  await owner.query(`${fence} grant select, insert on notes to ${url.username}`);
  t.after(async () => {
    await owner.query(`drop owned by ${url.username}`);
    await owner.query(`drop role ${url.username}`);
    await owner.end();
    await database.drop();
  });
  process.env["DATABASE_URL"] = url.href;
  const { notes, pool, listFor } = (await import(written("notes.mjs", transactions))) as {
    notes: {
      add(client: unknown, tenant: string, body: string): Promise<string>;
      list(client: unknown): Promise<unknown>;
    };
    pool: pg.Pool;
    listFor(caller: { tenant_id: string }): Promise<readonly unknown[]>;
  };
  try {
    await transaction(pool, globex, (client) => notes.add(client, globex, "hello"));
    assert.deepEqual(await listFor({ tenant_id: acme }), []);
    assert.equal((await listFor({ tenant_id: globex })).length, 1);
  } finally {
    await pool.end();
  }
  const child = started(t, ["--test", written("notes.test.mjs", proof)], { DATABASE_URL: url.href });
  let said = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => void (said += text));
  const [code] = (await once(child, "close")) as [number];
  assert.equal(code, 0, said);
  assert.match(said, /pass 1/);
});

test("the guide's lines let several processes share a Redis: a proof is good once in all of them", async (t) => {
  const server = await startRedis();
  t.after(() => server.stop());
  process.env["REDIS_URL"] = server.url;
  type Shared = { readonly replays: ReplayStore; readonly redis: { close(): Promise<void> } };
  const file = pathToFileURL(written("replays.mjs", sharing)).href;
  // Each has a connection of its own, as another process would.
  const shared = (await Promise.all(["one", "two"].map((name) => import(`${file}?${name}`)))) as readonly Shared[];
  const audience = "https://files.example.com";
  const urls: string[] = [];
  for (const { replays } of shared) {
    const dpop = { replays };
    const service = await node(
      countersign({ issuer: issuer.url, audience, credentials: issuer.credentials, dpop }),
      usual,
    );
    t.after(() => service.close());
    urls.push(`${service.url}/me`);
  }
  const own = proofKey();
  const token = await issuer.mint({ tenant: acme, audience, boundTo: own.jkt });
  const use = async (claims: object): Promise<readonly number[]> => {
    const dpop = proofOf(own, "GET", `${audience}/me`, { claims: { ath: athOf(token), ...claims } });
    const headers = { authorization: `DPoP ${token}`, dpop };
    const answers = await Promise.all([...urls, ...urls, ...urls].map((url) => send(url, { headers })));
    return answers.map(({ status }) => status).toSorted((a, b) => a - b);
  };
  assert.deepEqual(await use({}), [200, 401, 401, 401, 401, 401]);
  assert.deepEqual(await use({ iat: Date.now() / 1000 - 0.123456 }), [200, 401, 401, 401, 401, 401], "RFC 7519 §2");
  const client = await createClient({ url: server.url }).connect();
  const keys = await client.keys("dpop:*");
  const lives = await Promise.all(keys.map((key) => client.pTTL(key)));
  assert.equal(lives.length, 2);
  for (const left of lives) assert.ok(left > 0 && left <= 71_000, String(left));
  await client.close();
  for (const { redis } of shared) await redis.close();
  assert.ok(
    (await use({})).every((status) => status === 503),
    "without the store nobody is let in",
  );
});

test("the guide's test passes", async (t) => {
  const child = started(t, ["--test", written("its.test.mjs", itsTest)], {});
  let said = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => void (said += text));
  const [code] = (await once(child, "close")) as [number];
  assert.equal(code, 0, said);
  assert.match(said, /pass 1/);
  assert.deepEqual(more, [], "every program of the guide is run here");
});
