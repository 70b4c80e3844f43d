import assert from "node:assert/strict";
import { test } from "node:test";
import { oddTextAt } from "./text.ts";

test("what is text is fine, wherever it stands", () => {
  for (const value of [undefined, null, 1, true, "", "😀", "\u0001", { a: ["b", { c: "é" }] }, [], {}])
    assert.equal(oddTextAt(value), undefined);
});

test("a NUL and half of a surrogate pair are found, in names too, and where they are is said", () => {
  for (const odd of ["\0", "a\0b", "\ud800", "\udc00\ud800", "x\ud83d"]) {
    assert.equal(oddTextAt(odd), "$");
    assert.equal(oddTextAt({ a: { b: ["x", odd] } }), "a.b[1]");
    assert.equal(oddTextAt([{ a: odd }]), "[0].a");
    assert.equal(oddTextAt({ [odd]: 1 }), "$");
    assert.equal(oddTextAt({ a: { [odd]: 1 } }), "a");
  }
});
