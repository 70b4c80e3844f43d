/**
 * The database of an evaluation, and of one small node: PGlite (PostgreSQL 18 in WebAssembly) in a thread of this
 * process, on a folder.
 *
 * Acknowledged writes survive the end of this process, `kill -9` too. They need not survive the end of the machine:
 * nothing is fsynced. There is one connection, so transactions take turns, and a statement that never ends stops them
 * all: PostgreSQL's timeouts need signals, which WebAssembly has not.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { Client, type ClientConfig, Pool } from "pg";
import { applicationRole, verifyApplicationRole } from "./application-role.ts";
import type { Database } from "./database.ts";
import { lockDirectory } from "./directory-lock.ts";
import { type Line, openSocket } from "./embedded-socket.ts";
import type { Inward, Outward } from "./embedded-worker.ts";
import { migrate } from "./migrate.ts";
import { type CommitHooks, databaseOver } from "./transactions.ts";
import { asUnavailable, databaseUnavailable, isServerRefusal } from "./unavailable.ts";
import { valueTypes } from "./value-types.ts";

export type EmbeddedOptions = {
  /** Made if missing, and held until `close`. The cluster is in its folder `postgres`. */
  readonly directory: string;
  /** The folder of migrations, applied before anything else. */
  readonly migrations: string;
  readonly hooks: CommitHooks;
  /** How long a caller waits, for its turn or for its answer, before it is told `DatabaseUnavailable`. */
  readonly waitMaxMs?: number;
};

export type EmbeddedDatabase = Database & {
  /** The migrations this start has applied. */
  readonly applied: readonly string[];
};

const waitMaxMsDefault = 30_000;

/**
 * Opens the folder's database and brings it up to date. Throws an Error that says who holds the folder, where another
 * process does.
 */
export const openEmbedded = async (options: EmbeddedOptions): Promise<EmbeddedDatabase> => {
  const lock = await lockDirectory(options.directory);
  try {
    const engine = await startEngine(options.directory);
    const release = async (): Promise<void> => {
      await engine.close();
      await lock.release();
    };
    try {
      const applied = await asOwner(engine, options.migrations);
      return { ...(await serve(engine, options, release)), applied };
    } catch (error) {
      await engine.close();
      throw error;
    }
  } catch (error) {
    await lock.release();
    throw error;
  }
};

/** Migrates, and does the housekeeping a server's background processes would do: there are none here. */
const asOwner = async (engine: Engine, migrations: string): Promise<readonly string[]> => {
  const client = new Client(clientConfig(engine, undefined));
  client.on("error", () => undefined);
  await client.connect();
  try {
    const { applied } = await migrate(client, migrations);
    await client.query("vacuum (analyze)");
    return applied;
  } finally {
    await client.end();
  }
};

const serve = async (engine: Engine, options: EmbeddedOptions, release: () => Promise<void>): Promise<Database> => {
  const waitMaxMs = options.waitMaxMs ?? waitMaxMsDefault;
  const pool = new Pool({
    ...clientConfig(engine, applicationRole),
    pipeline: true,
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: waitMaxMs,
    query_timeout: waitMaxMs,
  });
  pool.on("connect", (client) => client.on("error", () => undefined)).on("error", () => undefined);
  const connect = () =>
    pool.connect().catch((error: unknown) => {
      throw asUnavailable(error);
    });
  const statement = async <Row>(name: string, text: string, values: readonly unknown[]): Promise<readonly Row[]> => {
    const client = await connect();
    try {
      const { rows } = await client.query({ name, text, values: values as unknown[] });
      client.release();
      return rows as Row[];
    } catch (error) {
      client.release(!isServerRefusal(error));
      throw asUnavailable(error);
    }
  };
  const close = async (): Promise<void> => {
    await pool.end();
    await release();
  };
  const client = await connect();
  await verifyApplicationRole(client).finally(() => client.release());
  return databaseOver({ kind: "embedded", connect, statement, close }, options.hooks);
};

const clientConfig = (engine: Engine, role: string | undefined): ClientConfig => ({
  stream: () => openSocket(() => engine.dial(role)),
  types: valueTypes,
  // Named so that libpq's environment variables mean nothing here.
  host: "embedded",
  port: 5432,
  user: "postgres",
  database: "postgres",
  password: "",
  ssl: false,
  options: "",
});

type Engine = {
  /** A session of its own; the one before it ends. */
  dial(role: string | undefined): Line;
  close(): Promise<void>;
};

const startEngine = async (directory: string): Promise<Engine> => {
  const worker = new Worker(new URL("./embedded-worker.ts", import.meta.url), {
    workerData: { directory },
    // Flags meant for the main program, such as --input-type, need not suit a thread.
    execArgv: [],
  });
  type Hear = (bytes: Uint8Array | undefined) => void;
  const state = { session: 0, hear: undefined as Hear | undefined, stopped: false };
  const send = (message: Inward, transfer: readonly ArrayBuffer[] = []): void =>
    worker.postMessage(message, [...transfer]);

  try {
    const exited = once(worker, "exit").then(() => Promise.reject(new Error("its thread has ended")));
    await Promise.race([once(worker, "message"), exited]);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : "no reason given";
    throw databaseUnavailable(`the embedded database in ${directory} does not start: ${reason}`, cause);
  }
  worker.on("message", (message: Outward) => {
    if ("session" in message && message.session === state.session) state.hear?.(message.bytes);
  });
  const stop = (): void => {
    state.stopped = true;
    state.hear?.(undefined);
  };
  worker.on("error", stop).on("exit", stop);

  return {
    dial: (role) => {
      // A connection given up in mid-statement is still waiting for its answer.
      state.hear?.(undefined);
      state.hear = undefined;
      state.session += 1;
      const { session } = state;
      send({ open: session, role });
      return {
        send: (bytes) => send({ session, bytes }, [bytes.buffer]),
        listen: (hear) => {
          state.hear = hear;
          if (state.stopped) queueMicrotask(() => hear(undefined));
        },
        hangUp: () => {
          if (session === state.session) state.hear = undefined;
        },
      };
    },
    close: async () => {
      if (state.stopped) return;
      const gone = once(worker, "exit");
      send({ close: true });
      await gone;
    },
  };
};
