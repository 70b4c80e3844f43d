/**
 * What a caller may pass on (invariant 8: nobody grants more than they hold).
 *
 * It is not what the caller may do at the one node. A role assigned with propagation `self` gives rights at its node and none below;
 * who holds no more than that must not hand out what reaches further. Nor is it more than the token presented carries.
 */
import { rights } from "../../core/decide/decide.ts";
import type { AssignmentFact } from "../../core/decide/types.ts";
import { type NodeId, rootNode } from "../../core/ids.ts";
import type { Model, PermissionSet } from "../../core/model/model.ts";
import { emptySet, intersection, permissionsIn, union } from "../../core/model/permissions.ts";
import type { Caller, Principal } from "../authority/caller.ts";
import { factsOf } from "../authority/facts.ts";
import { type FactsKey, readFactsIn } from "../authority/store.ts";
import type { Tx } from "../platform/database/database.ts";
import { readAssignments } from "./store.ts";

type Asking = { readonly model: Model; readonly caller: Caller; readonly now: number };

/** What the caller holds at the node and everywhere below it, and its token carries. */
export const heldThroughout = async (tx: Tx, node: NodeId, { model, caller, now }: Asking): Promise<PermissionSet> => {
  const key: FactsKey = { principal: caller.principal, bound: caller.tenant, tenant: tx.tenant, node };
  const facts = factsOf(model, key, await readFactsIn(tx, key));
  if (facts === undefined) return emptySet;
  const assignments = facts.assignments.filter(
    ({ anchor, propagation }) => anchor === "host" || propagation === "subtree",
  );
  return withinToken(caller, rights(model, { ...facts, assignments }, now));
};

export const withinToken = ({ scopes }: Caller, held: PermissionSet): PermissionSet =>
  scopes === undefined ? held : intersection(held, scopes);

/** The principal's assignments wherever they are anchored, also at perimeters that the tenant's root does not see. */
export const assignmentsAnywhere = async (
  tx: Tx,
  model: Model,
  principal: Principal,
): Promise<readonly AssignmentFact[]> => {
  const key: FactsKey = { principal, bound: tx.tenant, tenant: tx.tenant, node: rootNode(tx.tenant) };
  const assignments = await readAssignments(tx, principal);
  return factsOf(model, key, { state: null, path: [], assignments })?.assignments ?? [];
};

/**
 * What the principal may come to do somewhere in the tenant. A service account whose roles are all anchored at one client holds nothing at
 * the root, and a role's `within_grants` count wherever a grant reaches, so this is a union over its assignments and not a look at
 * one node. It bounds what a token of the principal may sensibly say; it never gives anything, since every use of the token is
 * decided where it is used.
 */
export const heldAnywhere = async (tx: Tx, model: Model, principal: Principal, now: number): Promise<PermissionSet> =>
  (await assignmentsAnywhere(tx, model, principal))
    .filter(({ expiresAt }) => expiresAt === null || expiresAt > now)
    .reduce<PermissionSet>(
      (all, { permissions, withinGrants }) => union(all, union(permissions, withinGrants)),
      emptySet,
    );

/** The names in `wanted` that `held` lacks, sorted. */
export const lackingIn = (model: Model, wanted: PermissionSet, held: PermissionSet): readonly string[] =>
  permissionsIn(
    model,
    wanted.map((word, at) => word & ~(held[at] ?? 0)),
  );

const namedMax = 5;

/** `a`, `b` and 3 more. */
export const namesOf = (names: readonly string[]): string => {
  const shown = names.slice(0, namedMax).map((name) => `\`${name}\``);
  const rest = names.length - shown.length;
  return rest > 0 ? `${shown.join(", ")} and ${rest} more` : shown.join(", ");
};
