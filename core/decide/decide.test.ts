import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { NodeId, PrincipalId } from "../ids.ts";
import type { Model, PermissionSet } from "../model/model.ts";
import { contains, expand, permissionsIn } from "../model/permissions.ts";
import { readModel } from "../model/read-model.ts";
import { decide, rights } from "./decide.ts";
import { explain } from "./explain.ts";
import type { AssignmentFact, Decision, Facts, GrantFact, Question } from "./types.ts";

const text = `
perimeters:
  company: { collection: companies }
  shop: { collection: shops, in: [company] }
resources:
  files: { in: [shop, files], actions: [read, write, burn], levels: { view: [read], edit: [read, write], guest: [read] }, sufficient: [guest] }
  safes: { in: [shop], actions: [open, look] }
  engines: { in: [host], actions: [start] }
roles: {}
governance:
  safes:open: { class: human, approvals: { required: 2, expires_in: 1h } }
  safes:look: { class: human }
`;

const load = (): Model => {
  const read = readModel(text, "test.yaml");
  assert.ok("model" in read, JSON.stringify(read));
  return read.model;
};
const model = load();
const set = (patterns: readonly string[]): PermissionSet => expand(model, patterns, "host").set;

// Random worlds, written down as patterns, so that the oracle below needs no bit set.

const nodes = ["file", "folder", "shop", "company"] as const;
const elsewhere = "other-shop";
const now = 1_000;

type Binding = { readonly id: string; readonly expiresAt: number | null };
type World = {
  readonly state: string;
  readonly kind: "human" | "service";
  readonly states: readonly string[];
  readonly assignments: readonly (Binding & {
    readonly anchor: string;
    readonly propagation: "subtree" | "self";
    readonly permissions: readonly string[];
    readonly withinGrants: readonly string[];
  })[];
  readonly grants: readonly (Binding & { readonly node: string; readonly level: "view" | "edit" | "guest" })[];
  readonly permission: string;
  readonly scopes: readonly string[] | undefined;
  readonly humanPresent: boolean | undefined;
};

const levels = { view: ["files:read"], edit: ["files:read", "files:write"], guest: ["files:read"] } as const;

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
const id = fc.integer({ min: 0, max: 99_999 }).map(String);
const expiresAt = fc.constantFrom(null, null, null, now - 1, now, now + 1, now + 1);

const assignment = fc.record({
  id,
  anchor: fc.constantFrom(...nodes, elsewhere, "host"),
  propagation: fc.constantFrom("subtree" as const, "self" as const),
  permissions: patterns,
  withinGrants: patterns,
  expiresAt,
});
const grant = fc.record({
  id,
  node: fc.constantFrom(...nodes, elsewhere),
  level: fc.constantFrom("view" as const, "edit" as const, "guest" as const),
  expiresAt,
});
const world: fc.Arbitrary<World> = fc.record({
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
    "engines:start",
    "shops:read",
    "nothing:here",
  ),
  scopes: fc.option(patterns, { nil: undefined, freq: 1 }),
  humanPresent: fc.constantFrom(undefined, true, false),
});

const factsOf = (it: World): Facts => ({
  principal: { id: "principal" as PrincipalId, kind: it.kind, state: it.state },
  path: nodes.map((node, at) => ({ node: node as string as NodeId, type: node, state: it.states[at] ?? "" })),
  assignments: it.assignments.map(
    ({ id: name, anchor, propagation, permissions, withinGrants, expiresAt: end }): AssignmentFact => ({
      id: name,
      role: "some_role",
      anchor: anchor as NodeId | "host",
      propagation,
      permissions: set(permissions),
      withinGrants: set(withinGrants),
      expiresAt: end,
    }),
  ),
  grants: it.grants.map(
    ({ id: name, node, level, expiresAt: end }): GrantFact => ({
      id: name,
      resource: node as NodeId,
      level,
      permissions: set(levels[level]),
      sufficient: level === "guest",
      expiresAt: end,
    }),
  ),
});

const questionOf = ({ permission, scopes, humanPresent }: World): Question => ({
  permission,
  at: now,
  ...(scopes === undefined ? {} : { scopes: set(scopes) }),
  ...(humanPresent === undefined ? {} : { humanPresent }),
});

const answer = (it: World): Decision => decide(model, questionOf(it), factsOf(it));
const yes = (decision: Decision): boolean => decision.effect !== "deny";
const holds = (property: (it: World) => void) => fc.assert(fc.property(world, property), { numRuns: 3_000 });

// The oracle: access.md as a person would check it by hand, on names.

const says = (written: readonly string[], permission: string): boolean =>
  written.some((one) => new RegExp(`^${one.replaceAll("*", ".*")}$`).test(permission));

const oracle = (it: World): "deny" | "permit" | "conditional" => {
  if (it.permission === "nothing:here") return "deny";
  if ([it.state, ...it.states].some((state) => state !== "active")) return "deny";
  const alive = (one: Binding) => one.expiresAt === null || one.expiresAt > now;
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
  return it.permission === "safes:look" && !human ? "conditional" : "permit";
};

describe("theorems of decide()", () => {
  test("an oracle that works on names agrees in every random world", () => {
    const seen = { deny: 0, permit: 0, conditional: 0 };
    holds((it) => {
      const { effect } = answer(it);
      assert.equal(effect, oracle(it));
      seen[effect] += 1;
    });
    assert.ok(
      Math.min(...Object.values(seen)) > 50,
      `each effect must come up often enough to mean something: ${JSON.stringify(seen)}`,
    );
  });

  test("deny by default: without assignments and grants nothing is permitted", () => {
    holds((it) => assert.equal(answer({ ...it, assignments: [], grants: [] }).effect, "deny"));
  });

  test("a permission the model does not have is denied, even to the host", () => {
    holds((it) => assert.equal(decide(model, { ...questionOf(it), permission: "files" }, factsOf(it)).effect, "deny"));
  });

  test("order and duplicates never matter: the whole answer stays the same", () => {
    holds((it) => {
      const turned = { ...it, assignments: it.assignments.toReversed(), grants: it.grants.toReversed() };
      const twice = {
        ...it,
        assignments: [...it.assignments, ...it.assignments.toReversed()],
        grants: [...it.grants.toReversed(), ...it.grants],
      };
      assert.deepEqual(answer(turned), answer(it));
      assert.deepEqual(answer(twice), answer(it));
    });
  });

  test("adding an assignment or a grant never removes a right", () => {
    fc.assert(
      fc.property(world, assignment, grant, (it, one, other) => {
        const more = { ...it, assignments: [...it.assignments, one], grants: [...it.grants, other] };
        if (yes(answer(it))) assert.ok(yes(answer(more)));
      }),
      { numRuns: 3_000 },
    );
  });

  test("narrowing scopes never adds a right", () => {
    holds((it) => {
      const narrower = { ...it, scopes: (it.scopes ?? ["*"]).slice(1) };
      if (yes(answer(narrower))) assert.ok(yes(answer(it)));
      assert.equal(answer({ ...it, scopes: [] }).effect, "deny");
    });
  });

  test("what has expired never permits", () => {
    holds((it) => {
      const over = {
        ...it,
        assignments: it.assignments.map((one) => ({ ...one, expiresAt: now })),
        grants: it.grants.map((one) => ({ ...one, expiresAt: now - 1 })),
      };
      assert.equal(answer(over).effect, "deny");
    });
  });

  test("a principal or a perimeter in any state but active is never permitted, not even under a host role", () => {
    const host = {
      id: "0",
      anchor: "host",
      propagation: "subtree",
      permissions: ["*"],
      withinGrants: [],
      expiresAt: null,
    } as const;
    fc.assert(
      fc.property(world, fc.constantFrom("suspended", "deleted", ""), fc.nat(nodes.length - 1), (it, state, at) => {
        const strong = { ...it, assignments: [...it.assignments, host] };
        assert.equal(answer({ ...strong, state }).effect, "deny");
        assert.equal(answer({ ...strong, states: it.states.with(at, state) }).effect, "deny");
      }),
    );
  });

  test("a service is never taken for a human of record, whatever it says", () => {
    holds((it) => {
      const service = answer({ ...it, kind: "service", humanPresent: true, permission: "safes:look" });
      assert.notEqual(service.effect, "permit");
    });
  });

  test("the rights at a target are exactly what decide() does not deny there", () => {
    holds((it) => {
      const facts = factsOf(it);
      const held = rights(model, facts, now);
      for (const permission of model.vocabulary.values()) {
        assert.equal(
          contains(held, permission),
          yes(decide(model, { permission: permission.name, at: now }, facts)),
          permission.name,
        );
      }
    });
  });

  test("facts survive JSON, as the cache needs them to", () => {
    holds((it) => {
      const cached = JSON.parse(JSON.stringify(factsOf(it))) as Facts;
      assert.deepEqual(decide(model, questionOf(it), cached), answer(it));
    });
  });
});

// Reasons, one by one.

const empty: World = {
  state: "active",
  kind: "human",
  states: nodes.map(() => "active"),
  assignments: [],
  grants: [],
  permission: "files:write",
  scopes: undefined,
  humanPresent: undefined,
};
const held = (anchor: string, permissions: readonly string[], withinGrants: readonly string[] = []) => ({
  id: `at-${anchor}`,
  anchor,
  propagation: "subtree" as const,
  permissions,
  withinGrants,
  expiresAt: null,
});
const given = (node: string, level: "view" | "edit" | "guest") => ({ id: `on-${node}`, node, level, expiresAt: null });

const reason = (more: Partial<World>): string => answer({ ...empty, ...more }).because.rule;

describe("reasons", () => {
  test("a denial names the nearest missing step", () => {
    assert.equal(reason({}), "no_role");
    assert.equal(reason({ permission: "nothing:here" }), "unknown_permission");
    assert.equal(reason({ state: "suspended" }), "principal_not_active");
    assert.equal(reason({ states: ["active", "active", "suspended", "active"] }), "perimeter_not_active");
    assert.equal(reason({ assignments: [held("shop", ["*"])], scopes: ["files:read"] }), "out_of_scope");
    assert.equal(reason({ assignments: [held("shop", [], ["files:*"])] }), "needs_grant");
    assert.equal(
      reason({ assignments: [held("shop", [], ["files:*"])], grants: [given("folder", "view")] }),
      "needs_grant",
    );
    assert.equal(reason({ grants: [given("folder", "edit")] }), "needs_role");
    assert.equal(reason({ assignments: [{ ...held("shop", ["*"]), expiresAt: now }] }), "expired");
    assert.equal(reason({ assignments: [held(elsewhere, ["*"])] }), "out_of_reach");
    assert.equal(reason({ assignments: [{ ...held("shop", ["*"]), propagation: "self" }] }), "out_of_reach");
  });

  test("a permit names its rule, and a bypass only where nothing else would do", () => {
    const host = held("host", ["*"]);
    const ceiling = held("company", [], ["files:*"]);
    assert.equal(reason({ assignments: [host, held("shop", ["files:*"])] }), "role");
    assert.equal(reason({ assignments: [host, ceiling], grants: [given("folder", "edit")] }), "role_within_grant");
    assert.equal(
      reason({ permission: "files:read", assignments: [host], grants: [given("folder", "guest")] }),
      "grant",
    );
    assert.deepEqual(answer({ ...empty, assignments: [host] }).because, {
      rule: "host_role",
      permission: "files:write",
      assignment: "at-host",
      role: "some_role",
      bypass: true,
    });
  });

  test("the host itself, an empty path, is reached by host roles only", () => {
    const facts = (anchor: string): Facts => ({
      ...factsOf({ ...empty, assignments: [held(anchor, ["*"])] }),
      path: [],
    });
    const question = { permission: "companies:create", at: now };
    assert.equal(decide(model, question, facts("company")).effect, "deny");
    assert.equal(decide(model, question, facts("host")).effect, "permit");
  });

  test("what belongs to the host can't be had inside a tenant", () => {
    assert.deepEqual(expand(model, ["engines:start"]).unknown, ["engines:start"]);
    assert.ok(!permissionsIn(model, expand(model, ["*"]).set).includes("engines:start"));
    assert.equal(reason({ permission: "engines:start", assignments: [held("company", ["*"])] }), "no_role");
    assert.equal(reason({ permission: "engines:start", assignments: [held("host", ["*"])] }), "host_role");
  });

  test("governance makes a yes conditional, with every obligation listed", () => {
    const open: World = { ...empty, permission: "safes:open", assignments: [held("company", ["*"])] };
    const approval = { kind: "approval", rule: { required: 2, initiatorMayApprove: false, expiresInSeconds: 3_600 } };
    assert.deepEqual(answer(open).obligations, [approval]);
    assert.deepEqual(answer({ ...open, kind: "service" }).obligations, [{ kind: "human" }, approval]);
    assert.equal(answer({ ...open, permission: "safes:look" }).effect, "permit");
    assert.equal(answer({ ...open, permission: "safes:look", humanPresent: false }).effect, "conditional");
  });

  test("every decision can be said in plain sentences", () => {
    holds((it) => {
      for (const sentence of explain(answer(it))) assert.match(sentence, /^[a-z`].*[^.]$/);
    });
    assert.deepEqual(
      explain(answer({ ...empty, permission: "safes:open", assignments: [held("company", ["safes:*"])] })),
      [
        "role `some_role` gives `safes:open`, by assignment at-company at company",
        "the approval of 2 humans is needed",
      ],
    );
  });
});
