/** Where a human may be anchored, and with which role from the start. */
import { fault, isFault, type Result } from "../../core/faults.ts";
import type { NodeId } from "../../core/ids.ts";
import { hostPlace, type Model } from "../../core/model/model.ts";
import { contains } from "../../core/model/permissions.ts";
import { beyondHeld, findRole, type FoundRole } from "../authority/assignments-store.ts";
import { heldThroughout } from "../authority/held.ts";
import type { OperationContext } from "../operations/operation.ts";
import { collectionOf, findNodeByRef } from "../operations/targets.ts";
import type { Tx } from "../platform/database/database.ts";
import type { TreeNode } from "../tree/model.ts";

/** The perimeter a request names as `parent`: active, and no resource. */
export const activePerimeter = async (tx: Tx, model: Model, ref: string): Promise<Result<TreeNode>> => {
  const node = await findNodeByRef(tx, model, ref);
  if (isFault(node)) return node;
  if (!model.perimeters.has(node.type) && node.type !== hostPlace)
    return fault("not_admissible", `\`${ref}\` is no perimeter`);
  return node.state === "active" ? node : fault("not_admissible", `\`${ref}\` is ${node.state}`);
};

/** Every collection a perimeter's ref may begin with: what a filter by `parent` may name. */
export const perimeterCollections = (model: Model): readonly string[] => [
  ...model.collections.keys(),
  collectionOf(model, hostPlace),
];

const assigning = "role-assignments:create";

/**
 * The role asked for, where the caller may assign it at the operation's target: what `role-assignments.create` would ask, asked here too,
 * so that creating somebody with a role is no way around it. Undefined where none was asked for.
 */
export const firstRole = async (
  tx: Tx,
  node: NodeId,
  text: string | undefined,
  context: OperationContext,
): Promise<Result<FoundRole | undefined>> => {
  if (text === undefined) return undefined;
  const { model, caller, held } = context;
  const permission = model.vocabulary.get(assigning);
  if (permission !== undefined && caller.scopes !== undefined && !contains(caller.scopes, permission))
    return fault("insufficient_scope", `giving a \`role\` needs \`${assigning}\` in the token's scopes as well`, {
      permission: assigning,
    });
  if (permission === undefined || !contains(held, permission))
    return fault("permission_denied", `giving a \`role\` needs \`${assigning}\` as well`, { permission: assigning });
  if (permission.governance !== undefined)
    return fault(
      "not_admissible",
      "assigning a role has rules of its own here; leave `role` out, and assign it afterwards",
    );
  const role = await findRole(tx, model, text);
  // It is assigned with propagation `subtree`: what the caller holds at the node alone is not enough to give it.
  return isFault(role) ? role : (beyondHeld(model, role, await heldThroughout(tx, node, context)) ?? role);
};
