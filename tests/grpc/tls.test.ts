// TLS on the gRPC port, and callers who prove themselves by certificate.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { before, test } from "node:test";
import { credentials, status } from "@grpc/grpc-js";
import { callJson } from "../../cli/grpc-json.ts";
import type { GrpcCall } from "../../server/transport/grpc/routes.ts";
import {
  check,
  connectTo,
  failureOf,
  makeCertificates,
  metadataOf,
  permitted,
  question,
  serve,
  spiffeId,
  type TestCertificates,
} from "./support.ts";

let certificates: TestCertificates;
before(async () => {
  certificates = await makeCertificates();
});

const recording = (calls: GrpcCall[]) => ({
  checkPermission: async (_: unknown, call: GrpcCall) => {
    calls.push(call);
    return permitted;
  },
});

test("over TLS a call works for a client that trusts the authority, and for no other", async (t) => {
  const calls: GrpcCall[] = [];
  const { port } = await serve(t, recording(calls), { tls: certificates.server });
  const { ca } = certificates;
  assert.deepEqual(await check(connectTo(t, port, credentials.createSsl(ca), "localhost")), permitted);
  assert.equal(calls[0]?.peerCertificate, undefined);
  for (const creds of [credentials.createSsl(), credentials.createInsecure()])
    assert.equal(failureOf(await check(connectTo(t, port, creds, "localhost"))).code, status.UNAVAILABLE);
  const call = {
    address: `localhost:${port}`,
    method: "identity.v1.Identity/CheckPermission",
    json: {},
    metadata: { authorization: "Bearer t" },
  };
  assert.ok("ok" in (await callJson({ ...call, tls: { ca } })));
});

test("a verified client certificate stands in for a token, and its SAN URI and fingerprint are handed on", async (t) => {
  const calls: GrpcCall[] = [];
  const { ca, client, server } = certificates;
  const { port } = await serve(t, recording(calls), { tls: { ...server, clientCa: ca } });
  const withCertificate = connectTo(t, port, credentials.createSsl(ca, client.key, client.cert), "localhost");
  for (const _ of [1, 2]) assert.deepEqual(await check(withCertificate, question(), metadataOf({})), permitted);
  const certificate = new X509Certificate(client.cert);
  for (const { peerCertificate, authorization } of calls) {
    assert.equal(authorization, undefined);
    assert.deepEqual(peerCertificate, {
      sanUris: [spiffeId],
      fingerprint256: certificate.fingerprint256,
      subject: "CN=client",
      serialNumber: certificate.serialNumber,
      expiresAtMs: certificate.validToDate.getTime(),
    });
  }
  assert.equal(calls.length, 2);
});

test("where certificates are asked for, a token is still enough, nothing is not, and an unknown authority's certificate is refused", async (t) => {
  const calls: GrpcCall[] = [];
  const { ca, impostor, server } = certificates;
  const { port } = await serve(t, recording(calls), { tls: { ...server, clientCa: ca } });
  const plain = connectTo(t, port, credentials.createSsl(ca), "localhost");
  assert.deepEqual(await check(plain), permitted);
  assert.equal(failureOf(await check(plain, question(), metadataOf({}))).code, status.UNAUTHENTICATED);
  const forged = connectTo(t, port, credentials.createSsl(ca, impostor.key, impostor.cert), "localhost");
  assert.equal(failureOf(await check(forged)).code, status.UNAVAILABLE);
  assert.equal(calls.length, 1);
});

test("where certificates are required, a token alone does not connect", async (t) => {
  const { ca, client, server } = certificates;
  const { port } = await serve(t, {}, { tls: { ...server, clientCa: ca, clientCertificate: "required" } });
  assert.equal(
    failureOf(await check(connectTo(t, port, credentials.createSsl(ca), "localhost"))).code,
    status.UNAVAILABLE,
  );
  const withCertificate = connectTo(t, port, credentials.createSsl(ca, client.key, client.cert), "localhost");
  assert.deepEqual(await check(withCertificate, question(), metadataOf({})), permitted);
});
