/**
 * Conditions: what must be true besides, for an assignment or a grant to count. An expression in CEL (the Common Expression Language),
 * checked when it is written and bounded in what it can cost.
 *
 * A condition counts while it is exactly `true`. Whatever it can't be evaluated on, a missing entry, a value of another type, a number out
 * of range, is a no (invariant 1).
 */
import { type Fault, fault, isFault, type Result } from "../faults.ts";
import { inspect } from "./inspect.ts";
import { environment } from "./language.ts";
import { expression_length_max } from "./limits.ts";
import { bindingsOf, type Variables } from "./variables.ts";

export type Condition = {
  readonly text: string;
  /** Throws where it can't be evaluated. */
  readonly run: (bindings: object) => unknown;
};

/**
 * Reads a condition, or says what is wrong with it, where, and what to do: syntax, names there are none of, types that don't go together, a
 * result that is not a bool, a cost that is not bounded.
 *
 * @returns the condition, or `invalid_argument` with one error at the path `condition`
 */
export const compileCondition = (text: string): Result<Condition> => {
  if (text.length > expression_length_max)
    return refused(`it has ${text.length} characters, and ${expression_length_max} are allowed`);
  // PostgreSQL's text has no place for it.
  if (text.includes("\0")) return refused("a NUL character is no part of it", text, text.indexOf("\0"));
  try {
    const parsed = environment.parse(text);
    const [objection] = inspect(parsed.ast);
    if (objection !== undefined) return refused(objection.message, text, objection.at.start);
    const checked = parsed.check();
    if (!checked.valid) return unreadable(text, checked.error);
    if (checked.type !== "bool") return refused(notABool(checked.type), text, 0);
    return { text, run: (bindings) => parsed(bindings) };
  } catch (error) {
    return unreadable(text, error);
  }
};

const notABool = (type: string | undefined): string =>
  type === "dyn"
    ? "it is whatever was asked, and must be true or false by itself; compare it, as in `context.flag == true`"
    : `it must be true or false, and is of type \`${type?.replaceAll("$", "")}\``;

/** What the library says, as it says it: it names what it stumbled over. */
const unreadable = (text: string, error: unknown): Fault => {
  const { range } = error as { readonly range?: { readonly start: number } };
  return refused(summaryOf(error), text, range?.start);
};

const refused = (reason: string, text = "", at?: number): Fault => {
  const message = at === undefined ? reason : `${placeIn(text, at)}: ${reason}`;
  return fault("invalid_argument", `the condition is not accepted: ${message}`, {
    errors: [{ path: "condition", message }],
  });
};

/** Both from 1. */
const placeIn = (text: string, at: number): string => {
  const before = text.slice(0, at).split("\n");
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
};

const summary_length_max = 200;

/** One line, as our messages are. */
const summaryOf = (error: unknown): string => {
  const { summary, message } = error as { readonly summary?: string; readonly message?: string };
  const said = (summary ?? message ?? "it can't be evaluated").split("\n")[0] ?? "";
  return (said.charAt(0).toLowerCase() + said.slice(1)).slice(0, summary_length_max);
};

/**
 * Compiled once and remembered: the same few conditions are met over and over. What is remembered is grammar, neither facts nor a
 * decision, and the memory is bounded.
 */
const remembered_max = 1_000;
const memory = new Map<string, Result<Condition>>();

/** The condition a stored text stands for. One that no longer compiles stays a fault, which is a no wherever it is evaluated. */
export const compiled = (text: string): Result<Condition> => {
  const known = memory.get(text);
  if (known !== undefined) return known;
  const made = compileCondition(text);
  // Starting over is simpler than choosing whom to forget.
  if (memory.size >= remembered_max) memory.clear();
  memory.set(text, made);
  return made;
};

/** `true`, `false`, or why neither can be said. Only `true` counts. */
export const evaluate = (condition: Result<Condition>, variables: Variables): boolean | { readonly error: string } => {
  if (isFault(condition)) return { error: condition.detail };
  try {
    const value = condition.run(bindingsOf(variables));
    return typeof value === "boolean" ? value : { error: "it is neither true nor false" };
  } catch (error) {
    return { error: summaryOf(error) };
  }
};
