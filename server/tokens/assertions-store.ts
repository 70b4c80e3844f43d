/** The SQL of spent assertions. */
import type { Tx } from "../platform/database/database.ts";

/** Single use (invariant 3): the insert happens or it does not. */
export const spendAssertion = async (tx: Tx, clientId: string, jtiHash: Buffer, expires: Date): Promise<boolean> => {
  const rows = await tx.query(
    "tokens.spend_assertion",
    `insert into spent_assertions (tenant_id, client_id, jti_hash, expire_time) values ($1, $2, $3, $4)
     on conflict do nothing returning 1 as spent`,
    [tx.tenant, clientId, jtiHash, expires],
  );
  return rows.length === 1;
};
