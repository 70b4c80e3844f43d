// One catalogue: every language says the same things, and no page or mail shows a key or a brace.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "../../server/messages/catalogue.ts";
import { de } from "../../server/messages/de.ts";
import { en } from "../../server/messages/en.ts";
import { localeOf, locales, type MessageKey, say } from "../../server/messages/messages.ts";
import { escapeHtml } from "../../server/pages/html.ts";

const catalogues: Readonly<Record<string, Readonly<Record<MessageKey, Message>>>> = { en, de };
const keys = Object.keys(en) as MessageKey[];

const texts = (message: Message): readonly string[] =>
  typeof message === "string" ? [message] : Object.values(message);
const namesIn = (text: string): readonly string[] => [...new Set(text.match(/\{\w+\}/g))].toSorted();

test("every language has the same keys, the same plurals and the same values", () => {
  assert.deepEqual(locales.toSorted(), Object.keys(catalogues).toSorted());
  for (const [locale, catalogue] of Object.entries(catalogues)) {
    assert.deepEqual(Object.keys(catalogue).toSorted(), keys.toSorted(), locale);
    for (const key of keys) {
      const [said, english] = [catalogue[key], catalogues["en"]?.[key] ?? ""];
      assert.equal(typeof said, typeof english, `${locale} ${key}`);
      for (const text of texts(said)) {
        assert.notEqual(text.trim(), "", `${locale} ${key}`);
        const allowed = new Set(texts(english).flatMap(namesIn));
        for (const name of namesIn(text)) assert.ok(allowed.has(name), `${locale} ${key} asks for ${name}`);
      }
    }
  }
});

test("a plural is chosen by its count, and values stand where their names were", () => {
  assert.match(say("en", "problem.too_many_minutes", { count: 1 }), /1 minute\./);
  assert.match(say("de", "problem.too_many_minutes", { count: 2 }), /2 Minuten/);
  assert.equal(say("en", "sign_in.lead_application", { application: "{brace}" }), "to continue to {brace}");
});

test("OIDC Core §3.1.2.1 `ui_locales` first, then the human's own language, then RFC 9110 §12.5.4, then English", () => {
  assert.equal(localeOf("de", "en"), "en");
  assert.equal(localeOf("en", "fr de-AT en"), "de");
  assert.equal(localeOf("en", undefined, "de"), "de");
  assert.equal(localeOf("fr, de;q=0.8, en;q=0.9"), "en");
  assert.equal(localeOf("en;q=0, de;q=0.1"), "de");
  assert.equal(localeOf("*"), "en");
  assert.equal(localeOf(undefined), "en");
  assert.equal(localeOf("de;q=x,".repeat(10_000)), "de");
});

test("UAX #9: a name is read in its own direction, and has no say in that of the sentence around it", () => {
  const said = (application: string) => say("en", "sign_in.lead_application", { application });
  assert.equal(said("Ledger"), "to continue to Ledger");
  assert.equal(said("تطبيق (12)"), "to continue to \u2068تطبيق (12)\u2069");
  for (const control of "\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069")
    assert.equal(said(`${control}Evil${control}gnp.exe`), "to continue to Evilgnp.exe");
  assert.equal(escapeHtml("Evil\u202Egnp.exe"), "Evilgnp.exe", "nor where it stands alone");
});
