// What the server says about itself (RFC 8414, OpenID Connect Discovery): to be found where clients look, and true.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as client from "openid-client";
import { type Deployment, startDeployment } from "./deployment.ts";
import { send } from "./http.ts";

const plain = await startDeployment();
const pathed = await startDeployment({ issuerPath: "/identity/v1" });
after(async () => {
  await plain.close();
  await pathed.close();
});

const insertion = (name: string, path: string): string => `/.well-known/${name}${path}`;
const suffix = (name: string, path: string): string => `${path}/.well-known/${name}`;
const names = ["oauth-authorization-server", "openid-configuration"] as const;
const rootOf = (deployment: Deployment): string => new URL(deployment.base()).origin;

const cases = [
  { title: "an issuer without a path", deployment: plain, path: "" },
  { title: "an issuer with a path", deployment: pathed, path: "/identity/v1" },
];

for (const { title, deployment, path } of cases) {
  test(`RFC 8414 §3, OIDC Discovery §4: ${title} is found by insertion and by suffix, in both documents, with the issuer to the octet`, async () => {
    for (const name of names)
      for (const place of [insertion(name, path), suffix(name, path)]) {
        const answer = await send(rootOf(deployment) + place);
        assert.equal(answer.status, 200, place);
        assert.match(answer.headers["content-type"] ?? "", /^application\/json/);
        assert.equal(answer.json<{ issuer: string }>().issuer, deployment.issuer, place);
        assert.ok(answer.text.includes(`"issuer":${JSON.stringify(deployment.issuer)}`));
      }
  });

  test(`RFC 8414 §2: what ${title} advertises is there, and is complete`, async () => {
    const metadata = (await send(rootOf(deployment) + insertion(names[0], path))).json<
      Record<string, readonly string[]>
    >();
    for (const endpoint of ["token_endpoint", "introspection_endpoint", "revocation_endpoint"]) {
      const url = new URL(String(metadata[endpoint]));
      assert.ok(url.href.startsWith(`${deployment.issuer}/`), url.href);
      assert.equal((await send(rootOf(deployment) + url.pathname, { method: "POST" })).status, 401, endpoint);
    }
    assert.deepEqual(metadata["grant_types_supported"], [
      "client_credentials",
      "authorization_code",
      "refresh_token",
      "urn:ietf:params:oauth:grant-type:device_code",
    ]);
    assert.deepEqual(metadata["response_types_supported"], ["code"]);
    assert.ok(metadata["id_token_signing_alg_values_supported"]?.includes("RS256"), "OIDC Discovery §3");
    assert.ok(metadata["scopes_supported"]?.includes("openid"), "OIDC Discovery §3");
    assert.deepEqual(metadata["code_challenge_methods_supported"], ["S256"]);
    const anybody = ["authorization", "userinfo", "end_session", "registration"].map((name) => `${name}_endpoint`);
    const clients = ["pushed_authorization_request_endpoint", "device_authorization_endpoint"];
    for (const endpoint of [...anybody, ...clients]) {
      const url = new URL(String(metadata[endpoint]));
      assert.ok(url.href.startsWith(`${deployment.issuer}/oauth/`), url.href);
      assert.notEqual((await send(rootOf(deployment) + url.pathname, { method: "POST" })).status, 404, endpoint);
    }
    for (const about of ["token", "introspection", "revocation"]) {
      const methods = metadata[`${about}_endpoint_auth_methods_supported`] ?? [];
      for (const method of ["client_secret_basic", "client_secret_post", "private_key_jwt"])
        assert.ok(methods.includes(method), `${about} ${method}`);
      const algorithms = metadata[`${about}_endpoint_auth_signing_alg_values_supported`] ?? [];
      for (const algorithm of ["ES256", "PS256", "EdDSA"])
        assert.ok(algorithms.includes(algorithm), `${about} ${algorithm}`);
      assert.ok(!algorithms.includes("none"));
    }
  });

  test(`RFC 7517 §4: the key set of ${title} shows public members only, each key with a name, a use and an algorithm`, async () => {
    const metadata = (await send(rootOf(deployment) + suffix(names[1], path))).json<{ jwks_uri: string }>();
    const { keys } = (await send(rootOf(deployment) + new URL(metadata.jwks_uri).pathname)).json<{
      keys: Record<string, string>[];
    }>();
    assert.ok(keys.length > 0);
    for (const key of keys) {
      assert.deepEqual(Object.keys(key).toSorted(), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
      assert.deepEqual([key["alg"], key["use"], key["kty"], key["crv"]], ["ES256", "sig", "EC", "P-256"]);
    }
  });

  test(`openid-client discovers ${title} both ways, and lives with what it finds`, async () => {
    const tenant = await deployment.tenant();
    const account = await tenant.account({ role: "owner" });
    for (const algorithm of ["oidc", "oauth2"] as const) {
      const authentication = client.ClientSecretBasic(account.client_secret);
      const options = { algorithm, execute: [client.allowInsecureRequests] };
      const config = await client.discovery(
        new URL(deployment.issuer),
        account.client_id,
        undefined,
        authentication,
        options,
      );
      assert.equal(config.serverMetadata().issuer, deployment.issuer);
      const { access_token } = await client.clientCredentialsGrant(config);
      assert.equal((await client.tokenIntrospection(config, access_token)).active, true);
      await client.tokenRevocation(config, access_token);
      assert.equal((await client.tokenIntrospection(config, access_token)).active, false);
    }
  });
}

test("RFC 8414 §3: an issuer's path is part of it: nothing is served beside it", async () => {
  const tenant = await pathed.tenant();
  const account = await tenant.account();
  assert.ok(await pathed.token(account));
  for (const path of ["/oauth/token", "/oauth/introspect", "/v1/organizations", "/oauth/jwks"])
    assert.equal(
      (await send(rootOf(pathed) + path, { method: path.endsWith("jwks") ? "GET" : "POST" })).status,
      404,
      path,
    );
});

test("RFC 8414 §3: the documents are public, so they may be cached and read from any origin; they answer GET alone", async () => {
  for (const name of names) {
    const answer = await send(rootOf(plain) + insertion(name, ""));
    assert.match(answer.headers["cache-control"] ?? "", /^public, max-age=\d+$/);
    assert.equal(answer.headers["access-control-allow-origin"], "*");
    assert.equal((await send(rootOf(plain) + insertion(name, ""), { method: "POST" })).status, 405);
  }
});
