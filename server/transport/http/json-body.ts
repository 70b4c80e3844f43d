/** A JSON body, read within bounds: not nested too deep, and with nothing in it that is more than data. */
import { type Fault, fault } from "../../../core/faults.ts";
import { jsonDepth } from "./json-depth.ts";
import { jsonDepthMax } from "./limits.ts";

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

/** `__proto__` in JSON is an own field that object spread would turn into a prototype: refused like any unknown field, by name. */
const withoutPrototypes = (value: unknown): unknown => {
  if (typeof value === "object" && value !== null && Object.hasOwn(value, "__proto__"))
    throw new SyntaxError("__proto__");
  return value;
};
