// Signing keys, one set for each algorithm: made when first asked for, sealed, rotated each for itself (security.md 8).
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { importJWK, jwtVerify } from "jose";
import { openMemoryCache } from "../../server/platform/cache/memory-cache.ts";
import { migratePostgres, openPostgres } from "../../server/platform/database/postgres.ts";
import { silentLog } from "../../server/platform/log.ts";
import { randomOctets } from "../../server/platform/random.ts";
import { readSignedJwt, signJwt } from "../../server/tokens/sign-jwt.ts";
import { keySetCacheSeconds, openSigningKeys, signingAlgs } from "../../server/tokens/signing-keys.ts";
import { freshDatabase } from "../support/postgres.ts";

const { url, drop } = await freshDatabase("migrated");
await migratePostgres(url, fileURLToPath(new URL("../../migrations", import.meta.url)));
const clock = { ms: Date.parse("2026-01-31T08:00:00Z"), now: () => clock.ms };
const cache = openMemoryCache({ clock, random: randomOctets });
const database = await openPostgres({ url, poolSize: 6, statementTimeoutMs: 10_000, hooks: cache });
const needs = { database, secretKey: { octets: randomBytes(32) }, clock, log: silentLog };
const opened: { close(): void }[] = [];
const open = async () => {
  const keys = await openSigningKeys(needs);
  opened.push(keys);
  return keys;
};
after(async () => {
  for (const keys of opened) keys.close();
  await database.close();
  await drop();
});

const algsOf = (keys: Awaited<ReturnType<typeof open>>) => keys.keySet().keys.map(({ alg }) => alg);
const cacheMs = keySetCacheSeconds * 1000;
const rotationMs = 90 * 24 * 3600 * 1000;

test("there is one key to begin with, for access tokens; the others are made when they are first asked for", async () => {
  const keys = await open();
  assert.deepEqual(algsOf(keys), ["ES256"]);
  assert.equal(keys.current().alg, "ES256");
  for (const alg of signingAlgs) assert.equal((await keys.signer(alg)).alg, alg);
  assert.deepEqual(new Set(algsOf(keys)), new Set(signingAlgs));
});

test("two processes that ask at once for a first key agree on one", async () => {
  const [one, two] = [await open(), await open()];
  const made = await Promise.all([one, two, one, two].map((keys) => keys.signer("PS256")));
  assert.equal(new Set(made.map(({ kid }) => kid)).size, 1);
});

for (const alg of signingAlgs)
  test(`${alg}: jose verifies what is signed, with the published key alone; another kind of token is none`, async () => {
    const keys = await open();
    const key = await keys.signer(alg);
    const text = await signJwt(key, "JWT", { iss: "x", exp: clock.ms / 1000 + 60 });
    const jwk = keys.keySet().keys.find(({ kid }) => kid === key.kid);
    assert.ok(jwk);
    assert.ok(!("d" in jwk) && !("p" in jwk));
    const { payload } = await jwtVerify(text, await importJWK(jwk, alg), { currentDate: new Date(clock.ms) });
    assert.equal(payload.iss, "x");
    assert.deepEqual(await readSignedJwt(keys, "JWT", text), payload);
    assert.equal(await readSignedJwt(keys, "logout+jwt", text), undefined);
    for (const wrong of [`${text.slice(0, -4)}AAAA`, `${text}.x`, text.replace(".", ".."), ""])
      assert.equal(await readSignedJwt(keys, "JWT", wrong), undefined);
  });

test("security.md 8: each algorithm's next key is published a cache lifetime before it signs, for itself alone", async () => {
  const keys = await open();
  const [rsa, ec] = [await keys.signer("RS256"), keys.current()];
  await keys.rotate("RS256");
  assert.equal(algsOf(keys).filter((alg) => alg === "RS256").length, 2);
  assert.equal(algsOf(keys).filter((alg) => alg === "ES256").length, 1);
  assert.equal((await keys.signer("RS256")).kid, rsa.kid, "the old one signs on");
  clock.ms += cacheMs;
  assert.notEqual((await keys.signer("RS256")).kid, rsa.kid);
  assert.equal(keys.current().kid, ec.kid);
  assert.ok(keys.find(rsa.kid), "what it signed has not expired");
  clock.ms += 24 * 3600 * 1000 + 60_001;
  assert.equal(keys.find(rsa.kid), undefined);
  assert.ok(await keys.findPast(rsa.kid), "for hints, which may have expired");
});

test("security.md 8: after ninety days every algorithm in use has its next key, and no algorithm has two", async () => {
  clock.ms += rotationMs;
  const keys = await open();
  const waiting = algsOf(keys);
  for (const alg of signingAlgs) assert.equal(waiting.filter((one) => one === alg).length, 2, alg);
  assert.equal(algsOf(await open()).length, waiting.length, "another process makes no more");
});

test("invariant 5: private keys of every algorithm are sealed", async () => {
  const rows = await database.hostTransaction((tx) =>
    tx.query<{ public_jwk: Record<string, unknown>; private_sealed: Buffer }>(
      "test.keys",
      "select public_jwk, private_sealed from signing_keys",
      [],
    ),
  );
  assert.ok(rows.length >= signingAlgs.length);
  for (const { public_jwk, private_sealed } of rows) {
    for (const secret of ["d", "p", "q", "dp", "dq", "qi"]) assert.ok(!(secret in public_jwk));
    assert.ok(!private_sealed.includes(Buffer.from("300e0201", "hex")));
  }
});
