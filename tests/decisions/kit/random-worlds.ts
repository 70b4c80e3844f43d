/**
 * Random worlds for the theorems of `decide()`, written down as patterns and names, so that the oracle needs no bit set and no CEL: each
 * condition has its meaning beside it, in another language.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { decide } from "../../../core/decide/decide.ts";
import type {
  AssignmentFact,
  Circumstances,
  Decision,
  Facts,
  GrantFact,
  Question,
} from "../../../core/decide/types.ts";
import type { NodeId, PrincipalId } from "../../../core/ids.ts";
import type { Model, PermissionSet } from "../../../core/model/model.ts";
import { expand } from "../../../core/model/permissions.ts";
import { readModel } from "../../../core/model/read-model.ts";

const text = `
perimeters:
  company: { collection: companies }
  shop: { collection: shops, in: [company] }
resources:
  files: { in: [shop, files], actions: [read, write, burn], levels: { view: [read], edit: [read, write], guest: [read] }, sufficient: [guest] }
  safes: { in: [shop], actions: [open, look, seal] }
  engines: { in: [host], actions: [start] }
roles:
  keeper: { permissions: ["safes:*"] }
  clerk: { permissions: ["shops:read"], within_grants: ["files:read", "files:write"] }
governance:
  safes:open: { class: human, approvals: { required: 2, expires_in: 1h } }
  safes:look: { class: human }
  safes:seal: { class: human, acr: "urn:countersign:acr:multi-factor" }
`;

const load = (): Model => {
  const read = readModel(text, "test.yaml");
  assert.ok("model" in read, JSON.stringify(read));
  return read.model;
};
export const model = load();
export const set = (patterns: readonly string[]): PermissionSet => expand(model, patterns, "host").set;

export const nodes = ["file", "folder", "shop", "company"] as const;
export const types = ["files", "files", "shop", "company"] as const;
export const elsewhere = "other-shop";
export const now = 1_000;

/** Each text with what it comes to in a world: true, false, or undefined where it can't be said. */
export const conditions: Readonly<Record<string, (it: World) => boolean | undefined>> = {
  "context.ok == true": (it) =>
    it.context === undefined || !("ok" in it.context) ? undefined : it.context.ok === true,
  "has(context.ok) && context.ok != false": (it) =>
    it.context !== undefined && "ok" in it.context && it.context.ok !== false,
  "subject.kind == 'human'": (it) => it.kind === "human",
  "resource.type == 'files'": () => true,
  "resource.owner == subject.ref": (it) => it.isOwner || undefined,
  "now < timestamp('1970-01-01T00:00:02Z')": () => true,
  "subject.acr == 'phr'": (it) => (it.acr === undefined ? undefined : it.acr === "phr"),
  "1 / int(context.zero) == 1": () => undefined,
  "this is no CEL": () => undefined,
};

export type Binding = {
  readonly id: string;
  readonly expiresAt: number | null;
  readonly condition: string | undefined;
  readonly via: string | undefined;
};
export type WorldAssignment = Binding & {
  readonly anchor: string;
  readonly propagation: "subtree" | "self";
  readonly permissions: readonly string[];
  readonly withinGrants: readonly string[];
};
export type WorldGrant = Binding & { readonly node: string; readonly level: "view" | "edit" | "guest" };
export type World = {
  readonly state: string;
  readonly kind: "human" | "service";
  readonly states: readonly string[];
  readonly assignments: readonly WorldAssignment[];
  readonly grants: readonly WorldGrant[];
  readonly permission: string;
  readonly scopes: readonly string[] | undefined;
  readonly humanPresent: boolean | undefined;
  readonly acr: string | undefined;
  readonly context: { readonly ok?: unknown } | undefined;
  readonly isOwner: boolean;
};

export const levels = { view: ["files:read"], edit: ["files:read", "files:write"], guest: ["files:read"] } as const;
const singleFactor = "urn:countersign:acr:single-factor";

const mostly = <T>(usual: T, ...rare: readonly T[]) =>
  fc.oneof({ weight: 29, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(usual, ...rare) });
const pattern = fc.constantFrom(
  "files:read",
  "files:write",
  "files:*",
  "safes:open",
  "safes:*",
  "engines:start",
  "users:read",
  "shops:read",
  "*",
);
const patterns = fc.array(pattern, { maxLength: 3 });
const binding = {
  id: fc.integer({ min: 0, max: 99_999 }).map(String),
  expiresAt: fc.constantFrom(null, null, null, now - 1, now, now + 1, now + 1),
  condition: fc.option(fc.constantFrom(...Object.keys(conditions)), { nil: undefined, freq: 2 }),
  via: fc.option(fc.constantFrom("groups/a", "groups/b"), { nil: undefined, freq: 2 }),
};

export const assignment: fc.Arbitrary<WorldAssignment> = fc.record({
  ...binding,
  anchor: fc.constantFrom(...nodes, elsewhere, "host"),
  propagation: fc.constantFrom("subtree" as const, "self" as const),
  permissions: patterns,
  withinGrants: patterns,
});
export const grant: fc.Arbitrary<WorldGrant> = fc.record({
  ...binding,
  node: fc.constantFrom(...nodes, elsewhere),
  level: fc.constantFrom("view" as const, "edit" as const, "guest" as const),
});
export const world: fc.Arbitrary<World> = fc.record({
  state: mostly("active", "suspended", "deleted", "mystery"),
  kind: fc.constantFrom("human" as const, "service" as const),
  states: fc.tuple(...nodes.map(() => mostly("active", "suspended", "mystery"))),
  assignments: fc.uniqueArray(assignment, { maxLength: 6, selector: (one) => one.id }),
  grants: fc.uniqueArray(grant, { maxLength: 3, selector: (one) => one.id }),
  permission: fc.constantFrom(
    "files:read",
    "files:write",
    "files:burn",
    "safes:open",
    "safes:look",
    "safes:seal",
    "engines:start",
    "shops:read",
    "nothing:here",
  ),
  scopes: fc.option(patterns, { nil: undefined, freq: 2 }),
  humanPresent: fc.constantFrom(undefined, true, false),
  acr: fc.constantFrom(undefined, singleFactor, "urn:countersign:acr:multi-factor", "phr", "made up"),
  context: fc.constantFrom(undefined, {}, { ok: true }, { ok: false }, { ok: "true" }, { ok: 1 }),
  isOwner: fc.boolean(),
});

const bound = ({ condition, via }: Pick<Binding, "condition" | "via">) => ({
  ...(condition === undefined ? {} : { condition }),
  ...(via === undefined ? {} : { via }),
});

export const factsOf = (it: World): Facts => ({
  principal: { id: "principal" as PrincipalId, kind: it.kind, state: it.state },
  path: nodes.map((node, at) => ({
    node: node as string as NodeId,
    type: types[at] ?? "",
    state: it.states[at] ?? "",
  })),
  assignments: it.assignments.map((one): AssignmentFact => {
    const { id, anchor, propagation, permissions, withinGrants, expiresAt } = one;
    const role = { role: "some_role", permissions: set(permissions), withinGrants: set(withinGrants) };
    return { id, ...role, anchor: anchor as NodeId | "host", propagation, expiresAt, ...bound(one) };
  }),
  grants: it.grants.map((one): GrantFact => {
    const { id, node, level, expiresAt } = one;
    const given = { level, permissions: set(levels[level]), sufficient: level === "guest" };
    return { id, resource: node as NodeId, ...given, expiresAt, ...bound(one) };
  }),
  ...(it.isOwner ? { resource: { owner: `${it.kind === "human" ? "users" : "service-accounts"}/principal` } } : {}),
});

export const circumstancesOf = ({ acr, context }: World): Circumstances => ({
  ...(acr === undefined ? {} : { acr }),
  ...(context === undefined ? {} : { context }),
});

export const questionOf = (it: World): Question => ({
  permission: it.permission,
  at: now,
  ...(it.scopes === undefined ? {} : { scopes: set(it.scopes) }),
  ...(it.humanPresent === undefined ? {} : { humanPresent: it.humanPresent }),
  ...circumstancesOf(it),
});

export const answer = (it: World): Decision => decide(model, questionOf(it), factsOf(it));
export const yes = (decision: Decision): boolean => decision.effect !== "deny";
export const holds = (property: (it: World) => void) => fc.assert(fc.property(world, property), { numRuns: 3_000 });

/** Whether its condition is exactly true in this world; what carries none has nothing that could fail. */
export const counts = (it: World, { condition }: Pick<Binding, "condition">): boolean =>
  condition === undefined || conditions[condition]?.(it) === true;

const says = (written: readonly string[], permission: string): boolean =>
  written.some((one) => new RegExp(`^${one.replaceAll("*", ".*")}$`).test(permission));

/** The rules as a person would check them by hand, on names. */
export const oracle = (it: World): "deny" | "permit" | "conditional" => {
  if (it.permission === "nothing:here") return "deny";
  if ([it.state, ...it.states].some((state) => state !== "active")) return "deny";
  const alive = (one: Binding) => (one.expiresAt === null || one.expiresAt > now) && counts(it, one);
  const below = (node: string) => nodes.some((one) => one === node);
  const here = it.assignments.filter(
    (one) =>
      alive(one) &&
      (one.anchor === "host" || one.anchor === "file" || (one.propagation === "subtree" && below(one.anchor))),
  );
  const tenant = it.permission === "engines:start" ? [] : here.filter((one) => one.anchor !== "host");
  const grants = it.grants.filter(
    (one) => alive(one) && below(one.node) && levels[one.level].some((name) => name === it.permission),
  );
  const allowed =
    here.some((one) => one.anchor === "host" && says(one.permissions, it.permission)) ||
    tenant.some((one) => says(one.permissions, it.permission)) ||
    (grants.length > 0 && tenant.some((one) => says(one.withinGrants, it.permission))) ||
    grants.some((one) => one.level === "guest");
  if (!allowed || (it.scopes !== undefined && !says(it.scopes, it.permission))) return "deny";
  if (it.permission === "safes:open") return "conditional";
  const human = it.kind === "human" && it.humanPresent !== false;
  if (it.permission === "safes:look") return human ? "permit" : "conditional";
  const strong = it.acr === "phr" || it.acr === "urn:countersign:acr:multi-factor";
  return it.permission === "safes:seal" && !(human && strong) ? "conditional" : "permit";
};

/** An empty world to put single things into. */
export const empty: World = {
  state: "active",
  kind: "human",
  states: nodes.map(() => "active"),
  assignments: [],
  grants: [],
  permission: "files:write",
  scopes: undefined,
  humanPresent: undefined,
  acr: undefined,
  context: undefined,
  isOwner: false,
};

export const held = (
  anchor: string,
  permissions: readonly string[],
  withinGrants: readonly string[] = [],
  more: Partial<WorldAssignment> = {},
): WorldAssignment => ({
  id: `at-${anchor}`,
  anchor,
  propagation: "subtree",
  permissions,
  withinGrants,
  expiresAt: null,
  condition: undefined,
  via: undefined,
  ...more,
});

export const given = (node: string, level: WorldGrant["level"], more: Partial<WorldGrant> = {}): WorldGrant => ({
  id: `on-${node}`,
  node,
  level,
  expiresAt: null,
  condition: undefined,
  via: undefined,
  ...more,
});

/** The world without the conditions that carry nothing away: what counts counts without one, and the rest is not there. */
export const settled = (it: World): World => ({
  ...it,
  assignments: it.assignments.filter((one) => counts(it, one)).map((one) => ({ ...one, condition: undefined })),
  grants: it.grants.filter((one) => counts(it, one)).map((one) => ({ ...one, condition: undefined })),
});
