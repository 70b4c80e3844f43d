import assert from "node:assert/strict";
import { parse } from "node:querystring";
import { test } from "node:test";
import fc from "fast-check";
import { formFieldsMax, readForm } from "./form.ts";

test("a form reads as node:querystring reads it, whatever is in it", () => {
  const piece = fc.stringMatching(/^[a-z%+&=0-9A-F._~ü -]{0,30}$/);
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const text = pieces.join("&");
      assert.deepEqual({ ...readForm(text) }, { ...parse(text) });
    }),
    { numRuns: 3_000 },
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
