/** The SDK and a real Countersign: each adapter, against a server process over PostgreSQL and Redis. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type BypassEntry, countersign, route } from "../../sdk/countersign.ts";
import { startDeployment } from "../oauth/deployment.ts";
import { athOf, proofKey, proofOf } from "../oauth/dpop-kit.ts";
import { basic, bearer, send } from "../oauth/http.ts";
import { adapters, heard, type Route } from "./kit.ts";

const deployment = await startDeployment();
after(() => deployment.close());

const audience = "https://books.example.com";
const acme = await deployment.tenant("Acme");
const globex = await deployment.tenant("Globex");
const account = await acme.perimeter("accounts");
const foreign = await globex.perimeter("accounts");

/** A gateway's role: it asks about others, and can do nothing else. */
const gatewayOf = async (tenant: typeof acme) => {
  const { resource } = await tenant.does("/v1/roles", {
    display_name: "Gateway",
    permissions: ["tokens:introspect", "access:check"],
  });
  const { client_id, client_secret } = await tenant.account({ role: String(resource) });
  return { clientId: client_id, clientSecret: client_secret };
};
const credentials = await gatewayOf(acme);
const viewer = await acme.account({ role: "viewer" });
const nobody = await acme.account();
const stranger = await globex.account({ role: "owner" });
const tokenOf = (client: typeof viewer, fields = {}) => deployment.token(client, { resource: audience, ...fields });

const books: readonly Route[] = [
  {
    method: "get",
    path: "/accounts/:id",
    policy: route({
      permission: "accounts:read",
      resource: ({ params }) => `accounts/${params["id"]}`,
      tenant: ({ header }) => header("acting-tenant"),
    }),
  },
  { method: "get", path: "/whole", policy: route({ permission: "accounts:read" }) },
];
const id = account.ref.split("/")[1];
const foreignId = foreign.ref.split("/")[1];

for (const [name, start] of Object.entries(adapters))
  test(`${name}: a real token is let in where a real role says so, and a revocation is seen by the next request`, async (t) => {
    const { platform } = heard();
    const api = countersign({ issuer: deployment.issuer, audience, credentials, platform });
    const service = await start(api, books);
    t.after(() => service.close());
    const get = async (path: string, token: string) => send(service.url + path, { headers: bearer(token) });

    const token = await tokenOf(viewer);
    const answer = await get(`/accounts/${id}`, token);
    assert.equal(answer.status, 200, answer.text);
    const { caller } = answer.json<{ caller: Record<string, unknown> }>();
    assert.equal(caller["subject"], viewer.ref);
    assert.equal(caller["tenant_id"], acme.id);
    assert.equal(caller["kind"], "service");
    assert.equal((await get("/whole", token)).status, 200);

    const none = await get(`/accounts/${id}`, await tokenOf(nobody));
    assert.equal(none.status, 403, none.text);
    assert.equal(none.json()["permission"], "accounts:read");
    assert.equal((await get(`/accounts/${foreignId}`, token)).status, 404, "another tenant's");
    assert.equal((await get(`/accounts/${acme.id}`, token)).status, 404, "one that never was");
    assert.equal(
      (await get(`/accounts/${foreignId}`, await tokenOf(stranger))).status,
      404,
      "not this gateway's tenant",
    );
    const narrow = await get(`/accounts/${id}`, await tokenOf(viewer, { scope: "clients:read" }));
    assert.equal(narrow.status, 403);
    assert.match(String(narrow.headers["www-authenticate"]), /insufficient_scope.* scope="accounts:read"/);
    assert.equal((await get("/whole", await deployment.token(viewer))).status, 401, "a token for Countersign itself");

    const revoked = await deployment.form("/oauth/revoke", { token }, basic(viewer.client_id, viewer.client_secret));
    assert.equal(revoked.status, 200);
    assert.equal((await get(`/accounts/${id}`, token)).status, 401);
  });

const node = adapters["node"];
assert.ok(node);

test("introspection: opaque and API tokens are let in, and a revoked one is not", async (t) => {
  const { platform } = heard();
  const settings = { issuer: deployment.issuer, credentials, platform, verify: "introspection" } as const;
  const service = await node(countersign({ ...settings, audience: [audience, deployment.issuer] }), books);
  t.after(() => service.close());
  const status = async (token: string) =>
    (await send(`${service.url}/accounts/${id}`, { headers: bearer(token) })).status;
  const opaque = await acme.account({ role: "viewer", access_token_format: "opaque" });
  const token = await tokenOf(opaque);
  assert.ok(token.startsWith("cs_"));
  assert.equal(await status(token), 200);
  const owner = await acme.account({ role: "owner" });
  const api = await deployment.apiToken(await deployment.token(owner), ["accounts:read"]);
  assert.equal(await status(api.token), 200);
  await acme.does(`/v1/${api.ref}:revoke`, {});
  assert.equal(await status(api.token), 401);
});

test("without credentials the caller's own token asks", async (t) => {
  const { platform } = heard();
  const service = await node(countersign({ issuer: deployment.issuer, audience: deployment.issuer, platform }), books);
  t.after(() => service.close());
  const status = async (token: string) => (await send(`${service.url}/whole`, { headers: bearer(token) })).status;
  assert.equal(await status(await deployment.token(viewer)), 200);
  assert.equal(await status(await deployment.token(nobody)), 403);
});

test("a token that is bound to a key by DPoP is let in with its proof, once", async (t) => {
  const { platform } = heard();
  const service = await node(countersign({ issuer: deployment.issuer, audience, credentials, platform }), books);
  t.after(() => service.close());
  const own = proofKey();
  const endpoint = `${deployment.issuer}/oauth/token`;
  const ask = (nonce?: string) =>
    deployment.form(
      "/oauth/token",
      { grant_type: "client_credentials", resource: audience },
      {
        ...basic(viewer.client_id, viewer.client_secret),
        dpop: proofOf(own, "POST", endpoint, nonce === undefined ? {} : { claims: { nonce } }),
      },
    );
  const nonce = String((await ask()).headers["dpop-nonce"]);
  const { access_token: token, token_type } = (await ask(nonce)).json<{ access_token: string; token_type: string }>();
  assert.equal(token_type, "DPoP");
  const proof = proofOf(own, "GET", `${audience}/whole`, { claims: { ath: athOf(token) } });
  const headers = { authorization: `DPoP ${token}`, dpop: proof };
  const first = await send(`${service.url}/whole`, { headers });
  assert.equal(first.status, 200, first.text);
  assert.equal((await send(`${service.url}/whole`, { headers })).status, 401);
  assert.equal((await send(`${service.url}/whole`, { headers: bearer(token) })).status, 401);
});

test("a super admin is let into the tenant that is named, and the bypass is on record; a role of the tenant leaves none", async (t) => {
  const { platform } = heard();
  const entries: BypassEntry[] = [];
  const [server] = deployment.servers;
  assert.ok(server);
  const { client_id: clientId, client_secret: clientSecret } = server.bootstrap;
  const api = countersign({
    issuer: deployment.issuer,
    audience,
    // Whoever asks about the host's principals has to be one.
    credentials: { clientId, clientSecret },
    platform,
    audit: (entry) => void entries.push(entry),
  });
  const service = await node(api, books);
  t.after(() => service.close());
  const get = (token: string, tenant: string) =>
    send(`${service.url}/accounts/${foreignId}`, { headers: { ...bearer(token), "acting-tenant": tenant } });
  const admin = await deployment.token({ client_id: clientId, client_secret: clientSecret }, { resource: audience });
  const answer = await get(admin, globex.ref);
  assert.equal(answer.status, 200, answer.text);
  const { caller } = answer.json<{ caller: Record<string, unknown> }>();
  assert.deepEqual([caller["bypass"], caller["tenant_id"]], [true, globex.id]);
  assert.equal(entries.length, 1);
  assert.equal(entries[0]?.because["rule"], "host_role");
  assert.equal((await get(admin, acme.ref)).status, 404, "it is not there");
  const own = await get(await tokenOf(stranger), globex.ref);
  assert.equal(own.status, 200, own.text);
  assert.equal(own.json<{ caller: { bypass: boolean } }>().caller.bypass, false);
  assert.equal((await get(await tokenOf(stranger), acme.ref)).status, 404, "nobody else goes anywhere");
  assert.equal(entries.length, 1);
});
