/** The authorization endpoint over real HTTP: what is asked, and the exact answer (RFC 6749 §4.1, OAuth 2.1, OIDC Core §3.1.2). */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type App, authorizeKit, type Human, redirectUri } from "./authorize-kit.ts";
import { type Deployment, startDeployment, type Tenant } from "./deployment.ts";

let deployment: Deployment;
let kit: ReturnType<typeof authorizeKit>;
let acme: Tenant;
let app: App;
let ada: Human;

before(async () => {
  deployment = await startDeployment();
  kit = authorizeKit(deployment);
  acme = await deployment.tenant();
  app = await kit.application();
  ada = await kit.human(acme);
});
after(() => deployment.close());

const refusedOnPage = async (fields: Parameters<typeof kit.authorize>[1], says: RegExp): Promise<void> => {
  const answer = await kit.authorize(app, fields, ada);
  assert.equal(answer.status, 400, answer.text);
  assert.equal(answer.headers.location, undefined);
  assert.match(answer.headers["content-type"] ?? "", /^text\/html/);
  assert.match(answer.text, says);
};

const refusedByRedirect = async (
  fields: Parameters<typeof kit.authorize>[1],
  error: string,
  of: App = app,
): Promise<void> => {
  const answer = await kit.authorize(of, { state: "xyz", ...fields }, ada);
  assert.equal(answer.status, 303, answer.text);
  assert.ok(answer.headers.location?.startsWith(`${of.redirect_uris[0]}?`), answer.text);
  const told = kit.answerOf(answer);
  assert.equal(told["error"], error, JSON.stringify(told));
  assert.equal(told["code"], undefined);
  assert.equal(told["iss"], deployment.issuer);
};

describe("client and redirect URI", () => {
  test("RFC 6749 §4.1.2.1: an unknown client is told to the human, never by redirect", async () => {
    await refusedOnPage({ client_id: "app_live_nobody" }, /no client/);
    await refusedOnPage({ client_id: undefined }, /client_id/);
    await refusedOnPage({ client_id: [app.client_id, app.client_id] }, /more than once/);
    await refusedOnPage({ client_id: "sa_live_abcdefghijklmnop" }, /no client/);
    await refusedOnPage({ client_id: "https://app.example/\0" }, /no client/);
    await refusedOnPage({ client_id: `${app.client_id.slice(0, -1)}\0` }, /no client/);
  });

  test("OAuth 2.1 §2.3.1: redirect URIs are compared to the octet, and a bad one is never redirected to", async () => {
    for (const uri of [
      `${redirectUri}/`,
      `${redirectUri}?x=1`,
      "https://APP.example/cb",
      "https://app.example.evil.example/cb",
      "https://app.example:443/cb",
      "https://app.example/%63b",
      "https://user@app.example/cb",
      "javascript:alert(1)",
    ])
      await refusedOnPage({ redirect_uri: uri }, /not registered/);
    await refusedOnPage({ redirect_uri: [redirectUri, "https://evil.example/"] }, /more than once/);
  });

  test("RFC 6749 §3.1.2.3: the redirect URI may be left out only where one is registered", async () => {
    assert.ok(kit.answerOf(await kit.authorize(app, { redirect_uri: undefined }, ada))["code"]);
    const two = await kit.application({ redirect_uris: [redirectUri, `${redirectUri}/2`] });
    const answer = await kit.authorize(two, { redirect_uri: undefined }, ada);
    assert.equal(answer.status, 400);
  });

  test("RFC 8252 §7.3: the port of a loopback redirect is the app's to choose, and nothing else of it is", async () => {
    const native = await kit.application({
      application_type: "native",
      token_endpoint_auth_method: "none",
      redirect_uris: ["http://127.0.0.1/cb", "http://[::1]:3000/cb"],
    });
    const to = async (uri: string) => kit.authorize(native, { redirect_uri: uri }, ada);
    assert.ok((await to("http://127.0.0.1:51004/cb")).headers.location?.startsWith("http://127.0.0.1:51004/cb?code="));
    assert.ok((await to("http://[::1]:8/cb")).headers.location?.startsWith("http://[::1]:8/cb?code="));
    for (const uri of [
      "http://127.0.0.1:51004/other",
      "https://127.0.0.1:51004/cb",
      "http://127.0.0.1:80@evil.example/cb",
      "http://127.0.0.2:51004/cb",
      "http://localhost:51004/cb",
    ])
      assert.equal((await to(uri)).status, 400, uri);
  });

  test("a redirect URI keeps its own query (RFC 6749 §3.1.2)", async () => {
    const uri = "https://app.example/cb?a=1&b=%20";
    const queried = await kit.application({ redirect_uris: [uri] });
    const { location = "" } = (await kit.authorize(queried, { state: "s" }, ada)).headers;
    assert.ok(location.startsWith(`${uri}&code=`), location);
  });
});

describe("parameters", () => {
  test("RFC 6749 §3.1: a repeated parameter is an invalid_request, whichever it is", async () => {
    for (const name of ["scope", "nonce", "response_type", "code_challenge", "prompt", "request"])
      await refusedByRedirect({ [name]: ["openid", "openid"] }, "invalid_request");
    const answer = kit.answerOf(await kit.authorize(app, { state: ["a", "b"] }, ada));
    assert.equal(answer["error"], "invalid_request");
    assert.equal(answer["state"], undefined);
  });

  test("RFC 6749 §3.1: a parameter without a value is as good as left out, and one nobody knows is ignored", async () => {
    const told = kit.answerOf(await kit.authorize(app, { state: "", nonce: "", surprise: "x", display: "popup" }, ada));
    assert.ok(told["code"]);
    assert.equal(told["state"], undefined);
  });

  test("OAuth 2.1 §4.1.1: response_type is `code` and nothing else", async () => {
    await refusedByRedirect({ response_type: undefined }, "invalid_request");
    for (const type of ["token", "id_token", "code id_token", "none", "CODE"])
      await refusedByRedirect({ response_type: type }, "unsupported_response_type");
  });

  test("RFC 6749 §4.1.2.1: a client that is not registered for the code grant is an unauthorized_client", async () => {
    const device = await kit.application({
      grant_types: ["urn:ietf:params:oauth:grant-type:device_code"],
      redirect_uris: [redirectUri],
    });
    await refusedByRedirect({}, "unauthorized_client", device);
  });

  test("Multiple Response Types §2.1: a response_mode that is not offered is refused by query", async () => {
    for (const mode of ["fragment", "web_message", "jwt"])
      await refusedByRedirect({ response_mode: mode }, "invalid_request");
  });

  test("RFC 7636 §4.4.1: S256 alone, 43 to 128 characters, and required", async () => {
    await refusedByRedirect({ code_challenge: undefined, code_challenge_method: undefined }, "invalid_request");
    await refusedByRedirect({ code_challenge_method: "plain" }, "invalid_request");
    await refusedByRedirect({ code_challenge_method: undefined }, "invalid_request");
    await refusedByRedirect({ code_challenge: undefined }, "invalid_request");
    await refusedByRedirect({ code_challenge: "a".repeat(42) }, "invalid_request");
    await refusedByRedirect({ code_challenge: "a".repeat(129) }, "invalid_request");
    await refusedByRedirect({ code_challenge: `${"a".repeat(42)}!` }, "invalid_request");
  });

  test("OAuth 2.1 §7.6: a confidential client may be registered exempt from PKCE, a public one never is", async () => {
    const none = { code_challenge: undefined, code_challenge_method: undefined };
    const exempt = await kit.application({ require_pkce: false });
    assert.ok(kit.answerOf(await kit.authorize(exempt, none, ada))["code"]);
    const open = await kit.application({ token_endpoint_auth_method: "none" });
    await refusedByRedirect(none, "invalid_request", open);
  });

  test("RFC 6749 §3.3: a scope beyond the client's registration, or that means nothing, is an invalid_scope", async () => {
    for (const scope of ["openid accounts:delete", "openid *", "accounts:*", "openid nothing:read", "phone"])
      await refusedByRedirect({ scope }, "invalid_scope");
    assert.ok(kit.answerOf(await kit.authorize(app, { scope: "openid accounts:read" }, ada))["code"]);
  });

  test("RFC 6749 §3.3: a request without a scope asks for what the client is registered for, except to stay connected", async () => {
    const code = kit.answerOf(await kit.authorize(app, { scope: undefined, nonce: "default-scope" }, ada))["code"];
    assert.ok(code);
    const [row] = await deployment.sql<{ scopes: string[] }>(
      "select scopes from authorization_codes where nonce = 'default-scope'",
    );
    assert.deepEqual(row?.scopes, ["openid", "profile", "email", "accounts:read", "accounts:update"]);
  });

  test("OIDC Core §3.1.2.1: what cannot be understood is an invalid_request", async () => {
    for (const fields of [
      { prompt: "none login" },
      { prompt: "none consent" },
      { prompt: "create" },
      { max_age: "-1" },
      { max_age: "soon" },
      { max_age: "1e3" },
      { claims: "{" },
      { claims: "[]" },
      { claims: '{"id_token": []}' },
      { claims: '{"id_token": {"email": "yes"}}' },
      {
        claims: JSON.stringify({
          userinfo: Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`c${at}`, null])),
        }),
      },
      { claims: JSON.stringify({ id_token: { sub: { value: "nobody" } } }) },
      { id_token_hint: "a.b.c" },
      { nonce: "n".repeat(501) },
      { login_hint: "l".repeat(321) },
      { state: "s".repeat(2001) },
      { nonce: "a\0b" },
      { login_hint: "\0" },
      { acr_values: "a".repeat(10_001) },
      { claims: '{"id_token": {"acr": {"value": "\\u0000"}}}' },
      { claims: '{"id_token": {"acr": {"value": "\\ud800"}}}' },
      { dpop_jkt: "short" },
      { tenant: "acme" },
      { tenant: "accounts/00000000-0000-4000-8000-000000000001" },
    ])
      await refusedByRedirect(fields, "invalid_request");
  });

  test("RFC 8707 §2: a resource is an absolute URI without a fragment, else invalid_target", async () => {
    for (const resource of ["/relative", "https://api.example/#f", "nothing"])
      await refusedByRedirect({ resource }, "invalid_target");
    await refusedByRedirect(
      { resource: Array.from({ length: 11 }, (_, at) => `https://api.example/${at}`) },
      "invalid_target",
    );
    const resource = ["https://api.example/a", "https://api.example/b"];
    assert.ok(kit.answerOf(await kit.authorize(app, { resource, nonce: "resources" }, ada))["code"]);
    const [row] = await deployment.sql<{ audience: string[] }>(
      "select audience from authorization_codes where nonce = 'resources'",
    );
    assert.deepEqual(row?.audience, resource);
  });

  test("RFC 9396 §5: a type, or a field, that is not known is invalid_authorization_details", async () => {
    const rich = await kit.application({ authorization_details_types: ["countersign_permissions"] });
    const ask = (detail: object) => ({ authorization_details: JSON.stringify([detail]) });
    await refusedByRedirect(ask({ type: "payment" }), "invalid_authorization_details", rich);
    await refusedByRedirect(
      ask({ type: "countersign_permissions", actions: ["accounts:read"], surprise: 1 }),
      "invalid_authorization_details",
      rich,
    );
    await refusedByRedirect(
      ask({ type: "countersign_permissions", actions: ["accounts:read"] }),
      "invalid_authorization_details",
    );
    const fine = ask({ type: "countersign_permissions", actions: ["accounts:read"] });
    assert.ok(kit.answerOf(await kit.authorize(rich, fine, ada))["code"]);
  });
});

describe("answers", () => {
  test("RFC 6749 §4.1.2, RFC 9207 §2: the code comes with the state as it was sent, and with who gave it", async () => {
    const state = "ö &=?#/ <b>";
    const answer = await kit.authorize(app, { state }, ada);
    assert.equal(answer.status, 303);
    const told = kit.answerOf(answer);
    assert.match(told["code"] ?? "", /^cs_code_/);
    assert.equal(told["state"], state);
    assert.equal(told["iss"], deployment.issuer);
    assert.deepEqual(Object.keys(told).toSorted(), ["code", "iss", "state"]);
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.equal(answer.headers["referrer-policy"], "no-referrer");
    assert.equal(answer.headers["access-control-allow-origin"], undefined);
  });

  test("OAuth 2.1 §4.1.2: a code lives 60 seconds at most, is kept as a hash, and is bound to client, session and tenant", async () => {
    const code =
      kit.answerOf(await kit.authorize(app, { nonce: "bound", dpop_jkt: "j".repeat(43) }, ada))["code"] ?? "";
    const [row] = await deployment.sql<Record<string, unknown>>(
      `select extract(epoch from expire_time - create_time)::int as lives, session_id, client_id, bound_tenant_id, tenant_id, user_id,
         dpop_jkt, redirect_uri_given, redeem_time, authorization_codes::text as row
         from authorization_codes where nonce = 'bound'`,
    );
    assert.ok(Number(row?.["lives"]) <= 60);
    assert.equal(row?.["session_id"], ada.session);
    assert.equal(row?.["client_id"], app.client_id);
    assert.equal(row?.["bound_tenant_id"], acme.id);
    assert.equal(row?.["tenant_id"], ada.home);
    assert.equal(row?.["user_id"], ada.id);
    assert.equal(row?.["dpop_jkt"], "j".repeat(43));
    assert.equal(row?.["redirect_uri_given"], true);
    assert.ok(!String(row?.["row"]).includes(code));
  });

  test("the bound tenant's audit log says who let which client act for them", async () => {
    await kit.authorize(app, {}, ada);
    const [entry] = await deployment.sql<Record<string, unknown>>(
      "select * from audit_entries where tenant_id = $1 and action = 'oauth.authorize' order by time desc limit 1",
      [acme.id],
    );
    assert.equal(entry?.["authenticated_principal"], ada.ref);
    assert.equal(entry?.["subject"], ada.ref);
    assert.equal(entry?.["actor_of_record"], ada.ref);
    assert.equal(entry?.["identity_source"], "platform");
    assert.equal(entry?.["client_id"], app.client_id);
    assert.equal(entry?.["session_id"], ada.session);
    assert.equal(entry?.["target"], app.ref);
  });

  test("Form Post Response Mode §2: the answer is a form that posts itself, under a strict policy, with everything escaped", async () => {
    const answer = await kit.authorize(app, { response_mode: "form_post", state: `"><script>alert(1)</script>` }, ada);
    assert.equal(answer.status, 200);
    assert.match(answer.text, /<form method="post" action="https:\/\/app\.example\/cb">/);
    assert.match(answer.text, /name="code" value="cs_code_/);
    assert.match(answer.text, /name="iss" value="http/);
    assert.match(answer.text, /name="state" value="&quot;&gt;&lt;script&gt;/);
    assert.ok(!answer.text.includes("<script>alert"));
    const policy = answer.headers["content-security-policy"] ?? "";
    assert.match(String(policy), /default-src 'none'; script-src 'nonce-/);
    assert.match(String(policy), /frame-ancestors 'none'/);
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.equal(answer.headers["referrer-policy"], "no-referrer");
    // Errors go the same way.
    const refused = await kit.authorize(app, { response_mode: "form_post", scope: "nothing:read" }, ada);
    assert.equal(refused.status, 200);
    assert.match(refused.text, /name="error" value="invalid_scope"/);
  });

  test("OIDC Core §3.1.2.1: the request may be posted, and the answer to that is a 303", async () => {
    const answer = await kit.post(app, { state: "posted" }, ada);
    assert.equal(answer.status, 303);
    assert.ok(kit.answerOf(answer)["code"]);
    assert.equal(kit.answerOf(answer)["state"], "posted");
  });

  test("a request that another site posts comes back as a GET, since browsers leave the session out of the post", async () => {
    const answer = await kit.post(app, { state: "posted" });
    assert.equal(answer.status, 303);
    const again = new URL(answer.headers.location ?? "");
    assert.equal(again.pathname, "/oauth/authorize");
    const came = await deployment.send(again.pathname + again.search, { headers: { cookie: ada.cookie } });
    assert.ok(kit.answerOf(came)["code"]);
    assert.equal(kit.answerOf(came)["state"], "posted");
  });

  test("Fetch: scripts of other sites cannot read the authorization endpoint", async () => {
    const answer = await deployment.send("/oauth/authorize", {
      method: "OPTIONS",
      headers: { origin: "https://evil.example", "access-control-request-method": "GET" },
    });
    assert.equal(answer.headers["access-control-allow-origin"], undefined);
    assert.ok(answer.status >= 400);
  });

  test("RFC 9110 §15.5.6: no other method is served", async () => {
    for (const method of ["PUT", "DELETE", "PATCH"])
      assert.equal((await deployment.send("/oauth/authorize", { method })).status, 405, method);
  });
});
