/**
 * Our own server as the other contenders meet it: a real process over PostgreSQL and Redis, with audit, authentication and every check
 * in place. It is filled through its public API, so what is measured is what a customer would have.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient } from "redis";
import { freePort } from "../tests/support/redis.ts";
import {
  CheckPermissionRequest,
  CheckPermissionResponse,
  IdentityService,
  IntrospectTokenRequest,
  IntrospectTokenResponse,
} from "../server/transport/grpc/generated/identity/v1/identity.ts";
import { bootstrap } from "./bootstrap.ts";
import { startServer } from "./harness/child.ts";
import { encodeMessage } from "./harness/grpc-lanes.ts";
import { encodePost } from "./harness/http-lanes.ts";
import type { Contender } from "./harness/rounds.ts";
import { rowNames } from "./names.ts";
import { basic, type Peer } from "./peers.ts";

const file = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));

const tenants_made = 4;
const accounts_each = 25;
const perimeters_each = 40;
const tokens_each = 2;

/** A server that is up, and how to speak to it as its operator. */
export type OurServer = {
  readonly pid: number;
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly basic: string;
  readonly bearer: string;
  stop(): Promise<void>;
};

const secretKey = Buffer.alloc(32, 7).toString("base64");

/** Starts server/main.ts on the server's core, over the database and the cache given. */
export const startOurServer = async (databaseUrl: string, cacheUrl: string): Promise<OurServer> => {
  const dataDir = await mkdtemp(join(tmpdir(), "countersign-bench-"));
  const [httpPort, grpcPort, managementPort] = [await freePort(), await freePort(), await freePort()];
  const environment = {
    COUNTERSIGN_ISSUER: `http://localhost:${httpPort}`,
    COUNTERSIGN_PORT: String(httpPort),
    COUNTERSIGN_GRPC_PORT: String(grpcPort),
    COUNTERSIGN_MANAGEMENT_PORT: String(managementPort),
    COUNTERSIGN_DATABASE_URL: databaseUrl,
    COUNTERSIGN_CACHE_URL: cacheUrl,
    COUNTERSIGN_SECRET_KEY: secretKey,
    COUNTERSIGN_DATA_DIR: dataDir,
    COUNTERSIGN_LOG_LEVEL: "warn",
  };
  const ready = async (): Promise<number> => {
    for (;;) {
      const healthy = await fetch(`http://127.0.0.1:${managementPort}/health/ready`).then(
        (answer) => answer.ok,
        () => false,
      );
      if (healthy) return httpPort;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const server = await startServer(file("server/main.ts"), environment, ready);
  const { client_id, client_secret } = await bootstrap(environment);
  const credentials = basic(client_id, client_secret);
  const answer = await fetch(`http://127.0.0.1:${httpPort}/oauth/token`, {
    method: "POST",
    headers: { authorization: credentials, "content-type": "application/x-www-form-urlencoded" },
    body: "grant_type=client_credentials",
  });
  const { access_token } = (await answer.json()) as { access_token: string };
  return {
    pid: server.pid,
    httpPort,
    grpcPort,
    basic: credentials,
    bearer: `Bearer ${access_token}`,
    stop: async () => {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};

type Json = Readonly<Record<string, string>>;

/** One call of the management API; anything but success ends the run. */
export const call = async (server: OurServer, path: string, body: object, tenant?: string): Promise<Json> => {
  const answer = await fetch(`http://127.0.0.1:${server.httpPort}${path}`, {
    method: "POST",
    headers: {
      authorization: server.bearer,
      "content-type": "application/json",
      ...(tenant === undefined ? {} : { "countersign-tenant": tenant }),
    },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Json;
};

const tokenOf = async (server: OurServer, account: Json): Promise<string> => {
  const answer = await fetch(`http://127.0.0.1:${server.httpPort}/oauth/token`, {
    method: "POST",
    headers: {
      authorization: basic(account.client_id ?? "", account.client_secret ?? ""),
      "content-type": "application/x-www-form-urlencoded",
    },
    body: "grant_type=client_credentials",
  });
  if (!answer.ok) throw new Error(`a token was refused: ${await answer.text()}`);
  return ((await answer.json()) as { access_token: string }).access_token;
};

type World = {
  readonly jwts: readonly string[];
  readonly opaque: readonly string[];
  readonly apiTokens: readonly string[];
  readonly clients: readonly Json[];
  readonly questions: readonly { readonly principal: string; readonly resource: string; readonly tenant: string }[];
};

/** Tenants with service accounts that are members, a client with accounts in it, and tokens of every kind. */
const fill = async (server: OurServer): Promise<World> => {
  const world = {
    jwts: [] as string[],
    opaque: [] as string[],
    apiTokens: [] as string[],
    clients: [] as Json[],
    questions: [] as World["questions"][number][],
  };
  const expires = new Date(Date.now() + 86_400_000).toISOString();
  const tenantful = async (nth: number): Promise<void> => {
    const { resource: tenant = "" } = await call(server, "/v1/organizations", { display_name: `Bench ${nth}` });
    const { resource: client = "" } = await call(
      server,
      "/v1/clients",
      { parent: tenant, display_name: "Client" },
      tenant,
    );
    const perimeters: string[] = [];
    for (let i = 0; i < perimeters_each; i++)
      perimeters.push(
        (await call(server, "/v1/accounts", { parent: client, display_name: `Account ${i}` }, tenant)).resource ?? "",
      );
    for (let i = 0; i < accounts_each; i++) {
      const format = i % 2 === 0 ? "jwt" : "opaque";
      const account = await call(server, "/v1/service-accounts", {
        parent: tenant,
        display_name: `Service ${i}`,
        access_token_format: format,
      });
      const { resource: principal = "" } = account;
      await call(server, "/v1/role-assignments", { parent: tenant, principal, role: "member" });
      if (format === "jwt") world.clients.push(account);
      for (let t = 0; t < tokens_each; t++)
        (format === "jwt" ? world.jwts : world.opaque).push(await tokenOf(server, account));
      const api = { owner: principal, display_name: "bench", scopes: ["accounts:read"], expire_time: expires };
      world.apiTokens.push((await call(server, "/v1/api-tokens", api, tenant)).token ?? "");
      for (const resource of perimeters) world.questions.push({ principal, resource, tenant });
    }
  };
  await Promise.all(Array.from({ length: tenants_made }, (_, nth) => tenantful(nth)));
  return world;
};

const form = { "content-type": "application/x-www-form-urlencoded" };

export const startOurs = async (databaseUrl: string, cacheUrl: string): Promise<Peer> => {
  const server = await startOurServer(databaseUrl, cacheUrl);
  try {
    const world = await fill(server);
    const cache = await createClient({ url: cacheUrl }).connect();
    return {
      contenders: contenders(server, world, async () => {
        await cache.flushDb();
      }),
      stop: async () => {
        await cache.close();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
};

/** Questions asked warm: as many as there are tokens elsewhere. */
const warm_questions = 200;

const contenders = (server: OurServer, world: World, flush: () => Promise<void>): readonly Contender[] => {
  const http = { pid: server.pid, port: server.httpPort, protocol: { kind: "http" } } as const;
  const active = (body: Buffer): boolean => JSON.parse(body.toString()).active === true;
  const introspect = (name: string, tokens: readonly string[]): Contender => ({
    ...http,
    name,
    requests: tokens.map((token) =>
      encodePost({ path: "/oauth/introspect", headers: { authorization: server.basic }, body: `token=${token}` }),
    ),
    verify: active,
  });
  const grpc = (path: string) =>
    ({
      pid: server.pid,
      port: server.grpcPort,
      protocol: { kind: "grpc", path, metadata: { authorization: server.bearer } },
    }) as const;
  const asked = (question: World["questions"][number]) =>
    encodeMessage(
      CheckPermissionRequest.encode(
        CheckPermissionRequest.create({
          subject: { $case: "principal", principal: question.principal },
          tenant: question.tenant,
          permission: "accounts:read",
          resource: question.resource,
        }),
      ).finish(),
    );
  const allowed = (body: Buffer): boolean => CheckPermissionResponse.decode(body).allowed;
  const spread = world.questions.filter((_, nth) => nth % Math.ceil(world.questions.length / warm_questions) === 0);
  return [
    introspect(rowNames.ours.introspectJwt, world.jwts),
    introspect(rowNames.ours.introspectOpaque, world.opaque),
    introspect(rowNames.ours.introspectApiToken, world.apiTokens),
    {
      ...http,
      name: rowNames.ours.token,
      requests: world.clients.map((client) =>
        encodePost({
          path: "/oauth/token",
          headers: { ...form, authorization: basic(client.client_id ?? "", client.client_secret ?? "") },
          body: "grant_type=client_credentials",
        }),
      ),
      verify: (body) => JSON.parse(body.toString()).access_token.split(".").length === 3,
    },
    {
      ...grpc(IdentityService.introspectToken.path),
      name: rowNames.ours.grpcIntrospect,
      requests: world.jwts.map((token) =>
        encodeMessage(IntrospectTokenRequest.encode(IntrospectTokenRequest.create({ token })).finish()),
      ),
      verify: (body) => IntrospectTokenResponse.decode(body).active,
    },
    {
      ...grpc(IdentityService.checkPermission.path),
      name: rowNames.ours.grpcCheck,
      requests: spread.map(asked),
      verify: allowed,
    },
    {
      ...grpc(IdentityService.checkPermission.path),
      name: rowNames.ours.grpcCheckCold,
      requests: world.questions.map(asked),
      verify: allowed,
      before: flush,
    },
  ];
};
