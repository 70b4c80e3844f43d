/** Role assignments, over the whole way of an operation and a real PostgreSQL. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { formatRef, hostTenant } from "../../core/ids.ts";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import { getRoleAssignment } from "../../server/access/role-assignments/get-role-assignment.ts";
import { listRoleAssignments } from "../../server/access/role-assignments/list-role-assignments.ts";
import { revokeRoleAssignment } from "../../server/access/role-assignments/revoke-role-assignment.ts";
import { createRole } from "../../server/access/roles/create-role.ts";
import { getRole } from "../../server/access/roles/get-role.ts";
import type { Caller } from "../../server/authority/caller.ts";
import { principalVersion } from "../../server/platform/cache/fresh-cache.ts";
import { openWorkbench } from "../support/engine.ts";
import { callerHolding, day, humanIn, later, refOf, scopedTo, suspendPrincipal, tally } from "./access-kit.ts";

const bench = await openWorkbench();
after(bench.close);

const assign = (
  caller: Caller,
  parent: string,
  to: { readonly principal: Caller["principal"] },
  role: string,
  more: object = {},
) => bench.call(createRoleAssignment, caller, { parent, principal: refOf(to), role, ...more });
const ended = async (call: Promise<object>) => Object.keys(tally([await call]))[0];

const hostRef = formatRef("host", hostTenant);

test("what is assigned holds at once, and no longer than it is assigned", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const account = formatRef("accounts", await bench.node(tenant, "account"));
  const caller = await bench.callerWith(tenant, undefined);
  bench.published();
  const made = await bench.ok(createRoleAssignment, owner, {
    parent: account,
    principal: refOf(caller),
    role: "admin",
    expire_time: later(bench, 1),
  });
  assert.deepEqual(bench.published(), [principalVersion(tenant, caller.principal.id)]);
  assert.equal(made.resource, `role-assignments/${made.id}`);
  assert.deepEqual([made["parent"], made["role"], made["propagation"]], [account, "admin", "subtree"]);
  assert.deepEqual(await bench.ok(getRoleAssignment, caller, { id: made.id }), made);

  bench.clock.ms += 2 * day;
  await bench.refused("permission_denied", getRoleAssignment, caller, { id: made.id });
  // An expired one does not stand in the way of the next.
  const again = await bench.ok(createRoleAssignment, owner, {
    parent: account,
    principal: refOf(caller),
    role: "admin",
  });
  await bench.ok(getRoleAssignment, caller, { id: again.id });
  bench.published();
  await bench.ok(revokeRoleAssignment, owner, { id: again.id, reason: "moved on" });
  assert.deepEqual(bench.published(), [principalVersion(tenant, caller.principal.id)]);
  await bench.refused("not_found", getRoleAssignment, caller, { id: again.id });

  const [created, , revoked] = await bench.events(tenant);
  assert.equal(created?.type, "countersign.role-assignment.created.v1");
  assert.deepEqual(revoked, {
    type: "countersign.role-assignment.revoked.v1",
    subject: again.resource,
    data: {
      parent: account,
      principal: refOf(caller),
      role: "admin",
      propagation: "subtree",
      condition: null,
      expire_time: null,
      reason: "moved on",
    },
  });
});

test("the same assignment twice is refused, also at the same time", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const caller = await bench.callerWith(tenant, undefined);
  const parent = bench.rootRef(tenant);
  const answers = await Promise.all(Array.from({ length: 8 }, () => assign(owner, parent, caller, "viewer")));
  assert.deepEqual(tally(answers), { ok: 1, already_exists: 7 });
  assert.equal(await ended(assign(owner, parent, caller, "viewer", { propagation: "self" })), "ok");
});

test("principal, role, perimeter and expiry must be there", async () => {
  const [tenant, other] = [await bench.tenant(), await bench.tenant()];
  const owner = await bench.ownerOf(tenant);
  const parent = bench.rootRef(tenant);
  const stranger = await bench.ownerOf(other);
  const human = { principal: await humanIn(bench, tenant) };
  const foreigner = { principal: await humanIn(bench, other) };
  assert.equal(await ended(assign(owner, parent, human, "viewer")), "ok");
  assert.equal(await ended(assign(owner, parent, foreigner, "viewer")), "not_admissible");
  assert.equal(await ended(assign(owner, parent, stranger, "viewer")), "not_admissible");
  assert.equal(await ended(assign(owner, parent, bench.host, "viewer")), "not_admissible");
  assert.equal(await ended(assign(owner, parent, owner, "superviewer")), "not_admissible");
  assert.equal(await ended(assign(owner, parent, owner, "super_admin")), "not_admissible");
  assert.equal(await ended(assign(owner, bench.rootRef(other), owner, "viewer")), "not_found");
  assert.equal(await ended(assign(owner, hostRef, owner, "viewer")), "not_found");
  const past = { expire_time: later(bench, -1) };
  assert.equal(await ended(assign(owner, parent, owner, "viewer", past)), "not_admissible");
  // A human's id under the services' collection names nobody.
  const disguised = { principal: { kind: "service", id: human.principal.id } } as const;
  assert.equal(await ended(assign(owner, parent, disguised, "viewer")), "not_admissible");
});

test("a condition is checked when it is written, shown, and part of what makes an assignment another one", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const caller = await bench.callerWith(tenant, undefined);
  const root = bench.rootRef(tenant);
  const refused = await bench.refused("invalid_argument", createRoleAssignment, owner, {
    parent: root,
    principal: refOf(caller),
    role: "viewer",
    condition: "tomorrow()",
  });
  assert.match(refused.detail, /the condition is not accepted/);
  const oversized = { condition: `context.a == "${"x".repeat(2_000)}"` };
  assert.equal(await ended(assign(owner, root, caller, "viewer", oversized)), "invalid_argument");
  const condition = 'context.office == "Graz"';
  const answers = await Promise.all([
    ...Array.from({ length: 4 }, () => assign(owner, root, caller, "viewer", { condition })),
    ...Array.from({ length: 4 }, () => assign(owner, root, caller, "viewer")),
  ]);
  assert.deepEqual(tally(answers), { ok: 2, already_exists: 6 });
  const { items } = await bench.ok(listRoleAssignments, owner, { filter: `principal = "${refOf(caller)}"` });
  assert.deepEqual(new Set(items.map((item) => item["condition"])), new Set([condition, null]));
  const [conditional] = items.filter((item) => item["condition"] !== null);
  await bench.refused("etag_mismatch", revokeRoleAssignment, owner, { id: conditional?.id }, { ifMatch: "r2" });
  await bench.ok(revokeRoleAssignment, owner, { id: conditional?.id }, { ifMatch: "r1" });
});

test("what one holds on a condition cannot be passed on, at one perimeter or below it", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const clerk = await callerHolding(bench, tenant, ["role-assignments:create"]);
  const root = bench.rootRef(tenant);
  assert.equal(await ended(assign(owner, root, clerk, "owner", { condition: "true" })), "ok");
  for (const propagation of ["self", "subtree"])
    assert.equal(await ended(assign(clerk, root, clerk, "viewer", { propagation })), "permission_denied");
});

describe("nobody assigns more than they hold (invariant 8)", () => {
  test("neither outright nor within grants, nor beyond the token's scopes", async () => {
    const tenant = await bench.tenant();
    const parent = bench.rootRef(tenant);
    const reading = ["organizations:read", "clients:read", "accounts:read", "payouts:read"];
    const clerk = await callerHolding(bench, tenant, ["role-assignments:create", ...reading]);
    const friend = await bench.callerWith(tenant, undefined);
    const refused = await bench.refused("permission_denied", createRoleAssignment, clerk, {
      parent,
      principal: refOf(clerk),
      role: "owner",
    });
    assert.match(refused.detail, /role `owner` gives/);
    // A viewer reads documents within grants, and the clerk does not.
    assert.equal(await ended(assign(clerk, parent, friend, "viewer")), "permission_denied");
    const role = await bench.ok(createRole, await bench.ownerOf(tenant), {
      display_name: "Reader",
      permissions: ["payouts:read"],
    });
    assert.equal(await ended(assign(clerk, parent, friend, role.resource)), "ok");
    const narrow = scopedTo(bench, clerk, "role-assignments:create");
    assert.equal(await ended(assign(narrow, parent, narrow, role.resource)), "permission_denied");
  });

  test("an administrator of one client stays in that client's subtree", async () => {
    const tenant = await bench.tenant();
    const [client, other] = [await bench.node(tenant, "client"), await bench.node(tenant, "client")];
    const ref = formatRef("clients", client);
    const account = formatRef("accounts", await bench.node(tenant, "account", client));
    const admin = await callerHolding(bench, tenant, ["role-assignments:*", "payouts:read"], { ref });
    const role = await bench.ok(createRole, await bench.ownerOf(tenant), {
      display_name: "Reader",
      permissions: ["payouts:read"],
    });
    const friend = await bench.callerWith(tenant, undefined);
    assert.equal(await ended(assign(admin, ref, friend, role.resource)), "ok");
    bench.clock.ms += 1_000;
    assert.equal(await ended(assign(admin, account, friend, role.resource)), "ok");
    assert.equal(await ended(assign(admin, formatRef("clients", other), friend, role.resource)), "permission_denied");
    assert.equal(await ended(assign(admin, bench.rootRef(tenant), friend, role.resource)), "permission_denied");
    await bench.refused("permission_denied", listRoleAssignments, admin, {});
    const seen = await bench.ok(listRoleAssignments, admin, { parent: ref, filter: `principal = "${refOf(friend)}"` });
    assert.deepEqual(
      seen.items.map((item) => item["parent"]),
      [ref, account],
    );
  });

  test("who holds a role at a perimeter alone assigns nothing that reaches below it, not even to oneself", async () => {
    const tenant = await bench.tenant();
    const client = await bench.node(tenant, "client");
    const ref = formatRef("clients", client);
    const account = formatRef("accounts", await bench.node(tenant, "account", client));
    const permissions = ["role-assignments:create", "payouts:read"];
    const admin = await callerHolding(bench, tenant, permissions, { ref, propagation: "self" });
    const role = (await bench.ok(listRoleAssignments, await bench.ownerOf(tenant), {
      filter: `principal = "${refOf(admin)}"`,
    })) as { items: readonly { role?: unknown }[] };
    const own = String(role.items[0]?.role);
    assert.equal(await ended(assign(admin, account, admin, own)), "permission_denied");
    assert.equal(await ended(assign(admin, ref, admin, own)), "permission_denied");
    const friend = await bench.callerWith(tenant, undefined);
    assert.equal(await ended(assign(admin, ref, friend, own, { propagation: "self" })), "ok");
  });

  test("an expired or suspended grantor grants nothing", async () => {
    const tenant = await bench.tenant();
    const parent = bench.rootRef(tenant);
    const owner = await bench.ownerOf(tenant);
    const second = await bench.callerWith(tenant, undefined);
    assert.equal(await ended(assign(owner, parent, second, "owner", { expire_time: later(bench, 1) })), "ok");
    bench.clock.ms += 2 * day;
    assert.equal(await ended(assign(second, parent, second, "viewer")), "permission_denied");
    await suspendPrincipal(bench, tenant, owner.principal);
    assert.equal(await ended(assign(owner, parent, second, "viewer")), "permission_denied");
  });
});

describe("revoking", () => {
  test("one may revoke more than one holds", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const clerk = await callerHolding(bench, tenant, ["role-assignments:revoke"]);
    const admin = await bench.callerWith(tenant, undefined);
    const made = await bench.ok(createRoleAssignment, owner, {
      parent: bench.rootRef(tenant),
      principal: refOf(admin),
      role: "owner",
    });
    assert.equal((await bench.ok(revokeRoleAssignment, clerk, { id: made.id })).id, made.id);
    await bench.refused("not_found", revokeRoleAssignment, clerk, { id: made.id });
  });

  const atRoot = async (caller: Caller, filter: string) =>
    (await bench.ok(listRoleAssignments, caller, { filter })).items;

  test("the last active principal who can assign roles at the root stays, unless the host says otherwise", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const asleep = await bench.ownerOf(tenant);
    await suspendPrincipal(bench, tenant, asleep.principal);
    const passing = await bench.callerWith(tenant, undefined);
    await assign(owner, bench.rootRef(tenant), passing, "owner", { expire_time: later(bench, 1) });
    bench.clock.ms += 2 * day;
    await callerHolding(bench, tenant, ["role-assignments:read"]);
    const others = await atRoot(owner, `role = "owner" AND NOT principal = "${refOf(owner)}"`);
    const [own] = await atRoot(owner, `principal = "${refOf(owner)}"`);
    assert.ok(own);
    // `callerHolding` made an owner of its own; without it, the sleeper and the expired one do not count.
    const awake = others.find((item) => ![refOf(asleep), refOf(passing)].includes(String(item["principal"])));
    await bench.ok(revokeRoleAssignment, owner, { id: awake?.id });
    const refused = await bench.refused("illegal_transition", revokeRoleAssignment, owner, { id: own.id });
    assert.match(refused.detail, /role-assignments:create/);
    await bench.ok(revokeRoleAssignment, bench.host, { id: own.id }, { tenant: bench.rootRef(tenant) });
  });

  test("of two owners who revoke each other at once, one stays", async () => {
    for (let round = 0; round < 5; round += 1) {
      const tenant = await bench.tenant();
      const [one, two] = [await bench.ownerOf(tenant), await bench.ownerOf(tenant)];
      const [[ofOne], [ofTwo]] = [
        await atRoot(one, `principal = "${refOf(one)}"`),
        await atRoot(one, `principal = "${refOf(two)}"`),
      ];
      const answers = await Promise.all([
        bench.call(revokeRoleAssignment, one, { id: ofTwo?.id }),
        bench.call(revokeRoleAssignment, two, { id: ofOne?.id }),
      ]);
      assert.equal(tally(answers)["ok"], 1, JSON.stringify(answers));
    }
  });
});

describe("at the host", () => {
  test("its callers assign its roles to its principals; a tenant's roles are none of them", async () => {
    const operator = await bench.callerWith(hostTenant, undefined);
    assert.equal(await ended(assign(bench.host, hostRef, operator, "owner")), "not_admissible");
    const made = await bench.ok(createRoleAssignment, bench.host, {
      parent: hostRef,
      principal: refOf(operator),
      role: "super_admin",
    });
    assert.equal(made["parent"], hostRef);
    const tenant = await bench.tenant();
    const meta = { tenant: bench.rootRef(tenant) };
    const owner = await bench.ownerOf(tenant);
    await bench.ok(listRoleAssignments, operator, { filter: `principal = "${refOf(owner)}"` }, meta);
    await bench.ok(revokeRoleAssignment, bench.host, { id: made.id });
    await bench.refused("permission_denied", listRoleAssignments, operator, {}, meta);
  });

  test("the host's own roles are assigned there, and give no more than their maker had", async () => {
    const operator = await bench.callerWith(hostTenant, undefined);
    const role = await bench.ok(createRole, bench.host, {
      display_name: `Support ${operator.principal.id}`,
      permissions: ["roles:read", "role-assignments:*"],
    });
    const made = await bench.ok(createRoleAssignment, bench.host, {
      parent: hostRef,
      principal: refOf(operator),
      role: role.resource,
    });
    await bench.ok(getRole, operator, { id: role.id });
    assert.equal(await ended(assign(operator, hostRef, operator, "super_admin")), "permission_denied");
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const input = { parent: bench.rootRef(tenant), principal: refOf(owner), role: "viewer" };
    await bench.refused("permission_denied", createRoleAssignment, operator, input);
    await bench.ok(createRoleAssignment, bench.host, input);
    await bench.ok(revokeRoleAssignment, bench.host, { id: made.id });
  });

  test("nobody leaves the host without one who can assign", async () => {
    const [own] = (await bench.ok(listRoleAssignments, bench.host, { filter: `principal = "${refOf(bench.host)}"` }))
      .items;
    await bench.refused("illegal_transition", revokeRoleAssignment, bench.host, { id: own?.id });
  });
});

test("another tenant's assignment answers like one that never was", async () => {
  const [mine, theirs] = [await bench.tenant(), await bench.tenant()];
  const [me, them] = [await bench.ownerOf(mine), await bench.ownerOf(theirs)];
  const [made] = (await bench.ok(listRoleAssignments, them, {})).items;
  await bench.refused("not_found", getRoleAssignment, me, { id: made?.id });
  await bench.refused("not_found", revokeRoleAssignment, me, { id: made?.id });
  assert.equal((await bench.ok(listRoleAssignments, me, {})).items.length, 1);
  await bench.refused("not_found", listRoleAssignments, me, { parent: bench.rootRef(theirs) });
});

test("a list is filtered by principal, role and parent", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const account = formatRef("accounts", await bench.node(tenant, "account"));
  bench.clock.ms += 1_000;
  const caller = await bench.callerWith(tenant, "viewer");
  bench.clock.ms += 1_000;
  assert.equal(await ended(assign(owner, account, caller, "admin")), "ok");
  const roles = async (filter: string) =>
    (await bench.ok(listRoleAssignments, owner, { filter })).items.map((item) => item["role"]);
  assert.deepEqual(await roles(""), ["owner", "viewer", "admin"]);
  assert.deepEqual(await roles(`principal = "${refOf(caller)}"`), ["viewer", "admin"]);
  assert.deepEqual(await roles('role = "viewer"'), ["viewer"]);
  assert.deepEqual(await roles(`parent = "${account}"`), ["admin"]);
});
