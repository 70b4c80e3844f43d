// security.md test 8 over two processes: the next key is seen long before it signs, the old one for as long as a token of it lives.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { systemClock } from "../../server/platform/clock.ts";
import type { Database } from "../../server/platform/database/database.ts";
import { openPostgres } from "../../server/platform/database/postgres.ts";
import { silentLog } from "../../server/platform/log.ts";
import { openSigningKeys } from "../../server/tokens/signing-keys.ts";
import { startDeployment } from "../oauth/deployment.ts";
import { grantsKit } from "../oauth/grants-kit.ts";
import { partsOf } from "../oauth/jwt.ts";
import { runCli } from "../support/server-process.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const acme = await deployment.tenant();
const account = await acme.account({ role: "owner" });
const kit = grantsKit(deployment);
const ada = await kit.human(acme);
const app = await kit.application();

const rotate = async (alg?: string) => {
  const { code, stdout, stderr } = await runCli(
    ["keys", "rotate", ...(alg === undefined ? [] : ["--alg", alg])],
    deployment.env,
  );
  assert.equal(code, 0, stderr);
  return { ...(JSON.parse(stdout) as { alg: string; kid: string; signs_from: string }), remark: stderr };
};
const kidOf = (token: string): string => String(partsOf(token).header["kid"]);
const published = async (on: number): Promise<readonly string[]> => {
  const answer = await deployment.send("/oauth/jwks", {}, on);
  return answer.json<{ keys: { kid: string }[] }>().keys.map(({ kid }) => kid);
};
/** A key id nobody has makes a process look at the database. */
const look = async (): Promise<void> => {
  const token = await deployment.token(account);
  const { header, claims } = partsOf(token);
  const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");
  const unknown = `${encoded({ ...header, kid: randomUUID() })}.${encoded(claims)}.${token.split(".")[2]}`;
  for (const on of [0, 1]) assert.equal(await deployment.isActive(unknown, on), false);
};
const restart = async (): Promise<void> => {
  await Promise.all(deployment.servers.map((server) => server.kill()));
  for (const on of [0, 1]) await deployment.revive(on);
};

test("the next key is published by every process a cache lifetime before it signs, and waits once however often it is asked for", async () => {
  const old = await deployment.token(account);
  // Shown to nobody before the end: no answer about it is remembered.
  const unseen = await deployment.token(account);
  const next = await rotate();
  const again = await rotate();
  assert.equal(again.kid, next.kid);
  assert.match(again.remark, /waiting already/);
  await look();
  for (const on of [0, 1]) {
    assert.deepEqual(new Set(await published(on)), new Set([kidOf(old), next.kid]), `process ${on}`);
    const { headers } = await deployment.send("/oauth/jwks", {}, on);
    const maxAge = Number(/max-age=(\d+)/.exec(String(headers["cache-control"]))?.[1]);
    assert.ok(maxAge > 0 && Date.parse(next.signs_from) >= Date.now() + maxAge * 1000 - 60_000, next.signs_from);
    assert.equal(kidOf(await deployment.token(account, {}, on)), kidOf(old), "the old one signs on");
  }

  // The hour has passed.
  await deployment.sql("update signing_keys set sign_from = now() - interval '1 second' where kid = $1", [next.kid]);
  await restart();
  for (const on of [0, 1]) {
    assert.equal(kidOf(await deployment.token(account, {}, on)), next.kid);
    assert.equal(await deployment.isActive(old, on), true, "what the old one signed is good until it expires");
    assert.ok((await published(on)).includes(kidOf(old)));
  }
  const [row] = await deployment.sql<{ rest: number }>(
    "select extract(epoch from verify_until - sign_from) as rest from signing_keys where kid = $1",
    [kidOf(old)],
  );
  assert.ok(Number(row?.rest) >= 24 * 3600, "as long as the longest token lives");

  // And the last token of the old one has expired.
  await deployment.sql("update signing_keys set verify_until = now() - interval '1 second' where kid = $1", [
    kidOf(old),
  ]);
  await restart();
  for (const on of [0, 1]) {
    assert.deepEqual((await published(on)).includes(kidOf(old)), false);
    assert.equal(await deployment.isActive(unseen, on), false);
  }
});

test("each algorithm rotates for itself, and who does it is in the host's log", async () => {
  const { id_token } = await kit.tokens(app, ada);
  const before = new Set(await published(0));
  const next = await rotate("RS256");
  assert.notEqual(next.kid, kidOf(id_token));
  await restart();
  const fresh = (await published(1)).filter((kid) => !before.has(kid));
  assert.deepEqual(fresh, [next.kid]);
  assert.equal(kidOf((await kit.tokens(app, ada)).id_token), kidOf(id_token));
  const entries = await deployment.sql<{ detail: { alg: string } }>(
    "select detail from audit_entries where action = 'host.rotate-keys' order by time",
  );
  assert.deepEqual(
    entries.map(({ detail }) => detail.alg),
    ["ES256", "RS256"],
  );
});

test("with another deployment's secret key nothing is rotated, and an algorithm nobody has is refused", async () => {
  const before = await deployment.sql("select kid from signing_keys");
  const env = { ...deployment.env, COUNTERSIGN_SECRET_KEY: randomBytes(32).toString("base64") };
  assert.notEqual((await runCli(["keys", "rotate"], env)).code, 0);
  assert.notEqual((await runCli(["keys", "rotate", "--alg", "HS256"], deployment.env)).code, 0);
  assert.equal((await deployment.sql("select kid from signing_keys")).length, before.length);
});

test("a flood of unknown key ids is one look at the database in ten seconds", async () => {
  const clock = { ms: systemClock.now(), now: () => clock.ms };
  const hooks = { fence: async () => undefined, publish: async () => undefined };
  const database = await openPostgres({ url: deployment.databaseUrl, poolSize: 2, statementTimeoutMs: 10_000, hooks });
  const looks = { count: 0 };
  const counting: Database = {
    ...database,
    hostTransaction: (work) => {
      looks.count += 1;
      return database.hostTransaction(work);
    },
  };
  const octets = Buffer.from(deployment.secretKey, "base64");
  const keys = await openSigningKeys({ database: counting, secretKey: { octets }, clock, log: silentLog });
  try {
    looks.count = 0;
    const flood = () => Promise.all(Array.from({ length: 200 }, () => keys.findFresh(randomUUID())));
    await flood();
    await flood();
    assert.equal(looks.count, 1);
    clock.ms += 10_000;
    await flood();
    assert.equal(looks.count, 2);
  } finally {
    keys.close();
    await database.close();
  }
});
