/**
 * The way of a transaction, the same over both backends:
 *
 *   begin, tenant → work → fence what was touched → COMMIT → publish it → the caller hears
 *                    └ throws → ROLLBACK
 *
 * `begin` and the tenant leave in one flight with the work's first statement (`pg`'s pipeline mode), which does not wait
 * for them: should the tenant not have been set, PostgreSQL fails all that follows, and row-level security shows and
 * takes nothing.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { PoolClient, QueryConfig, QueryResult } from "pg";
import { hostTenant, isUuid, type TenantId } from "../../../core/ids.ts";
import type { VersionKey } from "../cache/fresh-cache.ts";
import type { Database, Tx } from "./database.ts";
import { kyselyOver } from "./kysely.ts";
import { asUnavailable, codeOf, isServerRefusal, isUnavailable } from "./unavailable.ts";

/** What happens around a COMMIT. */
export type CommitHooks = {
  /** Before COMMIT, with what the transaction touched; not called where it touched nothing. */
  fence(keys: readonly VersionKey[]): Promise<void>;
  /** After COMMIT, before the caller hears; and where COMMIT was refused, so that no fence lingers. */
  publish(keys: readonly VersionKey[]): Promise<void>;
  /** Right after each COMMIT, not awaited: to wake who delivers what was written. */
  committed?(tenant: TenantId): void;
};

/** A backend: where connections come from. */
export type Backend = {
  readonly kind: Database["kind"];
  /** A connection of its own, in pipeline mode, as the application's role. Throws `DatabaseUnavailable`. */
  connect(): Promise<PoolClient>;
  readonly statement: Database["statement"];
  close(): Promise<void>;
};

/** How often one piece of work is run when other transactions stand in its way. */
const attemptsMax = 4;

/** Serialization failure and deadlock: PostgreSQL asks for the transaction to be run again. */
const isConflict = (error: unknown): boolean => ["40001", "40P01"].includes(codeOf(error));

export const databaseOver = (backend: Backend, hooks: CommitHooks): Database => {
  const run = async <T>(tenant: TenantId, scope: Scope, work: (tx: Tx) => Promise<T>): Promise<T> => {
    refuseNesting();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await once(backend, hooks, tenant, scope, work);
      } catch (error) {
        if (attempt === attemptsMax || !isConflict(error)) throw error;
      }
    }
  };
  const ending: { closed: Promise<void> | undefined } = { closed: undefined };
  return {
    kind: backend.kind,
    transaction: (tenant, work) => run(tenant, "", work),
    hostTransaction: (work) => run(hostTenant, "host", work),
    statement: async (name, sql, values) => {
      refuseNesting();
      return backend.statement(name, sql, values);
    },
    close: () => (ending.closed ??= backend.close()),
  };
};

type Scope = "" | "host";

/** The transaction whose work is running here, if one is. */
const current = new AsyncLocalStorage<{ open: boolean }>();

/**
 * A second connection from within a transaction waits for one that may never come free: at once with the embedded
 * database, which has one, and under load with a pool. So it is refused everywhere, always.
 */
export const refuseNesting = (): void => {
  if (current.getStore()?.open === true) throw new Error("a transaction is open here: use its `tx`");
};

/** `set local` ends with the transaction. It takes no parameters; a UUID needs no quoting. */
const entering = (tenant: TenantId, scope: Scope): string => {
  if (!isUuid(tenant)) throw new Error(`\`${tenant}\` is no tenant id`);
  return `begin; set local countersign.tenant = '${tenant}'; set local countersign.scope = '${scope}'`;
};

/** One transaction's state, from its `begin` to its end. */
type Session = {
  /** Statements are taken until the work has ended; later ones would run in whoever has the connection next. */
  open: boolean;
  /** The first statement that failed. PostgreSQL then takes no more, even where the work caught the error. */
  failure: { readonly cause: unknown } | undefined;
  readonly touched: Set<VersionKey>;
};

const once = async <T>(
  backend: Backend,
  hooks: CommitHooks,
  tenant: TenantId,
  scope: Scope,
  work: (tx: Tx) => Promise<T>,
): Promise<T> => {
  const enter = entering(tenant, scope);
  const client = await backend.connect();
  const session: Session = { open: true, failure: undefined, touched: new Set() };
  const fence = { keys: [] as readonly VersionKey[] };
  const value = await conclude(client, session, async () => {
    const entered = client.query(enter).catch((cause: unknown) => {
      session.failure ??= { cause };
      throw asUnavailable(cause);
    });
    entered.catch(() => undefined); // It is awaited below, and has to wait for the work until then.
    const returned = await current.run(session, () => work(txOver(client, session, tenant)));
    session.open = false;
    await entered;
    if (session.touched.size > 0) {
      fence.keys = [...session.touched];
      await hooks.fence(fence.keys);
    }
    await commit(client, session);
    return returned;
  }).catch(async (error: unknown) => {
    // A COMMIT whose answer was lost may still happen after we publish. Its fence stays: slower, and safe.
    if (fence.keys.length > 0 && !isUnavailable(error)) await hooks.publish(fence.keys);
    throw error;
  });
  hooks.committed?.(tenant);
  if (fence.keys.length > 0) await hooks.publish(fence.keys);
  return value;
};

const txOver = (client: PoolClient, session: Session, tenant: TenantId): Tx => {
  const send = async (query: QueryConfig): Promise<QueryResult> => {
    if (!session.open) throw new Error("the transaction this statement belongs to has ended");
    try {
      return await client.query(query);
    } catch (cause) {
      session.failure ??= { cause };
      throw asUnavailable(cause);
    }
  };
  return {
    tenant,
    kysely: kyselyOver((text, values) => send({ text, values: [...values] })),
    query: async <Row>(name: string, text: string, values: readonly unknown[]) =>
      (await send({ name, text, values: values as unknown[] })).rows as Row[],
    touch: (...keys) => {
      for (const key of keys) session.touched.add(key);
    },
  };
};

const commit = async (client: PoolClient, session: Session): Promise<void> => {
  const { command } = await client.query("commit").catch((cause: unknown) => {
    throw asUnavailable(cause);
  });
  if (command === "COMMIT") return;
  const cause = session.failure?.cause;
  if (isConflict(cause)) throw cause;
  throw new Error("a statement failed and its error was caught, so PostgreSQL rolled the transaction back", { cause });
};

/**
 * Runs what makes up the transaction, rolls back where it throws, and gives the connection back, or away where it is no
 * longer sound.
 */
const conclude = async <T>(client: PoolClient, session: Session, body: () => Promise<T>): Promise<T> => {
  try {
    const value = await body();
    client.release();
    return value;
  } catch (error) {
    session.open = false;
    // 25P02 only says that an earlier statement failed; that one is the reason.
    const reason = codeOf(error) === "25P02" ? asUnavailable(session.failure?.cause ?? error) : error;
    const broken = isUnavailable(reason) || (session.failure !== undefined && !isServerRefusal(session.failure.cause));
    const rolledBack = !broken && (await client.query("rollback").then(...yesOrNo));
    client.release(!rolledBack);
    throw reason;
  }
};

const yesOrNo = [() => true, () => false] as const;
