// ID tokens (OIDC Core §2, §3.1.3.7): what they say, with which algorithm, and that they open nothing.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, test } from "node:test";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as openid from "openid-client";
import { startDeployment } from "./deployment.ts";
import { grantsKit, publicClient, refused, type Tokens } from "./grants-kit.ts";
import { bearer } from "./http.ts";
import { partsOf } from "./jwt.ts";
import { pkce } from "./authorize-kit.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const kit = grantsKit(deployment);
const acme = await deployment.tenant();
const ada = await kit.human(acme, { role: "owner" });
const app = await kit.application();

const keySet = createRemoteJWKSet(new URL(`${deployment.base()}/oauth/jwks`), { cooldownDuration: 0 });
const verified = async (token: string, audience: string, alg: string) =>
  (await jwtVerify(token, keySet, { issuer: deployment.issuer, audience, algorithms: [alg] })).payload;

test("OIDC Core §2, §3.1.3.6: iss, sub, aud, exp, iat, auth_time, nonce, acr, amr, sid, at_hash; RS256 unless registered otherwise", async () => {
  const tokens = await kit.tokens(app, ada, { scope: "openid", nonce: "n-0S6_WzA2Mj" });
  const claims = await verified(tokens.id_token, app.client_id, "RS256");
  assert.deepEqual(partsOf(tokens.id_token).header.typ, "JWT");
  assert.equal(claims.sub, ada.ref);
  assert.equal(claims["nonce"], "n-0S6_WzA2Mj");
  assert.equal(claims["sid"], ada.session);
  assert.equal(claims["acr"], "urn:countersign:acr:single-factor");
  assert.deepEqual(claims["amr"], ["pwd"]);
  assert.equal(claims["tenant_id"], acme.id);
  assert.ok(Math.abs(Number(claims["auth_time"]) - Date.now() / 1000) < 60);
  const half = createHash("sha256").update(tokens.access_token).digest().subarray(0, 16).toString("base64url");
  assert.equal(claims["at_hash"], half);
  assert.match(claims.sub ?? "", /^[\x21-\x7e]{1,255}$/);
  for (const name of ["name", "email", "locale"]) assert.equal(claims[name], undefined, "§5.4: userinfo says it");
});

for (const alg of ["RS256", "ES256", "PS256", "EdDSA"])
  test(`OIDC Registration §2: id_token_signed_response_alg ${alg} is what signs, from every process`, async () => {
    const client = await kit.application({ id_token_signed_response_alg: alg });
    for (const on of [0, 1]) {
      const answer = await kit.redeem(client, await kit.code(client, ada), {}, {}, on);
      const { id_token } = answer.json<Tokens>();
      assert.equal(partsOf(id_token).header.alg, alg);
      await verified(id_token, client.client_id, alg);
    }
  });

test("OIDC Core §12.2: a refreshed ID token keeps iss, sub, aud and the first auth_time, and has a new iat", async () => {
  const early = { ...ada, ...(await kit.signIn(acme.id, ada.id, { ageSeconds: 120 })) };
  const tokens = await kit.tokens(app, early, { scope: "openid", nonce: "x" });
  const first = partsOf(tokens.id_token).claims;
  const refreshed = (await kit.refresh(app, tokens.refresh_token)).json<Tokens>();
  const next = await verified(refreshed.id_token, app.client_id, "RS256");
  for (const name of ["iss", "sub", "aud", "auth_time", "acr", "sid"]) assert.equal(next[name], first[name], name);
  assert.ok(Number(first.iat) - Number(first.auth_time) >= 119);
  assert.ok(next.nonce === undefined || next.nonce === first.nonce);
});

test("OIDC Core §5.5: claims asked for by name come in the ID token; what we do not know is left out", async () => {
  const claims = JSON.stringify({ id_token: { email: { essential: true }, name: null, phone_number: null } });
  const tokens = await kit.tokens(app, ada, { scope: "openid", claims });
  const said = await verified(tokens.id_token, app.client_id, "RS256");
  assert.match(String(said["email"]), /@acme\.example$/);
  assert.equal(said["name"], "Ada");
  assert.ok(!("phone_number" in said));
});

test("RFC 9068 §4: an ID token opens nothing: not the API, not userinfo, and it is no active token", async () => {
  for (const alg of ["RS256", "ES256"]) {
    const client = await kit.application({ id_token_signed_response_alg: alg });
    const { id_token } = await kit.tokens(client, ada);
    assert.equal((await deployment.get("/v1/accounts", id_token)).status, 401);
    assert.equal((await deployment.get("/oauth/userinfo", id_token)).status, 401);
    assert.equal(await deployment.introspect(id_token), '{"active":false}');
    refused(await kit.refresh(client, id_token), "invalid_grant");
    assert.equal((await deployment.send("/v1/accounts", { headers: bearer(id_token) }, 1)).status, 401);
  }
});

test("openid-client: code, PKCE, nonce and max_age, the ID token verified, refreshed and userinfo fetched", async () => {
  const client = await kit.application(publicClient);
  const config = await openid.discovery(new URL(deployment.issuer), client.client_id, undefined, openid.None(), {
    execute: [openid.allowInsecureRequests],
  });
  const { verifier, ...challenge } = pkce();
  const answer = await kit.authorize(
    client,
    { ...challenge, scope: "openid profile email", nonce: "one", state: "two", max_age: "600" },
    ada,
  );
  const tokens = await openid.authorizationCodeGrant(config, new URL(String(answer.headers.location)), {
    pkceCodeVerifier: verifier,
    expectedNonce: "one",
    expectedState: "two",
    maxAge: 600,
    idTokenExpected: true,
  });
  assert.equal(tokens.claims()?.sub, ada.ref);
  const information = await openid.fetchUserInfo(config, tokens.access_token, ada.ref);
  assert.equal(information.name, "Ada");
  const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token ?? "");
  assert.equal(refreshed.claims()?.sub, ada.ref);
  await openid.tokenRevocation(config, refreshed.refresh_token ?? "");
  await assert.rejects(openid.refreshTokenGrant(config, refreshed.refresh_token ?? ""), { error: "invalid_grant" });
});
