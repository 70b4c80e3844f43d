/** The servers ours is held against, started and seeded: two floors, and `oidc-provider`. Each gives the rows it can be asked for. */
import { createHash, randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { createClient } from "redis";
import {
  IdentityService,
  IntrospectTokenRequest,
  IntrospectTokenResponse,
} from "../server/transport/grpc/generated/identity/v1/identity.ts";
import { type Server, startServer } from "./harness/child.ts";
import { encodeMessage } from "./harness/grpc-lanes.ts";
import { encodePost } from "./harness/http-lanes.ts";
import type { Contender } from "./harness/rounds.ts";
import { rowNames } from "./names.ts";

export type Peer = { readonly contenders: readonly Contender[]; stop(): Promise<void> };

const file = (name: string): string => fileURLToPath(new URL(`./servers/${name}.ts`, import.meta.url));

/** How many different tokens a row goes round: one token would be one cache line, one branch. */
export const tokens_asked = 200;

/** A token as long as an API token of ours. */
const token = (): string => `cs_live_${randomBytes(40).toString("base64url")}`;

const store = async (url: string, entries: readonly (readonly [string, string])[]): Promise<void> => {
  const cache = await createClient({ url }).connect();
  await Promise.all(entries.map(([key, value]) => cache.set(key, value)));
  await cache.close();
};

export const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;

/** An introspection response as ours are: about 300 bytes of JSON. */
const introspection = (): string =>
  JSON.stringify({
    active: true,
    scope: "flows:read flows:update",
    client_id: "sa_live_77777777777777777777",
    token_type: "Bearer",
    exp: 1_795_000_000,
    iat: 1_794_996_400,
    sub: `service-accounts/${crypto.randomUUID()}`,
    aud: "http://localhost:8080",
    iss: "http://localhost:8080",
    jti: randomBytes(16).toString("base64url"),
    tenant_id: crypto.randomUUID(),
  });

/** Floor A, asked with the bytes an introspection request has: form body, caller's credentials in the header. */
export const startFloorHttp = async (redis: string): Promise<Peer> => {
  const bodies = Array.from({ length: tokens_asked }, () => `token=${token()}`);
  await store(
    redis,
    bodies.map((body) => [createHash("sha256").update(body).digest("hex"), introspection()]),
  );
  const server = await startServer(file("floor-http"), { BENCH_REDIS_URL: redis });
  const headers = { authorization: basic("sa_live_77777777777777777777", token()) };
  const requests = bodies.map((body) => encodePost({ path: "/oauth/introspect", headers, body }));
  const verify = (body: Buffer): boolean => JSON.parse(body.toString()).active === true;
  return {
    contenders: [{ name: rowNames.floorHttp, ...at(server), protocol: { kind: "http" }, requests, verify }],
    stop: server.stop,
  };
};

/** Floor B, its calls as large as ours: a token in the message, the caller's in the metadata. */
export const startFloorGrpc = async (redis: string): Promise<Peer> => {
  const asked = Array.from({ length: tokens_asked }, token);
  await store(
    redis,
    asked.map((key) => [key, `service-accounts/${crypto.randomUUID()}`]),
  );
  const server = await startServer(file("floor-grpc"), { BENCH_REDIS_URL: redis });
  const protocol = {
    kind: "grpc",
    path: IdentityService.introspectToken.path,
    metadata: { authorization: `Bearer ${token()}` },
  } as const;
  const requests = asked.map((each) =>
    encodeMessage(IntrospectTokenRequest.encode(IntrospectTokenRequest.create({ token: each })).finish()),
  );
  const verify = (body: Buffer): boolean => IntrospectTokenResponse.decode(body).active;
  return {
    contenders: [{ name: rowNames.floorGrpc, ...at(server), protocol, requests, verify }],
    stop: server.stop,
  };
};

export const at = ({ pid, port }: Server): Pick<Contender, "pid" | "port"> => ({ pid, port });

export const startOidcProvider = async (): Promise<Peer> => {
  const [id, secret] = ["bench", randomBytes(32).toString("base64url")];
  const server = await startServer(file("oidc-provider"), { BENCH_CLIENT_ID: id, BENCH_CLIENT_SECRET: secret });
  const headers = { authorization: basic(id, secret) };
  const opaque = async (): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${server.port}/token`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/x-www-form-urlencoded" },
      body: "grant_type=client_credentials&scope=flows%3Aread",
    });
    const { access_token } = (await answer.json()) as { access_token: string };
    return access_token;
  };
  const issued: string[] = [];
  while (issued.length < tokens_asked) issued.push(await opaque());
  const jwtRequest = "grant_type=client_credentials&scope=flows%3Aread&resource=http%3A%2F%2Flocalhost%3A8080";
  return {
    contenders: [
      {
        name: rowNames.oidcIntrospect,
        ...at(server),
        protocol: { kind: "http" },
        requests: issued.map((each) => encodePost({ path: "/token/introspection", headers, body: `token=${each}` })),
        verify: (body) => JSON.parse(body.toString()).active === true,
      },
      {
        name: rowNames.oidcToken,
        ...at(server),
        protocol: { kind: "http" },
        requests: [encodePost({ path: "/token", headers, body: jwtRequest })],
        verify: (body) => JSON.parse(body.toString()).access_token.split(".").length === 3,
      },
    ],
    stop: server.stop,
  };
};
