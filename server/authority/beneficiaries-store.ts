/** The SQL of groups that authority itself needs: whether there is one, and whom it stands for. Making them is `access/groups`. */
import type { GroupId, PrincipalId } from "../../core/ids.ts";
import type { Tx } from "../platform/database/database.ts";

/** False where there is no such group; else it stays until this transaction ends. */
export const holdGroup = async (tx: Tx, group: GroupId): Promise<boolean> => {
  const sqlText = "select id from groups where tenant_id = $1 and id = $2 for key share";
  return (await tx.query("authority.hold_group", sqlText, [tx.tenant, group])).length === 1;
};

/** Everybody in the group, directly or through another; `limit` of them at most. */
export const principalsInGroup = async (tx: Tx, group: GroupId, limit: number): Promise<readonly PrincipalId[]> => {
  const rows = await tx.query<{ principal_id: PrincipalId }>(
    "authority.principals_in_group",
    "select principal_id from group_closure where tenant_id = $1 and group_id = $2 limit $3",
    [tx.tenant, group, limit],
  );
  return rows.map((row) => row.principal_id);
};
