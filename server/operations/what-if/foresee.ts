/**
 * What a change would do, found out by doing it and undoing it: in one transaction, whom and what it concerns is read before and after it,
 * then what they have there after it, then, gone back to before it, what they had. The difference is the answer; the transaction is rolled
 * back by whoever called.
 *
 * Who gains and who loses is told for registered nodes one by one, so far as there is room: `truncated` says where there was not.
 */
import { rights } from "../../../core/decide/decide.ts";
import type { Bound, Facts } from "../../../core/decide/types.ts";
import { isFault, type Result } from "../../../core/faults.ts";
import type { NodeId, PrincipalId } from "../../../core/ids.ts";
import { principalRef } from "../../../core/ids.ts";
import type { Model, PermissionSet } from "../../../core/model/model.ts";
import { permissionsIn } from "../../../core/model/permissions.ts";
import type { Tx } from "../../platform/database/database.ts";
import { type FactsBetween, factsBetween } from "../reach/facts-between.ts";
import { nodeRef } from "../targets.ts";
import type { Concern } from "./concern.ts";
import { goBack, mark, nodesBelow, peopleAround, peopleOf, type Place, placesOf, readBetween } from "./store.ts";

/** What one principal would have, or lose, at one node. */
export type AccessChange = {
  /** `users/{uuid}` or `service-accounts/{uuid}`. */
  readonly principal: string;
  readonly resource: string;
  /** Sorted. */
  readonly permissions: readonly string[];
  /** Whether it depends on a condition: it is so only where that holds. */
  readonly conditional: boolean;
};

export type Foreseen = {
  readonly gains: readonly AccessChange[];
  readonly loses: readonly AccessChange[];
  /** Permissions gained and lost, one principal at one node, of all that was looked at; more than is listed where that was too much. */
  readonly counts: { readonly gains: number; readonly loses: number };
  /** Whether there were more principals, more nodes or more changes than are told of. */
  readonly truncated: boolean;
};

const principals_max = 100;
const nodes_max = 200;
const changes_max = 500;

export const foresee = async <Output>(
  tx: Tx,
  { model, now }: { readonly model: Model; readonly now: number },
  concerns: (output: Output | undefined) => readonly Concern[],
  run: () => Promise<Result<Output>>,
): Promise<Result<{ readonly output: Output; readonly access: Foreseen }>> => {
  const before = await concernedIn(tx, concerns(undefined));
  await mark(tx);
  const output = await run();
  if (isFault(output)) return output;
  const concerned = both(before, await concernedIn(tx, concerns(output)));
  const after = factsBetween(model, here(tx), await readBetween(tx, concerned.principals, concerned.nodes));
  await goBack(tx);
  const earlier = factsBetween(model, here(tx), await readBetween(tx, concerned.principals, concerned.nodes));
  return { output, access: difference(model, now, concerned, earlier, after) };
};

const here = (tx: Tx) => ({ bound: tx.tenant, tenant: tx.tenant });

type Concerned = {
  readonly principals: readonly PrincipalId[];
  readonly nodes: readonly NodeId[];
  readonly truncated: boolean;
};

const concernedIn = async (tx: Tx, concerns: readonly Concern[]): Promise<Concerned> => {
  const places: Place[] = [];
  for (const concern of concerns) places.push(...(await placesOf(tx, concern)));
  const nodes = new Set<NodeId>();
  let truncated = false;
  for (const { node, below } of places) {
    if (nodes.size > nodes_max) break;
    for (const one of below ? await nodesBelow(tx, node, nodes_max + 1) : [node]) nodes.add(one);
  }
  truncated ||= nodes.size > nodes_max;
  const looked = [...nodes].slice(0, nodes_max);
  const named = [...new Set(places.flatMap(({ whose }) => (whose === null ? [] : [whose])))];
  // Who is concerned itself is, wherever it has nothing yet.
  const themselves = concerns.flatMap((one) =>
    "beneficiary" in one ? [one.beneficiary.slice(one.beneficiary.indexOf("/") + 1)] : [],
  );
  const people = new Set([
    ...(await peopleOf(tx, [...new Set([...named, ...themselves])], principals_max + 1)),
    ...(places.some(({ whose }) => whose === null) ? await peopleAround(tx, looked, principals_max + 1) : []),
  ]);
  truncated ||= people.size > principals_max;
  return { principals: [...people].slice(0, principals_max), nodes: looked, truncated };
};

const both = (a: Concerned, b: Concerned): Concerned => {
  const principals = [...new Set([...a.principals, ...b.principals])];
  const nodes = [...new Set([...a.nodes, ...b.nodes])];
  return { principals, nodes, truncated: a.truncated || b.truncated };
};

const difference = (
  model: Model,
  now: number,
  { principals, nodes, truncated }: Concerned,
  earlier: FactsBetween,
  later: FactsBetween,
): Foreseen => {
  const gains: AccessChange[] = [];
  const loses: AccessChange[] = [];
  const counts = { gains: 0, loses: 0 };
  for (const node of nodes) {
    const type = later.typeOf(node) ?? earlier.typeOf(node);
    if (type === undefined) continue;
    const resource = nodeRef(model, { type, id: node });
    for (const id of principals) {
      const [was, is] = [earlier.at(id, node), later.at(id, node)];
      const kind = (is ?? was)?.principal.kind ?? "human";
      const principal = principalRef(kind, id);
      const [had, has] = [authority(model, was, now), authority(model, is, now)];
      for (const conditional of [false, true]) {
        const [before, after] = conditional ? [had.onCondition, has.onCondition] : [had.always, has.always];
        const gained = permissionsIn(model, less(after, before));
        const lost = permissionsIn(model, less(before, after));
        counts.gains += gained.length;
        counts.loses += lost.length;
        if (gained.length > 0) gains.push({ principal, resource, permissions: gained.toSorted(), conditional });
        if (lost.length > 0) loses.push({ principal, resource, permissions: lost.toSorted(), conditional });
      }
    }
  }
  return {
    gains: gains.slice(0, changes_max),
    loses: loses.slice(0, changes_max),
    counts,
    truncated: truncated || gains.length > changes_max || loses.length > changes_max,
  };
};

/** What is had whatever happens, and what besides where every condition holds. */
const authority = (
  model: Model,
  facts: Facts | undefined,
  now: number,
): { readonly always: PermissionSet; readonly onCondition: PermissionSet } => {
  if (facts === undefined) return { always: [], onCondition: [] };
  const always = rights(model, facts, now);
  const bound = [...facts.assignments, ...facts.grants].some(({ condition }) => condition !== undefined);
  return { always, onCondition: bound ? less(rights(model, unconditionally(facts), now), always) : [] };
};

const unconditionally = (facts: Facts): Facts => ({
  ...facts,
  assignments: facts.assignments.map(withoutCondition),
  grants: facts.grants.map(withoutCondition),
});

const withoutCondition = <One extends Bound>(one: One): Omit<One, "condition"> => {
  const { condition, ...rest } = one;
  return condition === undefined ? one : rest;
};

const less = (set: PermissionSet, other: PermissionSet): PermissionSet =>
  set.map((word, at) => word & ~(other[at] ?? 0));
