// UserInfo (OIDC Core §5.3) and the bearer rules it stands under (RFC 6750).
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startDeployment } from "./deployment.ts";
import { athOf, proofKey, proofOf } from "./dpop-kit.ts";
import { grantsKit, publicClient } from "./grants-kit.ts";
import { type Answer, bearer, formOf } from "./http.ts";

const deployment = await startDeployment();
after(deployment.close);
const kit = grantsKit(deployment);
const acme = await deployment.tenant();
const ada = await kit.human(acme, { role: "owner" });
const app = await kit.application();
const tokens = await kit.tokens(app, ada, { scope: "openid profile email" });

const challenged = (answer: Answer, status: number, pattern: RegExp, error?: string): void => {
  assert.equal(answer.status, status, answer.text);
  assert.match(String(answer.headers["www-authenticate"]), pattern);
  assert.equal(answer.json<{ error?: string }>().error, error);
  assert.equal(answer.headers["cache-control"], "no-store");
};

test("OIDC Core §5.3.1, §5.4: GET and POST answer what the scopes ask for, with the ID token's sub", async () => {
  for (const method of ["GET", "POST"]) {
    const answer = await deployment.send("/oauth/userinfo", { method, headers: bearer(tokens.access_token) });
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.headers["content-type"] ?? "", /^application\/json/);
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.equal(answer.headers["access-control-allow-origin"], "*");
    const { email, updated_at, ...said } = answer.json<Record<string, unknown>>();
    assert.match(String(email), /@acme\.example$/);
    assert.equal(typeof updated_at, "number");
    assert.deepEqual(said, { name: "Ada", email_verified: false, sub: ada.ref, tenant_id: acme.id });
  }
});

test("OIDC Core §5.4, §5.5: openid alone says sub; a claim asked for by name is said without its scope", async () => {
  const bare = await kit.tokens(app, ada, { scope: "openid" });
  const said = (await deployment.get("/oauth/userinfo", bare.access_token)).json();
  assert.deepEqual(said, { sub: ada.ref, tenant_id: acme.id });
  const claims = JSON.stringify({ userinfo: { name: null } });
  const named = await kit.tokens(app, ada, { scope: "openid", claims });
  assert.equal((await deployment.get("/oauth/userinfo", named.access_token)).json<{ name: string }>().name, "Ada");
});

test("RFC 6750 §2.2: a form's body may carry the token instead of the header", async () => {
  const answer = await deployment.form("/oauth/userinfo", { access_token: tokens.access_token });
  assert.equal(answer.json<{ sub: string }>().sub, ada.ref);
});

test("RFC 6750 §2: two ways at once are 400 invalid_request, and so is a token in the URL", async () => {
  const both = await deployment.send("/oauth/userinfo", {
    ...formOf({ access_token: tokens.access_token }),
    headers: { ...formOf({}).headers, ...bearer(tokens.access_token) },
  });
  const twice = await deployment.form("/oauth/userinfo", { access_token: [tokens.access_token, tokens.access_token] });
  const inUrl = await deployment.send(`/oauth/userinfo?access_token=${tokens.access_token}`);
  for (const answer of [both, twice, inUrl]) {
    assert.equal(answer.status, 400, answer.text);
    assert.equal(answer.json<{ error: string }>().error, "invalid_request");
  }
});

test("RFC 6750 §3: no token is 401 without an error code; a bad one is invalid_token; one without openid is 403 insufficient_scope", async () => {
  challenged(await deployment.send("/oauth/userinfo"), 401, /^Bearer (?!.*error=)/);
  for (const token of ["x", `${tokens.access_token}x`, tokens.refresh_token, tokens.id_token])
    challenged(await deployment.get("/oauth/userinfo", token), 401, /error="invalid_token"/, "invalid_token");
  const plain = await kit.tokens(app, ada, { scope: "accounts:read" });
  challenged(
    await deployment.get("/oauth/userinfo", plain.access_token),
    403,
    /error="insufficient_scope", scope="openid"/,
    "insufficient_scope",
  );
  challenged(await deployment.get("/oauth/userinfo", deployment.host), 403, /insufficient_scope/, "insufficient_scope");
});

test("RFC 8707, RFC 7009: a token for another server, and one that is revoked, is invalid_token", async () => {
  const other = await kit.tokens(app, ada, { resource: "https://api.example/" });
  challenged(await deployment.get("/oauth/userinfo", other.access_token), 401, /invalid_token/, "invalid_token");
  const gone = await kit.tokens(app, ada);
  assert.equal((await kit.revoke(app, gone.access_token)).status, 200);
  challenged(await deployment.get("/oauth/userinfo", gone.access_token), 401, /invalid_token/, "invalid_token");
});

test("RFC 9449 §7: a bound token is answered with its proof alone, and hears the next nonce", async () => {
  const spa = await kit.application(publicClient);
  const key = proofKey();
  const first = await kit.refresh(spa, "x", {}, kit.proof(key));
  const nonce = String(first.headers["dpop-nonce"]);
  const { access_token } = await kit.tokens(spa, ada, {}, kit.proof(key, "/oauth/token", { nonce }));
  challenged(
    await deployment.get("/oauth/userinfo", access_token),
    401,
    /^DPoP .*error="invalid_token"/,
    "invalid_token",
  );
  const ask = (claims: object, as = key) =>
    deployment.send("/oauth/userinfo", {
      headers: {
        authorization: `DPoP ${access_token}`,
        dpop: proofOf(as, "GET", `${deployment.issuer}/oauth/userinfo`, {
          claims: { ath: athOf(access_token), ...claims },
        }),
      },
    });
  challenged(await ask({}), 401, /error="use_dpop_nonce"/, "use_dpop_nonce");
  const answer = await ask({ nonce });
  assert.equal(answer.status, 200, answer.text);
  assert.ok(answer.headers["dpop-nonce"]);
  assert.equal((await ask({ nonce }, proofKey())).status, 401);
  assert.equal((await ask({ nonce, ath: athOf("x") })).status, 401);
});
