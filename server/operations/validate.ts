/** Checks an operation's input against its schema. Unknown fields are refused; every error says where and what. */
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { type FieldError, fault, type Result } from "../../core/faults.ts";
import { oddText, oddTextAt } from "../../core/text.ts";

type Finding = {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
};

export type Validator = (value: unknown) => Result<{ readonly value: unknown }>;

/** Errors reported at most; a request with more is not worth describing further. */
const errorsMax = 20;

/** `/parent/0` → `parent[0]`; the whole is `$`. */
const pathOf = (pointer: string): string =>
  pointer === ""
    ? "$"
    : pointer
        .slice(1)
        .split("/")
        .reduce((path, step) => (/^\d+$/.test(step) ? `${path}[${step}]` : path === "" ? step : `${path}.${step}`), "");

const describe = (finding: Finding): readonly FieldError[] => {
  const params = finding.params as Readonly<Record<string, unknown>>;
  const path = pathOf(finding.instancePath);
  const inside = (name: unknown): string => (path === "$" ? String(name) : `${path}.${String(name)}`);
  if (finding.keyword === "additionalProperties")
    return (params.additionalProperties as readonly string[]).map((name) => ({
      path: inside(name),
      message: "is not a field of this request",
    }));
  if (finding.keyword === "required")
    return (params.requiredProperties as readonly string[]).map((name) => ({
      path: inside(name),
      message: "is required",
    }));
  // Said better by `additionalProperties`, or by the member of the union that was meant.
  if (finding.keyword === "boolean") return [];
  return [{ path, message: finding.message }];
};

/** Compiles once; the result is used for every request. */
export const validatorOf = (schema: TSchema): Validator => {
  const compiled = Compile(schema);
  return (value) => {
    if (compiled.Check(value)) {
      const odd = oddTextAt(value);
      return odd === undefined
        ? { value }
        : fault("invalid_argument", `\`${odd}\` ${oddText}`, { errors: [{ path: odd, message: oddText }] });
    }
    const errors = (compiled.Errors(value) as readonly Finding[]).flatMap(describe).slice(0, errorsMax);
    const first = errors[0];
    const detail = first ? `\`${first.path}\` ${first.message}` : "the request does not have the form it should";
    return fault("invalid_argument", detail, { errors });
  };
};
