import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
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
  type World,
} from "../../tests/decisions/kit/random-worlds.ts";
import { expand, permissionsIn } from "../model/permissions.ts";
import type { PrincipalId } from "../ids.ts";
import { readModel } from "../model/read-model.ts";
import { decide, rights } from "./decide.ts";
import { explain } from "./explain.ts";
import type { Facts } from "./types.ts";

const reason = (more: Partial<World>): string => answer({ ...empty, ...more }).because.rule;
const yes = "resource.type == 'files'";
const no = "context.ok == true";

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

  test("a condition is the missing step where nothing else is", () => {
    const bound = held("shop", ["*"], [], { condition: no });
    assert.deepEqual(answer({ ...empty, assignments: [bound] }).because, {
      rule: "condition_not_met",
      permission: "files:write",
      assignment: "at-shop",
      role: "some_role",
      condition: no,
      error: "no such key: ok",
    });
    assert.deepEqual(
      answer({ ...empty, context: { ok: false }, assignments: [{ ...bound, via: "groups/a" }] }).because,
      {
        rule: "condition_not_met",
        permission: "files:write",
        assignment: "at-shop",
        role: "some_role",
        condition: no,
        via: "groups/a",
      },
    );
    const guest = given("folder", "guest", { condition: no });
    assert.deepEqual(answer({ ...empty, permission: "files:read", context: {}, grants: [guest] }).because, {
      rule: "condition_not_met",
      permission: "files:read",
      grant: "on-folder",
      level: "guest",
      condition: no,
      error: "no such key: ok",
    });
    assert.equal(
      reason({ permission: "engines:start", assignments: [held("host", ["*"], [], { condition: no })] }),
      "condition_not_met",
    );
  });

  test("of a role and a grant the one whose condition fails is named, and both only where both do", () => {
    const named = (ceiling: string | undefined, grant: string | undefined) => {
      const { because } = answer({
        ...empty,
        assignments: [held("shop", [], ["files:*"], { condition: ceiling })],
        grants: [given("folder", "edit", { condition: grant })],
      });
      return because.rule === "condition_not_met" ? ("assignment" in because ? "role" : "grant") : because.rule;
    };
    assert.equal(named(undefined, undefined), "role_within_grant");
    assert.equal(named(yes, yes), "role_within_grant");
    assert.equal(named(no, yes), "role");
    assert.equal(named(undefined, no), "grant");
    assert.equal(named(no, no), "role");
  });

  test("a condition that would not be enough is named before what has expired, and after what is nearer", () => {
    const ceiling = held("shop", [], ["files:*"], { condition: no });
    assert.equal(reason({ assignments: [ceiling] }), "condition_not_met");
    assert.equal(reason({ assignments: [ceiling, held("company", [], ["files:*"])] }), "needs_grant");
    assert.equal(reason({ assignments: [{ ...ceiling, expiresAt: now }] }), "expired");
    assert.equal(reason({ assignments: [held(elsewhere, ["*"], [], { condition: no })] }), "out_of_reach");
    assert.equal(
      reason({ assignments: [held("shop", ["*"], [], { condition: no })], scopes: [] }),
      "condition_not_met",
    );
  });

  test("a permit names its group and its condition, and those of the grant", () => {
    assert.deepEqual(
      answer({ ...empty, assignments: [held("shop", ["*"], [], { via: "groups/a", condition: yes })] }).because,
      {
        rule: "role",
        permission: "files:write",
        assignment: "at-shop",
        role: "some_role",
        anchor: "shop",
        via: "groups/a",
        condition: yes,
      },
    );
    const { because } = answer({
      ...empty,
      assignments: [held("shop", [], ["files:*"], { via: "groups/a" })],
      grants: [given("folder", "edit", { via: "groups/b", condition: yes })],
    });
    assert.deepEqual(because, {
      rule: "role_within_grant",
      permission: "files:write",
      assignment: "at-shop",
      role: "some_role",
      anchor: "shop",
      via: "groups/a",
      grant: "on-folder",
      level: "edit",
      resource: "folder",
      grantVia: "groups/b",
      grantCondition: yes,
    });
  });

  test("a bypass is named only where no ordinary rule holds, one with a condition included", () => {
    const host = held("host", ["*"]);
    assert.equal(reason({ assignments: [host, held("shop", ["*"], [], { condition: yes })] }), "role");
    assert.equal(reason({ assignments: [host, held("shop", ["*"], [], { condition: no })] }), "host_role");
  });

  test("a class of sign-in is asked of a human who is there, and of nobody else", () => {
    const seal: World = { ...empty, permission: "safes:seal", assignments: [held("company", ["*"])] };
    const step = [{ kind: "step_up", acr: "urn:countersign:acr:multi-factor" }];
    assert.deepEqual(answer(seal).obligations, step);
    assert.deepEqual(answer({ ...seal, acr: "urn:countersign:acr:single-factor" }).obligations, step);
    assert.deepEqual(answer({ ...seal, acr: "made up" }).obligations, step);
    assert.equal(answer({ ...seal, acr: "urn:countersign:acr:multi-factor" }).effect, "permit");
    assert.equal(answer({ ...seal, acr: "phr" }).effect, "permit");
    assert.deepEqual(answer({ ...seal, acr: "phr", humanPresent: false }).obligations, [{ kind: "human" }]);
    assert.deepEqual(answer({ ...seal, acr: "phr", kind: "service" }).obligations, [{ kind: "human" }]);
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

  test("a host role alone gives all it has, however many words the permissions take and wherever the host's own stand", () => {
    const read = readModel(readFileSync(new URL("../../models/aico.yaml", import.meta.url), "utf8"), "aico.yaml");
    assert.ok("model" in read);
    const all = expand(read.model, ["*"], "host").set;
    const host = { id: "a", role: "super_admin", anchor: "host", propagation: "subtree", expiresAt: null } as const;
    const facts: Facts = {
      principal: { id: "p" as PrincipalId, kind: "human", state: "active" },
      path: [],
      assignments: [{ ...host, permissions: all, withinGrants: [] }],
      grants: [],
    };
    assert.deepEqual(permissionsIn(read.model, rights(read.model, facts, now)), read.model.permissions);
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
      for (const sentence of explain(answer(it))) assert.match(sentence, /^[a-z`].*[^.]$/s);
    });
    assert.deepEqual(
      explain(answer({ ...empty, assignments: [held("shop", ["*"], [], { condition: no, via: "groups/a" })] })),
      [
        "role `some_role`, by assignment at-shop, would give `files:write`, and its condition `context.ok == true` can't be evaluated: no such key: ok",
      ],
    );
    assert.deepEqual(
      explain(answer({ ...empty, assignments: [held("shop", ["*"], [], { condition: yes, via: "groups/a" })] })),
      [
        "role `some_role` gives `files:write`, by assignment at-shop at shop through groups/a, as `resource.type == 'files'` is true",
      ],
    );
    assert.deepEqual(
      explain(answer({ ...empty, permission: "safes:open", assignments: [held("company", ["safes:*"])] })),
      [
        "role `some_role` gives `safes:open`, by assignment at-company at company",
        "the approval of 2 humans is needed",
      ],
    );
  });
});
