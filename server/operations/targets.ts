/** The common ways to find an operation's target from stored state (design §3). */
import { fault, type Fault, type Result } from "../../core/faults.ts";
import { formatRef, type NodeId, parseRef, rootNode } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import type { Tx } from "../platform/database/database.ts";
import type { TreeNode } from "../tree/model.ts";
import { findNode } from "../tree/store.ts";
import type { Target, TargetContext } from "./operation.ts";

/** The one answer for what does not exist and for what belongs to another tenant. */
export const noSuch = (ref: string): Fault => fault("not_found", `there is no \`${ref}\`, or it is not yours to see`);

/** The collection a node's ref begins with. The host's own node has none in any model. */
export const collectionOf = (model: Model, type: string): string => model.perimeters.get(type)?.collection ?? type;

/** The ref a node is known by outside. */
export const nodeRef = (model: Model, node: { readonly type: string; readonly id: string }): string =>
  formatRef(collectionOf(model, node.type), node.id);

/** Finds the node a ref names; the ref's collection must be the node's own. */
export const findNodeByRef = async (tx: Tx, model: Model, text: string): Promise<Result<TreeNode>> => {
  const ref = parseRef(text);
  const node = ref && (await findNode(tx, ref.id as NodeId));
  return node !== undefined && collectionOf(model, node.type) === ref?.collection ? node : noSuch(text);
};

/** Create under a parent: the permission must hold at the parent. */
export const atParent = async (
  tx: Tx,
  input: { readonly parent: string },
  { model }: TargetContext,
): Promise<Result<Target>> => {
  const parent = await findNodeByRef(tx, model, input.parent);
  return "fault" in parent ? parent : { node: parent.id, ref: input.parent };
};

/** What belongs to the tenant as a whole. */
export const atTenant =
  (collection: string) =>
  async (tx: Tx): Promise<Result<Target>> => ({ node: rootNode(tx.tenant), ref: collection });

/** A list: of what is below a perimeter where the request names one as `parent`, else of the whole tenant. */
export const atParentOrTenant =
  (collection: string) =>
  async (tx: Tx, { parent }: { readonly parent?: string }, context: TargetContext): Promise<Result<Target>> =>
    parent === undefined ? atTenant(collection)(tx) : atParent(tx, { parent }, context);
