// Coming and going: draining, the age of connections, and workers that share a port.
import assert from "node:assert/strict";
import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { status } from "@grpc/grpc-js";
import { startGrpc } from "../../server/transport/grpc/server.ts";
import { check, connectTo, failureOf, gate, optionsWith, permitted, serve } from "./support.ts";

test("draining lets the call in flight finish, refuses new connections, and then is over", async (t) => {
  const started = gate();
  const release = gate();
  const server = await startGrpc(
    optionsWith({
      checkPermission: async () => {
        started.resolve();
        await release.promise;
        return permitted;
      },
    }),
  );
  const inFlight = check(connectTo(t, server.port));
  await started.promise;
  let over = false;
  const drained = server.drain(60_000).then(() => (over = true));

  const [refused] = (await once(connect(server.port, "127.0.0.1"), "error")) as [NodeJS.ErrnoException];
  assert.equal(refused.code, "ECONNREFUSED");
  assert.equal(failureOf(await check(connectTo(t, server.port))).code, status.UNAVAILABLE);
  assert.equal(over, false);

  release.resolve();
  assert.deepEqual(await inFlight, permitted);
  await drained;
});

test("a call that does not end within the grace is cut, and its handler told", async (t) => {
  const started = gate();
  const aborted = gate();
  const server = await startGrpc(
    optionsWith({
      checkPermission: async (_, { signal }) => {
        started.resolve();
        await once(signal, "abort");
        aborted.resolve();
        return permitted;
      },
    }),
  );
  const inFlight = check(connectTo(t, server.port));
  await started.promise;
  await server.drain(20);
  assert.ok((await inFlight) instanceof Error);
  await aborted.promise;
});

test("draining does not wait for connections that never spoke, nor fail when repeated", async () => {
  const server = await startGrpc(optionsWith({}));
  const silent = connect(server.port, "127.0.0.1");
  await once(silent, "connect");
  silent.on("error", () => {});
  const closed = once(silent, "close");
  silent.resume();
  await server.drain(50);
  await server.drain(50);
  await closed;
});

test("a connection past its age is asked to go with GOAWAY, and one that stays is cut after the grace", async (t) => {
  const server = await serve(
    t,
    { checkPermission: () => new Promise(() => {}) },
    { maxConnectionAgeMs: 50, maxConnectionAgeGraceMs: 50 },
  );
  const idle = connectHttp2(`http://127.0.0.1:${server.port}`);
  const [code, , reason] = (await once(idle, "goaway")) as [number, number, Uint8Array];
  assert.equal(code, 0);
  assert.equal(Buffer.from(reason).toString(), "max_age");
  await once(idle, "close");
  assert.ok(
    (await check(connectTo(t, server.port))) instanceof Error,
    "the call that never ends was cut with its connection",
  );
});

test("a client goes on over a connection's end by age without a failed call", async (t) => {
  const server = await serve(t, {}, { maxConnectionAgeMs: 30, maxConnectionAgeGraceMs: 1_000 });
  const client = connectTo(t, server.port);
  for (const until = Date.now() + 300; Date.now() < until; ) assert.deepEqual(await check(client), permitted);
});

test("two workers of a cluster serve one port, and either goes without the other", async (t) => {
  cluster.setupPrimary({ exec: fileURLToPath(new URL("cluster-worker.ts", import.meta.url)) });
  const workers = [cluster.fork(), cluster.fork()] as const;
  t.after(() => workers.forEach((worker) => worker.isDead() || worker.kill("SIGKILL")));
  const portOf = async (worker: Worker) => ((await once(worker, "message")) as [{ port: number }])[0].port;
  const [port, same] = await Promise.all([portOf(workers[0]), portOf(workers[1])]);
  assert.equal(port, same);

  const who = async () => {
    const answer = await check(connectTo(t, port));
    return "reasons" in answer ? answer.reasons[0]?.code : failureOf(answer).message;
  };
  const seen = new Set<string | undefined>();
  for (let connections = 0; connections < 10; connections += 1) seen.add(await who());
  assert.deepEqual(seen, new Set(workers.map(({ id }) => String(id))));

  const [first, second] = workers;
  const gone = once(first, "exit");
  first.send("drain");
  await gone;
  for (let connections = 0; connections < 4; connections += 1) assert.equal(await who(), String(second.id));
});
