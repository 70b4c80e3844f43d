import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  answer,
  assignment,
  circumstancesOf,
  counts,
  factsOf,
  grant,
  held,
  holds,
  model,
  nodes,
  now,
  oracle,
  questionOf,
  settled,
  type World,
  world,
  yes,
} from "../../tests/decisions/kit/random-worlds.ts";
import { contains } from "../model/permissions.ts";
import { decide, rights } from "./decide.ts";
import { relevantTo } from "./relevant.ts";
import type { Facts } from "./types.ts";

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

  test("adding an assignment or a grant, through a group or not, bound or not, never removes a right", () => {
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
    fc.assert(
      fc.property(world, fc.constantFrom("suspended", "deleted", ""), fc.nat(nodes.length - 1), (it, state, at) => {
        const strong = { ...it, assignments: [...it.assignments, held("host", ["*"])] };
        assert.equal(answer({ ...strong, state }).effect, "deny");
        assert.equal(answer({ ...strong, states: it.states.with(at, state) }).effect, "deny");
      }),
    );
  });

  test("a service never gains by what is said of a human: it is not taken for one, and no sign-in is asked of it", () => {
    holds((it) => {
      for (const permission of ["safes:look", "safes:seal"]) {
        const service: World = { ...it, kind: "service", permission };
        const asserted = answer({ ...service, humanPresent: true, acr: "phr" });
        assert.notEqual(asserted.effect, "permit");
        assert.ok(asserted.obligations.every(({ kind }) => kind !== "step_up"));
      }
    });
  });

  test("a stronger sign-in never takes anything away, where no condition asks for a weaker one", () => {
    holds((it) => {
      const weak = answer({ ...settled(it), acr: "urn:countersign:acr:single-factor" });
      const strong = answer({ ...settled(it), acr: "phr" });
      assert.equal(yes(strong), yes(weak));
      assert.ok(strong.obligations.length <= weak.obligations.length);
    });
  });

  test("facts survive JSON, as the cache needs them to", () => {
    holds((it) => {
      const cached = JSON.parse(JSON.stringify(factsOf(it))) as Facts;
      assert.deepEqual(decide(model, questionOf(it), cached), answer(it));
    });
  });

  test("what is kept of facts decides like all of them: the whole answer, and every right", () => {
    let shorter = 0;
    holds((it) => {
      const [all, kept] = [factsOf(it), relevantTo(factsOf(it))];
      assert.deepEqual(decide(model, questionOf(it), kept), decide(model, questionOf(it), all));
      assert.deepEqual(rights(model, kept, now), rights(model, all, now));
      if (kept.path.length < all.path.length) shorter += 1;
    });
    assert.ok(shorter > 100, `the path was shortened in ${shorter} worlds`);
  });
});

describe("theorems of conditions", () => {
  const withoutConditions = (it: World): World => ({
    ...it,
    assignments: it.assignments.filter(({ condition }) => condition === undefined),
    grants: it.grants.filter(({ condition }) => condition === undefined),
  });

  test("one that is false, can't be evaluated or is no CEL is the binding's absence; one that is true is its own", () => {
    holds((it) => {
      const { effect, obligations } = answer(settled(it));
      assert.equal(answer(it).effect, effect);
      assert.deepEqual(answer(it).obligations, obligations);
    });
  });

  test("with all of them true, only what is named differs from a world that has none", () => {
    holds((it) => {
      const bare = {
        ...it,
        assignments: it.assignments.map((one) => ({ ...one, condition: undefined })),
        grants: it.grants.map((one) => ({ ...one, condition: undefined })),
      };
      const bound = {
        ...it,
        assignments: it.assignments.map((one) => ({ ...one, condition: "resource.type == 'files'" })),
        grants: it.grants.map((one) => ({ ...one, condition: "resource.type == 'files'" })),
      };
      const { condition: _, grantCondition: __, ...because } = answer(bound).because as Record<string, unknown>;
      assert.deepEqual({ ...answer(bound), because }, answer(bare));
    });
  });

  test("what carries none is named before what does", () => {
    holds((it) => {
      const plain = answer(withoutConditions(it));
      const { because } = plain;
      if (plain.effect !== "deny" && because.rule !== "host_role") assert.deepEqual(answer(it), plain);
    });
  });

  test("which group it came through changes no answer, and is said in it", () => {
    holds((it) => {
      const direct = {
        ...it,
        assignments: it.assignments.map((one) => ({ ...one, via: undefined })),
        grants: it.grants.map((one) => ({ ...one, via: undefined })),
      };
      const { because } = answer(it);
      assert.equal(answer(direct).effect, answer(it).effect);
      assert.equal(answer(direct).because.rule, because.rule);
      if ("via" in because || "grantVia" in because) assert.notDeepEqual(answer(direct).because, because);
      const named =
        "assignment" in because
          ? it.assignments.find(({ id }) => id === because.assignment)
          : "grant" in because
            ? it.grants.find(({ id }) => id === because.grant)
            : undefined;
      if (yes(answer(it))) assert.equal((because as { via?: string }).via, named?.via);
    });
  });

  test("a condition that is named as not met is not met, and the one that is named as met is", () => {
    const seen = { met: 0, unmet: 0 };
    holds((it) => {
      const { because } = answer(it);
      if (because.rule === "condition_not_met") {
        seen.unmet += 1;
        assert.ok(!counts(it, because));
      } else if ("condition" in because && because.condition !== undefined) {
        seen.met += 1;
        assert.ok(counts(it, { condition: because.condition }));
      }
    });
    assert.ok(Math.min(seen.met, seen.unmet) > 50, JSON.stringify(seen));
  });
});

describe("rights()", () => {
  test("with a question's circumstances they are exactly what decide() does not deny", () => {
    holds((it) => {
      const facts = factsOf(it);
      const all = rights(model, facts, now, circumstancesOf(it));
      for (const permission of model.vocabulary.values()) {
        const question = { permission: permission.name, at: now, ...circumstancesOf(it) };
        assert.equal(contains(all, permission), yes(decide(model, question, facts)), permission.name);
      }
    });
  });

  test("without them nothing that carries a condition counts: what is passed on is held whatever happens", () => {
    holds((it) => {
      assert.deepEqual(rights(model, factsOf(it), now), rights(model, factsOf(withoutBound(it)), now));
    });
  });

  const withoutBound = (it: World): World => ({
    ...it,
    assignments: it.assignments.filter(({ condition }) => condition === undefined),
    grants: it.grants.filter(({ condition }) => condition === undefined),
  });
});
