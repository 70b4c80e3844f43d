// What has expired is removed in every tenant, and what has not is neither removed nor seen.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { hostTenant } from "../../core/ids.ts";
import { openHousekeeping } from "../../server/housekeeping/sweep.ts";
import { insertAccessToken } from "../../server/oauth/store.ts";
import { silentLog } from "../../server/platform/log.ts";
import { newId, randomOctets } from "../../server/platform/random.ts";
import { registerUser } from "../../server/principals/users/register-user.ts";
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

test("a token family goes when it has expired and its last refresh token has gone, and not before", async () => {
  const { database } = bench.engine.platform;
  const tenant = await bench.tenant();
  const made = { parent: bench.rootRef(tenant), email: "ada@acme.example", display_name: "Ada" };
  const user = (await bench.ok(registerUser, await bench.ownerOf(tenant), made)).id;
  const now = Date.now();
  const family = async (familyExpires: number, tokenExpires: number): Promise<string> => {
    const id = newId<string>();
    await bench.sql(
      tenant,
      "test.family",
      `insert into token_families (tenant_id, id, user_id, offline, client_tenant_id, application_id, client_id, bound_tenant_id, scopes,
         audience, acr, methods, auth_time, create_time, use_time, expire_time)
       values ($1, $2, $3, true, $1, $2, 'app_live_test', $1, '{}', '{}', 'x', '{}', $4, $4, $4, $5)`,
      [tenant, id, user, new Date(now - 9 * day), new Date(familyExpires)],
    );
    await bench.sql(
      tenant,
      "test.refresh_token",
      "insert into refresh_tokens (tenant_id, id, family_id, hash, create_time, expire_time) values ($1, $2, $2, $3, $4, $5)",
      [tenant, id, randomOctets(32), new Date(now - 9 * day), new Date(tokenExpires)],
    );
    return id;
  };
  await family(now - 3 * day, now - 4 * day);
  const kept = [await family(now + day, now - 4 * day), await family(now - 3 * day, now - day / 2)];
  const housekeeping = openHousekeeping({ database, clock: { now: () => now }, log: silentLog });
  after(housekeeping.close);
  await housekeeping.sweep();
  const left = await bench.sql<{ id: string }>(
    tenant,
    "test.families_left",
    "select id from token_families where tenant_id = $1",
    [tenant],
  );
  assert.deepEqual(left.map(({ id }) => id).toSorted(), kept.toSorted());
});
