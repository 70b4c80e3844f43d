// What stands beside the service: health for load balancers, reflection for tools, and calls with JSON.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import {
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  loadPackageDefinition,
  type Metadata,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer, loadSync, type PackageDefinition } from "@grpc/proto-loader";
import { protoPath as healthProto } from "grpc-health-check";
import { callJson } from "../../cli/grpc-json.ts";
import { fault } from "../../core/faults.ts";
import { bearer, permitted, serve } from "./support.ts";

/** A client made from definitions at run time, as generic tools make theirs. */
type DynamicClient = {
  close(): void;
  [method: string]: (...args: never[]) => unknown;
};
type Answer = (error: ServiceError | null, response: unknown) => void;

const dynamicClient = (t: TestContext, definition: PackageDefinition, name: string, port: number): DynamicClient => {
  const found = name
    .split(".")
    .reduce((at: unknown, part) => (at as Record<string, unknown>)[part], loadPackageDefinition(definition));
  const client = new (found as ServiceClientConstructor)(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
  });
  t.after(() => client.close());
  return client as unknown as DynamicClient;
};

const ask = (client: DynamicClient, method: string, request: object, metadata?: Metadata): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const call = client[method] as unknown as (...args: unknown[]) => void;
    const answer: Answer = (error, response) => (error === null ? resolve(response) : reject(error));
    call.apply(client, metadata === undefined ? [request, answer] : [request, metadata, answer]);
  });

const healthClient = (t: TestContext, port: number) =>
  dynamicClient(t, loadSync(healthProto, { enums: String, defaults: true }), "grpc.health.v1.Health", port);

test("health says SERVING for the server and its service to callers without credentials, and NOT_FOUND for others", async (t) => {
  const { port } = await serve(t);
  const client = healthClient(t, port);
  for (const service of ["", "identity.v1.Identity"])
    assert.deepEqual(await ask(client, "check", { service }), { status: "SERVING" });
  await assert.rejects(ask(client, "check", { service: "other" }), { code: status.NOT_FOUND });
  assert.deepEqual(await ask(client, "list", {}), {
    statuses: { "": { status: "SERVING" }, "identity.v1.Identity": { status: "SERVING" } },
  });
});

test("a health watch sees the server go and come back, and ends with a drain that it does not hold up", async (t) => {
  const server = await serve(t);
  const watch = healthClient(t, server.port)["watch"] as unknown as (
    request: object,
  ) => ClientReadableStream<{ status: string }>;
  const stream = watch.call(healthClient(t, server.port), { service: "identity.v1.Identity" });
  const seen: string[] = [];
  const next = async () => seen.push(((await once(stream, "data")) as [{ status: string }])[0].status);
  await next();
  const down = next();
  server.setServing(false);
  await down;
  const up = next();
  server.setServing(true);
  await up;
  const ended = once(stream, "end");
  stream.on("data", (told) => seen.push(told.status));
  await server.drain(60_000);
  await ended;
  assert.deepEqual(seen, ["SERVING", "NOT_SERVING", "SERVING", "NOT_SERVING"]);
});

test("watching a service that does not exist says so and stays open", async (t) => {
  const { port } = await serve(t);
  const client = healthClient(t, port);
  const watch = client["watch"] as unknown as (request: object) => ClientReadableStream<{ status: string }>;
  const stream = watch.call(client, { service: "other" });
  assert.deepEqual(await once(stream, "data"), [{ status: "SERVICE_UNKNOWN" }]);
  stream.on("error", () => {}); // CANCELLED, by us
  stream.cancel();
});

type ReflectionAnswer = {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
  readonly errorResponse?: { readonly errorCode: number };
};

const reflect = async (
  t: TestContext,
  port: number,
  version: "v1" | "v1alpha",
  request: object,
): Promise<ReflectionAnswer> => {
  const proto = new URL(
    `../proto/grpc/reflection/${version}/reflection.proto`,
    import.meta.resolve("@grpc/reflection"),
  );
  const client = dynamicClient(t, loadSync(fileURLToPath(proto)), `grpc.reflection.${version}.ServerReflection`, port);
  const open = client["serverReflectionInfo"] as unknown as () => ClientDuplexStream<object, ReflectionAnswer>;
  const stream = open.call(client);
  stream.write(request);
  const [answer] = (await once(stream, "data")) as [ReflectionAnswer];
  stream.end();
  stream.resume();
  await once(stream, "end");
  return answer;
};

test("reflection lists the services, in both of its versions", async (t) => {
  const { port } = await serve(t);
  for (const version of ["v1", "v1alpha"] as const) {
    const { listServicesResponse } = await reflect(t, port, version, { listServices: "*" });
    assert.deepEqual(listServicesResponse?.service.map(({ name }) => name).toSorted(), [
      "envoy.service.auth.v3.Authorization",
      "grpc.health.v1.Health",
      "identity.v1.Identity",
    ]);
  }
  const missing = await reflect(t, port, "v1", { fileContainingSymbol: "identity.v1.Nothing" });
  assert.equal(missing.errorResponse?.errorCode, status.NOT_FOUND);
});

test("a tool that knows nothing but the reflected descriptor can ask a question in JSON", async (t) => {
  const { port } = await serve(t);
  const answer = await reflect(t, port, "v1", { fileContainingSymbol: "identity.v1.Identity" });
  const set = new BinaryWriter(); // FileDescriptorSet: repeated FileDescriptorProto file = 1
  for (const file of answer.fileDescriptorResponse?.fileDescriptorProto ?? []) set.uint32(10).bytes(file);
  const definition = loadFileDescriptorSetFromBuffer(Buffer.from(set.finish()), { enums: String });
  const client = dynamicClient(t, definition, "identity.v1.Identity", port);
  // protobufjs reads a reflected map as its entries. Go tools read it as a map, and insist on the entry's name.
  assert.ok(answer.fileDescriptorResponse?.fileDescriptorProto.some((file) => file.includes("ContextEntry")));
  const checks = [{ principal: "users/1", permission: "flows:read", context: [{ key: "ip", value: "::1" }] }];
  assert.deepEqual(await ask(client, "batchCheckPermissions", { checks, mode: "BATCH_MODE_EVALUATE_ALL" }, bearer), {
    results: [
      { response: { allowed: true, reasons: [{ code: "role", text: permitted.reasons[0]?.text, role: "member" }] } },
    ],
  });
});

test("reflection can be left out, health stays", async (t) => {
  const { port } = await serve(t, {}, { reflection: false });
  await assert.rejects(reflect(t, port, "v1", { listServices: "*" }), { code: status.UNIMPLEMENTED });
  assert.deepEqual(await ask(healthClient(t, port), "check", {}), { status: "SERVING" });
});

test("callJson sends JSON in either spelling and shows the answer, `false` included", async (t) => {
  const requests: unknown[] = [];
  const { port } = await serve(t, {
    checkPermission: async (request) => {
      requests.push(request);
      return { ...permitted, allowed: false };
    },
    batchCheckPermissions: async () => ({
      results: [{ result: { $case: "error", error: { code: "not_found", message: "no" } } }],
    }),
  });
  const call = { address: `127.0.0.1:${port}`, metadata: { authorization: "Bearer token" } };
  assert.deepEqual(
    await callJson({
      ...call,
      method: "identity.v1.Identity/CheckPermission",
      json: { token: "t", permission: "flows:read", context: { some_key: "v" }, tenant: "" },
    }),
    { ok: { allowed: false, reasons: [{ code: "role", text: permitted.reasons[0]?.text, role: "member" }] } },
  );
  assert.deepEqual(requests, [
    {
      subject: { $case: "token", token: "t" },
      tenant: "",
      permission: "flows:read",
      resource: "",
      parent: "",
      context: new Map([["some_key", "v"]]),
      atLeastAsFresh: "",
      attributesJson: "",
      acr: "",
    },
  ]);
  assert.deepEqual(
    await callJson({
      ...call,
      method: "identity.v1.Identity/BatchCheckPermissions",
      json: { checks: [{ principal: "users/1" }], mode: "BATCH_MODE_EVALUATE_ALL" },
    }),
    { ok: { results: [{ error: { code: "not_found", message: "no" } }] } },
  );
  assert.deepEqual(
    await callJson({
      ...call,
      method: "identity.v1.Identity/IntrospectToken",
      json: { token: "t", token_type_hint: "api_token" },
    }),
    { ok: { active: false } },
  );
});

test("callJson names the status and code of a failure, and refuses JSON that is no such message before calling", async (t) => {
  const { port } = await serve(t, { checkPermission: async () => fault("not_found", "there is no such tenant") });
  const call = { address: `127.0.0.1:${port}`, method: "identity.v1.Identity/CheckPermission" };
  const metadata = { authorization: "Bearer token", "x-request-id": "r1" };
  assert.deepEqual(await callJson({ ...call, metadata, json: {} }), {
    status: "NOT_FOUND",
    message: "there is no such tenant",
    code: "not_found",
    requestId: "r1",
  });
  assert.deepEqual(await callJson({ ...call, json: { permision: "flows:read" } }), {
    status: "INVALID_ARGUMENT",
    message: "CheckPermission has no field `$.permision`",
  });
  assert.deepEqual(await callJson({ ...call, json: [] }), {
    status: "INVALID_ARGUMENT",
    message: "the request of CheckPermission is a JSON object",
  });
  const unknown = await callJson({ ...call, method: "identity.v1.Identity/Drop", json: {} });
  assert.ok("status" in unknown && unknown.status === "UNIMPLEMENTED");
  const nobody = await callJson({ ...call, address: "127.0.0.1:1", json: {}, timeoutMs: 5_000 });
  assert.ok("status" in nobody && nobody.status === "UNAVAILABLE");
});
