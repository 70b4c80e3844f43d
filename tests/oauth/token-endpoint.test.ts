// The token endpoint, line by line: RFC 6749 for every way to ask wrongly, RFC 8707 for what a token is meant for, RFC 9068 for what it says.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { startDeployment } from "./deployment.ts";
import { type Answer, basic, bearer, formOf } from "./http.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const tenant = await deployment.tenant();
const account = await tenant.account({ scopes: ["accounts:*", "clients:read"] });
const header = basic(account.client_id, account.client_secret);
const grant = { grant_type: "client_credentials" } as const;

type Fields = Readonly<Record<string, string | readonly string[]>>;
const ask = (fields: Fields, headers: Readonly<Record<string, string>> = header) =>
  deployment.form("/oauth/token", fields, headers);

/** RFC 6749 §5.2: the status, the code, JSON, never cached, and a challenge if and only if the 401 answers an `Authorization` header. */
const refused = (answer: Answer, status: number, error: string, challenge?: RegExp): void => {
  assert.equal(answer.status, status, answer.text);
  const body = answer.json<{ error: string; error_description?: string }>();
  assert.equal(body.error, error, answer.text);
  assert.match(body.error_description ?? "", /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/, "RFC 6749 §5.2 says which characters");
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.match(answer.headers["content-type"] ?? "", /^application\/json/);
  if (challenge === undefined) assert.equal(answer.headers["www-authenticate"], undefined);
  else assert.match(answer.headers["www-authenticate"] ?? "", challenge);
};

test("RFC 6749 §5.1: a token answer has exactly its fields, and is never stored", async () => {
  const answer = await ask({ ...grant, scope: "accounts:read" });
  assert.equal(answer.status, 200, answer.text);
  const { access_token, ...rest } = answer.json<Record<string, unknown>>();
  assert.equal(typeof access_token, "string");
  assert.deepEqual(rest, { token_type: "Bearer", expires_in: 900, scope: "accounts:read" });
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.match(answer.headers["content-type"] ?? "", /^application\/json/);
});

test("RFC 6749 §3.2: a parameter that comes twice is invalid_request, whichever it is", async () => {
  for (const fields of [
    { grant_type: ["client_credentials", "client_credentials"] },
    { ...grant, scope: ["accounts:read", "clients:read"] },
    { ...grant, nobody_knows_it: ["a", "b"] },
  ])
    refused(await ask(fields), 400, "invalid_request");
  const { client_id, client_secret } = account;
  refused(
    await ask({ ...grant, client_id, client_secret: [client_secret, client_secret] }, {}),
    400,
    "invalid_request",
  );
  refused(await ask({ ...grant, client_id: [client_id, client_id], client_secret }, {}), 400, "invalid_request");
});

test("RFC 6749 §3.2: a parameter without a value is taken as omitted, and one nobody knows is ignored", async () => {
  assert.equal((await ask({ ...grant, scope: "", resource: "" })).status, 200);
  assert.equal((await ask({ ...grant, nobody_knows_it: "x" })).status, 200);
  refused(await ask({ grant_type: "" }), 400, "invalid_request");
});

test("RFC 6749 §5.2: no grant type is invalid_request, one that is unknown unsupported_grant_type, one for others unauthorized_client", async () => {
  refused(await ask({}), 400, "invalid_request");
  for (const grant_type of [
    "password",
    "implicit",
    "Client_Credentials",
    "urn:ietf:params:oauth:grant-type:saml2-bearer",
  ])
    refused(await ask({ grant_type, username: "ada", password: "x", code: "x" }), 400, "unsupported_grant_type");
  for (const grant_type of ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"])
    refused(await ask({ grant_type, code: "x", refresh_token: "x" }), 400, "unauthorized_client");
});

test("RFC 6749 §3.3: a scope that is unknown, malformed or more than the client may have is invalid_scope", async () => {
  for (const scope of [
    "nothing:here",
    "accounts:read nothing:here",
    "users:read",
    "*",
    "accounts:read users:*",
    "Accounts:read",
    " ",
    '"',
    "a\\b",
  ])
    refused(await ask({ ...grant, scope }), 400, "invalid_scope");
});

test("RFC 6749 §3.3: a client that names no scope gets what it is registered for, and one that names part gets the part", async () => {
  assert.equal((await ask(grant)).json<{ scope: string }>().scope, "accounts:* clients:read");
  assert.equal((await ask({ ...grant, scope: "accounts:update" })).json<{ scope: string }>().scope, "accounts:update");
});

test("RFC 6749 §2.3.1: failed client authentication is 401, with a Basic challenge iff the header was used", async () => {
  const stranger = "sa_live_00000000000000000000";
  for (const [id, secret] of [
    [stranger, account.client_secret],
    [account.client_id, `${account.client_secret.slice(0, -1)}x`],
    [account.client_id, ""],
    ["", ""],
    [account.client_id, "cs_secret_"],
  ] as const) {
    refused(await ask(grant, basic(id, secret)), 401, "invalid_client", /^Basic realm=/);
    refused(await ask({ ...grant, client_id: id, client_secret: secret }, {}), 401, "invalid_client");
  }
  refused(await ask(grant, {}), 401, "invalid_client");
  refused(await ask({ ...grant, client_id: account.client_id }, {}), 401, "invalid_client");
  for (const authorization of [
    "Basic",
    "Basic !!!",
    "Basic OjEyMw==",
    `Basic ${Buffer.from("%zz:%zz").toString("base64")}`,
    "Digest x",
    "Bearer x",
  ])
    refused(await ask(grant, { authorization }), 401, "invalid_client", /^Basic realm=/);
});

test("RFC 6749 §2.3: a client authenticates in one way; two at once are invalid_request, and a client_id of another is refused", async () => {
  const { client_id, client_secret } = account;
  refused(await ask({ ...grant, client_secret }), 400, "invalid_request");
  refused(await ask({ ...grant, client_id, client_secret }), 400, "invalid_request");
  refused(await ask({ ...grant, client_assertion: "x.y.z", client_id, client_secret }, {}), 400, "invalid_request");
  refused(await ask({ ...grant, client_id: (await tenant.account()).client_id }), 401, "invalid_client", /^Basic/);
  assert.equal((await ask({ ...grant, client_id })).status, 200);
});

test("RFC 6749 §2.3: an access token and an API token prove no client, though their tenant and owner are the client's", async () => {
  const owner = await tenant.account({ role: "owner" });
  const token = await deployment.token(owner);
  const { token: apiToken } = await deployment.apiToken(token, ["accounts:read"]);
  for (const secret of [token, apiToken])
    refused(await ask(grant, basic(owner.client_id, secret)), 401, "invalid_client", /^Basic/);
  refused(await ask(grant, bearer(token)), 401, "invalid_client", /^Basic/);
});

test("RFC 6749 §3.2: parameters come as a form in the body of a POST; a query is refused, and so is anything else", async () => {
  const body = formOf({ ...grant, client_id: account.client_id, client_secret: account.client_secret });
  const asked = (type: string, text = body.body ?? "") =>
    deployment.send("/oauth/token", { method: "POST", headers: { "content-type": type }, body: text });
  assert.equal((await asked("application/x-www-form-urlencoded; charset=UTF-8")).status, 200);
  refused(
    await asked("application/json", JSON.stringify({ ...grant, ...account, tenant: null })),
    400,
    "invalid_request",
  );
  assert.ok([400, 415].includes((await asked("text/plain")).status));
  refused(await deployment.send(`/oauth/token?${body.body}`, { method: "POST" }), 400, "invalid_request");
  for (const method of ["GET", "PUT", "DELETE", "PATCH"]) {
    const answer = await deployment.send(`/oauth/token?${body.body}`, { method });
    assert.equal(answer.status, 405, method);
    assert.equal(answer.headers["allow"], "POST");
  }
});

test("RFC 6749 §4.4.3: a machine's grant has no refresh token", async () => {
  assert.ok(!("refresh_token" in (await ask(grant)).json()));
});

test("RFC 8707 §2: a resource that is relative, has a fragment or is no URI is invalid_target", async () => {
  for (const resource of [
    "/relative",
    "api.example",
    "https://api.example/#fragment",
    "https://api.example/#",
    "https://",
    "not a uri:x",
  ])
    refused(await ask({ ...grant, resource }), 400, "invalid_target");
  refused(await ask({ ...grant, resource: ["https://one.example/", "https://two.example/#x"] }), 400, "invalid_target");
  refused(
    await ask({ ...grant, resource: Array.from({ length: 11 }, (_, n) => `https://${n}.example/`) }),
    400,
    "invalid_target",
  );
});

test("RFC 8707 §2: the token names the resources asked for, one as a string and several as a list", async () => {
  const audienceOf = async (resource: string | readonly string[]) =>
    decodeJwt(await deployment.token(account, { resource })).aud;
  assert.equal(await audienceOf("https://api.example/v1"), "https://api.example/v1");
  assert.deepEqual(await audienceOf(["https://one.example/", "urn:two"]), ["https://one.example/", "urn:two"]);
  assert.equal(decodeJwt(await deployment.token(account)).aud, deployment.issuer);
});

test("RFC 9068 §2: a JWT access token has typ at+jwt, every required claim, and verifies with the published key set", async () => {
  const before = Math.floor(Date.now() / 1000);
  const token = await deployment.token(account, { scope: "accounts:read" });
  assert.deepEqual(Object.keys(decodeProtectedHeader(token)).toSorted(), ["alg", "kid", "typ"]);
  const keys = createRemoteJWKSet(new URL(`${deployment.base(1)}/oauth/jwks`));
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer: deployment.issuer,
    audience: deployment.issuer,
    typ: "at+jwt",
  });
  assert.equal(protectedHeader.alg, "ES256");
  assert.equal(payload.sub, account.ref);
  assert.equal(payload["client_id"], account.client_id);
  assert.equal(payload["scope"], "accounts:read");
  assert.equal(payload["tenant_id"], tenant.id);
  assert.match(payload.jti ?? "", /^[0-9a-f-]{36}$/);
  assert.ok((payload.iat ?? 0) >= before);
  assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 900);
});

test("RFC 9068 §4: a token meant for another resource server opens nothing here, and is still introspected for it", async () => {
  const owner = await tenant.account({ role: "owner" });
  const elsewhere = await deployment.token(owner, { resource: "https://api.example/" });
  for (const on of [0, 1]) {
    assert.equal((await deployment.get("/v1/service-accounts", elsewhere, on)).status, 401);
    assert.equal((await deployment.form("/oauth/introspect", { token: elsewhere }, bearer(elsewhere), on)).status, 401);
    assert.equal(JSON.parse(await deployment.introspect(elsewhere, on)).aud, "https://api.example/");
  }
  const both = await deployment.token(owner, { resource: ["https://api.example/", deployment.issuer] });
  assert.equal((await deployment.get("/v1/service-accounts", both)).status, 200);
});

test("OAuth 2.1 §3.2.1: a rotated secret proves nothing any more, at either process, and a disabled client gets no token", async () => {
  const rolled = await tenant.account();
  await deployment.token(rolled, {}, 1);
  await tenant.does(`/v1/service-accounts/${rolled.id}:rotate`);
  const old = basic(rolled.client_id, rolled.client_secret);
  for (const on of [0, 1])
    refused(await deployment.form("/oauth/token", grant, old, on), 401, "invalid_client", /^Basic/);
  await tenant.does(`/v1/service-accounts/${account.id}:disable`);
  for (const on of [0, 1])
    refused(await deployment.form("/oauth/token", grant, header, on), 401, "invalid_client", /^Basic/);
});
