// Registered resources, over the whole way of an operation and a real database.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, describe, test } from "node:test";
import { hostTenant, type NodeId, rootNode } from "../../core/ids.ts";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import { batchCreateResources } from "../../server/access/resources/batch-create-resources.ts";
import { createResource } from "../../server/access/resources/create-resource.ts";
import { deleteResource } from "../../server/access/resources/delete-resource.ts";
import { getResource } from "../../server/access/resources/get-resource.ts";
import { listResources } from "../../server/access/resources/list-resources.ts";
import { moveResource } from "../../server/access/resources/move-resource.ts";
import { updateResource } from "../../server/access/resources/update-resource.ts";
import { tenantVersion } from "../../server/platform/cache/fresh-cache.ts";
import { treeDepthMax } from "../../server/tree/model.ts";
import { openWorkbench } from "../support/engine.ts";
import { callerHolding, humanIn, refOf, tally } from "./access-kit.ts";
import { account, brokenPaths, client, document, may, named } from "./tree-kit.ts";

const bench = await openWorkbench();
after(bench.close);

describe("registering", () => {
  test("a resource is registered under the application's own id, read, listed, changed and deleted", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const place = await client(bench, tenant);
    const id = randomUUID();
    const attributes = { label: "secret", size: 12, kept: true, tags: ["a", "b"] };
    const folder = await document(bench, owner, place.ref, { id, attributes });
    assert.deepEqual(
      [folder.id, folder.resource, folder["type"], folder["parent"], folder["owner"], folder["attributes"]],
      [id, `documents/${id}`, "documents", place.ref, null, attributes],
    );
    bench.clock.ms += 1_000;
    const file = await document(bench, owner, folder.resource);
    assert.equal(file["parent"], folder.resource);
    assert.deepEqual(await bench.ok(getResource, owner, { id }), folder);

    const listed = async (input: object) => (await bench.ok(listResources, owner, input)).items.map((one) => one.id);
    assert.deepEqual(await listed({}), [id, file.id]);
    assert.deepEqual(await listed({ parent: folder.resource }), [file.id]);
    assert.deepEqual(await listed({ filter: `parent = "${place.ref}" AND type = documents` }), [id]);
    const first = await bench.ok(listResources, owner, { page_size: 1 });
    assert.deepEqual(await listed({ page_size: 1, page_token: first.next_page_token }), [file.id]);

    const ada = refOf({ principal: await humanIn(bench, tenant) });
    const input = { id, display_name: "Renamed", owner: ada, attributes: {} };
    const changed = await bench.ok(updateResource, owner, input, { ifMatch: folder.etag });
    assert.deepEqual([changed["display_name"], changed["owner"], changed["attributes"]], ["Renamed", ada, {}]);
    await bench.refused("etag_mismatch", updateResource, owner, input, { ifMatch: folder.etag });
    const cleared = await bench.ok(updateResource, owner, { id, owner: null });
    assert.equal(cleared["owner"], null);
    assert.deepEqual(await listed({ filter: `owner = "${ada}"` }), []);

    await bench.refused("illegal_transition", deleteResource, owner, { id });
    await bench.ok(deleteResource, owner, { id: file.id });
    bench.published();
    const deleted = await bench.ok(deleteResource, owner, { id });
    assert.equal(deleted.state, "deleted");
    assert.deepEqual(bench.published(), [tenantVersion(tenant)]);
    await bench.refused("not_found", getResource, owner, { id });
    assert.deepEqual(
      (await bench.events(tenant)).map(({ type, subject }) => [type, subject]),
      [
        ["countersign.resource.created.v1", folder.resource],
        ["countersign.resource.created.v1", file.resource],
        ["countersign.resource.updated.v1", folder.resource],
        ["countersign.resource.updated.v1", folder.resource],
        ["countersign.resource.deleted.v1", file.resource],
        ["countersign.resource.deleted.v1", folder.resource],
      ],
    );
    assert.deepEqual((await bench.audit(tenant)).at(-1)?.target_path, [
      folder.resource,
      place.ref,
      bench.rootRef(tenant),
    ]);
  });

  test("registering gives nobody anything, its creator and its owner neither", async () => {
    const tenant = await bench.tenant();
    const place = await client(bench, tenant);
    const registrar = await callerHolding(bench, tenant, ["resources:create"], { ref: place.ref });
    const ada = await humanIn(bench, tenant);
    const made = await document(bench, registrar, place.ref, { owner: refOf({ principal: ada }) });
    for (const principal of [registrar.principal, ada])
      assert.equal(await may(bench, tenant, principal, "documents:read", made.id as NodeId), false);
    await bench.refused("permission_denied", getResource, registrar, { id: made.id });
  });

  test("an id is taken for good by whatever has it in the tenant, and by nothing of another tenant", async () => {
    const [mine, theirs] = [await bench.tenant(), await bench.tenant()];
    const [owner, other] = [await bench.ownerOf(mine), await bench.ownerOf(theirs)];
    const [here, there] = [await client(bench, mine), await client(bench, theirs)];
    const id = randomUUID();
    await document(bench, other, there.ref, { id });
    const own = await document(bench, owner, here.ref, { id });
    assert.equal(own.id, id);
    const again = { type: "documents", parent: here.ref, display_name: "Again" };
    await bench.refused("already_exists", createResource, owner, { ...again, id });
    await bench.refused("already_exists", createResource, owner, { ...again, id: here.id });
    await bench.refused("already_exists", createResource, owner, { ...again, id: mine });
    await bench.ok(deleteResource, owner, { id });
    await bench.refused("already_exists", createResource, owner, { ...again, id });
    assert.equal((await bench.ok(getResource, other, { id }))["parent"], there.ref);
  });

  test("the host's own id, which anchors read as above every tenant, is nobody's", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const input = { type: "documents", parent: bench.rootRef(tenant), display_name: "Host-like", id: hostTenant };
    await bench.refused("not_admissible", createResource, owner, input);
    const { type, display_name, id } = input;
    const batch = { parent: input.parent, resources: [{ type, display_name, id }] };
    await bench.refused("not_admissible", batchCreateResources, owner, batch);
  });

  test("a type stands where the model says, and nowhere else", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const place = await client(bench, tenant);
    const input = { parent: place.ref, display_name: "No" };
    await bench.refused("not_admissible", createResource, owner, { ...input, type: "payouts" });
    await bench.refused("not_admissible", createResource, owner, { ...input, type: "account" });
    await bench.refused("not_admissible", createResource, owner, { ...input, type: "nothing" });
    const folder = await document(bench, owner, place.ref);
    await bench.refused("not_admissible", createResource, owner, {
      ...input,
      type: "settings",
      parent: folder.resource,
    });
    await bench.refused("not_found", createResource, owner, {
      ...input,
      type: "documents",
      parent: `documents/${place.id}`,
    });
    const below = await account(bench, tenant, place.id);
    await bench.ok(createResource, owner, { ...input, type: "payouts", parent: below.ref });
  });

  test("nothing is registered at the host, whatever the model says", async () => {
    const shipped = `
perimeters:
  organization: { collection: organizations }
resources:
  engines: { in: [host], actions: [start] }
roles:
  owner: { permissions: ["*"] }
host_roles:
  super_admin: { permissions: ["*"] }
`;
    const own = await openWorkbench({ model: shipped });
    try {
      const input = { type: "engines", parent: `host/${hostTenant}`, display_name: "No" };
      await own.refused("not_admissible", createResource, own.host, input);
    } finally {
      await own.close();
    }
  });

  test("a tree grows 32 deep and no deeper", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const ids = Array.from({ length: treeDepthMax }, () => randomUUID());
    const nested = ids.map((id, at) => ({
      type: "documents",
      display_name: `level ${at}`,
      id,
      ...(at === 0 ? {} : { parent: `documents/${ids[at - 1]}` }),
    }));
    const parent = bench.rootRef(tenant);
    await bench.refused("not_admissible", batchCreateResources, owner, { parent, resources: nested });
    assert.deepEqual((await bench.ok(listResources, owner, {})).items, []);
    const fitting = nested.slice(0, treeDepthMax - 1);
    assert.equal((await bench.ok(batchCreateResources, owner, { parent, resources: fitting })).items.length, 31);
    await bench.refused("not_admissible", createResource, owner, {
      type: "documents",
      display_name: "Too deep",
      parent: `documents/${ids[treeDepthMax - 2]}`,
    });
    assert.deepEqual(await brokenPaths(bench, tenant), []);
  });

  test("owners are principals of the tenant, and attributes have a size", async () => {
    const [tenant, other] = [await bench.tenant(), await bench.tenant()];
    const owner = await bench.ownerOf(tenant);
    const input = { type: "documents", parent: bench.rootRef(tenant), display_name: "A document" };
    const stranger = refOf({ principal: await humanIn(bench, other) });
    await bench.refused("not_admissible", createResource, owner, { ...input, owner: stranger });
    await bench.refused("invalid_argument", createResource, owner, { ...input, owner: `groups/${randomUUID()}` });
    await bench.refused("invalid_argument", createResource, owner, { ...input, owner: `clients/${randomUUID()}` });
    const big = Object.fromEntries(Array.from({ length: 6 }, (_, at) => [`a${at}`, "x".repeat(900)]));
    await bench.refused("invalid_argument", createResource, owner, { ...input, attributes: big });
    for (const attributes of [{ "1": "x" }, { a: { b: 1 } }, { a: null }, { a: "\u0000" }, { a: 1e300 }, []])
      await bench.refused("invalid_argument", createResource, owner, { ...input, attributes });
    const proto = JSON.parse('{"__proto__": "x"}') as object;
    await bench.refused("invalid_argument", createResource, owner, { ...input, attributes: proto });
    // As much as is let in fits what the database takes.
    const lists = Object.fromEntries(
      Array.from({ length: 9 }, (_, at) => [`a${at}`, Array.from({ length: 100 }, () => "x")]),
    );
    await document(bench, owner, input.parent, { attributes: lists });
    const numbers = Object.fromEntries(Array.from({ length: 64 }, (_, at) => [`${"n".repeat(45)}${at + 10}`, -0.1]));
    await document(bench, owner, input.parent, { attributes: numbers });
  });

  test("twice with one Idempotency-Key is once", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const input = { type: "documents", parent: bench.rootRef(tenant), display_name: "Once", id: randomUUID() };
    const meta = { idempotencyKey: "one" };
    const first = await bench.ok(createResource, owner, input, meta);
    assert.deepEqual(await bench.ok(createResource, owner, input, meta), first);
    await bench.refused("idempotency_conflict", createResource, owner, { ...input, display_name: "Other" }, meta);
    await bench.refused("already_exists", createResource, owner, input);
  });

  test("of many who register one id at once, one does", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const input = { type: "documents", parent: bench.rootRef(tenant), display_name: "Race", id: randomUUID() };
    const answers = await Promise.all(Array.from({ length: 8 }, () => bench.call(createResource, owner, input)));
    assert.deepEqual(tally(answers), { ok: 1, already_exists: 7 });
  });
});

describe("registering many", () => {
  test("a folder and what is in it come together, in order", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const place = await client(bench, tenant);
    const id = randomUUID();
    const folder = { type: "documents", display_name: "Folder", id };
    const file = { type: "documents", display_name: "File", parent: `documents/${id}` };
    const { items } = await bench.ok(batchCreateResources, owner, {
      parent: place.ref,
      resources: [folder, file, file],
    });
    assert.deepEqual(
      items.map((one) => one["parent"]),
      [place.ref, `documents/${id}`, `documents/${id}`],
    );
    assert.equal((await bench.events(tenant)).length, 3);
    assert.deepEqual(await brokenPaths(bench, tenant), []);
    await bench.refused("not_found", batchCreateResources, owner, {
      parent: place.ref,
      resources: [file, { ...folder, id: randomUUID() }].map((one) => ({
        ...one,
        parent: `documents/${randomUUID()}`,
      })),
    });
  });

  test("one that cannot be registered is why none is", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const parent = bench.rootRef(tenant);
    const taken = await document(bench, owner, parent);
    const good = { type: "documents", display_name: "Good" };
    const many = Array.from({ length: 99 }, () => good);
    const twice = { ...good, id: randomUUID() };
    await bench.refused("already_exists", batchCreateResources, owner, {
      parent,
      resources: [...many, { ...good, id: taken.id }],
    });
    await bench.refused("already_exists", batchCreateResources, owner, { parent, resources: [twice, twice] });
    await bench.refused("not_admissible", batchCreateResources, owner, {
      parent,
      resources: [good, { ...good, type: "payouts" }],
    });
    await bench.refused("invalid_argument", batchCreateResources, owner, { parent, resources: [...many, good, good] });
    assert.deepEqual(
      (await bench.ok(listResources, owner, {})).items.map((one) => one.id),
      [taken.id],
    );
    assert.equal(
      (await bench.ok(batchCreateResources, owner, { parent, resources: [...many, good] })).items.length,
      100,
    );
  });

  test("the permission is asked for at every parent that is named, and below it for what is nested", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const [mine, theirs] = [await client(bench, tenant), await client(bench, tenant)];
    const good = { type: "documents", display_name: "Good" };
    const admin = await callerHolding(bench, tenant, ["resources:create"], { ref: mine.ref });
    const foreign = { parent: mine.ref, resources: [good, { ...good, parent: theirs.ref }] };
    const missing = await bench.refused("permission_denied", batchCreateResources, admin, foreign);
    assert.equal(missing.permission, "resources:create");
    const here = await callerHolding(bench, tenant, ["resources:create"], { ref: mine.ref, propagation: "self" });
    await bench.ok(batchCreateResources, here, { parent: mine.ref, resources: [good] });
    const id = randomUUID();
    const nested = [
      { ...good, id },
      { ...good, parent: `documents/${id}` },
    ];
    await bench.refused("permission_denied", batchCreateResources, here, { parent: mine.ref, resources: nested });
    await bench.ok(batchCreateResources, admin, { parent: mine.ref, resources: nested });
    assert.equal((await bench.ok(listResources, owner, {})).items.length, 3);
  });
});

describe("who may", () => {
  test("another tenant's resource answers like one that never was", async () => {
    const [mine, theirs] = [await bench.tenant(), await bench.tenant()];
    const [owner, other] = [await bench.ownerOf(mine), await bench.ownerOf(theirs)];
    const secret = await document(bench, other, bench.rootRef(theirs));
    const never = randomUUID();
    const attempts = [
      [getResource, {}],
      [updateResource, { display_name: "No" }],
      [deleteResource, {}],
      [moveResource, { parent: bench.rootRef(mine) }],
    ] as const;
    for (const [operation, more] of attempts) {
      const { detail: seen } = await bench.refused("not_found", operation, owner, { id: secret.id, ...more });
      const { detail: unseen } = await bench.refused("not_found", operation, owner, { id: never, ...more });
      assert.equal(seen.replace(secret.id, never), unseen);
    }
    const input = { type: "documents", parent: secret.resource, display_name: "No" };
    await bench.refused("not_found", createResource, owner, input);
    const own = await document(bench, owner, bench.rootRef(mine));
    await bench.refused("not_found", moveResource, owner, { id: own.id, parent: secret.resource });
    assert.deepEqual((await bench.ok(listResources, owner, {})).items.length, 1);
    // A perimeter is no resource, and is not changed as one.
    const place = await client(bench, mine);
    await bench.refused("not_found", updateResource, owner, { id: place.id, display_name: "No" });
    await bench.refused("not_found", deleteResource, owner, { id: rootNode(mine) });
  });

  test("each verb needs its permission, where the resource is", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const [mine, theirs] = [await client(bench, tenant), await client(bench, tenant)];
    const file = await document(bench, owner, theirs.ref);
    const admin = await callerHolding(bench, tenant, ["resources:*"], { ref: mine.ref });
    for (const [operation, more] of [
      [getResource, {}],
      [updateResource, { display_name: "No" }],
      [deleteResource, {}],
    ] as const)
      await bench.refused("permission_denied", operation, admin, { id: file.id, ...more });
    await bench.refused("permission_denied", listResources, admin, {});
    await bench.ok(listResources, admin, { parent: mine.ref });
  });

  test("invariant 8: who changes what conditions ask about must hold what they give", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const place = await client(bench, tenant);
    const friend = await humanIn(bench, tenant);
    await bench.ok(createRoleAssignment, owner, {
      parent: place.ref,
      principal: refOf({ principal: friend }),
      role: "admin",
      condition: "resource.owner == subject.ref",
    });
    const file = await document(bench, owner, place.ref);
    const clerk = await callerHolding(bench, tenant, ["resources:*"], { ref: place.ref });
    const change = { id: file.id, owner: refOf({ principal: friend }) };
    const refused = await bench.refused("permission_denied", updateResource, clerk, change);
    assert.ok(refused.permission !== undefined);
    await bench.refused("permission_denied", updateResource, clerk, { id: file.id, attributes: { open: true } });
    await bench.ok(updateResource, clerk, { id: file.id, display_name: "A name is a name" });
    bench.published();
    await bench.ok(updateResource, owner, change);
    assert.deepEqual(bench.published(), [tenantVersion(tenant)]);
  });

  test("deleting ends what was granted, assigned and shared on it", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const ada = await humanIn(bench, tenant, "member");
    const file = await document(bench, owner, bench.rootRef(tenant));
    const given = { parent: file.resource, principal: refOf({ principal: ada }) };
    await bench.ok(named(bench, "resource-grants.create"), owner, { ...given, level: "viewer" });
    await bench.ok(createRoleAssignment, owner, { ...given, role: "viewer" });
    assert.equal(await may(bench, tenant, ada, "documents:read", file.id as NodeId), true);
    const deleted = await bench.ok(deleteResource, owner, { id: file.id });
    assert.deepEqual(deleted["ended"], { resource_grants: 1, role_assignments: 1, share_links: 0 });
    assert.equal(await may(bench, tenant, ada, "documents:read", file.id as NodeId), false);
  });
});
