/**
 * What can end in a deployment, and how one asks whether it has: each subject is alive, can be ended at one process, asked about
 * at another, and made alive again. All the freshness trials are made of these.
 */
import { randomInt } from "node:crypto";
import assert from "node:assert/strict";
import { credentials, Metadata } from "@grpc/grpc-js";
import {
  BatchCheckPermissionsRequest,
  CheckPermissionRequest,
  IdentityClient,
  type IntrospectTokenRequest,
} from "../../server/transport/grpc/generated/identity/v1/identity.ts";
import type { Deployment, Tenant } from "../oauth/deployment.ts";
import { basic, bearer } from "../oauth/http.ts";

/** Whether process number `on` says yes: the token is active, the permission is there, the secret is accepted. */
export type Question = (on: number) => Promise<boolean>;

export type Subject = {
  /** All answered yes while it is alive, and no once it has ended. Each is a cache entry of its own. */
  readonly questions: readonly Question[];
  /** Resolves when process number `on` has acknowledged the end. */
  end(on: number): Promise<unknown>;
  renew(on: number): Promise<unknown>;
};

export type Gateway = {
  introspect(token: string, on: number): Promise<boolean>;
  may(tenant: Tenant, principal: string, permission: string, resource: string, on: number): Promise<boolean>;
  close(): void;
};

/** Asks over gRPC as a gateway does, with the host's token. */
export const openGateway = (deployment: Deployment): Gateway => {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${deployment.host}`);
  const clients = deployment.servers.map(
    (server) => new IdentityClient(`127.0.0.1:${server.grpcPort}`, credentials.createInsecure()),
  );
  const client = (on: number): IdentityClient => {
    const found = clients[on];
    assert.ok(found);
    return found;
  };
  /** What is asked of one process in one turn goes out together: the questions cost less than the calls. */
  const queues: Asked[][] = [];
  const flush = (on: number): void => {
    const waiting = queues[on]?.splice(0) ?? [];
    for (let first = 0; first < waiting.length; first += batch_max)
      send(client(on), metadata, waiting.slice(first, first + batch_max));
  };
  return {
    introspect: (token, on) =>
      new Promise((resolve, reject) => {
        const request: IntrospectTokenRequest = { token, tokenTypeHint: "" };
        client(on).introspectToken(request, metadata, (error, answer) =>
          error === null ? resolve(answer.active) : reject(error),
        );
      }),
    may: (tenant, principal, permission, resource, on) => {
      const subject = { $case: "principal", principal } as const;
      const check = CheckPermissionRequest.create({ subject, tenant: tenant.ref, permission, resource });
      return new Promise((resolve, reject) => {
        const waiting = (queues[on] ??= []);
        if (waiting.push({ check, resolve, reject }) === 1) setImmediate(() => flush(on));
      });
    },
    close: () => clients.forEach((one) => one.close()),
  };
};

/** Questions in one batch. */
const batch_max = 100;

type Asked = {
  readonly check: CheckPermissionRequest;
  readonly resolve: (allowed: boolean) => void;
  readonly reject: (error: Error) => void;
};

const send = (client: IdentityClient, metadata: Metadata, asked: readonly Asked[]): void => {
  const request = BatchCheckPermissionsRequest.create({ checks: asked.map(({ check }) => check) });
  client.batchCheckPermissions(request, metadata, (error, answer) => {
    for (const [nth, { resolve, reject }] of asked.entries()) {
      const result = answer?.results[nth]?.result;
      if (result?.$case === "response") resolve(result.response.allowed);
      else reject(error ?? new Error(`no answer to question ${nth}: ${JSON.stringify(result)}`));
    }
  });
};

/** Sets one up in a tenant of its own. */
export type Make = (deployment: Deployment, gateway: Gateway, tenant: Tenant) => Promise<Subject>;

const permission = "accounts:read";

/** A client with an account in it: three places at which a role at the root is felt, each cached for itself. */
const placesIn = async (tenant: Tenant): Promise<readonly string[]> => {
  const client = await tenant.perimeter("clients");
  return [tenant.ref, client.ref, (await tenant.perimeter("accounts", client.ref)).ref];
};

const ofToken =
  (access_token_format: "jwt" | "opaque"): Make =>
  async (deployment, gateway, tenant) => {
    const account = await tenant.account({ role: "viewer", access_token_format });
    const current = { token: await deployment.token(account) };
    return {
      questions: [(on) => gateway.introspect(current.token, on)],
      end: async (on) => {
        const client = basic(account.client_id, account.client_secret);
        const answer = await deployment.form("/oauth/revoke", { token: current.token }, client, on);
        assert.equal(answer.status, 200, answer.text);
      },
      renew: async (on) => {
        current.token = await deployment.token(account, {}, on);
      },
    };
  };

const ofApiToken: Make = async (deployment, _gateway, tenant) => {
  const account = await tenant.account({ role: "owner" });
  const by = await deployment.token(account);
  const current = { ...(await deployment.apiToken(by, [permission])) };
  return {
    questions: [(on) => deployment.isActive(current.token, on)],
    end: (on) => tenant.does(`/v1/${current.ref}:revoke`, {}, on),
    renew: async (on) => Object.assign(current, await deployment.apiToken(by, [permission], on)),
  };
};

const ofAccount: Make = async (deployment, gateway, tenant) => {
  const account = await tenant.account({ role: "owner" });
  const token = await deployment.token(account);
  const api = await deployment.apiToken(token, [permission]);
  const [, place = ""] = await placesIn(tenant);
  return {
    questions: [
      (on) => deployment.isActive(token, on),
      (on) => gateway.introspect(api.token, on),
      (on) => gateway.may(tenant, account.ref, permission, place, on),
    ],
    end: (on) => tenant.does(`/v1/service-accounts/${account.id}:disable`, {}, on),
    renew: (on) => tenant.does(`/v1/service-accounts/${account.id}:enable`, {}, on),
  };
};

const ofUser: Make = async (_deployment, gateway, tenant) => {
  const user = await tenant.user("owner");
  const expire_time = new Date(Date.now() + 3_600_000).toISOString();
  const made = await tenant.does("/v1/api-tokens", {
    owner: user.ref,
    display_name: "Ada's",
    scopes: [permission],
    expire_time,
  });
  const [, client = "", place = ""] = await placesIn(tenant);
  return {
    questions: [
      (on) => gateway.introspect(String(made["token"]), on),
      (on) => gateway.may(tenant, user.ref, permission, client, on),
      (on) => gateway.may(tenant, user.ref, permission, place, on),
    ],
    end: (on) => tenant.does(`/v1/users/${user.id}:suspend`, {}, on),
    renew: (on) => tenant.does(`/v1/users/${user.id}:resume`, {}, on),
  };
};

const ofTenant: Make = async (deployment, gateway, tenant) => {
  const jwt = await tenant.account({ role: "owner" });
  const opaque = await tenant.account({ role: "viewer", access_token_format: "opaque" });
  const [token, handle] = [await deployment.token(jwt), await deployment.token(opaque)];
  const api = await deployment.apiToken(token, [permission]);
  const [, , place = ""] = await placesIn(tenant);
  return {
    questions: [
      (on) => deployment.isActive(token, on),
      (on) => gateway.introspect(handle, on),
      (on) => gateway.introspect(api.token, on),
      (on) => gateway.may(tenant, opaque.ref, permission, place, on),
    ],
    end: (on) => tenant.does(`/v1/organizations/${tenant.id}:suspend`, {}, on),
    renew: (on) => tenant.does(`/v1/organizations/${tenant.id}:resume`, {}, on),
  };
};

const ofAssignment: Make = async (_deployment, gateway, tenant) => {
  const account = await tenant.account();
  const places = await placesIn(tenant);
  const assign = (on?: number) =>
    tenant.does("/v1/role-assignments", { parent: tenant.ref, principal: account.ref, role: "viewer" }, on);
  const current = { assignment: String((await assign())["id"]) };
  return {
    questions: places.map((place) => (on) => gateway.may(tenant, account.ref, permission, place, on)),
    end: (on) => tenant.does(`/v1/role-assignments/${current.assignment}:revoke`, {}, on),
    renew: async (on) => {
      current.assignment = String((await assign(on))["id"]);
    },
  };
};

const ofRole: Make = async (deployment, gateway, tenant) => {
  const holders = [await tenant.account(), await tenant.account(), await tenant.account()];
  const [, , place = ""] = await placesIn(tenant);
  const role = await tenant.does("/v1/roles", { display_name: "Reader", permissions: [permission] });
  for (const { ref } of holders)
    await tenant.does("/v1/role-assignments", { parent: tenant.ref, principal: ref, role: String(role["resource"]) });
  const current = { etag: String(role["etag"]) };
  const change = async (permissions: readonly string[], on: number): Promise<void> => {
    const about = {
      "countersign-tenant": tenant.ref,
      "if-match": `"${current.etag}"`,
      "content-type": "application/json",
    };
    const sent = {
      method: "PATCH",
      headers: { ...bearer(deployment.host), ...about },
      body: JSON.stringify({ permissions }),
    };
    const answer = await deployment.send(`/v1/roles/${String(role["id"])}`, sent, on);
    assert.equal(answer.status, 200, answer.text);
    current.etag = answer.json<{ etag: string }>().etag;
  };
  return {
    questions: holders.map(
      ({ ref }) =>
        (on) =>
          gateway.may(tenant, ref, permission, place, on),
    ),
    end: (on) => change(["clients:read"], on),
    renew: (on) => change([permission], on),
  };
};

const elsewhere = (): string => `198.18.${randomInt(256)}.${randomInt(1, 255)}`;

const ofSecret: Make = async (deployment, _gateway, tenant) => {
  const account = await tenant.account();
  const current = { old: account.client_secret, next: account.client_secret };
  return {
    questions: [
      async (on) => {
        // Whoever is known and may not ask is told so; whoever is not known is told that.
        const { status, text } = await deployment.form(
          "/oauth/introspect",
          { token: "x" },
          // From somewhere else each time: what is asked is whether the secret lives, and not how often a dead one may be tried.
          { ...basic(account.client_id, current.old), "x-forwarded-for": elsewhere() },
          on,
        );
        assert.ok(status === 403 || status === 401, text);
        return status === 403;
      },
    ],
    end: async (on) => {
      current.next = String((await tenant.does(`/v1/service-accounts/${account.id}:rotate`, {}, on))["client_secret"]);
    },
    renew: async () => {
      current.old = current.next;
    },
  };
};

/** Everything whose end must be seen everywhere at once (invariant 7). */
export const subjects: Readonly<Record<string, Make>> = {
  "a revoked JWT": ofToken("jwt"),
  "a revoked opaque token": ofToken("opaque"),
  "a revoked API token": ofApiToken,
  "a disabled service account": ofAccount,
  "a suspended user": ofUser,
  "a suspended tenant": ofTenant,
  "a revoked role assignment": ofAssignment,
  "a narrowed role": ofRole,
  "a rotated secret": ofSecret,
};
