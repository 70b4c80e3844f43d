import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  answer,
  elsewhere,
  empty,
  factsOf,
  given,
  held,
  holds,
  model,
  now,
  questionOf,
  set,
  type World,
} from "../../tests/decisions/kit/random-worlds.ts";
import { decide } from "./decide.ts";
import { type Explanation, explanation } from "./explanation.ts";
import type { MissingStep } from "./steps.ts";
import type { Facts, GrantFact, Question } from "./types.ts";

const explained = (it: World): Explanation => explanation(model, questionOf(it), factsOf(it));

/** The step, taken as a person would who read it. */
const taken = (it: World, step: MissingStep): { readonly question: Question; readonly facts: Facts } => {
  const question = questionOf(it);
  const facts = factsOf(it);
  const same = (one: { readonly id: string }): boolean =>
    one.id === ("assignment" in step ? step.assignment : "grant" in step ? step.grant : undefined);
  const changed = (change: object): Facts => ({
    ...facts,
    assignments: facts.assignments.map((one) => ("assignment" in step && same(one) ? { ...one, ...change } : one)),
    grants: facts.grants.map((one) => ("grant" in step && same(one) ? { ...one, ...change } : one)),
  });
  switch (step.missing) {
    case "scope":
      return { question: { ...question, scopes: set([...(it.scopes ?? []), step.scope]) }, facts };
    case "condition":
      return { question, facts: changed({ condition: "true" }) };
    case "renewal":
      return { question, facts: changed({ expiresAt: now + 1_000 }) };
    case "active_principal":
      return { question, facts: { ...facts, principal: { ...facts.principal, state: "active" } } };
    case "active_node": {
      const path = facts.path.map((node) => (node.node === step.on.node ? { ...node, state: "active" } : node));
      return { question, facts: { ...facts, path } };
    }
    case "grant": {
      const [name = ""] = step.levels.slice(-1);
      const level = model.resources.get(step.on.type)?.levels.get(name);
      assert.ok(level);
      const { permissions, sufficient } = level;
      const grant: GrantFact = {
        id: "new",
        resource: step.on.node,
        level: name,
        permissions,
        sufficient,
        expiresAt: null,
      };
      return { question, facts: { ...facts, grants: [...facts.grants, grant] } };
    }
    case "role": {
      const [name = ""] = step.roles.slice(-1);
      const role = (step.at === "host" ? model.hostRoles : model.roles).get(name);
      assert.ok(role);
      const { permissions, withinGrants } = role;
      const anchor = step.at === "host" ? step.at : step.at.node;
      const one = {
        id: "new",
        role: name,
        anchor,
        propagation: "subtree",
        permissions,
        withinGrants,
        expiresAt: null,
      } as const;
      return { question, facts: { ...facts, assignments: [...facts.assignments, one] } };
    }
  }
};

describe("explanation()", () => {
  test("the decision is decide()'s, and everything is considered, once each", () => {
    holds((it) => {
      const { decision, considered } = explained(it);
      assert.deepEqual(decision, answer(it));
      assert.deepEqual(
        considered.map((one) => (one.kind === "assignment" ? one.assignment : one.grant)).toSorted(),
        [...it.assignments, ...it.grants].map(({ id }) => id).toSorted(),
      );
    });
  });

  test("something permits exactly where the authority is there, before states, scopes and what else must happen", () => {
    holds((it) => {
      const bare = { ...it, scopes: undefined, state: "active", states: empty.states };
      const permits = explained(bare).considered.some(({ outcome }) => outcome === "permits");
      assert.equal(permits, answer(bare).effect !== "deny");
    });
  });

  test("what the reason of a yes names has the outcome that gives it", () => {
    holds((it) => {
      const { decision, considered } = explained(it);
      if (decision.effect === "deny") return;
      const { because } = decision;
      for (const one of considered) {
        if (one.kind === "assignment" && "assignment" in because && one.assignment === because.assignment)
          assert.equal(one.outcome === "within_grants" || one.outcome === "permits", true);
        if (one.kind === "grant" && "grant" in because && one.grant === because.grant)
          assert.equal(one.outcome, "permits");
      }
    });
  });

  test("every step that is proposed is enough alone", () => {
    const seen = new Map<string, number>();
    holds((it) => {
      for (const step of explained(it).missing) {
        seen.set(step.missing, (seen.get(step.missing) ?? 0) + 1);
        const { question, facts } = taken(it, step);
        assert.notEqual(decide(model, question, facts).effect, "deny", JSON.stringify(step));
      }
    });
    assert.deepEqual(
      [...seen.keys()].toSorted(),
      ["active_node", "active_principal", "condition", "grant", "renewal", "role", "scope"],
      "each kind came up",
    );
  });

  test("whoever has very many bindings is told of some steps, and soon", () => {
    const condition = "context.ok == true";
    const many = Array.from({ length: 3_000 }, (_, at) => held("shop", ["*"], [], { id: String(at), condition }));
    const { considered, missing } = explained({ ...empty, assignments: many });
    assert.equal(considered.length, 3_000);
    assert.equal(missing.filter((step) => step.missing === "condition").length, 10);
  });

  test("no step is proposed where nothing is missing", () => {
    holds((it) => {
      if (answer(it).effect !== "deny") assert.deepEqual(explained(it).missing, []);
    });
  });

  test("outcomes, one by one", () => {
    const outcome = (it: Partial<World>) => explained({ ...empty, ...it }).considered.map((one) => one.outcome);
    const ceiling = held("company", [], ["files:*"]);
    assert.deepEqual(outcome({ assignments: [held("shop", ["safes:*"])] }), ["gives_nothing"]);
    assert.deepEqual(outcome({ assignments: [held(elsewhere, ["*"])] }), ["out_of_reach"]);
    assert.deepEqual(outcome({ assignments: [held("shop", ["*"], [], { propagation: "self" })] }), ["out_of_reach"]);
    assert.deepEqual(outcome({ assignments: [held("shop", ["*"], [], { expiresAt: now })] }), ["expired"]);
    assert.deepEqual(outcome({ assignments: [held("shop", ["*"])] }), ["permits"]);
    assert.deepEqual(outcome({ assignments: [ceiling] }), ["within_grants"]);
    assert.deepEqual(outcome({ assignments: [ceiling], grants: [given("folder", "edit")] }), [
      "within_grants",
      "permits",
    ]);
    assert.deepEqual(outcome({ grants: [given("folder", "edit")] }), ["needs_role"]);
    assert.deepEqual(outcome({ grants: [given("folder", "view")] }), ["gives_nothing"]);
    assert.deepEqual(outcome({ permission: "files:read", grants: [given("folder", "guest")] }), ["permits"]);
    assert.deepEqual(outcome({ permission: "engines:start", assignments: [held("shop", ["*"])] }), ["gives_nothing"]);
  });

  test("a condition that is not met says why, and which group it came through", () => {
    const condition = "context.ok == true";
    const bound = held("shop", ["*"], [], { condition, via: "groups/a" });
    const [one] = explained({ ...empty, assignments: [bound] }).considered;
    assert.deepEqual(one, {
      kind: "assignment",
      assignment: "at-shop",
      role: "some_role",
      anchor: "shop",
      propagation: "subtree",
      expiresAt: null,
      outcome: "condition_not_met",
      condition,
      via: "groups/a",
      error: "no such key: ok",
    });
    assert.deepEqual(explained({ ...empty, assignments: [bound] }).missing[0], {
      missing: "condition",
      assignment: "at-shop",
      condition,
      error: "no such key: ok",
    });
  });

  test("a grant is proposed at the target, with every level that would do; a role at its nearest perimeter", () => {
    const { missing } = explained({
      ...empty,
      permission: "files:read",
      assignments: [held("shop", [], ["files:read"])],
    });
    const at = (node: string, type: string) => ({ node, type, state: "active" });
    assert.deepEqual(missing, [{ missing: "grant", levels: ["view", "edit", "guest"], on: at("file", "files") }]);
    assert.deepEqual(explained({ ...empty, permission: "safes:look" }).missing, [
      { missing: "role", roles: ["keeper"], at: at("shop", "shop") },
    ]);
    assert.deepEqual(explained({ ...empty, permission: "files:read", grants: [given("folder", "view")] }).missing, [
      { missing: "grant", levels: ["guest"], on: at("file", "files") },
      { missing: "role", roles: ["clerk"], at: at("shop", "shop") },
    ]);
    assert.deepEqual(explained({ ...empty, permission: "engines:start" }).missing, [
      { missing: "role", roles: ["super_admin"], at: "host" },
    ]);
    assert.deepEqual(explained({ ...empty, permission: "nothing:here" }).missing, []);
  });
});
