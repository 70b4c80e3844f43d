// Moves that meet others: another move, a creation below, a deletion, a suspension, a revocation.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { NodeId } from "../../core/ids.ts";
import { createResource } from "../../server/access/resources/create-resource.ts";
import { deleteResource } from "../../server/access/resources/delete-resource.ts";
import { getResource } from "../../server/access/resources/get-resource.ts";
import { moveResource } from "../../server/access/resources/move-resource.ts";
import { openWorkbench } from "../support/engine.ts";
import { callerHolding, tally } from "./access-kit.ts";
import { account, brokenPaths, client, document, may, named } from "./tree-kit.ts";

const bench = await openWorkbench();
after(bench.close);
const op = (name: string) => named(bench, name);

describe("at once", () => {
  test("two moves that would each put one into the other make no cycle", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    for (let turn = 0; turn < 8; turn += 1) {
      const [a, b] = [
        await document(bench, owner, bench.rootRef(tenant)),
        await document(bench, owner, bench.rootRef(tenant)),
      ];
      const answers = await Promise.all([
        bench.call(moveResource, owner, { id: a.id, parent: b.resource }),
        bench.call(moveResource, owner, { id: b.id, parent: a.resource }),
      ]);
      assert.deepEqual(tally(answers), { ok: 1, not_admissible: 1 });
    }
    assert.deepEqual(await brokenPaths(bench, tenant), []);
  });

  test("what is created below while it moves stands where it moved to", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const [from, to] = [await client(bench, tenant), await client(bench, tenant)];
    for (let turn = 0; turn < 8; turn += 1) {
      const folder = await document(bench, owner, from.ref);
      const books = await account(bench, tenant, from.id);
      const input = { type: "documents", parent: folder.resource, display_name: "Below" };
      const answers = await Promise.all([
        bench.call(createResource, owner, input),
        bench.call(moveResource, owner, { id: folder.id, parent: to.ref }),
        bench.call(createResource, owner, input),
        bench.call(createResource, owner, { ...input, parent: books.ref }),
        bench.call(op("accounts.move"), owner, { id: books.id, parent: to.ref }),
      ]);
      assert.deepEqual(tally(answers), { ok: 5 });
    }
    assert.deepEqual(await brokenPaths(bench, tenant), []);
  });

  test("what is deleted while something moves into it either has it or is gone", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    for (let turn = 0; turn < 8; turn += 1) {
      const [folder, file] = [
        await document(bench, owner, bench.rootRef(tenant)),
        await document(bench, owner, bench.rootRef(tenant)),
      ];
      const [deleted, moved] = await Promise.all([
        bench.call(deleteResource, owner, { id: folder.id }),
        bench.call(moveResource, owner, { id: file.id, parent: folder.resource }),
      ]);
      assert.equal(tally([deleted, moved])["ok"], 1, JSON.stringify([deleted, moved]));
      await bench.ok(getResource, owner, { id: file.id });
    }
  });

  test("what is suspended while something moves out of it keeps it, or has let it go before", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const to = await client(bench, tenant);
    for (let turn = 0; turn < 8; turn += 1) {
      const from = await client(bench, tenant);
      const folder = await document(bench, owner, from.ref);
      const [suspended, moved] = await Promise.all([
        bench.call(op("clients.suspend"), owner, { id: from.id }),
        bench.call(moveResource, owner, { id: folder.id, parent: to.ref }),
      ]);
      assert.equal(tally([suspended])["ok"], 1);
      const stayed = "fault" in moved;
      assert.equal(await may(bench, tenant, owner.principal, "documents:read", folder.id as NodeId), !stayed);
    }
    assert.deepEqual(await brokenPaths(bench, tenant), []);
  });

  test("who is revoked while waiting for the tree moves nothing", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const to = await client(bench, tenant);
    const folder = await document(bench, owner, bench.rootRef(tenant));
    const mover = await callerHolding(bench, tenant, ["resources:*"]);
    const held = Promise.withResolvers<undefined>();
    const holding = Promise.withResolvers<undefined>();
    const lock = bench.engine.platform.database.transaction(tenant, async (tx) => {
      const name = JSON.stringify(["tree", tenant]);
      await tx.query("test.hold_tree", "select pg_advisory_xact_lock(hashtextextended($1, 0))", [name]);
      holding.resolve(undefined);
      await held.promise;
    });
    await holding.promise;
    const moving = bench.call(moveResource, mover, { id: folder.id, parent: to.ref });
    const waiting = `select count(*)::int4 as waiting from pg_locks where locktype = 'advisory' and not granted
       and database = (select oid from pg_database where datname = current_database()) and $1::uuid is not null`;
    for (;;) {
      const [row] = await bench.sql<{ waiting: number }>(tenant, "test.waiting", waiting, [tenant]);
      if (row?.waiting === 1) break;
    }
    await bench.sql(tenant, "test.revoke", "delete from role_assignments where tenant_id = $1 and principal_id = $2", [
      tenant,
      mover.principal.id,
    ]);
    held.resolve(undefined);
    await lock;
    assert.deepEqual(tally([await moving]), { permission_denied: 1 });
    assert.equal((await bench.ok(getResource, owner, { id: folder.id }))["parent"], bench.rootRef(tenant));
  });
});
