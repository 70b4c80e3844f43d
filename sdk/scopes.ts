/** Scopes as permission patterns: `flows:read`, `flows:*` for every action on flows, `*` for everything. */

const covers = (held: string, wanted: string): boolean =>
  held === "*" ||
  held === wanted ||
  (held.endsWith(":*") && wanted.startsWith(held.slice(0, -1)) && wanted.length > held.length - 1);

/** The wanted scopes that none of the held ones covers. A wanted pattern (`flows:*`) is covered by itself and by what is wider, not by its parts. */
export const missingScopes = (held: readonly string[], wanted: readonly string[]): readonly string[] =>
  wanted.filter((one) => !held.some((scope) => covers(scope, one)));
