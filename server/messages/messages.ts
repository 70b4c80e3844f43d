/**
 * Every word that people read, in one catalogue a language. English fixes the keys; another language that lacks one does not compile.
 *
 * A language is added as a folder beside `en/`, a file that joins its parts beside `en.ts`, and a row in `catalogues`.
 */
import type { Catalogue, Message, MessageKey } from "./catalogue.ts";
import { de } from "./de.ts";
import { en } from "./en.ts";

export type { MessageKey } from "./catalogue.ts";

const catalogues = { en, de } as const satisfies Record<string, Catalogue>;

export type Locale = keyof typeof catalogues;
export const locales = Object.keys(catalogues) as readonly Locale[];
export const defaultLocale: Locale = "en";

/** The names of the languages, each in itself. */
export const localeNames: Readonly<Record<Locale, string>> = { en: "English", de: "Deutsch" };

export type Values = Readonly<Record<string, string | number>>;

/** The text of a key, in a language. It is plain text: whoever puts it into a page or a mail escapes it there. */
export const say = (locale: Locale, key: MessageKey, values: Values = {}): string => {
  const message: Message = catalogues[locale][key];
  const text = typeof message === "string" ? message : message[categoryOf(locale, values["count"])];
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : isolated(String(value));
  });
};

/** Embeddings, overrides and isolates (UAX #9 §2.1 to §2.4): a name with one of them would turn around the sentence it stands in. */
const directions = /[\u202A-\u202E\u2066-\u2069]/g;
/** Letters of scripts that are written from right to left: Hebrew, Arabic, and those beside them. */
const rightToLeft = /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFF\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u;

/** Somebody's name inside a sentence of ours: read in its own direction, between FSI and PDI, and without a say in that of the rest. */
const isolated = (text: string): string => {
  const plain = text.replaceAll(directions, "");
  return rightToLeft.test(plain) ? `\u2068${plain}\u2069` : plain;
};

/** `say` with the language already chosen. */
export type Words = (key: MessageKey, values?: Values) => string;
export const wordsIn =
  (locale: Locale): Words =>
  (key, values) =>
    say(locale, key, values);

const categoryOf = (locale: Locale, count: string | number | undefined): "one" | "other" =>
  new Intl.PluralRules(locale).select(Number(count ?? 0)) === "one" ? "one" : "other";

/** Whether a key is in the catalogue: for keys made from what is only known at run time, such as a scope's name. */
export const isMessageKey = (key: string): key is MessageKey => Object.hasOwn(en, key);

/** The language of a tag such as `de-AT`, where the catalogue has it. */
export const readLocale = (tag: string | null | undefined): Locale | undefined => {
  const language = tag?.trim().toLowerCase().split("-", 1)[0];
  return locales.find((locale) => locale === language);
};

/** Tags beyond this many are not looked at. */
const tagsMax = 20;

/**
 * The language for a request: what the client asked for (OpenID Connect `ui_locales`, space-delimited), then what the human has
 * chosen, then what the browser says (RFC 9110 §12.5.4), then English.
 */
export const localeOf = (
  acceptLanguage: string | undefined,
  uiLocales?: string | null,
  userLocale?: string | null,
): Locale =>
  first((uiLocales ?? "").split(" ", tagsMax)) ??
  readLocale(userLocale) ??
  first(byQuality(acceptLanguage ?? "")) ??
  defaultLocale;

const first = (tags: readonly string[]): Locale | undefined => {
  for (const tag of tags) {
    const locale = readLocale(tag);
    if (locale !== undefined) return locale;
  }
  return undefined;
};

const byQuality = (header: string): readonly string[] =>
  header
    .split(",", tagsMax)
    .map((part) => {
      const [tag = "", ...parameters] = part.split(";");
      const quality = parameters.map((one) => /^\s*q=([\d.]+)\s*$/.exec(one)?.[1]).find((one) => one !== undefined);
      return { tag, quality: quality === undefined ? 1 : Number(quality) };
    })
    .filter(({ quality }) => quality > 0)
    .toSorted((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag);
