// Real clients drive the machine's half of OAuth over real HTTP: openid-client 6 and oauth4webapi, as their users would.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { exportJWK, generateKeyPair } from "jose";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";
import { startDeployment } from "./deployment.ts";

const deployment = await startDeployment();
after(deployment.close);
const { issuer } = deployment;
const tenant = await deployment.tenant();
const insecure = { [oauth.allowInsecureRequests]: true };

const algorithms = ["ES256", "PS256", "EdDSA"] as const;
const keyOf = async (algorithm: (typeof algorithms)[number]) => {
  const pair = await generateKeyPair(algorithm, { extractable: true });
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: `the ${algorithm} key` };
  return { ...pair, jwk };
};

/** Obtains a token, looks into it, revokes it, and looks again: what every one of these clients must be able to do. */
const livesAndDies = async (config: client.Configuration, scope: string): Promise<void> => {
  const granted = await client.clientCredentialsGrant(config, { scope });
  assert.equal(granted.token_type, "bearer");
  assert.equal(granted.scope, scope);
  assert.equal(granted.expires_in, 900);
  const seen = await client.tokenIntrospection(config, granted.access_token);
  assert.equal(seen.active, true);
  assert.equal(seen.scope, scope);
  assert.equal(seen.client_id, config.clientMetadata().client_id);
  await client.tokenRevocation(config, granted.access_token);
  assert.deepEqual(await client.tokenIntrospection(config, granted.access_token), { active: false });
};

const discovered = (id: string, authentication: client.ClientAuth, algorithm: "oidc" | "oauth2" = "oidc") =>
  client.discovery(new URL(issuer), id, undefined, authentication, {
    algorithm,
    execute: [client.allowInsecureRequests],
  });

for (const access_token_format of ["jwt", "opaque"] as const) {
  test(`openid-client: client_secret_basic obtains, introspects and revokes a token (${access_token_format})`, async () => {
    const account = await tenant.account({ role: "owner", access_token_format });
    const config = await discovered(account.client_id, client.ClientSecretBasic(account.client_secret));
    await livesAndDies(config, "accounts:read clients:read");
  });

  test(`openid-client: client_secret_post obtains, introspects and revokes a token (${access_token_format})`, async () => {
    const account = await tenant.account({ role: "owner", access_token_format });
    const config = await discovered(account.client_id, client.ClientSecretPost(account.client_secret), "oauth2");
    await livesAndDies(config, "accounts:read");
  });
}

for (const algorithm of algorithms) {
  test(`openid-client: private_key_jwt with ${algorithm} obtains, introspects and revokes a token (RFC 7523)`, async () => {
    const { privateKey, jwk } = await keyOf(algorithm);
    const account = await tenant.account({ role: "owner", jwks: { keys: [jwk] } });
    const config = await discovered(account.client_id, client.PrivateKeyJwt({ key: privateKey, kid: jwk.kid }));
    await livesAndDies(config, "accounts:read");
  });

  test(`oauth4webapi: private_key_jwt with ${algorithm} obtains, introspects and revokes a token (RFC 7523)`, async () => {
    const { privateKey, jwk } = await keyOf(algorithm);
    const account = await tenant.account({ role: "owner", jwks: { keys: [jwk] } });
    await livesWith(account.client_id, oauth.PrivateKeyJwt({ key: privateKey, kid: jwk.kid }));
  });
}

/** The same life, spoken by the stricter library, which also validates the JWT as a resource server would (RFC 9068 §4). */
const livesWith = async (client_id: string, authentication: oauth.ClientAuth): Promise<void> => {
  const found = await oauth.discoveryRequest(new URL(issuer), { algorithm: "oauth2", ...insecure });
  const server = await oauth.processDiscoveryResponse(new URL(issuer), found);
  const self: oauth.Client = { client_id };
  const answer = await oauth.clientCredentialsGrantRequest(
    server,
    self,
    authentication,
    { scope: "accounts:read" },
    insecure,
  );
  const { access_token } = await oauth.processClientCredentialsResponse(server, self, answer);
  const request = new Request("http://api.example/", { headers: { authorization: `Bearer ${access_token}` } });
  const claims = await oauth.validateJwtAccessToken(server, request, issuer, insecure);
  assert.equal(claims.client_id, client_id);
  assert.equal(claims["tenant_id"], tenant.id);

  const ask = async () => {
    const asked = await oauth.introspectionRequest(server, self, authentication, access_token, insecure);
    return oauth.processIntrospectionResponse(server, self, asked);
  };
  assert.equal((await ask()).active, true);
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(server, self, authentication, access_token, insecure),
  );
  assert.deepEqual(await ask(), { active: false });
};

test("oauth4webapi: client_secret_basic obtains, validates, introspects and revokes a token", async () => {
  const account = await tenant.account({ role: "owner" });
  await livesWith(account.client_id, oauth.ClientSecretBasic(account.client_secret));
});

test("oauth4webapi: client_secret_post obtains, validates, introspects and revokes a token", async () => {
  const account = await tenant.account({ role: "owner" });
  await livesWith(account.client_id, oauth.ClientSecretPost(account.client_secret));
});

test("openid-client: a wrong secret is told apart as invalid_client, with its challenge (RFC 6749 §5.2)", async () => {
  const account = await tenant.account();
  const other = await tenant.account();
  const config = await discovered(account.client_id, client.ClientSecretBasic(other.client_secret));
  await assert.rejects(client.clientCredentialsGrant(config), (error: Error) => {
    assert.ok(error instanceof client.WWWAuthenticateChallengeError);
    assert.equal(error.status, 401);
    assert.equal(error.cause[0]?.scheme, "basic");
    return true;
  });
});

test("openid-client: invalid_scope and invalid_target arrive as such (RFC 6749 §5.2, RFC 8707 §2)", async () => {
  const account = await tenant.account({ scopes: ["accounts:read"] });
  const config = await discovered(account.client_id, client.ClientSecretPost(account.client_secret));
  const refusedWith = (error: string, parameters: Record<string, string>) =>
    assert.rejects(client.clientCredentialsGrant(config, parameters), {
      name: "ResponseBodyError",
      error,
      status: 400,
    });
  await refusedWith("invalid_scope", { scope: "accounts:delete" });
  await refusedWith("invalid_target", { resource: "https://api.example/#part" });
});
