// Moving perimeters and resources, over the whole way of an operation and a real database.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, describe, test } from "node:test";
import type { NodeId } from "../../core/ids.ts";
import { batchCreateResources } from "../../server/access/resources/batch-create-resources.ts";
import { createResource } from "../../server/access/resources/create-resource.ts";
import { deleteResource } from "../../server/access/resources/delete-resource.ts";
import { getResource } from "../../server/access/resources/get-resource.ts";
import { moveResource } from "../../server/access/resources/move-resource.ts";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import type { Caller } from "../../server/authority/caller.ts";
import { tenantVersion } from "../../server/platform/cache/fresh-cache.ts";
import { moved_nodes_max, treeDepthMax } from "../../server/tree/model.ts";
import { openWorkbench } from "../support/engine.ts";
import { callerHolding, humanIn, later, refOf, scopedTo, tally } from "./access-kit.ts";
import { account, brokenPaths, client, document, may, named, type Place, serviceAt } from "./tree-kit.ts";

const bench = await openWorkbench();
after(bench.close);
const op = (name: string) => named(bench, name);

const assign = (by: Caller, to: Caller, parent: string, role: string, more: object = {}) =>
  bench.ok(createRoleAssignment, by, { parent, principal: refOf(to), role, ...more });

describe("moving", () => {
  test("a resource moves with all that is below it, and the tree knows", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const [from, to] = [await client(bench, tenant), await client(bench, tenant)];
    const folder = await document(bench, owner, from.ref);
    const file = await document(bench, owner, folder.resource);
    const gone = await document(bench, owner, folder.resource);
    await bench.ok(deleteResource, owner, { id: gone.id });
    const [before, after_] = [await serviceAt(bench, tenant, from), await serviceAt(bench, tenant, to)];
    for (const [principal, { ref }] of [
      [before, from],
      [after_, to],
    ] as const)
      await bench.ok(createRoleAssignment, owner, { parent: ref, principal: refOf({ principal }), role: "admin" });
    bench.published();

    const moved = await bench.ok(moveResource, owner, { id: folder.id, parent: to.ref }, { ifMatch: folder.etag });
    assert.deepEqual([moved["parent"], moved["previous_parent"], moved.etag], [to.ref, from.ref, "r2"]);
    assert.deepEqual(bench.published(), [tenantVersion(tenant)]);
    assert.equal((await bench.ok(getResource, owner, { id: file.id })).etag, "r1");
    assert.deepEqual(await brokenPaths(bench, tenant), []);
    for (const id of [folder.id, file.id]) {
      assert.equal(await may(bench, tenant, before, "documents:read", id as NodeId), false);
      assert.equal(await may(bench, tenant, after_, "documents:read", id as NodeId), true);
    }
    const event = (await bench.events(tenant)).at(-1);
    assert.equal(event?.type, "countersign.resource.moved.v1");
    assert.deepEqual([event?.data["parent"], event?.data["previous_parent"]], [to.ref, from.ref]);
    const entry = (await bench.audit(tenant)).at(-1);
    const [pathBefore, pathAfter] = [from, to].map(({ ref }) => [folder.resource, ref, bench.rootRef(tenant)]);
    assert.deepEqual(entry?.target_path, pathBefore);
    assert.deepEqual(entry?.detail, { path_before: pathBefore, path_after: pathAfter });
    await bench.refused(
      "etag_mismatch",
      moveResource,
      owner,
      { id: folder.id, parent: from.ref },
      { ifMatch: folder.etag },
    );
  });

  test("a perimeter moves with its resources", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const [from, to] = [await client(bench, tenant), await client(bench, tenant)];
    const books = await account(bench, tenant, from.id);
    const file = await document(bench, owner, books.ref);
    const moved = await bench.ok(op("accounts.move"), owner, { id: books.id, parent: to.ref });
    assert.deepEqual([moved["parent"], moved["previous_parent"], moved.state], [to.ref, from.ref, "active"]);
    const event = (await bench.events(tenant)).at(-1);
    assert.equal(event?.type, "countersign.perimeter.moved.v1");
    assert.deepEqual([event?.data["parent"], event?.data["previous_parent"]], [to.ref, from.ref]);
    await bench.ok(op("accounts.move"), owner, { id: books.id, parent: bench.rootRef(tenant) });
    await bench.ok(getResource, owner, { id: file.id });
    assert.deepEqual(await brokenPaths(bench, tenant), []);
  });

  test("into what it is, or has below it, or is in already, or where its type has no place, nothing moves", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const place = await client(bench, tenant);
    const folder = await document(bench, owner, place.ref);
    const inner = await document(bench, owner, folder.resource);
    for (const parent of [folder.resource, inner.resource])
      await bench.refused("not_admissible", moveResource, owner, { id: folder.id, parent });
    await bench.refused("illegal_transition", moveResource, owner, { id: folder.id, parent: place.ref });
    const books = await account(bench, tenant, place.id);
    await bench.refused("not_admissible", op("clients.move"), owner, { id: place.id, parent: books.ref });
    await bench.refused("not_admissible", op("accounts.move"), owner, { id: books.id, parent: folder.resource });
    const payout = await bench.ok(createResource, owner, { type: "payouts", parent: books.ref, display_name: "P" });
    await bench.refused("not_admissible", moveResource, owner, { id: payout.id, parent: place.ref });
    await bench.refused("not_found", moveResource, owner, { id: folder.id, parent: `documents/${randomUUID()}` });
    assert.throws(() => op("organizations.move"));
    assert.deepEqual(await brokenPaths(bench, tenant), []);
  });

  test("the root of a tenant stays where its type could be a child as well", async () => {
    const model = `
perimeters:
  team: { collection: teams, in: [holding], root: true }
  holding: { collection: holdings }
resources: {}
roles:
  owner: { permissions: ["*"] }
host_roles:
  super_admin: { permissions: ["*"] }
`;
    const own = await openWorkbench({ model });
    try {
      const tenant = await own.tenant();
      const owner = await own.ownerOf(tenant);
      const move = named(own, "teams.move");
      await own.refused("illegal_transition", move, owner, { id: tenant, parent: `teams/${tenant}` });
    } finally {
      await own.close();
    }
  });

  test("the deepest descendant decides how deep a subtree may go", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const parent = bench.rootRef(tenant);
    const chain = async (length: number) => {
      const ids = Array.from({ length }, () => randomUUID());
      const resources = ids.map((id, at) => ({
        type: "documents",
        display_name: `level ${at}`,
        id,
        ...(at === 0 ? {} : { parent: `documents/${ids[at - 1]}` }),
      }));
      await bench.ok(batchCreateResources, owner, { parent, resources });
      return ids;
    };
    const [tall, high] = [await chain(16), await chain(16)];
    await bench.refused("not_admissible", moveResource, owner, { id: high[0], parent: `documents/${tall[15]}` });
    const moved = await bench.ok(moveResource, owner, { id: high[1], parent: `documents/${tall[15]}` });
    assert.equal(moved["parent"], `documents/${tall[15]}`);
    const [deepest] = await bench.sql<{ depth: number }>(
      tenant,
      "test.deepest",
      "select max(cardinality(ancestors)) as depth from nodes where tenant_id = $1",
      [tenant],
    );
    assert.equal(deepest?.depth, treeDepthMax);
    assert.deepEqual(await brokenPaths(bench, tenant), []);
  });

  test("more than 20,000 nodes are not moved at once", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const place = await client(bench, tenant);
    const folder = await document(bench, owner, bench.rootRef(tenant));
    const plant = (count: number) =>
      bench.sql(
        tenant,
        `test.plant_${count}`,
        `insert into nodes (tenant_id, id, type, parent_id, ancestors, display_name, state, create_time, update_time)
         select $1, id, 'documents', $2, array[id, $2::uuid, $1::uuid], 'x', 'active', now(), now()
           from (select gen_random_uuid() as id from generate_series(1, ${count})) as made`,
        [tenant, folder.id],
      );
    await plant(moved_nodes_max - 1);
    await bench.ok(moveResource, owner, { id: folder.id, parent: place.ref });
    const [moved] = await bench.sql<{ moved: number }>(
      tenant,
      "test.moved",
      "select count(*) as moved from nodes where tenant_id = $1 and parent_id = $2 and ancestors = array[id, $2::uuid, $3::uuid, $1::uuid]",
      [tenant, folder.id, place.id],
    );
    assert.equal(moved?.moved, moved_nodes_max - 1);
    await plant(1);
    await bench.refused("not_admissible", moveResource, owner, { id: folder.id, parent: bench.rootRef(tenant) });
  });
});

describe("who may move", () => {
  const setUp = async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const [mine, theirs] = [await client(bench, tenant), await client(bench, tenant)];
    const folder = await document(bench, owner, theirs.ref);
    return { tenant, owner, mine, theirs, folder };
  };
  const move = (by: Caller, folder: { readonly id: string }, to: Place | { readonly ref: string }) =>
    bench.call(moveResource, by, { id: folder.id, parent: to.ref });
  const refusedFor = async (
    by: Caller,
    folder: { readonly id: string },
    to: { readonly ref: string },
    permission: string,
  ) => {
    const refusal = await bench.refused("permission_denied", moveResource, by, { id: folder.id, parent: to.ref });
    assert.equal(refusal.permission, permission, refusal.detail);
  };

  test("update throughout what is moved, and create throughout where it goes", async () => {
    const { tenant, owner, mine, theirs, folder } = await setUp();
    const reader = await callerHolding(bench, tenant, ["resources:read", "resources:create"]);
    await refusedFor(reader, folder, mine, "resources:update");
    const there = await callerHolding(bench, tenant, ["resources:*"], { ref: theirs.ref });
    await refusedFor(there, folder, mine, "resources:create");
    const here = await callerHolding(bench, tenant, ["resources:update"], {
      ref: folder.resource,
      propagation: "self",
    });
    const role = await bench.ok(op("roles.create"), owner, { display_name: "C", permissions: ["resources:create"] });
    await assign(owner, here, mine.ref, role.resource);
    await refusedFor(here, folder, mine, "resources:update");
    const both = await callerHolding(bench, tenant, ["resources:update", "resources:create"], { ref: theirs.ref });
    await assign(owner, both, mine.ref, role.resource, { propagation: "self" });
    await refusedFor(both, folder, mine, "resources:create");
    await refusedFor(scopedTo(bench, both, "resources:update"), folder, mine, "resources:create");
    await assign(owner, both, mine.ref, role.resource);
    assert.deepEqual(tally([await move(both, folder, mine)]), { ok: 1 });
  });

  test("invariant 8: nobody moves a foreign client's folder to where they hold more of it", async () => {
    const { tenant, owner, mine, theirs, folder } = await setUp();
    const mallory = await callerHolding(bench, tenant, ["resources:*"], { ref: theirs.ref });
    await assign(owner, mallory, mine.ref, "admin");
    const refusal = await bench.refused("permission_denied", moveResource, mallory, {
      id: folder.id,
      parent: mine.ref,
    });
    assert.match(refusal.detail, /would come to hold/);
    assert.equal(await may(bench, tenant, mallory.principal, "documents:read", folder.id as NodeId), false);
    await assign(owner, mallory, theirs.ref, "admin");
    assert.deepEqual(tally([await move(mallory, folder, mine)]), { ok: 1 });
  });

  test("invariant 8: nor to where a friend does, by a role, within grants, by a grant, on a condition, or asleep", async () => {
    const { tenant, owner, mine, theirs, folder } = await setUp();
    const mover = await callerHolding(bench, tenant, ["resources:*"]);
    const friend = await humanIn(bench, tenant);
    const principal = refOf({ principal: friend });
    const given = async (operation: string, input: object) => {
      const made = await bench.ok(op(`${operation}.create`), owner, { principal, ...input });
      const refusal = await bench.refused("permission_denied", moveResource, mover, {
        id: folder.id,
        parent: place.resource,
      });
      assert.match(refusal.detail, /would come to hold `documents:/);
      await bench.ok(op(`${operation}.revoke`), owner, { id: made.id });
    };
    const place = await document(bench, owner, mine.ref);
    const role = await bench.ok(op("roles.create"), owner, { display_name: "D", permissions: ["documents:read"] });
    await given("role-assignments", { parent: mine.ref, role: role.resource });
    await given("role-assignments", { parent: mine.ref, role: "viewer" });
    await given("role-assignments", { parent: mine.ref, role: role.resource, condition: "false" });
    await given("resource-grants", { parent: place.resource, level: "viewer" });
    await bench.sql(tenant, "test.suspend", "update users set state = 'suspended' where tenant_id = $1 and id = $2", [
      tenant,
      friend.id,
    ]);
    await given("role-assignments", { parent: mine.ref, role: role.resource });

    // What reaches no further than its own node, what has expired by then, and what reached it before: none of it is gained.
    await bench.ok(createRoleAssignment, owner, {
      principal,
      parent: mine.ref,
      role: role.resource,
      propagation: "self",
    });
    await bench.ok(createRoleAssignment, owner, { principal, parent: bench.rootRef(tenant), role: role.resource });
    const short = { principal, parent: mine.ref, role: "viewer", expire_time: later(bench, 1) };
    await bench.ok(createRoleAssignment, owner, short);
    bench.clock.ms += 2 * 24 * 3600 * 1000;
    await bench.ok(moveResource, mover, { id: folder.id, parent: place.resource });
    await bench.ok(moveResource, mover, { id: folder.id, parent: theirs.ref });
  });

  test("a folder that comes to an account brings its treasurer no payout, and needs none held", async () => {
    const { tenant, owner, mine, folder } = await setUp();
    const books = await account(bench, tenant, mine.id);
    const treasurer = await bench.callerWith(tenant, undefined);
    const role = await bench.ok(op("roles.create"), owner, { display_name: "T", permissions: ["payouts:*"] });
    await assign(owner, treasurer, books.ref, role.resource);
    const mover = await callerHolding(bench, tenant, ["resources:*", "accounts:*"]);
    assert.deepEqual(tally([await move(mover, folder, books)]), { ok: 1 });
    // A perimeter brings whatever may come to stand in it.
    const other = await account(bench, tenant, mine.id);
    const place = await client(bench, tenant);
    await assign(owner, treasurer, place.ref, role.resource);
    await bench.refused("permission_denied", op("accounts.move"), mover, { id: other.id, parent: place.ref });
  });

  test("nothing is moved out of what is suspended, nor into it", async () => {
    const { owner, mine, theirs, folder, tenant } = await setUp();
    const books = await account(bench, tenant, theirs.id);
    const suspend = (place: Place) => bench.ok(op("clients.suspend"), owner, { id: place.id });
    await suspend(theirs);
    assert.deepEqual(tally([await move(owner, folder, mine)]), { permission_denied: 1 });
    await bench.refused("permission_denied", op("accounts.move"), owner, { id: books.id, parent: mine.ref });
    await bench.refused("permission_denied", op("clients.move"), owner, {
      id: theirs.id,
      parent: bench.rootRef(tenant),
    });
    await bench.ok(op("clients.resume"), owner, { id: theirs.id });
    await suspend(mine);
    assert.deepEqual(tally([await move(owner, folder, mine)]), { permission_denied: 1 });
  });

  test("a place that is created by approval, or by humans alone, is not had by moving", async () => {
    const model = `
perimeters:
  organization: { collection: organizations }
  client: { collection: clients, in: [organization] }
  account: { collection: accounts, in: [client, organization] }
resources: {}
roles:
  owner: { permissions: ["*"] }
host_roles:
  super_admin: { permissions: ["*"] }
governance:
  accounts:create: { class: human }
`;
    const own = await openWorkbench({ model });
    try {
      const tenant = await own.tenant();
      const owner = await own.ownerOf(tenant);
      const [place, books] = [await own.node(tenant, "client"), await own.node(tenant, "account")];
      const input = { id: books, parent: `clients/${place}` };
      await own.refused("not_admissible", named(own, "accounts.move"), owner, input);
    } finally {
      await own.close();
    }
  });
});
