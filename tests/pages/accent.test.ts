// WCAG 2.2 §1.4.3: whatever colour a tenant chooses, what is written in it and on it can be read, in light and in dark.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Accent, accentOf, accentStyle } from "../../server/pages/accent.ts";
import { html, raw } from "../../server/pages/html.ts";
import { contrast, readColor } from "../../server/policies/brandings/contrast.ts";

const grounds = { light: ["#fffefb", "#f4f2ec"], dark: ["#14171c", "#1c2026", "#22262d"] } as const;
const between = (one: string, other: string): number => {
  const [a, b] = [readColor(one), readColor(other)];
  assert.ok(a && b);
  return contrast(a, b);
};

test("every colour there is reads at 4.5 : 1 as text on every ground, and under its own text", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffff }), (number) => {
      const accent = accentOf(`#${number.toString(16).padStart(6, "0")}`);
      assert.ok(accent);
      for (const scheme of ["light", "dark"] as const) {
        const { surface, onSurface, text }: Accent = accent[scheme];
        assert.ok(between(surface, onSurface) >= 4.5, `${onSurface} on ${surface}`);
        for (const ground of grounds[scheme]) assert.ok(between(text, ground) >= 4.5, `${text} on ${ground}`);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("what is no colour never reaches the style sheet", () => {
  for (const text of ["red", "#fff", "#12345g", "#123456}body{display:none", "</style><script>"])
    assert.equal(accentStyle(text), accentStyle(null));
});

test("text is text, wherever it is put; markup is what `html` made", () => {
  const evil = `<b title="x" onload='y'>&`;
  assert.equal(html`<p title="${evil}">${evil}</p>`.markup.match(/[<>]/g)?.length, 4);
  assert.equal(html`${[html`<i>1</i>`, "<", 2, null, undefined, false]}`.markup, "<i>1</i>&lt;2");
  assert.equal(raw("<hr>").markup, "<hr>");
});
