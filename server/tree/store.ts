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

/**
 * Holds the shape of the tenant's tree until this transaction ends. Whoever puts a node below another shares it, since a new node's
 * ancestors are copied from its parent's, and who moves a subtree has it alone, so that the ancestors copied, and the cycle that was looked
 * for, are those of the tree that will be. An advisory lock and not the root's row: every assignment, membership and group at the root
 * refers to that row and would have to wait for, or hold up, what is no business of theirs. To be taken before any row is held.
 */
export const holdTree = async (tx: Tx, how: "shared" | "alone"): Promise<void> => {
  const name = JSON.stringify(["tree", tx.tenant]);
  await (how === "alone"
    ? tx.query("tree.hold_alone", "select pg_advisory_xact_lock(hashtextextended($1, 0))", [name])
    : tx.query("tree.hold_shared", "select pg_advisory_xact_lock_shared(hashtextextended($1, 0))", [name]));
};

export type Step = { readonly id: NodeId; readonly type: string; readonly state: NodeState };

/** The nodes' types and states, which then stand until this transaction ends. */
export const holdStates = async (tx: Tx, ids: readonly NodeId[]): Promise<readonly Step[]> =>
  tx.query<Step>(
    "tree.hold_states",
    "select id, type, state from nodes where tenant_id = $1 and id = any($2::uuid[]) order by id for share",
    [tx.tenant, ids],
  );

/**
 * How many nodes stand at and below this one, deleted ones among them, and how many levels that is. It reads the tenant's nodes once, and so
 * does what rewrites them: a walk down by `parent_id` reads less where little moves, and under row-level security is planned, now and
 * then, as a scan for every step.
 */
export const measureSubtree = async (
  tx: Tx,
  id: NodeId,
): Promise<{ readonly nodes: number; readonly levels: number }> => {
  const rows = await tx.query<{ nodes: number; levels: number | null }>(
    "tree.measure_subtree",
    `select count(*) as nodes, max(array_position(ancestors, $2::uuid)) as levels
       from nodes where tenant_id = $1 and $2 = any(ancestors)`,
    [tx.tenant, id],
  );
  return { nodes: rows[0]?.nodes ?? 0, levels: rows[0]?.levels ?? 0 };
};

/**
 * Puts a node, and with it everything below, under another parent; undefined where the node is no longer at `revision`. The ancestors of
 * the whole subtree, what was deleted in it included, are rewritten in one statement. The tree must be held alone.
 */
export const moveSubtree = async (
  tx: Tx,
  id: NodeId,
  revision: number,
  parent: Pick<TreeNode, "id" | "ancestors">,
  now: Date,
): Promise<TreeNode | undefined> => {
  const moved = await tx
    .kysely<TreeTables>()
    .updateTable("nodes")
    .set({ parent_id: parent.id, revision: revision + 1, update_time: now, ancestors: [id, ...parent.ancestors] })
    .where("tenant_id", "=", tx.tenant)
    .where("id", "=", id)
    .where("revision", "=", revision)
    .where("state", "<>", "deleted")
    .returning(nodeColumns)
    .executeTakeFirst();
  if (moved === undefined) return undefined;
  await tx.query(
    "tree.rewrite_below",
    `update nodes set ancestors = ancestors[1 : array_position(ancestors, $2::uuid)] || $3::uuid[]
      where tenant_id = $1 and $2 = any(ancestors) and id <> $2`,
    [tx.tenant, id, parent.ancestors],
  );
  return nodeOf(moved);
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
