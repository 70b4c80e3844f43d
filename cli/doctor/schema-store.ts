/**
 * The SQL of `countersign doctor`: what was migrated, what time it is there, and which model is in force. Asked as the user who migrates, not
 * as the application.
 */
import { Client } from "pg";

const connectWithinMs = 5_000;

export type DatabaseState = {
  /** File names of the migrations applied, in order; empty where none ever were. */
  readonly applied: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
};

export const readState = (url: string): Promise<DatabaseState> =>
  connected(url, async (client) => {
    const found = await client.query<{ known: boolean; now: Date }>(
      "select to_regclass('schema_migrations') is not null as known, clock_timestamp() as now",
    );
    const [row] = found.rows;
    const now = row?.now.getTime() ?? 0;
    if (row?.known !== true) return { applied: [], now };
    const { rows } = await client.query<{ file: string }>(
      "select lpad(version::text, 4, '0') || '_' || name || '.sql' as file from schema_migrations order by version",
    );
    return { applied: rows.map(({ file }) => file), now };
  });

const connected = async <T>(url: string, work: (client: Client) => Promise<T>): Promise<T> => {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: connectWithinMs,
    query_timeout: connectWithinMs,
  });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

export type ModelState = {
  /** The version in force. */
  readonly active: string;
  /** Where the version that was asked about was in force before: until when servers may be started with it, if that is to come. */
  readonly startUntil: Date | undefined;
};

const knows = "select to_regclass('model_versions') is not null as known";
const versions = `select version as active,
    (select start_until from model_versions where version = $1 and not active and start_until > now()) as start_until
  from model_versions where active`;
type Versions = { readonly active: string; readonly start_until: Date | null };

/** Undefined where no model is in force yet. */
export const readServerModel = (url: string, version: string): Promise<ModelState | undefined> =>
  connected(url, async (client) => {
    const { rows: known } = await client.query<{ known: boolean }>(knows);
    if (known[0]?.known !== true) return undefined;
    return stateOf((await client.query<Versions>(versions, [version])).rows);
  });

/** Likewise, of the embedded database's cluster. Its lock is the caller's to hold. */
export const readEmbeddedModel = async (cluster: string, version: string): Promise<ModelState | undefined> => {
  // Only here: loading it takes longer than most commands run.
  const { PGlite } = await import("@electric-sql/pglite");
  const database = await PGlite.create({ dataDir: cluster });
  try {
    const { rows: known } = await database.query<{ known: boolean }>(knows);
    if (known[0]?.known !== true) return undefined;
    return stateOf((await database.query<Versions>(versions, [version])).rows);
  } finally {
    await database.close();
  }
};

const stateOf = ([row]: readonly Versions[]): ModelState | undefined =>
  row && { active: row.active, startUntil: row.start_until ?? undefined };
