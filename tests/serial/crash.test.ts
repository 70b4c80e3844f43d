// kill -9 in the middle of writing (security.md, 13): what was acknowledged is there, nothing is there by half, everything is told of.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "redis";
import { streamName } from "../../server/events/redis-stream.ts";
import { type Deployment, startDeployment } from "../oauth/deployment.ts";
import { basic } from "../oauth/http.ts";
import { assertWhole, type Change, load, repeatAll } from "./changes.ts";

const width = 8;
const pollMs = 5;

/** Resolves once so many changes have been acknowledged. */
const after = async (loads: readonly { acknowledged(): number }[], count: number): Promise<void> => {
  while (loads.reduce((sum, one) => sum + one.acknowledged(), 0) < count) await pause(pollMs);
};

const opened = async (t: TestContext, options: Parameters<typeof startDeployment>[0]): Promise<Deployment> => {
  const deployment = await startDeployment(options);
  t.after(deployment.close);
  return deployment;
};

/** Everything in the event stream, once the newest placed event has arrived there. */
const streamed = async (
  deployment: Deployment,
): Promise<readonly { readonly id: string; readonly position: string }[]> => {
  const client = createClient({ url: deployment.cacheUrl });
  await client.connect();
  try {
    const [{ count } = { count: 0 }] = await deployment.sql<{ count: number }>(
      "select count(*)::int as count from events",
    );
    for (let seen = 0, last = "0"; seen < count; ) {
      const more = (await client.xRead({ key: streamName, id: last }, { BLOCK: 10_000 })) as
        | readonly { messages: { id: string }[] }[]
        | null;
      const messages = more?.[0]?.messages ?? [];
      assert.notEqual(messages.length, 0, `${seen} of ${count} events were delivered, and then no more`);
      seen += messages.length;
      last = messages.at(-1)?.id ?? last;
    }
    const all = (await client.xRange(streamName, "-", "+")) ?? [];
    return all.map(({ id, message }) => {
      const event = JSON.parse(message["event"] ?? "") as { id: string; sequence: string };
      assert.equal(`${event.sequence}-0`, id);
      return { id: event.id, position: event.sequence };
    });
  } finally {
    client.destroy();
  }
};

test("invariant 4, PostgreSQL: a process killed under load loses nothing acknowledged and leaves no half, while its neighbour goes on", async (t) => {
  const deployment = await opened(t, { servers: 2 });
  const tenant = await deployment.tenant();
  const all: Change[] = [];
  for (const [round, acknowledged] of [40, 90].entries()) {
    const victim = round % 2;
    const loads = [load(deployment, tenant, victim, width, all), load(deployment, tenant, 1 - victim, width, all)];
    await after(loads, acknowledged);
    await deployment.servers[victim]?.kill();
    await Promise.all(loads.map((one) => one.stopped()));
    await deployment.revive(victim);
    await repeatAll(deployment, tenant, all, victim);
  }
  await assertWhole(deployment, tenant, all);

  const rows = await deployment.sql<{ id: string; position: string }>(
    "select id, position::text from events order by events.position",
  );
  assert.deepEqual(await streamed(deployment), rows, "every event is in the stream once, in order");
  const positions = rows.map(({ position }) => Number(position));
  assert.deepEqual(
    positions,
    positions.map((_, n) => n + 1),
    "no position is missing, and none was given twice",
  );
  const [halves] = await deployment.sql(
    `select (select count(*)::int from service_accounts a where not exists
              (select from client_secrets s where s.tenant_id = a.tenant_id and s.service_account_id = a.id)) as without_secret,
            (select count(*)::int from service_accounts a where not exists (select from client_directory d where d.client_id = a.client_id)) as unlisted,
            (select count(*)::int from client_directory d where not exists (select from service_accounts a where a.client_id = d.client_id)) as listed_only,
            (select count(*)::int from users u where (select count(*) from memberships m where m.user_id = u.id) <> 1
              or (select count(*) from role_assignments r where r.principal_id = u.id) <> 1) as users_by_half`,
  );
  assert.deepEqual(halves, { without_secret: 0, unlisted: 0, listed_only: 0, users_by_half: 0 });
});

test("invariant 4, PostgreSQL: a token that was given out has its audit entry, and one that was revoked stays dead, after kill -9", async (t) => {
  const deployment = await opened(t, { servers: 1 });
  const tenant = await deployment.tenant();
  const account = await tenant.account({ role: "viewer" });
  const opaque = await tenant.account({ role: "viewer", access_token_format: "opaque" });
  const state = { running: true, given: [] as string[], revoked: [] as string[] };
  const work = async (client: typeof account): Promise<void> => {
    while (state.running) {
      const token = await deployment.token(client);
      state.given.push(token);
      if (state.given.length % 3 > 0) continue;
      const answer = await deployment.form("/oauth/revoke", { token }, basic(client.client_id, client.client_secret));
      if (answer.status === 200) state.revoked.push(token);
    }
  };
  const working = Promise.allSettled([...Array.from({ length: 6 }, () => work(account)), work(opaque), work(opaque)]);
  await after([{ acknowledged: () => state.given.length }], 150);
  await deployment.servers[0]?.kill();
  state.running = false;
  await working;
  await deployment.revive();

  const entries = await deployment.sql<{ jti: string }>(
    "select id as jti from audit_entries where tenant_id = $1 and action = 'oauth.token' and outcome = 'done'",
    [tenant.id],
  );
  const recorded = new Set(entries.map(({ jti }) => jti));
  assert.equal(recorded.size, entries.length, "one entry a token, under the token's own id");
  const dead = new Set(state.revoked);
  assert.ok(dead.size > 5);
  for (const token of state.given) {
    const answer = JSON.parse(await deployment.introspect(token)) as { active: boolean; jti?: string };
    assert.ok(!dead.has(token) || !answer.active, "a revocation that was acknowledged is forgotten");
    // A token whose revocation was not acknowledged may have ended or not.
    if (answer.active)
      assert.ok(recorded.has(answer.jti ?? ""), "a token was given out that the audit log does not know");
  }
});

test("invariant 4, embedded database: kill -9 under load loses nothing acknowledged, and leaves no half", async (t) => {
  const deployment = await opened(t, { embedded: true });
  const tenant = await deployment.tenant();
  const all: Change[] = [];
  const loading = load(deployment, tenant, 0, width, all);
  await after([loading], 60);
  await deployment.servers[0]?.kill();
  await loading.stopped();
  await deployment.revive();
  await repeatAll(deployment, tenant, all, 0);
  await assertWhole(deployment, tenant, all);
});
