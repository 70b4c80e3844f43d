// The list of common passwords that is shipped: everything that went in is found, and next to nothing else is.
import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import {
  hasFingerprint,
  packFingerprints,
  unpackFingerprints,
} from "../../server/credentials/passwords/fingerprints.ts";
import { commonPasswords, generate, path } from "../../tools/generators/common-passwords.ts";

const list = unpackFingerprints(await readFile(path, "latin1"));

test("the committed list is what the generator makes of the dictionaries, and below 300 kB", async () => {
  assert.equal(await readFile(path, "utf8"), await generate());
  assert.ok((await stat(path)).size < 300_000);
});

test("every password of the dictionaries is found in it", () => {
  const all = commonPasswords();
  assert.ok(all.size > 90_000);
  for (const one of all) assert.ok(hasFingerprint(list, one), one);
});

test("what is in no dictionary is found once in about 40,000 times", () => {
  const known = commonPasswords();
  let wrong = 0;
  const tried = 200_000;
  for (let n = 0; n < tried; n += 1) {
    const text = `tapir ${n} moon`;
    if (!known.has(text) && hasFingerprint(list, text)) wrong += 1;
  }
  assert.ok(wrong < 30, `${wrong} of ${tried}`);
});

test("it holds no password as text", async () => {
  const text = Buffer.from(await readFile(path, "latin1"), "base64").toString("latin1");
  for (const one of ["password", "sunshine", "qwertyuiop"]) assert.ok(!text.includes(one));
});

test("what is packed is unpacked: any set of texts, empty and single ones too", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 300 }), (texts) => {
      const unpacked = unpackFingerprints(packFingerprints(texts));
      assert.deepEqual(
        [...unpacked],
        [...unpacked].toSorted((one, other) => one - other),
      );
      for (const text of texts) assert.ok(hasFingerprint(unpacked, text));
    }),
  );
  assert.equal(hasFingerprint(unpackFingerprints(packFingerprints([])), "anything"), false);
});
