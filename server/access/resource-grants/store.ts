/** All SQL of resource grants. */
import { isFault, type Result } from "../../../core/faults.ts";
import type { BeneficiaryId, BeneficiaryKind, GrantId, NodeId, TenantId } from "../../../core/ids.ts";
import type { Listing } from "../../operations/listing/list-page.ts";
import { type ListRequest, listPage, type Page, type Paging } from "../../operations/listing/list-page.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { TreeTables } from "../../tree/store.ts";
import { atOrBelow, type Stretch } from "../at-node-store.ts";
import { bindingColumns, bindingFields, bindingOf, bindingValues } from "../bindings-store.ts";
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
    .select(["resource_grants.level", ...bindingColumns("resource_grants")])
    .where("resource_grants.tenant_id", "=", tx.tenant)
    .where("nodes.state", "<>", "deleted");

type Row = Awaited<ReturnType<ReturnType<typeof selectGrants>["execute"]>>[number];

const grantOf = (row: Row): ResourceGrant => ({ ...bindingOf(row), id: row.id, level: row.level });

export const findGrant = async (tx: Tx, id: GrantId): Promise<ResourceGrant | undefined> => {
  const row = await selectGrants(tx).where("resource_grants.id", "=", id).executeTakeFirst();
  return row && grantOf(row);
};

const listingOf = (places: readonly string[]) =>
  ({
    fields: {
      ...bindingFields("resource_grants", places),
      level: { column: "resource_grants.level", type: "text" },
    },
    order: { time: "resource_grants.create_time", id: "resource_grants.id" },
  }) as const satisfies Listing;

export const listGrants = async (
  tx: Tx,
  { below, places }: Stretch,
  request: ListRequest,
  paging: Paging,
): Promise<Result<Page<ResourceGrant>>> => {
  const page = await listPage(selectGrants(tx).where(atOrBelow(below)), listingOf(places), request, paging);
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
    .values({ ...bindingValues(tx, grant), id: grant.id, level: grant.level })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
};
