// Groups and who is in them, over the whole way of an operation and a real database.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, describe, test } from "node:test";
import { type NodeId, rootNode, type TenantId } from "../../core/ids.ts";
import { addMembers } from "../../server/access/groups/add-members.ts";
import { createGroup } from "../../server/access/groups/create-group.ts";
import { deleteGroup } from "../../server/access/groups/delete-group.ts";
import { getGroup } from "../../server/access/groups/get-group.ts";
import { listGroups } from "../../server/access/groups/list-groups.ts";
import { listMembers } from "../../server/access/groups/list-members.ts";
import { removeMembers } from "../../server/access/groups/remove-members.ts";
import { updateGroup } from "../../server/access/groups/update-group.ts";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import type { Principal } from "../../server/authority/caller.ts";
import { leaveGroups, removeFromGroups } from "../../server/authority/group-members-store.ts";
import { principalVersion, tenantVersion } from "../../server/platform/cache/fresh-cache.ts";
import { openWorkbench } from "../support/engine.ts";
import { callerHolding, humanIn, refOf, suspendPrincipal, tally } from "./access-kit.ts";
import { client, document, group, may, named, serviceAt, staleClosures } from "./tree-kit.ts";

const bench = await openWorkbench();
after(bench.close);

const ref = (principal: Principal): string => refOf({ principal });
const membersOf = async (tenant: TenantId, id: string): Promise<readonly unknown[]> =>
  (await bench.ok(listMembers, await bench.ownerOf(tenant), { id })).items.map((one) => one["member"]);

describe("groups", () => {
  test("a group is created, read, listed, renamed and deleted", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const place = await client(bench, tenant);
    const made = await bench.ok(createGroup, owner, { display_name: "Clerks", description: "They pay" });
    assert.deepEqual([made["parent"], made["description"]], [bench.rootRef(tenant), "They pay"]);
    assert.deepEqual(await bench.ok(getGroup, owner, { id: made.id }), made);
    await bench.refused("already_exists", createGroup, owner, { display_name: "CLERKS" });
    const below = await bench.ok(createGroup, owner, { parent: place.ref, display_name: "Clerks" });
    const listed = await bench.ok(listGroups, owner, { parent: place.ref });
    assert.deepEqual(
      listed.items.map(({ id }) => id),
      [below.id],
    );
    const renamed = await bench.ok(updateGroup, owner, { id: made.id, display_name: "Payers" }, { ifMatch: made.etag });
    assert.deepEqual([renamed["display_name"], renamed["description"]], ["Payers", "They pay"]);
    await bench.refused("etag_mismatch", updateGroup, owner, { id: made.id, description: "" }, { ifMatch: made.etag });
    await bench.ok(updateGroup, owner, { id: below.id, display_name: "CLERKS" });
    await bench.ok(deleteGroup, owner, { id: made.id });
    await bench.refused("not_found", getGroup, owner, { id: made.id });
    assert.deepEqual(
      (await bench.events(tenant)).map(({ type }) => type),
      ["created", "created", "updated", "updated", "deleted"].map((verb) => `countersign.group.${verb}.v1`),
    );
  });

  test("a group stands at a perimeter, and a perimeter stays while it has groups", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const place = await client(bench, tenant);
    const file = await document(bench, owner, place.ref);
    await bench.refused("not_admissible", createGroup, owner, { parent: file.resource, display_name: "No" });
    await bench.refused("not_admissible", createGroup, bench.host, { display_name: "No" });
    const empty = await client(bench, tenant);
    const made = await group(bench, owner, empty.ref);
    await bench.refused("illegal_transition", named(bench, "clients.delete"), owner, { id: empty.id });
    await bench.ok(deleteGroup, owner, { id: made.id });
    await bench.ok(named(bench, "clients.delete"), owner, { id: empty.id });
    await bench.refused("not_found", createGroup, owner, { parent: empty.ref, display_name: "No" });
  });

  test("another tenant's group, and another tenant's people, answer like those that never were", async () => {
    const [mine, theirs] = [await bench.tenant(), await bench.tenant()];
    const [owner, other] = [await bench.ownerOf(mine), await bench.ownerOf(theirs)];
    const secret = await group(bench, other);
    const own = await group(bench, owner);
    const stranger = ref(await humanIn(bench, theirs));
    const never = randomUUID();
    for (const [operation, more] of [
      [getGroup, {}],
      [updateGroup, { display_name: "No" }],
      [deleteGroup, {}],
      [listMembers, {}],
      [addMembers, { members: [ref(owner.principal)] }],
      [removeMembers, { members: [ref(owner.principal)] }],
    ] as const) {
      const { detail: seen } = await bench.refused("not_found", operation, owner, { id: secret.id, ...more });
      const { detail: unseen } = await bench.refused("not_found", operation, owner, { id: never, ...more });
      assert.equal(seen.replace(secret.id, never), unseen);
    }
    for (const member of [stranger, `users/${never}`, `service-accounts/${never}`, secret.resource, `groups/${never}`])
      await bench.refused("not_admissible", addMembers, owner, { id: own.id, members: [member] });
    await bench.refused("invalid_argument", addMembers, owner, { id: own.id, members: [`clients/${never}`] });
    assert.deepEqual((await bench.ok(listGroups, owner, { member: stranger })).items, []);
    await bench.refused("not_found", createGroup, owner, { parent: bench.rootRef(theirs), display_name: "No" });
    await bench.refused("not_found", listGroups, owner, { parent: bench.rootRef(theirs) });
    const role = { parent: bench.rootRef(mine), principal: secret.resource, role: "viewer" };
    await bench.refused("not_admissible", createRoleAssignment, owner, role);
  });
});

describe("members", () => {
  test("whoever is in a group, directly or through another, has what it has, until they are taken out", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const [all, few] = [await group(bench, owner), await group(bench, owner)];
    const [ada, grace] = [await humanIn(bench, tenant), await humanIn(bench, tenant)];
    const role = { parent: bench.rootRef(tenant), principal: all.resource, role: "admin" };
    await bench.ok(createRoleAssignment, owner, role);
    await bench.ok(addMembers, owner, { id: few.id, members: [ref(ada)] });
    const can = (who: Principal) => may(bench, tenant, who, "users:create", rootNode(tenant));
    assert.deepEqual([await can(ada), await can(grace)], [false, false]);

    bench.published();
    const added = await bench.ok(addMembers, owner, { id: all.id, members: [few.resource, ref(grace)] });
    assert.deepEqual(new Set(added["added"] as string[]), new Set([few.resource, ref(grace)]));
    assert.deepEqual(new Set(bench.published()), new Set([ada, grace].map(({ id }) => principalVersion(tenant, id))));
    assert.deepEqual([await can(ada), await can(grace)], [true, true]);
    const again = await bench.ok(addMembers, owner, { id: all.id, members: [ref(grace)] });
    assert.deepEqual(again["added"], []);
    assert.deepEqual(bench.published(), []);

    const inAll = (await bench.ok(listGroups, owner, { member: ref(ada) })).items.map(({ id }) => id);
    assert.deepEqual(new Set(inAll), new Set([all.id, few.id]));
    const above = (await bench.ok(listGroups, owner, { member: few.resource })).items.map(({ id }) => id);
    assert.deepEqual(above, [all.id]);

    const removed = await bench.ok(removeMembers, owner, {
      id: all.id,
      members: [few.resource, `users/${randomUUID()}`],
    });
    assert.deepEqual(removed["removed"], [few.resource]);
    assert.deepEqual(bench.published(), [principalVersion(tenant, ada.id)]);
    assert.deepEqual([await can(ada), await can(grace)], [false, true]);
    assert.deepEqual(await membersOf(tenant, all.id), [ref(grace)]);
    assert.deepEqual(await staleClosures(bench, tenant), []);
    assert.deepEqual(
      (await bench.events(tenant))
        .map(({ type, data }) => [type.split(".").slice(1, 3).join("."), data["members"]])
        .slice(-2),
      [
        ["group.members_added", added["added"]],
        ["group.members_removed", [few.resource]],
      ],
    );
  });

  test("in two groups by two ways, one is left and the other stays", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const [top, left, right] = [await group(bench, owner), await group(bench, owner), await group(bench, owner)];
    const ada = await humanIn(bench, tenant);
    await bench.ok(addMembers, owner, { id: top.id, members: [left.resource, right.resource] });
    for (const { id } of [left, right]) await bench.ok(addMembers, owner, { id, members: [ref(ada)] });
    await bench.ok(removeMembers, owner, { id: left.id, members: [ref(ada)] });
    const still = (await bench.ok(listGroups, owner, { member: ref(ada) })).items.map(({ id }) => id);
    assert.deepEqual(new Set(still), new Set([top.id, right.id]));
    await bench.ok(deleteGroup, owner, { id: right.id });
    assert.deepEqual((await bench.ok(listGroups, owner, { member: ref(ada) })).items, []);
    assert.deepEqual(await staleClosures(bench, tenant), []);
  });

  test("a group is not in itself, by no detour, and not by two at once", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const [a, b, c] = [await group(bench, owner), await group(bench, owner), await group(bench, owner)];
    await bench.refused("not_admissible", addMembers, owner, { id: a.id, members: [a.resource] });
    await bench.ok(addMembers, owner, { id: a.id, members: [b.resource] });
    await bench.ok(addMembers, owner, { id: b.id, members: [c.resource] });
    await bench.refused("not_admissible", addMembers, owner, { id: c.id, members: [a.resource] });
    for (let turn = 0; turn < 5; turn += 1) {
      const [x, y] = [await group(bench, owner), await group(bench, owner)];
      const answers = await Promise.all([
        bench.call(addMembers, owner, { id: x.id, members: [y.resource] }),
        bench.call(addMembers, owner, { id: y.id, members: [x.resource] }),
      ]);
      assert.deepEqual(tally(answers), { ok: 1, not_admissible: 1 });
    }
    assert.deepEqual(await staleClosures(bench, tenant), []);
  });

  test("a principal put into a group that is being put into another is in both", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    for (let turn = 0; turn < 5; turn += 1) {
      const [top, nested] = [await group(bench, owner), await group(bench, owner)];
      const ada = await humanIn(bench, tenant);
      const answers = await Promise.all([
        bench.call(addMembers, owner, { id: top.id, members: [nested.resource] }),
        bench.call(addMembers, owner, { id: nested.id, members: [ref(ada)] }),
      ]);
      assert.deepEqual(tally(answers), { ok: 2 });
      assert.equal((await bench.ok(listGroups, owner, { member: ref(ada) })).items.length, 2);
    }
    assert.deepEqual(await staleClosures(bench, tenant), []);
  });

  test("groups nest 8 deep, from wherever the chain is closed", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const chain = await Promise.all(Array.from({ length: 9 }, () => group(bench, owner)));
    for (let at = 0; at < 7; at += 1)
      await bench.ok(addMembers, owner, { id: chain[at]?.id, members: [chain[at + 1]?.resource] });
    await bench.refused("not_admissible", addMembers, owner, { id: chain[7]?.id, members: [chain[8]?.resource] });
    await bench.refused("not_admissible", addMembers, owner, { id: chain[8]?.id, members: [chain[0]?.resource] });
    await bench.ok(removeMembers, owner, { id: chain[3]?.id, members: [chain[4]?.resource] });
    await bench.ok(addMembers, owner, { id: chain[7]?.id, members: [chain[8]?.resource] });
    await bench.refused("not_admissible", addMembers, owner, { id: chain[3]?.id, members: [chain[4]?.resource] });
    await bench.ok(addMembers, owner, { id: chain[2]?.id, members: [chain[4]?.resource] });
  });

  test("a principal is in 100 groups and no more, counted through nesting", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const ada = await humanIn(bench, tenant);
    const [first, last, outer] = [await group(bench, owner), await group(bench, owner), await group(bench, owner)];
    await bench.sql(
      tenant,
      "test.many_groups",
      `with made as (
         insert into groups (tenant_id, id, node_id, display_name, description, create_time, update_time)
         select $1, gen_random_uuid(), $1, 'g' || i, '', now(), now() from generate_series(1, 98) as i returning id
       ), put as (
         insert into group_members select $1, id, 'human', $2, now() from made
       ) insert into group_closure select $1, $2, id, 'human' from made`,
      [tenant, ada.id],
    );
    await bench.ok(addMembers, owner, { id: first.id, members: [ref(ada)] });
    await bench.ok(addMembers, owner, { id: outer.id, members: [last.resource] });
    await bench.refused("not_admissible", addMembers, owner, { id: last.id, members: [ref(ada)] });
    await bench.ok(removeMembers, owner, { id: outer.id, members: [last.resource] });
    await bench.ok(addMembers, owner, { id: last.id, members: [ref(ada)] });
    await bench.refused("not_admissible", addMembers, owner, { id: outer.id, members: [last.resource] });
    assert.deepEqual(await staleClosures(bench, tenant), []);
  });

  test("a group has 10,000 members and no more", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const full = await group(bench, owner);
    await bench.sql(
      tenant,
      "test.full_group",
      "insert into group_members select $1, $2, 'service', gen_random_uuid(), now() from generate_series(1, 9999)",
      [tenant, full.id],
    );
    const [ada, grace] = [await humanIn(bench, tenant), await humanIn(bench, tenant)];
    await bench.refused("not_admissible", addMembers, owner, { id: full.id, members: [ref(ada), ref(grace)] });
    await bench.ok(addMembers, owner, { id: full.id, members: [ref(ada)] });
    await bench.refused("not_admissible", addMembers, owner, { id: full.id, members: [ref(grace)] });
    await bench.refused("invalid_argument", addMembers, owner, {
      id: full.id,
      members: Array.from({ length: 101 }, () => `users/${randomUUID()}`),
    });
  });

  test("where more than 100 are concerned, all that is cached of the tenant falls", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const [large, outer] = [await group(bench, owner), await group(bench, owner)];
    const services = await Promise.all(
      Array.from({ length: 101 }, () => serviceAt(bench, tenant, { id: rootNode(tenant), ref: "" })),
    );
    bench.published();
    await bench.ok(addMembers, owner, { id: large.id, members: services.slice(0, 100).map(ref) });
    assert.equal(bench.published().length, 100);
    await bench.ok(addMembers, owner, { id: large.id, members: services.slice(100).map(ref) });
    assert.equal(bench.published().length, 1);
    await bench.ok(addMembers, owner, { id: outer.id, members: [large.resource] });
    assert.deepEqual(bench.published(), [tenantVersion(tenant)]);
    await bench.ok(deleteGroup, owner, { id: large.id });
    assert.deepEqual(bench.published(), [tenantVersion(tenant)]);
    assert.deepEqual(await staleClosures(bench, tenant), []);
  });
});

describe("who may be in it", () => {
  test("a client's group holds who is placed at or below the client, and nobody from outside", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const [mine, theirs] = [await client(bench, tenant), await client(bench, tenant)];
    const own = await group(bench, owner, mine.ref);
    const admin = await callerHolding(bench, tenant, ["groups:*"], { ref: mine.ref });
    const [inside, outside] = [await serviceAt(bench, tenant, mine), await serviceAt(bench, tenant, theirs)];
    const above = await humanIn(bench, tenant);
    await bench.ok(addMembers, admin, { id: own.id, members: [ref(inside)] });
    for (const member of [outside, above, owner.principal])
      await bench.refused("not_admissible", addMembers, admin, { id: own.id, members: [ref(member)] });
    const [higher, foreign] = [await group(bench, owner), await group(bench, owner, theirs.ref)];
    for (const { resource } of [higher, foreign])
      await bench.refused("not_admissible", addMembers, admin, { id: own.id, members: [resource] });
    await bench.ok(addMembers, owner, { id: higher.id, members: [own.resource, foreign.resource] });
    // A membership at the client is being placed there.
    await bench.ok(named(bench, "groups.get"), admin, { id: own.id });
    await bench.sql(
      tenant,
      "test.membership",
      `insert into memberships (tenant_id, id, user_id, home_tenant_id, node_id, create_time, update_time)
       values ($1, gen_random_uuid(), $2, $1, $3, now(), now())`,
      [tenant, above.id, mine.id],
    );
    await bench.ok(addMembers, admin, { id: own.id, members: [ref(above)] });
    await bench.refused("permission_denied", addMembers, admin, { id: foreign.id, members: [ref(outside)] });
    await bench.refused("permission_denied", createGroup, admin, { display_name: "At the root" });
  });

  test("who is disabled or deleted is put into none", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const own = await group(bench, owner);
    const service = await serviceAt(bench, tenant, { id: rootNode(tenant), ref: "" });
    await suspendPrincipal(bench, tenant, service);
    await bench.refused("not_admissible", addMembers, owner, { id: own.id, members: [ref(service)] });
    const ada = await humanIn(bench, tenant);
    const gone = "update users set state = 'deleted' where tenant_id = $1 and id = $2";
    await bench.sql(tenant, "test.delete_user", gone, [tenant, ada.id]);
    await bench.refused("not_admissible", addMembers, owner, { id: own.id, members: [ref(ada)] });
  });

  test("who leaves a perimeter leaves the groups it was placed in for, and with the last membership all", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const place = await client(bench, tenant);
    const ada = await humanIn(bench, tenant);
    const at = `insert into memberships (tenant_id, id, user_id, home_tenant_id, node_id, create_time, update_time)
       values ($1, gen_random_uuid(), $2, $1, $3, now(), now())`;
    await bench.sql(tenant, "test.membership", at, [tenant, ada.id, place.id]);
    const [own, top] = [await group(bench, owner, place.ref), await group(bench, owner)];
    for (const { id } of [own, top]) await bench.ok(addMembers, owner, { id, members: [ref(ada)] });
    const groups = async () => (await bench.ok(listGroups, owner, { member: ref(ada) })).items.map(({ id }) => id);
    const leave = async (node: NodeId) => {
      const sqlText = "delete from memberships where tenant_id = $1 and user_id = $2 and node_id = $3";
      await bench.sql(tenant, "test.leave", sqlText, [tenant, ada.id, node]);
      await bench.engine.platform.database.transaction(tenant, (tx) => leaveGroups(tx, ada.id));
    };
    await leave(place.id);
    assert.deepEqual(await groups(), [top.id]);
    await leave(rootNode(tenant));
    assert.deepEqual(await groups(), []);
    const service = await serviceAt(bench, tenant, place);
    for (const { id } of [own, top]) await bench.ok(addMembers, owner, { id, members: [ref(service)] });
    const left = await bench.engine.platform.database.transaction(tenant, (tx) => removeFromGroups(tx, service));
    assert.deepEqual(new Set(left), new Set([own.id, top.id]));
    assert.deepEqual(await staleClosures(bench, tenant), []);
  });
});
