/**
 * A filter as SQL. What the caller wrote becomes parameters and nothing else; columns come from the field table.
 *
 * Filters know true and false only: a comparison with nothing is false, and `NOT` makes that true. SQL's third truth value would drop
 * a row without an expiry from both `expire_time > t` and `NOT expire_time > t`.
 */
import { type Expression, type RawBuilder, type SqlBool, sql } from "kysely";
import type { FieldType, Operator, Source } from "./fields.ts";
import type { Comparison, Filter } from "./filter.ts";

/** The condition that holds for the rows the filter lets through. */
export const filterExpression = (filter: Filter): Expression<SqlBool> => {
  if (filter.is === "comparison") return comparison(filter);
  if (filter.is === "not") return sql`(${filterExpression(filter.term)} is not true)`;
  return sql`(${sql.join(filter.terms.map(filterExpression), filter.is === "and" ? sql` and ` : sql` or `)})`;
};

/** A column, quoted, or the expression that stands for one, in parentheses. */
export const sourceExpression = (source: Source): Expression<unknown> =>
  typeof source === "string" ? sql.ref(source) : sql`(${source})`;

const comparison = ({ field, operator, value }: Comparison): RawBuilder<SqlBool> => {
  const column = sourceExpression(field.column);
  const operand = operands[field.type](value);
  return operator === ":" ? sql`(${has(field.type, column, operand)})` : sql`(${column} ${signs[operator]} ${operand})`;
};

/** `is distinct from`, so that nothing differs from something. */
const signs = {
  "=": sql`=`,
  "!=": sql`is distinct from`,
  "<": sql`<`,
  ">": sql`>`,
} as const satisfies Record<Exclude<Operator, ":">, RawBuilder<unknown>>;

const text = (value: string): RawBuilder<unknown> => sql`${value}::text`;

const operands = {
  text,
  text_array: text,
  json_array: text,
  boolean: (value) => sql`${value === "true"}::boolean`,
  time: (value) => sql`${value}::timestamptz`,
  ref: (value) => sql`${value.slice(value.indexOf("/") + 1)}::uuid`,
} as const satisfies Record<FieldType, (value: string) => RawBuilder<unknown>>;

const has = (type: FieldType, column: Expression<unknown>, operand: RawBuilder<unknown>): RawBuilder<SqlBool> => {
  if (type === "text_array") return sql`${operand} = any(${column})`;
  if (type === "json_array") return sql`${column} ? ${operand}`;
  return sql`strpos(lower(${column}), lower(${operand})) > 0`;
};
