/** The SQL of DPoP: which proofs have been seen. */
import type { Tx } from "../../platform/database/database.ts";

/** Single use (invariant 3): the insert happens or it does not. */
export const spendProof = async (tx: Tx, hash: Buffer, expires: Date): Promise<boolean> => {
  const rows = await tx.query(
    "dpop.spend_proof",
    `insert into spent_once (tenant_id, purpose, hash, expire_time) values ($1, 'dpop', $2, $3)
     on conflict do nothing returning 1 as spent`,
    [tx.tenant, hash, expires],
  );
  return rows.length === 1;
};
