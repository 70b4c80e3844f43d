/** The SQL of who can assign roles in a tenant (`keep-assigner.ts`). */
import { type GroupId, hostTenant, type PrincipalId, type PrincipalKind, rootNode } from "../../core/ids.ts";
import type { Tx } from "../platform/database/database.ts";
import type { Beneficiary } from "./beneficiaries.ts";
import type { Principal } from "./caller.ts";
import { type AssignmentRow, storedAssignment, type StoredAssignment } from "./store.ts";

/**
 * Of those who may take from somebody in this tenant that they can assign roles, one at a time until the transaction ends. An advisory lock,
 * because it may be taken away in a role, a group, a membership, a user or a service account, and there is no one row that stands for all
 * of them. To be taken before any of their rows, and before the group memberships.
 */
export const holdAssigners = async (tx: Tx): Promise<void> => {
  const sqlText = "select pg_advisory_xact_lock(hashtextextended($1, 0))";
  await tx.query("authority.hold_assigners", sqlText, [JSON.stringify(["assigners", tx.tenant])]);
};

export type AtRoot = { readonly whose: Beneficiary; readonly stored: StoredAssignment };

/** What is assigned at the root of the tenant, groups named as groups. Not what is conditional: nobody can rely on that. */
export const assignedAtRoot = async (tx: Tx): Promise<readonly AtRoot[]> => {
  const rows = await tx.query<AssignmentRow & { principal_kind: Beneficiary["kind"]; principal_id: Beneficiary["id"] }>(
    "authority.assigned_at_root",
    `select a.id, a.principal_kind, a.principal_id, a.role_name, a.role_id, r.permissions, r.within_grants,
            nullif(a.node_id, $3) as node_id, a.propagation, (extract(epoch from a.expire_time) * 1000)::float8 as expires,
            a.condition, null as group_id
       from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
      where a.tenant_id = $1 and a.node_id = $2 and a.condition is null order by a.id`,
    [tx.tenant, rootNode(tx.tenant), hostTenant],
  );
  return rows.map((row) => ({
    whose: { kind: row.principal_kind, id: row.principal_id },
    stored: storedAssignment(row),
  }));
};

/** Principals in any of the groups, those after `after`, in order of their ids. */
export const principalsAmong = async (
  tx: Tx,
  groups: readonly GroupId[],
  after: PrincipalId | null,
  limit: number,
): Promise<readonly Principal[]> => {
  const rows = await tx.query<{ principal_kind: PrincipalKind; principal_id: PrincipalId }>(
    "authority.principals_among",
    `select distinct principal_id, principal_kind from group_closure
      where tenant_id = $1 and group_id = any($2::uuid[]) and ($3::uuid is null or principal_id > $3)
      order by principal_id limit $4`,
    [tx.tenant, groups, after, limit],
  );
  return rows.map((row) => ({ kind: row.principal_kind, id: row.principal_id }));
};

/** What tokens of these service accounts may at most carry, as patterns. */
export const scopesOf = async (
  tx: Tx,
  accounts: readonly PrincipalId[],
): Promise<ReadonlyMap<PrincipalId, readonly string[]>> => {
  const rows = await tx.query<{ id: PrincipalId; scopes: readonly string[] }>(
    "authority.scopes_of",
    "select id, scopes from service_accounts where tenant_id = $1 and id = any($2::uuid[])",
    [tx.tenant, accounts],
  );
  return new Map(rows.map((row) => [row.id, row.scopes]));
};

/** Which of these humans, members of the tenant, sign in at all. Their homes know. */
export const whoSignsIn = async (tx: Tx, users: readonly PrincipalId[]): Promise<ReadonlySet<PrincipalId>> => {
  const [row] = await tx.query<{ found: readonly PrincipalId[] }>(
    "authority.who_signs_in",
    "select who_signs_in($1, $2::uuid[]) as found",
    [tx.tenant, users],
  );
  return new Set(row?.found);
};

/** A place in the transaction that can be gone back to. */
export const markKeeping = async (tx: Tx): Promise<void> => {
  await tx.query("authority.mark_keeping", "savepoint keep_assigner", []);
};
export const goBackKeeping = async (tx: Tx): Promise<void> => {
  await tx.query("authority.go_back_keeping", "rollback to savepoint keep_assigner", []);
};
