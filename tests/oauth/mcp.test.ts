// What an MCP client does (MCP 2025-06-18, "Authorization"): it has the URL of an API and nothing else. A refusal leads it to the
// resource's metadata, that to the authorization server, that to a registration, and a plain code flow to a token for this resource.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as oauth from "oauth4webapi";
import { hostTenant } from "../../core/ids.ts";
import { openBrowser } from "../support/browser.ts";
import { authorizeKit } from "./authorize-kit.ts";
import { startDeployment } from "./deployment.ts";

const deployment = await startDeployment();
after(deployment.close);
const kit = authorizeKit(deployment);
const acme = await deployment.tenant("Acme");
const ada = await kit.human(acme, { role: "owner" });
// The host lets clients register themselves, and the tenant lets such clients in.
await deployment.sql(
  `insert into sign_in_policies (tenant_id, document, revision, create_time, update_time)
   select unnest($1::uuid[]), '{"dynamic_registration":"on"}', 1, now(), now()
   on conflict (tenant_id) do update set document = excluded.document`,
  [[hostTenant, acme.id]],
);
const insecure = { [oauth.allowInsecureRequests]: true } as const;
const callback = "http://127.0.0.1:3118/callback";

test("RFC 9728, RFC 7591, RFC 8707: from a URL alone to a call that succeeds", async () => {
  const api = new URL(`${deployment.issuer}/v1/accounts`);
  const refused = await fetch(api);
  assert.equal(refused.status, 401);
  const pointer = /resource_metadata="([^"]+)"/.exec(refused.headers.get("www-authenticate") ?? "")?.[1] ?? "";
  const metadata = (await (await fetch(pointer)).json()) as oauth.ResourceServer;
  assert.ok(api.href.startsWith(metadata.resource), "the resource is what was asked, or stands above it");

  const issuer = new URL(metadata.authorization_servers?.[0] ?? "");
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }),
  );
  assert.ok(server.code_challenge_methods_supported?.includes("S256"), "an MCP client refuses to go on without it");
  const client = await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(
      server,
      {
        client_name: "Inspector",
        redirect_uris: [callback],
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        token_endpoint_auth_method: "none",
        scope: "accounts:read",
      },
      insecure,
    ),
  );

  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const asked = new URL(server.authorization_endpoint ?? "");
  const parameters = {
    response_type: "code",
    client_id: client.client_id,
    redirect_uri: callback,
    scope: "accounts:read",
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    resource: metadata.resource,
  };
  for (const [name, value] of Object.entries(parameters)) asked.searchParams.set(name, value);
  const browser = openBrowser(deployment.issuer);
  const [name = "", value = ""] = ada.cookie.split("=");
  browser.cookies.set(name, value);
  const consent = await browser.get(asked.pathname + asked.search);
  assert.ok(consent.text.includes("Inspector"), "a client that registered itself is shown to the human");
  const left = await browser.submit({ decision: "allow" }, "/consent");
  const back = oauth.validateAuthResponse(server, client, new URL(left.leftFor ?? ""), state);

  const tokens = await oauth.processAuthorizationCodeResponse(
    server,
    client,
    await oauth.authorizationCodeGrantRequest(server, client, oauth.None(), back, callback, verifier, {
      ...insecure,
      additionalParameters: { resource: metadata.resource },
    }),
  );
  const answer = await oauth.protectedResourceRequest(tokens.access_token, "GET", api, undefined, undefined, insecure);
  assert.equal(answer.status, 200);

  // RFC 6750 §3.1: what the token does not reach is named, so that the client can ask for it.
  const beyond = await fetch(new URL(`${deployment.issuer}/v1/users`), {
    headers: { authorization: `Bearer ${tokens.access_token}` },
  });
  assert.equal(beyond.status, 403);
  assert.match(
    beyond.headers.get("www-authenticate") ?? "",
    /error="insufficient_scope", scope="users:read", resource_metadata=/,
  );

  // A token for another server opens nothing here.
  const elsewhere = await fetch(api, { headers: { authorization: `Bearer ${await forAnother()}` } });
  assert.equal(elsewhere.status, 401);
});

const forAnother = async (): Promise<string> =>
  deployment.token(await acme.account({ role: "owner" }), { resource: "https://mcp.acme.example" });
