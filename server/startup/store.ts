/** The SQL of starting up: the deployment's row, the host's node, the setup link. */
import { hostTenant } from "../../core/ids.ts";
import type { Database, Tx } from "../platform/database/database.ts";

/** Throws where the database does not answer. */
export const ping = async (database: Database): Promise<void> => {
  await database.statement("startup.ping", "select 1 as one", []);
};

export const readKeyCheck = async (tx: Tx): Promise<Buffer | undefined> =>
  (await tx.query<{ key_check: Buffer }>("startup.key_check", "select key_check from deployment", []))[0]?.key_check;

export const writeKeyCheck = async (tx: Tx, check: Buffer, now: Date): Promise<void> => {
  await tx.query(
    "startup.write_key_check",
    "insert into deployment (key_check, create_time) values ($1, $2) on conflict do nothing",
    [check, now],
  );
};

/** The root of the host's own tree; nothing but its id ever matters. */
export const ensureHostNode = async (tx: Tx, now: Date): Promise<void> => {
  await tx.query(
    "startup.host_node",
    `insert into nodes (tenant_id, id, type, parent_id, ancestors, display_name, state, create_time, update_time)
     values ($1, $1, 'host', null, array[$1::uuid], 'Host', 'active', $2, $2) on conflict do nothing`,
    [hostTenant, now],
  );
};

/** One start-up at a time writes what only one may write. */
export const lockStartup = async (tx: Tx): Promise<void> => {
  await tx.query("startup.lock", "select pg_advisory_xact_lock(hashtext('countersign.startup'))", []);
};

/** Only its hash is kept; used up by one conditional update. */
export const insertSetupLink = async (tx: Tx, hash: Buffer, now: Date, expires: Date): Promise<void> => {
  await tx.query("startup.setup_link", "insert into setup_links (hash, create_time, expire_time) values ($1, $2, $3)", [
    hash,
    now,
    expires,
  ]);
};
