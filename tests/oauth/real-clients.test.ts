// Real clients over real HTTP, knowing the issuer's URL and nothing else of this server: every flow, driven by oauth4webapi and openid-client,
// with a human who signs in through the forms. Each library checks what it is answered; what it accepts is what is asserted here.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { exportJWK, generateKeyPair } from "jose";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";
import type { Browser } from "../support/browser.ts";
import { newHuman, signIn } from "../support/human.ts";
import { startDeployment } from "./deployment.ts";

const deployment = await startDeployment();
after(deployment.close);
const acme = await deployment.tenant("Acme");
const ada = await newHuman(acme, { role: "owner" });
const browser = await signIn(deployment, ada);
const redirectUri = "http://127.0.0.1:3999/callback";
const loggedOut = "http://127.0.0.1:3999/logged-out";
const scope = "openid profile email offline_access accounts:read";

const application = async (metadata: object) => {
  const made = await acme.does("/v1/applications", {
    parent: acme.ref,
    display_name: "A real client",
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: [loggedOut],
    grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
    scope,
    ...metadata,
  });
  return { id: String(made["client_id"]), secret: String(made["client_secret"]) };
};

/** What the human does: follows the link, and says yes where it is asked. */
const follow = async (url: URL, as: Browser = browser): Promise<URL> => {
  const page = await as.get(url.href);
  const left = page.leftFor === undefined ? await as.submit({ decision: "allow" }, "/consent") : page;
  return new URL(left.leftFor ?? assert.fail(`no way back to the client: ${left.url} ${left.text.slice(0, 1_000)}`));
};

const insecure = { [oauth.allowInsecureRequests]: true } as const;
const issuer = new URL(deployment.issuer);

test("oauth4webapi: metadata, pushed request, code, PKCE, DPoP with nonces, private_key_jwt, userinfo, refresh, introspection, revocation", async () => {
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "mine", alg: "ES256", use: "sig" };
  const { id } = await application({
    token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_signing_alg: "ES256",
    jwks: { keys: [jwk] },
    id_token_signed_response_alg: "PS256",
    dpop_bound_access_tokens: true,
  });
  const self: oauth.Client = { client_id: id, id_token_signed_response_alg: "PS256" };
  const proof = oauth.PrivateKeyJwt({ key: privateKey, kid: "mine" });
  const DPoP = oauth.DPoP(self, await oauth.generateKeyPair("ES256"));
  const options = { ...insecure, DPoP };
  /** RFC 9449 §8: a server's first answer may be a nonce; then the same is asked again. */
  const again = async <T>(ask: () => Promise<T>): Promise<T> => {
    try {
      return await ask();
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error;
      return ask();
    }
  };

  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const pushed = await again(async () =>
    oauth.processPushedAuthorizationResponse(
      server,
      self,
      await oauth.pushedAuthorizationRequest(
        server,
        self,
        proof,
        {
          response_type: "code",
          redirect_uri: redirectUri,
          scope,
          state,
          nonce,
          code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
          code_challenge_method: "S256",
        },
        options,
      ),
    ),
  );
  const url = new URL(server.authorization_endpoint ?? "");
  url.searchParams.set("client_id", id);
  url.searchParams.set("request_uri", pushed.request_uri);
  const back = oauth.validateAuthResponse(server, self, await follow(url), state);

  const tokens = await again(async () =>
    oauth.processAuthorizationCodeResponse(
      server,
      self,
      await oauth.authorizationCodeGrantRequest(server, self, proof, back, redirectUri, verifier, options),
      { expectedNonce: nonce, requireIdToken: true },
    ),
  );
  assert.equal(tokens.token_type, "dpop");
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  assert.equal(claims?.sub, ada.ref);

  const who = await again(async () =>
    oauth.processUserInfoResponse(
      server,
      self,
      claims?.sub ?? "",
      await oauth.userInfoRequest(server, self, tokens.access_token, options),
    ),
  );
  assert.equal(who.email, ada.email);

  const refreshed = await again(async () =>
    oauth.processRefreshTokenResponse(
      server,
      self,
      await oauth.refreshTokenGrantRequest(server, self, proof, tokens.refresh_token ?? "", options),
    ),
  );
  assert.notEqual(refreshed.access_token, tokens.access_token);

  const active = async () =>
    oauth.processIntrospectionResponse(
      server,
      self,
      await oauth.introspectionRequest(server, self, proof, refreshed.access_token, insecure),
    );
  const seen = await active();
  assert.ok(seen.active && seen.cnf?.["jkt"] && seen.sub === ada.ref && seen["tenant_id"] === acme.id);
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(server, self, proof, refreshed.refresh_token ?? tokens.refresh_token ?? "", insecure),
  );
  assert.deepEqual(await active(), { active: false });
});

test("openid-client: code with PKCE and nonce, refresh, introspection, revocation, and RP-initiated logout", async () => {
  const { id, secret } = await application({ token_endpoint_auth_method: "client_secret_basic" });
  const config = await client.discovery(issuer, id, { client_secret: secret }, client.ClientSecretBasic(secret), {
    execute: [client.allowInsecureRequests],
  });
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()];
  const another = await signIn(deployment, ada);
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope,
    state: expectedState,
    nonce: expectedNonce,
    prompt: "consent",
    max_age: "600",
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
  });
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, maxAge: 600, idTokenExpected: true };
  const tokens = await client.authorizationCodeGrant(config, await follow(url, another), checks);
  assert.equal(tokens.claims()?.sub, ada.ref);
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
  assert.equal((await client.tokenIntrospection(config, refreshed.access_token)).active, true);
  await client.tokenRevocation(config, refreshed.access_token);
  assert.deepEqual(await client.tokenIntrospection(config, refreshed.access_token), { active: false });

  const farewell = client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token ?? "",
    post_logout_redirect_uri: loggedOut,
    state: "bye",
  });
  const gone = await another.get(farewell.href);
  assert.equal(gone.leftFor, `${loggedOut}?state=bye`);
  // The session has ended; what was granted for when the human is away (offline_access) lives on, and nothing else.
  const page = await another.get(url.href);
  assert.match(page.url, /\/sign-in\?/);
});

test("openid-client: a public client on a phone: a port of its own, PKCE alone, a refresh token bound to its key", async () => {
  const { id } = await application({ token_endpoint_auth_method: "none", application_type: "native" });
  const config = await client.discovery(issuer, id, undefined, client.None(), {
    execute: [client.allowInsecureRequests],
  });
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const url = client.buildAuthorizationUrl(config, {
    // RFC 8252 §7.3: a native client listens where it finds a port.
    redirect_uri: "http://127.0.0.1:51234/callback",
    scope: "openid accounts:read",
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
  });
  const tokens = await client.authorizationCodeGrant(
    config,
    await follow(url),
    { pkceCodeVerifier, idTokenExpected: true },
    {},
    { DPoP },
  );
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? "", {}, { DPoP });
  assert.equal(refreshed.token_type, "dpop");
  // Whoever stole it has not the key.
  await assert.rejects(client.refreshTokenGrant(config, refreshed.refresh_token ?? ""), { error: "invalid_grant" });
});
