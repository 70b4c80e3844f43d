/**
 * One page of a collection. Every list pages alike: from a position in (time, id) order, so that rows inserted or removed meanwhile
 * neither repeat nor hide another; one row more than asked for is fetched, to know whether there is a next page; nothing is counted.
 *
 * The query given has already been narrowed to what the caller may see, since authorization comes before paging:
 *
 *     export const listUsers = (tx: Tx, request: ListRequest, paging: Paging) =>
 *       listPage(
 *         tx.kysely<Tables>().selectFrom("users").select(columns).where("tenant_id", "=", tx.tenant),
 *         userListing, request, paging);
 */
import {
  type Expression,
  type RawBuilder,
  type SelectQueryBuilder,
  type SqlBool,
  type StringReference,
  sql,
} from "kysely";
import Type from "typebox";
import { fault, isFault, type Result } from "../../../core/faults.ts";
import type { FieldTable, Source } from "./fields.ts";
import { filter_length_max_characters, parseFilter, printFilter } from "./filter.ts";
import { filterExpression, sourceExpression } from "./filter-sql.ts";
import { type Position, page_token_length_max_characters, readPageToken, writePageToken } from "./page-token.ts";

export const page_size_default = 50;
export const page_size_max = 1_000;

/** What every list takes, to be spread into its input's schema. */
export const listInput = {
  page_size: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: page_size_max,
      default: page_size_default,
      description: "How many items the page holds at most.",
    }),
  ),
  page_token: Type.Optional(
    Type.String({
      maxLength: page_token_length_max_characters,
      description: "The `next_page_token` of the page before, with the same `filter`. Without it, the first page.",
    }),
  ),
  filter: Type.Optional(
    Type.String({
      maxLength: filter_length_max_characters,
      description: 'Which items to list, such as `state = "active" AND NOT display_name : "test"`.',
    }),
  ),
} as const;

/** An empty `page_token` or `filter` is none. */
export type ListRequest = { readonly page_size?: number; readonly page_token?: string; readonly filter?: string };

/** How a collection is listed: by which fields it can be filtered, and in which order it comes. */
export type Listing<Column extends string = string> = {
  readonly fields: FieldTable<Column>;
  /** A `timestamptz` and a `uuid`, never null and unique together. Where it is not said: `create_time` and `id`, oldest first. */
  readonly order?: { readonly time: Source<Column>; readonly id: Source<Column>; readonly newestFirst?: boolean };
};

/** `query` names collection and tenant, so that a token for one is worthless in another. */
export type Paging = { readonly pageKey: Buffer; readonly query: string };

/** `next_page_token` is empty on the last page. */
export type Page<Row> = { readonly rows: readonly Row[]; readonly next_page_token: string };

const defaultOrder = { time: "create_time", id: "id", newestFirst: false } as const;

/**
 * The page asked for. A page size out of range, a filter that cannot be read and a token that is not this query's are each an
 * `invalid_argument`. The query must not order, limit or group. What it selects may bear any name but `page_time` and `page_id`, and
 * those of the order's columns only if it is these: `order by` would take the selected one.
 */
export const listPage = async <Tables, Table extends keyof Tables, Row>(
  query: SelectQueryBuilder<Tables, Table, Row>,
  listing: Listing<StringReference<Tables, Table>>,
  request: ListRequest,
  paging: Paging,
): Promise<Result<Page<Row>>> => {
  const size = readPageSize(request.page_size);
  if (isFault(size)) return size;
  const filter = parseFilter(request.filter ?? "", listing.fields);
  if (isFault(filter)) return filter;
  // By what the filter means, so that its spelling may change between pages.
  const asked = JSON.stringify([paging.query, filter === undefined ? "" : printFilter(filter)]);
  const after = request.page_token ? readPageToken(paging.pageKey, asked, request.page_token) : undefined;
  if (isFault(after)) return after;

  const order = listing.order ?? defaultOrder;
  const [time, id] = [sourceExpression(order.time), sourceExpression(order.id)];
  const direction = order.newestFirst === true ? "desc" : "asc";
  const conditions = [
    ...(filter === undefined ? [] : [filterExpression(filter)]),
    ...(after === undefined ? [] : [beyond[direction](time, id, after)]),
  ];
  const found = (await query
    .select([inMicroseconds(time).as("page_time"), sql<string>`${id}::text`.as("page_id")])
    .where((eb) => eb.and(conditions))
    .orderBy(time, direction)
    .orderBy(id, direction)
    .limit(size + 1)
    .execute()) as unknown as readonly (Row & Placed)[];

  const page = found.slice(0, size);
  const last = page.at(-1);
  const more = found.length > size && last !== undefined;
  return {
    rows: page.map(unplaced),
    next_page_token: more ? writePageToken(paging.pageKey, asked, { time: last.page_time, id: last.page_id }) : "",
  };
};

const readPageSize = (size = page_size_default): Result<number> => {
  if (Number.isInteger(size) && size >= 1 && size <= page_size_max) return size;
  const detail = `the \`page_size\` must be a whole number from 1 to ${page_size_max}, and is \`${size}\``;
  return fault("invalid_argument", detail, { errors: [{ path: "$.page_size", message: detail }] });
};

/** All that `timestamptz` holds, whatever the session's time zone and date style. */
const inMicroseconds = (time: Expression<unknown>): RawBuilder<string> =>
  sql`to_char(${time} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** Rows after the position. A comparison of rows is one range of an index that ends in (time, id). */
const beyond = {
  asc: (time: Expression<unknown>, id: Expression<unknown>, after: Position): Expression<SqlBool> =>
    sql`(${time}, ${id}) > (${after.time}::timestamptz, ${after.id}::uuid)`,
  desc: (time: Expression<unknown>, id: Expression<unknown>, after: Position): Expression<SqlBool> =>
    sql`(${time}, ${id}) < (${after.time}::timestamptz, ${after.id}::uuid)`,
} as const;

/** What each row carries for the token, and its reader never asked for. */
type Placed = { readonly page_time: string; readonly page_id: string };

const unplaced = <Row>({ page_time: _time, page_id: _id, ...row }: Row & Placed): Row => row as Row;
