// Tenants, over the whole way of an operation and a real database.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { isFault } from "../../core/faults.ts";
import { hostTenant, type TenantId } from "../../core/ids.ts";
import { tenantVersion } from "../../server/platform/cache/fresh-cache.ts";
import { newId } from "../../server/platform/random.ts";
import { openWorkbench } from "../support/engine.ts";
import { everyVerbOn, inputFor, operationsOf } from "./perimeters-kit.ts";

const bench = await openWorkbench();
after(bench.close);
const op = operationsOf(bench);

test("the host creates a tenant, whose audit entry and event are its own first", async () => {
  const made = await bench.ok(op("organizations.create"), bench.host, { display_name: "Acme" });
  assert.equal(made.resource, `organizations/${made.id}`);
  assert.deepEqual([made.parent, made.state, made.etag, made["display_name"]], [null, "active", "r1", "Acme"]);

  const tenant = made.id as TenantId;
  assert.deepEqual(await bench.events(tenant), [
    {
      type: "countersign.tenant.created.v1",
      subject: made.resource,
      data: { type: "organization", parent: null, display_name: "Acme", state: "active" },
    },
  ]);
  const [entry, ...more] = await bench.audit(tenant);
  assert.deepEqual(more, []);
  assert.deepEqual(
    [entry?.action, entry?.outcome, entry?.target, entry?.permission, entry?.bypass, entry?.actor_of_record],
    [
      "organizations.create",
      "done",
      made.resource,
      "organizations:create",
      true,
      `service-accounts/${bench.host.principal.id}`,
    ],
  );
});

test("an Idempotency-Key makes one tenant, however often it is sent, and another body is refused", async () => {
  const create = op("organizations.create");
  const key = { idempotencyKey: newId<string>() };
  const first = await bench.call(create, bench.host, { display_name: "Once" }, key);
  const again = await bench.call(create, bench.host, { display_name: "Once" }, key);
  assert.ok(!isFault(first) && !isFault(again));
  assert.deepEqual([first.replayed, again.replayed], [false, true]);
  assert.deepEqual(again.body, first.body);
  assert.equal(again.etag, first.etag);
  await bench.refused("idempotency_conflict", create, bench.host, { display_name: "Twice" }, key);

  const dayAndMore = 25 * 3600 * 1000;
  bench.clock.ms += dayAndMore;
  await bench.refused("idempotency_conflict", create, bench.host, { display_name: "Once" }, key);
});

test("two requests with one Idempotency-Key at the same time make one tenant", async () => {
  const key = { idempotencyKey: newId<string>() };
  const create = () => bench.call(op("organizations.create"), bench.host, { display_name: "Race" }, key);
  const answers = await Promise.all([create(), create(), create(), create()]);
  const made = new Set(answers.flatMap((one) => (isFault(one) ? [] : [(one.body as { id: string }).id])));
  assert.equal(made.size, 1);
  for (const one of answers) if (isFault(one)) assert.equal(one.fault, "idempotency_in_flight");
});

test("no tenant's caller creates a tenant, an owner included; the refusal is recorded where the caller belongs", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const refusal = await bench.refused("permission_denied", op("organizations.create"), owner, {
    display_name: "Mine",
  });
  assert.equal(refusal.permission, "organizations:create");
  const entries = await bench.audit(tenant);
  assert.deepEqual(
    entries.map(({ action, outcome, target }) => [action, outcome, target]),
    [["organizations.create", "denied", "organizations"]],
  );
});

test("a tenant's owner reads, renames and deletes it, and suspends it not", async () => {
  const tenant = await bench.tenant("Acme");
  const owner = await bench.ownerOf(tenant);
  const read = await bench.ok(op("organizations.get"), owner, { id: tenant });
  assert.equal(read["display_name"], "Acme");
  const renamed = await bench.ok(op("organizations.update"), owner, { id: tenant, display_name: "Acme & Co" });
  assert.deepEqual([renamed["display_name"], renamed.etag], ["Acme & Co", "r2"]);
  await bench.refused("permission_denied", op("organizations.suspend"), owner, { id: tenant });
  await bench.refused("permission_denied", op("organizations.resume"), owner, { id: tenant });
  const deleted = await bench.ok(op("organizations.delete"), owner, { id: tenant });
  assert.equal(deleted.state, "deleted");
  await bench.refused("not_found", op("organizations.get"), owner, { id: tenant });
  await bench.refused("not_found", op("organizations.get"), bench.host, { id: tenant });
});

test("a suspended tenant refuses everything to its own, is read and resumed by the host, and then works again", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const client = await bench.node(tenant, "client");
  bench.published();
  const suspended = await bench.ok(op("organizations.suspend"), bench.host, { id: tenant });
  assert.equal(suspended.state, "suspended");
  assert.deepEqual(bench.published(), [tenantVersion(tenant)]);
  assert.deepEqual(
    (await bench.events(tenant)).map(({ type }) => type),
    ["countersign.tenant.suspended.v1"],
  );

  for (const operation of everyVerbOn(bench, "organizations"))
    await bench.refused("permission_denied", operation, owner, inputFor(operation, tenant));
  for (const operation of everyVerbOn(bench, "clients"))
    await bench.refused("permission_denied", operation, owner, inputFor(operation, client));
  for (const caller of [owner, bench.host])
    await bench.refused("permission_denied", op("clients.create"), caller, {
      parent: bench.rootRef(tenant),
      display_name: "No",
    });
  await bench.refused("permission_denied", op("organizations.list"), owner, {});

  assert.equal((await bench.ok(op("organizations.get"), bench.host, { id: tenant })).state, "suspended");
  await bench.refused("illegal_transition", op("organizations.suspend"), bench.host, { id: tenant });
  await bench.ok(op("organizations.resume"), bench.host, { id: tenant });
  assert.deepEqual(bench.published(), [tenantVersion(tenant)]);
  await bench.refused("illegal_transition", op("organizations.resume"), bench.host, { id: tenant });
  assert.equal((await bench.ok(op("organizations.get"), owner, { id: tenant })).state, "active");
});

test("the host lists all tenants, page by page; a tenant's caller lists its own", async () => {
  const tenants = [await bench.tenant("Listed 1"), await bench.tenant("Listed 2"), await bench.tenant("Listed 3")];
  const filter = 'display_name : "Listed"';
  const found: string[] = [];
  let page_token = "";
  do {
    const page = await bench.ok(op("organizations.list"), bench.host, { filter, page_size: 2, page_token });
    found.push(...page.items.map(({ id }) => id));
    page_token = page.next_page_token;
  } while (page_token !== "");
  assert.deepEqual(found.toSorted(), tenants.toSorted());

  const [own = newId<TenantId>()] = tenants;
  const owner = await bench.ownerOf(own);
  assert.deepEqual(
    (await bench.ok(op("organizations.list"), owner, {})).items.map(({ id }) => id),
    [own],
  );
  const about = { tenant: bench.rootRef(own) };
  assert.deepEqual(
    (await bench.ok(op("organizations.list"), bench.host, {}, about)).items.map(({ id }) => id),
    [own],
  );
  await bench.refused("permission_denied", op("organizations.list"), await bench.callerWith(own, undefined), {});
});

test("another tenant's id, an id that never was and the host's own get the same answer", async () => {
  const [mine, theirs] = [await bench.tenant(), await bench.tenant()];
  const owner = await bench.ownerOf(mine);
  for (const operation of everyVerbOn(bench, "organizations")) {
    const answers = [];
    for (const id of [theirs, newId<string>(), hostTenant])
      answers.push(await bench.refused("not_found", operation, owner, inputFor(operation, id)));
    assert.deepEqual(answers[1], answers[0]);
    assert.deepEqual(answers[2], answers[0]);
  }
  assert.deepEqual(await bench.audit(theirs), []);
  assert.deepEqual(await bench.events(theirs), []);
  const denied = await bench.audit(mine);
  assert.ok(denied.every(({ outcome, because }) => outcome === "denied" && because?.["rule"] === "other_tenant"));
  await bench.refused("not_found", op("organizations.get"), bench.host, { id: hostTenant });
});
