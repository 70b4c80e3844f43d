/** Lets kysely write SQL inside a transaction that is already under way, and keeps it from beginning or ending one. */
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from "kysely";

/** Runs one statement. */
export type Send = (
  sql: string,
  values: readonly unknown[],
) => Promise<{ readonly command: string; readonly rowCount: number | null; readonly rows: unknown[] }>;

/** A `Tx["kysely"]` over one transaction: built when first asked for, since most of the hot ones never ask. */
export const kyselyOver = (send: Send): (<Tables>() => Kysely<Tables>) => {
  const built: { kysely?: Kysely<unknown> } = {};
  return <Tables>() => (built.kysely ??= new Kysely<unknown>({ dialect: dialectOver(send) })) as Kysely<Tables>;
};

const changing = new Set(["INSERT", "UPDATE", "DELETE", "MERGE"]);

const connectionOver = (send: Send): DatabaseConnection => ({
  executeQuery: async <Row>(query: CompiledQuery): Promise<QueryResult<Row>> => {
    const { command, rowCount, rows } = await send(query.sql, query.parameters);
    const affected = changing.has(command) ? { numAffectedRows: BigInt(rowCount ?? 0) } : {};
    return { ...affected, rows: rows as Row[] };
  },
  streamQuery: () => {
    throw new Error("rows are not streamed: ask for pages");
  },
});

const refuse = (): Promise<void> =>
  Promise.reject(new Error("the transaction is open already, and ends with its work"));

const driverOver = (connection: DatabaseConnection): Driver => ({
  init: async () => undefined,
  acquireConnection: async () => connection,
  beginTransaction: refuse,
  commitTransaction: refuse,
  rollbackTransaction: refuse,
  releaseConnection: async () => undefined,
  destroy: async () => undefined,
});

const dialectOver = (send: Send): Dialect => ({
  createAdapter: () => new PostgresAdapter(),
  createDriver: () => driverOver(connectionOver(send)),
  createIntrospector: (db) => new PostgresIntrospector(db),
  createQueryCompiler: () => new PostgresQueryCompiler(),
});
