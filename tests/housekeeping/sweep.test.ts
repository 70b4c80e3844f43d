// What has expired is removed in every tenant, and what has not is neither removed nor seen.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { hostTenant } from "../../core/ids.ts";
import { openHousekeeping } from "../../server/housekeeping/sweep.ts";
import { insertAccessToken } from "../../server/oauth/store.ts";
import { silentLog } from "../../server/platform/log.ts";
import { newId, randomOctets } from "../../server/platform/random.ts";
import { openWorkbench } from "../support/engine.ts";

const bench = await openWorkbench();
after(bench.close);

const day = 24 * 3600_000;

test("tokens go a day after they expired, whoever's they were; living ones stay", async () => {
  const { database } = bench.engine.platform;
  const tenants = [await bench.tenant(), await bench.tenant()];
  const now = Date.now();
  for (const tenant of tenants) {
    const owner = (await bench.ownerOf(tenant)).principal;
    for (const expires of [now - 3 * day, now - 2 * day, now - day / 2, now + day]) {
      await database.transaction(tenant, (tx) =>
        insertAccessToken(tx, {
          id: newId(),
          hash: randomOctets(32),
          owner,
          clientId: "sa_live_test",
          scopes: ["*"],
          audience: ["test"],
          createTime: new Date(expires - day),
          expireTime: new Date(expires),
        }),
      );
    }
  }
  const housekeeping = openHousekeeping({ database, clock: { now: () => now }, log: silentLog });
  after(housekeeping.close);
  assert.equal(await housekeeping.sweep(), 4);
  assert.equal(await housekeeping.sweep(), 0);
  for (const tenant of tenants) {
    const sql = "select count(*)::int as left from access_tokens where tenant_id = $1";
    const [row] = await bench.sql<{ left: number }>(tenant, "test.left", sql, [tenant]);
    assert.equal(row?.left, 2);
  }
});

test("invariant 2: the host sees of a tenant's tokens only those that have expired, and may change none", async () => {
  const { database } = bench.engine.platform;
  const counted = await database.hostTransaction((tx) => {
    assert.equal(tx.tenant, hostTenant);
    return tx.query<{ alive: number }>(
      "test.host_sees",
      "select count(*)::int as alive from access_tokens where expire_time > now()",
      [],
    );
  });
  assert.equal(counted[0]?.alive, 0);
  const changed = await database.hostTransaction((tx) =>
    tx.query("test.host_changes", "update access_tokens set revoke_time = null returning id", []),
  );
  assert.equal(changed.length, 0);
});
