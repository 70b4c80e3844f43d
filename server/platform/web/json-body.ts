/** JSON from outside, read within bounds: not nested too deep, and with nothing in it that is more than data. */
import { type Fault, fault, isFault } from "../../../core/faults.ts";
import { oddTextAt } from "../../../core/text.ts";
import { jsonDepth } from "./json-depth.ts";

const jsonDepthMax = 16;

/** The value is in an object of ours: it may itself have a member called `fault`. Undefined for an empty body. */
export const readJson = (text: string): Fault | { readonly value: unknown } => {
  if (text === "") return { value: undefined };
  if (jsonDepth(text) > jsonDepthMax)
    return fault("invalid_argument", `the JSON is nested more than ${jsonDepthMax} deep`);
  try {
    return { value: withoutPrototypes(JSON.parse(text)) };
  } catch {
    return fault("invalid_argument", "the body is not well-formed JSON");
  }
};

/** The same for what will be kept, where what cannot be read, or holds what is no text, is as good as nothing. */
export const jsonIn = (text: string): unknown => {
  const read = readJson(text);
  return isFault(read) || oddTextAt(read.value) !== undefined ? undefined : read.value;
};

/** `__proto__` in JSON is an own field that object spread would turn into a prototype: refused like any unknown field, by name. */
const withoutPrototypes = (value: unknown): unknown => {
  if (typeof value === "object" && value !== null && Object.hasOwn(value, "__proto__"))
    throw new SyntaxError("__proto__");
  return value;
};
