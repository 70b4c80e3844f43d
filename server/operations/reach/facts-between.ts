/**
 * Facts about some principals at some nodes, from what one statement read (migrations: `facts_between`). Every pair of them has the facts
 * it would have had if it had been asked about alone.
 */
import type { AssignmentFact, Facts, GrantFact, PathNode, ResourceFact } from "../../../core/decide/types.ts";
import { hostTenant, type NodeId, type PrincipalId, type PrincipalKind, type TenantId } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import { factsOf, unknownState } from "../../authority/facts.ts";
import { noFacts, type StoredAssignment, type StoredGrant, type StoredFacts } from "../../authority/store.ts";

/** As `facts_between` answers. */
export type StoredBetween = {
  /** Kind and state of those there are; nobody else belongs to the tenant. */
  readonly principals: Readonly<Record<string, readonly [PrincipalKind, string]>>;
  /** The groups of those who are in any. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** Those there are, in the order they were asked for: id, path upwards, what is stored of it. */
  readonly nodes: readonly (readonly [NodeId, readonly NodeId[], ResourceFact | null])[];
  /** Every node of all the paths: id, type, state. */
  readonly path: NonNullable<StoredFacts["path"]>;
  /** Whose, and what. */
  readonly assignments: readonly (readonly [string, ...StoredAssignment])[];
  readonly grants: readonly (readonly [string, ...StoredGrant])[];
};

export type FactsBetween = {
  /** The nodes there are, in order. */
  readonly nodes: readonly NodeId[];
  readonly typeOf: (node: NodeId) => string | undefined;
  /** Undefined where there is no such node. A principal that does not belong to the tenant has no authority, and an unknown state. */
  readonly at: (principal: PrincipalId, node: NodeId) => Facts | undefined;
};

/** `bound` is where the principals belong, `tenant` where the nodes are. They differ only for the host's principals. */
export const factsBetween = (
  model: Model,
  where: { readonly bound: TenantId; readonly tenant: TenantId },
  stored: StoredBetween,
): FactsBetween => {
  const read = factsOf(model, keyOf(where), {
    ...noFacts,
    path: stored.path,
    assignments: stored.assignments.map(([, ...rest]) => rest),
    grants: stored.grants.map(([, ...rest]) => rest),
  });
  if (read === undefined) throw new Error("facts about known nodes cannot be absent");
  const assignments = byPlace(stored.assignments, read.assignments, ({ anchor }) => anchor);
  const grants = byPlace(stored.grants, read.grants, ({ resource }) => resource);
  const steps = new Map(stored.path.map(([node, type, state]): [NodeId, PathNode] => [node, { node, type, state }]));
  const nodes = new Map(stored.nodes.map(([id, ancestors, resource]) => [id, { ancestors, resource }]));

  return {
    nodes: stored.nodes.map(([id]) => id),
    typeOf: (node) => steps.get(node)?.type,
    at: (id, node) => {
      const found = nodes.get(node);
      if (found === undefined) return undefined;
      const [kind, state] = stored.principals[id] ?? (["human", unknownState] as const);
      const whose = [id, ...(stored.groups[id] ?? [])];
      const places = ["host", ...found.ancestors];
      return {
        principal: { id, kind, state },
        path:
          where.tenant === hostTenant
            ? []
            : found.ancestors.map((step) => steps.get(step) ?? { node: step, type: "", state: unknownState }),
        assignments: whose.flatMap((who) => places.flatMap((place) => assignments.get(who)?.get(place) ?? [])),
        grants: whose.flatMap((who) => places.flatMap((place) => grants.get(who)?.get(place) ?? [])),
        ...(found.resource === null ? {} : { resource: found.resource }),
      };
    },
  };
};

const keyOf = ({ bound, tenant }: { readonly bound: TenantId; readonly tenant: TenantId }) => ({
  principal: { kind: "human", id: "" as PrincipalId } as const,
  bound,
  tenant,
  node: "" as NodeId,
});

/** By whose it is, then by where it is: the order of the rows is the order of the facts made of them. */
const byPlace = <Fact extends AssignmentFact | GrantFact>(
  rows: readonly (readonly [string, ...(readonly unknown[])])[],
  facts: readonly Fact[],
  placeOf: (fact: Fact) => string,
): ReadonlyMap<string, ReadonlyMap<string, readonly Fact[]>> => {
  const all = new Map<string, Map<string, Fact[]>>();
  for (const [at, [whose]] of rows.entries()) {
    const fact = facts[at];
    if (fact === undefined) continue;
    const mine = all.get(whose) ?? new Map<string, Fact[]>();
    const place = placeOf(fact);
    mine.set(place, [...(mine.get(place) ?? []), fact]);
    all.set(whose, mine);
  }
  return all;
};
