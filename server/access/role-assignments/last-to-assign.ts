/** Whether a tenant would have nobody left who can assign roles, if this principal were gone. */
import { rootNode } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import { contains } from "../../../core/model/permissions.ts";
import type { Principal } from "../../authority/caller.ts";
import { factsOf } from "../../authority/facts.ts";
import { noFacts, readFactsIn, type StoredAssignment } from "../../authority/store.ts";
import type { Tx } from "../../platform/database/database.ts";
import { type AtRoot, holdAssignmentsAtRoot } from "./store.ts";

export const assigning = "role-assignments:create";

/** The rows looked at are held until the transaction ends: of two that leave at once the second sees what the first has left. */
export const isLastToAssign = async (tx: Tx, model: Model, leaving: Principal, now: number): Promise<boolean> => {
  const giving = givers(tx, model, await holdAssignmentsAtRoot(tx), now);
  if (!giving.some(({ principal }) => principal.id === leaving.id)) return false;
  const node = rootNode(tx.tenant);
  for (const { principal } of giving) {
    if (principal.id === leaving.id) continue;
    const { state } = await readFactsIn(tx, { principal, bound: tx.tenant, tenant: tx.tenant, node });
    if (state === "active") return false;
  }
  return true;
};

/** Those whose role at the root, as it is now, gives the permission to assign, and has not expired. */
export const givers = (tx: Tx, model: Model, all: readonly AtRoot[], now: number): readonly AtRoot[] =>
  all.filter(({ principal, stored }) => givesAssigning(tx, model, stored, principal, now));

/** Whether the role, as it is now, gives the permission to assign, and the assignment has not expired. Whoever it is read as is given the same. */
export const givesAssigning = (
  tx: Tx,
  model: Model,
  stored: StoredAssignment,
  principal: Principal,
  now: number,
): boolean => {
  const permission = model.vocabulary.get(assigning);
  const key = { principal, bound: tx.tenant, tenant: tx.tenant, node: rootNode(tx.tenant) };
  const [fact] = factsOf(model, key, { ...noFacts, path: [], assignments: [stored] })?.assignments ?? [];
  const isLive = fact !== undefined && (fact.expiresAt === null || fact.expiresAt > now);
  return isLive && permission !== undefined && contains(fact.permissions, permission);
};
