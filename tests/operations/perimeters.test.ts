// The perimeters below a tenant, over the whole way of an operation and a real database.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { isFault } from "../../core/faults.ts";
import { formatRef, type NodeId, type TenantId } from "../../core/ids.ts";
import { emptySet, expand } from "../../core/model/permissions.ts";
import { tenantVersion } from "../../server/platform/cache/fresh-cache.ts";
import { newId } from "../../server/platform/random.ts";
import { openWorkbench } from "../support/engine.ts";
import { everyVerbOn, inputFor, operationsOf } from "./perimeters-kit.ts";

const bench = await openWorkbench();
after(bench.close);
const op = operationsOf(bench);

describe("perimeters below a tenant", () => {
  test("an owner builds the tree, and each perimeter knows its parent", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const client = await bench.ok(op("clients.create"), owner, {
      parent: bench.rootRef(tenant),
      display_name: "A client",
    });
    assert.equal(client["parent"], bench.rootRef(tenant));
    const account = await bench.ok(op("accounts.create"), owner, {
      parent: client.resource,
      display_name: "An account",
    });
    assert.equal(account["parent"], client.resource);
    assert.deepEqual(await bench.ok(op("accounts.get"), owner, { id: account.id }), account);
    assert.deepEqual(
      (await bench.events(tenant)).map(({ type, subject }) => [type, subject]),
      [
        ["countersign.perimeter.created.v1", client.resource],
        ["countersign.perimeter.created.v1", account.resource],
      ],
    );
    const entry = (await bench.audit(tenant)).at(-1);
    assert.deepEqual(entry?.target_path, [client.resource, bench.rootRef(tenant)]);
    assert.equal(entry?.bypass, false);
    assert.equal(entry?.authenticated_principal, `service-accounts/${owner.principal.id}`);
  });

  test("a parent of a type the model does not allow is not admissible, and one that is not there is not found", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const account = formatRef("accounts", await bench.node(tenant, "account"));
    await bench.refused("not_admissible", op("clients.create"), owner, { parent: account, display_name: "No" });
    const wrongName = account.replace("accounts/", "clients/");
    await bench.refused("not_found", op("accounts.create"), owner, { parent: wrongName, display_name: "No" });
    await bench.refused("invalid_argument", op("accounts.create"), owner, { display_name: "No parent" });
    await bench.refused("invalid_argument", op("organizations.create"), bench.host, {
      parent: account,
      display_name: "No",
    });
  });

  test("another tenant's perimeter answers like one that never was, to its owner and to the host that speaks of a third", async () => {
    const [mine, theirs] = [await bench.tenant(), await bench.tenant()];
    const owner = await bench.ownerOf(mine);
    const other = await bench.node(theirs, "client");
    const never = newId<NodeId>();
    for (const operation of everyVerbOn(bench, "clients")) {
      const { detail: seen } = await bench.refused("not_found", operation, owner, inputFor(operation, other));
      const { detail: unseen } = await bench.refused("not_found", operation, owner, inputFor(operation, never));
      assert.equal(seen.replace(other, never), unseen);
      await bench.refused("not_found", operation, bench.host, inputFor(operation, other), {
        tenant: bench.rootRef(mine),
      });
    }
    await bench.refused("not_found", op("accounts.create"), owner, {
      parent: formatRef("clients", other),
      display_name: "No",
    });
    await bench.refused("not_found", op("clients.create"), owner, {
      parent: bench.rootRef(theirs),
      display_name: "No",
    });
    await bench.refused("not_found", op("accounts.list"), owner, { parent: formatRef("clients", other) });
    assert.deepEqual(await bench.audit(theirs), []);
  });

  test("a missing permission and a token's narrow scopes are told apart, and recorded", async () => {
    const tenant = await bench.tenant();
    const client = await bench.node(tenant, "client");
    const viewer = await bench.callerWith(tenant, "viewer");
    const missing = await bench.refused("permission_denied", op("clients.update"), viewer, {
      id: client,
      display_name: "No",
    });
    assert.equal(missing.permission, "clients:update");
    const scopes = expand(bench.model, ["clients:read"]).set;
    const narrowed = await bench.callerWith(tenant, "owner", { scopes });
    await bench.refused("insufficient_scope", op("clients.update"), narrowed, { id: client, display_name: "No" });
    const nothing = await bench.callerWith(tenant, "owner", { scopes: emptySet });
    await bench.refused("insufficient_scope", op("clients.get"), nothing, { id: client });
    await bench.ok(op("clients.get"), narrowed, { id: client });
    assert.deepEqual(
      (await bench.audit(tenant)).map(({ outcome, action }) => [outcome, action]),
      [
        ["denied", "clients.update"],
        ["denied", "clients.update"],
        ["denied", "clients.get"],
      ],
    );
  });

  test("who is in charge of one client reaches that client's subtree and no other", async () => {
    const tenant = await bench.tenant();
    const [mine, theirs] = [await bench.node(tenant, "client"), await bench.node(tenant, "client")];
    const admin = await bench.callerWith(tenant, "admin", { node: mine });
    const account = await bench.ok(op("accounts.create"), admin, {
      parent: formatRef("clients", mine),
      display_name: "Ours",
    });
    await bench.ok(op("accounts.suspend"), admin, { id: account.id });
    await bench.refused("permission_denied", op("accounts.create"), admin, {
      parent: formatRef("clients", theirs),
      display_name: "No",
    });
    await bench.refused("permission_denied", op("clients.suspend"), admin, { id: mine });
    await bench.refused("permission_denied", op("accounts.list"), admin, {});
    const listed = await bench.ok(op("accounts.list"), admin, { parent: formatRef("clients", mine) });
    assert.deepEqual(
      listed.items.map(({ id }) => id),
      [account.id],
    );
  });

  test("a suspended perimeter is refused with what is below it, and resumed from above", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const client = await bench.node(tenant, "client");
    const account = await bench.node(tenant, "account", client);
    bench.published();
    await bench.ok(op("clients.suspend"), owner, { id: client });
    assert.deepEqual(bench.published(), [tenantVersion(tenant)]);
    await bench.refused("permission_denied", op("clients.get"), owner, { id: client });
    await bench.refused("permission_denied", op("accounts.get"), owner, { id: account });
    await bench.refused("permission_denied", op("accounts.create"), owner, {
      parent: formatRef("clients", client),
      display_name: "No",
    });
    await bench.refused("illegal_transition", op("clients.suspend"), owner, { id: client });
    await bench.ok(op("clients.resume"), owner, { id: client });
    await bench.ok(op("accounts.get"), owner, { id: account });
  });

  test("nothing is deleted while something is below it, and a failure is recorded as one", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const client = await bench.node(tenant, "client");
    const account = await bench.node(tenant, "account", client);
    await bench.refused("illegal_transition", op("clients.delete"), owner, { id: client });
    await bench.refused("illegal_transition", op("organizations.delete"), owner, { id: tenant });
    const failed = (await bench.audit(tenant)).at(0);
    assert.deepEqual([failed?.outcome, failed?.detail?.["fault"]], ["failed", "illegal_transition"]);
    await bench.ok(op("accounts.delete"), owner, { id: account });
    await bench.ok(op("clients.delete"), owner, { id: client });
    await bench.refused("not_found", op("clients.get"), owner, { id: client });
    await bench.refused("not_found", op("accounts.create"), owner, {
      parent: formatRef("clients", client),
      display_name: "No",
    });
  });

  test("a child is never left in a parent that was deleted at the same moment", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    for (let round = 0; round < 10; round += 1) {
      const client = await bench.node(tenant, "client");
      const [born, gone] = await Promise.all([
        bench.call(op("accounts.create"), owner, { parent: formatRef("clients", client), display_name: "Born" }),
        bench.call(op("clients.delete"), owner, { id: client }),
      ]);
      assert.ok(isFault(born) !== isFault(gone), "one of the two, and not both");
    }
  });

  test("an etag that is no longer the resource's is refused, and of two writers at once one wins", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const id = await bench.node(tenant, "client");
    const rename = (display_name: string, ifMatch?: string) =>
      bench.call(op("clients.update"), owner, { id, display_name }, { ifMatch });
    assert.ok(!isFault(await rename("First", "r1")));
    const stale = await rename("Second", "r1");
    assert.ok(isFault(stale) && stale.fault === "etag_mismatch");

    const racing = await Promise.all(["A", "B", "C", "D"].map((name) => rename(name, "r2")));
    assert.equal(racing.filter((answer) => !isFault(answer)).length, 1);
    assert.equal((await bench.ok(op("clients.get"), owner, { id })).etag, "r3");
    await bench.refused("etag_mismatch", op("clients.suspend"), owner, { id }, { ifMatch: "r1" });
    await bench.refused("etag_mismatch", op("clients.delete"), owner, { id }, { ifMatch: "r1" });
  });

  test("a patch writes what its mask names, and a mask that names nothing here is malformed", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const id = await bench.node(tenant, "client");
    await bench.refused("invalid_argument", op("clients.update"), owner, { id });
    await bench.refused("invalid_argument", op("clients.update"), owner, {
      id,
      update_mask: "state",
      display_name: "No",
    });
    await bench.refused("invalid_argument", op("clients.update"), owner, { id, update_mask: "display_name" });
    await bench.refused("invalid_argument", op("clients.update"), owner, { id, state: "active" });
    await bench.ok(op("clients.update"), owner, { id, update_mask: "display_name", display_name: "Yes" });
  });

  test("a list is filtered by state, name, time and parent", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const client = await bench.node(tenant, "client");
    const [inClient, inTenant] = [await bench.node(tenant, "account", client), await bench.node(tenant, "account")];
    await bench.ok(op("accounts.suspend"), owner, { id: inTenant });
    const ids = async (filter: string) =>
      (await bench.ok(op("accounts.list"), owner, { filter })).items.map(({ id }) => id);
    assert.deepEqual((await ids("")).toSorted(), [inClient, inTenant].toSorted());
    assert.deepEqual(await ids("state = suspended"), [inTenant]);
    assert.deepEqual(await ids(`parent = clients/${client}`), [inClient]);
    assert.deepEqual(await ids(`parent = ${bench.rootRef(tenant)}`), [inTenant]);
    assert.deepEqual(await ids("create_time > 2030-01-01T00:00:00Z"), []);
    await bench.refused("invalid_argument", op("accounts.list"), owner, { filter: "tenant_id = 1" });
  });
});

describe("other models", () => {
  test("B2B2X: enterprises, clients and accounts are served under their own names", async () => {
    const b2b2x = await openWorkbench({ model: "b2b2x" });
    try {
      const its = operationsOf(b2b2x);
      const enterprise = await b2b2x.ok(its("enterprises.create"), b2b2x.host, { display_name: "Treasury Inc" });
      const tenant = enterprise.id as TenantId;
      const owner = await b2b2x.ownerOf(tenant);
      const client = await b2b2x.ok(its("clients.create"), owner, {
        parent: enterprise.resource,
        display_name: "A client",
      });
      const other = await b2b2x.ok(its("clients.create"), owner, {
        parent: enterprise.resource,
        display_name: "Another",
      });
      const admin = await b2b2x.callerWith(tenant, "client_admin", { node: client.id as NodeId });
      const account = await b2b2x.ok(its("accounts.create"), admin, {
        parent: client.resource,
        display_name: "Payouts",
      });
      assert.equal(account["parent"], client.resource);
      await b2b2x.refused("permission_denied", its("accounts.create"), admin, {
        parent: other.resource,
        display_name: "No",
      });
      await b2b2x.refused("permission_denied", its("clients.get"), admin, { id: other.id });
      const suspended = await b2b2x.ok(its("enterprises.suspend"), b2b2x.host, { id: tenant });
      assert.equal(suspended.resource, `enterprises/${tenant}`);
      await b2b2x.refused("permission_denied", its("accounts.get"), admin, { id: account.id });
    } finally {
      await b2b2x.close();
    }
  });

  test("a type that may be a tenant or below one is a child where a parent is named", async () => {
    const either = await openWorkbench({ model: holdings });
    try {
      const its = operationsOf(either);
      const alone = await either.ok(its("companies.create"), either.host, { display_name: "Alone" });
      assert.equal(alone["parent"], null);
      const tenant = await either.tenant("Holding");
      const owner = await either.ownerOf(tenant);
      await either.refused("permission_denied", its("companies.create"), owner, { display_name: "Another tenant" });
      const held = await either.ok(its("companies.create"), owner, {
        parent: either.rootRef(tenant),
        display_name: "Held",
      });
      const shop = await either.ok(its("shops.create"), owner, { parent: held.resource, display_name: "A shop" });
      assert.equal(shop["parent"], held.resource);

      const about = { tenant: either.rootRef(tenant) };
      assert.equal((await either.ok(its("companies.get"), either.host, { id: alone.id })).id, alone.id);
      await either.refused("not_found", its("companies.get"), either.host, { id: held.id });
      await either.refused("not_found", its("companies.get"), owner, { id: alone.id });
      assert.deepEqual(await either.ok(its("companies.get"), either.host, { id: held.id }, about), held);
      await either.ok(its("companies.suspend"), owner, { id: held.id });
      await either.refused("permission_denied", its("shops.get"), owner, { id: shop.id });
      const listed = async (...args: Parameters<typeof either.ok>) =>
        (await either.ok(...args)).items.map(({ id }) => id);
      assert.deepEqual(await listed(its("companies.list"), either.host, {}), [alone.id]);
      assert.deepEqual(await listed(its("companies.list"), either.host, {}, about), [held.id]);
      assert.deepEqual(await listed(its("companies.list"), owner, {}), [held.id]);
    } finally {
      await either.close();
    }
  });
});

const holdings = `title: Holdings
description: Companies that are tenants, or belong to a holding that is one.
perimeters:
  holding: { collection: holdings }
  company: { collection: companies, in: [holding], root: true }
  shop: { collection: shops, in: [company] }
resources: {}
roles:
  owner: { title: Owner, permissions: ["*"] }
host_roles:
  super_admin: { title: Super Admin, permissions: ["*"] }
governance: {}
`;
