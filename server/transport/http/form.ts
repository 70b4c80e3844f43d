/**
 * `application/x-www-form-urlencoded` (WHATWG URL §5.1). A token of seven hundred characters needs no decoding, so a field is cut out
 * whole and only looked at closely where it has a `%` or a `+`: node:querystring looks at every character of every field.
 */
import { unescape as decodeLeniently } from "node:querystring";
import { type Fault, fault } from "../../../core/faults.ts";
import type { Form } from "../../platform/web/request.ts";

/** Fields read at most; no endpoint knows half as many. */
export const formFieldsMax = 100;

const tooMany = fault("invalid_argument", `there are more than ${formFieldsMax} parameters`);
const noText = fault("invalid_argument", "a parameter has a NUL character in it, which no text may have");

/** Why it is refused, where there is a NUL in it, however that is written: PostgreSQL's text has no place for it, and nothing we know a use. */
export const holdsNul = (text: string): Fault | undefined =>
  text.includes("%00") || text.includes("\0") ? noText : undefined;

/**
 * A field that came twice is an array. A fault when there are more fields than anybody needs. The form is in an object of ours: a field of it
 * may be called `fault`.
 */
export const readForm = (text: string): Fault | { readonly form: Form } => {
  // No prototype: a field may be called anything.
  const form: Record<string, string | string[]> = Object.create(null);
  let fields = 0;
  for (let start = 0; start < text.length; ) {
    const ampersand = text.indexOf("&", start);
    const end = ampersand < 0 ? text.length : ampersand;
    if (end > start) {
      if (++fields > formFieldsMax) return tooMany;
      add(form, text.slice(start, end));
    }
    start = end + 1;
  }
  return { form };
};

const add = (form: Record<string, string | string[]>, field: string): void => {
  const equals = field.indexOf("=");
  const name = decode(equals < 0 ? field : field.slice(0, equals));
  const value = equals < 0 ? "" : decode(field.slice(equals + 1));
  const before = form[name];
  if (before === undefined) form[name] = value;
  else if (typeof before === "string") form[name] = [before, value];
  else before.push(value);
};

const escaped = /%[0-9a-f]{2}/i;

const decode = (text: string): string => {
  const spaced = text.includes("+") ? text.replaceAll("+", " ") : text;
  return spaced.includes("%") && escaped.test(spaced) ? decodeLeniently(spaced) : spaced;
};
