/** All SQL of the tree of nodes. */
import type { Selectable } from "kysely";
import type { NodeId, TenantId } from "../../core/ids.ts";
import type { Tx } from "../platform/database/database.ts";
import type { NodeState, TreeNode } from "./model.ts";

export type NodeTable = {
  tenant_id: TenantId;
  id: NodeId;
  type: string;
  parent_id: NodeId | null;
  ancestors: NodeId[];
  display_name: string;
  state: NodeState;
  revision: number;
  create_time: Date;
  update_time: Date;
};

export type TreeTables = { nodes: NodeTable };

export const nodeColumns = [
  "tenant_id",
  "id",
  "type",
  "parent_id",
  "ancestors",
  "display_name",
  "state",
  "revision",
  "create_time",
  "update_time",
] as const;

export const nodeOf = (row: Selectable<NodeTable>): TreeNode => ({
  tenant: row.tenant_id,
  id: row.id,
  type: row.type,
  parent: row.parent_id,
  ancestors: row.ancestors,
  displayName: row.display_name,
  state: row.state,
  revision: row.revision,
  createTime: row.create_time,
  updateTime: row.update_time,
});

/** The node, unless it has been deleted: a deleted one answers like one that never was. */
export const findNode = async (tx: Tx, id: NodeId): Promise<TreeNode | undefined> => {
  const row = await tx
    .kysely<TreeTables>()
    .selectFrom("nodes")
    .select(nodeColumns)
    .where("tenant_id", "=", tx.tenant)
    .where("id", "=", id)
    .where("state", "<>", "deleted")
    .executeTakeFirst();
  return row && nodeOf(row);
};

export const insertNode = async (tx: Tx, node: TreeNode): Promise<void> => {
  await tx
    .kysely<TreeTables>()
    .insertInto("nodes")
    .values({
      tenant_id: node.tenant,
      id: node.id,
      type: node.type,
      parent_id: node.parent,
      ancestors: [...node.ancestors],
      display_name: node.displayName,
      state: node.state,
      revision: node.revision,
      create_time: node.createTime,
      update_time: node.updateTime,
    })
    .execute();
};

/** Changes a node if it is still at `revision`; undefined where somebody else was faster. */
export const updateNode = async (
  tx: Tx,
  id: NodeId,
  revision: number,
  change: { readonly display_name?: string; readonly state?: NodeState },
  now: Date,
): Promise<TreeNode | undefined> => {
  const row = await tx
    .kysely<TreeTables>()
    .updateTable("nodes")
    .set({ ...change, revision: revision + 1, update_time: now })
    .where("tenant_id", "=", tx.tenant)
    .where("id", "=", id)
    .where("revision", "=", revision)
    .where("state", "<>", "deleted")
    .returning(nodeColumns)
    .executeTakeFirst();
  return row && nodeOf(row);
};

/** Whether anything that is not deleted stands below the node. */
export const hasChildren = async (tx: Tx, id: NodeId): Promise<boolean> => {
  const row = await tx
    .kysely<TreeTables>()
    .selectFrom("nodes")
    .select("id")
    .where("tenant_id", "=", tx.tenant)
    .where("parent_id", "=", id)
    .where("state", "<>", "deleted")
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
};
