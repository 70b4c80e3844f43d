/**
 * Brings a database's schema up to date: numbered SQL files, each applied once, in order, in a transaction of its own,
 * and never changed again. What was applied stands in `schema_migrations`, with a checksum of its text.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Asking, ensureApplicationRole } from "./application-role.ts";
import { isConnectionTrouble } from "./unavailable.ts";

type Migration = {
  readonly version: number;
  readonly file: string;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
};

/**
 * Names the one advisory lock under which processes that start together migrate one after the other ("coun" as a 32-bit
 * number, and 1).
 */
const lock = "1668248942, 1";

/**
 * Applies what is missing, and says which files those were. The connection's user must own the schema (or be allowed to
 * create it), and the application's role is made and granted to that user first. Throws an Error that names the file
 * and what to do where history and folder disagree, where a file fails, and where the database is newer than the
 * folder.
 */
export const migrate = async (connection: Asking, folder: string): Promise<{ readonly applied: readonly string[] }> => {
  const migrations = await readMigrations(folder);
  await connection.query(`select pg_advisory_lock(${lock})`);
  try {
    await ensureApplicationRole(connection);
    await connection.query(
      `create table if not exists schema_migrations (
         version integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now())`,
    );
    const { rows } = await connection.query("select version, name, checksum from schema_migrations order by version");
    const done = rows.map((row) => ({
      version: Number(row["version"]),
      name: String(row["name"]),
      checksum: String(row["checksum"]),
    }));
    for (const applied of done) compare(applied, migrations, folder);
    const missing = migrations.slice(done.length);
    for (const migration of missing) await apply(connection, migration);
    return { applied: missing.map(({ file }) => file) };
  } finally {
    // Where the connection is gone, so is the lock.
    await connection.query(`select pg_advisory_unlock(${lock})`).catch(() => undefined);
  }
};

const fileName = /^(\d{4})_([a-z0-9_]+)\.sql$/;

/** The folder's migrations in order: `0001_name.sql`, numbered without gaps. */
const readMigrations = async (folder: string): Promise<readonly Migration[]> => {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".sql")).toSorted();
  return Promise.all(
    files.map(async (file, index) => {
      const [, number, name] = fileName.exec(file) ?? [];
      if (number === undefined || name === undefined) {
        throw new Error(`\`${join(folder, file)}\` is no migration's name: write it as 0001_what_it_does.sql`);
      }
      if (Number(number) !== index + 1) {
        throw new Error(
          `\`${join(folder, file)}\` should have number ${padded(index + 1)}: migrations count up without gaps`,
        );
      }
      // A checkout that turns line ends into CRLF changes nothing.
      const sql = (await readFile(join(folder, file), "utf8")).replaceAll("\r\n", "\n");
      return { version: index + 1, file, name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    }),
  );
};

const padded = (version: number): string => String(version).padStart(4, "0");

const compare = (
  applied: { readonly version: number; readonly name: string; readonly checksum: string },
  migrations: readonly Migration[],
  folder: string,
): void => {
  const file = `${padded(applied.version)}_${applied.name}.sql`;
  const path = join(folder, file);
  const latest = migrations.length;
  if (applied.version > latest) {
    throw new Error(
      `the database is newer than this countersign: it has migration ${file}, and this release ends at ${padded(latest)}. Run the release that made it, or a later one`,
    );
  }
  const migration = migrations[applied.version - 1];
  if (migration === undefined || migration.name !== applied.name) {
    throw new Error(
      `the applied migration \`${path}\` is missing: put the file back under its name; applied migrations are never removed or renamed`,
    );
  }
  if (migration.checksum !== applied.checksum) {
    throw new Error(
      `the applied migration \`${path}\` has changed: put its text back, and write the change as migration ${padded(latest + 1)}`,
    );
  }
};

const apply = async (connection: Asking, { version, file, name, sql, checksum }: Migration): Promise<void> => {
  await connection.query("begin");
  try {
    await connection.query(sql);
    await connection.query("insert into schema_migrations (version, name, checksum) values ($1, $2, $3)", [
      version,
      name,
      checksum,
    ]);
    await connection.query("commit");
  } catch (error) {
    await connection.query("rollback").catch(() => undefined);
    if (isConnectionTrouble(error)) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`migration ${file} failed${lineOf(error, sql)} and changed nothing: ${message}`, { cause: error });
  }
};

/** Where PostgreSQL stumbled: it counts characters, people count lines. */
const lineOf = (error: unknown, sql: string): string => {
  const position = typeof error === "object" && error !== null && "position" in error ? Number(error.position) : 0;
  return position > 0 ? ` at line ${sql.slice(0, position - 1).split("\n").length}` : "";
};
