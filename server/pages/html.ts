/**
 * HTML as values. What is put into the template is escaped unless it is HTML itself, so text of a user, a client or a tenant can only
 * ever be text. Attributes are always written in double quotes.
 */

/** Markup that may stand in a page as it is. Made by `html` and `raw`, and by nothing else. */
export type Html = { readonly markup: string };

/** Nothing is written for null, undefined and booleans, so that `condition && html…` reads well. */
export type Part = Html | string | number | boolean | null | undefined | readonly Part[];

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Overrides and embeddings (UAX #9 §2.1, §2.2) go: \u202E in a name would show `gnp.exe` as `exe.png`, and what follows from right to left. */
export const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"'\u202A-\u202E]/g, (character) => escapes[character] ?? "");

const written = (part: Part): string => {
  if (part === null || part === undefined || typeof part === "boolean") return "";
  if (typeof part === "string") return escapeHtml(part);
  if (typeof part === "number") return String(part);
  return "markup" in part ? part.markup : part.map(written).join("");
};

export const html = (texts: TemplateStringsArray, ...parts: readonly Part[]): Html => ({
  markup: texts.map((text, at) => text + (at < parts.length ? written(parts[at]) : "")).join(""),
});

/** Markup from a place that is trusted to have made it: our own assets, and the QR code of our own library. */
export const raw = (markup: string): Html => ({ markup });

/** Attributes from a record: false and undefined are left out, true stands for the bare name. */
export const attributes = (record: Readonly<Record<string, string | number | boolean | undefined>>): Html =>
  raw(
    Object.entries(record)
      .filter(([, value]) => value !== undefined && value !== false)
      .map(([name, value]) => (value === true ? ` ${name}` : ` ${name}="${escapeHtml(String(value))}"`))
      .join(""),
  );
