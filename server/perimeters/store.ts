/** All SQL of perimeters that the tree's own does not have. */
import { sql } from "kysely";
import type { Result } from "../../core/faults.ts";
import { hostTenant, type NodeId } from "../../core/ids.ts";
import type { FieldTable } from "../operations/listing/fields.ts";
import { type ListRequest, listPage, type Page, type Paging } from "../operations/listing/list-page.ts";
import type { Tx } from "../platform/database/database.ts";
import type { NodeState } from "../tree/model.ts";
import { nodeOf, type NodeTable } from "../tree/store.ts";
import type { PerimeterNode } from "./model.ts";

type Tables = { nodes: NodeTable };

const selectPerimeters = (tx: Tx, type: string) =>
  tx
    .kysely<Tables>()
    .selectFrom("nodes")
    .leftJoin("nodes as above", (join) =>
      join.onRef("above.tenant_id", "=", "nodes.tenant_id").onRef("above.id", "=", "nodes.parent_id"),
    )
    .select([
      "nodes.tenant_id",
      "nodes.id",
      "nodes.type",
      "nodes.parent_id",
      "nodes.ancestors",
      "nodes.display_name",
      "nodes.state",
      "nodes.revision",
      "nodes.create_time",
      "nodes.update_time",
      "above.type as parent_type",
    ])
    .where("nodes.type", "=", type)
    .where("nodes.state", "<>", "deleted");

type Row = Awaited<ReturnType<ReturnType<typeof selectPerimeters>["execute"]>>[number];

const perimeterOf = (row: Row): PerimeterNode => ({ ...nodeOf(row), parentType: row.parent_type });

/** The perimeter of this type, unless it has been deleted. */
export const findPerimeter = async (tx: Tx, type: string, id: NodeId): Promise<PerimeterNode | undefined> => {
  const row = await selectPerimeters(tx, type)
    .where("nodes.tenant_id", "=", tx.tenant)
    .where("nodes.id", "=", id)
    .executeTakeFirst();
  return row && perimeterOf(row);
};

type Column = "nodes.state" | "nodes.display_name" | "nodes.create_time" | "nodes.update_time" | "nodes.parent_id";

const fields = (parents: readonly string[]): FieldTable<Column> => ({
  state: { column: "nodes.state", type: "text" },
  display_name: { column: "nodes.display_name", type: "text" },
  create_time: { column: "nodes.create_time", type: "time" },
  update_time: { column: "nodes.update_time", type: "time" },
  ...(parents.length === 0
    ? {}
    : { parent: { column: "nodes.parent_id", type: "ref", collections: parents } as const }),
});

/** Which perimeters to list: everything of the type in the tenant, what is below a node, or, in a host transaction, every tenant's root. */
export type Stretch = {
  readonly type: string;
  readonly below: NodeId | undefined;
  readonly parents: readonly string[];
};

export const listPerimeters = async (
  tx: Tx,
  { type, below, parents }: Stretch,
  request: ListRequest,
  paging: Paging,
): Promise<Result<Page<PerimeterNode>>> => {
  const query = selectPerimeters(tx, type);
  // The host's own tenant has no perimeters: in its transaction the roots are asked for, and row-level security shows no other node.
  const narrowed =
    tx.tenant === hostTenant
      ? query.where("nodes.parent_id", "is", null)
      : query
          .where("nodes.tenant_id", "=", tx.tenant)
          .$if(below !== undefined, (all) =>
            all.where(sql<boolean>`${below}::uuid = any(nodes.ancestors)`).where("nodes.id", "<>", below as NodeId),
          );
  const listing = { fields: fields(parents), order: { time: "nodes.create_time", id: "nodes.id" } } as const;
  const page = await listPage(narrowed, listing, request, paging);
  return "fault" in page ? page : { ...page, rows: page.rows.map(perimeterOf) };
};

/**
 * The node's state, which then stands until this transaction ends. Creating below a node holds it `for share`, deleting it `for update`,
 * so that no child is born to a parent on its way out.
 */
export const holdNode = async (tx: Tx, id: NodeId, strength: "share" | "update"): Promise<NodeState | undefined> => {
  const query = tx
    .kysely<Tables>()
    .selectFrom("nodes")
    .select("state")
    .where("tenant_id", "=", tx.tenant)
    .where("id", "=", id);
  return (await (strength === "share" ? query.forShare() : query.forUpdate()).executeTakeFirst())?.state;
};

/** Whether the tenant's root is there, deleted or not. */
export const tenantExists = async (tx: Tx): Promise<boolean> => {
  const rows = await tx.query<{ id: NodeId }>(
    "perimeters.root",
    "select id from nodes where tenant_id = $1 and id = $1",
    [tx.tenant],
  );
  return rows.length > 0;
};

/** Whether groups are managed at the node. */
export const hasGroups = async (tx: Tx, id: NodeId): Promise<boolean> => {
  const sqlText = "select id from groups where tenant_id = $1 and node_id = $2 limit 1";
  return (await tx.query("perimeters.has_groups", sqlText, [tx.tenant, id])).length > 0;
};
