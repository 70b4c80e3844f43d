import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Fault, isFault } from "../../../core/faults.ts";
import type { FieldTable } from "./fields.ts";
import {
  type Filter,
  filter_comparisons_max,
  filter_depth_max,
  filter_length_max_characters,
  parseFilter,
  printFilter,
} from "./filter.ts";

const fields: FieldTable = {
  state: { column: "state", type: "text" },
  display_name: { column: "display_name", type: "text" },
  create_time: { column: "create_time", type: "time" },
  disabled: { column: "disabled", type: "boolean" },
  parent: { column: "parent_id", type: "ref", collections: ["clients", "accounts"] },
  scopes: { column: "scopes", type: "text_array" },
};

const someId = "3f2c1b0a-9d8e-4f7a-8b6c-5d4e3f2a1b0c";

const parsed = (text: string): Filter => {
  const filter = parseFilter(text, fields);
  assert.ok(filter !== undefined && !isFault(filter), isFault(filter) ? filter.detail : "no filter");
  return filter;
};

const printed = (text: string): string => printFilter(parsed(text));

const refusal = (text: string): Fault => {
  const filter = parseFilter(text, fields);
  assert.ok(isFault(filter), `${text} was read`);
  assert.equal(filter.fault, "invalid_argument");
  assert.deepEqual(filter.errors, [{ path: "$.filter", message: filter.detail }]);
  return filter;
};

const readings: Readonly<Record<string, string>> = {
  "state=active": 'state = "active"',
  'state:act AND display_name != "Ada \\"L\\" \\\\"': 'state : "act" AND display_name != "Ada \\"L\\" \\\\"',
  "NOT state = a AND disabled = true": 'NOT state = "a" AND disabled = "true"',
  "NOT(state = a OR NOT state = b)": 'NOT (state = "a" OR NOT state = "b")',
  "((state = a))": 'state = "a"',
  "(state = a AND state = b) OR (state = c)": '(state = "a" AND state = "b") OR state = "c"',
  'state = "AND"': 'state = "AND"',
  "state = ANDY OR state = ORIGIN": 'state = "ANDY" OR state = "ORIGIN"',
  'state = "x\'; drop table users; --"': 'state = "x\'; drop table users; --"',
  "scopes : users:read": 'scopes : "users:read"',
  [`parent = clients/${someId}`]: `parent = "clients/${someId}"`,
  "create_time>2026-01-31T08:00:00Z": 'create_time > "2026-01-31T08:00:00.000000Z"',
  "create_time < 2026-01-01T01:30:00.1234567+02:00": 'create_time < "2025-12-31T23:30:00.123456Z"',
  "create_time < 2024-02-29t23:59:59z": 'create_time < "2024-02-29T23:59:59.000000Z"',
  "create_time > 0050-01-01T00:00:00Z": 'create_time > "0050-01-01T00:00:00.000000Z"',
};

for (const [text, canonical] of Object.entries(readings))
  test(`the filter ${JSON.stringify(text)} reads as ${canonical}`, () => assert.equal(printed(text), canonical));

test("an empty filter is none", () => {
  assert.equal(parseFilter("", fields), undefined);
  assert.equal(parseFilter(" \n", fields), undefined);
});

const comparedTo = "`=`, `!=`, `<`, `>` or `:`";
const value = 'a word, or a text in double quotes that escapes only `\\"` and `\\\\`';
const refusals: Readonly<Record<string, string>> = {
  state: `the filter should have ${comparedTo} after \`state\` at character 6, and has the end`,
  "state ~ x": `the filter should have ${comparedTo} after \`state\` at character 7, and has \`~\``,
  "state =": `the filter should have ${value} at character 8, and has the end`,
  "state = 'active'": `the filter should have ${value} at character 9, and has \`'active'\``,
  'state = "active': `the filter should have ${value} at character 9, and has \`"active\``,
  'state = "a\\n"': `the filter should have ${value} at character 9, and has \`"a\\n"\``,
  "state = AND": `the filter should have ${value} at character 9, and has \`AND\``,
  "create_time <= 2026-01-31T08:00:00Z": `the filter should have ${value} at character 14, and has \`=\``,
  "state = a and state = b": "the filter should have `AND`, `OR` or the end at character 11, and has `and`",
  "state = a)": "the filter should have `AND`, `OR` or the end at character 10, and has `)`",
  "(state = a": "the filter should have `AND`, `OR` or `)` at character 11, and has the end",
  "state = a AND": "the filter should have a field, `NOT` or `(` at character 14, and has the end",
  "AND state = a": "the filter should have a field, `NOT` or `(` at character 1, and has `AND`",
  "state = a AND state = b OR state = c":
    "the filter should have parentheses to tell which of `AND` and `OR` comes first at character 25, and has `OR`",
  "disabled = yes": "the filter should have `true` or `false` for `disabled` at character 12, and has `yes`",
  "parent = users/1":
    "the filter should have `clients/{uuid}` or `accounts/{uuid}` for `parent` at character 10, and has `users/1`",
  "state < a": "the filter cannot compare `state` with `<`, only with `=`, `!=` or `:`",
  "scopes = a": "the filter cannot compare `scopes` with `=`, only with `:`",
  "state = a\0": "the filter holds a character that no text can hold",
  "state = \ud800": "the filter holds a character that no text can hold",
};

for (const [text, detail] of Object.entries(refusals))
  test(`the filter ${JSON.stringify(text)} is refused: ${detail}`, () => assert.equal(refusal(text).detail, detail));

test("an unknown field is named, beside the known ones, and no object's own members pass for one", () => {
  for (const name of ["colour", "constructor", "__proto__", "toString"])
    assert.equal(
      refusal(`${name} = blue`).detail,
      `unknown field \`${name}\` in the filter; the fields here are \`state\`, \`display_name\`, \`create_time\`, \`disabled\`, \`parent\`, \`scopes\``,
    );
});

test("a reference compares only as one of the field's own collections, and only in the form Countersign writes", () => {
  for (const ref of [`users/${someId}`, someId, `clients/${someId.toUpperCase()}`, "clients/*", `clients/${someId}/x`])
    refusal(`parent = "${ref}"`);
});

test("a time that is not on the calendar, or not one instant, is refused", () => {
  const times = ["2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z"];
  const others = [
    "2026-01-01T00:00:60Z",
    "2026-01-01T00:00:00",
    "2026-01-01",
    "0000-06-01T00:00:00Z",
    "now",
    "infinity",
  ];
  const edges = ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "2026-01-01T00:00:00+24:00"];
  for (const time of [...times, ...others, ...edges]) refusal(`create_time > ${time}`);
});

test("length, depth and the number of comparisons are limited, and the limits themselves are allowed", () => {
  const nested = (depth: number) => `${"(".repeat(depth)}state = a${")".repeat(depth)}`;
  const many = (count: number) => Array(count).fill("state = a").join(" OR ");
  const long = (length: number) => "state = ".padEnd(length, "a");
  for (const filter of [nested(filter_depth_max), many(filter_comparisons_max), long(filter_length_max_characters)])
    parsed(filter);
  parsed(`${"NOT ".repeat(filter_depth_max)}state = a`);
  assert.match(refusal(nested(filter_depth_max + 1)).detail, /nested more than 8 deep/);
  assert.match(refusal(`${"NOT ".repeat(filter_depth_max + 1)}state = a`).detail, /nested more than 8 deep/);
  assert.match(refusal(many(filter_comparisons_max + 1)).detail, /more than 20 comparisons/);
  assert.match(refusal(long(filter_length_max_characters + 1)).detail, /longer than 1000 characters/);
});

/** Pieces of filters in any order: far more of them get far than of any text. */
const pieces = fc
  .array(
    fc.constantFrom(
      "state",
      "disabled",
      "scopes",
      "=",
      "!=",
      ":",
      "<",
      "AND",
      "OR",
      "NOT",
      "(",
      ")",
      '"',
      "\\",
      "a",
      "true",
      " ",
    ),
    {
      maxLength: 60,
    },
  )
  .chain((parts) => fc.constantFrom("", " ").map((space) => parts.join(space)));

test("any text is read or refused, and what is read prints as something that reads the same", () => {
  fc.assert(
    fc.property(
      fc.oneof(pieces, fc.string({ unit: "binary", maxLength: 1_100 }), fc.string({ unit: "grapheme" })),
      (text) => {
        const filter = parseFilter(text, fields);
        if (isFault(filter)) return assert.ok(filter.detail.isWellFormed());
        if (filter !== undefined) assert.deepEqual(parsed(printFilter(filter)), filter);
      },
    ),
    { numRuns: 3_000 },
  );
});

const comparison = fc.oneof(
  fc.record({
    is: fc.constant("comparison" as const),
    name: fc.constantFrom("state", "display_name"),
    operator: fc.constantFrom("=" as const, "!=" as const, ":" as const),
    value: fc.string({ unit: "grapheme", maxLength: 8 }).filter((text) => text.isWellFormed() && !text.includes("\0")),
  }),
  fc.record({
    is: fc.constant("comparison" as const),
    name: fc.constant("create_time"),
    operator: fc.constantFrom("<" as const, ">" as const),
    value: fc
      .date({ min: new Date("0001-01-02T00:00:00Z"), max: new Date("9999-12-30T00:00:00Z"), noInvalidDate: true })
      .map((date) => date.toISOString().replace("Z", "000Z")),
  }),
);

const { filter: anyFilter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    comparison.map((one) => ({ ...one, field: fields[one.name] ?? assert.fail() })),
    tie("filter").map((term) => ({ is: "not" as const, term })),
    fc
      .tuple(fc.constantFrom("and" as const, "or" as const), fc.array(tie("filter"), { minLength: 2, maxLength: 2 }))
      .map(([is, terms]) => ({ is, terms })),
  ),
}));

test("every filter reads back from its printed form", () => {
  fc.assert(
    fc.property(anyFilter, (filter) => assert.deepEqual(parsed(printFilter(filter)), filter)),
    { numRuns: 1_000 },
  );
});
