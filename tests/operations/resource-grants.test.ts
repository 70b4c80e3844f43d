/** Resource grants, over the whole way of an operation and a real PostgreSQL. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { formatRef, type NodeId, type TenantId } from "../../core/ids.ts";
import { createResourceGrant } from "../../server/access/resource-grants/create-resource-grant.ts";
import { getResourceGrant } from "../../server/access/resource-grants/get-resource-grant.ts";
import { listResourceGrants } from "../../server/access/resource-grants/list-resource-grants.ts";
import { revokeResourceGrant } from "../../server/access/resource-grants/revoke-resource-grant.ts";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import type { Caller } from "../../server/authority/caller.ts";
import { principalVersion } from "../../server/platform/cache/fresh-cache.ts";
import { openWorkbench } from "../support/engine.ts";
import { callerHolding, day, groupOf, humanIn, later, permissionsAt, refOf, scopedTo, tally } from "./access-kit.ts";

const bench = await openWorkbench();
after(bench.close);

const ref = (id: NodeId): string => formatRef("documents", id);
const documentIn = async (tenant: TenantId, parent?: NodeId): Promise<string> =>
  ref(await bench.node(tenant, "documents", parent));
const grant = (
  caller: Caller,
  parent: string,
  to: { readonly principal: Caller["principal"] },
  level: string,
  more: object = {},
) => bench.call(createResourceGrant, caller, { parent, principal: refOf(to), level, ...more });
const ended = async (call: Promise<object>) => Object.keys(tally([await call]))[0];

const sharing = ["resource-grants:*"];
/** May read whatever documents are granted to it, and nothing else. */
const reader = (tenant: TenantId) => callerHolding(bench, tenant, ["clients:read"], { within_grants: ["documents:*"] });
const mayRead = async (tenant: TenantId, caller: Caller, document: string): Promise<boolean> =>
  (await permissionsAt(bench, tenant, caller, document)).includes("documents:read");

test("what is granted holds at the resource and below it, at once, and no longer than it is granted", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const folder = await bench.node(tenant, "documents");
  const [inside, beside] = [await documentIn(tenant, folder), await documentIn(tenant)];
  const caller = await reader(tenant);
  bench.published();
  const made = await bench.ok(createResourceGrant, owner, {
    parent: ref(folder),
    principal: refOf(caller),
    level: "viewer",
    expire_time: later(bench, 1),
  });
  assert.deepEqual(bench.published(), [principalVersion(tenant, caller.principal.id)]);
  assert.deepEqual(
    [made.resource, made["parent"], made["principal"], made["level"], made["condition"]],
    [`resource-grants/${made.id}`, ref(folder), refOf(caller), "viewer", null],
  );
  assert.deepEqual(await bench.ok(getResourceGrant, owner, { id: made.id }), made);
  for (const [document, may] of [
    [ref(folder), true],
    [inside, true],
    [beside, false],
  ] as const)
    assert.equal(await mayRead(tenant, caller, document), may, document);
  assert.ok(!(await permissionsAt(bench, tenant, caller, inside)).includes("documents:update"));

  bench.clock.ms += 2 * day;
  assert.equal(await mayRead(tenant, caller, inside), false);
  // An expired one does not stand in the way of the next.
  const again = await bench.ok(createResourceGrant, owner, {
    parent: ref(folder),
    principal: refOf(caller),
    level: "viewer",
  });
  assert.equal(await mayRead(tenant, caller, inside), true);
  bench.published();
  await bench.ok(revokeResourceGrant, owner, { id: again.id, reason: "moved on" });
  assert.deepEqual(bench.published(), [principalVersion(tenant, caller.principal.id)]);
  assert.equal(await mayRead(tenant, caller, inside), false);
  await bench.refused("not_found", getResourceGrant, owner, { id: again.id });
  await bench.refused("not_found", revokeResourceGrant, owner, { id: again.id });

  const told = (await bench.events(tenant)).filter(({ type }) => type.includes("resource-grant"));
  assert.deepEqual(
    told.map(({ type }) => type),
    [
      "countersign.resource-grant.created.v1",
      "countersign.resource-grant.created.v1",
      "countersign.resource-grant.revoked.v1",
    ],
  );
  assert.deepEqual(told.at(-1), {
    type: "countersign.resource-grant.revoked.v1",
    subject: again.resource,
    data: {
      parent: ref(folder),
      principal: refOf(caller),
      level: "viewer",
      condition: null,
      expire_time: null,
      reason: "moved on",
    },
  });
  const logged = (await bench.audit(tenant)).filter(({ action }) => action.startsWith("resource-grants."));
  assert.deepEqual(
    logged.map(({ action, outcome, target, target_path }) => [action, outcome, target, target_path?.[0]]),
    [
      ["resource-grants.create", "done", ref(folder), ref(folder)],
      ["resource-grants.create", "done", ref(folder), ref(folder)],
      ["resource-grants.revoke", "done", again.resource, ref(folder)],
    ],
  );
});

test("the same grant twice is refused, also at the same time; another level is another grant, and revoked by itself", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const document = await documentIn(tenant);
  const caller = await reader(tenant);
  const answers = await Promise.all(Array.from({ length: 8 }, () => grant(owner, document, caller, "viewer")));
  assert.deepEqual(tally(answers), { ok: 1, already_exists: 7 });
  const editor = await bench.ok(createResourceGrant, owner, {
    parent: document,
    principal: refOf(caller),
    level: "editor",
  });
  const stale = { ifMatch: "r7" };
  await bench.refused("etag_mismatch", revokeResourceGrant, owner, { id: editor.id }, stale);
  const revoked = await Promise.all(
    Array.from({ length: 8 }, () => bench.call(revokeResourceGrant, owner, { id: editor.id }, { ifMatch: "r1" })),
  );
  assert.deepEqual(tally(revoked), { ok: 1, not_found: 7 });
  assert.equal(await mayRead(tenant, caller, document), true, "what viewer gives is still there");
});

test("principal, level, resource, expiry and condition must be there, and be of this tenant", async () => {
  const [tenant, other] = [await bench.tenant(), await bench.tenant()];
  const owner = await bench.ownerOf(tenant);
  const [document, foreign] = [await documentIn(tenant), await documentIn(other)];
  const gone = await bench.node(tenant, "documents");
  await bench.sql(tenant, "test.gone", "update nodes set state = 'deleted' where id = $1", [gone]);
  const human = { principal: await humanIn(bench, tenant) };
  assert.equal(await ended(grant(owner, document, human, "viewer")), "ok");
  assert.equal(await ended(grant(owner, foreign, human, "viewer")), "not_found");
  assert.equal(await ended(grant(owner, ref(gone), human, "viewer")), "not_found");
  assert.equal(await ended(grant(owner, document.replace("documents", "payouts"), human, "viewer")), "not_found");
  assert.equal(
    await ended(grant(owner, document, { principal: await humanIn(bench, other) }, "viewer")),
    "not_admissible",
  );
  assert.equal(await ended(grant(owner, document, await bench.ownerOf(other), "viewer")), "not_admissible");
  assert.equal(await ended(grant(owner, document, bench.host, "viewer")), "not_admissible");
  const disguised = { principal: { kind: "service", id: human.principal.id } } as const;
  assert.equal(await ended(grant(owner, document, disguised, "viewer")), "not_admissible");
  assert.equal(await ended(grant(owner, document, human, "emperor")), "not_admissible");
  // Payouts have no levels, and a perimeter is no resource.
  const payouts = formatRef("payouts", await bench.node(tenant, "payouts", await bench.node(tenant, "account")));
  assert.equal(await ended(grant(owner, payouts, human, "viewer")), "not_admissible");
  assert.equal(await ended(grant(owner, bench.rootRef(tenant), human, "viewer")), "not_admissible");
  const past = { expire_time: later(bench, -1) };
  assert.equal(await ended(grant(owner, document, human, "editor", past)), "not_admissible");
  assert.equal(await ended(grant(owner, document, human, "editor", { condition: "1 +" })), "invalid_argument");
  assert.equal(await ended(grant(owner, document, human, "editor", { condition: "'yes'" })), "invalid_argument");
  const elsewhere = formatRef("folders", human.principal.id);
  const input = { parent: document, principal: elsewhere, level: "viewer" };
  await bench.refused("invalid_argument", createResourceGrant, owner, input);
  const nobody = formatRef("groups", human.principal.id);
  await bench.refused("not_admissible", createResourceGrant, owner, { ...input, principal: nobody });
});

describe("nobody grants more than they hold (invariant 8)", () => {
  test("neither beyond a role, nor beyond the token's scopes, nor on the strength of a condition", async () => {
    const tenant = await bench.tenant();
    const document = await documentIn(tenant);
    const friend = await reader(tenant);
    const clerk = await callerHolding(bench, tenant, [...sharing, "documents:read"]);
    const refused = await bench.refused("permission_denied", createResourceGrant, clerk, {
      parent: document,
      principal: refOf(friend),
      level: "editor",
    });
    assert.match(refused.detail, /level `editor` gives `documents:create`, `documents:update`/);
    assert.equal(await ended(grant(clerk, document, friend, "viewer")), "ok");
    const narrow = scopedTo(bench, clerk, "resource-grants:create");
    assert.equal(await ended(grant(narrow, document, narrow, "viewer")), "permission_denied");
    const conditional = await callerHolding(bench, tenant, sharing);
    const owner = await bench.ownerOf(tenant);
    await bench.ok(createRoleAssignment, owner, {
      parent: bench.rootRef(tenant),
      principal: refOf(conditional),
      role: "owner",
      condition: "true",
    });
    assert.equal(await ended(grant(conditional, document, conditional, "viewer")), "permission_denied");
  });

  test("what was granted can be passed on, at the resource and below, and what is held at one node alone cannot", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const folder = await bench.node(tenant, "documents");
    const inside = await documentIn(tenant, folder);
    const friend = await reader(tenant);
    const clerk = await callerHolding(bench, tenant, sharing, { within_grants: ["documents:read"] });
    assert.equal(await ended(grant(clerk, inside, friend, "viewer")), "permission_denied");
    assert.equal(await ended(grant(owner, ref(folder), clerk, "manager")), "ok");
    assert.equal(await ended(grant(clerk, inside, friend, "viewer")), "ok");
    assert.equal(await ended(grant(clerk, inside, friend, "editor")), "permission_denied");
    const alone = await callerHolding(bench, tenant, [...sharing, "documents:*"], {
      ref: ref(folder),
      propagation: "self",
    });
    assert.equal(await ended(grant(alone, ref(folder), alone, "viewer")), "permission_denied");
    assert.equal(await ended(grant(alone, inside, alone, "viewer")), "permission_denied");
  });

  test("an administrator of one client shares what is in it, with anybody of the tenant, and nothing beside it", async () => {
    const tenant = await bench.tenant();
    const [client, other] = [await bench.node(tenant, "client"), await bench.node(tenant, "client")];
    const clientRef = formatRef("clients", client);
    const [mine, theirs] = [await documentIn(tenant, client), await documentIn(tenant, other)];
    const admin = await callerHolding(bench, tenant, [...sharing, "documents:*"], { ref: clientRef });
    const friend = await reader(tenant);
    assert.equal(await ended(grant(admin, mine, friend, "manager")), "ok");
    assert.equal(await ended(grant(admin, theirs, friend, "viewer")), "permission_denied");
    assert.equal(await ended(grant(admin, await documentIn(tenant), friend, "viewer")), "permission_denied");
    await bench.ok(createResourceGrant, await bench.ownerOf(tenant), {
      parent: theirs,
      principal: refOf(friend),
      level: "viewer",
    });
    await bench.refused("permission_denied", listResourceGrants, admin, {});
    const seen = await bench.ok(listResourceGrants, admin, { parent: clientRef });
    assert.deepEqual(
      seen.items.map((item) => [item["parent"], item["level"]]),
      [[mine, "manager"]],
    );
  });
});

test("one may revoke more than one holds", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const clerk = await callerHolding(bench, tenant, ["resource-grants:revoke"]);
  const made = await bench.ok(createResourceGrant, owner, {
    parent: await documentIn(tenant),
    principal: refOf(await reader(tenant)),
    level: "manager",
  });
  assert.equal((await bench.ok(revokeResourceGrant, clerk, { id: made.id })).id, made.id);
});

test("a group has what is granted to it: its members at once, and not longer than they are in it", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const document = await documentIn(tenant);
  const [one, two, outside] = [await reader(tenant), await reader(tenant), await reader(tenant)];
  const group = await groupOf(bench, tenant, [one, two]);
  bench.published();
  const made = await bench.ok(createResourceGrant, owner, { parent: document, principal: group.ref, level: "viewer" });
  assert.deepEqual(
    bench.published().toSorted(),
    [one, two].map((caller) => principalVersion(tenant, caller.principal.id)).toSorted(),
  );
  assert.equal(made["principal"], group.ref);
  assert.deepEqual([await mayRead(tenant, one, document), await mayRead(tenant, outside, document)], [true, false]);
  const seen = await bench.ok(listResourceGrants, owner, { filter: `principal = "${group.ref}"` });
  assert.deepEqual(
    seen.items.map(({ id }) => id),
    [made.id],
  );
  await group.leave(two);
  assert.equal(await mayRead(tenant, two, document), false);
  await bench.ok(revokeResourceGrant, owner, { id: made.id });
  assert.equal(await mayRead(tenant, one, document), false);
});

test("lists are filtered by principal, parent and level, and a page's token is good for its own list", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const [a, b] = [await documentIn(tenant), await documentIn(tenant)];
  const [one, two] = [await reader(tenant), await reader(tenant)];
  for (const [document, who, level] of [
    [a, one, "viewer"],
    [a, two, "editor"],
    [b, one, "editor"],
  ] as const) {
    bench.clock.ms += 1_000;
    assert.equal(await ended(grant(owner, document, who, level)), "ok");
  }
  const list = async (filter: string) =>
    (await bench.ok(listResourceGrants, owner, { filter })).items.map((item) => [item["parent"], item["level"]]);
  assert.deepEqual(await list(`principal = "${refOf(one)}"`), [
    [a, "viewer"],
    [b, "editor"],
  ]);
  assert.deepEqual(await list(`parent = "${a}" AND level = "editor"`), [[a, "editor"]]);
  const first = await bench.ok(listResourceGrants, owner, { page_size: 2 });
  const rest = await bench.ok(listResourceGrants, owner, { page_size: 2, page_token: first.next_page_token });
  assert.deepEqual([first.items.length, rest.items.length, rest.next_page_token], [2, 1, ""]);
  await bench.refused("invalid_argument", listResourceGrants, owner, { parent: a, page_token: first.next_page_token });
  await bench.sql(tenant, "test.gone", "update nodes set state = 'deleted' where id = $1", [a.split("/")[1]]);
  assert.deepEqual(await list(`level = "editor"`), [[b, "editor"]], "a deleted resource's grants answer like none");
});
