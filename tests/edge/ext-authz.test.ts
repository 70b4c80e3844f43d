// Envoy's ext_authz, asked by a gRPC client with the messages that Envoy writes (envoy.ts): no Envoy is at hand where these tests run.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { type ServiceError, status } from "@grpc/grpc-js";
import {
  CheckRequest,
  CheckResponse,
  type HeaderValueOption,
} from "../../server/transport/grpc/generated/envoy/service/auth/v3/external_auth.ts";
import { athOf, proofKey, proofOf } from "../oauth/dpop-kit.ts";
import { partsOf, signedJwt } from "../oauth/jwt.ts";
import { checkRequest as asEnvoy, envoyAt, type Sent, type Texts } from "./envoy.ts";
import { gatewayTokenOf, startEdge } from "./kit.ts";

const edge = await startEdge();
after(edge.close);
const { deployment, acme, payouts, gatewayToken, member, memberToken } = edge;
const envoy = envoyAt(deployment.servers[0]?.grpcPort ?? 0);
after(envoy.close);
const call = (request: Uint8Array, gateway = `Bearer ${gatewayToken}`) => envoy.call(request, gateway);
const checkRequest = (sent: Sent) => asEnvoy({ path: payouts, ...sent });

const bearer = (token: string): Texts => ({ authorization: `Bearer ${token}` });
const told = (options: readonly HeaderValueOption[] = []): Texts =>
  Object.fromEntries(options.map(({ header }) => [header?.key ?? "", header?.value ?? ""]));

type Told = {
  readonly code: number | undefined;
  readonly allowed: boolean;
  readonly http: number | undefined;
  readonly headers: Texts;
  readonly removed: readonly string[];
  readonly toClient: Texts;
  readonly body: string;
};
const ask = async (sent: Sent, gateway?: string): Promise<Told> => {
  const { status: rpc, httpResponse } = CheckResponse.decode(await call(checkRequest(sent), gateway));
  const ok = httpResponse?.$case === "okResponse" ? httpResponse.okResponse : undefined;
  const denied = httpResponse?.$case === "deniedResponse" ? httpResponse.deniedResponse : undefined;
  return {
    code: rpc?.code,
    allowed: rpc?.code === 0 && ok !== undefined,
    http: denied?.status?.code,
    headers: told(ok?.headers ?? denied?.headers),
    removed: ok?.headersToRemove ?? [],
    toClient: told(ok?.responseHeadersToAdd),
    body: denied?.body ?? "",
  };
};
const denied = async (httpStatus: number, sent: Sent, gateway?: string): Promise<Told> => {
  const answer = await ask(sent, gateway);
  assert.ok(!answer.allowed && answer.code !== 0, JSON.stringify(sent));
  assert.equal(answer.http, httpStatus, answer.body);
  return answer;
};

test("what is permitted is OK, sets whom it stands for, and removes what else could pass for it", async () => {
  const forged = { "x-countersign-actor": "users/1", "x-countersign-tenant": "forged", "x-countersign-admin": "yes" };
  const answer = await ask({ headers: { ...forged, ...bearer(memberToken) } });
  assert.ok(answer.allowed, answer.body);
  const { "x-countersign-request-id": requestId, ...identity } = answer.headers;
  assert.deepEqual(identity, {
    "x-countersign-tenant": acme.id,
    "x-countersign-principal": member.ref,
    "x-countersign-subject": member.ref,
    "x-countersign-scopes": "*",
  });
  assert.match(requestId ?? "", /^[\w-]{10,}$/);
  // Envoy removes after it has set: a name in both would be taken away.
  assert.deepEqual(answer.removed.toSorted(), ["x-countersign-actor", "x-countersign-admin"]);
});

test("what is not permitted is denied with the answer for the client: 401 with a challenge, 403, and a problem document", async () => {
  const without = await denied(401, {});
  assert.match(without.headers["www-authenticate"] ?? "", /^Bearer realm="countersign", DPoP algs=/);
  const dead = await denied(401, { headers: bearer("garbage") });
  assert.match(dead.headers["www-authenticate"] ?? "", /error="invalid_token"/);
  assert.equal(dead.headers["content-type"], "application/problem+json");
  assert.equal((JSON.parse(dead.body) as { code: string }).code, "invalid_token");
  await denied(403, { method: "POST", headers: bearer(memberToken) });
  await denied(403, { path: "/none", headers: bearer(memberToken) });
  await denied(403, { headers: { ...bearer(memberToken), "x-http-method-override": "DELETE" } });
  await denied(403, { headers: { ...bearer(memberToken), x_countersign_tenant: "forged" } });
  const open = await ask({ path: "/status" });
  assert.ok(open.allowed);
  assert.deepEqual(Object.keys(open.headers), ["x-countersign-request-id"]);
});

test("CWE-436: paths and headers that could be read apart are denied", async () => {
  for (const path of [
    `${payouts}/../../x`,
    `${payouts}%2f`,
    `/${payouts}`,
    "*",
    "",
    "http://a/status",
    `${payouts}#`,
    `${payouts};x`,
  ])
    await denied(403, { path, headers: bearer(memberToken) });
  await denied(403, { method: "get", headers: bearer(memberToken) });
  await denied(403, { host: "a, b", headers: bearer(memberToken) });
  // Joined by Envoy, and line by line.
  await denied(401, { headers: { authorization: `Bearer ${memberToken},Bearer garbage` } });
  const line = ["authorization", `Bearer ${memberToken}`] as const;
  assert.ok((await ask({ raw: [line] })).allowed);
  await denied(403, { raw: [line, ["Authorization", "Bearer garbage"]] });
});

test("a route's context_extensions are its rule, and what is wrong in them is no rule", async () => {
  const path = "/v2/of/anything";
  const headers = bearer(memberToken);
  assert.ok(
    (await ask({ path, headers, extensions: { permission: "payouts:read", resource: edge.place.ref, other: "x" } }))
      .allowed,
  );
  const bound = { permission: "payouts:read", resource: "accounts/{id}", path: "/accounts/{id}/payouts" };
  assert.ok((await ask({ headers, extensions: bound })).allowed);
  await denied(403, { path, headers, extensions: bound });
  await denied(403, { path, headers, extensions: { permission: "payouts:create", resource: edge.place.ref } });
  await denied(403, { path, headers, extensions: { permission: "payouts:raed" } });
  await denied(403, { path: "/status", extensions: { resource: edge.place.ref } });
  // Ours are read from the configuration alone, whatever the client calls its headers.
  await denied(403, { path, headers: { ...headers, permission: "payouts:read", public: "yes" } });
});

test("Envoy shows its own credential: without one, with a dead one, or with one that may not ask, the call itself fails", async () => {
  const fails = async (gateway: string | undefined, code: number): Promise<void> => {
    const sent = checkRequest({ headers: bearer(memberToken) });
    const failed = envoy.call(sent, gateway);
    await assert.rejects(failed, (error: ServiceError) => (error.code as number) === code, gateway);
  };
  await fails(undefined, status.UNAUTHENTICATED);
  await fails("Bearer garbage", status.UNAUTHENTICATED);
  await fails(`Bearer ${member.client_secret}`, status.UNAUTHENTICATED);
  await fails(`Bearer ${memberToken}`, status.PERMISSION_DENIED);
  const other = await deployment.tenant("Other");
  await denied(401, { headers: bearer(memberToken) }, `Bearer ${await gatewayTokenOf(other)}`);
  assert.ok((await ask({ headers: bearer(memberToken) }, `Bearer ${deployment.host}`)).allowed);
});

test("invariant 7: a token is denied on the request after its principal was disabled, and let through on the one after it was enabled", async () => {
  const account = await acme.account({ role: "member" });
  const headers = bearer(await deployment.token(account));
  for (let round = 0; round < 3; round++) {
    assert.ok((await ask({ headers })).allowed);
    await acme.does(`/v1/service-accounts/${account.id}:disable`);
    await denied(401, { headers });
    await acme.does(`/v1/service-accounts/${account.id}:enable`);
  }
});

test("invariant 1: what cannot be decided is an answer that denies with 503, and no failed call that a filter may take for a yes", async () => {
  const headers = bearer(await deployment.token(member));
  await edge.database.cut();
  const answer = await denied(503, { headers });
  assert.equal(answer.code, status.UNAVAILABLE);
  await edge.database.restore();
  const until = Date.now() + 10_000;
  while (!(await ask({ headers })).allowed) assert.ok(Date.now() < until, "it does not come back");
});

test("RFC 9449 §7.1: a proof is for the URL that Envoy was asked, and the client is handed our nonce", async () => {
  const own = proofKey();
  const signer = await deployment.signingKey();
  const { header, claims } = partsOf(memberToken);
  const { tenant_id, ...rest } = claims;
  const bound = signedJwt(header, { ...rest, jti: randomUUID(), cnf: { jkt: own.jkt }, tenant_id }, signer.key);
  const url = `https://api.example.com${payouts}`;
  const tried = (proof: string, scheme = "DPoP") => ({ headers: { authorization: `${scheme} ${bound}`, dpop: proof } });
  const first = await denied(401, tried(proofOf(own, "GET", url, { claims: { ath: athOf(bound) } })));
  const proven = { ath: athOf(bound), nonce: first.headers["dpop-nonce"] };
  const good = proofOf(own, "GET", url, { claims: proven });
  const answer = await ask(tried(good));
  assert.ok(answer.allowed, answer.body);
  assert.equal(answer.toClient["dpop-nonce"], proven.nonce);
  await denied(401, tried(good));
  await denied(401, tried(proofOf(own, "GET", `${deployment.issuer}${payouts}`, { claims: proven })));
  await denied(401, tried(proofOf(own, "GET", url, { claims: proven }), "Bearer"));
});

test("the messages on the wire are Envoy's, to the octet", async () => {
  // attributes = 1 { request = 4 { http = 2 { method = 2, headers = 3 {key = 1, value = 2}, path = 4, host = 5, scheme = 6 } }, context_extensions = 10 }
  const fixture = Buffer.from(
    "0a4d223e123c12034745541a150a0d617574686f72697a6174696f6e120478203d7922072f7374617475732a0f6170692e6578616d706c652e636f6d320568747470735" +
      "20b0a016112067075626c6963",
    "hex",
  );
  const read = CheckRequest.decode(fixture);
  assert.deepEqual(read.attributes?.request?.http?.path, "/status");
  assert.deepEqual([...(read.attributes?.request?.http?.headers ?? [])], [["authorization", "x =y"]]);
  assert.deepEqual([...(read.attributes?.contextExtensions ?? [])], [["a", "public"]]);
  assert.ok(CheckResponse.decode(await call(fixture)).status?.code === 0);

  // Read back field by field: status = 1 { code = 1 }, denied_response = 2 { status = 1 { code = 1 }, headers = 2 { header = 1, append_action = 3 }, body = 3 }.
  const answer = fieldsOf(await call(checkRequest({ headers: bearer("garbage") })));
  assert.deepEqual([...answer.keys()], [1, 2]);
  assert.equal(fieldsOf(bytesAt(answer, 1)).get(1)?.[0], status.UNAUTHENTICATED);
  const response = fieldsOf(bytesAt(answer, 2));
  assert.deepEqual([...response.keys()], [1, 2, 3]);
  assert.equal(fieldsOf(bytesAt(response, 1)).get(1)?.[0], 401);
  const option = fieldsOf(bytesAt(response, 2));
  assert.equal(option.get(3)?.[0], 2, "OVERWRITE_IF_EXISTS_OR_ADD");
  assert.equal(Buffer.from(bytesAt(fieldsOf(bytesAt(option, 1)), 1)).toString(), "content-type");

  // ok_response = 3 { headers = 2, headers_to_remove = 5 }; OK is a status that is there and empty.
  const permitted = fieldsOf(await call(checkRequest({ headers: bearer(memberToken) })));
  assert.deepEqual([...permitted.keys()], [1, 3]);
  assert.equal(bytesAt(permitted, 1).length, 0);
  const ok = fieldsOf(bytesAt(permitted, 3));
  assert.deepEqual([...ok.keys()], [2, 5]);
  assert.equal(Buffer.from(bytesAt(ok, 5)).toString(), "x-countersign-actor");
});

/** A message's fields by number: integers as they are, the rest as octets. */
const fieldsOf = (bytes: Uint8Array): ReadonlyMap<number, readonly (number | Uint8Array)[]> => {
  const reader = new BinaryReader(bytes);
  const found = new Map<number, (number | Uint8Array)[]>();
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    found.set(number, [...(found.get(number) ?? []), (type as number) === 0 ? reader.int32() : reader.bytes()]);
  }
  return found;
};
const bytesAt = (fields: ReadonlyMap<number, readonly (number | Uint8Array)[]>, number: number): Uint8Array => {
  const [value] = fields.get(number) ?? [];
  assert.ok(value instanceof Uint8Array, `field ${number}`);
  return value;
};
