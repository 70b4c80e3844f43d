// identity.v1.Identity for humans: registered with a password, signed in by one, refreshed, asked about and revoked.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { callJson } from "../../cli/grpc-json.ts";
import { startDeployment } from "../oauth/deployment.ts";
import { grantsKit } from "../oauth/grants-kit.ts";
import { partsOf } from "../oauth/jwt.ts";

const deployment = await startDeployment();
after(deployment.close);
const kit = grantsKit(deployment);
const acme = await deployment.tenant();
const admin = await deployment.token(await acme.account({ role: "owner" }));
const grants = ["authorization_code", "refresh_token", "password"];
const app = await kit.application({ grant_types: grants }, acme);

type Fields = Readonly<Record<string, unknown>>;

const call = (method: string, json: Fields, token?: string) =>
  callJson({
    address: `127.0.0.1:${deployment.servers[0]?.grpcPort}`,
    method: `identity.v1.Identity/${method}`,
    json,
    metadata: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
const ok = async (method: string, json: Fields, token?: string): Promise<Fields> => {
  const answer = await call(method, json, token);
  assert.ok("ok" in answer, JSON.stringify(answer));
  return answer.ok as Fields;
};
const refused = async (code: string, method: string, json: Fields, token?: string): Promise<void> => {
  const answer = await call(method, json, token);
  assert.ok(!("ok" in answer), JSON.stringify(answer));
  assert.equal(answer.code, code, answer.message);
};

const password = "a giraffe in the attic";
const register = (more: Fields = {}) => {
  const email = `${randomUUID()}@acme.example`;
  const json = { parent: acme.ref, email, displayName: "Ada", role: "member", password, ...more };
  return { email, json };
};
const person = async (): Promise<{ readonly email: string; readonly ref: string }> => {
  const { email, json } = register();
  const { user } = (await ok("RegisterUser", json, admin)) as { user: { resource: string } };
  return { email, ref: user.resource };
};
const client = { clientId: app.client_id, clientSecret: app.client_secret };
const signIn = (email: string, more: Fields = {}) => ({
  grantType: "password",
  ...client,
  username: email,
  password,
  scope: "openid accounts:read",
  ...more,
});

test("RegisterUser with a password: the human signs in with it; one the rules refuse registers nobody", async () => {
  const ada = await person();
  const tokens = await ok("IssueToken", signIn(ada.email));
  assert.equal(tokens["tokenType"], "Bearer");
  assert.equal(tokens["scope"], "openid accounts:read");
  const { claims } = partsOf(String(tokens["accessToken"]));
  assert.deepEqual([claims.sub, claims.tenant_id, claims.amr], [ada.ref, acme.id, ["pwd"]]);
  assert.equal(partsOf(String(tokens["idToken"])).claims.sub, ada.ref);

  const weak = register({ password: "password1" });
  await refused("invalid_argument", "RegisterUser", weak.json, admin);
  await ok("RegisterUser", { ...weak.json, password }, admin);
});

test("RegisterUser: the same idempotency key gives the first answer again, and changes no password", async () => {
  const { email, json } = register({ idempotencyKey: randomUUID() });
  const first = await ok("RegisterUser", json, admin);
  assert.deepEqual(await ok("RegisterUser", { ...json, password: "another long password" }, admin), first);
  await ok("IssueToken", signIn(email));
  await refused("invalid_grant", "IssueToken", signIn(email, { password: "another long password" }));
});

test("IssueToken, password: unknown, wrong and suspended get one answer; the client must be registered, and first-party", async () => {
  const ada = await person();
  await refused("invalid_grant", "IssueToken", signIn(ada.email, { password: "wrong" }));
  await refused("invalid_grant", "IssueToken", signIn("nobody@acme.example"));
  await refused("invalid_argument", "IssueToken", signIn(ada.email, { password: "" }));
  await refused("invalid_client", "IssueToken", signIn(ada.email, { clientSecret: "cs_app_x" }));
  await refused("invalid_scope", "IssueToken", signIn(ada.email, { scope: "users:read" }));
  const plain = await kit.application({}, acme);
  const of = (other: typeof app) => ({ clientId: other.client_id, clientSecret: other.client_secret });
  await refused("unauthorized_client", "IssueToken", signIn(ada.email, of(plain)));
  await acme.does(`/v1/${ada.ref}:suspend`);
  await refused("invalid_grant", "IssueToken", signIn(ada.email));
});

test("OAuth 2.1 §10.1: the token endpoint knows no password grant, whoever is registered for it", async () => {
  const ada = await person();
  const answer = await kit.token(app, { grant_type: "password", username: ada.email, password });
  assert.equal(answer.status, 400);
  assert.equal(answer.json<{ error: string }>().error, "unsupported_grant_type");
});

test("IssueToken, password: the application of a tenant is for that tenant alone; the host's asks which, where there are several", async () => {
  const ada = await person();
  const globex = await deployment.tenant();
  await refused("invalid_argument", "IssueToken", signIn(ada.email, { tenant: globex.ref }));
  const hosts = await kit.application({ grant_types: grants });
  const by = { clientId: hosts.client_id, clientSecret: hosts.client_secret };
  assert.equal(
    partsOf(String((await ok("IssueToken", signIn(ada.email, by)))["accessToken"])).claims.tenant_id,
    acme.id,
  );
  await refused("invalid_grant", "IssueToken", signIn(ada.email, { ...by, tenant: globex.ref }));
  await kit.member(globex, { id: ada.ref.slice("users/".length), home: acme.id });
  await refused("invalid_argument", "IssueToken", signIn(ada.email, by));
  const chosen = await ok("IssueToken", signIn(ada.email, { ...by, tenant: globex.ref }));
  assert.equal(partsOf(String(chosen["accessToken"])).claims.tenant_id, globex.id);
});

test("IssueToken, password: where a second factor is asked for, a password alone is refused", async () => {
  const strict = await deployment.tenant();
  await deployment.sql(
    `insert into sign_in_policies (tenant_id, document, revision, create_time, update_time)
     values ($1, '{"mfa": "required"}', 1, now(), now())`,
    [strict.id],
  );
  const own = await kit.application({ grant_types: grants }, strict);
  const owner = await deployment.token(await strict.account({ role: "owner" }));
  const { email, json } = register({ parent: strict.ref });
  await ok("RegisterUser", json, owner);
  await refused(
    "invalid_grant",
    "IssueToken",
    signIn(email, { clientId: own.client_id, clientSecret: own.client_secret }),
  );
});

test("IssueToken, refresh_token: rotates as the token endpoint does, and a reuse ends the family", async () => {
  const ada = await person();
  const first = await ok("IssueToken", signIn(ada.email));
  const refresh = (token: unknown) => ({ grantType: "refresh_token", ...client, refreshToken: token });
  const second = await ok("IssueToken", refresh(first["refreshToken"]));
  assert.notEqual(second["refreshToken"], first["refreshToken"]);
  assert.equal((await kit.refresh(app, String(second["refreshToken"]))).status, 200, "one family, either transport");
  await refused("invalid_grant", "IssueToken", refresh(first["refreshToken"]));
  assert.equal(await deployment.isActive(String(second["accessToken"])), false);
});

test("IntrospectToken says how the human signed in; RevokeToken ends a family by its refresh token", async () => {
  const ada = await person();
  const tokens = await ok("IssueToken", signIn(ada.email));
  const seen = await ok("IntrospectToken", { token: tokens["accessToken"] }, admin);
  assert.deepEqual([seen["principalKind"], seen["acr"]], ["human", "urn:countersign:acr:single-factor"]);
  assert.ok(Number(seen["authTime"]) > 0);
  await ok("RevokeToken", { token: tokens["refreshToken"] }, admin);
  assert.notEqual((await ok("IntrospectToken", { token: tokens["accessToken"] }, admin))["active"], true);
  await refused("invalid_grant", "IssueToken", {
    grantType: "refresh_token",
    ...client,
    refreshToken: tokens["refreshToken"],
  });
});

test("security.md 4: wrong passwords count here as everywhere, and then the right one waits too", async () => {
  const ada = await person();
  const codes: string[] = [];
  for (let attempt = 0; attempt < 12; attempt += 1) {
    const answer = await call("IssueToken", signIn(ada.email, { password: "wrong" }));
    codes.push("ok" in answer ? "ok" : (answer.code ?? ""));
  }
  assert.equal(codes.at(0), "invalid_grant");
  assert.equal(codes.at(-1), "rate_limited");
  await refused("rate_limited", "IssueToken", signIn(ada.email));
});
