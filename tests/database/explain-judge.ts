/**
 * What is asked of the plans of hot statements: that each finds its rows by what names them, and none by going through a tenant's.
 */
import assert from "node:assert/strict";
import type { Access, Plan } from "./plans.ts";

/** What runs beside requests, on its own time: the relay, housekeeping, keys, and what tests and the log itself ask. */
const beside =
  /^(insert into nodes|create |alter |analyze|vacuum|set |begin|commit)|relay|\bposition|expire_time < now|signing_keys|pg_|deployment|mail/i;

/** What of an index there is to look for by nothing but the tenant: a list in its order, a row that is the tenant's one, a few roles. */
const byTenant: readonly string[] = ["nodes_by_type", "sign_in_policies_pkey", "roles_pkey"];

/**
 * Statements that have to have been seen, or nothing has been looked at, by what they are. Where it matters what a table is looked up by, and
 * not only that it is, the columns that an index must have been asked for stand beside the table.
 */
export type Kinds = Readonly<
  Record<string, RegExp | { readonly pattern: RegExp; readonly by: Readonly<Record<string, RegExp>> }>
>;

/** Whether an index was asked for nothing but a tenant's rows, or for nothing at all. */
const isWalk = ({ how, index = "", condition }: Access): boolean => {
  const looked = condition
    .split(" AND ")
    .filter((term) => term !== "" && !/^\(*tenant_id = /.test(term) && !/^\(*\w+\.tenant_id = /.test(term));
  return how === "Seq Scan" || (looked.length === 0 && !byTenant.includes(index));
};

export const judge = (plans: readonly Plan[], kinds: Kinds): void => {
  const hot = plans.filter(({ statement }) => !beside.test(statement));
  const walks: object[] = [];
  for (const [kind, looked] of Object.entries(kinds)) {
    const { pattern, by } = looked instanceof RegExp ? { pattern: looked, by: {} } : looked;
    const misses = (access: Access): boolean => isWalk(access) || by[access.table]?.test(access.condition) === false;
    const its = hot.filter(({ statement, accesses }) => pattern.test(statement) && accesses.length > 0);
    assert.ok(its.length > 0, `no plan of ${kind} was seen`);
    for (const { statement, accesses } of its)
      for (const access of accesses.filter(misses)) walks.push({ kind, ...access, statement: statement.slice(0, 120) });
  }
  assert.deepEqual(
    [...new Set(walks.map((walk) => JSON.stringify(walk)))].map((walk) => JSON.parse(walk) as unknown),
    [],
  );
};

/** As a database is that has been filled in one go, and not been looked at since. */
export const forgetting: readonly string[] = [
  `select pg_clear_attribute_stats(schemaname, tablename, attname, inherited) from pg_stats where schemaname = 'public'`,
  `select pg_clear_relation_stats('public', relname) from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'i')`,
];
