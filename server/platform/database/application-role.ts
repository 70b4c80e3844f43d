/**
 * The role Countersign works as. It owns nothing and cannot bypass row-level security, so that a forgotten `where`
 * shows no other tenant's rows (invariant 2). It cannot log in: who logs in takes it on, from a connection's first
 * moment.
 */
import { codeOf } from "./unavailable.ts";

export const applicationRole = "countersign_app";

/** As much of a connection as these need. */
export type Asking = {
  query(sql: string, values?: unknown[]): Promise<{ readonly rows: readonly Record<string, unknown>[] }>;
};

/** Roles belong to the whole server, so others may be making this one right now; PostgreSQL then says one of these. */
const raced = ["42710", "23505", "XX000"];
const racesMax = 10;

/**
 * Sees to it that the role exists and that the connected user may take it on. Throws an error that says what an
 * administrator has to run, where the user may not do it.
 */
export const ensureApplicationRole = async (connection: Asking): Promise<void> => {
  const { user, database, version } = await whoAmI(connection);
  const missing = async (): Promise<readonly string[]> => {
    const [found] = (
      await connection.query("select rolsuper, rolbypassrls from pg_roles where rolname = $1", [applicationRole])
    ).rows;
    if (found === undefined) return [`create role ${applicationRole} nologin`, grantTo(user, version)];
    if (found["rolsuper"] === true || found["rolbypassrls"] === true) {
      throw new Error(
        `the role ${applicationRole} can bypass row-level security: run \`alter role ${applicationRole} nosuperuser nobypassrls\` as a superuser`,
      );
    }
    const [may] = (
      await connection.query(
        "select pg_has_role(current_user, $1, $2) as take, has_schema_privilege($1, 'public', 'usage') as use",
        [applicationRole, version >= setOptionSince ? "SET" : "MEMBER"],
      )
    ).rows;
    return [
      ...(may?.["take"] === true ? [] : [grantTo(user, version)]),
      ...(may?.["use"] === true ? [] : [`grant usage on schema public to ${applicationRole}`]),
    ];
  };
  for (let race = 1; ; race += 1) {
    const statements = await missing();
    if (statements.length === 0) return;
    try {
      for (const statement of statements) await connection.query(statement);
    } catch (error) {
      if (race < racesMax && raced.includes(codeOf(error))) continue;
      if (codeOf(error) !== "42501") throw error;
      throw new Error(
        `user \`${user}\` may not set up the role ${applicationRole}: as a superuser, run in database \`${database}\`: ${statements.join("; ")};`,
        { cause: error },
      );
    }
  }
};

/** PostgreSQL 16 told membership from the right to `set role`. */
const setOptionSince = 160_000;

const grantTo = (user: string, version: number): string =>
  `grant ${applicationRole} to ${quoted(user)}${version >= setOptionSince ? " with set true, inherit false" : ""}`;

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const whoAmI = async (connection: Asking) => {
  const [row] = (
    await connection.query(
      "select current_user::text as user, current_database()::text as database, current_setting('server_version_num') as version",
    )
  ).rows;
  return {
    user: String(row?.["user"]),
    database: String(row?.["database"]),
    version: Number(row?.["version"]),
  };
};

/**
 * Throws unless the connection's active role is one that row-level security holds. Run on what the pool gives out, at
 * the start.
 */
export const verifyApplicationRole = async (connection: Asking): Promise<void> => {
  const [row] = (
    await connection.query(
      `select r.rolname::text as name, r.rolsuper as super, r.rolbypassrls as bypass,
              (select c.oid::regclass::text from pg_class c
                where c.relowner = r.oid and c.relkind in ('r', 'p') and not c.relispartition limit 1) as owned
         from pg_roles r where r.rolname = current_user`,
    )
  ).rows;
  const name = String(row?.["name"]);
  if (name !== applicationRole) {
    throw new Error(
      `connections work as \`${name}\`, not as ${applicationRole}: a pooler between us and PostgreSQL has dropped the startup option \`role\`; run \`alter role "…" set role ${applicationRole}\` for the user who logs in, or connect without the pooler`,
    );
  }
  if (row?.["super"] !== false || row["bypass"] !== false) {
    throw new Error(
      `the role \`${name}\` can bypass row-level security: run \`alter role ${applicationRole} nosuperuser nobypassrls\` as a superuser`,
    );
  }
  if (typeof row["owned"] === "string") {
    throw new Error(
      `the role \`${name}\` owns the table \`${row["owned"]}\`, and owners are not held by row-level security: run \`reassign owned by ${applicationRole} to\` another role`,
    );
  }
};
