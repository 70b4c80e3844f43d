// One call at a time: what comes back for an answer, a fault, a throw, a late or cancelled or oversized call, and bytes that are no message.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:http2";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { fault, faults, type FaultCode } from "../../core/faults.ts";
import type { CheckPermissionRequest } from "../../server/transport/grpc/generated/identity/v1/identity.ts";
import { CheckPermissionRequest as CheckCodec } from "../../server/transport/grpc/generated/identity/v1/identity.ts";
import { type GrpcCall, type GrpcPolicy, identityRoutes } from "../../server/transport/grpc/routes.ts";
import { startGrpc } from "../../server/transport/grpc/server.ts";
import {
  bearer,
  check,
  connectTo,
  failureOf,
  gate,
  handlersWith,
  metadataOf,
  optionsWith,
  permitted,
  question,
  serve,
} from "./support.ts";

test("a request reaches its handler whole, and the answer comes back whole", async (t) => {
  const seen: CheckPermissionRequest[] = [];
  const server = await serve(t, {
    checkPermission: async (request) => {
      seen.push(request);
      return permitted;
    },
  });
  const asked = question({ context: new Map([["__proto__", "kept"]]), resource: "accounts/é", acr: "phr" });
  assert.deepEqual(await check(connectTo(t, server.port), asked), permitted);
  assert.deepEqual(seen, [asked]);
});

test("every fault becomes its gRPC status, its detail the message, its code and the request id trailers", async (t) => {
  const codes = Object.keys(faults) as FaultCode[];
  const server = await serve(t, {
    checkPermission: async ({ permission }) =>
      fault(codes.find((code) => code === permission) ?? "internal", `because of ${permission}`),
  });
  const client = connectTo(t, server.port);
  for (const code of codes) {
    const metadata = metadataOf({ authorization: "Bearer token", "x-request-id": `ask-${code}` });
    const failure = failureOf(await check(client, question({ permission: code }), metadata));
    assert.equal(failure.code, faults[code].grpc);
    assert.equal(failure.details, `because of ${code}`);
    assert.deepEqual(failure.metadata.get("countersign-code"), [code]);
    assert.deepEqual(failure.metadata.get("countersign-request-id"), [`ask-${code}`]);
  }
});

test("field errors, the missing permission and the wait are told; a broken character or a long detail does no harm", async (t) => {
  const server = await serve(t, {
    checkPermission: async () =>
      fault("rate_limited", "too many", {
        errors: [{ path: "$.email", message: "is no address: `\ud800`" }],
        permission: "users:create",
        retryAfterSeconds: 2,
      }),
    introspectToken: async () => fault("invalid_argument", "x".repeat(100_000)),
  });
  const client = connectTo(t, server.port);
  const failure = failureOf(await check(client));
  assert.equal(failure.details, "too many; $.email: is no address: `\ufffd`");
  assert.deepEqual(failure.metadata.get("countersign-permission"), ["users:create"]);
  assert.deepEqual(failure.metadata.get("grpc-retry-pushback-ms"), ["2000"]);

  const { promise, resolve } = Promise.withResolvers<number>();
  client.introspectToken({ token: "t", tokenTypeHint: "" }, bearer, (error) => resolve(error?.details.length ?? -1));
  assert.equal(await promise, 1_024);
});

test("a throw is INTERNAL with a plain message, and its cause is logged with the request id", async (t) => {
  const logged: object[] = [];
  const bug = new Error('column "secret" does not exist');
  const server = await serve(
    t,
    { checkPermission: async () => Promise.reject(bug) },
    { log: { info() {}, warn() {}, debug() {}, error: (fields) => void logged.push(fields) } },
  );
  const failure = failureOf(await check(connectTo(t, server.port)));
  assert.equal(failure.code, status.INTERNAL);
  assert.doesNotMatch(failure.details, /column/);
  const [requestId] = failure.metadata.get("countersign-request-id");
  assert.deepEqual(logged, [{ err: bug, method: "CheckPermission", request_id: requestId }]);
});

test("an answer that is no message is INTERNAL and logged, and the next answer is intact", async (t) => {
  const logged: object[] = [];
  const server = await serve(
    t,
    {
      checkPermission: async ({ acr }) =>
        acr === "break" ? { ...permitted, reasons: [...permitted.reasons, undefined as never] } : permitted,
    },
    { log: { info() {}, warn() {}, debug() {}, error: (fields) => void logged.push(fields) } },
  );
  const client = connectTo(t, server.port);
  assert.equal(failureOf(await check(client, question({ acr: "break" }))).code, status.INTERNAL);
  assert.equal(logged.length, 1);
  assert.deepEqual(await check(client), permitted);
});

test("an unreachable database is UNAVAILABLE", async (t) => {
  const down = new Error("connect ECONNREFUSED");
  const server = await serve(
    t,
    { checkPermission: async () => Promise.reject(down) },
    { faultOf: (thrown) => (thrown === down ? fault("unavailable", "the database cannot be reached") : undefined) },
  );
  const failure = failureOf(await check(connectTo(t, server.port)));
  assert.equal(failure.code, status.UNAVAILABLE);
  assert.deepEqual(failure.metadata.get("countersign-code"), ["unavailable"]);
});

test("a call without credentials does not reach an authenticated route, and does reach a public one", async (t) => {
  const server = await serve(t, {
    checkPermission: async () => assert.fail("reached"),
    issueToken: async () => ({
      accessToken: "a",
      tokenType: "Bearer",
      expiresIn: 300,
      scope: "",
      refreshToken: "",
      idToken: "",
    }),
  });
  const client = connectTo(t, server.port);
  assert.equal(failureOf(await check(client, question(), metadataOf({}))).code, status.UNAUTHENTICATED);
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const grant = {
    grantType: "client_credentials",
    clientId: "sa_live_1",
    clientSecret: "s",
    scope: "",
    resource: [],
    refreshToken: "",
    username: "",
    password: "",
    tenant: "",
    clientAssertionType: "",
    clientAssertion: "",
  };
  client.issueToken(grant, (_, response) => resolve(response?.accessToken));
  assert.equal(await promise, "a");
});

test("a handler is told the deadline, the address, the credentials, and a request id fit to be logged", async (t) => {
  const calls: GrpcCall[] = [];
  const server = await serve(t, {
    checkPermission: async (_, call) => {
      calls.push(call);
      return permitted;
    },
  });
  const client = connectTo(t, server.port);
  const deadline = Date.now() + 60_000;
  await check(client, question(), metadataOf({ authorization: "Bearer one", "x-request-id": "r-1" }), { deadline });
  await check(client, question(), metadataOf({ authorization: "Bearer two", "x-request-id": "spaces are not" }));
  const [first, second] = calls;
  assert.ok(first !== undefined && second !== undefined);
  assert.ok(Math.abs(first.deadlineMs - deadline) < 1_000);
  assert.equal(second.deadlineMs, Infinity);
  assert.deepEqual([first.authorization, second.authorization], ["Bearer one", "Bearer two"]);
  assert.equal(first.remoteAddress, "127.0.0.1");
  assert.equal(first.requestId, "r-1");
  assert.match(second.requestId, /^[0-9a-z-]{10,40}$/);
  assert.equal(first.signal.aborted, false, "an answered call is not aborted");
});

test("a call that outlives its deadline answers DEADLINE_EXCEEDED and its handler is told to stop", async (t) => {
  const aborted = gate();
  const server = await serve(t, {
    checkPermission: async (_, { signal }) => {
      await once(signal, "abort");
      aborted.resolve();
      return permitted;
    },
  });
  const outcome = await check(connectTo(t, server.port), question(), bearer, { deadline: Date.now() + 50 });
  assert.equal(failureOf(outcome).code, status.DEADLINE_EXCEEDED);
  await aborted.promise;
});

test("a cancelled call tells its handler to stop, and what the handler then throws is not logged as a bug", async (t) => {
  const started = gate();
  const ended = Promise.withResolvers<number>();
  const server = await serve(
    t,
    {
      checkPermission: async (_, { signal }) => {
        started.resolve();
        await once(signal, "abort");
        signal.throwIfAborted();
        return permitted;
      },
    },
    {
      log: { info() {}, warn() {}, debug() {}, error: () => assert.fail("logged") },
      observe: (_, code) => ended.resolve(code),
    },
  );
  const client = connectTo(t, server.port);
  const call = client.checkPermission(question(), bearer, () => {});
  await started.promise;
  call.cancel();
  assert.equal(await ended.promise, status.CANCELLED);
});

test("a call whose deadline passed while the server was busy is not run", async (t) => {
  const ran: string[] = [];
  const server = await serve(t, {
    checkPermission: async ({ permission }) => {
      ran.push(permission);
      if (permission === "busy:now") for (const until = Date.now() + 60; Date.now() < until; );
      return permitted;
    },
  });
  const session = connect(`http://127.0.0.1:${server.port}`);
  t.after(() => session.close());
  await once(session, "connect");
  // Both calls in one flight, so that the second arrives with the first and waits behind it.
  const ask = (permission: string, timeout: string) => {
    const message = Buffer.from(CheckCodec.encode(question({ permission })).finish());
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    const stream = session.request({
      ":method": "POST",
      ":path": "/identity.v1.Identity/CheckPermission",
      "content-type": "application/grpc",
      te: "trailers",
      authorization: "Bearer token",
      "grpc-timeout": timeout,
    });
    const grpcStatus = Promise.withResolvers<unknown>();
    stream.on("response", (headers) => "grpc-status" in headers && grpcStatus.resolve(Number(headers["grpc-status"])));
    stream.on("trailers", (headers) => grpcStatus.resolve(Number(headers["grpc-status"])));
    stream.resume();
    stream.end(Buffer.concat([prefix, message]));
    return grpcStatus.promise;
  };
  const busy = ask("busy:now", "10S");
  const late = ask("too:late", "20m");
  assert.equal(await busy, status.OK);
  assert.equal(await late, status.DEADLINE_EXCEEDED);
  assert.deepEqual(ran, ["busy:now"]);
});

test("a request over 64 KiB is RESOURCE_EXHAUSTED, a batch may have 256 KiB, and the connection goes on", async (t) => {
  const server = await serve(t);
  const client = connectTo(t, server.port);
  const failure = failureOf(await check(client, question({ permission: "x".repeat(64 * 1024) })));
  assert.equal(failure.code, status.RESOURCE_EXHAUSTED);
  assert.deepEqual(failure.metadata.get("countersign-code"), ["payload_too_large"]);

  const batch = (bytes: number) =>
    new Promise<number>((resolve) => {
      const checks = Array.from({ length: 100 }, () => question({ permission: "x".repeat(bytes / 100) }));
      client.batchCheckPermissions({ checks, mode: 0 }, bearer, (error, response) =>
        resolve(error?.code ?? -response.results.length),
      );
    });
  assert.equal(await batch(200 * 1024), -100);
  assert.equal(await batch(300 * 1024), status.RESOURCE_EXHAUSTED);
  assert.deepEqual(await check(client), permitted);
});

test("metadata beyond the bounds is refused, and the server goes on", async (t) => {
  const server = await serve(t, { checkPermission: async () => permitted });
  const client = connectTo(t, server.port);
  const long = failureOf(
    await check(client, question(), metadataOf({ authorization: `Bearer ${"x".repeat(17_000)}` })),
  );
  assert.deepEqual(long.metadata.get("countersign-code"), ["headers_too_large"]);
  const huge = await check(
    client,
    question(),
    metadataOf({ authorization: "Bearer token", extra: "x".repeat(80_000) }),
  );
  assert.ok(huge instanceof Error);
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`extra-${at}`, "x"]));
  assert.ok((await check(client, question(), metadataOf({ authorization: "Bearer token", ...many }))) instanceof Error);
  assert.deepEqual(await check(connectTo(t, server.port)), permitted);
});

test("bytes that are no message are INVALID_ARGUMENT, and an unknown method is UNIMPLEMENTED", async (t) => {
  const server = await serve(t);
  const client = connectTo(t, server.port);
  const call = (path: string, bytes: Buffer) =>
    new Promise<number | undefined>((resolve) => {
      const same = (value: Buffer) => value;
      client.makeUnaryRequest(path, same, same, bytes, bearer, (error) => resolve(error?.code));
    });
  assert.equal(
    await call("/identity.v1.Identity/CheckPermission", Buffer.from([0x0a, 0x7f, 0x01])),
    status.INVALID_ARGUMENT,
  );
  assert.equal(await call("/identity.v1.Identity/DropTables", Buffer.alloc(0)), status.UNIMPLEMENTED);
  assert.equal(await call("/identity.v2.Identity/CheckPermission", Buffer.alloc(0)), status.UNIMPLEMENTED);
});

test("every answered call is observed once, by method and status", async (t) => {
  const seen: (string | number)[][] = [];
  const server = await serve(
    t,
    { checkPermission: async ({ acr }) => (acr === "" ? permitted : fault("not_found", "no")) },
    { observe: (method, code, elapsedMs) => void seen.push([method, code, Math.sign(elapsedMs)]) },
  );
  const client = connectTo(t, server.port);
  await check(client);
  await check(client, question({ acr: "x" }));
  assert.deepEqual(seen, [
    ["CheckPermission", status.OK, 1],
    ["CheckPermission", status.NOT_FOUND, 1],
  ]);
});

test("a method without a route, or a route without a policy, keeps the server from starting", async () => {
  const routes = identityRoutes(handlersWith({}));
  await assert.rejects(startGrpc(optionsWith({}, { routes: routes.slice(1) })), /IntrospectToken has 0 routes/);
  await assert.rejects(
    startGrpc(optionsWith({}, { routes: [...routes, ...routes.slice(0, 1)] })),
    /IntrospectToken has 2 routes/,
  );
  for (const policy of [undefined, {}, { public: "" }, { authenticated: false }] as unknown as GrpcPolicy[])
    await assert.rejects(
      startGrpc(optionsWith({}, { routes: routes.map((route) => ({ ...route, policy })) })),
      /CheckPermission has no policy/,
    );
});

test("a taken port is named", async (t) => {
  const { port } = await serve(t);
  await assert.rejects(
    startGrpc(optionsWith({}, { port })),
    new RegExp(`cannot listen for gRPC on \`127.0.0.1:${port}\``),
  );
});
