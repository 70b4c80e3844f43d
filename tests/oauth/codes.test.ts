// authorization_code at the token endpoint: what a code is bound to, that it is good once, and what a replay takes with it.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { pkce } from "./authorize-kit.ts";
import { startDeployment } from "./deployment.ts";
import { proofKey } from "./dpop-kit.ts";
import { grantsKit, publicClient, refused, type Tokens } from "./grants-kit.ts";
import { partsOf } from "./jwt.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const kit = grantsKit(deployment);
const acme = await deployment.tenant();
const ada = await kit.human(acme, { role: "owner" });
const app = await kit.application();
const spa = await kit.application(publicClient);

test("RFC 6749 §4.1.4, §5.1: a code gives an access token, a refresh token and, for openid, an ID token", async () => {
  const answer = await kit.redeem(app, await kit.code(app, ada, { scope: "openid accounts:read" }));
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers["cache-control"], "no-store");
  const tokens = answer.json<Tokens>();
  assert.deepEqual(Object.keys(tokens).toSorted(), [
    "access_token",
    "expires_in",
    "id_token",
    "refresh_token",
    "scope",
    "token_type",
  ]);
  assert.equal(tokens.token_type, "Bearer");
  assert.equal(tokens.scope, "openid accounts:read");
  assert.ok(await deployment.isActive(tokens.access_token));
});

test("RFC 6749 §5.1: a client that is not registered to refresh gets no refresh token, and no openid no ID token", async () => {
  const plain = await kit.application({ grant_types: ["authorization_code"] });
  const tokens = await kit.tokens(plain, ada, { scope: "accounts:read" });
  assert.equal(tokens.refresh_token, undefined);
  assert.equal(tokens.id_token, undefined);
});

test("RFC 9068 §2.2, §2.2.1: a human's access token says who, for which tenant, and how and when they signed in", async () => {
  const { access_token } = await kit.tokens(app, ada, { scope: "openid accounts:read" });
  const { header, claims } = partsOf(access_token);
  assert.deepEqual({ alg: header.alg, typ: header.typ }, { alg: "ES256", typ: "at+jwt" });
  assert.equal(claims.sub, ada.ref);
  assert.equal(claims.tenant_id, acme.id);
  assert.equal(claims.client_id, app.client_id);
  assert.equal(claims.aud, deployment.issuer);
  assert.deepEqual(claims.amr, ["pwd"]);
  assert.equal(claims.acr, "urn:countersign:acr:single-factor");
  assert.equal(typeof claims.auth_time, "number");
  assert.equal((await deployment.get("/v1/accounts", access_token)).status, 200);
});

test("RFC 6749 §4.1.2: a code used twice is refused and its tokens are revoked, on every process", async () => {
  const code = await kit.code(app, ada);
  const first = (await kit.redeem(app, code)).json<Tokens>();
  assert.ok(await deployment.isActive(first.access_token, 1));
  refused(await kit.redeem(app, code, {}, {}, 1), "invalid_grant");
  for (const on of [0, 1]) assert.equal(await deployment.isActive(first.access_token, on), false);
  refused(await kit.refresh(app, first.refresh_token), "invalid_grant");
});

test("RFC 9700 §2.1.1: a replay with a wrong verifier, client or redirect URI revokes nothing", async () => {
  const code = await kit.code(app, ada);
  const other = await kit.application();
  const tokens = (await kit.redeem(app, code)).json<Tokens>();
  refused(await kit.redeem(app, { ...code, verifier: pkce().verifier }), "invalid_grant");
  refused(await kit.redeem(app, code, { code_verifier: undefined }), "invalid_grant");
  refused(await kit.redeem(app, code, { redirect_uri: "https://app.example/other" }), "invalid_grant");
  refused(await kit.redeem(other, code), "invalid_grant");
  assert.ok(await deployment.isActive(tokens.access_token));
  refused(await kit.redeem(app, code), "invalid_grant");
  assert.equal(await deployment.isActive(tokens.access_token), false);
});

test("RFC 6749 §4.1.3: a wrong attempt spends no code: the right one is still good", async () => {
  const code = await kit.code(spa, ada);
  refused(await kit.redeem(spa, { ...code, verifier: pkce().verifier }), "invalid_grant");
  refused(await kit.redeem(app, code), "invalid_grant");
  assert.equal((await kit.redeem(spa, code)).status, 200);
});

test("invariant 3: of 50 parallel uses of one code across two processes one is answered, and its tokens end", async () => {
  const code = await kit.code(app, ada);
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => kit.redeem(app, code, {}, {}, n % 2)));
  const won = answers.filter(({ status }) => status === 200);
  assert.equal(won.length, 1);
  for (const answer of answers) if (answer.status !== 200) refused(answer, "invalid_grant");
  assert.equal(await deployment.isActive(won[0]?.json<Tokens>().access_token ?? ""), false);
});

test("RFC 7636 §4.6: a bad or missing verifier is invalid_grant; §4.1: 43 to 128 characters", async () => {
  for (const code_verifier of ["x", "a".repeat(42), "a".repeat(129), "ä".repeat(50), undefined]) {
    const code = await kit.code(spa, ada);
    refused(await kit.redeem(spa, code, { code_verifier }), "invalid_grant");
  }
});

test("OAuth 2.1 §4.1.3: a verifier without a challenge is invalid_request; a client registered exempt needs neither", async () => {
  const exempt = await kit.application({ require_pkce: false });
  const bare = { code_challenge: undefined, code_challenge_method: undefined };
  const code = await kit.code(exempt, ada, bare);
  refused(await kit.redeem(exempt, code), "invalid_request");
  assert.equal((await kit.redeem(exempt, code, { code_verifier: undefined })).status, 200);
});

test("RFC 6749 §4.1.3: no code is invalid_request, text that is none invalid_grant, and nothing comes twice", async () => {
  refused(await kit.token(app, { grant_type: "authorization_code" }), "invalid_request");
  for (const text of ["x", "cs_code_x", `cs_code_${"A".repeat(99)}`])
    refused(await kit.token(app, { grant_type: "authorization_code", code: text }), "invalid_grant");
  const code = await kit.code(app, ada);
  refused(await kit.redeem(app, code, { code: [code.code, code.code] }), "invalid_request");
});

test("RFC 6749 §4.1.2: a code lives a minute at most, and dies with its session", async () => {
  const code = await kit.code(app, ada);
  const [row] = await deployment.sql<{ seconds: number }>(
    "select extract(epoch from expire_time - create_time)::float8 as seconds from authorization_codes order by create_time desc limit 1",
  );
  assert.ok(row && row.seconds <= 60);
  await deployment.sql(
    "update authorization_codes set expire_time = now() - interval '1 second' where redeem_time is null",
  );
  refused(await kit.redeem(app, code), "invalid_grant");
  const brief = { ...ada, ...(await kit.signIn(acme.id, ada.id)) };
  const another = await kit.code(app, brief);
  await deployment.sql("update sessions set state = 'ended' where id = $1", [brief.session]);
  refused(await kit.redeem(app, another), "invalid_grant");
});

test("RFC 6749 §5.2: a grant the client is not registered for is unauthorized_client, an unknown one unsupported_grant_type", async () => {
  const plain = await kit.application({ grant_types: ["authorization_code"] });
  refused(await kit.refresh(plain, "x"), "unauthorized_client");
  refused(await kit.token(app, { grant_type: "client_credentials" }), "unauthorized_client");
  refused(
    await kit.token(app, { grant_type: "urn:ietf:params:oauth:grant-type:device_code", device_code: "x" }),
    "unauthorized_client",
  );
  for (const grant_type of ["password", "implicit", "Authorization_Code"])
    refused(await kit.token(app, { grant_type, username: "a", password: "b" }), "unsupported_grant_type");
  refused(await kit.token(app, {}), "invalid_request");
});

test("RFC 6749 §5.2: a client that fails to authenticate gets 401, with a challenge where it used the header", async () => {
  const code = await kit.code(app, ada);
  const wrong = await kit.redeem({ ...app, client_secret: `${app.client_secret.slice(0, -1)}x` }, code);
  refused(wrong, "invalid_client", 401);
  assert.match(wrong.headers["www-authenticate"] ?? "", /^Basic /);
  const bare = await kit.redeem({ ...app, client_secret: "" }, code);
  refused(bare, "invalid_client", 401);
  assert.equal(bare.headers["www-authenticate"], undefined);
  assert.equal((await kit.redeem(app, code)).status, 200);
});

test("RFC 8707 §2.2: resources at the token endpoint are among those granted, else invalid_target; the audience is what was asked", async () => {
  const resource = ["https://one.example/", "https://two.example/mcp"];
  const code = await kit.code(app, ada, { resource });
  refused(await kit.redeem(app, code, { resource: "https://three.example/" }), "invalid_target");
  refused(await kit.redeem(app, code, { resource: "no uri" }), "invalid_target");
  const tokens = (await kit.redeem(app, code, { resource: resource[1] })).json<Tokens>();
  assert.equal(partsOf(tokens.access_token).claims.aud, resource[1]);
  const wide = await kit.tokens(app, ada, { resource });
  assert.deepEqual(partsOf(wide.access_token).claims.aud, resource);
  assert.equal(
    (await deployment.get("/v1/accounts", wide.access_token)).status,
    401,
    "a token for others opens nothing here",
  );
});

test("RFC 9449 §5, §10: a proof binds the access token; a code bound by dpop_jkt is good with that key alone", async () => {
  const [key, other] = [proofKey(), proofKey()];
  const nonce = async () => {
    const answer = await kit.redeem(spa, { code: "x", verifier: pkce().verifier }, {}, kit.proof(key));
    return { nonce: String(answer.headers["dpop-nonce"]) };
  };
  const code = await kit.code(spa, ada, { dpop_jkt: key.jkt });
  refused(await kit.redeem(spa, code), "invalid_grant");
  refused(await kit.redeem(spa, code, {}, kit.proof(other, "/oauth/token", await nonce())), "invalid_grant");
  const answer = await kit.redeem(spa, code, {}, kit.proof(key, "/oauth/token", await nonce()));
  assert.equal(answer.status, 200, answer.text);
  const tokens = answer.json<Tokens>();
  assert.equal(tokens.token_type, "DPoP");
  assert.deepEqual(partsOf(tokens.access_token).claims.cnf, { jkt: key.jkt });
  assert.equal((await deployment.get("/v1/accounts", tokens.access_token)).status, 401);
});

test("Fetch, CORS: scripts of any origin may ask at the token endpoint, revocation and userinfo, without cookies", async () => {
  for (const path of ["/oauth/token", "/oauth/revoke", "/oauth/userinfo"]) {
    const headers = { origin: "https://spa.example", "access-control-request-method": "POST" };
    const preflight = await deployment.send(path, { method: "OPTIONS", headers });
    assert.equal(preflight.status, 204, path);
    assert.equal(preflight.headers["access-control-allow-origin"], "*");
    assert.match(preflight.headers["access-control-allow-headers"] ?? "", /dpop/i);
    const answer = await deployment.form(path, {}, headers);
    assert.equal(answer.headers["access-control-allow-origin"], "*");
    assert.equal(answer.headers["access-control-allow-credentials"], undefined);
    assert.match(answer.headers["access-control-expose-headers"] ?? "", /dpop-nonce/i);
  }
});
