/** All SQL of custom roles. */
import type { Result } from "../../../core/faults.ts";
import type { RoleId, TenantId } from "../../../core/ids.ts";
import {
  type Listing,
  type ListRequest,
  listPage,
  type Page,
  type Paging,
} from "../../operations/listing/list-page.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { Role } from "./model.ts";

type Row = {
  tenant_id: TenantId;
  id: RoleId;
  display_name: string;
  description: string;
  permissions: string[];
  within_grants: string[];
  revision: number;
  create_time: Date;
  update_time: Date;
};

type Tables = { roles: Row };

const columns = [
  "tenant_id",
  "id",
  "display_name",
  "description",
  "permissions",
  "within_grants",
  "revision",
  "create_time",
  "update_time",
] as const;

const selectRoles = (tx: Tx) =>
  tx.kysely<Tables>().selectFrom("roles").select(columns).where("tenant_id", "=", tx.tenant);

const roleOf = (row: Row): Role => ({
  tenant: row.tenant_id,
  id: row.id,
  displayName: row.display_name,
  description: row.description,
  permissions: row.permissions,
  withinGrants: row.within_grants,
  revision: row.revision,
  createTime: row.create_time,
  updateTime: row.update_time,
});

export const findRole = async (tx: Tx, id: RoleId): Promise<Role | undefined> => {
  const row = await selectRoles(tx).where("id", "=", id).executeTakeFirst();
  return row && roleOf(row);
};

const listing = {
  fields: {
    display_name: { column: "display_name", type: "text" },
    permissions: { column: "permissions", type: "text_array" },
    within_grants: { column: "within_grants", type: "text_array" },
    create_time: { column: "create_time", type: "time" },
    update_time: { column: "update_time", type: "time" },
  },
} as const satisfies Listing;

export const listRoles = async (tx: Tx, request: ListRequest, paging: Paging): Promise<Result<Page<Role>>> => {
  const page = await listPage(selectRoles(tx), listing, request, paging);
  return "fault" in page ? page : { ...page, rows: page.rows.map(roleOf) };
};

/**
 * Whether no other role of the tenant has the name, whatever its case. Until this transaction ends nobody else in the tenant gets an
 * answer, so that of two who take the same name at once the second is told, and does not run into the index.
 */
export const isNameFree = async (tx: Tx, displayName: string, except: RoleId | null): Promise<boolean> => {
  await tx.query("roles.lock_names", "select pg_advisory_xact_lock(hashtextextended($1, 0))", [
    `roles of ${tx.tenant}`,
  ]);
  const rows = await tx.query(
    "roles.named",
    "select id from roles where tenant_id = $1 and lower(display_name) = lower($2) and id is distinct from $3 limit 1",
    [tx.tenant, displayName, except],
  );
  return rows.length === 0;
};

export const insertRole = async (tx: Tx, role: Role): Promise<void> => {
  await tx
    .kysely<Tables>()
    .insertInto("roles")
    .values({
      tenant_id: role.tenant,
      id: role.id,
      display_name: role.displayName,
      description: role.description,
      permissions: [...role.permissions],
      within_grants: [...role.withinGrants],
      revision: role.revision,
      create_time: role.createTime,
      update_time: role.updateTime,
    })
    .execute();
};

export type RoleChange = {
  readonly display_name?: string;
  readonly description?: string;
  readonly permissions?: string[];
  readonly within_grants?: string[];
};

/** Changes the role if it is still at `revision`; undefined where somebody else was faster. */
export const updateRole = async (
  tx: Tx,
  id: RoleId,
  revision: number,
  change: RoleChange,
  now: Date,
): Promise<Role | undefined> => {
  const row = await tx
    .kysely<Tables>()
    .updateTable("roles")
    .set({ ...change, revision: revision + 1, update_time: now })
    .where("tenant_id", "=", tx.tenant)
    .where("id", "=", id)
    .where("revision", "=", revision)
    .returning(columns)
    .executeTakeFirst();
  return row && roleOf(row);
};

/**
 * How often the role is assigned. The role is held first, so that whoever is assigning it has finished, and is counted, or has to wait,
 * and finds it gone.
 */
export const countAssignments = async (tx: Tx, id: RoleId): Promise<number> => {
  await tx.query("roles.hold", "select 1 from roles where tenant_id = $1 and id = $2 for update", [tx.tenant, id]);
  const rows = await tx.query<{ assigned: number }>(
    "roles.count_assignments",
    "select count(*) as assigned from role_assignments where tenant_id = $1 and role_id = $2",
    [tx.tenant, id],
  );
  return rows[0]?.assigned ?? 0;
};
