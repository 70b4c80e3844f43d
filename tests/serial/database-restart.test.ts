// PostgreSQL goes away under load and comes back (security.md, 15): requests are slower or refused, quickly and with 503, and never wrongly
// allowed. Two servers, one cache that stays up, a database that is restarted, and one that is killed.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type Account, startDeployment } from "../oauth/deployment.ts";
import { type Answer, basic, bearer } from "../oauth/http.ts";
import { startPostgres } from "../support/postgres.ts";
import { openGateway } from "./subjects.ts";

/** A refusal that takes longer than this is not quick. A new connection is given up after 5 s. */
const quickMs = 6_000;
const coldTokens = 400;

const postgres = await startPostgres();
const deployment = await startDeployment({ servers: 2, databaseUrl: postgres.url });
const gateway = openGateway(deployment);
after(async () => {
  gateway.close();
  await deployment.close();
  await postgres.stop();
});

const tenant = await deployment.tenant();
const viewer = await tenant.account({ role: "viewer" });
const place = await tenant.perimeter("accounts");
const warm = await deployment.token(viewer);
const revoked = await deployment.token(viewer);
const disabled = await tenant.account({ role: "owner" });
const ofDisabled = await deployment.token(disabled);
for (const token of [warm, revoked, ofDisabled]) assert.equal(await deployment.isActive(token), true);
await deployment.form("/oauth/revoke", { token: revoked }, basic(viewer.client_id, viewer.client_secret));
await tenant.does(`/v1/service-accounts/${disabled.id}:disable`);
/** Never asked about before the database goes: no cache knows them. */
const cold = await Promise.all(Array.from({ length: coldTokens }, () => deployment.token(viewer)));

type Seen = { readonly what: string; readonly status: number; readonly ms: number };
const seen: Seen[] = [];
const made: string[] = [];

/** What may be answered while the database is away: the truth, or that it can't be told now. */
const isUnavailable = ({ status, headers, text }: Answer): boolean => {
  if (status !== 503) return false;
  assert.match(text, /"(?:code":"unavailable|error":"temporarily_unavailable)"/);
  assert.equal(headers["cache-control"], "no-store");
  return true;
};

const timed = async (what: string, ask: () => Promise<Answer>): Promise<Answer> => {
  const began = performance.now();
  const answer = await ask();
  seen.push({ what, status: answer.status, ms: performance.now() - began });
  return answer;
};

const isActive = (answer: Answer): boolean => answer.json<{ active: boolean }>().active;
const introspect = (token: string, on: number): Promise<Answer> =>
  deployment.form("/oauth/introspect", { token }, bearer(deployment.host), on);
const evaluate = (principal: Account, permission: string, on: number): Promise<Answer> =>
  deployment.post(
    "/access/v1/evaluation",
    deployment.host,
    {
      subject: { type: "service-accounts", id: principal.id, properties: { tenant: tenant.ref } },
      action: { name: permission },
      resource: { type: "accounts", id: place.id },
    },
    on,
  );

const state = { nth: 0 };
const work: Readonly<Record<string, (on: number) => Promise<void>>> = {
  "a live token that is cached is active": async (on) => {
    const answer = await timed("warm", () => introspect(warm, on));
    if (!isUnavailable(answer)) assert.ok(isActive(answer), answer.text);
  },
  "a live token that is not cached is active": async (on) => {
    const token = cold[state.nth++ % coldTokens] ?? warm;
    const answer = await timed("cold", () => introspect(token, on));
    if (!isUnavailable(answer)) assert.ok(isActive(answer), answer.text);
  },
  "a revoked token, and one of a disabled account, is not": async (on) => {
    for (const token of [revoked, ofDisabled]) {
      const answer = await timed("dead", () => introspect(token, on));
      if (!isUnavailable(answer)) assert.ok(!isActive(answer), answer.text);
    }
  },
  "a permission that is not there is not given": async (on) => {
    for (const [principal, permission] of [
      [viewer, "accounts:delete"],
      [disabled, "accounts:read"],
    ] as const) {
      const answer = await timed("check", () => evaluate(principal, permission, on));
      if (!isUnavailable(answer)) assert.equal(answer.json<{ decision: boolean }>().decision, false, answer.text);
    }
  },
  "a permission that is not there is not given over gRPC": async (on) => {
    const unavailable = 14;
    const asked = gateway.may(tenant, disabled.ref, "accounts:read", place.ref, on);
    const allowed = await asked.catch((error: { code?: number; message: string }) =>
      assert.equal(error.code, unavailable, error.message),
    );
    assert.notEqual(allowed, true);
  },
  "a change is made and acknowledged, or refused": async (on) => {
    const display_name = `role ${state.nth++}`;
    const headers = { "countersign-tenant": tenant.ref };
    const body = { display_name, permissions: ["accounts:read"] };
    const answer = await timed("change", () => deployment.post("/v1/roles", deployment.host, body, on, headers));
    if (answer.status === 201) made.push(display_name);
    else assert.ok(isUnavailable(answer), answer.text);
  },
  "a token is given out, or refused": async (on) => {
    const headers = basic(viewer.client_id, viewer.client_secret);
    const answer = await timed("token", () =>
      deployment.form("/oauth/token", { grant_type: "client_credentials" }, headers, on),
    );
    assert.ok(answer.status === 200 || isUnavailable(answer), answer.text);
  },
};

/** Changes acknowledged before PostgreSQL is taken away: there is something to lose. */
const acknowledgedBefore = 4;

/** Each kind of work over and over at both processes, before `disturb` begins (until changes have been acknowledged) and while it runs. */
const throughout = async (disturb: () => Promise<void>): Promise<void> => {
  const running = { it: true };
  const before = made.length;
  const workers = Object.values(work).flatMap((one) =>
    [0, 1].map(async (on) => {
      while (running.it) await one(on);
    }),
  );
  const all = Promise.all(workers);
  const underWay = async (): Promise<void> => {
    while (made.length < before + acknowledgedBefore) await pause(5);
    await disturb();
  };
  await Promise.race([all, underWay()]);
  running.it = false;
  await all;
};

const recovered = async (): Promise<void> => {
  for (const on of [0, 1]) {
    const from = seen.length;
    for (const one of Object.values(work)) await one(on);
    for (const { what, status } of seen.slice(from)) assert.ok(status < 300, `${what} is still answered ${status}`);
  }
};

const quick = (since: number): void => {
  for (const { what, status, ms } of seen.slice(since))
    assert.ok(ms < quickMs, `${what} was answered ${status} after ${Math.round(ms)} ms`);
};

test("invariant 1: while PostgreSQL is restarted requests succeed or are 503, quickly, nothing is wrongly allowed, and all recovers", async () => {
  const from = seen.length;
  await throughout(() => postgres.restart());
  await recovered();
  quick(from);
});

test("invariant 1: nor when PostgreSQL is killed and stays away for a while", async (t) => {
  const from = seen.length;
  await throughout(async () => {
    await postgres.kill();
    // Away until requests have been refused, of each kind that needs it.
    const refused = (what: string): boolean => seen.slice(from).some((one) => one.what === what && one.status === 503);
    while (!["cold", "change", "token"].every(refused)) await pause(5);
    await postgres.restart();
  });
  await recovered();
  quick(from);
  const count = (status: number): number => seen.slice(from).filter((one) => one.status === status).length;
  t.diagnostic(`${count(200) + count(201)} answered, ${count(503)} refused`);
  assert.ok(count(503) > 0);
});

test("readiness follows the database, liveness does not (design §7)", async () => {
  const health = async (on: number, what: string): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${deployment.servers[on]?.managementPort}/health/${what}`);
    await answer.body?.cancel();
    return answer.status;
  };
  await postgres.kill();
  for (const on of [0, 1]) {
    // Backends outlive their postmaster by a moment, and answer.
    for (const deadline = Date.now() + quickMs; (await health(on, "ready")) !== 503; await pause(20))
      assert.ok(Date.now() < deadline, "ready without a database");
    assert.equal(await health(on, "live"), 200);
  }
  await postgres.restart();
  for (const on of [0, 1]) assert.equal(await health(on, "ready"), 200);
});

test("invariant 4: every change that was acknowledged on the way is there, once, with its entry and its event", async () => {
  // Two restarts, each with changes before it and, in `recovered`, one at each process after it.
  assert.ok(made.length >= 2 * (acknowledgedBefore + deployment.servers.length), `${made.length} changes`);
  const rows = await deployment.sql<{ display_name: string; entries: number }>(
    `select display_name, (select count(*)::int from events e where e.tenant_id = r.tenant_id and e.subject = 'roles/' || r.id) as entries
       from roles r where tenant_id = $1`,
    [tenant.id],
  );
  const names = rows.map(({ display_name }) => display_name);
  for (const name of made) assert.equal(names.filter((one) => one === name).length, 1, name);
  for (const { entries } of rows) assert.equal(entries, 1);
  const [done] = await deployment.sql<{ count: number }>(
    "select count(*)::int from audit_entries where tenant_id = $1 and action = 'roles.create' and outcome = 'done'",
    [tenant.id],
  );
  assert.equal(done?.count, rows.length);
});
