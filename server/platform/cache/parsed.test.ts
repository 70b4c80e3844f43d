import assert from "node:assert/strict";
import { test } from "node:test";
import { keepParsed } from "./parsed.ts";

const counting = (max: number) => {
  const parsed: string[] = [];
  const read = keepParsed(max, (text) => {
    parsed.push(text);
    return JSON.parse(text) as { readonly n: number };
  });
  return { parsed, read };
};

test("what was parsed is parsed once, and another text is another value", () => {
  const { parsed, read } = counting(10);
  assert.equal(read('{"n":1}'), read('{"n":1}'));
  assert.deepEqual(read('{"n":2}'), { n: 2 });
  assert.deepEqual(read('{"n":1}'), { n: 1 });
  assert.deepEqual(parsed, ['{"n":1}', '{"n":2}']);
});

test("what is asked for stays, what is not goes, and never more than twice as many are kept", () => {
  const { parsed, read } = counting(3);
  for (let n = 0; n < 20; n += 1) {
    read('{"n":-1}');
    read(`{"n":${n}}`);
  }
  assert.equal(parsed.filter((text) => text === '{"n":-1}').length, 1);
  read('{"n":0}');
  assert.equal(parsed.filter((text) => text === '{"n":0}').length, 2);
  assert.deepEqual(read('{"n":19}'), { n: 19 });
  assert.equal(parsed.length, 22);
});

test("a long text is parsed each time", () => {
  const { parsed, read } = counting(3);
  const long = `{"n":1,"x":"${"y".repeat(5_000)}"}`;
  assert.deepEqual(read(long), read(long));
  assert.equal(parsed.length, 2);
});
