/**
 * What a caller may pass on (invariant 8: nobody grants more than they hold).
 *
 * It is not what the caller may do at the one node. A role assigned with propagation `self` gives rights at its node and none below;
 * who holds no more than that must not hand out what reaches further. What carries a condition counts for nothing: it may be gone in the
 * next moment, and what is passed on stays. Nor is it more than the token presented carries. A grant on the node or above it counts: it
 * reaches all that is below.
 */
import { rights } from "../../core/decide/decide.ts";
import type { AssignmentFact, Facts, GrantFact } from "../../core/decide/types.ts";
import { type NodeId, rootNode } from "../../core/ids.ts";
import type { Model, PermissionSet } from "../../core/model/model.ts";
import { emptySet, intersection, isSubset, permissionsIn, union } from "../../core/model/permissions.ts";
import type { Caller, Principal } from "./caller.ts";
import { factsOf, grantFact } from "./facts.ts";
import {
  type FactsKey,
  noFacts,
  readAssignments,
  readFactsIn,
  readGrants,
  readManyFactsIn,
  type StoredFacts,
} from "./store.ts";
import type { Tx } from "../platform/database/database.ts";

type Asking = {
  readonly model: Model;
  readonly caller: Pick<Caller, "principal" | "tenant" | "scopes">;
  readonly now: number;
};

/** What the caller holds at the node and everywhere below it, and its token carries. */
export const heldThroughout = async (tx: Tx, node: NodeId, asking: Asking): Promise<PermissionSet> => {
  const key = keyAt(tx, node, asking);
  return heldWith(key, await readFactsIn(tx, key), "subtree", asking);
};

const keyAt = (tx: Tx, node: NodeId, { caller }: Asking): FactsKey => ({
  principal: caller.principal,
  bound: caller.tenant,
  tenant: tx.tenant,
  node,
});

const heldWith = (
  key: FactsKey,
  stored: StoredFacts,
  reach: AssignmentFact["propagation"],
  { model, caller, now }: Asking,
): PermissionSet => {
  const facts = factsOf(model, key, stored);
  if (facts === undefined) return emptySet;
  return withinToken(caller, reach === "self" ? rights(model, facts, now) : heldBelow(model, facts, now));
};

/** What is held at the facts' target and everywhere below it. Asked without circumstances, nothing that carries a condition counts. */
export const heldBelow = (model: Model, facts: Facts, now: number): PermissionSet => {
  const assignments = facts.assignments.filter(
    ({ anchor, propagation }) => anchor === "host" || propagation === "subtree",
  );
  return rights(model, { ...facts, assignments }, now);
};

/** Something a principal or a group holds: what it gives at most, at which node, and whether below it too. */
export type Holding = {
  readonly node: NodeId;
  readonly reach: AssignmentFact["propagation"];
  readonly gives: PermissionSet;
};

/** Holdings compared in one statement. */
const comparedAtOnce = 100;

/**
 * What the principal holds anywhere and the caller does not. Who obtains another's secret, or puts a key of its own in the other's
 * place, can act as the other: nothing may be missing then. So what the other has through groups counts, and what was granted to it on
 * resources; on a condition as well, since it will hold one day; and what a level or a role gives within grants counts in full. A perimeter
 * that is asleep may wake up, so what is held there counts.
 *
 * Answers some of it, where there is much: it is a reason to refuse, and not an inventory.
 */
export const heldBeyond = async (tx: Tx, principal: Principal, asking: Asking): Promise<readonly string[]> => {
  if (asking.caller.principal.id === principal.id) return [];
  return beyondHoldings(tx, await holdingsOf(tx, principal, asking), asking);
};

/** What is in these and the caller does not hold where they are; some of it, where there is much. */
export const beyondHoldings = async (tx: Tx, all: readonly Holding[], asking: Asking): Promise<readonly string[]> => {
  const { model } = asking;
  const everywhere = await heldThroughout(tx, rootNode(tx.tenant), asking);
  // Whoever holds it throughout the tenant holds it wherever the other does, unless something sleeps on the way up.
  const holdings = all.filter(({ gives }) => !isSubset(gives, everywhere));
  const lacking = new Set<string>();
  for (let first = 0; first < holdings.length && lacking.size === 0; first += comparedAtOnce) {
    const some = holdings.slice(first, first + comparedAtOnce);
    const keys = some.map(({ node }) => keyAt(tx, node, asking));
    const stored = await readManyFactsIn(tx, keys);
    for (const [nth, { gives, reach }] of some.entries()) {
      const key = keys[nth];
      const held = key === undefined ? emptySet : heldWith(key, stored[nth] ?? noFacts, reach, asking);
      for (const name of lackingIn(model, gives, held)) lacking.add(name);
    }
  }
  return [...lacking].toSorted();
};

const holdingsOf = async (tx: Tx, principal: Principal, { model, now }: Asking): Promise<readonly Holding[]> => {
  const assigned = (await assignmentsOf(tx, model, principal, { asleep: true })).filter(isLive(now)).map((one) => ({
    node: one.anchor === "host" ? rootNode(tx.tenant) : one.anchor,
    reach: one.propagation,
    gives: union(one.permissions, one.withinGrants),
  }));
  const granted = (await grantsOf(tx, model, principal)).filter(isLive(now)).map((one) => ({
    node: one.resource,
    reach: "subtree" as const,
    gives: one.permissions,
  }));
  return [...assigned, ...granted];
};

const isLive =
  (now: number) =>
  ({ expiresAt }: { readonly expiresAt: number | null }): boolean =>
    expiresAt === null || expiresAt > now;

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

const grantsOf = async (tx: Tx, model: Model, principal: Principal): Promise<readonly GrantFact[]> =>
  (await readGrants(tx, principal)).map(({ type, stored }) => grantFact(model, type, stored));

/**
 * What the principal may come to do somewhere in the tenant. A service account whose roles are all anchored at one client holds nothing at
 * the root, and a role's `within_grants` count wherever a grant reaches, so this is a union over its assignments, and over the grants
 * that are enough alone, and not a look at one node. It bounds what a token of the principal may sensibly say; it never gives anything,
 * since every use of the token is decided where it is used.
 */
export const heldAnywhere = async (tx: Tx, model: Model, principal: Principal, now: number): Promise<PermissionSet> => {
  const assigned = (await assignmentsAnywhere(tx, model, principal))
    .filter(isLive(now))
    .map(({ permissions, withinGrants }) => union(permissions, withinGrants));
  const granted = (await grantsOf(tx, model, principal))
    .filter((one) => one.sufficient && isLive(now)(one))
    .map(({ permissions }) => permissions);
  return [...assigned, ...granted].reduce<PermissionSet>(union, emptySet);
};

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
