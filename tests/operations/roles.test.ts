/** Custom roles, over the whole way of an operation and a real PostgreSQL. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import { revokeRoleAssignment } from "../../server/access/role-assignments/revoke-role-assignment.ts";
import { createRole } from "../../server/access/roles/create-role.ts";
import { deleteRole } from "../../server/access/roles/delete-role.ts";
import { getRole } from "../../server/access/roles/get-role.ts";
import { listBuiltInRoles } from "../../server/access/roles/list-built-in-roles.ts";
import { listRoles } from "../../server/access/roles/list-roles.ts";
import { updateRole } from "../../server/access/roles/update-role.ts";
import type { Caller } from "../../server/authority/caller.ts";
import { createApiToken } from "../../server/credentials/create-api-token.ts";
import { tenantVersion } from "../../server/platform/cache/fresh-cache.ts";
import { openWorkbench } from "../support/engine.ts";
import { callerHolding, later, refOf, scopedTo, tally } from "./access-kit.ts";

const bench = await openWorkbench();
after(bench.close);

const create = (caller: Caller, display_name: string, permissions: readonly string[], more: object = {}) =>
  bench.ok(createRole, caller, { display_name, permissions, ...more });

test("a role is created, read, listed, changed and deleted, and each change is heard of", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const made = await create(owner, "Clerk", ["payouts:read"], { within_grants: ["documents:*"], description: "Files" });
  assert.deepEqual(await bench.ok(getRole, owner, { id: made.id }), made);
  assert.deepEqual(made["within_grants"], ["documents:*"]);
  const other = await create(owner, "Teller", ["payouts:*"]);
  const list = await bench.ok(listRoles, owner, { filter: 'permissions : "payouts:*"' });
  assert.deepEqual(list.items, [other]);

  bench.published();
  const changed = await bench.ok(
    updateRole,
    owner,
    { id: made.id, display_name: "Senior clerk", permissions: ["payouts:read", "clients:read"] },
    { ifMatch: made.etag },
  );
  assert.notEqual(changed.etag, made.etag);
  assert.deepEqual(changed["within_grants"], ["documents:*"]);
  assert.deepEqual(bench.published(), [tenantVersion(tenant)]);
  await bench.ok(deleteRole, owner, { id: made.id }, { ifMatch: changed.etag });
  await bench.refused("not_found", getRole, owner, { id: made.id });
  assert.deepEqual(
    (await bench.events(tenant)).map(({ type, subject }) => [type, subject]),
    [
      ["countersign.role.created.v1", made.resource],
      ["countersign.role.created.v1", other.resource],
      ["countersign.role.updated.v1", made.resource],
      ["countersign.role.deleted.v1", made.resource],
    ],
  );
});

test("a change needs If-Match, and of two administrators the second is told", async () => {
  const owner = await bench.ownerOf(await bench.tenant());
  const made = await create(owner, "Clerk", ["payouts:read"]);
  const change = { id: made.id, description: "Mine" };
  await bench.refused("precondition_required", updateRole, owner, change);
  await bench.refused("etag_mismatch", updateRole, owner, change, { ifMatch: "r9" });
  const answers = await Promise.all(
    ["one", "two"].map((description) =>
      bench.call(updateRole, owner, { id: made.id, description }, { ifMatch: made.etag }),
    ),
  );
  assert.deepEqual(tally(answers), { ok: 1, etag_mismatch: 1 });
  await bench.refused("etag_mismatch", deleteRole, owner, { id: made.id }, { ifMatch: made.etag });
});

test("two roles of a tenant have different names, whatever their case and however many try at once", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const names = ["clerk", "Clerk", "CLERK", "cLERK"];
  const answers = await Promise.all(
    names.map((display_name) => bench.call(createRole, owner, { display_name, permissions: [] })),
  );
  assert.deepEqual(tally(answers), { ok: 1, already_exists: 3 });
  const other = await create(owner, "Teller", []);
  const rename = (display_name: string) =>
    bench.call(updateRole, owner, { id: other.id, display_name }, { ifMatch: "*" });
  assert.deepEqual(tally([await rename("CLERK"), await rename("TELLER")]), { already_exists: 1, ok: 1 });
  await create(await bench.ownerOf(await bench.tenant()), "Clerk", []);
});

test("patterns must mean something", async () => {
  const owner = await bench.ownerOf(await bench.tenant());
  const refused = await bench.refused("invalid_argument", createRole, owner, {
    display_name: "Clerk",
    permissions: ["payouts:read"],
    within_grants: ["documents:*", "dokuments:read"],
  });
  assert.deepEqual(
    refused.errors?.map(({ path }) => path),
    ["within_grants[1]"],
  );
  await bench.refused("invalid_argument", createRole, owner, { display_name: "Clerk", permissions: ["Payouts"] });
});

describe("nobody puts into a role what they do not hold (invariant 8)", () => {
  test("when it is created: neither outright nor within grants, nor beyond the token's scopes", async () => {
    const tenant = await bench.tenant();
    const clerk = await callerHolding(bench, tenant, ["roles:*", "payouts:read"]);
    await create(clerk, "A", ["payouts:read", "roles:read"]);
    const refused = await bench.refused("permission_denied", createRole, clerk, {
      display_name: "B",
      permissions: ["payouts:*"],
    });
    assert.equal(refused.permission, "payouts:approve");
    await bench.refused("permission_denied", createRole, clerk, { display_name: "B", permissions: ["*"] });
    await bench.refused("permission_denied", createRole, clerk, {
      display_name: "B",
      permissions: [],
      within_grants: ["documents:read"],
    });
    const narrow = scopedTo(bench, clerk, "roles:*");
    await bench.refused("permission_denied", createRole, narrow, { display_name: "B", permissions: ["payouts:read"] });
  });

  test("when it is widened; narrowing is free", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const clerk = await callerHolding(bench, tenant, ["roles:*", "payouts:read"]);
    const role = await create(owner, "Manager", ["payouts:create", "clients:read"], {
      within_grants: ["documents:read"],
    });
    const change = (fields: object) => bench.call(updateRole, clerk, { id: role.id, ...fields }, { ifMatch: "*" });
    const ends = [
      await change({ permissions: ["payouts:create", "clients:read", "payouts:approve"] }),
      await change({ within_grants: ["documents:*"] }),
      // Moved from within grants to outright, the same permission gives more.
      await change({ permissions: ["payouts:create", "clients:read", "documents:read"], within_grants: [] }),
      await change({ permissions: ["payouts:create", "clients:read", "payouts:read"] }),
      await change({ permissions: ["payouts:create"], within_grants: ["documents:read", "payouts:create"] }),
      await change({ display_name: "Lesser manager" }),
    ];
    assert.deepEqual(
      ends.map((end) => Object.keys(tally([end]))[0]),
      ["permission_denied", "permission_denied", "permission_denied", "ok", "ok", "ok"],
    );
  });

  test("what is held at the root alone, and not below it, goes into no role", async () => {
    const tenant = await bench.tenant();
    const clerk = await callerHolding(bench, tenant, ["roles:*", "payouts:read"], { propagation: "self" });
    await bench.refused("permission_denied", createRole, clerk, { display_name: "A", permissions: ["payouts:read"] });
  });

  test("an API token's creation sees a role as it is now", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const caller = await bench.callerWith(tenant, undefined);
    const role = await create(owner, "Bot", ["api-tokens:create", "payouts:*"]);
    const parent = bench.rootRef(tenant);
    await bench.ok(createRoleAssignment, owner, { parent, principal: refOf(caller), role: role.resource });
    const token = { display_name: "CI", scopes: ["payouts:read"], expire_time: later(bench, 1) };
    await bench.ok(createApiToken, caller, token);
    await bench.ok(updateRole, owner, { id: role.id, permissions: ["api-tokens:create"] }, { ifMatch: role.etag });
    await bench.refused("permission_denied", createApiToken, caller, token);
  });
});

test("a role that is assigned is not deleted, also while it is being assigned", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const parent = bench.rootRef(tenant);
  const role = await create(owner, "Clerk", ["payouts:read"]);
  const assign = { parent, principal: refOf(owner), role: role.resource };
  const assigned = await bench.ok(createRoleAssignment, owner, assign);
  const refused = await bench.refused("illegal_transition", deleteRole, owner, { id: role.id });
  assert.match(refused.detail, /revoke the assignments first/);
  await bench.ok(revokeRoleAssignment, owner, { id: assigned.id });

  const ends = await Promise.all([
    bench.call(deleteRole, owner, { id: role.id }),
    bench.call(createRoleAssignment, owner, assign),
  ]);
  const left = tally(ends);
  assert.equal(left["ok"], 1, JSON.stringify(left));
});

test("built-in roles are listed as assignments name them; the host's are listed at the host", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  type Listed = { readonly name: string; readonly permissions: readonly string[]; readonly within_grants: unknown };
  const listed = async (caller: Caller) =>
    (await bench.ok(listBuiltInRoles, caller, {})).items as unknown as readonly Listed[];
  const roles = await listed(owner);
  assert.deepEqual(
    roles.map(({ name }) => name),
    [...bench.model.roles.keys()],
  );
  assert.deepEqual(roles.find(({ name }) => name === "member")?.within_grants, ["documents:*"]);
  assert.deepEqual(
    (await listed(bench.host)).map(({ name }) => name),
    [...bench.model.hostRoles.keys()],
  );
  await bench.refused("permission_denied", listBuiltInRoles, await bench.callerWith(tenant, "viewer"), {});
});

test("another tenant's role answers like one that never was", async () => {
  const [mine, theirs] = [await bench.tenant(), await bench.tenant()];
  const [me, them] = [await bench.ownerOf(mine), await bench.ownerOf(theirs)];
  const role = await create(them, "Clerk", ["payouts:read"]);
  await bench.refused("not_found", getRole, me, { id: role.id });
  await bench.refused("not_found", updateRole, me, { id: role.id, description: "Mine" }, { ifMatch: "*" });
  await bench.refused("not_found", deleteRole, me, { id: role.id });
  const parent = bench.rootRef(mine);
  await bench.refused("not_admissible", createRoleAssignment, me, {
    parent,
    principal: refOf(me),
    role: role.resource,
  });
  assert.deepEqual((await bench.ok(listRoles, me, {})).items, []);
});
