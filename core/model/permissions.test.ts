import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contains, expand, intersection, isEmpty, isSubset, permissionsIn, union } from "./permissions.ts";
import { readModel } from "./read-model.ts";

/** Enough actions to cross the borders between words. */
const actions = Array.from({ length: 70 }, (_, at) => `act-${at}`);
const read = readModel(
  `perimeters: { firm: { collection: firms } }\nresources: { jobs: { in: [firm], actions: [${actions.join()}] } }`,
  "wide",
);
assert.ok("model" in read);
const model = read.model;

const names = fc.uniqueArray(fc.constantFrom(...model.permissions));
const setOf = (patterns: readonly string[]) => expand(model, patterns).set;
const listed = (patterns: readonly string[]) => permissionsIn(model, setOf(patterns));

test("a set holds exactly the permissions it was made of", () => {
  fc.assert(
    fc.property(names, (some) => {
      assert.deepEqual(listed(some), [...some].toSorted());
      for (const permission of model.vocabulary.values()) {
        assert.equal(contains(setOf(some), permission), some.includes(permission.name));
      }
    }),
  );
});

test("union, intersection and subset are those of sets, whatever the lengths", () => {
  fc.assert(
    fc.property(names, names, fc.nat(4), (left, right, cut) => {
      const a = setOf(left);
      const b = setOf(right).slice(0, cut);
      const inA = permissionsIn(model, a);
      const inB = permissionsIn(model, b);
      assert.deepEqual(permissionsIn(model, union(a, b)), [...new Set([...inA, ...inB])].toSorted());
      assert.deepEqual(
        permissionsIn(model, intersection(a, b)),
        inA.filter((name) => inB.includes(name)),
      );
      assert.equal(
        isSubset(a, b),
        inA.every((name) => inB.includes(name)),
      );
      assert.equal(isEmpty(b), inB.length === 0);
    }),
  );
});

test("patterns stand for one permission, for all of a resource, or for all", () => {
  assert.deepEqual(listed(["jobs:act-3"]), ["jobs:act-3"]);
  assert.equal(listed(["jobs:*"]).length, actions.length);
  assert.deepEqual(listed(["*"]), model.permissions);
  assert.deepEqual(expand(model, ["jobs", "job:*", "*:act-3", "", "jobs:", "jobs:act-*", "firms:read"]).unknown, [
    "jobs",
    "job:*",
    "*:act-3",
    "",
    "jobs:",
    "jobs:act-*",
  ]);
});

test("every word of a set is a small integer, of which JSON keeps every bit", () => {
  const all = setOf(["*"]);
  assert.ok(all.every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 30));
  assert.deepEqual(JSON.parse(JSON.stringify(all)), all);
});
