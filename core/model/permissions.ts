/**
 * Sets of permissions: from patterns to bits, and the algebra on them.
 *
 * Patterns are expanded when they are written (a role saved, a token issued), never when a request is decided.
 */
import type { Model, Permission, PermissionSet } from "./model.ts";

/** See `PermissionSet` for why thirty. */
export const bitsPerWord = 30;

/** The part of a model that gives sets their meaning. */
export type Vocabulary = Pick<Model, "permissions" | "vocabulary">;

/** Where a pattern is used. Permissions of the host are matched for the host only, so that a tenant's `*` means the tenant's own. */
export type Reach = "tenant" | "host";

export const emptySet: PermissionSet = [];

/**
 * The permissions the patterns stand for. A pattern is `resource:action`, `resource:*` or `*`.
 *
 * `unknown` lists the patterns that match nothing, as given; they add nothing to the set. An unknown name is for the caller to refuse.
 */
export const expand = (
  model: Vocabulary,
  patterns: readonly string[],
  reach: Reach = "tenant",
): { readonly set: PermissionSet; readonly unknown: readonly string[] } => {
  const set = Array.from({ length: Math.ceil(model.permissions.length / bitsPerWord) }, () => 0);
  const unknown = patterns.filter((pattern) => {
    const found = matching(model, pattern).filter((permission) => reach === "host" || !permission.host);
    for (const { word, mask } of found) set[word] = (set[word] ?? 0) | mask;
    return found.length === 0;
  });
  return { set, unknown };
};

const matching = (model: Vocabulary, pattern: string): readonly Permission[] => {
  if (pattern === "*") return [...model.vocabulary.values()];
  if (pattern.endsWith(":*")) {
    const resource = pattern.slice(0, -":*".length);
    return [...model.vocabulary.values()].filter((permission) => permission.resource === resource);
  }
  const permission = model.vocabulary.get(pattern);
  return permission === undefined ? [] : [permission];
};

/** Whether the set has the permission. The one operation on the hot path. */
export const contains = (set: PermissionSet, permission: Permission): boolean =>
  ((set[permission.word] ?? 0) & permission.mask) !== 0;

export const union = (a: PermissionSet, b: PermissionSet): PermissionSet =>
  a.length < b.length ? union(b, a) : a.map((word, at) => word | (b[at] ?? 0));

export const intersection = (a: PermissionSet, b: PermissionSet): PermissionSet =>
  a.map((word, at) => word & (b[at] ?? 0));

/** Whether everything in `part` is in `whole` too: nobody grants more than they hold (invariant 8). */
export const isSubset = (part: PermissionSet, whole: PermissionSet): boolean =>
  part.every((word, at) => (word & ~(whole[at] ?? 0)) === 0);

export const isEmpty = (set: PermissionSet): boolean => set.every((word) => word === 0);

/** The names in the set, sorted. */
export const permissionsIn = (model: Vocabulary, set: PermissionSet): readonly string[] =>
  model.permissions.filter(
    (_, index) => ((set[Math.floor(index / bitsPerWord)] ?? 0) & (1 << (index % bitsPerWord))) !== 0,
  );
