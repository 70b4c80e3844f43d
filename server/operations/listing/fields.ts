/**
 * What a collection can be filtered by, as data: each field's name, the column behind it and its type. A type fixes which operators
 * make sense, and what a value must look like; a value is checked here, before any SQL is built from it.
 */
import type { Expression } from "kysely";
import { parseRef } from "../../../core/ids.ts";

/** `:` is "has": text that contains (whatever its case), a list that holds. */
export const operators = ["=", "!=", "<", ">", ":"] as const;
export type Operator = (typeof operators)[number];

/** A column's name, qualified where tables are joined, or an expression over columns. */
export type Source<Column extends string = string> = Column | Expression<unknown>;

/**
 * `text_array` and `json_array` hold texts, in a `text[]` or `jsonb` column. A `ref` is written `collection/{uuid}` and compared by its
 * UUID with a `uuid` column; `collections` are those it may name.
 */
export type Field<Column extends string = string> =
  | { readonly column: Source<Column>; readonly type: "text" | "boolean" | "time" | "text_array" | "json_array" }
  | { readonly column: Source<Column>; readonly type: "ref"; readonly collections: readonly string[] };

export type FieldType = Field["type"];

export type FieldTable<Column extends string = string> = Readonly<Record<string, Field<Column>>>;

/** The operators a field can be compared with. */
export const operatorsFor = ({ type }: Field): readonly Operator[] => kinds[type].operators;

/** The value in its canonical text, or undefined where the field's type has no such value. */
export const readValue = (field: Field, text: string): string | undefined => kinds[field.type].read(text, field);

/** What a value of the field looks like, for the person who wrote another. */
export const valuesOf = (field: Field): string => kinds[field.type].looksLike(field);

type Kind = {
  readonly operators: readonly Operator[];
  readonly read: (text: string, field: Field) => string | undefined;
  readonly looksLike: (field: Field) => string;
};

const anyText = { read: (text: string) => text, looksLike: () => "a text" } as const;

const collectionsOf = (field: Field): readonly string[] => (field.type === "ref" ? field.collections : []);

const time = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/i;
const microsecondDigits = 6;
const minuteMs = 60_000;

/**
 * RFC 3339 §5.6, as `YYYY-MM-DDTHH:MM:SS.ffffffZ`: in UTC, cut to the microseconds PostgreSQL keeps. Undefined also for what the
 * calendar lacks and for years outside 0001 to 9999, which PostgreSQL would refuse or write otherwise; leap seconds are not known.
 */
const readTime = (text: string): string | undefined => {
  const written = time.exec(text);
  if (written === null) return undefined;
  const [, date, clock, fraction = "", sign, hours = "0", minutes = "0"] = written;
  const local = `${date}T${clock}`;
  const ms = Date.parse(`${local}Z`);
  // Date.parse takes 30 February for 2 March: what was written must come back.
  if (Number.isNaN(ms) || wholeSeconds(ms) !== local) return undefined;
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * minuteMs * (sign === "-" ? -1 : 1);
  const utc = wholeSeconds(ms - offsetMs);
  if (!/^\d{4}-/.test(utc) || utc.startsWith("0000")) return undefined;
  return `${utc}.${fraction.slice(0, microsecondDigits).padEnd(microsecondDigits, "0")}Z`;
};

const wholeSeconds = (ms: number): string => new Date(ms).toISOString().slice(0, -".000Z".length);

const kinds = {
  text: { operators: ["=", "!=", ":"], ...anyText },
  text_array: { operators: [":"], ...anyText },
  json_array: { operators: [":"], ...anyText },
  boolean: {
    operators: ["=", "!="],
    read: (text) => (text === "true" || text === "false" ? text : undefined),
    looksLike: () => "`true` or `false`",
  },
  time: {
    operators: ["=", "!=", "<", ">"],
    read: readTime,
    looksLike: () => "an RFC 3339 time such as `2026-01-31T08:00:00Z`",
  },
  ref: {
    operators: ["=", "!="],
    read: (text, field) => (collectionsOf(field).includes(parseRef(text)?.collection ?? "") ? text : undefined),
    looksLike: (field) =>
      collectionsOf(field)
        .map((collection) => `\`${collection}/{uuid}\``)
        .join(" or "),
  },
} as const satisfies Record<FieldType, Kind>;
