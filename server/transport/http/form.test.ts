import assert from "node:assert/strict";
import { parse } from "node:querystring";
import { test } from "node:test";
import fc from "fast-check";
import { isFault } from "../../../core/faults.ts";
import type { Form } from "../../platform/web/request.ts";
import { formFieldsMax, holdsNul, readForm } from "./form.ts";

const read = (text: string): Form => {
  const found = readForm(text);
  assert.ok(!isFault(found));
  return found.form;
};

test("what URLSearchParams writes is read back, whatever is in it", () => {
  const pair = fc.tuple(fc.string({ unit: "grapheme", minLength: 1 }), fc.string({ unit: "grapheme" }));
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 8 }), (pairs) => {
      const text = new URLSearchParams(pairs.map(([name, value]) => [name, value])).toString();
      assert.deepEqual({ ...read(text) }, { ...parse(text) });
    }),
    { numRuns: 2_000 },
  );
});

test("arbitrary text is read without a throw", () => {
  const text = fc.stringMatching(/^[a-z%+&=0-9A-F._~ü -]{0,60}$/);
  fc.assert(
    fc.property(text, (body) => void read(body)),
    { numRuns: 2_000 },
  );
});

test("names of Object's own are names like any other", () => {
  assert.deepEqual(
    { ...read("__proto__=a&constructor=b&toString=c") },
    JSON.parse('{"__proto__":"a","constructor":"b","toString":"c"}'),
  );
});

test("a field called `fault` is none", () => assert.equal(read("fault=not_found&detail=x")["fault"], "not_found"));

test("a field that came twice is an array, and too many fields are no form", () => {
  assert.deepEqual(read("a=1&a=2&a=3")["a"], ["1", "2", "3"]);
  assert.ok(isFault(readForm("a=1&".repeat(formFieldsMax + 1))));
});

test("a NUL is seen however it is written, and what only looks like one is none", () => {
  for (const text of ["a=%00", "a=x%00y", "%00=a", "a=\0", "a=1&b=%00"]) assert.ok(isFault(holdsNul(text)), text);
  for (const text of ["a=%2500", "b=%0&c=00", "c=00", "", "d=%01"]) assert.equal(holdsNul(text), undefined, text);
});
