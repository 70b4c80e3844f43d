import assert from "node:assert/strict";
import { test } from "node:test";
import type { Change } from "./change.ts";
import { concernOf, impactsOf, refusedOf, type Use } from "./impact.ts";
import { impactLines, refusalLines, tenantsNamedMax } from "./impact-text.ts";

const change = (effect: Change["effect"], path: string, concern: Change["concern"]): Change => ({
  effect,
  path,
  what: "is different",
  permissions: [],
  concern,
});
const use = (more: Partial<Use>): Use => ({
  tenant: "organizations/a",
  kind: "roles",
  name: "clerk",
  of: "principals",
  count: 1,
  refs: ["users/1"],
  ...more,
});

const gains = change("widens", "roles.clerk", { roles: ["clerk"] });
const loses = change("narrows", "roles.guard", { roles: ["guard"] });
const gone = change("strands", "roles.cook", { roles: ["cook"] });
const title = change("none", "title", {});
const pattern = change("widens", "patterns.notes:*", { patterns: ["notes:*"] });
const changes = [title, gains, loses, gone, pattern];

test("what to look for is every name once, by kind", () => {
  const asked = concernOf([gains, gains, loses, pattern]);
  assert.deepEqual(asked.roles, ["clerk", "guard"]);
  assert.deepEqual(asked.patterns, ["notes:*"]);
  assert.deepEqual(asked.levels, []);
});

test("a change concerns whom its names are stored for, by kind and name; one that concerns nobody is no impact", () => {
  const uses = [
    use({}),
    use({ tenant: "organizations/b" }),
    use({ kind: "patterns", name: "clerk" }),
    use({ kind: "hostRoles" }),
    use({ name: "cook", of: "invitations" }),
  ];
  const impacts = impactsOf(changes, uses);
  assert.deepEqual(
    impacts.map(({ change: { path }, tenants }) => [path, ...tenants.map(({ tenant }) => tenant)]),
    [
      ["roles.clerk", "organizations/a", "organizations/b"],
      ["roles.cook", "organizations/a"],
    ],
  );
});

test("widening and stranding are refused unless they are allowed, each by itself; narrowing never is", () => {
  const impacts = impactsOf(changes, [use({}), use({ name: "guard" }), use({ name: "cook" })]);
  const paths = (widening: boolean, stranding: boolean) =>
    refusedOf(impacts, { widening, stranding }).map(({ change: { path } }) => path);
  assert.deepEqual(paths(false, false), ["roles.clerk", "roles.cook"]);
  assert.deepEqual(paths(true, false), ["roles.cook"]);
  assert.deepEqual(paths(false, true), ["roles.clerk"]);
  assert.deepEqual(paths(true, true), []);
});

test("the text names tenants and the first refs, counts the rest, and leaves out patterns nobody has", () => {
  const uses = [use({ count: 3, refs: ["users/1", "users/2"] }), use({ of: "invitations", refs: ["invitations/1"] })];
  assert.deepEqual(impactLines(changes, impactsOf(changes, uses)), [
    "        title is different",
    "widens  roles.clerk is different",
    "          organizations/a: 3 principals with `clerk` (users/1, users/2 and 1 more); 1 invitation with `clerk` (invitations/1)",
    "narrows roles.guard is different (concerns nobody)",
    "strands roles.cook is different (concerns nobody)",
  ]);
  const many = Array.from({ length: tenantsNamedMax + 2 }, (_, at) => use({ tenant: `organizations/${at}` }));
  assert.equal(refusalLines(impactsOf([gains], many)).at(-1), "          and 2 more tenants");
});
