/** A tenant's tree: perimeters, and the resources registered below them. */
import type { NodeId, TenantId } from "../../core/ids.ts";

export type NodeState = "active" | "suspended" | "deleted";

export type TreeNode = {
  readonly tenant: TenantId;
  readonly id: NodeId;
  readonly type: string;
  readonly parent: NodeId | null;
  /** From the node itself up to the root. */
  readonly ancestors: readonly NodeId[];
  readonly displayName: string;
  readonly state: NodeState;
  readonly revision: number;
  readonly createTime: Date;
  readonly updateTime: Date;
};

/** How deep a tree may grow, the root included; the database holds the same bound. */
export const treeDepthMax = 32;

/** How many nodes are moved at once at most, deleted ones included: all of them are rewritten while the tree stands still. */
export const moved_nodes_max = 20_000;
