/**
 * Nobody hands on more than they hold (invariant 8), here without a word of assigning: by putting a node where others reach it, or by
 * making true what a condition asks about it.
 *
 * Roles and grants reach down the tree. So whoever holds something at the new parent, or above it and not above the old one, comes to hold
 * it in all that is moved; the mover among them. It is as if each of them had been assigned that at the node, and is asked for in the same
 * way: everything that would newly reach the subtree, whoever has it and whether or not a condition holds now, must be held by the mover
 * throughout the subtree, where it stands before the move. What a role gives within grants counts in full: the grant may be in the subtree.
 *
 * Losing is another matter. Who no longer reaches the subtree loses by it what a revocation would have taken, and to take away one need
 * not hold it.
 */
import { type Fault, fault } from "../../../core/faults.ts";
import { hostTenant } from "../../../core/ids.ts";
import { emptySet, intersection, union } from "../../../core/model/permissions.ts";
import type { Model, PermissionSet } from "../../../core/model/model.ts";
import { systemResources } from "../../../core/model/system-permissions.ts";
import { heldThroughout, lackingIn, namesOf } from "../../authority/held.ts";
import type { OperationContext } from "../../operations/operation.ts";
import { permissionsOf } from "../../operations/patterns.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { TreeNode } from "../../tree/model.ts";
import { type Given, givenAt, givenUnderConditions } from "./store.ts";

/** A fault where moving the node below the parent would give anybody what the mover does not hold throughout it. */
export const checkReach = async (
  tx: Tx,
  node: TreeNode,
  parent: TreeNode,
  context: OperationContext,
): Promise<Fault | undefined> => {
  const reachedAlready = new Set(node.ancestors);
  const anew = parent.ancestors.filter((id) => !reachedAlready.has(id));
  const given = setOf(tx, context.model, await givenAt(tx, anew, new Date(context.now)));
  const lacking = await beyond(tx, node, given, context);
  const [first] = lacking;
  if (first === undefined) return undefined;
  const detail = `whoever has a role or a grant there would come to hold ${namesOf(lacking)} in what is moved, which you, or the token you present, do not hold throughout it`;
  return fault("permission_denied", detail, { permission: first });
};

/** A fault where changing what conditions ask about the node could give anybody what the one who changes it does not hold there. */
export const checkConditions = async (
  tx: Tx,
  node: TreeNode,
  context: OperationContext,
): Promise<Fault | undefined> => {
  const given = setOf(tx, context.model, await givenUnderConditions(tx, node.ancestors, new Date(context.now)));
  const lacking = await beyond(tx, node, given, context);
  const [first] = lacking;
  if (first === undefined) return undefined;
  const detail = `roles and grants that reach it under conditions give ${namesOf(lacking)}, which you, or the token you present, do not hold throughout it; who changes its owner or attributes could give that to anybody`;
  return fault("permission_denied", detail, { permission: first });
};

const beyond = async (
  tx: Tx,
  node: TreeNode,
  given: PermissionSet,
  context: OperationContext,
): Promise<readonly string[]> => {
  const { model } = context;
  const matters = meaningfulBelow(model, node.type);
  const wanted = matters === undefined ? given : intersection(given, permissionsOf(model, tx.tenant, matters));
  return lackingIn(model, wanted, await heldThroughout(tx, node.id, context));
};

const setOf = (tx: Tx, model: Model, { roles, levels }: Given): PermissionSet => {
  const builtIn = tx.tenant === hostTenant ? model.hostRoles : model.roles;
  const ofRoles = roles.map(({ role_name, permissions, within_grants }) => {
    if (role_name === null) return permissionsOf(model, tx.tenant, [...(permissions ?? []), ...(within_grants ?? [])]);
    const role = builtIn.get(role_name);
    return role === undefined ? emptySet : union(role.permissions, role.withinGrants);
  });
  const ofLevels = levels.map(
    ({ type, level }) => model.resources.get(type)?.levels.get(level)?.permissions ?? emptySet,
  );
  return [...ofRoles, ...ofLevels].reduce<PermissionSet>(union, emptySet);
};

/**
 * Patterns of the permissions that mean something at a node of a resource type or below it: those of the types that may stand there, and
 * the system's own. A treasurer of the account a folder comes to gains no payout by it. Undefined for perimeters, below which everything may be.
 */
const meaningfulBelow = (model: Model, type: string): readonly string[] | undefined => {
  if (!model.resources.has(type)) return undefined;
  const types = new Set([type]);
  // Every pass that adds nothing is the last, and there are no more passes than types.
  for (let before = 0; before < types.size; ) {
    before = types.size;
    for (const one of model.resources.values()) if (one.in.some((above) => types.has(above))) types.add(one.type);
  }
  return [...types, ...Object.keys(systemResources)].map((name) => `${name}:*`);
};
