// Nobody grants more than they hold (invariant 8): a tenant's most powerful principal tries to become more, in every way the API has.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { hostTenant } from "../../core/ids.ts";
import { startDeployment } from "../oauth/deployment.ts";
import type { Answer } from "../oauth/http.ts";

// The model that ships, with something of the host's own: a permission that no tenant's pattern may ever reach.
const folder = await mkdtemp(join(tmpdir(), "countersign-model-"));
const file = join(folder, "model.yaml");
const shipped = await readFile(new URL("../../models/default.yaml", import.meta.url), "utf8");
await writeFile(file, shipped.replace("\nresources:\n", "\nresources:\n  engines: { in: [host], actions: [start] }\n"));
const deployment = await startDeployment({ env: { COUNTERSIGN_MODEL: file } });
after(async () => {
  await deployment.close();
  await rm(folder, { recursive: true });
});
const tenant = await deployment.tenant("Acme");
const other = await deployment.tenant("Other");
const owner = await tenant.account({ role: "owner" });
const token = await deployment.token(owner);
const admin = await tenant.account({ role: "admin" });
const adminToken = await deployment.token(admin);
const later = new Date(Date.now() + 3_600_000).toISOString();

const post = (path: string, body: object, as = token, headers: Readonly<Record<string, string>> = {}) =>
  deployment.post(path, as, body, 0, headers);
/** Of what is there now: with the etag it has, as the host reads it. */
const patch = async (path: string, body: object, as: string): Promise<Answer> => {
  const host = { authorization: `Bearer ${deployment.host}`, "countersign-tenant": tenant.ref };
  const { etag } = (await deployment.send(path, { headers: host })).json<{ etag: string }>();
  const headers = { authorization: `Bearer ${as}`, "content-type": "application/json", "if-match": `"${etag}"` };
  return deployment.send(path, { method: "PATCH", headers, body: JSON.stringify(body) });
};
const refused = (answer: Answer, status: number, code: string): void => {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json<{ code: string }>().code, code, answer.text);
};
const assign = (body: object, as = token, headers = {}) =>
  post("/v1/role-assignments", { parent: tenant.ref, principal: owner.ref, ...body }, as, headers);
/** Asked of the host about itself: whether the principal may. */
const may = async (principal: string, permission: string, resource: { type: string; id: string }): Promise<boolean> => {
  const [type = "", id = ""] = principal.split("/");
  const asked = { subject: { type, id, properties: { tenant: tenant.ref } }, action: { name: permission }, resource };
  return (await post("/access/v1/evaluation", asked, deployment.host)).json<{ decision: boolean }>().decision;
};

test("invariant 8: a tenant's owner cannot make a role of permissions that only the host has", async () => {
  for (const permissions of [["engines:start"], ["engines:*"], ["accounts:read", "engines:start"]]) {
    refused(await post("/v1/roles", { display_name: "Host-like", permissions }), 400, "invalid_argument");
    refused(
      await post("/v1/roles", { display_name: "Host-like", permissions: [], within_grants: permissions }),
      400,
      "invalid_argument",
    );
    refused(
      await post("/v1/api-tokens", { display_name: "x", scopes: permissions, expire_time: later }),
      400,
      "invalid_argument",
    );
    refused(
      await post("/v1/service-accounts", { parent: tenant.ref, display_name: "x", scopes: permissions }),
      400,
      "invalid_argument",
    );
  }
  const [roles] = await deployment.sql<{ count: number }>("select count(*)::int from roles");
  assert.equal(roles?.count, 0);
});

test("invariant 8: patterns that seem to reach the host's permissions give none of them", async () => {
  const made = await post("/v1/roles", { display_name: "Everything", permissions: ["*", "organizations:*"] });
  assert.equal(made.status, 201, made.text);
  const account = await tenant.account();
  assert.equal(
    (await assign({ principal: account.ref, role: made.json<{ resource: string }>().resource })).status,
    201,
  );
  const powerful = await deployment.token(account, { scope: "*" });
  refused(await post("/v1/organizations", { display_name: "Mine" }, powerful), 403, "permission_denied");
  refused(await post(`/v1/organizations/${tenant.id}:suspend`, {}, powerful), 403, "permission_denied");
  refused(await post(`/v1/organizations/${other.id}:suspend`, {}, powerful), 404, "not_found");
  assert.equal(await may(account.ref, "accounts:read", { type: "organizations", id: tenant.id }), true);
  assert.equal(await may(account.ref, "engines:start", { type: "organizations", id: tenant.id }), false);
  // Even a pattern that got into the store some other way.
  await deployment.sql("update roles set permissions = '{engines:start,accounts:read}' where id = $1", [
    made.json<{ id: string }>().id,
  ]);
  await tenant.does("/v1/organizations/".concat(tenant.id, ":suspend"));
  await tenant.does("/v1/organizations/".concat(tenant.id, ":resume"));
  assert.equal(await may(account.ref, "accounts:read", { type: "organizations", id: tenant.id }), true);
  assert.equal(await may(account.ref, "engines:start", { type: "organizations", id: tenant.id }), false);
});

test("invariant 2: a tenant's owner cannot speak about another tenant, or the host, by the Countersign-Tenant header", async () => {
  for (const named of [other.ref, `organizations/${hostTenant}`, "host"]) {
    const headers = { "countersign-tenant": named };
    for (const answer of [
      await post("/v1/roles", { display_name: "Reader", permissions: ["accounts:read"] }, token, headers),
      await post("/v1/service-accounts", { parent: tenant.ref, display_name: "x" }, token, headers),
      await post(
        "/v1/api-tokens",
        { display_name: "x", scopes: ["accounts:read"], expire_time: later },
        token,
        headers,
      ),
      await deployment.send("/v1/users", { headers: { authorization: `Bearer ${token}`, ...headers } }),
      await deployment.send("/v1/events", { headers: { authorization: `Bearer ${token}`, ...headers } }),
    ])
      assert.ok([400, 404].includes(answer.status), `${named}: ${answer.text}`);
  }
  assert.equal((await deployment.sql("select from roles where tenant_id <> $1", [tenant.id])).length, 0);
});

test("invariant 8: a tenant's owner cannot assign a role of the host, nor anything at the host or in another tenant", async () => {
  refused(await assign({ role: "super_admin" }), 422, "not_admissible");
  refused(await assign({ role: "owner", parent: `organizations/${hostTenant}` }), 404, "not_found");
  refused(await assign({ role: "super_admin", parent: `host/${hostTenant}` }), 404, "not_found");
  refused(await assign({ role: "owner", parent: other.ref }), 404, "not_found");
  const headers = { "countersign-tenant": "host" };
  assert.equal((await assign({ role: "super_admin", parent: `host/${hostTenant}` }, token, headers)).status, 404);
  const [assigned] = await deployment.sql<{ count: number }>(
    "select count(*)::int from role_assignments where role_name = 'super_admin'",
  );
  assert.equal(assigned?.count, deployment.servers.length, "only the one that bootstrap made");
});

test("invariant 8: an admin cannot assign, or be assigned by way of a new user, a member or a token, what only the owner holds", async () => {
  refused(await assign({ principal: admin.ref, role: "owner" }, adminToken), 403, "permission_denied");
  refused(
    await post(
      "/v1/users",
      { parent: tenant.ref, email: "eve@acme.example", display_name: "Eve", role: "owner" },
      adminToken,
    ),
    403,
    "permission_denied",
  );
  const user = await tenant.user();
  const client = await tenant.perimeter("clients");
  refused(
    await post("/v1/memberships", { parent: client.ref, user: user.ref, role: "owner" }, adminToken),
    403,
    "permission_denied",
  );
  refused(
    await post("/v1/roles", { display_name: "Purse", permissions: ["payouts:approve"] }, adminToken),
    403,
    "permission_denied",
  );
  const made = { display_name: "x", scopes: ["payouts:approve"], expire_time: later };
  refused(await post("/v1/api-tokens", made, adminToken), 403, "permission_denied");
  refused(await post("/v1/api-tokens", { ...made, owner: owner.ref }, adminToken), 403, "permission_denied");
});

test("invariant 8: an admin cannot widen a role that somebody holds, and cannot take an owner's token by rotating it", async () => {
  const role = (await post("/v1/roles", { display_name: "Small", permissions: ["accounts:read"] }, adminToken)).json<{
    id: string;
  }>();
  for (const permissions of [["accounts:read", "payouts:approve"], ["*"]])
    refused(await patch(`/v1/roles/${role.id}`, { permissions }, adminToken), 403, "permission_denied");
  const owners = await deployment.apiToken(token, ["payouts:read", "payouts:cancel"]);
  refused(await post(`/v1/${owners.ref}:rotate`, {}, adminToken), 403, "permission_denied");
  assert.equal(await deployment.isActive(owners.token), true);
});

test("invariant 8: a narrow token cannot make a wider one, a wider role, or a wider assignment, though its principal could", async () => {
  const scope =
    "api-tokens:create roles:create role-assignments:create service-accounts:create accounts:read users:create";
  const narrow = await deployment.token(owner, { scope });
  refused(
    await post("/v1/api-tokens", { display_name: "x", scopes: ["*"], expire_time: later }, narrow),
    403,
    "permission_denied",
  );
  refused(
    await post("/v1/api-tokens", { display_name: "x", scopes: ["payouts:read"], expire_time: later }, narrow),
    403,
    "permission_denied",
  );
  refused(await post("/v1/roles", { display_name: "Wide", permissions: ["*"] }, narrow), 403, "permission_denied");
  refused(await assign({ principal: admin.ref, role: "owner" }, narrow), 403, "permission_denied");
  refused(
    await post("/v1/users", { parent: tenant.ref, email: "w@acme.example", display_name: "W", role: "owner" }, narrow),
    403,
    "permission_denied",
  );
  assert.equal(
    (await post("/v1/api-tokens", { display_name: "x", scopes: ["accounts:read"], expire_time: later }, narrow)).status,
    201,
  );
});

test("invariant 8: a client's administrator stays in that client's subtree, and reaches neither its parent nor its siblings", async () => {
  const [mine, sibling] = [await tenant.perimeter("clients"), await tenant.perimeter("clients")];
  const below = await tenant.perimeter("accounts", mine.ref);
  const local = await tenant.account();
  await tenant.does("/v1/role-assignments", { parent: mine.ref, principal: local.ref, role: "admin" });
  const locals = await deployment.token(local);
  assert.equal((await deployment.get(`/v1/accounts/${below.id}`, locals)).status, 200);
  assert.equal((await assign({ parent: below.ref, principal: admin.ref, role: "viewer" }, locals)).status, 201);
  for (const parent of [tenant.ref, sibling.ref]) {
    refused(await assign({ parent, principal: local.ref, role: "viewer" }, locals), 403, "permission_denied");
    refused(await post("/v1/accounts", { parent, display_name: "x" }, locals), 403, "permission_denied");
    refused(
      await post("/v1/users", { parent, email: "l@acme.example", display_name: "L" }, locals),
      403,
      "permission_denied",
    );
    refused(await post("/v1/service-accounts", { parent, display_name: "x" }, locals), 403, "permission_denied");
  }
  refused(await deployment.get("/v1/users", locals), 403, "permission_denied");
  refused(
    await post("/v1/roles", { display_name: "Local", permissions: ["accounts:read"] }, locals),
    403,
    "permission_denied",
  );
});

test("invariant 8: a service account cannot widen itself: its scopes bound its tokens whatever roles it is given", async () => {
  const bound = await tenant.account({ role: "owner", scopes: ["accounts:read", "service-accounts:update"] });
  const bounds = await deployment.token(bound);
  refused(await deployment.get("/v1/users", bounds), 403, "insufficient_scope");
  const widened = await patch(`/v1/service-accounts/${bound.id}`, { scopes: ["*"] }, bounds);
  assert.equal(widened.status, 403, `a token of two permissions has given its own client all of them: ${widened.text}`);
});

test("invariant 8: a narrow token cannot make itself wide by way of its client's secret, keys or scopes", async () => {
  const account = await tenant.account({ role: "owner" });
  const narrow = await deployment.token(account, {
    scope: "service-accounts:rotate service-accounts:update service-accounts:read",
  });
  refused(
    await post(`/v1/service-accounts/${account.id}:rotate`, { overlap_seconds: 60 }, narrow),
    403,
    "permission_denied",
  );
  const key = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", kid: "mine" };
  refused(
    await patch(`/v1/service-accounts/${account.id}`, { jwks: { keys: [key] } }, narrow),
    403,
    "permission_denied",
  );
  assert.equal((await patch(`/v1/service-accounts/${account.id}`, { display_name: "Harmless" }, narrow)).status, 200);
  assert.equal(
    (await patch(`/v1/service-accounts/${account.id}`, { scopes: ["service-accounts:*"] }, narrow)).status,
    200,
    "narrowing",
  );
  refused(await patch(`/v1/service-accounts/${account.id}`, { scopes: ["*"] }, narrow), 403, "permission_denied");
  const whole = await tenant.account({ role: "owner" });
  assert.equal(
    (await post(`/v1/service-accounts/${whole.id}:rotate`, {}, await deployment.token(whole))).status,
    200,
    "a token of everything may",
  );
});

test("invariant 8: nobody gives a new service account, or takes with another's secret, more than they hold", async () => {
  const keeper = (
    await post("/v1/roles", { display_name: "Keeper", permissions: ["service-accounts:*", "role-assignments:*"] })
  ).json<{ resource: string }>();
  const account = await tenant.account({ role: keeper.resource });
  const keepers = await deployment.token(account);
  refused(await assign({ principal: account.ref, role: "admin" }, keepers), 403, "permission_denied");
  const taken = await post(`/v1/service-accounts/${owner.id}:rotate`, { overlap_seconds: 60 }, keepers);
  refused(taken, 403, "permission_denied");
  const pair = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", kid: "mine" };
  const keyed = await patch(`/v1/service-accounts/${owner.id}`, { jwks: { keys: [pair] } }, keepers);
  refused(keyed, 403, "permission_denied");
});

test("invariant 9: every refusal of these is in the audit log, and none of them is called a bypass", async () => {
  const rows = await deployment.sql<{ outcome: string; bypass: boolean; authenticated_principal: string }>(
    "select outcome, bypass, authenticated_principal from audit_entries where tenant_id = $1 and outcome <> 'done'",
    [tenant.id],
  );
  assert.ok(rows.length > 20, `${rows.length}`);
  for (const row of rows) assert.ok(!row.bypass && row.authenticated_principal !== null);
});
