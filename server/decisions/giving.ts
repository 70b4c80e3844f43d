/**
 * What may give a permission, in the words bindings are stored in: so that a list looks only at bindings that could matter. It may name too
 * much, as whoever is found is decided about; it must not name too little.
 */
import type { Model, Permission } from "../../core/model/model.ts";
import { contains } from "../../core/model/permissions.ts";

export type Giving = {
  /** Built-in roles that give it outright. A role that gives it within grants gives nothing where no grant does. */
  readonly roles: readonly string[];
  readonly hostRoles: readonly string[];
  /** What a custom role may have written to give it. */
  readonly patterns: readonly string[];
  /** Levels of any type that give it. */
  readonly levels: readonly string[];
};

export const givingOf = (model: Model, permission: Permission): Giving => ({
  roles: [...model.roles.values()].filter((role) => contains(role.permissions, permission)).map(({ name }) => name),
  hostRoles: [...model.hostRoles.values()]
    .filter((role) => contains(role.permissions, permission))
    .map(({ name }) => name),
  patterns: [permission.name, `${permission.resource}:*`, "*"],
  levels: [
    ...new Set(
      [...model.resources.values()].flatMap(({ levels }) =>
        [...levels.values()].filter((level) => contains(level.permissions, permission)).map(({ name }) => name),
      ),
    ),
  ],
});

/**
 * By type, the types below it that are, or may hold, what is looked for, sorted: the way down to everything of the type, as the model places
 * types in one another.
 */
export const waysTo = (model: Model, type: string): Readonly<Record<string, readonly string[]>> => {
  const placedIn = new Map<string, readonly string[]>([
    ...[...model.perimeters.values()].map((one) => [one.type, one.in] as const),
    ...[...model.resources.values()].map((one) => [one.type, one.in] as const),
  ]);
  const below = new Map<string, Set<string>>();
  const seen = new Set<string>();
  const todo = [type];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    for (const above of placedIn.get(next) ?? []) {
      below.set(above, (below.get(above) ?? new Set()).add(next));
      todo.push(above);
    }
  }
  return Object.fromEntries([...below].map(([above, kinds]) => [above, [...kinds].toSorted()]));
};
