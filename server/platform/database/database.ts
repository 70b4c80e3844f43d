/**
 * What the rest of Countersign knows about its database: one tenant, one transaction, one set of rows it can see.
 *
 * PostgreSQL (`postgres.ts`) and the embedded one (`embedded.ts`) both answer to these types. Row-level security reads
 * two settings, `countersign.tenant` (a UUID, or empty) and `countersign.scope` (`host`, or empty); they are set here
 * and nowhere else, and end with the transaction.
 */
import type { Kysely } from "kysely";
import type { TenantId } from "../../../core/ids.ts";
import type { VersionKey } from "../cache/fresh-cache.ts";

/**
 * A transaction under way. It sees the rows of one tenant, and is worthless once the work it was given to has ended.
 */
export type Tx = {
  /** The tenant row-level security is set to; the host's own tenant in a host transaction. */
  readonly tenant: TenantId;
  /** Builds typed SQL that runs inside this transaction. `Tables` is the calling slice's own. */
  kysely<Tables>(): Kysely<Tables>;
  /** Runs one prepared statement inside this transaction. A name stands for one text, for good. */
  query<Row>(name: string, sql: string, values: readonly unknown[]): Promise<readonly Row[]>;
  /**
   * Names what this change makes stale. All of it is fenced before COMMIT, and published after, before the caller hears
   * of it.
   */
  touch(...keys: VersionKey[]): void;
};

/**
 * Throws `DatabaseUnavailable` (see `unavailable.ts`) where the database could not be asked, as a lost connection or a
 * full pool; anything else thrown is a bug, or the work's own.
 *
 * Both backends give the same values: `timestamptz` is a Date (milliseconds), `int8` a number, or a bigint beyond
 * ±(2^53 − 1), `numeric` a string, `bytea` a Buffer, `jsonb` parsed, arrays are arrays, `date` is the text PostgreSQL
 * wrote.
 */
export type Database = {
  readonly kind: "postgres" | "embedded";
  /**
   * Runs the work in one transaction that sees the tenant's rows and no others. A returned value commits, an expected
   * fault too; a throw rolls back. The work may run again, up to four times in all, when PostgreSQL names a conflict
   * with another transaction: it should change nothing outside its `tx`.
   */
  transaction<T>(tenant: TenantId, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** The same above all tenants: `countersign.scope` is `host`, and the tenant is the host's own. */
  hostTransaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * One prepared statement with no transaction around it: the hot path, for reading. No tenant is set, so it sees only
   * what row-level security shows to nobody, unless the statement itself sets one. A name stands for one text, for
   * good.
   */
  statement<Row>(name: string, sql: string, values: readonly unknown[]): Promise<readonly Row[]>;
  /** Ends every connection, once what is under way has finished. */
  close(): Promise<void>;
};
