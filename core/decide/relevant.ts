/** Facts without what no decision looks at: what is kept of them, and read again on each question. */
import type { Facts } from "./types.ts";

/**
 * The same facts for `decide()` and `rights()`, with a shorter path: the target, the nodes something is anchored at, and those that are
 * not active. A node thirty levels down has thirty more above it at which the principal has nothing. An explanation needs the whole path,
 * since it says where something could be given.
 */
export const relevantTo = (facts: Facts): Facts => {
  const anchors = new Set<string>([
    ...facts.assignments.map(({ anchor }) => anchor),
    ...facts.grants.map(({ resource }) => resource),
  ]);
  const path = facts.path.filter(({ node, state }, at) => at === 0 || state !== "active" || anchors.has(node));
  return path.length === facts.path.length ? facts : { ...facts, path };
};
