/** The SQL of groups themselves. Their members are in `members-store.ts`, and what a decision reads of them in `authority/`. */
import { sql } from "kysely";
import { isFault, type Result } from "../../../core/faults.ts";
import type { GroupId, NodeId, TenantId } from "../../../core/ids.ts";
import type { Beneficiary } from "../../authority/beneficiaries.ts";
import type { Listing } from "../../operations/listing/list-page.ts";
import { type ListRequest, listPage, type Page, type Paging } from "../../operations/listing/list-page.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { TreeTables } from "../../tree/store.ts";
import { atOrBelow, type Stretch } from "../at-node-store.ts";
import type { Group } from "./model.ts";

type Tables = TreeTables & {
  groups: {
    tenant_id: TenantId;
    id: GroupId;
    node_id: NodeId;
    display_name: string;
    description: string;
    revision: number;
    create_time: Date;
    update_time: Date;
  };
};

const selectGroups = (tx: Tx) =>
  tx
    .kysely<Tables>()
    .selectFrom("groups")
    .innerJoin("nodes", (join) =>
      join.onRef("nodes.tenant_id", "=", "groups.tenant_id").onRef("nodes.id", "=", "groups.node_id"),
    )
    .select([
      "groups.tenant_id",
      "groups.id",
      "groups.node_id",
      "nodes.type as node_type",
      "groups.display_name",
      "groups.description",
      "groups.revision",
      "groups.create_time",
      "groups.update_time",
    ])
    .where("groups.tenant_id", "=", tx.tenant);

type Row = Awaited<ReturnType<ReturnType<typeof selectGroups>["execute"]>>[number];

const groupOf = (row: Row): Group => ({
  tenant: row.tenant_id,
  id: row.id,
  node: { id: row.node_id, type: row.node_type },
  displayName: row.display_name,
  description: row.description,
  revision: row.revision,
  createTime: row.create_time,
  updateTime: row.update_time,
});

export const findGroup = async (tx: Tx, id: GroupId): Promise<Group | undefined> => {
  const row = await selectGroups(tx).where("groups.id", "=", id).executeTakeFirst();
  return row && groupOf(row);
};

/** Which groups to list: those managed at a node and below it, and those a member is in, directly or through others. */
type GroupStretch = Stretch & { readonly member: Beneficiary | undefined };

const listingOf = (places: readonly string[]) =>
  ({
    fields: {
      parent: { column: "groups.node_id", type: "ref", collections: places },
      display_name: { column: "groups.display_name", type: "text" },
      description: { column: "groups.description", type: "text" },
      create_time: { column: "groups.create_time", type: "time" },
      update_time: { column: "groups.update_time", type: "time" },
    },
    order: { time: "groups.create_time", id: "groups.id" },
  }) as const satisfies Listing;

export const listGroups = async (
  tx: Tx,
  { below, member, places }: GroupStretch,
  request: ListRequest,
  paging: Paging,
): Promise<Result<Page<Group>>> => {
  const narrowed = selectGroups(tx)
    .where(atOrBelow(below))
    .$if(member !== undefined, (all) => all.where(sql<boolean>`groups.id in (${groupsOf(tx, member as Beneficiary)})`));
  const page = await listPage(narrowed, listingOf(places), request, paging);
  return isFault(page) ? page : { ...page, rows: page.rows.map(groupOf) };
};

/** Of a principal the closure knows; a group is in as many as there are above it. */
const groupsOf = (tx: Tx, { kind, id }: Beneficiary) =>
  kind === "group"
    ? sql`with recursive above (id) as (
          select m.group_id from group_members m where m.tenant_id = ${tx.tenant} and m.member_kind = 'group' and m.member_id = ${id}
          union
          select m.group_id from above a
            join group_members m on m.tenant_id = ${tx.tenant} and m.member_kind = 'group' and m.member_id = a.id)
        select id from above`
    : sql`select c.group_id from group_closure c
           where c.tenant_id = ${tx.tenant} and c.principal_kind = ${kind} and c.principal_id = ${id}`;

/** False where the perimeter has a group of this name already, whatever its case. */
export const insertGroup = async (tx: Tx, group: Group): Promise<boolean> => {
  const result = await tx
    .kysely<Tables>()
    .insertInto("groups")
    .values({
      tenant_id: group.tenant,
      id: group.id,
      node_id: group.node.id,
      display_name: group.displayName,
      description: group.description,
      revision: group.revision,
      create_time: group.createTime,
      update_time: group.updateTime,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
};

/** Whether no other group of the perimeter has the name, whatever its case. The unique index decides where two ask at once. */
export const isNameFree = async (tx: Tx, group: Group, name: string): Promise<boolean> => {
  const rows = await tx.query(
    "groups.name_taken",
    "select id from groups where tenant_id = $1 and node_id = $2 and lower(display_name) = lower($3) and id <> $4",
    [tx.tenant, group.node.id, name, group.id],
  );
  return rows.length === 0;
};

/** Changes the group if it is still at `revision`; false where somebody else was faster. */
export const updateGroup = async (
  tx: Tx,
  id: GroupId,
  revision: number,
  change: { readonly display_name?: string; readonly description?: string },
  now: Date,
): Promise<boolean> => {
  const row = await tx
    .kysely<Tables>()
    .updateTable("groups")
    .set({ ...change, revision: revision + 1, update_time: now })
    .where("tenant_id", "=", tx.tenant)
    .where("id", "=", id)
    .where("revision", "=", revision)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
};

export type Ended = { readonly assignments: number; readonly grants: number };

/** Ends what was assigned and granted to the group. */
export const endBindings = async (tx: Tx, group: GroupId): Promise<Ended> => {
  const assignments = await tx.query(
    "groups.end_assignments",
    "delete from role_assignments where tenant_id = $1 and principal_kind = 'group' and principal_id = $2 returning id",
    [tx.tenant, group],
  );
  const grants = await tx.query(
    "groups.end_grants",
    "delete from resource_grants where tenant_id = $1 and principal_kind = 'group' and principal_id = $2 returning id",
    [tx.tenant, group],
  );
  return { assignments: assignments.length, grants: grants.length };
};

/** The group is nobody else's to change, give to or delete until this transaction ends; false where it is not at `revision`. */
export const holdAtRevision = async (tx: Tx, group: GroupId, revision: number): Promise<boolean> => {
  const rows = await tx.query(
    "groups.hold",
    "select id from groups where tenant_id = $1 and id = $2 and revision = $3 for update",
    [tx.tenant, group, revision],
  );
  return rows.length === 1;
};
