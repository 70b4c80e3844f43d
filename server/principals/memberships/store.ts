/** All SQL of memberships. */
import { sql } from "kysely";
import { isFault, type Result } from "../../../core/faults.ts";
import type { NodeId, PrincipalId, TenantId } from "../../../core/ids.ts";
import type { FieldTable } from "../../operations/listing/fields.ts";
import { type ListRequest, listPage, type Page, type Paging } from "../../operations/listing/list-page.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { TreeTables } from "../../tree/store.ts";
import type { Membership } from "./model.ts";

type Tables = TreeTables & {
  memberships: {
    tenant_id: TenantId;
    id: string;
    user_id: PrincipalId;
    home_tenant_id: TenantId;
    node_id: NodeId;
    revision: number;
    create_time: Date;
    update_time: Date;
  };
};

const selectMemberships = (tx: Tx) =>
  tx
    .kysely<Tables>()
    .selectFrom("memberships")
    .innerJoin("nodes", (join) =>
      join.onRef("nodes.tenant_id", "=", "memberships.tenant_id").onRef("nodes.id", "=", "memberships.node_id"),
    )
    .select([
      "memberships.tenant_id",
      "memberships.id",
      "memberships.user_id",
      "memberships.home_tenant_id",
      "memberships.node_id",
      "nodes.type as node_type",
      "memberships.revision",
      "memberships.create_time",
      "memberships.update_time",
    ])
    .where("memberships.tenant_id", "=", tx.tenant);

type Row = Awaited<ReturnType<ReturnType<typeof selectMemberships>["execute"]>>[number];

const membershipOf = (row: Row): Membership => ({
  tenant: row.tenant_id,
  id: row.id,
  user: row.user_id,
  home: row.home_tenant_id,
  node: { id: row.node_id, type: row.node_type },
  revision: row.revision,
  createTime: row.create_time,
  updateTime: row.update_time,
});

export const findMembership = async (tx: Tx, id: string): Promise<Membership | undefined> => {
  const row = await selectMemberships(tx).where("memberships.id", "=", id).executeTakeFirst();
  return row && membershipOf(row);
};

type Column = "memberships.user_id" | "memberships.node_id" | "memberships.create_time";

const fields = (perimeters: readonly string[]): FieldTable<Column> => ({
  user: { column: "memberships.user_id", type: "ref", collections: ["users"] },
  parent: { column: "memberships.node_id", type: "ref", collections: perimeters },
  create_time: { column: "memberships.create_time", type: "time" },
});

/** The tenant's memberships, or those in the node `below` and under it. `perimeters` are the collections a parent may be in. */
export const listMemberships = async (
  tx: Tx,
  { below, perimeters }: { readonly below: NodeId | undefined; readonly perimeters: readonly string[] },
  request: ListRequest,
  paging: Paging,
): Promise<Result<Page<Membership>>> => {
  const query = selectMemberships(tx).$if(below !== undefined, (all) =>
    all.where(sql<boolean>`${below}::uuid = any(nodes.ancestors)`),
  );
  const listing = {
    fields: fields(perimeters),
    order: { time: "memberships.create_time", id: "memberships.id" },
  } as const;
  const page = await listPage(query, listing, request, paging);
  return isFault(page) ? page : { ...page, rows: page.rows.map(membershipOf) };
};

/** False where the user is a member there already. */
export const insertMembership = async (tx: Tx, membership: Membership): Promise<boolean> => {
  const result = await tx
    .kysely<Tables>()
    .insertInto("memberships")
    .values({
      tenant_id: membership.tenant,
      id: membership.id,
      user_id: membership.user,
      home_tenant_id: membership.home,
      node_id: membership.node.id,
      revision: membership.revision,
      create_time: membership.createTime,
      update_time: membership.updateTime,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
};

/** Ends the membership if it is still at `revision`. */
export const deleteMembership = async (tx: Tx, id: string, revision: number): Promise<boolean> => {
  const result = await tx
    .kysely<Tables>()
    .deleteFrom("memberships")
    .where("tenant_id", "=", tx.tenant)
    .where("id", "=", id)
    .where("revision", "=", revision)
    .executeTakeFirst();
  return result.numDeletedRows === 1n;
};

/**
 * Every tenant the user is a member of. Row-level security shows a transaction the memberships of its own tenant, and of all tenants only
 * to the host (policy `whereabouts_for_the_host`, which lets it read and not write). So the transaction is the host for one statement, and
 * what it was before and after. Three statements and not one, since nothing says in which order a single one would set and read.
 * Should the middle one fail, so has the transaction, and the setting ends with it.
 */
export const tenantsOf = async (tx: Tx, user: PrincipalId): Promise<readonly TenantId[]> => {
  const [was] = await tx.query<{ scope: string | null }>(
    "memberships.scope",
    "select current_setting('countersign.scope', true) as scope",
    [],
  );
  const enter = "select set_config('countersign.scope', $1, true)";
  await tx.query("memberships.enter_scope", enter, ["host"]);
  const rows = await tx.query<{ tenant_id: TenantId }>(
    "memberships.whereabouts",
    "select distinct tenant_id from memberships where user_id = $1",
    [user],
  );
  await tx.query("memberships.enter_scope", enter, [was?.scope ?? ""]);
  return rows.map((row) => row.tenant_id);
};
