/**
 * Facts about one principal at every node of a page, from the few words one statement says them in (migrations: `list_nodes`). At each node
 * they are the ones that asking about it alone would have found.
 */
import type { AssignmentFact, Facts, GrantFact, PathNode, ResourceFact } from "../../core/decide/types.ts";
import type { NodeId } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import { factsOf, grantFact, unknownState } from "../authority/facts.ts";
import { type FactsKey, noFacts, type StoredAssignment, type StoredGrant } from "../authority/store.ts";

/** As `list_nodes` answers. */
export type StoredPage = {
  /** The principal's; null where there is none of its kind, or it is no member of the tenant. */
  readonly state: string | null;
  /** Id, parent, state, what is stored of it. All are of the type that was asked for. */
  readonly nodes: readonly (readonly [NodeId, NodeId | null, string, ResourceFact | null])[];
  /** Every node above one of them: id, parent, type, state. */
  readonly path: readonly (readonly [NodeId, NodeId | null, string, string])[];
  readonly assignments: readonly StoredAssignment[];
  readonly grants: readonly StoredGrant[];
};

/** What is to be known at a node, but for what is stored of it. */
type Standpoint = Pick<Facts, "path" | "assignments" | "grants">;

/** The nodes in the order they were listed in. `type` is the one they are stored with. */
export const factsOfPage = (
  model: Model,
  key: Omit<FactsKey, "node">,
  type: string,
  stored: StoredPage,
): readonly (readonly [NodeId, Facts])[] => {
  const steps = new Map(stored.path.map((step) => [step[0], step]));
  const bindings = { ...noFacts, path: [], assignments: stored.assignments };
  const read = factsOf(model, { ...key, node: "" as NodeId }, bindings)?.assignments ?? [];
  const assignments = Map.groupBy(read, ({ anchor }): string => anchor);
  const grants = Map.groupBy(
    stored.grants.map((grant) => grantFact(model, steps.get(grant[1])?.[2] ?? type, grant)),
    ({ resource }): string => resource,
  );

  const below = (step: PathNode, above: Standpoint): Standpoint => ({
    path: [step, ...above.path],
    assignments: joined<AssignmentFact>(assignments.get(step.node), above.assignments),
    grants: joined<GrantFact>(grants.get(step.node), above.grants),
  });
  const host: Standpoint = { path: [], assignments: assignments.get("host") ?? [], grants: [] };
  const standpoints = new Map<NodeId, Standpoint>();
  const at = (node: NodeId | null): Standpoint => {
    if (node === null) return host;
    const known = standpoints.get(node);
    if (known !== undefined) return known;
    // A step that is not there is one that nothing is allowed through.
    const [, parent, stepType, state] = steps.get(node) ?? [node, null, "", unknownState];
    const found = below({ node, type: stepType, state }, at(parent));
    standpoints.set(node, found);
    return found;
  };

  const principal = { ...key.principal, state: stored.state ?? unknownState };
  return stored.nodes.map(([node, parent, state, resource]) => [
    node,
    { principal, ...below({ node, type, state }, at(parent)), ...(resource === null ? {} : { resource }) },
  ]);
};

/** Most places have nothing of their own. */
const joined = <Fact>(own: readonly Fact[] | undefined, above: readonly Fact[]): readonly Fact[] =>
  own === undefined ? above : [...own, ...above];
