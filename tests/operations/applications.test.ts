// Applications over the whole way of an operation: who may register what, what is shown once, and what ends with them.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, test } from "node:test";
import { formatRef, hostTenant, type TenantId } from "../../core/ids.ts";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import { createRole } from "../../server/access/roles/create-role.ts";
import { createApplication } from "../../server/clients/create-application.ts";
import { deleteApplication } from "../../server/clients/delete-application.ts";
import { disableApplication, enableApplication } from "../../server/clients/disable-application.ts";
import { findClient } from "../../server/clients/find-client.ts";
import { getApplication } from "../../server/clients/get-application.ts";
import { listApplications } from "../../server/clients/list-applications.ts";
import { applicationOperations } from "../../server/clients/operations.ts";
import { rotateApplicationSecret } from "../../server/clients/rotate-secret.ts";
import { patchApplication } from "../../server/clients/update-application.ts";
import { suspendPerimeter } from "../../server/perimeters/suspend-perimeter.ts";
import { newId } from "../../server/platform/random.ts";
import { openWorkbench } from "../support/engine.ts";

const bench = await openWorkbench();
after(bench.close);

const redirect_uris = ["https://app.example/callback"];
const application = (tenant: TenantId, more: object = {}) => ({
  parent: bench.rootRef(tenant),
  display_name: "An app",
  redirect_uris,
  ...more,
});
const client = (clientId: unknown) => findClient(bench.engine.platform, String(clientId));
const publicKey = () => {
  const { publicKey: key } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...key.export({ format: "jwk" }), kid: "one" };
};

test("RFC 7591 §2: what is not said has its default, and the registration reads back as it is kept", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const { client_secret, ...made } = await bench.ok(createApplication, owner, application(tenant));
  assert.match(String(client_secret), /^cs_app_/);
  assert.match(String(made["client_id"]), /^app_live_[A-Za-z0-9_-]{38}$/);
  const defaults = {
    redirect_uris,
    grant_types: ["authorization_code"],
    response_types: ["code"],
    token_endpoint_auth_method: "client_secret_basic",
    application_type: "web",
    id_token_signed_response_alg: "RS256",
    access_token_format: "jwt",
    require_pkce: true,
    source: "managed",
    first_party: false,
    state: "active",
  };
  for (const [name, value] of Object.entries(defaults)) assert.deepEqual(made[name], value, name);
  assert.deepEqual(await bench.ok(getApplication, owner, { id: made["id"] }), made);
  const found = await client(made["client_id"]);
  assert.equal(found?.tenant, tenant);
  assert.equal(found?.metadata.token_endpoint_auth_method, "client_secret_basic");
});

test("a client secret is shown once: not by a replay, not by a list, and nowhere in the database", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const secrets: string[] = [];
  const once = async (operation: typeof createApplication, asked: object) => {
    const key = { idempotencyKey: newId<string>() };
    const { client_secret, ...shown } = await bench.ok(operation, owner, asked, key);
    assert.ok(typeof client_secret === "string");
    secrets.push(client_secret);
    assert.deepEqual(await bench.ok(operation, owner, asked, key), shown);
    return shown;
  };
  const { id } = await once(createApplication, application(tenant));
  await once(rotateApplicationSecret, { id });
  const listed = JSON.stringify(await bench.ok(listApplications, owner, {}));
  const stored = JSON.stringify([
    await bench.events(tenant),
    await bench.audit(tenant),
    await bench.sql(tenant, "test.answers", "select response from idempotency_keys where tenant_id = $1", [tenant]),
    await bench.sql(tenant, "test.applications", "select * from applications where tenant_id = $1", [tenant]),
  ]);
  for (const secret of secrets) assert.ok(!listed.includes(secret) && !stored.includes(secret));
});

test("a secret is for clients that have one; two are alive at most, and the old one ends when the rotation says", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const made = await bench.ok(createApplication, owner, application(tenant, { token_endpoint_auth_method: "none" }));
  assert.equal(made["client_secret"], undefined);
  await bench.refused("illegal_transition", rotateApplicationSecret, owner, { id: made.id });

  const { id, client_id } = await bench.ok(createApplication, owner, application(tenant));
  assert.equal((await client(client_id))?.secrets.length, 1);
  const overlapping = await bench.ok(rotateApplicationSecret, owner, { id, overlap_seconds: 60 });
  assert.equal(Date.parse(String(overlapping["previous_expire_time"])), bench.clock.ms + 60_000);
  assert.equal((await client(client_id))?.secrets.length, 2);
  await bench.refused("illegal_transition", rotateApplicationSecret, owner, { id, overlap_seconds: 60 });
  await bench.ok(rotateApplicationSecret, owner, { id });
  assert.equal((await client(client_id))?.secrets.length, 1);
  const { etag } = await bench.ok(getApplication, owner, { id });
  const jwks = { keys: [publicKey()] };
  await bench.ok(
    patchApplication,
    owner,
    { id, token_endpoint_auth_method: "private_key_jwt", jwks },
    { ifMatch: etag },
  );
  assert.equal((await client(client_id))?.secrets.length, 0, "a secret that is not asked for any more has ended");
});

test("RFC 6749 §3.1.2: redirect URIs are https, loopback, or a private-use scheme of a native application", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const refused = [
    "http://app.example/callback",
    "https://app.example/#here",
    "https://app.example/#",
    "https://*.example/callback",
    "https://app.example/*",
    "https://user@app.example/",
    "https://user:pass@app.example/",
    "https://@app.example/",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "data:text/html,x",
    "DATA:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "urn:ietf:wg:oauth:2.0:oob",
    "myapp://callback",
    "/callback",
    "//app.example/callback",
    "https:/app.example",
    "https:app.example",
    "https://",
    "https:///callback",
    "https://app.example\\@evil.example/",
    "https://app.example/ x",
    "https://app.example/\n",
    "https://äpp.example/",
    "http://127.0.0.1.evil.example/",
    "http://localhost@evil.example/",
    "http://0.0.0.0/",
    "ftp://app.example/",
    "",
  ];
  for (const uri of refused) {
    const asked = application(tenant, { redirect_uris: [uri], application_type: "native" });
    const { fault } = (await bench.call(createApplication, owner, asked)) as { fault: string };
    assert.ok(fault === "invalid_redirect_uri" || (uri === "" && fault === "invalid_argument"), `${uri}: ${fault}`);
  }
  const accepted = [
    "https://app.example",
    "https://app.example:8443/callback?x=y",
    "http://127.0.0.1/callback",
    "http://127.0.0.1:9999/",
    "http://[::1]:3000/callback",
    "http://localhost:3000/callback",
    "com.example.app:/callback",
    "com.example.app://callback",
  ];
  await bench.ok(
    createApplication,
    owner,
    application(tenant, { redirect_uris: accepted, application_type: "native" }),
  );
  await bench.refused(
    "invalid_redirect_uri",
    createApplication,
    owner,
    application(tenant, { redirect_uris: ["com.example.app:/callback"], application_type: "web" }),
  );
  const many = Array.from({ length: 21 }, (_, n) => `https://app.example/${n}`);
  await bench.refused("invalid_argument", createApplication, owner, application(tenant, { redirect_uris: many }));
  await bench.refused("invalid_redirect_uri", createApplication, owner, application(tenant, { redirect_uris: [] }));
});

test("RFC 7591 §2: metadata that contradicts itself, or asks for what is not served, is refused", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const key = publicKey();
  const { d: _d, ...symmetric } = { kty: "oct", k: "c2VjcmV0", kid: "two", d: undefined };
  const wrong: readonly object[] = [
    { grant_types: ["refresh_token"] },
    { grant_types: [] },
    { response_types: [] },
    { token_endpoint_auth_method: "private_key_jwt" },
    { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key] }, jwks_uri: "https://app.example/jwks" },
    { token_endpoint_auth_method: "private_key_jwt", jwks_uri: "http://app.example/jwks" },
    { jwks: { keys: [symmetric] } },
    { jwks: { keys: [{ ...key, d: "x" }] } },
    { jwks: { keys: [key, key] } },
    { token_endpoint_auth_signing_alg: "ES256" },
    { require_signed_request_object: true },
    { scope: "openid nothing:read" },
    { scope: "openid  profile" },
    { token_endpoint_auth_method: "none", require_pkce: false },
    { refresh_token_rotation: "fixed" },
    { token_endpoint_auth_method: "none", dpop_bound_access_tokens: true, refresh_token_rotation: "fixed" },
    { logo_uri: "data:image/png;base64,x" },
    { tos_uri: "javascript:alert(1)" },
    { backchannel_logout_uri: "https://app.example/logout#x" },
    { post_logout_redirect_uris: ["javascript:alert(1)"] },
  ];
  for (const more of wrong)
    await bench.refused("invalid_client_metadata", createApplication, owner, application(tenant, more));
  const unknown: readonly object[] = [
    { token_endpoint_auth_method: "client_secret_jwt" },
    { id_token_signed_response_alg: "none" },
    { request_object_signing_alg: "HS256" },
    { grant_types: ["implicit"] },
    { response_types: ["token"] },
    { nothing: 1 },
  ];
  for (const more of unknown)
    await bench.refused("invalid_argument", createApplication, owner, application(tenant, more));
  const fapi = {
    token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_signing_alg: "PS256",
    jwks_uri: "https://app.example/jwks",
    require_pushed_authorization_requests: true,
    dpop_bound_access_tokens: true,
    refresh_token_rotation: "fixed",
    grant_types: ["authorization_code", "refresh_token"],
    id_token_signed_response_alg: "PS256",
    scope: "openid offline_access accounts:read clients:*",
  };
  await bench.ok(createApplication, owner, application(tenant, fapi));
});

test("a change names what it changes, needs If-Match, and is checked together with what is kept", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const { id, etag, client_id } = await bench.ok(createApplication, owner, application(tenant));
  await bench.refused("precondition_required", patchApplication, owner, { id, display_name: "Renamed" });
  await bench.refused("etag_mismatch", patchApplication, owner, { id, display_name: "No" }, { ifMatch: "r7" });
  await bench.refused(
    "invalid_client_metadata",
    patchApplication,
    owner,
    { id, grant_types: ["refresh_token"] },
    { ifMatch: etag },
  );
  await bench.refused("invalid_redirect_uri", patchApplication, owner, { id, redirect_uris: [] }, { ifMatch: etag });
  const change = { id, display_name: "Renamed", logo_uri: "https://app.example/logo.png", scope: "openid" };
  const changed = await bench.ok(patchApplication, owner, change, { ifMatch: etag });
  assert.deepEqual([changed["display_name"], changed["scope"], changed.etag], ["Renamed", "openid", "r2"]);
  const cleared = await bench.ok(patchApplication, owner, { id, logo_uri: null }, { ifMatch: "r2" });
  assert.equal(cleared["logo_uri"], null);
  assert.equal((await client(client_id))?.metadata.scope, "openid");
});

test("invariant 7: disabled, deleted, or below a suspended perimeter, a client is none, at once", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const { id, client_id } = await bench.ok(createApplication, owner, application(tenant));
  const lives = async () => (await client(client_id)) !== undefined;
  assert.ok(await lives());
  assert.ok(await lives(), "from the cache as well");
  await bench.ok(disableApplication, owner, { id });
  assert.ok(!(await lives()));
  await bench.refused("illegal_transition", disableApplication, owner, { id });
  await bench.ok(enableApplication, owner, { id });
  assert.ok(await lives());
  await bench.ok(deleteApplication, owner, { id });
  assert.ok(!(await lives()));
  for (const operation of [getApplication, deleteApplication, enableApplication, rotateApplicationSecret])
    await bench.refused("not_found", operation, owner, { id });
  assert.deepEqual((await bench.ok(listApplications, owner, {})).items, []);

  const node = await bench.node(tenant, "client");
  const below = await bench.ok(createApplication, owner, application(tenant, { parent: formatRef("clients", node) }));
  assert.ok(await client(below["client_id"]));
  const clients = [...bench.model.perimeters.values()].find(({ type }) => type === "client");
  assert.ok(clients);
  await bench.ok(suspendPerimeter(clients), owner, { id: node });
  assert.equal(await client(below["client_id"]), undefined);
});

test("invariant 8: a first-party application needs the whole tenant's trust, to be made and to be changed", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const node = await bench.node(tenant, "client");
  const parent = formatRef("clients", node);
  const keeper = await bench.ok(createRole, owner, {
    display_name: "Keeper of applications",
    permissions: ["applications:*"],
  });
  const clerk = await bench.callerWith(tenant, undefined);
  const principal = formatRef("service-accounts", clerk.principal.id);
  await bench.ok(createRoleAssignment, owner, { parent, principal, role: keeper["resource"] });

  await bench.refused(
    "permission_denied",
    createApplication,
    clerk,
    application(tenant, { parent, first_party: true }),
  );
  await bench.refused("permission_denied", createApplication, clerk, application(tenant));
  const own = await bench.ok(createApplication, clerk, application(tenant, { parent }));
  await bench.refused(
    "permission_denied",
    patchApplication,
    clerk,
    { id: own.id, first_party: true },
    { ifMatch: "r1" },
  );

  const trusted = await bench.ok(createApplication, owner, application(tenant, { parent, first_party: true }));
  const stolen = { id: trusted.id, redirect_uris: ["https://evil.example/"] };
  await bench.refused("permission_denied", patchApplication, clerk, stolen, { ifMatch: "r1" });
  await bench.refused("permission_denied", rotateApplicationSecret, clerk, { id: trusted.id });
  await bench.ok(disableApplication, clerk, { id: trusted.id });
  await bench.refused("permission_denied", enableApplication, clerk, { id: trusted.id });
  assert.equal((await bench.ok(getApplication, owner, { id: trusted.id }))["first_party"], true);
});

test("the host's applications are the host's alone", async () => {
  const made = await bench.ok(createApplication, bench.host, {
    parent: formatRef("host", hostTenant),
    display_name: "The console",
    redirect_uris,
    first_party: true,
  });
  assert.equal((await client(made["client_id"]))?.tenant, hostTenant);
  const tenant = await bench.tenant();
  await bench.refused("not_found", getApplication, await bench.ownerOf(tenant), { id: made.id });
});

test("another tenant's application answers like one that never was, whatever is tried", async () => {
  const [mine, theirs] = [await bench.tenant(), await bench.tenant()];
  const owner = await bench.ownerOf(mine);
  const other = (await bench.ok(createApplication, await bench.ownerOf(theirs), application(theirs))).id;
  const before = (await bench.audit(theirs)).length;
  const never = newId<string>();
  for (const operation of applicationOperations.filter((one) => one.path.includes("{id}"))) {
    const input = (id: string) => (operation.method === "PATCH" ? { id, display_name: "No" } : { id });
    const seen = await bench.refused("not_found", operation, owner, input(other));
    const unseen = await bench.refused("not_found", operation, owner, input(never));
    assert.equal(seen.detail.replace(other, never), unseen.detail);
  }
  assert.equal((await bench.audit(theirs)).length, before);
  await bench.refused(
    "permission_denied",
    createApplication,
    await bench.callerWith(mine, "member"),
    application(mine),
  );
});

test("applications are listed by name, state, source and perimeter", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const parent = formatRef("clients", await bench.node(tenant, "client"));
  const here = await bench.ok(createApplication, owner, application(tenant, { display_name: "Listed here" }));
  const below = await bench.ok(createApplication, owner, application(tenant, { parent, display_name: "Listed below" }));
  await bench.ok(disableApplication, owner, { id: below.id });
  const ids = async (input: object) => (await bench.ok(listApplications, owner, input)).items.map(({ id }) => id);
  assert.deepEqual((await ids({ filter: "display_name : listed" })).toSorted(), [here.id, below.id].toSorted());
  assert.deepEqual(await ids({ parent }), [below.id]);
  assert.deepEqual(await ids({ filter: "state = disabled" }), [below.id]);
  assert.deepEqual(await ids({ filter: "source = registered" }), []);
  assert.deepEqual(await ids({ filter: `client_id = ${String(here["client_id"])}` }), [here.id]);
});
