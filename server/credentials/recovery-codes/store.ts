/** All SQL of recovery codes. */
import type { PrincipalId } from "../../../core/ids.ts";
import type { Tx } from "../../platform/database/database.ts";

/** Until this transaction ends nobody else replaces the human's codes: two at once would leave both sets. */
export const holdCodesOf = async (tx: Tx, user: PrincipalId): Promise<void> => {
  await tx.query("recovery_codes.hold", "select id from users where tenant_id = $1 and id = $2 for no key update", [
    tx.tenant,
    user,
  ]);
};

export const deleteCodes = async (tx: Tx, user: PrincipalId): Promise<number> =>
  (
    await tx.query(
      "recovery_codes.delete",
      "delete from recovery_codes where tenant_id = $1 and user_id = $2 returning hash",
      [tx.tenant, user],
    )
  ).length;

export const insertCodes = async (tx: Tx, user: PrincipalId, hashes: readonly Buffer[], now: Date): Promise<void> => {
  await tx.query(
    "recovery_codes.insert",
    `insert into recovery_codes (tenant_id, user_id, hash, create_time)
     select $1, $2, unnest($3::bytea[]), $4`,
    [tx.tenant, user, hashes, now],
  );
};

/** Invariant 3: true for one of any number of uses. */
export const spendCode = async (tx: Tx, user: PrincipalId, hash: Buffer, now: Date): Promise<boolean> => {
  const rows = await tx.query(
    "recovery_codes.use",
    `update recovery_codes set use_time = $4
      where tenant_id = $1 and user_id = $2 and hash = $3 and use_time is null returning hash`,
    [tx.tenant, user, hash, now],
  );
  return rows.length === 1;
};

export const countCodes = async (tx: Tx, user: PrincipalId): Promise<number> => {
  const [row] = await tx.query<{ count: number }>(
    "recovery_codes.count",
    `select count(*)::integer as count from recovery_codes
      where tenant_id = $1 and user_id = $2 and use_time is null`,
    [tx.tenant, user],
  );
  return row?.count ?? 0;
};
