/** The expressions of the guide on conditions are what it says they are. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compileCondition, compiled, evaluate } from "../../core/conditions/condition.ts";
import type { Variables } from "../../core/conditions/variables.ts";
import { isFault } from "../../core/faults.ts";
import { readPage } from "../readme/page.ts";

const page = readPage("docs/guides/conditions.md");
const [asked] = page.blocks.filter(({ language }) => language === "json");
assert.ok(asked);
const { now, ...rest } = JSON.parse(asked.body) as Omit<Variables, "at"> & { readonly now: string };
const variables: Variables = { at: Date.parse(now), ...rest };

/** Rows of a table whose first column is an expression. */
const rows = (heading: string): readonly (readonly [string, string])[] => {
  const table = page.text.slice(page.text.indexOf(heading)).split("\n\n")[0] ?? "";
  return [...table.matchAll(/^\| `(.+?)` \| (.+) \|$/gm)].map(([, text = "", said = ""]) => [text, said] as const);
};

describe("docs/guides/conditions.md", () => {
  const expressions = page.blocks
    .filter(({ language }) => language === "cel")
    .flatMap(({ body }) => body.trim().split("\n\n"));
  assert.ok(expressions.length > 10);
  for (const text of expressions) test(`true: ${text}`, () => assert.equal(evaluate(compiled(text), variables), true));

  const refused = rows("| condition | answer |");
  assert.ok(refused.length > 4);
  for (const [text, said] of refused)
    test(`refused: ${text}`, () => {
      const made = compileCondition(text);
      assert.ok(isFault(made));
      assert.ok(made.detail.includes(said), made.detail);
    });

  const no = rows("| condition | why |");
  assert.ok(no.length > 2);
  for (const [text, said] of no)
    test(`a no: ${text}`, () => {
      assert.ok(!isFault(compileCondition(text)));
      const outcome = evaluate(compiled(text), variables);
      assert.ok(typeof outcome === "object");
      assert.ok(outcome.error.includes(said), outcome.error);
    });
});
