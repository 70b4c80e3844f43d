/**
 * Moves a node, a perimeter or a resource, with everything below it, to another parent in its tenant. One transaction in which the tree is
 * held alone: there is one shape of it to be judged by, and it is the shape that is then changed.
 *
 * Who moves must be allowed to change the node and everything that comes along, and to create at the new parent and below it: both held
 * throughout, `self` is not enough, since what is moved is more than one node. Asked again here, after waiting for the tree, so that who
 * was revoked meanwhile moves nothing. And nobody may gain by it what the mover could not give (`check-handing-on.ts`).
 *
 * Everything on the old path and on the new one must be active, and is held so until the end: what is suspended is not brought to life by
 * moving it out, nor is anything put where nobody could reach it.
 */
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import type { NodeId } from "../../../core/ids.ts";
import { hostPlace, type Model } from "../../../core/model/model.ts";
import { contains } from "../../../core/model/permissions.ts";
import { heldThroughout } from "../../authority/held.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import type { OperationContext } from "../../operations/operation.ts";
import { findNodeByRef, nodeRef, noSuch } from "../../operations/targets.ts";
import { tenantVersion } from "../../platform/cache/fresh-cache.ts";
import type { Tx } from "../../platform/database/database.ts";
import { moved_nodes_max, type TreeNode, treeDepthMax } from "../../tree/model.ts";
import { findNode, holdStates, holdTree, measureSubtree, moveSubtree, type Step } from "../../tree/store.ts";
import { checkReach } from "./check-handing-on.ts";

export type Move = {
  readonly id: NodeId;
  /** Its ref, for those who are told that it is not there. */
  readonly ref: string;
  /** Where to, as the request names it. */
  readonly parent: string;
  /** The types it may stand in. */
  readonly places: readonly string[];
  /** What must be held throughout the node, and throughout the new parent. */
  readonly update: string;
  readonly create: string;
};

export type Moved = { readonly node: TreeNode; readonly parent: TreeNode; readonly previousParent: string };

export const moveNode = async (tx: Tx, move: Move, context: OperationContext): Promise<Result<Moved>> => {
  const { model, now, ifMatch } = context;
  await holdTree(tx, "alone");
  const node = await findNode(tx, move.id);
  if (node === undefined) return noSuch(move.ref);
  if (node.parent === null) return fault("illegal_transition", "the root of a tenant has no place to be moved from");
  const parent = await findNodeByRef(tx, model, move.parent);
  if (isFault(parent)) return parent;

  const missing =
    (await lackingThroughout(tx, move.update, node, move.ref, context)) ??
    (await lackingThroughout(tx, move.create, parent, move.parent, context));
  if (missing !== undefined) return missing;
  const misplaced = checkPlace(move, node, parent) ?? (await checkSize(tx, node, parent));
  if (misplaced !== undefined) return misplaced;
  const steps = await holdStates(tx, [...node.ancestors, ...parent.ancestors]);
  if (steps.some(({ state }) => state !== "active"))
    return fault("not_admissible", "a perimeter it is in, or is to be in, is suspended or gone");
  const expected = expectRevision(ifMatch, node.revision, "optional");
  if (isFault(expected)) return expected;
  const refused = await checkReach(tx, node, parent, context);
  if (refused !== undefined) return refused;

  const moved = await moveSubtree(tx, node.id, expected.revision, parent, new Date(now));
  if (moved === undefined) return overtaken();
  tx.touch(tenantVersion(tx.tenant));
  const [before, after] = [pathOf(model, steps, node.ancestors), pathOf(model, steps, moved.ancestors)];
  context.note({ path_before: before, path_after: after });
  return { node: moved, parent, previousParent: before[1] ?? "" };
};

const lackingThroughout = async (
  tx: Tx,
  name: string,
  at: TreeNode,
  ref: string,
  context: OperationContext,
): Promise<Fault | undefined> => {
  const permission = context.model.vocabulary.get(name);
  if (permission !== undefined && contains(await heldThroughout(tx, at.id, context), permission))
    // What needs a human or anybody's consent when it is asked for itself is not had by the way.
    return name.endsWith(":create") && permission.governance !== undefined
      ? fault("not_admissible", `\`${name}\` has rules of its own here, which moving would be a way around`)
      : undefined;
  const detail = `moving needs \`${name}\` throughout \`${ref}\`, which you, or the token you present, do not have there`;
  return fault("permission_denied", detail, { permission: name });
};

const checkPlace = ({ parent: named, places }: Move, node: TreeNode, parent: TreeNode): Fault | undefined => {
  if (parent.ancestors.includes(node.id))
    return fault("not_admissible", `\`${named}\` is what would be moved, or is below it`);
  const admissible = places.filter((type) => type !== hostPlace);
  if (!admissible.includes(parent.type))
    return fault(
      "not_admissible",
      `a ${node.type} stands in ${admissible.join(" or ") || "nothing"}, and \`${named}\` is none`,
    );
  if (node.parent === parent.id) return fault("illegal_transition", `it is in \`${named}\` already`);
  return undefined;
};

/** Every node on the path up to the root, the target among them, as the audit entry names them. */
const pathOf = (model: Model, steps: readonly Step[], ancestors: readonly NodeId[]): readonly string[] =>
  ancestors.flatMap((id) => steps.filter((step) => step.id === id).map((step) => nodeRef(model, step)));

const checkSize = async (tx: Tx, node: TreeNode, parent: TreeNode): Promise<Fault | undefined> => {
  const { nodes, levels } = await measureSubtree(tx, node.id);
  if (nodes > moved_nodes_max)
    return fault(
      "not_admissible",
      `more than ${moved_nodes_max} nodes would be moved, which is the limit; move them in parts`,
    );
  if (parent.ancestors.length + levels > treeDepthMax)
    return fault("not_admissible", `what is moved would be more than ${treeDepthMax} deep, which is the limit`);
  return undefined;
};
