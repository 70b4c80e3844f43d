/** All SQL of role assignments that authority's own does not have. */
import { sql } from "kysely";
import { isFault, type Result } from "../../../core/faults.ts";
import {
  type AssignmentId,
  hostTenant,
  type NodeId,
  type PrincipalId,
  type PrincipalKind,
  type RoleId,
  rootNode,
} from "../../../core/ids.ts";
import type { AssignmentTable, NewAssignment, Propagation, RoleName } from "../../authority/assignments-store.ts";
import type { Principal } from "../../authority/caller.ts";
import type { StoredAssignment } from "../../authority/store.ts";
import {
  type Listing,
  type ListRequest,
  listPage,
  type Page,
  type Paging,
} from "../../operations/listing/list-page.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { TreeTables } from "../../tree/store.ts";
import { atOrBelow, type Stretch } from "../at-node-store.ts";
import { bindingColumns, bindingFields, bindingOf } from "../bindings-store.ts";
import type { RoleAssignment } from "./model.ts";

type Tables = TreeTables & { role_assignments: AssignmentTable };

const selectAssignments = (tx: Tx) =>
  tx
    .kysely<Tables>()
    .selectFrom("role_assignments")
    .innerJoin("nodes", (join) =>
      join
        .onRef("nodes.tenant_id", "=", "role_assignments.tenant_id")
        .onRef("nodes.id", "=", "role_assignments.node_id"),
    )
    .select([
      "role_assignments.role_name",
      "role_assignments.role_id",
      "role_assignments.propagation",
      ...bindingColumns("role_assignments"),
    ])
    .where("role_assignments.tenant_id", "=", tx.tenant);

type Row = Awaited<ReturnType<ReturnType<typeof selectAssignments>["execute"]>>[number];

/** Exactly one of the two is set; the schema sees to it. */
const roleOf = (name: string | null, id: RoleId | null): RoleName => (name === null ? { id: id as RoleId } : { name });

const assignmentOf = (row: Row): RoleAssignment => ({
  ...bindingOf(row),
  id: row.id,
  role: roleOf(row.role_name, row.role_id),
  propagation: row.propagation,
});

export const findAssignment = async (tx: Tx, id: AssignmentId): Promise<RoleAssignment | undefined> => {
  const row = await selectAssignments(tx).where("role_assignments.id", "=", id).executeTakeFirst();
  return row && assignmentOf(row);
};

const listingOf = (places: readonly string[]) =>
  ({
    fields: {
      ...bindingFields("role_assignments", places),
      role: {
        column: sql<string>`coalesce(role_assignments.role_name, 'roles/' || role_assignments.role_id)`,
        type: "text",
      },
      propagation: { column: "role_assignments.propagation", type: "text" },
    },
    order: { time: "role_assignments.create_time", id: "role_assignments.id" },
  }) as const satisfies Listing;

export const listAssignments = async (
  tx: Tx,
  { below, places }: Stretch,
  request: ListRequest,
  paging: Paging,
): Promise<Result<Page<RoleAssignment>>> => {
  const page = await listPage(selectAssignments(tx).where(atOrBelow(below)), listingOf(places), request, paging);
  return isFault(page) ? page : { ...page, rows: page.rows.map(assignmentOf) };
};

/** False where the custom role has just been deleted; else it stays until this transaction ends. */
export const holdRole = async (tx: Tx, role: RoleName): Promise<boolean> => {
  if ("name" in role) return true;
  const sqlText = "select id from roles where tenant_id = $1 and id = $2 for key share";
  return (await tx.query("role_assignments.hold_role", sqlText, [tx.tenant, role.id])).length === 1;
};

/** Removes the same assignment where it has expired: it gives nothing any more, and would stand in the new one's place. */
export const clearExpired = async (
  tx: Tx,
  { principal, node, role, propagation, condition, now }: NewAssignment,
): Promise<void> => {
  await tx.query(
    "role_assignments.clear_expired",
    `delete from role_assignments where tenant_id = $1 and principal_kind = $2 and principal_id = $3 and node_id = $4
       and role_name is not distinct from $5 and role_id is not distinct from $6 and propagation = $7
       and condition is not distinct from $8 and expire_time <= $9`,
    [
      tx.tenant,
      principal.kind,
      principal.id,
      node,
      "name" in role ? role.name : null,
      "id" in role ? role.id : null,
      propagation,
      condition ?? null,
      now,
    ],
  );
};

export type AtRoot = { readonly principal: Principal; readonly stored: StoredAssignment };

type AtRootRow = {
  id: string;
  principal_kind: PrincipalKind;
  principal_id: PrincipalId;
  role_name: string | null;
  role_id: string | null;
  permissions: readonly string[] | null;
  within_grants: readonly string[] | null;
  node_id: NodeId | null;
  propagation: Propagation;
  expires: number | null;
};

/** Members of one group looked at, at most: whoever has more there than these would have to have lost them all. */
const members_max = 1_000;

/**
 * What is assigned at the root of the tenant, to each who has it: to the members of a group, one by one. Not what is conditional: nobody can
 * rely on that. The assignments are held until this transaction ends, so that of two who each take away the last but one the second sees what
 * the first has left: they are held by one statement and read by the next, whose snapshot is taken when the first has got its turn.
 */
export const holdAssignmentsAtRoot = async (tx: Tx): Promise<readonly AtRoot[]> => {
  const root = rootNode(tx.tenant);
  await tx.query(
    "role_assignments.hold_at_root",
    "select id from role_assignments where tenant_id = $1 and node_id = $2 order by id for update",
    [tx.tenant, root],
  );
  const rows = await tx.query<AtRootRow>(
    "role_assignments.at_root",
    `select a.id, coalesce(m.principal_kind, a.principal_kind) as principal_kind, coalesce(m.principal_id, a.principal_id) as principal_id,
            a.role_name, a.role_id, r.permissions, r.within_grants,
            nullif(a.node_id, $3) as node_id, a.propagation, (extract(epoch from a.expire_time) * 1000)::float8 as expires
       from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
       left join lateral (select c.principal_kind, c.principal_id from group_closure c
         where a.principal_kind = 'group' and c.tenant_id = $1 and c.group_id = a.principal_id limit $4) m on true
      where a.tenant_id = $1 and a.node_id = $2 and a.condition is null and (a.principal_kind <> 'group' or m.principal_id is not null)
      order by a.id`,
    [tx.tenant, root, hostTenant, members_max],
  );
  return rows.map((row) => ({
    principal: { kind: row.principal_kind, id: row.principal_id },
    stored: [
      row.id,
      row.role_name,
      row.role_id,
      row.permissions,
      row.within_grants,
      row.node_id,
      row.propagation,
      row.expires,
      null,
      null,
    ],
  }));
};
