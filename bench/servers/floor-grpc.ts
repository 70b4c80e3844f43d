/**
 * Floor B: the least a gRPC server on grpc-js could do that answers with one cache round trip. With our own messages and codec it
 * decodes the request, GETs what is stored under the token, and encodes the answer of an introspection around it. No authentication of
 * the caller, no check of anything.
 */
import { Server, ServerCredentials, type handleUnaryCall } from "@grpc/grpc-js";
import { createClient } from "redis";
import {
  IdentityService,
  type IntrospectTokenRequest,
  IntrospectTokenResponse,
} from "../../server/transport/grpc/generated/identity/v1/identity.ts";
import { announce } from "../harness/child.ts";

const cache = await createClient({ url: process.env["BENCH_REDIS_URL"] ?? "redis://localhost:6379" }).connect();

const answer = (subject: string | null): IntrospectTokenResponse =>
  IntrospectTokenResponse.create({
    active: subject !== null,
    subject: subject ?? "",
    tenantId: "33333333-3333-4333-8333-333333333333",
    principalKind: "service",
    clientId: "sa_live_77777777777777777777",
    scopes: ["flows:read", "flows:update"],
    audience: ["http://localhost:8080"],
    expiresAt: 1_795_000_000,
    issuedAt: 1_794_996_400,
    tokenId: "q7Hk2vXbR0yWmE3n1TzQdA",
    tokenType: "Bearer",
    issuer: "http://localhost:8080",
  });

const introspectToken: handleUnaryCall<IntrospectTokenRequest, IntrospectTokenResponse> = (call, respond) => {
  cache.get(call.request.token).then(
    (subject) => respond(null, answer(subject)),
    (error: Error) => respond(error),
  );
};

const server = new Server();
const { introspectToken: method } = IdentityService;
server.addService({ introspectToken: method }, { introspectToken });
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  announce(port);
});
