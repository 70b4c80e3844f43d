/** All SQL of role assignments that authority's own does not have. */
import { sql } from "kysely";
import { isFault, type Result } from "../../../core/faults.ts";
import type { AssignmentId, RoleId } from "../../../core/ids.ts";
import type { AssignmentTable, NewAssignment, RoleName } from "../../authority/assignments-store.ts";
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
