/**
 * The database of a production deployment: PostgreSQL 14 or later, over `pg`.
 *
 * Every connection works as the application's role from its first moment: `role` is one of its startup options, so
 * there is no time at which it sees more. Transactions take a connection from a pool; single statements share a few
 * (`lanes.ts`).
 */
import { Client, type ClientConfig, Pool, type PoolClient } from "pg";
import { applicationRole, verifyApplicationRole } from "./application-role.ts";
import type { Database } from "./database.ts";
import { describeConnection, describeConnectionError } from "./describe-connection.ts";
import { openLanes } from "./lanes.ts";
import { migrate } from "./migrate.ts";
import { type CommitHooks, databaseOver } from "./transactions.ts";
import { codeOf, databaseUnavailable, isConnectionTrouble } from "./unavailable.ts";
import { valueTypes } from "./value-types.ts";

/** As much of a log as is needed here. */
export type ConnectionLog = { warn(fields: object, message: string): void };

export type PostgresOptions = {
  /** `postgres://user:password@host:port/database?…`. Its own `options` are kept; ours come last, and win. */
  readonly url: string;
  /** Connections for transactions, besides those for single statements. */
  readonly poolSize: number;
  /** Connections shared by single statements. */
  readonly statementConnections?: number;
  readonly hooks: CommitHooks;
  /** A statement that takes longer is cancelled, and its caller told `DatabaseUnavailable`. */
  readonly statementTimeoutMs: number;
  /** How long to wait for a connection, a free one or a new one. */
  readonly connectTimeoutMs?: number;
  /** PostgreSQL ends the connection of a transaction that has asked for nothing in this long. */
  readonly idleInTransactionTimeoutMs?: number;
  readonly log?: ConnectionLog;
};

const statementConnectionsDefault = 2;
const connectTimeoutMsDefault = 5_000;
const idleInTransactionTimeoutMsDefault = 60_000;
/**
 * How much later than PostgreSQL we give a statement up ourselves: by then the network has swallowed it, or the answer.
 */
const answerGraceMs = 5_000;
const keepAliveInitialDelayMs = 10_000;

/**
 * Connects, and checks that row-level security holds the role its connections work as. Throws `DatabaseUnavailable`
 * with a sentence for the operator where there is no connection, and an Error that says what to do where the role is
 * wrong. Migrate first.
 */
export const openPostgres = async (options: PostgresOptions): Promise<Database> => {
  const { url, log } = options;
  const config = clientConfig(options);
  const pool = new Pool({ ...config, max: options.poolSize });
  // Whoever holds the connection hears of its end from its next statement; without listeners, Node would end the
  // process.
  pool.on("connect", (client) => client.on("error", () => undefined));
  pool.on("error", (error) =>
    log?.warn({ database: describeConnection(url) }, `a database connection was lost: ${error.message}`),
  );
  const unreachable = (error: unknown): never => {
    throw isConnectionTrouble(error) || isRefusal(error)
      ? databaseUnavailable(describeConnectionError(error, url), error)
      : error;
  };
  const lanes = openLanes(options.statementConnections ?? statementConnectionsDefault, async () => {
    const client = new Client(config).on("error", () => undefined);
    return client.connect().then(() => client, unreachable);
  });
  const connect = (): Promise<PoolClient> => pool.connect().catch(unreachable);

  const close = async (): Promise<void> => {
    await Promise.all([lanes.close(), pool.end()]);
  };
  try {
    const client = await connect();
    await verifyApplicationRole(client).finally(() => client.release());
  } catch (error) {
    await close();
    throw error;
  }
  return databaseOver({ kind: "postgres", connect, statement: lanes.statement, close }, options.hooks);
};

/**
 * Brings the database up to date with the folder's migrations, as the URL's own user. Throws as `openPostgres` does.
 */
export const migratePostgres = async (
  url: string,
  folder: string,
): Promise<{ readonly applied: readonly string[] }> => {
  const client = new Client({
    connectionString: url,
    application_name: "countersign migrate",
    connectionTimeoutMillis: connectTimeoutMsDefault,
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
  } catch (error) {
    throw databaseUnavailable(describeConnectionError(error, url), error);
  }
  try {
    return await migrate(client, folder);
  } catch (error) {
    throw isConnectionTrouble(error) ? databaseUnavailable(describeConnectionError(error, url), error) : error;
  } finally {
    await client.end();
  }
};

const clientConfig = (options: PostgresOptions): ClientConfig & { readonly connectionTimeoutMillis: number } => ({
  connectionString: asApplication(options.url),
  application_name: "countersign",
  pipeline: true,
  types: valueTypes,
  keepAlive: true,
  keepAliveInitialDelayMillis: keepAliveInitialDelayMs,
  connectionTimeoutMillis: options.connectTimeoutMs ?? connectTimeoutMsDefault,
  statement_timeout: options.statementTimeoutMs,
  idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs ?? idleInTransactionTimeoutMsDefault,
  query_timeout: options.statementTimeoutMs + answerGraceMs,
});

const asApplication = (url: string): string => {
  const parsed = URL.parse(url);
  if (parsed === null) throw databaseUnavailable(describeConnectionError(undefined, url));
  const theirs = parsed.searchParams.get("options");
  parsed.searchParams.set("options", [...(theirs === null ? [] : [theirs]), `-c role=${applicationRole}`].join(" "));
  return parsed.href;
};

/** What PostgreSQL refuses a new connection with: the user, the password, the database, or the role it starts with. */
const isRefusal = (error: unknown): boolean =>
  /^(?:28...|3D000|42501|22023)$/.test(codeOf(error)) || /SSL/.test(String(error));
