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
import type { Caller, Principal } from "./caller.ts";
import { factsOf } from "./facts.ts";
import { type FactsKey, noFacts, readAssignments, readFactsIn } from "./store.ts";
import type { Tx } from "../platform/database/database.ts";

type Asking = {
  readonly model: Model;
  readonly caller: Pick<Caller, "principal" | "tenant" | "scopes">;
  readonly now: number;
};

/** What the caller holds at the node and everywhere below it, and its token carries. */
export const heldThroughout = async (tx: Tx, node: NodeId, asking: Asking): Promise<PermissionSet> =>
  heldBy(tx, node, asking, ({ anchor, propagation }) => anchor === "host" || propagation === "subtree");

const heldBy = async (
  tx: Tx,
  node: NodeId,
  { model, caller, now }: Asking,
  counts: (assignment: AssignmentFact) => boolean,
): Promise<PermissionSet> => {
  const key: FactsKey = { principal: caller.principal, bound: caller.tenant, tenant: tx.tenant, node };
  const facts = factsOf(model, key, await readFactsIn(tx, key));
  if (facts === undefined) return emptySet;
  const assignments = facts.assignments.filter(counts);
  return withinToken(caller, rights(model, { ...facts, assignments }, now));
};

/**
 * What the principal holds anywhere and the caller does not. Who obtains another's secret, or puts a key of its own in the other's
 * place, can act as the other: nothing may be missing then. A perimeter that is asleep may wake up, so what is held there counts.
 */
export const heldBeyond = async (tx: Tx, principal: Principal, asking: Asking): Promise<readonly string[]> => {
  const { model, caller, now } = asking;
  if (caller.principal.id === principal.id) return [];
  const lacking = new Set<string>();
  for (const one of await assignmentsOf(tx, model, principal, { asleep: true })) {
    if (one.expiresAt !== null && one.expiresAt <= now) continue;
    const node = one.anchor === "host" ? rootNode(tx.tenant) : one.anchor;
    const held = await heldBy(
      tx,
      node,
      asking,
      (mine) => one.propagation === "self" || mine.anchor === "host" || mine.propagation === "subtree",
    );
    for (const name of lackingIn(model, union(one.permissions, one.withinGrants), held)) lacking.add(name);
  }
  return [...lacking].toSorted();
};

export const withinToken = ({ scopes }: Pick<Caller, "scopes">, held: PermissionSet): PermissionSet =>
  scopes === undefined ? held : intersection(held, scopes);

/** The principal's assignments wherever they are anchored, also at perimeters that the tenant's root does not see. */
export const assignmentsAnywhere = (tx: Tx, model: Model, principal: Principal): Promise<readonly AssignmentFact[]> =>
  assignmentsOf(tx, model, principal, { asleep: false });

const assignmentsOf = async (
  tx: Tx,
  model: Model,
  principal: Principal,
  which: { readonly asleep: boolean },
): Promise<readonly AssignmentFact[]> => {
  const key: FactsKey = { principal, bound: tx.tenant, tenant: tx.tenant, node: rootNode(tx.tenant) };
  const assignments = await readAssignments(tx, principal, which);
  return factsOf(model, key, { ...noFacts, path: [], assignments })?.assignments ?? [];
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
