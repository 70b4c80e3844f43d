/**
 * A deployment under a test's hand: server processes on one PostgreSQL database and one Redis, as behind a load balancer, and what is
 * wanted of it again and again, through its API alone.
 *
 *     const deployment = await startDeployment({ servers: 2 });
 *     const acme = await deployment.tenant();
 *     const billing = await acme.account({ role: "owner" });
 *     const token = await deployment.token(billing);
 */
import assert from "node:assert/strict";
import { createPrivateKey, type KeyObject, randomBytes, randomUUID } from "node:crypto";
import pg from "pg";
import { readSecretKey, unseal } from "../../server/platform/keys/seal.ts";
import { freshDatabase } from "../support/postgres.ts";
import { freePort, freshCacheUrl } from "../support/redis.ts";
import { type Environment, type ServerProcess, startServer } from "../support/server-process.ts";
import { templates } from "../support/templates.ts";
import { type Answer, basic, bearer, formOf, type Sent, send } from "./http.ts";

export type Json = Readonly<Record<string, unknown>>;
export type Client = { readonly client_id: string; readonly client_secret: string };

/** A service account, and what proves it. */
export type Account = Client & { readonly id: string; readonly ref: string; readonly tenant: Tenant };

export type AccountOptions = {
  /** A built-in role, or `roles/{uuid}`, at the tenant's root. None unless named. */
  readonly role?: string;
  readonly scopes?: readonly string[];
  readonly access_token_format?: "jwt" | "opaque";
  readonly jwks?: { readonly keys: readonly object[] };
};

export type Tenant = {
  readonly id: string;
  /** `organizations/{uuid}`, its own ref and its root's. */
  readonly ref: string;
  account(options?: AccountOptions): Promise<Account>;
  /** A user, as an administrator registers one. */
  user(role?: string): Promise<{ readonly id: string; readonly ref: string }>;
  /** A perimeter below the root. */
  perimeter(
    collection: "clients" | "accounts",
    parent?: string,
  ): Promise<{ readonly id: string; readonly ref: string }>;
  /** By the host, about this tenant: its answer must be a success. */
  does(path: string, body?: object, on?: number): Promise<Json>;
};

export type Deployment = {
  readonly servers: readonly ServerProcess[];
  readonly issuer: string;
  readonly databaseUrl: string;
  readonly cacheUrl: string;
  /** The deployment's secret key, as its setting has it. */
  readonly secretKey: string;
  /** Settings every server of it runs with. */
  readonly env: Environment;
  /** Where server number `on` is reached; the issuer's path included. */
  base(on?: number): string;
  /** A request to server number `on`. */
  send(path: string, sent?: Sent, on?: number): Promise<Answer>;
  /** A POST of JSON, with a token. */
  post(
    path: string,
    token: string,
    body?: object,
    on?: number,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  get(path: string, token: string, on?: number): Promise<Answer>;
  form(
    path: string,
    fields: Readonly<Record<string, string | readonly string[]>>,
    headers?: Readonly<Record<string, string>>,
    on?: number,
  ): Promise<Answer>;
  /** An access token of the host's super admin. */
  readonly host: string;
  tenant(displayName?: string): Promise<Tenant>;
  /** By client_secret_basic. */
  token(client: Client, fields?: Readonly<Record<string, string | readonly string[]>>, on?: number): Promise<string>;
  apiToken(
    token: string,
    scopes: readonly string[],
    on?: number,
  ): Promise<{ readonly ref: string; readonly token: string }>;
  /** What introspection answers, to the octet, asked by `asker`, a bearer token; the host unless said otherwise. */
  introspect(token: string, on?: number, asker?: string): Promise<string>;
  isActive(token: string, on?: number, asker?: string): Promise<boolean>;
  /** As the database's superuser, past every fence. */
  sql<Row = Json>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** The key its tokens are signed with: for tests that must sign what the server never would. */
  signingKey(): Promise<{ readonly kid: string; readonly key: KeyObject; readonly publicJwk: Json }>;
  /** Starts server number `on` again with its own settings, after it was killed. */
  revive(on?: number): Promise<void>;
  close(): Promise<void>;
};

export type DeploymentOptions = {
  readonly servers?: number;
  /** On the embedded database, where there is one server and no cache. */
  readonly embedded?: true;
  readonly env?: Environment;
  readonly databaseUrl?: string;
  readonly cacheUrl?: string;
  /** A path the issuer has, such as `/auth`. */
  readonly issuerPath?: string;
};

export const startDeployment = async (options: DeploymentOptions = {}): Promise<Deployment> => {
  const embedded = options.embedded === true;
  const own = embedded || options.databaseUrl !== undefined ? undefined : await freshDatabase("bootstrapped");
  const databaseUrl = own?.url ?? options.databaseUrl ?? "";
  const cacheUrl = embedded ? "" : (options.cacheUrl ?? (await freshCacheUrl()));
  const secretKey = randomBytes(32).toString("base64");
  const port = await freePort();
  const issuer = `http://localhost:${port}${options.issuerPath ?? ""}`;
  const env: Environment = {
    ...(embedded ? {} : { COUNTERSIGN_DATABASE_URL: databaseUrl, COUNTERSIGN_CACHE_URL: cacheUrl }),
    COUNTERSIGN_SECRET_KEY: secretKey,
    COUNTERSIGN_ISSUER: issuer,
    ...options.env,
  };
  const first = await startServer({
    env: { ...env, COUNTERSIGN_PORT: String(port) },
    bootstrap: own === undefined ? undefined : templates()?.bootstrap,
  });
  const { bootstrap } = first;
  const others = await Promise.all(
    Array.from({ length: (options.servers ?? 1) - 1 }, () => startServer({ env, bootstrap })),
  );
  const servers = [first, ...others];
  const started = [...servers];

  const base = (on = 0): string =>
    `http://127.0.0.1:${servers[on]?.env["COUNTERSIGN_PORT"]}${options.issuerPath ?? ""}`;
  const sendTo: Deployment["send"] = (path, sent, on) => send(base(on) + path, sent);
  const post: Deployment["post"] = (path, token, body, on, headers = {}) =>
    sendTo(
      path,
      body === undefined
        ? { method: "POST", headers: { ...bearer(token), ...headers } }
        : {
            method: "POST",
            headers: { ...bearer(token), ...headers, "content-type": "application/json" },
            body: JSON.stringify(body),
          },
      on,
    );
  const form: Deployment["form"] = (path, fields, headers = {}, on = 0) => {
    const sent = formOf(fields);
    return sendTo(path, { ...sent, headers: { ...sent.headers, ...headers } }, on);
  };
  const token: Deployment["token"] = async (client, fields = {}, on = 0) => {
    const answer = await form(
      "/oauth/token",
      { grant_type: "client_credentials", ...fields },
      basic(client.client_id, client.client_secret),
      on,
    );
    assert.equal(answer.status, 200, answer.text);
    return answer.json<{ access_token: string }>().access_token;
  };
  const host = await token(first.bootstrap);

  const created = async (path: string, body: object, headers = {}, on = 0): Promise<Json> => {
    const answer = await post(path, host, body, on, headers);
    assert.ok(answer.status === 200 || answer.status === 201, `${path} answered ${answer.status}: ${answer.text}`);
    return answer.json();
  };
  const tenant: Deployment["tenant"] = async (displayName = "Acme") => {
    const { id, resource } = (await created("/v1/organizations", { display_name: displayName })) as Record<
      string,
      string
    >;
    const self: Tenant = {
      id: id ?? "",
      ref: resource ?? "",
      does: (path, body = {}, on = 0) => created(path, body, { "countersign-tenant": self.ref }, on),
      account: async ({ role, ...registration } = {}) => {
        const made = (await self.does("/v1/service-accounts", {
          parent: self.ref,
          display_name: "A service",
          ...registration,
        })) as Client & Record<string, string>;
        const ref = made["resource"] ?? "";
        if (role !== undefined) await self.does("/v1/role-assignments", { parent: self.ref, principal: ref, role });
        return {
          client_id: made.client_id,
          client_secret: made.client_secret,
          id: made["id"] ?? "",
          ref,
          tenant: self,
        };
      },
      user: async (role) => {
        const made = await self.does("/v1/users", {
          parent: self.ref,
          email: `${randomUUID()}@acme.example`,
          display_name: "Ada",
          ...(role === undefined ? {} : { role }),
        });
        return { id: String(made["id"]), ref: String(made["resource"]) };
      },
      perimeter: async (collection, parent = self.ref) => {
        const made = await self.does(`/v1/${collection}`, { parent, display_name: "A place" });
        return { id: String(made["id"]), ref: String(made["resource"]) };
      },
    };
    return self;
  };

  const introspect: Deployment["introspect"] = async (text, on = 0, asker = host) => {
    const answer = await form("/oauth/introspect", { token: text }, bearer(asker), on);
    assert.equal(answer.status, 200, answer.text);
    return answer.text;
  };
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2, idleTimeoutMillis: 1_000, allowExitOnIdle: true });
  pool.on("error", () => undefined);
  const sql: Deployment["sql"] = async <Row>(text: string, values: readonly unknown[] = []) =>
    (await pool.query(text, [...values])).rows as Row[];

  return {
    servers,
    issuer,
    databaseUrl,
    cacheUrl,
    secretKey,
    env,
    base,
    send: sendTo,
    post,
    get: (path, as, on) => sendTo(path, { headers: bearer(as) }, on),
    form,
    host,
    tenant,
    token,
    apiToken: async (as, scopes, on = 0) => {
      const expire_time = new Date(Date.now() + 3_600_000).toISOString();
      const answer = await post("/v1/api-tokens", as, { display_name: "A token", scopes, expire_time }, on);
      assert.equal(answer.status, 201, answer.text);
      const made = answer.json<{ resource: string; token: string }>();
      return { ref: made.resource, token: made.token };
    },
    introspect,
    isActive: async (text, on, asker) => (JSON.parse(await introspect(text, on, asker)) as { active: boolean }).active,
    sql,
    signingKey: async () => {
      const key = readSecretKey(secretKey);
      const [row] = await sql<{ kid: string; private_sealed: Buffer; public_jwk: Json }>(
        "select kid, private_sealed, public_jwk from signing_keys order by sign_from limit 1",
      );
      assert.ok(key && row);
      const der = unseal(key, `signing_keys/${row.kid}`, row.private_sealed);
      return {
        kid: row.kid,
        key: createPrivateKey({ key: der, format: "der", type: "pkcs8" }),
        publicJwk: row.public_jwk,
      };
    },
    revive: async (on = 0) => {
      const again = await startServer({ env: servers[on]?.env ?? env, bootstrap });
      servers[on] = again;
      started.push(again);
    },
    close: async () => {
      await pool.end();
      const codes = await Promise.all(servers.map((server) => server.stop()));
      // Those that were killed on purpose still have their folders.
      await Promise.all(started.map((server) => server.stop()));
      await own?.drop();
      // A server that has died of its own accord is no detail.
      for (const [on, code] of codes.entries())
        assert.equal(code, 0, `server ${on} ended with ${code}: ${servers[on]?.output().slice(-4_000)}`);
    },
  };
};
