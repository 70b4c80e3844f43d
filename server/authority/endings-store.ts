/** The SQL of what ends when a human leaves a perimeter, or a tenant altogether. */
import type { CredentialId, GrantId, NodeId, PrincipalId, TenantId } from "../../core/ids.ts";
import type { Tx } from "../platform/database/database.ts";

/** Ends what is granted to the human on resources at the node and below it; says which grants that were. */
export const deleteGrantsBelow = async (tx: Tx, user: PrincipalId, node: NodeId): Promise<readonly GrantId[]> => {
  const rows = await tx.query<{ id: GrantId }>(
    "authority.end_grants_below",
    `delete from resource_grants g using nodes n
      where g.tenant_id = $1 and g.principal_kind = 'human' and g.principal_id = $2
        and n.tenant_id = $1 and n.id = g.node_id and $3 = any(n.ancestors)
      returning g.id`,
    [tx.tenant, user, node],
  );
  return rows.map((row) => row.id);
};

/** Whether the human belongs to the tenant by any membership. */
export const isMember = async (tx: Tx, user: PrincipalId): Promise<boolean> => {
  const sqlText = "select id from memberships where tenant_id = $1 and user_id = $2 limit 1";
  return (await tx.query("authority.is_member", sqlText, [tx.tenant, user])).length === 1;
};

/** Ends the share links that lend the human's rights. */
export const revokeLinksOf = async (tx: Tx, user: PrincipalId, now: Date): Promise<number> => {
  const rows = await tx.query(
    "authority.revoke_links",
    `update share_links set revoke_time = $3, revision = revision + 1
      where tenant_id = $1 and creator_kind = 'human' and creator_id = $2 and revoke_time is null returning id`,
    [tx.tenant, user, now],
  );
  return rows.length;
};

/** Ends the API tokens the human has in this tenant; says which. */
export const revokeTokensOf = async (tx: Tx, user: PrincipalId, now: Date): Promise<readonly CredentialId[]> => {
  const rows = await tx.query<{ id: CredentialId }>(
    "authority.revoke_tokens",
    `update api_tokens set revoke_time = $3, revision = revision + 1
      where tenant_id = $1 and owner_kind = 'human' and owner_id = $2 and revoke_time is null and expire_time > $3 returning id`,
    [tx.tenant, user, now],
  );
  return rows.map((row) => row.id);
};

const enterTenant = "select set_config('countersign.tenant', $1, true)";

/**
 * Ends what clients were given for this tenant on the human's behalf: token families, and codes not redeemed yet. They are kept in the
 * human's home, so the transaction is the home's for two statements. Should one of them fail, so has the transaction, and the setting
 * ends with it.
 */
export const endFamiliesFor = async (tx: Tx, user: PrincipalId, home: TenantId, now: Date): Promise<number> => {
  await tx.query("authority.enter_tenant", enterTenant, [home]);
  await tx.query(
    "authority.drop_codes",
    "delete from authorization_codes where tenant_id = $1 and user_id = $2 and bound_tenant_id = $3 and redeem_time is null",
    [home, user, tx.tenant],
  );
  const rows = await tx.query(
    "authority.end_families",
    `update token_families set revoke_time = $4, revoke_reason = 'membership_removed'
      where tenant_id = $1 and user_id = $2 and bound_tenant_id = $3 and revoke_time is null returning id`,
    [home, user, tx.tenant, now],
  );
  await tx.query("authority.enter_tenant", enterTenant, [tx.tenant]);
  return rows.length;
};
