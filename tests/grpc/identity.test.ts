// identity.v1.Identity against a whole server: each method does what its REST or OAuth twin does, and refuses what it must.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { callJson } from "../../cli/grpc-json.ts";
import { newId } from "../../server/platform/random.ts";
import { startServer } from "../support/server-process.ts";

const server = await startServer();
after(() => server.stop());
const { client_id, client_secret } = server.bootstrap;

type Fields = Readonly<Record<string, unknown>>;

const call = (method: string, json: Fields, token?: string) =>
  callJson({
    address: `127.0.0.1:${server.grpcPort}`,
    method: `identity.v1.Identity/${method}`,
    json,
    metadata: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });

const ok = async (method: string, json: Fields, token?: string): Promise<Fields> => {
  const answer = await call(method, json, token);
  assert.ok("ok" in answer, JSON.stringify(answer));
  return answer.ok as Fields;
};

const refused = async (status: string, method: string, json: Fields, token?: string) => {
  const answer = await call(method, json, token);
  assert.ok(!("ok" in answer), JSON.stringify(answer));
  assert.equal(answer.status, status, answer.message);
  return answer;
};

const credentials = { grantType: "client_credentials", clientId: client_id, clientSecret: client_secret };
const tokenFor = async (json: Fields): Promise<string> => String((await ok("IssueToken", json))["accessToken"]);
const operator = await tokenFor(credentials);

const rest = async (path: string, body: Fields, tenant?: string): Promise<Readonly<Record<string, string>>> => {
  const answer = await fetch(`${server.issuer}${path}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${operator}`,
      "content-type": "application/json",
      ...(tenant === undefined ? {} : { "countersign-tenant": tenant }),
    },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, text);
  return JSON.parse(text) as Readonly<Record<string, string>>;
};

const { resource: tenant = "" } = await rest("/v1/organizations", { display_name: "Acme" });
const account = await rest("/v1/service-accounts", { parent: tenant, display_name: "Robot" });
await rest("/v1/role-assignments", { parent: tenant, principal: account["resource"], role: "admin" }, tenant);
const own = { grantType: "client_credentials", clientId: account["client_id"], clientSecret: account["client_secret"] };

test("IssueToken: client credentials, with the scope that was asked for and no wider", async () => {
  const answer = await ok("IssueToken", { ...own, scope: "accounts:read" });
  assert.equal(answer["tokenType"], "Bearer");
  assert.equal(answer["scope"], "accounts:read");
  const seen = await ok("IntrospectToken", { token: answer["accessToken"] }, operator);
  assert.deepEqual(seen["scopes"], ["accounts:read"]);
  assert.equal(seen["subject"], account["resource"]);
  assert.equal(`organizations/${String(seen["tenantId"])}`, tenant);
});

test("IssueToken: a wrong secret, a scope that is too wide and an unknown grant are told apart", async () => {
  const wrong = await refused("UNAUTHENTICATED", "IssueToken", { ...own, clientSecret: "cs_secret_wrong" });
  assert.equal(wrong.code, "invalid_client");
  assert.equal(
    (await refused("INVALID_ARGUMENT", "IssueToken", { ...own, scope: "nothing:read" })).code,
    "invalid_scope",
  );
  const grant = await refused("INVALID_ARGUMENT", "IssueToken", { ...own, grantType: "password" });
  assert.equal(grant.code, "unsupported_grant_type");
});

test("RegisterUser: creates the user with its membership and role, once for an idempotency key", async () => {
  const asked = {
    parent: tenant,
    email: "ada@acme.example",
    displayName: "Ada",
    role: "member",
    idempotencyKey: newId<string>(),
  };
  const token = await tokenFor(own);
  const answer = await ok("RegisterUser", asked, token);
  const user = answer["user"] as Fields;
  assert.equal(user["email"], "ada@acme.example");
  assert.equal(user["state"], "active");
  assert.match(String(answer["membership"]), /^memberships\/[0-9a-f-]{36}$/);
  assert.deepEqual(((await ok("RegisterUser", asked, token))["user"] as Fields)["id"], user["id"]);
  await refused("ALREADY_EXISTS", "RegisterUser", { ...asked, idempotencyKey: "" }, token);
  const may = await ok("CheckPermission", { principal: user["resource"], permission: "accounts:read" }, token);
  assert.equal(may["allowed"], true);
});

test("RegisterUser: refused without the permission, in another tenant, and with an address that is none", async () => {
  const asked = { parent: tenant, email: "eve@acme.example", displayName: "Eve" };
  await refused("PERMISSION_DENIED", "RegisterUser", asked, await tokenFor({ ...own, scope: "accounts:read" }));
  const { resource: other = "" } = await rest("/v1/organizations", { display_name: "Other" });
  await refused("NOT_FOUND", "RegisterUser", { ...asked, parent: other }, await tokenFor(own));
  await refused("INVALID_ARGUMENT", "RegisterUser", { ...asked, email: "nobody" }, await tokenFor(own));
});

test("RevokeToken: the token is dead when the call returns, unknown ones are done for, and a stranger's is refused", async () => {
  const token = await tokenFor(own);
  const stranger = await rest("/v1/service-accounts", { parent: tenant, display_name: "Stranger" });
  const strange = await tokenFor({
    grantType: "client_credentials",
    clientId: stranger["client_id"],
    clientSecret: stranger["client_secret"],
  });
  const answer = await refused("PERMISSION_DENIED", "RevokeToken", { token }, strange);
  assert.equal(answer.code, "unauthorized_client");
  assert.equal((await ok("IntrospectToken", { token }, operator))["active"], true);
  await ok("RevokeToken", { token }, token);
  assert.equal((await ok("IntrospectToken", { token }, operator))["active"], false);
  await refused(
    "UNAUTHENTICATED",
    "CheckPermission",
    { principal: account["resource"], permission: "accounts:read" },
    token,
  );
  await ok("RevokeToken", { token: "cs_at_unknown" }, strange);
});

test("BatchCheckPermissions: every question has its answer or its error, and the short-circuit modes stop where they say", async () => {
  const token = await tokenFor(own);
  const principal = account["resource"];
  const yes = { principal, permission: "accounts:read" };
  const no = { principal, permission: "organizations:suspend" };
  const wrong = { principal: "nobody", permission: "accounts:read" };
  const batch = async (mode: string, checks: readonly Fields[]): Promise<readonly Fields[]> =>
    (await ok("BatchCheckPermissions", { checks, mode }, token))["results"] as readonly Fields[];

  const all = await batch("BATCH_MODE_EVALUATE_ALL", [yes, wrong, no]);
  const results = all.map(({ response, error }) => (response ?? error) as Fields);
  assert.deepEqual(
    results.map(({ allowed, code }) => allowed ?? code),
    [true, "invalid_argument", false],
  );
  assert.equal((await batch("BATCH_MODE_DENY_ON_FIRST_DENY", [yes, no, yes])).length, 2);
  assert.equal((await batch("BATCH_MODE_PERMIT_ON_FIRST_PERMIT", [no, yes, no])).length, 2);
  await refused("INVALID_ARGUMENT", "BatchCheckPermissions", { checks: Array.from({ length: 101 }, () => yes) }, token);
  await refused("INVALID_ARGUMENT", "BatchCheckPermissions", { checks: [] }, token);
});

test("no method but IssueToken is answered without a token", async () => {
  for (const method of ["IntrospectToken", "CheckPermission", "BatchCheckPermissions", "RegisterUser", "RevokeToken"])
    await refused("UNAUTHENTICATED", method, {});
});
