// Dynamic client registration (RFC 7591) and its management (RFC 7592), over real HTTP.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as oauth from "oauth4webapi";
import { type Json, startDeployment } from "./deployment.ts";
import { bearer } from "./http.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const { issuer } = deployment;
const tenant = await deployment.tenant();
const closed = await deployment.tenant("Closed");

const turn = async (id: string, dynamic_registration: "on" | "off"): Promise<void> => {
  await deployment.sql(
    `insert into sign_in_policies (tenant_id, document, revision, create_time, update_time) values ($1, $2, 1, now(), now())
     on conflict (tenant_id) do update set document = excluded.document`,
    [id, JSON.stringify({ dynamic_registration })],
  );
};
await turn(tenant.id, "on");

const wanted = { client_name: "Inspector", redirect_uris: ["http://localhost:6274/oauth/callback"] };
const register = (body: unknown, of = tenant.ref, headers: Readonly<Record<string, string>> = {}, on = 0) =>
  deployment.send(
    `/oauth/register?tenant=${of}`,
    {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    },
    on,
  );
const registered = async (more: object = {}): Promise<Json & Record<string, string>> => {
  const answer = await register({ ...wanted, ...more });
  assert.equal(answer.status, 201, answer.text);
  return answer.json();
};
const manage = (method: string, clientId: unknown, token: unknown, body?: object, on = 0) =>
  deployment.send(
    `/oauth/register?client_id=${String(clientId)}`,
    {
      method,
      headers: { ...bearer(String(token)), ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    },
    on,
  );
const error = (answer: { json<T>(): T }): string => answer.json<{ error: string }>().error;

test("RFC 7591 §3.2.1: a registration is answered with 201 and everything a client needs", async () => {
  const answer = await register({
    ...wanted,
    scope: "openid accounts:read",
    grant_types: ["authorization_code", "refresh_token"],
  });
  assert.equal(answer.status, 201, answer.text);
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.equal(answer.headers["access-control-allow-origin"], "*");
  const made = answer.json<Record<string, unknown>>();
  assert.match(String(made["client_id"]), /^app_live_/);
  assert.equal(made["registration_client_uri"], `${issuer}/oauth/register?client_id=${String(made["client_id"])}`);
  assert.equal(made["token_endpoint_auth_method"], "none");
  assert.equal(made["client_secret"], undefined);
  assert.equal(made["client_name"], "Inspector");
  assert.equal(made["scope"], "openid accounts:read");
  assert.ok(!Object.values(made).includes(null), "what is not registered is left out");
  const [row] = await deployment.sql("select source, first_party, tenant_id from applications where client_id = $1", [
    made["client_id"],
  ]);
  assert.deepEqual(row, { source: "registered", first_party: false, tenant_id: tenant.id });
});

test("oauth4webapi registers a confidential client, whose secret is shown once", async () => {
  const server: oauth.AuthorizationServer = {
    issuer,
    registration_endpoint: `${issuer}/oauth/register?tenant=${tenant.ref}`,
  };
  const answer = await oauth.dynamicClientRegistrationRequest(
    server,
    { redirect_uris: ["https://app.example/callback"], token_endpoint_auth_method: "client_secret_basic" },
    { [oauth.allowInsecureRequests]: true },
  );
  const made = await oauth.processDynamicClientRegistrationResponse(answer);
  assert.match(made.client_secret as string, /^cs_app_/);
  assert.equal(made["client_secret_expires_at"], 0);
  const again = await manage("GET", made.client_id, made["registration_access_token"]);
  assert.equal(again.status, 200);
  assert.equal(again.json<Record<string, unknown>>()["client_secret"], undefined);
});

test("RFC 7591 §3: registration is open only where the policy says so; a tenant that never was answers alike", async () => {
  const off = await register(wanted, closed.ref);
  const never = await register(wanted, `organizations/${crypto.randomUUID()}`);
  const wrong = await register(wanted, "nothing");
  const host = await deployment.send("/oauth/register", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(wanted),
  });
  for (const answer of [off, never, wrong, host]) {
    assert.equal(answer.status, 403, answer.text);
    assert.equal(answer.text, off.text);
  }
  await turn(closed.id, "on");
  const made = await register(wanted, closed.ref);
  assert.equal(made.status, 201);
  await turn(closed.id, "off");
  assert.equal((await register(wanted, closed.ref, {}, 1)).status, 403);
  const { client_id, registration_access_token } = made.json<Record<string, string>>();
  assert.equal((await manage("GET", client_id, registration_access_token)).status, 200, "who is registered stays");
});

test("RFC 7591 §3.2.2: errors are invalid_redirect_uri and invalid_client_metadata", async () => {
  for (const uri of [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "data:text/html,x",
    "https://app.example/#x",
    "http://app.example/",
    "myapp://x",
  ]) {
    const answer = await register({ redirect_uris: [uri] });
    assert.equal(answer.status, 400, uri);
    assert.equal(error(answer), "invalid_redirect_uri", uri);
  }
  assert.equal(error(await register({})), "invalid_redirect_uri");
  const wrong: readonly unknown[] = [
    "not json",
    "[]",
    "null",
    { ...wanted, token_endpoint_auth_method: "client_secret_jwt" },
    { ...wanted, grant_types: ["client_credentials"] },
    { ...wanted, grant_types: ["implicit"], response_types: ["token"] },
    { ...wanted, jwks: { keys: [{ kty: "oct", k: "c2VjcmV0", kid: "x" }] } },
    { ...wanted, client_name: "x".repeat(201) },
    { ...wanted, client_name: "two\nlines" },
    { ...wanted, client_name: "turned \u202eround" },
    { ...wanted, client_name: 7 },
    { ...wanted, jwks_uri: "http://app.example/jwks", token_endpoint_auth_method: "private_key_jwt" },
  ];
  for (const body of wrong) {
    const answer = await register(body);
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.equal(error(answer), "invalid_client_metadata", JSON.stringify(body));
  }
  assert.equal((await register(JSON.stringify(wanted), tenant.ref, { "content-type": "text/plain" })).status, 400);
});

test("RFC 7591 §2: what is not understood or not served is left out, and nobody makes themselves first party", async () => {
  const made = await registered({
    nothing: true,
    first_party: true,
    software_statement: "x.y.z",
    "client_name#de": "Prüfer",
    scope: "openid address phone accounts:read",
    grant_types: ["authorization_code", "refresh_token", "password", "implicit"],
    access_token_ttl_seconds: 86_400,
    refresh_token_ttl_seconds: 86_400 * 366,
    require_pkce: false,
  });
  assert.equal(made["scope"], "openid accounts:read");
  assert.deepEqual(made["grant_types"], ["authorization_code", "refresh_token"]);
  const [row] = await deployment.sql<{ first_party: boolean; metadata: Record<string, unknown> }>(
    "select first_party, metadata from applications where client_id = $1",
    [made["client_id"]],
  );
  assert.equal(row?.first_party, false);
  assert.equal(row?.metadata["access_token_ttl_seconds"], 900);
  assert.equal(row?.metadata["refresh_token_ttl_seconds"], 2_592_000);
  assert.equal(row?.metadata["require_pkce"], true);
});

test("RFC 7592 §2: a bad registration token is 401, and another client's is no better", async () => {
  const [mine, theirs] = [await registered(), await registered()];
  const token = mine["registration_access_token"];
  for (const [clientId, presented] of [
    [theirs["client_id"], token],
    [mine["client_id"], theirs["registration_access_token"]],
    [mine["client_id"], "garbage"],
    [mine["client_id"], `${String(token)}x`],
    ["", token],
    [mine["client_id"], deployment.host],
  ])
    for (const method of ["GET", "PUT", "DELETE"]) {
      const answer = await manage(
        method,
        clientId,
        presented,
        method === "PUT" ? { ...wanted, client_id: clientId } : undefined,
      );
      assert.equal(answer.status, 401, `${method} ${answer.text}`);
      assert.equal(error(answer), "invalid_token");
      assert.match(String(answer.headers["www-authenticate"]), /^Bearer .*error="invalid_token"/);
    }
  assert.equal((await deployment.send(`/oauth/register?client_id=${String(mine["client_id"])}`)).status, 401);
  for (const one of [mine, theirs])
    assert.equal((await manage("GET", one["client_id"], one["registration_access_token"])).status, 200);
});

test("RFC 7592 §2.2: what is sent replaces the registration as a whole", async () => {
  const made = await registered({ policy_uri: "https://app.example/privacy" });
  const { client_id, registration_access_token: token } = made;
  const put = (body: object) => manage("PUT", client_id, token, body, 1);
  const renamed = await put({ client_id, redirect_uris: ["https://app.example/callback"], client_name: "Renamed" });
  assert.equal(renamed.status, 200, renamed.text);
  const now = renamed.json<Record<string, unknown>>();
  assert.equal(now["client_name"], "Renamed");
  assert.equal(now["policy_uri"], undefined, "what is left out is gone");
  assert.equal(now["registration_access_token"], token);
  const confidential = await put({ client_id, ...wanted, token_endpoint_auth_method: "client_secret_post" });
  assert.match(String(confidential.json<Record<string, unknown>>()["client_secret"]), /^cs_app_/);
  const same = await put({ client_id, ...wanted, token_endpoint_auth_method: "client_secret_post" });
  assert.equal(same.json<Record<string, unknown>>()["client_secret"], undefined, "it has one");
  for (const wrong of [
    wanted,
    { ...wanted, client_id: "another" },
    { ...wanted, client_id, registration_access_token: token },
    { ...wanted, client_id, client_secret_expires_at: 0 },
  ])
    assert.equal(error(await put(wrong)), "invalid_client_metadata");
  assert.equal(error(await put({ client_id, redirect_uris: ["data:x"] })), "invalid_redirect_uri");
  assert.deepEqual(
    (await manage("GET", client_id, token)).json<Record<string, unknown>>()["redirect_uris"],
    wanted.redirect_uris,
  );
});

test("RFC 7592 §2.3: after delete the token and the client are dead, at every process", async () => {
  const { client_id, registration_access_token: token } = await registered();
  const gone = await manage("DELETE", client_id, token);
  assert.equal(gone.status, 204);
  assert.equal(gone.text, "");
  for (const on of [0, 1])
    for (const method of ["GET", "DELETE"])
      assert.equal((await manage(method, client_id, token, undefined, on)).status, 401);
  const [row] = await deployment.sql("select state, registration_token_hash from applications where client_id = $1", [
    client_id,
  ]);
  assert.deepEqual(row, { state: "deleted", registration_token_hash: null });
});

test("what registers itself is listed, disabled and recorded like any application, attributed to nobody", async () => {
  const { client_id, registration_access_token: token } = await registered();
  const list = await deployment.send(
    `/v1/applications?filter=${encodeURIComponent(`client_id = ${String(client_id)}`)}`,
    {
      headers: { ...bearer(deployment.host), "countersign-tenant": tenant.ref },
    },
  );
  const [item] = list.json<{ items: readonly { id: string; source: string }[] }>().items;
  assert.equal(item?.source, "registered");
  const [entry] = await deployment.sql(
    "select authenticated_principal, client_id, detail->>'address' as address from audit_entries where action = 'applications.registered' and client_id = $1",
    [client_id],
  );
  assert.deepEqual(entry, { authenticated_principal: null, client_id, address: "127.0.0.1" });
  await tenant.does(`/v1/applications/${item?.id}:disable`);
  assert.equal((await manage("GET", client_id, token, undefined, 1)).status, 401);
});

test("security.md 14: registrations from one address are limited, across processes, and refused ones are not counted", async () => {
  const statuses: number[] = [];
  while (!statuses.includes(429) && statuses.length < 30) {
    const answer = await register(wanted, tenant.ref, {}, statuses.length % 2);
    statuses.push(answer.status);
    if (answer.status === 429) assert.ok(Number(answer.headers["retry-after"]) > 0);
  }
  assert.ok(statuses.includes(201) && statuses.at(-1) === 429, statuses.join());
});
