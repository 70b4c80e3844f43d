/**
 * Which JavaScript value stands for which PostgreSQL one. `pg`'s own choices, but where they lose something: a 64-bit
 * integer need not be a string, a date is a day and no instant, and the numbers of a numeric array are not floats.
 */
import { type CustomTypesConfig, types } from "pg";

/**
 * A number where it is exact (±(2^53 − 1)), else a bigint: an identity or a count is a number, and nothing is ever
 * rounded.
 */
const parseInt8 = (text: string): number | bigint => {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
};

const asWritten = (text: string): string => text;
/** `pg` types this for the oids it has names for; it takes any. */
const parserOf = types.getTypeParser as (oid: number, format: "text" | "binary") => (text: string) => unknown;
const parseTexts = parserOf(1009, "text") as (text: string) => (string | null)[]; // text[]

/** By type oid, as in `pg_type.dat`. */
const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  20: parseInt8,
  1016: (text) => parseTexts(text).map((item) => (item === null ? null : parseInt8(item))), // int8[]
  1082: asWritten, // date
  1182: parseTexts, // date[]
  1114: asWritten, // timestamp without time zone: no instant either
  1115: parseTexts,
  1186: asWritten, // interval
  1231: parseTexts, // numeric[]
};

/** For a `pg` client or pool; nothing is set for the whole process. */
export const valueTypes: CustomTypesConfig = {
  getTypeParser: ((oid: number, format: "text" | "binary" = "text") =>
    (format === "text" ? parsers[oid] : undefined) ?? parserOf(oid, format)) as CustomTypesConfig["getTypeParser"],
};
