/** Where two models differ in what roles, patterns and levels give. All of it is compared by name: positions belong to one model. */
import { type Change, type Concern, keysOf, quotedNames, without } from "./change.ts";
import type { Level, Model, Role } from "./model.ts";
import { expand, permissionsIn, type Reach } from "./permissions.ts";

// Roles

export const roleChanges = (before: Model, after: Model): readonly Change[] => [
  ...keysOf(before.roles, after.roles).flatMap((name) =>
    roleChange(
      `roles.${name}`,
      { roles: [name] },
      given(before, before.roles.get(name)),
      given(after, after.roles.get(name)),
    ),
  ),
  ...keysOf(before.hostRoles, after.hostRoles).flatMap((name) =>
    roleChange(
      `host_roles.${name}`,
      { hostRoles: [name] },
      given(before, before.hostRoles.get(name)),
      given(after, after.hostRoles.get(name)),
    ),
  ),
];

/** What a role gives, by name: everywhere it reaches, and where a grant reaches too. */
type Given = {
  readonly words: string;
  readonly everywhere: readonly string[];
  readonly withinGrants: readonly string[];
};

const given = (model: Model, role: Role | undefined): Given | undefined =>
  role === undefined
    ? undefined
    : {
        words: `${role.title}\n${role.description}`,
        everywhere: permissionsIn(model, role.permissions),
        withinGrants: permissionsIn(model, role.withinGrants),
      };

const roleChange = (
  path: string,
  concern: Concern,
  before: Given | undefined,
  after: Given | undefined,
): readonly Change[] => {
  if (before === undefined && after === undefined) return [];
  // Whoever has a role that was not there, from before it was taken away, gets it back.
  if (before === undefined) return after === undefined ? [] : [added(path, concern, union(after))];
  if (after === undefined) return [removed(path, concern, union(before))];
  return [
    ...gains(`${path}.permissions`, concern, without(after.everywhere, before.everywhere)),
    ...gains(
      `${path}.within_grants`,
      concern,
      without(after.withinGrants, [...before.withinGrants, ...before.everywhere, ...after.everywhere]),
    ),
    ...loses(`${path}.permissions`, concern, without(before.everywhere, after.everywhere)),
    ...loses(
      `${path}.within_grants`,
      concern,
      without(before.withinGrants, [...after.withinGrants, ...after.everywhere, ...before.everywhere]),
    ),
    ...(before.words === after.words ? [] : [renamed(path)]),
  ];
};

const union = ({ everywhere, withinGrants }: Given): readonly string[] =>
  [...new Set([...everywhere, ...withinGrants])].toSorted();

// Patterns, as tenants' own roles and everybody's scopes have them in store

/** Every pattern that could have been stored under the one model or may be under the other. */
const patternsOf = (before: Model, after: Model): readonly string[] => {
  const names = [...new Set([...before.permissions, ...after.permissions])].toSorted();
  return ["*", ...new Set(names.map((name) => `${name.slice(0, name.indexOf(":"))}:*`)), ...names];
};

export const patternChanges = (before: Model, after: Model): readonly Change[] =>
  patternsOf(before, after).flatMap((pattern) => [
    ...patternChange(before, after, pattern, "tenant"),
    ...patternChange(before, after, pattern, "host"),
  ]);

const patternChange = (before: Model, after: Model, pattern: string, reach: Reach): readonly Change[] => {
  const path = reach === "host" ? `host patterns.${pattern}` : `patterns.${pattern}`;
  const roles: Concern = reach === "host" ? { hostPatterns: [pattern] } : { patterns: [pattern] };
  const [was, is] = [matched(before, pattern, reach), matched(after, pattern, reach)];
  const [more, less] = [without(is, was), without(was, is)];
  if (was.length > 0 && is.length === 0) {
    // A scope gives nothing, so only its end is a change to whoever has it.
    const scopes: Concern = reach === "host" ? { hostScopes: [pattern] } : { scopes: [pattern] };
    const what = "matches nothing any more";
    return [{ effect: "strands", path, what, permissions: less, concern: { ...roles, ...scopes } }];
  }
  return [
    ...(more.length === 0 ? [] : [change("widens", path, `now also means ${quotedNames(more)}`, more, roles)]),
    ...(less.length === 0 ? [] : [change("narrows", path, `no longer means ${quotedNames(less)}`, less, roles)]),
  ];
};

const matched = (model: Model, pattern: string, reach: Reach): readonly string[] =>
  permissionsIn(model, expand(model, [pattern], reach).set);

// Levels

export const levelChanges = (before: Model, after: Model): readonly Change[] =>
  keysOf(before.resources, after.resources).flatMap((type) => {
    const [was, is] = [before.resources.get(type)?.levels ?? none, after.resources.get(type)?.levels ?? none];
    return keysOf(was, is).flatMap((name) =>
      levelChange(
        `resources.${type}.levels.${name}`,
        { levels: [`${type}/${name}`] },
        levelOf(before, was.get(name)),
        levelOf(after, is.get(name)),
      ),
    );
  });

const none: ReadonlyMap<string, Level> = new Map();

type GivenLevel = { readonly permissions: readonly string[]; readonly sufficient: boolean };

const levelOf = (model: Model, level: Level | undefined): GivenLevel | undefined =>
  level && { permissions: permissionsIn(model, level.permissions), sufficient: level.sufficient };

const levelChange = (
  path: string,
  concern: Concern,
  before: GivenLevel | undefined,
  after: GivenLevel | undefined,
): readonly Change[] => {
  if (before === undefined) return after === undefined ? [] : [added(path, concern, after.permissions)];
  if (after === undefined) return [removed(path, concern, before.permissions)];
  return [
    ...gains(path, concern, without(after.permissions, before.permissions)),
    ...loses(path, concern, without(before.permissions, after.permissions)),
    ...(after.sufficient && !before.sufficient
      ? [change("widens", path, "is now enough without a role", after.permissions, concern)]
      : []),
    ...(before.sufficient && !after.sufficient
      ? [change("narrows", path, "is no longer enough without a role", before.permissions, concern)]
      : []),
  ];
};

// Sentences

const change = (
  effect: Change["effect"],
  path: string,
  what: string,
  permissions: readonly string[],
  concern: Concern,
): Change => ({ effect, path, what, permissions, concern });

const added = (path: string, concern: Concern, permissions: readonly string[]): Change =>
  change("widens", path, "is new", permissions, concern);

const removed = (path: string, concern: Concern, permissions: readonly string[]): Change =>
  change("strands", path, "is gone", permissions, concern);

const renamed = (path: string): Change => change("none", path, "has another title or description", [], {});

const gains = (path: string, concern: Concern, names: readonly string[]): readonly Change[] =>
  names.length === 0 ? [] : [change("widens", path, `gains ${quotedNames(names)}`, names, concern)];

const loses = (path: string, concern: Concern, names: readonly string[]): readonly Change[] =>
  names.length === 0 ? [] : [change("narrows", path, `loses ${quotedNames(names)}`, names, concern)];
