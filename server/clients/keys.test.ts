// Keys behind a jwks_uri: fetched when needed, not more often, and kept where the address fails.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import type { OutboundAnswer } from "../platform/outbound/fetch.ts";
import { openRemoteKeys } from "./keys.ts";

const key = (kid: string) => {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...publicKey.export({ format: "jwk" }), kid };
};
const uri = "https://app.example/jwks";

const open = () => {
  const clock = { ms: 1_000_000, now: () => clock.ms };
  const world: { keys: object[] | undefined; fetched: number } = { keys: [key("one")], fetched: 0 };
  const keys = openRemoteKeys(async (): Promise<OutboundAnswer | { refused: string }> => {
    world.fetched += 1;
    return world.keys === undefined
      ? { refused: "down" }
      : { status: 200, headers: {}, body: Buffer.from(JSON.stringify({ keys: world.keys })) };
  }, clock);
  const kids = async (wanted: string | undefined) => (await keys(uri, wanted)).map(({ kid }) => kid);
  return { clock, world, kids };
};

test("security.md 8: an unknown key id has the set fetched again, but not more than once in half a minute", async () => {
  const { clock, world, kids } = open();
  assert.deepEqual(await kids("one"), ["one"]);
  world.keys = [key("one"), key("two")];
  for (let n = 0; n < 10; n += 1) assert.deepEqual(await kids("two"), ["one"]);
  assert.equal(world.fetched, 1);
  clock.ms += 30_000;
  assert.deepEqual(await kids("two"), ["one", "two"]);
  assert.deepEqual(await kids("one"), ["one", "two"]);
  assert.equal(world.fetched, 2);
});

test("a set is fetched again when it has grown old, and a key that was taken back is gone then", async () => {
  const { clock, world, kids } = open();
  await kids("one");
  world.keys = [key("two")];
  clock.ms += 10 * 60_000 - 1;
  assert.deepEqual(await kids("one"), ["one"]);
  clock.ms += 1;
  assert.deepEqual(await kids("one"), ["two"]);
});

test("an address that does not answer leaves what was good for a day, and is asked no more often", async () => {
  const { clock, world, kids } = open();
  await kids("one");
  world.keys = undefined;
  clock.ms += 10 * 60_000;
  for (let n = 0; n < 5; n += 1) assert.deepEqual(await kids("one"), ["one"]);
  assert.equal(world.fetched, 2);
  clock.ms += 24 * 3_600_000;
  assert.deepEqual(await kids("one"), []);
  world.keys = [key("three")];
  clock.ms += 30_000;
  assert.deepEqual(await kids("three"), ["three"]);
});

test("keys that are private, symmetric or of no known kind are left out of a set", async () => {
  const { world, kids } = open();
  world.keys = [
    { ...key("private"), d: "x" },
    { kty: "oct", k: "x", kid: "symmetric" },
    { kty: "EC", crv: "P-521" },
    7 as never,
    key("good"),
  ];
  assert.deepEqual(await kids("good"), ["good"]);
});
