/**
 * What a condition may look at, made from plain JSON on first use: most conditions look at one or two of these.
 *
 * Objects become maps, so that no name in them, `__proto__` or `constructor` among them, can mean anything but an entry; what is larger
 * than a condition was accepted for is an error, and so a no.
 */
import { elements_max, nesting_max, text_length_max, values_max } from "./limits.ts";

export type Variables = {
  /** Milliseconds since the epoch, the server's: `now`. */
  readonly at: number;
  readonly subject: {
    readonly id: string;
    readonly ref: string;
    readonly kind: string;
    readonly acr: string | undefined;
    readonly properties: Json;
  };
  /** All of it is absent where the target is the host itself. */
  readonly resource: {
    readonly id: string | undefined;
    readonly type: string | undefined;
    readonly ref: string | undefined;
    readonly owner: string | undefined;
    readonly attributes: Json;
    readonly properties: Json;
  };
  readonly context: Json;
};

type Json = Readonly<Record<string, unknown>> | undefined;

/** What the expression reads: `now`, `subject`, `resource` and `context`, each made when it is first asked for. */
export const bindingsOf = (variables: Variables): object => {
  const made = new Map<string, unknown>();
  const once = (name: string, make: () => unknown): unknown => {
    if (!made.has(name)) made.set(name, make());
    return made.get(name);
  };
  return {
    get now() {
      return once("now", () => new Date(variables.at));
    },
    get subject() {
      return once("subject", () => record(variables.subject, ["properties"]));
    },
    get resource() {
      return once("resource", () => record(variables.resource, ["attributes", "properties"]));
    },
    get context() {
      return once("context", () => asMap(variables.context ?? {}));
    },
  };
};

/** Our own record: what is absent has no entry, except that a map of attributes is there and empty. */
const record = (given: Readonly<Record<string, unknown>>, maps: readonly string[]): Map<string, unknown> => {
  const entries = new Map<string, unknown>();
  for (const [name, value] of Object.entries(given)) if (value !== undefined) entries.set(name, value);
  for (const name of maps) entries.set(name, asMap((given[name] as Json) ?? {}));
  return entries;
};

const asMap = (given: object): unknown => asValue(given, { left: values_max }, nesting_max);

type Budget = { left: number };

const asValue = (value: unknown, budget: Budget, depth: number): unknown => {
  budget.left -= 1;
  if (budget.left < 0) throw new RangeError(`has more than ${values_max} values`);
  switch (typeof value) {
    case "boolean":
      return value;
    case "number":
      if (Number.isFinite(value)) return value;
      throw new RangeError("has a number that is none");
    case "string":
      if (value.length <= text_length_max) return value;
      throw new RangeError(`has a text of more than ${text_length_max} characters`);
    case "object":
      return value === null ? null : container(value, budget, depth - 1);
    case "bigint":
    case "function":
    case "symbol":
    case "undefined":
      throw new RangeError(`has a value that is not JSON`);
  }
};

const container = (value: object, budget: Budget, depth: number): unknown => {
  if (depth < 0) throw new RangeError(`is nested more than ${nesting_max} deep`);
  const size = Array.isArray(value) ? value.length : Object.keys(value).length;
  if (size > elements_max) throw new RangeError(`has a list or a map of more than ${elements_max} elements`);
  if (Array.isArray(value)) return value.map((one) => asValue(one, budget, depth));
  const entries = new Map<string, unknown>();
  for (const [name, one] of Object.entries(value)) {
    if (name.length > text_length_max) throw new RangeError(`has a name of more than ${text_length_max} characters`);
    entries.set(name, asValue(one, budget, depth));
  }
  return entries;
};
