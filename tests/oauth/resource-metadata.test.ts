// Protected resource metadata (RFC 9728): from a refusal to the authorization server, with nothing but a URL to begin with.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import * as oauth from "oauth4webapi";
import { startDeployment } from "./deployment.ts";
import { basic } from "./http.ts";

const deployment = await startDeployment({ issuerPath: "/auth" });
after(deployment.close);
const { issuer } = deployment;
const { origin } = new URL(issuer);
const insecure = { [oauth.allowInsecureRequests]: true } as const;

test("RFC 9728 §3.1: the well-known part stands before the resource's path, for the API and each of its parts", async () => {
  for (const resource of [issuer, `${issuer}/v1`, `${issuer}/access/v1`]) {
    const identifier = new URL(resource);
    const found = await oauth.processResourceDiscoveryResponse(
      identifier,
      await oauth.resourceDiscoveryRequest(identifier, insecure),
    );
    assert.equal(found.resource, resource);
    assert.deepEqual(found.authorization_servers, [issuer]);
    assert.deepEqual(found.bearer_methods_supported, ["header"]);
    assert.ok(found.scopes_supported?.includes("users:read"));
    assert.ok(found.dpop_signing_alg_values_supported?.includes("ES256"));
  }
});

test("RFC 9728 §5.1: a 401 leads to the metadata, and the metadata to the authorization server", async () => {
  const refused = await fetch(`${deployment.base()}/v1/users`);
  assert.equal(refused.status, 401);
  const pointer = /resource_metadata="([^"]+)"/.exec(refused.headers.get("www-authenticate") ?? "")?.[1];
  assert.equal(pointer, `${origin}/.well-known/oauth-protected-resource/auth`);
  const metadata = (await (await fetch(pointer ?? "")).json()) as { authorization_servers: string[] };
  const server = new URL(metadata.authorization_servers[0] ?? "");
  const discovered = await oauth.processDiscoveryResponse(
    server,
    await oauth.discoveryRequest(server, { algorithm: "oauth2", ...insecure }),
  );
  assert.equal(discovered.issuer, issuer);
});

test("RFC 8707 §2, RFC 9728 §2: a token for one of the API's own resources is taken there; one for another server is not", async () => {
  const tenant = await deployment.tenant();
  const owner = await tenant.account({ role: "owner" });
  for (const resource of [issuer, `${issuer}/v1`, `${issuer}/access/v1`]) {
    const token = await deployment.token(owner, { resource });
    assert.equal((await deployment.get("/v1/service-accounts", token)).status, 200, resource);
  }
  for (const resource of [`${issuer}/v2`, `${origin}/v1`, "https://api.acme.example"]) {
    const token = await deployment.token(owner, { resource });
    assert.equal((await deployment.get("/v1/service-accounts", token)).status, 401, resource);
  }
});

test("RFC 6750 §3.1, RFC 9728 §5.1: a 403 names the scope that is missing, and points to the metadata", async () => {
  const tenant = await deployment.tenant();
  const narrow = await tenant.account({ role: "owner", scopes: ["users:read"] });
  const answer = await deployment.get("/v1/service-accounts", await deployment.token(narrow));
  assert.equal(answer.status, 403);
  assert.equal(
    answer.headers["www-authenticate"],
    `Bearer realm="countersign", error="insufficient_scope", scope="service-accounts:read", resource_metadata="${origin}/.well-known/oauth-protected-resource/auth"`,
  );
});

test("RFC 8707 §2: a resource that is no absolute URI without a fragment is invalid_target, and so are too many", async () => {
  const tenant = await deployment.tenant();
  const owner = await tenant.account({ role: "owner" });
  const many = Array.from({ length: 11 }, () => `https://${randomUUID()}.example`);
  for (const resource of ["api", "/v1", "https://api.acme.example/#x", `https://a.example/${"x".repeat(500)}`, many]) {
    const answer = await deployment.form(
      "/oauth/token",
      { grant_type: "client_credentials", resource },
      basic(owner.client_id, owner.client_secret),
    );
    assert.equal(answer.status, 400, answer.text);
    assert.equal(answer.json<{ error: string }>().error, "invalid_target");
  }
});
