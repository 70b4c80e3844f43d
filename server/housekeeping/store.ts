/** The SQL of housekeeping: removing what has expired, across tenants, as far as the policies of the migrations let the host see. */
import type { Tx } from "../platform/database/database.ts";

/** Tables whose rows end at their `expire_time`. */
export const expiring = [
  "access_tokens",
  "revoked_tokens",
  "spent_assertions",
  "idempotency_keys",
  "spent_once",
  "mail_links",
  "remembered_devices",
  "sessions",
  "authorization_requests",
  "authorization_codes",
  "refresh_tokens",
  // after their refresh tokens
  "token_families",
  "device_authorizations",
] as const;

/** False while another process is at it. */
export const beginSweep = async (tx: Tx): Promise<boolean> => {
  const rows = await tx.query<{ held: boolean }>(
    "housekeeping.lock",
    "select pg_try_advisory_xact_lock(hashtext('countersign.housekeeping')) as held",
    [],
  );
  return rows[0]?.held === true;
};

/** Removes at most `limit` rows that expired before `before`; returns how many. */
export const removeExpired = async (
  tx: Tx,
  table: (typeof expiring)[number],
  before: Date,
  limit: number,
): Promise<number> => {
  const rows = await tx.query<{ removed: number }>(
    `housekeeping.${table}`,
    `with old as (select ctid from ${table} where expire_time < $1 limit $2),
          gone as (delete from ${table} where ctid in (select ctid from old) returning 1)
     select count(*)::int as removed from gone`,
    [before, limit],
  );
  return rows[0]?.removed ?? 0;
};
