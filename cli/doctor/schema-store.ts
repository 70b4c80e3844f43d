/** The SQL of `countersign doctor`: what was migrated, and what time it is there. Asked as the user who migrates, not as the application. */
import { Client } from "pg";

const connectWithinMs = 5_000;

export type DatabaseState = {
  /** File names of the migrations applied, in order; empty where none ever were. */
  readonly applied: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
};

export const readState = async (url: string): Promise<DatabaseState> => {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: connectWithinMs,
    query_timeout: connectWithinMs,
  });
  client.on("error", () => undefined);
  await client.connect();
  try {
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
  } finally {
    await client.end();
  }
};
