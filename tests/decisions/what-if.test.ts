// What a change would do, asked before it is made: the prediction is what asking before and after would have shown, and nothing is written.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { isFault } from "../../core/faults.ts";
import { formatRef } from "../../core/ids.ts";
import { addMembers } from "../../server/access/groups/add-members.ts";
import { createGroup } from "../../server/access/groups/create-group.ts";
import { removeMembers } from "../../server/access/groups/remove-members.ts";
import { createResourceGrant } from "../../server/access/resource-grants/create-resource-grant.ts";
import { revokeResourceGrant } from "../../server/access/resource-grants/revoke-resource-grant.ts";
import { moveResource } from "../../server/access/resources/move-resource.ts";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import { revokeRoleAssignment } from "../../server/access/role-assignments/revoke-role-assignment.ts";
import { createRole } from "../../server/access/roles/create-role.ts";
import { updateRole } from "../../server/access/roles/update-role.ts";
import { newId } from "../../server/platform/random.ts";
import { createMembership } from "../../server/principals/memberships/create-membership.ts";
import { deleteMembership } from "../../server/principals/memberships/delete-membership.ts";
import { listMemberships } from "../../server/principals/memberships/list-memberships.ts";
import { resumeUser, suspendUser } from "../../server/principals/users/suspend-user.ts";
import { openWorkbench } from "../support/engine.ts";
import { openDecisionPoint } from "./deciding.ts";
import { foreseen, onlyOne, openWorld, perimeter, proven } from "./foreseeing.ts";

const bench = await openWorkbench();
const point = await openDecisionPoint(bench);
after(async () => {
  point.close();
  await bench.close();
});

test("a role given and taken: the prediction is what check says before and after, and nothing is written", async () => {
  const world = await openWorld(bench, point);
  const input = { parent: formatRef("clients", world.client), principal: world.account.resource, role: "viewer" };
  const { gains, loses } = await proven(world, createRoleAssignment, input);
  assert.ok(gains.length > 0 && loses.length === 0);
  const id = await onlyOne(world, "role_assignments", "principal_id", world.account.id);
  assert.ok((await proven(world, revokeRoleAssignment, { id })).loses.length > 0);
});

test("a grant under a role of a group's, given and taken", async () => {
  const world = await openWorld(bench, point);
  await world.made(addMembers, { id: world.group.id, members: [world.account.resource] });
  const input = { parent: formatRef("documents", world.folder), principal: world.group.resource, level: "editor" };
  assert.ok((await proven(world, createResourceGrant, input)).gains.length > 0);
  const id = await onlyOne(world, "resource_grants", "tenant_id", world.tenant);
  assert.ok((await proven(world, revokeResourceGrant, { id })).loses.length > 0);
});

test("who joins a group and who leaves it", async () => {
  const world = await openWorld(bench, point);
  const input = { id: world.group.id, members: [world.account.resource, world.user.resource] };
  assert.ok((await proven(world, addMembers, input)).gains.length > 0);
  assert.ok((await proven(world, removeMembers, { ...input, members: [world.user.resource] })).loses.length > 0);
});

test("a custom role that comes to mean something else", async () => {
  const world = await openWorld(bench, point);
  const input = { id: world.role.id, update_mask: "permissions", permissions: ["accounts:read", "clients:read"] };
  const { gains, loses } = await proven(world, updateRole, input, world.role.etag);
  assert.ok(gains.length > 0 && loses.length > 0);
});

test("a branch that is moved, with what comes from above", async () => {
  const world = await openWorld(bench, point);
  await world.made(createRoleAssignment, {
    parent: formatRef("clients", world.client),
    principal: world.account.resource,
    role: "viewer",
  });
  const moved = { id: world.below, parent: formatRef("clients", world.other) };
  assert.ok((await proven(world, perimeter(world, "accounts.move"), moved)).loses.length > 0);
  const document = { id: world.file, parent: formatRef("clients", world.other) };
  await proven(world, moveResource, document);
});

test("a perimeter that is suspended, and wakes up", async () => {
  const world = await openWorld(bench, point);
  assert.ok((await proven(world, perimeter(world, "clients.suspend"), { id: world.client })).loses.length > 0);
  assert.ok((await proven(world, perimeter(world, "clients.resume"), { id: world.client })).gains.length > 0);
});

test("a user who is suspended, and comes back", async () => {
  const world = await openWorld(bench, point);
  assert.ok((await proven(world, suspendUser, { id: world.user.id })).loses.length > 0);
  assert.ok((await proven(world, resumeUser, { id: world.user.id })).gains.length > 0);
});

test("a membership that comes with a role, and ends with what was given there and with places in groups", async () => {
  const world = await openWorld(bench, point);
  const { made, user, group, client, folder, tenant, owner } = world;
  const home = await onlyOne(world, "memberships", "tenant_id", tenant);
  const parent = formatRef("clients", client);
  const gains = (await proven(world, createMembership, { parent, user: user.resource, role: "viewer" })).gains;
  assert.ok(gains.length > 0);
  const { items } = await bench.ok(listMemberships, owner, { filter: `user = ${user.resource}` });
  const second = items.find(({ id }) => id !== home);
  assert.ok(second);
  await made(addMembers, { id: group.id, members: [user.resource] });
  const granted = { principal: user.resource, level: "editor" };
  await made(createResourceGrant, { parent: formatRef("documents", folder), ...granted });
  const some = await proven(world, deleteMembership, { id: second.id });
  assert.ok(some.loses.length > 0 && some.gains.length === 0);
  const all = await proven(world, deleteMembership, { id: home });
  assert.ok(all.loses.length > 0 && all.gains.length === 0);
});

test("what depends on a condition is told as such", async () => {
  const world = await openWorld(bench, point);
  const input = {
    parent: world.parent,
    principal: world.account.resource,
    role: "viewer",
    condition: "context.office == true",
  };
  const { gains } = (await foreseen(world, createRoleAssignment, input)).access;
  assert.ok(gains.length > 0 && gains.every(({ conditional }) => conditional));
});

test("it takes the change's own permission and `access:explain`, and a change that can be foreseen", async () => {
  const world = await openWorld(bench, point);
  const asked = { parent: world.parent, principal: world.account.resource, role: "viewer" };
  const permissions = [
    "role-assignments:*",
    "clients:read",
    "accounts:read",
    "payouts:read",
    "organizations:read",
    "documents:read",
  ];
  const role = await world.made(createRole, { display_name: "Appoints", permissions });
  const appoints = await bench.callerWith(world.tenant, undefined);
  await world.made(createRoleAssignment, {
    parent: world.parent,
    principal: `service-accounts/${appoints.principal.id}`,
    role: role.resource,
  });
  const refused = await bench.refused("permission_denied", createRoleAssignment, appoints, asked, {
    validateOnly: true,
  });
  assert.equal(refused.permission, "access:explain");
  const nobody = await bench.callerWith(world.tenant, undefined);
  await bench.refused("permission_denied", createRoleAssignment, nobody, asked, { validateOnly: true });
  await bench.refused(
    "invalid_argument",
    createGroup,
    world.owner,
    { parent: world.parent, display_name: "X" },
    { validateOnly: true },
  );
  const failed = await bench.call(revokeRoleAssignment, world.owner, { id: newId() }, { validateOnly: true });
  assert.ok(isFault(failed) && failed.fault === "not_found");
});
