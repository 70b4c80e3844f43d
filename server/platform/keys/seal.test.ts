// Envelope encryption (invariant 5): what was sealed opens for its own row, under its own key, unchanged, and in no other case.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readSecretKey, SealBroken, seal, type SecretKey, unseal } from "./seal.ts";

const keyOf = (fill: number): SecretKey => ({ octets: Buffer.alloc(32, fill) });
const key = keyOf(1);
const plain = Buffer.from("a private key");

test("what is sealed for a row opens for that row, whatever it is", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (octets, row) => {
      assert.deepEqual(unseal(key, row, seal(key, row, Buffer.from(octets))), Buffer.from(octets));
    }),
  );
});

test("invariant 5: a value moved to another row does not open there", () => {
  const box = seal(key, "signing_keys/one", plain);
  for (const row of ["signing_keys/two", "signing_keys/on", "signing_keys/one ", "providers/one", ""])
    assert.throws(() => unseal(key, row, box), SealBroken);
});

test("invariant 5: halves of two rows' values do not make a third: each layer names its row", () => {
  const [one, two] = [seal(key, "signing_keys/one", plain), seal(key, "signing_keys/two", plain)];
  // version (1), wrapped data key (12 + 32 + 16), then the value under that key.
  const wrapped = 1 + 12 + 32 + 16;
  for (const [head, tail] of [
    [one, two],
    [two, one],
  ] as const) {
    const mixed = Buffer.concat([head.subarray(0, wrapped), tail.subarray(wrapped)]);
    for (const row of ["signing_keys/one", "signing_keys/two"])
      assert.throws(() => unseal(key, row, mixed), SealBroken);
  }
});

test("invariant 5: another deployment's key opens nothing, and the message holds neither key nor value", () => {
  const box = seal(key, "signing_keys/one", plain);
  assert.throws(
    () => unseal(keyOf(2), "signing_keys/one", box),
    (error: Error) => {
      assert.ok(error instanceof SealBroken);
      assert.ok(!error.message.includes(plain.toString()) && !error.message.includes(key.octets.toString("hex")));
      return true;
    },
  );
});

test("a changed, cut or grown box does not open, wherever it was changed", () => {
  const box = seal(key, "row", plain);
  for (let at = 0; at < box.length; at += 1) {
    const changed = Buffer.from(box);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => unseal(key, "row", changed), SealBroken, `octet ${at}`);
    assert.throws(() => unseal(key, "row", box.subarray(0, at)), SealBroken, `cut at ${at}`);
  }
  assert.throws(() => unseal(key, "row", Buffer.concat([box, Buffer.from([0])])), SealBroken);
});

test("the same value sealed twice looks like two: neither nonce nor data key is used again", () => {
  const boxes = Array.from({ length: 100 }, () => seal(key, "row", plain).toString("hex"));
  assert.equal(new Set(boxes).size, boxes.length);
  assert.equal(new Set(boxes.map((box) => box.slice(2, 26))).size, boxes.length);
  for (const box of boxes) assert.ok(!box.includes(plain.toString("hex")));
});

test("a secret key is 32 octets as base64, base64url or hex; anything else is none", () => {
  const octets = Buffer.from(Array.from({ length: 32 }, (_, n) => 255 - n));
  for (const encoding of ["base64", "base64url", "hex"] as const)
    assert.deepEqual(readSecretKey(octets.toString(encoding)), { octets });
  for (const text of [
    "",
    "x",
    octets.subarray(1).toString("base64"),
    octets.toString("hex").slice(2),
    `${octets.toString("hex")}00`,
    "correct horse battery staple",
  ])
    assert.equal(readSecretKey(text), undefined);
});
