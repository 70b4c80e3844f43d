/**
 * The language lists are filtered in, a subset of AIP-160:
 *
 *     filter     = term *( "AND" term ) / term *( "OR" term )
 *     term       = "NOT" term / "(" filter ")" / comparison
 *     comparison = field ( "=" / "!=" / "<" / ">" / ":" ) value
 *     value      = word / %x22 *( any character, with \" and \\ for these two ) %x22
 *
 * `AND` and `OR` side by side need parentheses: AIP-160 lets `OR` bind tighter, most languages `AND`, and a filter read the other way
 * shows the wrong rows. Reading is total: any text gives a filter whose fields exist and whose values fit them, or a fault that says
 * where and why not.
 */
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import { type Field, type FieldTable, type Operator, operators, operatorsFor, readValue, valuesOf } from "./fields.ts";

/** UTF-16 code units. */
export const filter_length_max_characters = 1_000;
/** Parentheses and `NOT`s inside one another. */
export const filter_depth_max = 8;
export const filter_comparisons_max = 20;

export type Comparison = {
  readonly is: "comparison";
  readonly name: string;
  readonly field: Field;
  readonly operator: Operator;
  /** In the canonical text of the field's type. */
  readonly value: string;
};

export type Filter =
  | { readonly is: "and" | "or"; readonly terms: readonly Filter[] }
  | { readonly is: "not"; readonly term: Filter }
  | Comparison;

/** Reads a filter over the fields given. An empty one is undefined: it lets everything through. Never throws. */
export const parseFilter = (text: string, fields: FieldTable): Result<Filter | undefined> => {
  if (text.length > filter_length_max_characters)
    return refused(`the filter is longer than ${filter_length_max_characters} characters`);
  // PostgreSQL's text can hold neither.
  if (!text.isWellFormed() || text.includes("\0")) return refused("the filter holds a character that no text can hold");
  if (text.trim() === "") return undefined;

  const reader: Reader = { text, fields, at: 0, comparisons: 0 };
  const filter = readFilter(reader, 0);
  if (isFault(filter)) return filter;
  return lookingAt(reader) === undefined ? filter : expected(reader, "`AND`, `OR` or the end");
};

/** The filter in one canonical spelling, which reads back as the same filter; it may be longer than what was read. */
export const printFilter = (filter: Filter): string => {
  if (filter.is === "comparison")
    return `${filter.name} ${filter.operator} "${filter.value.replaceAll(/["\\]/g, "\\$&")}"`;
  if (filter.is === "not") return `NOT ${printTerm(filter.term)}`;
  return filter.terms.map(printTerm).join(filter.is === "and" ? " AND " : " OR ");
};

const printTerm = (filter: Filter): string =>
  filter.is === "and" || filter.is === "or" ? `(${printFilter(filter)})` : printFilter(filter);

/** Where reading has got to. */
type Reader = { readonly text: string; readonly fields: FieldTable; at: number; comparisons: number };

const patterns = {
  open: /\(/y,
  close: /\)/y,
  joiner: /(?:AND|OR)(?=[\s(]|$)/y,
  not: /NOT(?=[\s(]|$)/y,
  name: /(?!(?:AND|OR|NOT)(?:[\s()]|$))[^\s"'()=!<>\\:]+/y,
  operator: new RegExp(operators.join("|"), "y"),
  // A colon belongs to times and to no operator here.
  word: /(?!(?:AND|OR|NOT)(?:[\s()]|$))[^\s"'()=!<>\\]+/y,
  string: /"(?:[^"\\]|\\["\\])*"/y,
} as const satisfies Record<string, RegExp>;

const readFilter = (reader: Reader, depth: number): Result<Filter> => {
  const terms: Filter[] = [];
  for (let joiner: string | undefined; ; ) {
    const term = readTerm(reader, depth);
    if (isFault(term)) return term;
    terms.push(term);
    const before = reader.at;
    const next = take(reader, "joiner");
    if (next === undefined) return joiner === undefined ? term : { is: joiner === "AND" ? "and" : "or", terms };
    if (next !== (joiner ?? next))
      return expected(reader, "parentheses to tell which of `AND` and `OR` comes first", before);
    joiner = next;
  }
};

const readTerm = (reader: Reader, depth: number): Result<Filter> => {
  if (depth > filter_depth_max) return refused(`the filter is nested more than ${filter_depth_max} deep`);
  if (take(reader, "not") !== undefined) {
    const term = readTerm(reader, depth + 1);
    return isFault(term) ? term : { is: "not", term };
  }
  if (take(reader, "open") !== undefined) {
    const inner = readFilter(reader, depth + 1);
    if (isFault(inner)) return inner;
    return take(reader, "close") === undefined ? expected(reader, "`AND`, `OR` or `)`") : inner;
  }
  return readComparison(reader);
};

const readComparison = (reader: Reader): Result<Comparison> => {
  reader.comparisons += 1;
  if (reader.comparisons > filter_comparisons_max)
    return refused(`the filter makes more than ${filter_comparisons_max} comparisons`);

  const name = take(reader, "name");
  if (name === undefined) return expected(reader, "a field, `NOT` or `(`");
  const field = Object.hasOwn(reader.fields, name) ? reader.fields[name] : undefined;
  if (field === undefined) return unknownField(reader, name);

  const operator = takeOperator(reader);
  if (operator === undefined) return expected(reader, `${either(operators)} after \`${name}\``);
  if (!operatorsFor(field).includes(operator))
    return refused(
      `the filter cannot compare \`${name}\` with \`${operator}\`, only with ${either(operatorsFor(field))}`,
    );

  const before = reader.at;
  const text = takeValue(reader);
  if (text === undefined)
    return expected(reader, 'a word, or a text in double quotes that escapes only `\\"` and `\\\\`');
  const value = readValue(field, text);
  if (value === undefined) return expected(reader, `${valuesOf(field)} for \`${name}\``, before);
  return { is: "comparison", name, field, operator, value };
};

/** Moves past white space and, where the pattern matches there, past the match. */
const take = (reader: Reader, kind: keyof typeof patterns): string | undefined => {
  lookingAt(reader);
  const pattern = patterns[kind];
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0];
  reader.at += found?.length ?? 0;
  return found;
};

const takeOperator = (reader: Reader): Operator | undefined => {
  const found = take(reader, "operator");
  return operators.find((operator) => operator === found);
};

const takeValue = (reader: Reader): string | undefined =>
  take(reader, "word") ?? take(reader, "string")?.slice(1, -1).replaceAll(/\\(.)/g, "$1");

const shownLengthMax = 24;
const space = /\s*/y;
/** By code points, so that no character is cut in two. */
const shown = new RegExp(`\\S{1,${shownLengthMax}}`, "uy");

/** What comes after white space, shortened; undefined at the end. */
const lookingAt = (reader: Reader): string | undefined => {
  space.lastIndex = reader.at;
  reader.at += space.exec(reader.text)?.[0].length ?? 0;
  shown.lastIndex = reader.at;
  return shown.exec(reader.text)?.[0];
};

const either = (choices: readonly string[]): string => {
  const quoted = choices.map((choice) => `\`${choice}\``);
  return quoted.length < 2 ? quoted.join() : `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
};

const refused = (detail: string): Fault =>
  fault("invalid_argument", detail, { errors: [{ path: "$.filter", message: detail }] });

const expected = (reader: Reader, what: string, at = reader.at): Fault => {
  reader.at = at;
  const next = lookingAt(reader);
  const found = next === undefined ? "the end" : `\`${next}\``;
  return refused(`the filter should have ${what} at character ${reader.at + 1}, and has ${found}`);
};

const unknownField = (reader: Reader, name: string): Fault => {
  const known = Object.keys(reader.fields);
  return refused(
    `unknown field \`${name}\` in the filter; the fields here are ${known.map((one) => `\`${one}\``).join(", ")}`,
  );
};
