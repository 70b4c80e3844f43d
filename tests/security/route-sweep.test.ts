// Every HTTP route there is, walked from the route table itself: no token, a bad one, a dead one, a stranger's, a narrow one, a weak one.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { routeTable } from "../../server/route-table.ts";
import { loadModel } from "../../server/startup/access-model.ts";
import type { Route } from "../../server/transport/http/routes.ts";
import { type Account, startDeployment } from "../oauth/deployment.ts";
import { type Answer, basic, bearer } from "../oauth/http.ts";
import { partsOf, signedJwt } from "../oauth/jwt.ts";
import {
  clientRoutes,
  gatewayRoutes,
  hostOperations,
  ownTenantOperations,
  publicRoutes,
  registrationRoutes,
  sessionRoutes,
  userinfoRoutes,
} from "./exemptions.ts";
import { neverWere, populate, type Populated, type Request, requestFor } from "./populated.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);

const { model } = loadModel("");
// The table is data; nothing of what its handlers need is touched by reading it.
const routes = routeTable(
  { issuer: deployment.issuer, model } as never,
  { model } as never,
  { issuer: deployment.issuer } as never,
);
const nameOf = (route: Route): string => `${route.method} ${route.path}`;
const operations = routes.flatMap((route) => (route.kind === "operation" ? [route.operation] : []));
const evaluation = routes.filter((route) => route.kind === "json").map(nameOf);

const acme = await populate(deployment, "Acme");
const other = await populate(deployment, "Other");
const closed = await deployment.tenant("Closed");

// ── credentials ──

const signer = await deployment.signingKey();
/** The account's own token, as it will be once it has expired. */
const expiredJwt = (token: string): string => {
  const { header, claims } = partsOf(token);
  const exp = Math.floor(Date.now() / 1000) - 1;
  return signedJwt(header, { ...claims, iat: exp - 900, exp }, signer.key);
};
/** Every kind of token an account can have. */
const tokensOf = async (account: Account, opaque: Account): Promise<readonly string[]> => {
  const jwt = await deployment.token(account);
  return [jwt, await deployment.token(opaque), (await deployment.apiToken(jwt, ["*"])).token];
};
const kinds = async (tenant: Populated["tenant"]) => ({
  jwt: await tenant.account({ role: "owner" }),
  opaque: await tenant.account({ role: "owner", access_token_format: "opaque" }),
});

const ownersToken = await deployment.token(acme.owner);
const strangersToken = await deployment.token(other.owner);
const expiredApiToken = await deployment.apiToken(ownersToken, ["*"]);
await deployment.sql(
  "update api_tokens set create_time = now() - interval '2 days', expire_time = now() - interval '1 day' where id = $1",
  [expiredApiToken.ref.split("/")[1]],
);
const expiredOpaqueAccount = await acme.tenant.account({ role: "owner", access_token_format: "opaque" });
const expiredOpaque = await deployment.token(expiredOpaqueAccount);
await deployment.sql("update access_tokens set expire_time = now() - interval '1 second' where owner_id = $1", [
  expiredOpaqueAccount.id,
]);
const expired = [expiredJwt(ownersToken), expiredOpaque, expiredApiToken.token];

const suspended = await kinds(acme.tenant);
const human = await acme.tenant.user("owner");
const humansToken = String(
  (
    await acme.tenant.does("/v1/api-tokens", {
      owner: human.ref,
      display_name: "Ada's",
      scopes: ["*"],
      expire_time: new Date(Date.now() + 3_600_000).toISOString(),
    })
  )["token"],
);
const ofSuspendedPrincipal = [...(await tokensOf(suspended.jwt, suspended.opaque)), humansToken];
const closing = await kinds(closed);
const ofSuspendedTenant = await tokensOf(closing.jwt, closing.opaque);
// All of them live, and both processes have them in their cache, before they end.
for (const token of [...ofSuspendedPrincipal, ...ofSuspendedTenant])
  for (const on of [0, 1]) assert.equal(await deployment.isActive(token, on), true);
for (const account of [suspended.jwt, suspended.opaque])
  await acme.tenant.does(`/v1/service-accounts/${account.id}:disable`);
await acme.tenant.does(`/v1/users/${human.id}:suspend`);
await closed.does(`/v1/organizations/${closed.id}:suspend`);

const narrowScope = "documents:read";
const narrow = await deployment.token(acme.owner, { scope: narrowScope });
const narrowAtHost = await deployment.token(deployment.servers[0]?.bootstrap ?? acme.owner, { scope: narrowScope });
const weak = await deployment.token(await acme.tenant.account());

// ── asking ──

const state = { turn: 0 };
/** Each request goes to the next process. */
const ask = ({ method, path, body }: Request, headers: Readonly<Record<string, string>>): Promise<Answer> => {
  state.turn = 1 - state.turn;
  const json =
    body === undefined
      ? {}
      : { headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(body) };
  return deployment.send(path, { method, headers, ...json }, state.turn);
};

/** An evaluation is asked about somebody else, so that it needs its permission. */
const evaluationOf = (ids: Populated["ids"]): Request => ({
  method: "POST",
  path: "/access/v1/evaluation",
  body: {
    subject: { type: "service-accounts", id: ids["service-accounts"] },
    action: { name: "accounts:read" },
    resource: { type: "accounts", id: ids["accounts"] },
  },
});
const requests = (ids: Populated["ids"]): readonly { readonly name: string; readonly request: Request }[] => [
  ...operations.map((operation) => ({ name: operation.name, request: requestFor(operation, ids) })),
  // An evaluation's body is a search's and an explanation's too: what is searched for may be named, and is not looked at.
  ...evaluation.map((name) => ({ name, request: { ...evaluationOf(ids), path: name.slice(name.indexOf("/")) } })),
];

const refused = (name: string, answer: Answer, status: number, code: string): void => {
  assert.equal(answer.status, status, `${name} answered ${answer.status}: ${answer.text}`);
  assert.equal(answer.json<{ code: string }>().code, code, `${name}: ${answer.text}`);
  assert.equal(answer.headers["cache-control"], "no-store", name);
};

/** How many rows there are of everything but audit entries, which a refusal adds one to. */
const countRows = async (): Promise<unknown> => {
  const tables = [
    "nodes",
    "users",
    "memberships",
    "service_accounts",
    "client_secrets",
    "api_tokens",
    "roles",
    "role_assignments",
    "events",
    "idempotency_keys",
  ];
  return Promise.all(tables.map(async (table) => [table, (await deployment.sql(`select count(*) from ${table}`))[0]]));
};

// ── the sweep ──

test("invariant 10: the routes that need no token are exactly those on the committed list", () => {
  const ofPolicy = (kind: string) =>
    routes
      .filter(({ policy }) => kind in policy)
      .map(nameOf)
      .toSorted();
  assert.deepEqual(ofPolicy("public"), publicRoutes);
  assert.deepEqual(
    ofPolicy("client"),
    [...clientRoutes, ...gatewayRoutes, ...registrationRoutes, ...userinfoRoutes].toSorted(),
  );
  assert.deepEqual(ofPolicy("session"), sessionRoutes);
  assert.deepEqual(evaluation, [
    "POST /access/v1/evaluation",
    "POST /access/v1/evaluations",
    "POST /access/v1/explain",
    "POST /access/v1/search/subject",
    "POST /access/v1/search/resource",
    "POST /access/v1/search/action",
  ]);
  assert.equal(
    routes.length,
    publicRoutes.length +
      clientRoutes.length +
      gatewayRoutes.length +
      registrationRoutes.length +
      userinfoRoutes.length +
      sessionRoutes.length +
      evaluation.length +
      operations.length,
  );
});

/** By its place, or by the text of a share link. */
const naming = ["parent", "link"];

test("invariant 2: the operations that name nothing of a tenant are exactly those on the committed list", () => {
  const namesNothing = operations.filter(
    ({ path, input }) =>
      !path.includes("{") && !((input["required"] ?? []) as string[]).some((field) => naming.includes(field)),
  );
  assert.deepEqual(namesNothing.map(({ name }) => name).toSorted(), ownTenantOperations);
});

test("every read of the sweep is answered to who may: what follows is refused for its token, and not for its request", async () => {
  for (const { name, request } of requests(acme.ids)) {
    if (request.method !== "GET") continue;
    const answer = await ask(request, bearer(ownersToken));
    assert.equal(answer.status, 200, `${name}: ${answer.text}`);
  }
});

test("RFC 6750 §3: every route without a token is 401, and its challenge says no error", async () => {
  for (const { name, request } of requests(acme.ids)) {
    const answer = await ask(request, {});
    refused(name, answer, 401, "unauthenticated");
    assert.match(
      answer.headers["www-authenticate"] ?? "",
      /^Bearer realm="countersign", resource_metadata="[^"]+", DPoP algs="[^"]+"$/,
      name,
    );
  }
});

const dead: Readonly<Record<string, readonly string[]>> = {
  "garbage is": ["garbage", "a.b.c", "cs_api_garbage", acme.owner.client_secret],
  "an expired token is": expired,
  "a token of a suspended principal is": ofSuspendedPrincipal,
  "a token of a suspended tenant is": ofSuspendedTenant,
};
for (const [what, tokens] of Object.entries(dead)) {
  test(`RFC 6750 §3.1: on every route ${what} 401 invalid_token`, async () => {
    for (const token of tokens)
      for (const { name, request } of requests(acme.ids)) {
        const answer = await ask(request, bearer(token));
        refused(name, answer, 401, "invalid_token");
        assert.match(
          answer.headers["www-authenticate"] ?? "",
          /^Bearer realm="countersign", error="invalid_token", resource_metadata="[^"]+"$/,
          name,
        );
      }
  });
}

test("RFC 6750 §3.1: on every route a token without the scope is 403 insufficient_scope, a tenant's and the host's, and changes nothing", async () => {
  const before = await countRows();
  for (const { name, request } of requests(acme.ids)) {
    const atHost = hostOperations.includes(name);
    refused(name, await ask(request, bearer(narrow)), 403, atHost ? "permission_denied" : "insufficient_scope");
    const tenant = evaluation.includes(name) ? {} : { "countersign-tenant": acme.tenant.ref };
    refused(name, await ask(request, { ...bearer(narrowAtHost), ...tenant }), 403, "insufficient_scope");
  }
  assert.deepEqual(await countRows(), before);
});

test("invariant 1: on every route a principal without a role is 403, and changes nothing", async () => {
  const before = await countRows();
  for (const { name, request } of requests(acme.ids))
    refused(
      name,
      await ask(request, bearer(weak)),
      403,
      evaluation.includes(name) ? "insufficient_scope" : "permission_denied",
    );
  assert.deepEqual(await countRows(), before);
});

/** An answer without what every answer has of its own, and without the ids that were asked about. */
const told = (answer: Answer, ids: Populated["ids"]): unknown => {
  const plain = Object.values(ids).reduce((text, id) => text.replaceAll(id, "{id}"), answer.text);
  return [answer.status, plain.replaceAll(/"request_id":"[^"]*"/g, "")];
};

test("invariant 2: on every route another tenant's token is 404, the same for what exists and what never did, and changes nothing", async () => {
  const before = await countRows();
  const never = neverWere(acme.ids);
  for (const operation of operations) {
    if (ownTenantOperations.includes(operation.name)) continue;
    const seen = await ask(requestFor(operation, acme.ids), bearer(strangersToken));
    refused(operation.name, seen, 404, "not_found");
    const unseen = await ask(requestFor(operation, never), bearer(strangersToken));
    assert.deepEqual(told(seen, acme.ids), told(unseen, never), operation.name);
  }
  assert.deepEqual(await countRows(), before);
});

test("invariant 2: what names nothing of a tenant shows nothing of another, and never by the header", async () => {
  const ids = [...Object.values(acme.ids), acme.owner.id];
  for (const operation of operations.filter(({ name }) => ownTenantOperations.includes(name))) {
    const request = requestFor(operation, acme.ids);
    if (operation.method === "GET") {
      const answer = await ask(request, bearer(strangersToken));
      assert.equal(answer.status, 200, answer.text);
      for (const id of ids) assert.ok(!answer.text.includes(id), `${operation.name} shows ${id}`);
    }
    const named = (ref: string) => ask(request, { ...bearer(strangersToken), "countersign-tenant": ref });
    const seen = await named(acme.tenant.ref);
    const unseen = await named(`organizations/${randomUUID()}`);
    assert.deepEqual(told(seen, {}), told(unseen, {}), operation.name);
    assert.ok(
      seen.status === 404 || (hostOperations.includes(operation.name) && seen.status === 403),
      `${operation.name}: ${seen.text}`,
    );
  }
});

test("invariant 2: another tenant's id inside a body gets the same answer as one that never was", async () => {
  const never = neverWere(acme.ids);
  const own = {
    parent: other.tenant.ref,
    principal: `service-accounts/${other.ids["service-accounts"]}`,
    role: "viewer",
  };
  const later = new Date(Date.now() + 60_000).toISOString();
  const cases: readonly ((ids: Populated["ids"]) => Request)[] = [
    (ids) => ({
      method: "POST",
      path: "/v1/role-assignments",
      body: { ...own, principal: `service-accounts/${ids["service-accounts"]}` },
    }),
    (ids) => ({ method: "POST", path: "/v1/role-assignments", body: { ...own, principal: `users/${ids["users"]}` } }),
    (ids) => ({ method: "POST", path: "/v1/role-assignments", body: { ...own, role: `roles/${ids["roles"]}` } }),
    (ids) => ({ method: "POST", path: "/v1/memberships", body: { parent: own.parent, user: `users/${ids["users"]}` } }),
    (ids) => ({
      method: "POST",
      path: "/v1/users",
      body: { parent: own.parent, email: "a@b.example", display_name: "A", role: `roles/${ids["roles"]}` },
    }),
    (ids) => ({
      method: "POST",
      path: "/v1/api-tokens",
      body: { owner: `users/${ids["users"]}`, display_name: "T", scopes: ["accounts:read"], expire_time: later },
    }),
    (ids) => ({ method: "GET", path: `/v1/users?parent=clients/${ids["clients"]}`, body: undefined }),
    (ids) => ({ method: "GET", path: `/v1/accounts?parent=organizations/${ids["organizations"]}`, body: undefined }),
    evaluationOf,
  ];
  for (const request of cases) {
    const seen = await ask(request(acme.ids), bearer(strangersToken));
    const unseen = await ask(request(never), bearer(strangersToken));
    assert.deepEqual(told(seen, acme.ids), told(unseen, never));
    const decision = seen.status === 200 ? seen.json<{ decision: boolean }>().decision : undefined;
    assert.ok(decision === false || [404, 422].includes(seen.status), `${seen.status}: ${seen.text}`);
  }
});

test("RFC 6749 §2.3.1: OAuth endpoints refuse who does not prove a client, and the secrets of what is suspended", async () => {
  const form = (path: string, headers: Readonly<Record<string, string>>) =>
    deployment.form(path, { grant_type: "client_credentials", token: ownersToken }, headers);
  const secret = ({ client_id, client_secret }: Account) => basic(client_id, client_secret);
  for (const path of clientRoutes.map((name) => name.split(" ")[1] ?? "")) {
    for (const headers of [{}, basic("garbage", "garbage"), secret(suspended.jwt), secret(closing.jwt)]) {
      const answer = await form(path, headers);
      assert.equal(answer.status, 401, path);
      assert.equal(answer.json<{ error: string }>().error, "invalid_client");
    }
    for (const token of Object.values(dead).flat()) {
      const answer = await form(path, bearer(token));
      assert.equal(answer.status, 401, path);
      assert.equal(
        answer.json<{ error: string }>().error,
        // A bearer token authenticates at these two, and nowhere else.
        path === "/oauth/introspect" || path === "/oauth/revoke" ? "invalid_token" : "invalid_client",
      );
    }
  }
  assert.equal(await deployment.introspect(ownersToken, 0, strangersToken), '{"active":false}');
  assert.equal((await form("/oauth/introspect", bearer(weak))).status, 403);
  assert.equal((await form("/oauth/introspect", bearer(narrow))).status, 200, "its own owner's token needs no scope");
  assert.equal((await form("/oauth/revoke", bearer(weak))).status, 400);
  assert.equal((await form("/oauth/revoke", bearer(strangersToken))).status, 200);
  assert.equal(await deployment.isActive(ownersToken), true);
});

test("RFC 7592 §2: a registration is opened by its own token, and by no other", async () => {
  const tokens = [ownersToken, deployment.host, strangersToken, ...Object.values(dead).flat()];
  for (const method of registrationRoutes.map((name) => name.split(" ")[0] ?? ""))
    for (const headers of [{}, ...tokens.map(bearer)]) {
      const path = `/oauth/register?client_id=${acme.owner.client_id}`;
      const answer = await deployment.send(path, { method, headers });
      assert.equal(answer.status, 401, method);
      assert.equal(answer.json<{ error: string }>().error, "invalid_token");
    }
});

test("OIDC Core §5.3: userinfo is opened by no dead token, by no machine's, and by none that it does not need", async () => {
  for (const method of userinfoRoutes.map((name) => name.split(" ")[0] ?? "")) {
    const information = (headers: Readonly<Record<string, string>>) =>
      deployment.send("/oauth/userinfo", { method, headers });
    assert.equal((await information({})).status, 401);
    for (const token of Object.values(dead).flat()) assert.equal((await information(bearer(token))).status, 401);
    for (const token of [ownersToken, deployment.host]) assert.equal((await information(bearer(token))).status, 403);
  }
});

test("public documents are answered to anybody, whatever token comes along", async () => {
  for (const path of routes.flatMap((route) => (route.kind === "document" ? [route.path] : [])))
    for (const headers of [{}, bearer("garbage"), bearer(ofSuspendedTenant[0] ?? "")])
      assert.equal((await ask({ method: "GET", path, body: undefined }, headers)).status, 200, path);
});
