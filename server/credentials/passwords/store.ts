/** All SQL of passwords. */
import type { PrincipalId } from "../../../core/ids.ts";
import type { Tx } from "../../platform/database/database.ts";

export const readPassword = async (tx: Tx, user: PrincipalId): Promise<string | null> => {
  const [row] = await tx.query<{ hash: string }>(
    "passwords.read",
    "select hash from passwords where tenant_id = $1 and user_id = $2",
    [tx.tenant, user],
  );
  return row?.hash ?? null;
};

/** Sets the human's password, whether there was one or not. `now` in ms since the epoch. */
export const writePassword = async (tx: Tx, user: PrincipalId, hash: string, now: number): Promise<void> => {
  await tx.query(
    "passwords.write",
    `insert into passwords (tenant_id, user_id, hash, create_time, update_time) values ($1, $2, $3, $4, $4)
     on conflict (tenant_id, user_id) do update set hash = excluded.hash, update_time = excluded.update_time`,
    [tx.tenant, user, hash, new Date(now)],
  );
};

/** Sets the first password. False where there is one already. */
export const insertPassword = async (tx: Tx, user: PrincipalId, hash: string, now: number): Promise<boolean> => {
  const rows = await tx.query(
    "passwords.insert",
    `insert into passwords (tenant_id, user_id, hash, create_time, update_time) values ($1, $2, $3, $4, $4)
     on conflict (tenant_id, user_id) do nothing returning user_id`,
    [tx.tenant, user, hash, new Date(now)],
  );
  return rows.length === 1;
};

/** Writes the same password's new hash, unless the password has been changed since `before` was read: a sign-in must not undo a reset. */
export const replaceHash = async (tx: Tx, user: PrincipalId, before: string, hash: string): Promise<boolean> => {
  const rows = await tx.query(
    "passwords.rehash",
    "update passwords set hash = $4 where tenant_id = $1 and user_id = $2 and hash = $3 returning user_id",
    [tx.tenant, user, before, hash],
  );
  return rows.length === 1;
};
