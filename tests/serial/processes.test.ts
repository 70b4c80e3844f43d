// A server's life under an orchestrator: SIGTERM drains it, and with several workers one that dies is replaced while the others serve.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { Agent, request } from "node:http";
import { after, test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { credentials, Metadata } from "@grpc/grpc-js";
import pg from "pg";
import {
  IdentityClient,
  type RegisterUserResponse,
} from "../../server/transport/grpc/generated/identity/v1/identity.ts";
import { type Deployment, startDeployment } from "../oauth/deployment.ts";
import { bearer } from "../oauth/http.ts";

const withinMs = 20_000;

/** Looks until it is so. */
const until = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
  for (const deadline = Date.now() + withinMs; !(await isSo()); await pause(20))
    assert.ok(Date.now() < deadline, `${what}, and was not`);
};

const opened = async (t: TestContext, env: Readonly<Record<string, string>> = {}): Promise<Deployment> => {
  const deployment = await startDeployment({ env });
  t.after(deployment.close);
  return deployment;
};

/** Holds the tables, so that whoever writes to them waits for as long as a test wants. */
const holdTables = async (t: TestContext, deployment: Deployment, tables: readonly string[]) => {
  const client = new pg.Client({ connectionString: deployment.databaseUrl });
  // The database may be dropped under it.
  client.on("error", () => undefined);
  await client.connect();
  await client.query("begin");
  await client.query(`lock table ${tables.join(", ")} in exclusive mode`);
  const release = (): Promise<void> => client.end().catch(() => undefined);
  t.after(release);
  const waiting = async (): Promise<number> => {
    const [row] = await deployment.sql<{ count: number }>(
      "select count(*)::int from pg_locks l join pg_class c on c.oid = l.relation where c.relname = any($1) and not l.granted",
      [tables],
    );
    return row?.count ?? 0;
  };
  return { waiting, release };
};

const health = async (port: number, what: string): Promise<number | undefined> => {
  const answer = await fetch(`http://127.0.0.1:${port}/health/${what}`).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.status;
};

const registerUser = (client: IdentityClient, deployment: Deployment, parent: string): Promise<RegisterUserResponse> =>
  new Promise((resolve, reject) => {
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${deployment.host}`);
    const user = { parent, email: "ada@acme.example", displayName: "Ada", role: "", password: "", idempotencyKey: "" };
    client.registerUser(user, metadata, (error, answer) => (error === null ? resolve(answer) : reject(error)));
  });

const workers = await startDeployment({ env: { COUNTERSIGN_WORKERS: "2" } });
after(workers.close);
const primary = workers.servers[0]?.pid ?? 0;
const managementPort = workers.servers[0]?.managementPort ?? 0;
const shared = await workers.tenant();
const token = await workers.token(await shared.account({ role: "viewer" }));

test("SIGTERM drains: no new connection is taken, what is under way over HTTP and gRPC is finished and answered, the exit code is 0", async (t) => {
  const deployment = await opened(t);
  const tenant = await deployment.tenant();
  const [server] = deployment.servers;
  assert.ok(server);
  const grpc = new IdentityClient(`127.0.0.1:${server.grpcPort}`, credentials.createInsecure());
  t.after(() => grpc.close());
  const held = await holdTables(t, deployment, ["roles", "users"]);
  const overHttp = deployment.post(
    "/v1/roles",
    deployment.host,
    { display_name: "Slow", permissions: ["accounts:read"] },
    0,
    {
      "countersign-tenant": tenant.ref,
    },
  );
  const overGrpc = registerUser(grpc, deployment, tenant.ref);
  await until("both requests were to wait in the database", async () => (await held.waiting()) === 2);

  const began = performance.now();
  const stopped = server.stop();
  await until(
    "new connections were to be refused",
    async () => (await fetch(deployment.base()).catch(() => undefined)) === undefined,
  );
  assert.notEqual(await health(server.managementPort, "ready"), 200);
  await held.release();
  const answer = await overHttp;
  assert.equal(answer.status, 201, answer.text);
  assert.match((await overGrpc).user?.resource ?? "", /^users\//);
  assert.equal(await stopped, 0);
  assert.ok(performance.now() - began < 10_000, "connections that are kept alive do not keep the process");
  const rows = await deployment.sql("select from events where tenant_id = $1 and type = any($2)", [
    tenant.id,
    ["countersign.role.created.v1", "countersign.user.created.v1"],
  ]);
  assert.equal(rows.length, 2, "and its events are there");
});

test("SIGTERM drains a client that never pauses: every request it got an answer to was answered whole, and the process ends long before the grace", async (t) => {
  const deployment = await opened(t);
  const [server] = deployment.servers;
  assert.ok(server);
  const metadata = "/.well-known/openid-configuration";
  const seen = { answers: 0, refused: 0 };
  const busy = async (path: string): Promise<void> => {
    while (seen.refused < 8) {
      const answer = await (path === metadata
        ? deployment.send(path)
        : deployment.form(path, { token: "x" }, bearer(deployment.host))
      ).catch(() => undefined);
      if (answer === undefined) seen.refused += 1;
      else {
        assert.equal(answer.status, 200, answer.text);
        answer.json();
        seen.answers += 1;
      }
    }
  };
  const clients = Promise.all(Array.from({ length: 8 }, (_, n) => busy(n % 2 === 0 ? metadata : "/oauth/introspect")));
  await until("the clients were to be busy", async () => seen.answers > 200);
  const began = performance.now();
  assert.equal(await server.stop(), 0);
  assert.ok(performance.now() - began < 8_000, `it took ${Math.round(performance.now() - began)} ms`);
  await clients;
});

test("SIGTERM does not wait longer than the grace: what is stuck is cut off, and the exit code is still 0", async (t) => {
  const deployment = await opened(t, { COUNTERSIGN_SHUTDOWN_GRACE_SECONDS: "1" });
  const tenant = await deployment.tenant();
  const held = await holdTables(t, deployment, ["roles"]);
  const stuck = deployment.post("/v1/roles", deployment.host, { display_name: "Stuck", permissions: [] }, 0, {
    "countersign-tenant": tenant.ref,
  });
  const cut = assert.rejects(stuck);
  await until("the request was to wait in the database", async () => (await held.waiting()) === 1);
  const began = performance.now();
  assert.equal(await deployment.servers[0]?.stop(), 0);
  await cut;
  await held.release();
  // The statement itself would have run into its own limit, ten seconds, much later.
  assert.ok(performance.now() - began < 8_000, `it took ${Math.round(performance.now() - began)} ms`);
});

// ── several workers ──

const children = async (): Promise<readonly number[]> => {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid="]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid, parent]) => (parent === primary && pid !== undefined ? [pid] : []));
};

/** Over a connection of its own, as another client would. */
const askAnew = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const own = new Agent({ keepAlive: false });
    const url = `${workers.base()}/v1/accounts`;
    request(url, { agent: own, headers: bearer(token) }, (answer) => {
      answer.resume().once("end", () => resolve(answer.statusCode ?? 0));
    })
      .once("error", reject)
      .end();
  });

const many = (count: number): Promise<readonly number[]> => Promise.all(Array.from({ length: count }, askAnew));

/** How many requests for accounts have been counted, over all processes. */
const counted = async (): Promise<number> => {
  const text = await (await fetch(`http://127.0.0.1:${managementPort}/metrics`)).text();
  const lines = text
    .split("\n")
    .filter(
      (line) => line.startsWith("countersign_http_request_seconds_count") && line.includes('route="/v1/accounts"'),
    );
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
};

test("COUNTERSIGN_WORKERS=2: both workers serve on the shared port, and /metrics counts what both have done", async () => {
  assert.equal((await children()).length, 2);
  assert.equal(await health(managementPort, "ready"), 200);
  const before = await counted();
  assert.deepEqual(new Set(await many(40)), new Set([200]));
  assert.equal((await counted()) - before, 40);

  // One holds still: connections that are its own wait for it, the others are answered by its neighbour.
  const [still = 0] = await children();
  process.kill(still, "SIGSTOP");
  const state = { answered: 0 };
  try {
    const asked = Array.from({ length: 10 }, async () => {
      const status = await askAnew();
      state.answered += 1;
      return status;
    });
    await until("its neighbour was to serve", async () => state.answered >= 5);
    assert.ok(state.answered < 10, "only one worker serves");
    process.kill(still, "SIGCONT");
    assert.deepEqual(new Set(await Promise.all(asked)), new Set([200]));
  } finally {
    process.kill(still, "SIGCONT");
  }
});

test("COUNTERSIGN_WORKERS=2: a worker that is killed is replaced, the other serves meanwhile, and readiness returns", async () => {
  const before = await children();
  const [victim = 0, survivor = 0] = before;
  process.kill(victim, "SIGKILL");
  await until("the worker was to die", async () => !(await children()).includes(victim));
  assert.deepEqual(new Set(await many(20)), new Set([200]), "the survivor serves alone");
  await until("another was to take its place", async () => (await children()).length === 2);
  const now = await children();
  assert.ok(now.includes(survivor) && !now.includes(victim));
  await until("it was to be ready", async () => (await health(managementPort, "ready")) === 200);
  assert.deepEqual(new Set(await many(20)), new Set([200]));
  assert.ok((await counted()) > 0, "and is counted");
});

test("invariant 7, COUNTERSIGN_WORKERS=2: what one worker is told is known to the other", async () => {
  const account = await shared.account({ role: "viewer" });
  for (let round = 0; round < 10; round += 1) {
    const mine = await workers.token(account);
    const ask = () => Promise.all(Array.from({ length: 6 }, () => workers.isActive(mine)));
    assert.deepEqual(new Set(await ask()), new Set([true]));
    const form = { token: mine, client_id: account.client_id, client_secret: account.client_secret };
    assert.equal((await workers.form("/oauth/revoke", form)).status, 200);
    assert.deepEqual(new Set(await ask()), new Set([false]));
  }
});

test("COUNTERSIGN_WORKERS=2: SIGTERM drains every worker, and the exit code is 0", async () => {
  const all = await children();
  assert.equal(await workers.servers[0]?.stop(), 0);
  for (const pid of all) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
});
