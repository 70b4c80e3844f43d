import assert from "node:assert/strict";
import { parse } from "node:querystring";
import { test } from "node:test";
import fc from "fast-check";
import { formFieldsMax, readForm } from "./form.ts";

test("what URLSearchParams writes is read back, whatever is in it", () => {
  const pair = fc.tuple(fc.string({ unit: "grapheme", minLength: 1 }), fc.string({ unit: "grapheme" }));
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 8 }), (pairs) => {
      const text = new URLSearchParams(pairs.map(([name, value]) => [name, value])).toString();
      assert.deepEqual({ ...readForm(text) }, { ...parse(text) });
    }),
    { numRuns: 2_000 },
  );
});

test("arbitrary text is read without a throw", () => {
  const text = fc.stringMatching(/^[a-z%+&=0-9A-F._~ü -]{0,60}$/);
  fc.assert(
    fc.property(text, (body) => assert.ok(readForm(body))),
    { numRuns: 2_000 },
  );
});

test("names of Object's own are names like any other", () => {
  assert.deepEqual(
    { ...readForm("__proto__=a&constructor=b&toString=c") },
    JSON.parse('{"__proto__":"a","constructor":"b","toString":"c"}'),
  );
});

test("a field that came twice is an array, and too many fields are no form", () => {
  assert.deepEqual(readForm("a=1&a=2&a=3")?.["a"], ["1", "2", "3"]);
  assert.equal(readForm("a=1&".repeat(formFieldsMax + 1)), undefined);
});
