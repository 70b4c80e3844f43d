/** All SQL of resource grants. */
import { sql } from "kysely";
import { isFault, type Result } from "../../../core/faults.ts";
import {
  type BeneficiaryId,
  type BeneficiaryKind,
  beneficiaryCollections,
  type GrantId,
  type NodeId,
  type TenantId,
} from "../../../core/ids.ts";
import type { Listing } from "../../operations/listing/list-page.ts";
import { type ListRequest, listPage, type Page, type Paging } from "../../operations/listing/list-page.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { TreeTables } from "../../tree/store.ts";
import type { ResourceGrant } from "./model.ts";

type Tables = TreeTables & {
  resource_grants: {
    tenant_id: TenantId;
    principal_id: BeneficiaryId;
    node_id: NodeId;
    id: GrantId;
    principal_kind: BeneficiaryKind;
    level: string;
    condition: string | null;
    expire_time: Date | null;
    revision: number;
    create_time: Date;
    update_time: Date;
  };
};

/** Those on resources that are there: a deleted resource's answer like those that never were. */
const selectGrants = (tx: Tx) =>
  tx
    .kysely<Tables>()
    .selectFrom("resource_grants")
    .innerJoin("nodes", (join) =>
      join.onRef("nodes.tenant_id", "=", "resource_grants.tenant_id").onRef("nodes.id", "=", "resource_grants.node_id"),
    )
    .select([
      "resource_grants.id",
      "resource_grants.node_id",
      "nodes.type as node_type",
      "resource_grants.principal_kind",
      "resource_grants.principal_id",
      "resource_grants.level",
      "resource_grants.condition",
      "resource_grants.expire_time",
      "resource_grants.revision",
      "resource_grants.create_time",
      "resource_grants.update_time",
    ])
    .where("resource_grants.tenant_id", "=", tx.tenant)
    .where("nodes.state", "<>", "deleted");

type Row = Awaited<ReturnType<ReturnType<typeof selectGrants>["execute"]>>[number];

const grantOf = (row: Row): ResourceGrant => ({
  id: row.id,
  node: { id: row.node_id, type: row.node_type },
  principal: { kind: row.principal_kind, id: row.principal_id },
  level: row.level,
  condition: row.condition,
  expireTime: row.expire_time,
  revision: row.revision,
  createTime: row.create_time,
  updateTime: row.update_time,
});

export const findGrant = async (tx: Tx, id: GrantId): Promise<ResourceGrant | undefined> => {
  const row = await selectGrants(tx).where("resource_grants.id", "=", id).executeTakeFirst();
  return row && grantOf(row);
};

/** Which grants to list: the tenant's, or those on a node and below it; `places` are the collections a `parent` may name. */
export type Stretch = { readonly below: NodeId | undefined; readonly places: readonly string[] };

const listingOf = (places: readonly string[]) =>
  ({
    fields: {
      parent: { column: "resource_grants.node_id", type: "ref", collections: places },
      principal: {
        column: "resource_grants.principal_id",
        type: "ref",
        collections: Object.values(beneficiaryCollections),
      },
      level: { column: "resource_grants.level", type: "text" },
      expire_time: { column: "resource_grants.expire_time", type: "time" },
      create_time: { column: "resource_grants.create_time", type: "time" },
      update_time: { column: "resource_grants.update_time", type: "time" },
    },
    order: { time: "resource_grants.create_time", id: "resource_grants.id" },
  }) as const satisfies Listing;

export const listGrants = async (
  tx: Tx,
  { below, places }: Stretch,
  request: ListRequest,
  paging: Paging,
): Promise<Result<Page<ResourceGrant>>> => {
  const narrowed = selectGrants(tx).$if(below !== undefined, (all) =>
    all.where(sql<boolean>`${below}::uuid = any(nodes.ancestors)`),
  );
  const page = await listPage(narrowed, listingOf(places), request, paging);
  return isFault(page) ? page : { ...page, rows: page.rows.map(grantOf) };
};

/** Removes the same grant where it has expired: it gives nothing any more, and would stand in the new one's place. */
export const clearExpired = async (tx: Tx, grant: ResourceGrant): Promise<void> => {
  await tx.query(
    "resource_grants.clear_expired",
    `delete from resource_grants where tenant_id = $1 and principal_kind = $2 and principal_id = $3 and node_id = $4 and level = $5
       and condition is not distinct from $6 and expire_time <= $7`,
    [
      tx.tenant,
      grant.principal.kind,
      grant.principal.id,
      grant.node.id,
      grant.level,
      grant.condition,
      grant.createTime,
    ],
  );
};

/** False where the principal has this level on this resource already, under the same condition. */
export const insertGrant = async (tx: Tx, grant: ResourceGrant): Promise<boolean> => {
  const result = await tx
    .kysely<Tables>()
    .insertInto("resource_grants")
    .values({
      tenant_id: tx.tenant,
      principal_id: grant.principal.id,
      node_id: grant.node.id,
      id: grant.id,
      principal_kind: grant.principal.kind,
      level: grant.level,
      condition: grant.condition,
      expire_time: grant.expireTime,
      revision: grant.revision,
      create_time: grant.createTime,
      update_time: grant.updateTime,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
};

/** Ends it if it is still at `revision`: true for the one call that did. */
export const deleteGrant = async (tx: Tx, id: GrantId, revision: number): Promise<boolean> => {
  const sqlText = "delete from resource_grants where tenant_id = $1 and id = $2 and revision = $3 returning id";
  return (await tx.query("resource_grants.delete", sqlText, [tx.tenant, id, revision])).length === 1;
};
