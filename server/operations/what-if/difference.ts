/** The difference between two moments: who has more at which node, and who less. */
import { rights } from "../../../core/decide/decide.ts";
import type { Bound, Facts } from "../../../core/decide/types.ts";
import { formatRef, type NodeId, type PrincipalId, principalRef, type ShareLinkId } from "../../../core/ids.ts";
import type { Model, PermissionSet } from "../../../core/model/model.ts";
import { permissionsIn } from "../../../core/model/permissions.ts";
import { lentBy } from "../../authority/lent.ts";
import type { FactsBetween } from "../reach/facts-between.ts";
import { nodeRef } from "../targets.ts";
import type { LiveLink } from "./store.ts";

/** What one principal, or whoever has one share link, would have or lose at one node; of a link, the one it opens. */
export type AccessChange = {
  /** `users/{uuid}`, `service-accounts/{uuid}` or `share-links/{uuid}`. */
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

const changes_max = 500;

/** Whom it is about, and where. */
export type Concerned = {
  readonly principals: readonly PrincipalId[];
  readonly nodes: readonly NodeId[];
  readonly truncated: boolean;
};

/** What is so at one moment of the transaction. */
export type Seen = {
  readonly facts: FactsBetween;
  readonly links: ReadonlyMap<ShareLinkId, LiveLink>;
  readonly truncated: boolean;
};

export const difference = (
  model: Model,
  now: number,
  { principals, nodes, truncated }: Concerned,
  earlier: Seen,
  later: Seen,
): Foreseen => {
  const gains: AccessChange[] = [];
  const loses: AccessChange[] = [];
  const counts = { gains: 0, loses: 0 };
  const tell = (principal: string, resource: string, had: Authority, has: Authority): void => {
    for (const conditional of [false, true]) {
      const [before, after] = conditional ? [had.onCondition, has.onCondition] : [had.always, has.always];
      const gained = permissionsIn(model, less(after, before));
      const lost = permissionsIn(model, less(before, after));
      counts.gains += gained.length;
      counts.loses += lost.length;
      if (gained.length > 0) gains.push({ principal, resource, permissions: gained.toSorted(), conditional });
      if (lost.length > 0) loses.push({ principal, resource, permissions: lost.toSorted(), conditional });
    }
  };
  const resourceOf = (node: NodeId): string | undefined => {
    const type = later.facts.typeOf(node) ?? earlier.facts.typeOf(node);
    return type === undefined ? undefined : nodeRef(model, { type, id: node });
  };
  for (const node of nodes) {
    const resource = resourceOf(node);
    if (resource === undefined) continue;
    for (const id of principals) {
      const [was, is] = [earlier.facts.at(id, node), later.facts.at(id, node)];
      const kind = (is ?? was)?.principal.kind ?? "human";
      tell(principalRef(kind, id), resource, authority(model, was, now), authority(model, is, now));
    }
  }
  for (const [id, { node }] of new Map([...earlier.links, ...later.links])) {
    const resource = resourceOf(node);
    if (resource === undefined) continue;
    tell(formatRef("share-links", id), resource, lent(model, earlier, id, now), lent(model, later, id, now));
  }
  return {
    gains: gains.slice(0, changes_max),
    loses: loses.slice(0, changes_max),
    counts,
    truncated:
      [truncated, earlier.truncated, later.truncated].includes(true) ||
      gains.length > changes_max ||
      loses.length > changes_max,
  };
};

/** What is had whatever happens, and what besides where every condition holds. */
type Authority = { readonly always: PermissionSet; readonly onCondition: PermissionSet };

/** Of a link that is dead, or of whose creator nothing is known: nothing. Nothing is lent on a condition. */
const lent = (model: Model, { facts, links }: Seen, id: ShareLinkId, now: number): Authority => {
  const link = links.get(id);
  const creator = link && facts.at(link.creator, link.node);
  const level = link && model.resources.get(facts.typeOf(link.node) ?? "")?.levels.get(link.level);
  const always = creator === undefined || level === undefined ? [] : lentBy(model, level, creator, now);
  return { always, onCondition: [] };
};

const authority = (model: Model, facts: Facts | undefined, now: number): Authority => {
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
