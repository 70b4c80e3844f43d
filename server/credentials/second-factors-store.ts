/** The SQL that looks at all second factors together. */
import type { PrincipalId } from "../../core/ids.ts";
import type { Tx } from "../platform/database/database.ts";

type Counts = { readonly totp: number; readonly passkeys: number; readonly codes: number };

/** Of the tenant $1 and the human $2: how many of each can be used. */
export const factorCounts = `
  (select count(*)::integer from totp_devices where tenant_id = $1 and user_id = $2 and confirm_time is not null) as totp,
  (select count(*)::integer from passkeys where tenant_id = $1 and user_id = $2) as passkeys,
  (select count(*)::integer from recovery_codes where tenant_id = $1 and user_id = $2 and use_time is null) as codes`;

export const countFactors = async (tx: Tx, user: PrincipalId): Promise<Counts> => {
  const [row] = await tx.query<Counts>("second_factors.count", `select ${factorCounts}`, [tx.tenant, user]);
  return row ?? { totp: 0, passkeys: 0, codes: 0 };
};

/** All of them, and the browsers that were let off asking for one. */
export const deleteFactors = async (tx: Tx, user: PrincipalId): Promise<void> => {
  const of = [tx.tenant, user];
  await tx.query("second_factors.totp", "delete from totp_devices where tenant_id = $1 and user_id = $2", of);
  await tx.query("second_factors.codes", "delete from recovery_codes where tenant_id = $1 and user_id = $2", of);
  await tx.query("second_factors.passkeys", "delete from passkeys where tenant_id = $1 and user_id = $2", of);
  await tx.query("second_factors.devices", "delete from remembered_devices where tenant_id = $1 and user_id = $2", of);
};

/** The password too, and every link that could make another. */
export const deleteAllOf = async (tx: Tx, user: PrincipalId): Promise<void> => {
  const of = [tx.tenant, user];
  await deleteFactors(tx, user);
  await tx.query("credentials.passwords", "delete from passwords where tenant_id = $1 and user_id = $2", of);
  await tx.query("credentials.links", "delete from mail_links where tenant_id = $1 and user_id = $2", of);
};
