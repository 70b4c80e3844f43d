/** Role assignments to groups, over the whole way of an operation and a real PostgreSQL. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { formatRef, hostTenant } from "../../core/ids.ts";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import { listRoleAssignments } from "../../server/access/role-assignments/list-role-assignments.ts";
import { revokeRoleAssignment } from "../../server/access/role-assignments/revoke-role-assignment.ts";
import { principalVersion } from "../../server/platform/cache/fresh-cache.ts";
import { openWorkbench } from "../support/engine.ts";
import { groupOf, permissionsAt, refOf, suspendPrincipal } from "./access-kit.ts";

const bench = await openWorkbench();
after(bench.close);
const hostRef = formatRef("host", hostTenant);

test("a role is assigned to a group: its members have it at once, and not longer than they are in it", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const [one, two] = [await bench.callerWith(tenant, undefined), await bench.callerWith(tenant, undefined)];
  const group = await groupOf(bench, tenant, [one, two]);
  const root = bench.rootRef(tenant);
  bench.published();
  const made = await bench.ok(createRoleAssignment, owner, { parent: root, principal: group.ref, role: "viewer" });
  assert.deepEqual(
    bench.published().toSorted(),
    [one, two].map((caller) => principalVersion(tenant, caller.principal.id)).toSorted(),
  );
  assert.equal(made["principal"], group.ref);
  assert.ok((await permissionsAt(bench, tenant, one, root)).includes("clients:read"));
  await group.leave(two);
  assert.deepEqual(await permissionsAt(bench, tenant, two, root), []);
  await bench.ok(revokeRoleAssignment, owner, { id: made.id });
  assert.deepEqual(await permissionsAt(bench, tenant, one, root), []);
  // At the host they are nobody's: decisions read its principals' own assignments.
  const nobody = { parent: hostRef, principal: group.ref, role: "super_admin" };
  await bench.refused("not_admissible", createRoleAssignment, bench.host, nobody);
});

test("the last one is counted through groups, and not by what carries a condition", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const filter = `principal = "${refOf(owner)}" AND role = "owner"`;
  const own = async () => (await bench.ok(listRoleAssignments, owner, { filter })).items[0]?.id;
  const root = bench.rootRef(tenant);
  const perhaps = await bench.callerWith(tenant, undefined);
  await bench.ok(createRoleAssignment, owner, {
    parent: root,
    principal: refOf(perhaps),
    role: "owner",
    condition: "context.friday == true",
  });
  await bench.refused("illegal_transition", revokeRoleAssignment, owner, { id: await own() });
  const group = await groupOf(bench, tenant, []);
  const given = await bench.ok(createRoleAssignment, owner, { parent: root, principal: group.ref, role: "owner" });
  await bench.refused("illegal_transition", revokeRoleAssignment, owner, { id: await own() });
  const asleep = await bench.callerWith(tenant, undefined);
  await suspendPrincipal(bench, tenant, asleep.principal);
  await group.join(asleep);
  await bench.refused("illegal_transition", revokeRoleAssignment, owner, { id: await own() });
  const member = await bench.callerWith(tenant, undefined);
  await group.join(member);
  await bench.ok(revokeRoleAssignment, owner, { id: await own() });
  // From now on the group's is the last.
  await bench.refused("illegal_transition", revokeRoleAssignment, member, { id: given.id });
  await bench.ok(createRoleAssignment, member, { parent: root, principal: refOf(member), role: "owner" });
  await bench.ok(revokeRoleAssignment, member, { id: given.id });
});
