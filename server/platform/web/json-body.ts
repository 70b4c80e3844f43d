/** JSON from outside, read within bounds: not nested too deep, and with nothing in it that is more than data. */
import { type Fault, fault, isFault } from "../../../core/faults.ts";
import { jsonDepth } from "./json-depth.ts";

const jsonDepthMax = 16;

/** The value is in an object of ours: it may itself have a member called `fault`. Undefined for an empty body. */
export const readJson = (text: string): Fault | { readonly value: unknown } => {
  if (text === "") return { value: undefined };
  if (jsonDepth(text) > jsonDepthMax)
    return fault("invalid_argument", `the JSON is nested more than ${jsonDepthMax} deep`);
  try {
    const value = withoutPrototypes(JSON.parse(text));
    return oddEscape.test(text) && !isText(value)
      ? fault(
          "invalid_argument",
          "a string in the body has a NUL in it, or half of a surrogate pair, which is no character",
        )
      : { value };
  } catch {
    return fault("invalid_argument", "the body is not well-formed JSON");
  }
};

/** The same, where what cannot be read is as good as nothing. */
export const jsonIn = (text: string): unknown => {
  const read = readJson(text);
  return isFault(read) ? undefined : read.value;
};

/** `__proto__` in JSON is an own field that object spread would turn into a prototype: refused like any unknown field, by name. */
const withoutPrototypes = (value: unknown): unknown => {
  if (typeof value === "object" && value !== null && Object.hasOwn(value, "__proto__"))
    throw new SyntaxError("__proto__");
  return value;
};

/** Only an escape can stand for either: JSON has no control characters, and the body itself was decoded from UTF-8. */
const oddEscape = /\\u(?:0000|[dD][89a-fA-F])/;

/**
 * RFC 7493 §2.1: no surrogates but in pairs, in names either. PostgreSQL takes no others, and no NUL, and what is put in their place makes
 * alike what was not.
 */
const isText = (value: unknown): boolean => {
  if (typeof value === "string") return value.isWellFormed() && !value.includes("\0");
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([name, member]) => isText(name) && isText(member));
};
