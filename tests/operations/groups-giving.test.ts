// What a group hands on to its members, and who may hand it on: nobody gives more than they hold, and somebody is left who can give.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { rootNode } from "../../core/ids.ts";
import { addMembers } from "../../server/access/groups/add-members.ts";
import { deleteGroup } from "../../server/access/groups/delete-group.ts";
import { removeMembers } from "../../server/access/groups/remove-members.ts";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import type { Principal } from "../../server/authority/caller.ts";
import { principalVersion } from "../../server/platform/cache/fresh-cache.ts";
import { openWorkbench } from "../support/engine.ts";
import { callerHolding, day, humanIn, later, refOf, scopedTo, tally } from "./access-kit.ts";
import { client, document, group, may, named, serviceAt, staleClosures } from "./tree-kit.ts";

const bench = await openWorkbench();
after(bench.close);

const ref = (principal: Principal): string => refOf({ principal });

describe("invariant 8: nobody gives more than they hold", () => {
  test("who puts somebody into a group holds what it, and every group it is in, was given", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const place = await client(bench, tenant);
    const [outer, inner] = [await group(bench, owner), await group(bench, owner)];
    await bench.ok(addMembers, owner, { id: outer.id, members: [inner.resource] });
    const mallory = await callerHolding(bench, tenant, ["groups:*"]);
    const self = { id: inner.id, members: [ref(mallory.principal)] };
    const take = async () => bench.ok(removeMembers, owner, self);
    await bench.ok(addMembers, mallory, self);
    await take();

    const give = (more: object) =>
      bench.ok(createRoleAssignment, owner, {
        parent: bench.rootRef(tenant),
        principal: outer.resource,
        role: "viewer",
        ...more,
      });
    const viewing = await give({ parent: place.ref });
    const missing = await bench.refused("permission_denied", addMembers, mallory, self);
    assert.ok(missing.permission !== undefined);
    const revoke = named(bench, "role-assignments.revoke");
    await bench.ok(revoke, owner, { id: viewing.id });
    await bench.ok(addMembers, mallory, self);
    await take();

    const conditional = await give({ condition: "false" });
    await bench.refused("permission_denied", addMembers, mallory, self);
    await bench.ok(revoke, owner, { id: conditional.id });
    await give({ expire_time: later(bench, 1) });
    await bench.refused("permission_denied", addMembers, mallory, self);
    bench.clock.ms += 2 * day;
    await bench.ok(addMembers, mallory, self);
    await take();

    const file = await document(bench, owner, place.ref);
    const grant = { parent: file.resource, principal: inner.resource, level: "viewer" };
    await bench.ok(named(bench, "resource-grants.create"), owner, grant);
    await bench.refused("permission_denied", addMembers, mallory, self);
    await bench.refused("permission_denied", addMembers, scopedTo(bench, owner, "groups:*"), self);
    await bench.ok(addMembers, owner, self);
  });

  test("what is given to reach below must be held below, and what sleeps may wake up", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const [place, asleep] = [await client(bench, tenant), await client(bench, tenant)];
    const [own, other] = [await group(bench, owner), await group(bench, owner)];
    const role = await bench.ok(named(bench, "roles.create"), owner, {
      display_name: "R",
      permissions: ["accounts:read"],
    });
    const give = (to: string, parent: string, propagation: string) =>
      bench.ok(createRoleAssignment, owner, { parent, principal: to, role: role.resource, propagation });
    await give(own.resource, place.ref, "subtree");
    await give(other.resource, asleep.ref, "self");
    const mallory = await callerHolding(bench, tenant, ["groups:*"]);
    const there = { principal: ref(mallory.principal), role: role.resource };
    await bench.ok(createRoleAssignment, owner, { ...there, parent: place.ref, propagation: "self" });
    await bench.refused("permission_denied", addMembers, mallory, { id: own.id, members: [ref(mallory.principal)] });
    await bench.ok(createRoleAssignment, owner, { ...there, parent: place.ref });
    await bench.ok(addMembers, mallory, { id: own.id, members: [ref(mallory.principal)] });
    await bench.ok(named(bench, "clients.suspend"), owner, { id: asleep.id });
    await bench.refused("permission_denied", addMembers, mallory, { id: other.id, members: [ref(mallory.principal)] });
    await bench.ok(addMembers, owner, { id: other.id, members: [ref(mallory.principal)] });
  });

  test("a group is deleted by who may revoke what it was given, and its authority ends with it", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const place = await client(bench, tenant);
    const own = await group(bench, owner, place.ref);
    const service = await serviceAt(bench, tenant, place);
    await bench.ok(addMembers, owner, { id: own.id, members: [ref(service)] });
    await bench.ok(createRoleAssignment, owner, {
      parent: bench.rootRef(tenant),
      principal: own.resource,
      role: "admin",
    });
    const admin = await callerHolding(bench, tenant, ["groups:*", "role-assignments:*"], { ref: place.ref });
    await bench.refused("permission_denied", deleteGroup, admin, { id: own.id });
    assert.equal(await may(bench, tenant, service, "users:create", rootNode(tenant)), true);
    bench.published();
    const deleted = await bench.ok(deleteGroup, owner, { id: own.id });
    assert.deepEqual(deleted["ended"], { role_assignments: 1, resource_grants: 0, members: 1 });
    assert.deepEqual(bench.published(), [principalVersion(tenant, service.id)]);
    assert.equal(await may(bench, tenant, service, "users:create", rootNode(tenant)), false);
    assert.deepEqual(await staleClosures(bench, tenant), []);
  });
});

describe("the last who can assign roles", () => {
  test("stays in the group that makes it so, and so does the group", async () => {
    const tenant = await bench.tenant();
    const [own, outer] = [
      await group(bench, bench.host, bench.rootRef(tenant)),
      await group(bench, bench.host, bench.rootRef(tenant)),
    ];
    const meta = { tenant: bench.rootRef(tenant) };
    const ada = await bench.callerWith(tenant, undefined);
    const grace = await humanIn(bench, tenant);
    await bench.ok(addMembers, bench.host, { id: outer.id, members: [own.resource] }, meta);
    await bench.ok(addMembers, bench.host, { id: own.id, members: [ref(ada.principal)] }, meta);
    const role = { parent: bench.rootRef(tenant), principal: outer.resource, role: "owner" };
    await bench.ok(createRoleAssignment, bench.host, role, meta);

    for (const [operation, input] of [
      [removeMembers, { id: own.id, members: [ref(ada.principal)] }],
      [removeMembers, { id: outer.id, members: [own.resource] }],
      [deleteGroup, { id: own.id }],
      [deleteGroup, { id: outer.id }],
    ] as const)
      await bench.refused("illegal_transition", operation, ada, input);
    await bench.ok(addMembers, ada, { id: outer.id, members: [ref(grace)] });
    await bench.ok(removeMembers, ada, { id: outer.id, members: [own.resource] });
    assert.equal(await may(bench, tenant, ada.principal, "role-assignments:create", rootNode(tenant)), false);
    await bench.ok(removeMembers, bench.host, { id: outer.id, members: [ref(grace)] }, meta);
  });

  test("of two who take each other out at once, one stays", async () => {
    const tenant = await bench.tenant();
    const meta = { tenant: bench.rootRef(tenant) };
    const own = await group(bench, bench.host, bench.rootRef(tenant));
    const [ada, grace] = [await bench.callerWith(tenant, undefined), await bench.callerWith(tenant, undefined)];
    const role = { parent: bench.rootRef(tenant), principal: own.resource, role: "owner" };
    await bench.ok(createRoleAssignment, bench.host, role, meta);
    const members = [ref(ada.principal), ref(grace.principal)];
    for (let turn = 0; turn < 5; turn += 1) {
      await bench.ok(addMembers, bench.host, { id: own.id, members }, meta);
      const answers = await Promise.all([
        bench.call(removeMembers, ada, { id: own.id, members: [ref(grace.principal)] }),
        bench.call(removeMembers, grace, { id: own.id, members: [ref(ada.principal)] }),
      ]);
      assert.equal(tally(answers)["ok"], 1, JSON.stringify(answers));
    }
  });
});
