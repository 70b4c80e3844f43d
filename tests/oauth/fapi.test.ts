// FAPI 2.0 Security Profile, reached by registration alone: pushed requests, private_key_jwt, DPoP with nonces, PS256 or ES256, refresh
// tokens that stay the same. Driven by openid-client, which knows nothing of this server.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { exportJWK, generateKeyPair } from "jose";
import * as client from "openid-client";
import { type App, authorizeKit, type Human, redirectUri } from "./authorize-kit.ts";
import { startDeployment } from "./deployment.ts";

const deployment = await startDeployment();
after(deployment.close);
const kit = authorizeKit(deployment);
const acme = await deployment.tenant("Acme");
const ada = await kit.human(acme, { role: "owner" });

const kid = "a key of the client's";
const fapi = async (alg: "PS256" | "ES256") => {
  const { privateKey, publicKey } = await generateKeyPair(alg);
  const app = await kit.application({
    token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_signing_alg: alg,
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid, alg, use: "sig" }] },
    require_pushed_authorization_requests: true,
    dpop_bound_access_tokens: true,
    id_token_signed_response_alg: alg,
    grant_types: ["authorization_code", "refresh_token"],
    refresh_token_rotation: "fixed",
  });
  const config = await client.discovery(
    new URL(deployment.issuer),
    app.client_id,
    { id_token_signed_response_alg: alg, use_mtls_endpoint_aliases: false },
    client.PrivateKeyJwt({ key: privateKey, kid }),
    { execute: [client.allowInsecureRequests] },
  );
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
  return { app, config, DPoP };
};
type Fapi = Awaited<ReturnType<typeof fapi>>;

const begin = async ({ config, DPoP }: Fapi, scope = "openid accounts:read offline_access") => {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const checks = { pkceCodeVerifier, expectedState: client.randomState(), expectedNonce: client.randomNonce() };
  const url = await client.buildAuthorizationUrlWithPAR(
    config,
    {
      redirect_uri: redirectUri,
      scope,
      state: checks.expectedState,
      nonce: checks.expectedNonce,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
    },
    { DPoP },
  );
  return { url, checks };
};

/** The browser's part: it follows the request to the code. */
const browse = async (url: URL, who: Human): Promise<URL> => {
  assert.deepEqual([...url.searchParams.keys()].toSorted(), ["client_id", "request_uri"], "all else was pushed");
  const answer = await deployment.send(`/oauth/authorize${url.search}`, { headers: { cookie: who.cookie } });
  assert.equal(answer.status, 303, answer.text);
  return new URL(answer.headers.location ?? "");
};

for (const alg of ["PS256", "ES256"] as const)
  test(`FAPI 2.0 §5.3: with ${alg}, from the pushed request to the refreshed token, everything is proven`, async () => {
    const one = await fapi(alg);
    const { config, DPoP } = one;
    const { url, checks } = await begin(one);
    const tokens = await client.authorizationCodeGrant(config, await browse(url, ada), checks, undefined, { DPoP });
    assert.equal(tokens.token_type, "dpop");
    assert.equal(tokens.claims()?.sub, ada.ref);

    const about = await client.fetchUserInfo(config, tokens.access_token, ada.ref, { DPoP });
    assert.equal(about.sub, ada.ref);
    const accounts = new URL(`${deployment.issuer}/v1/accounts`);
    const ask = (token: string, dpop = DPoP) =>
      client.fetchProtectedResource(config, token, accounts, "GET", undefined, undefined, { DPoP: dpop });
    assert.equal((await ask(tokens.access_token)).status, 200);

    const refresh = tokens.refresh_token ?? "";
    const renewed = await client.refreshTokenGrant(config, refresh, undefined, { DPoP });
    assert.equal((await ask(renewed.access_token)).status, 200);
    // FAPI 2.0 §5.3.2.1: refresh tokens are not rotated.
    const once = await client.refreshTokenGrant(config, renewed.refresh_token ?? refresh, undefined, { DPoP });
    assert.ok(once.access_token);

    const thief = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
    await assert.rejects(ask(tokens.access_token, thief), client.WWWAuthenticateChallengeError);
    const bare = await fetch(accounts, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    assert.equal(bare.status, 401);
  });

const refusal = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
  } catch (error) {
    if (error instanceof client.ResponseBodyError) return error.error;
    throw error;
  }
  return assert.fail("it was not refused");
};

test("FAPI 2.0 §5.3.2: what the registration asks for cannot be left out", async () => {
  const one = await fapi("ES256");
  const { app, config, DPoP } = one;
  const plain = await kit.authorize(app, {}, ada);
  const said = plain.status === 303 ? kit.answerOf(plain)["error"] : undefined;
  assert.ok(
    plain.status === 400 || said === "invalid_request",
    `an unpushed request got ${plain.status}: ${plain.text}`,
  );

  const { url, checks } = await begin(one);
  const back = await browse(url, ada);
  assert.equal(await refusal(client.authorizationCodeGrant(config, back, checks)), "invalid_dpop_proof");
  const thief = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
  // The request was pushed with a proof, so its code is bound to that key (RFC 9449 §10.1).
  const stolen = await refusal(client.authorizationCodeGrant(config, back, checks, undefined, { DPoP: thief }));
  assert.match(stolen, /^invalid_(dpop_proof|grant)$/);
  assert.ok((await client.authorizationCodeGrant(config, back, checks, undefined, { DPoP })).access_token);
});

test("RFC 9126 §4: a pushed request yields one code", async () => {
  const one = await fapi("ES256");
  const { url } = await begin(one);
  const back = await browse(url, ada);
  assert.ok(back.searchParams.get("code"));
  const again = await deployment.send(`/oauth/authorize${url.search}`, { headers: { cookie: ada.cookie } });
  assert.ok(again.status === 400 || !again.headers.location?.includes("code="), again.text);
});

test("FAPI 2.0 §5.3.2.1: a client assertion is for the issuer, as one string, and for nobody else", async () => {
  const { app } = await fapi("ES256");
  const { privateKey } = await generateKeyPair("ES256");
  const other = await client.discovery(
    new URL(deployment.issuer),
    app.client_id,
    undefined,
    client.PrivateKeyJwt({ key: privateKey, kid }),
    { execute: [client.allowInsecureRequests] },
  );
  const DPoP = client.getDPoPHandle(other, await client.randomDPoPKeyPair("ES256"));
  const pushed = begin({ app: app satisfies App, config: other, DPoP });
  assert.equal(await refusal(pushed), "invalid_client");
});
