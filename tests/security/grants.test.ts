// What is given, over a real server: it ends with the membership, everywhere at once, and does not come back with another.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startDeployment } from "../oauth/deployment.ts";
import { grantsKit, refused } from "../oauth/grants-kit.ts";
import { bearer } from "../oauth/http.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const kit = grantsKit(deployment);
const tenant = await deployment.tenant();
const app = await kit.application({ first_party: true });

const membershipsOf = async (user: string): Promise<readonly string[]> =>
  (
    await deployment.sql<{ id: string }>(
      "select id from memberships where tenant_id = $1 and user_id = $2 order by create_time",
      [tenant.id, user],
    )
  ).map(({ id }) => id);
const end = async (membership: string | undefined) => {
  const answer = await deployment.send(`/v1/memberships/${membership}`, {
    method: "DELETE",
    headers: { ...bearer(deployment.host), "countersign-tenant": tenant.ref },
  });
  assert.equal(answer.status, 200, answer.text);
  return answer.json<Record<string, unknown>>();
};
const document = async (parent: string): Promise<string> =>
  String((await tenant.does("/v1/resources", { type: "documents", parent, display_name: "A folder" }))["resource"]);
/** Asked of both processes. */
const may = async (subject: string, permission: string, resource: string): Promise<boolean> => {
  const [type, id] = subject.split("/");
  const [resourceType, resourceId] = resource.split("/");
  const asked = {
    subject: { type, id, properties: { tenant: tenant.ref } },
    action: { name: permission },
    resource: { type: resourceType, id: resourceId },
  };
  const answers = await Promise.all(
    [0, 1].map(async (on) => {
      const answer = await deployment.post("/access/v1/evaluation", deployment.host, asked, on);
      return answer.json<{ decision: boolean }>().decision;
    }),
  );
  assert.equal(answers[0], answers[1], "both processes say the same");
  return answers[0] === true;
};

test("the last membership takes everything with it, and one made again gives nothing back", async () => {
  const ada = await kit.human(tenant, { role: "owner" });
  const [folder, client] = [await document(tenant.ref), await tenant.perimeter("clients")];
  await tenant.does("/v1/role-assignments", { parent: client.ref, principal: ada.ref, role: "treasurer" });
  await tenant.does("/v1/resource-grants", { parent: folder, principal: ada.ref, level: "editor" });
  const group = await tenant.does("/v1/groups", { parent: tenant.ref, display_name: "Desk" });
  await tenant.does(`/v1/groups/${String(group["id"])}:addMembers`, { members: [ada.ref] });
  await tenant.does("/v1/role-assignments", {
    parent: tenant.ref,
    principal: String(group["resource"]),
    role: "auditor",
  });
  const tokens = await kit.tokens(app, ada, { scope: "openid accounts:read offline_access" });
  const unredeemed = await kit.code(app, ada, { scope: "openid accounts:read" });
  const api = await tenant.does("/v1/api-tokens", {
    owner: ada.ref,
    display_name: "A token",
    scopes: ["accounts:read"],
    expire_time: new Date(Date.now() + 3_600_000).toISOString(),
  });
  const works = async (token: unknown): Promise<readonly number[]> =>
    Promise.all([0, 1].map(async (on) => (await deployment.get("/v1/accounts", String(token), on)).status));
  assert.deepEqual(await works(tokens.access_token), [200, 200]);
  assert.deepEqual(await works(api["token"]), [200, 200]);
  for (const [permission, at] of [
    ["payouts:read", client.ref],
    ["documents:update", folder],
    ["audit:read", tenant.ref],
  ] as const)
    assert.equal(await may(ada.ref, permission, at), true, permission);

  const [membership] = await membershipsOf(ada.id);
  const ended = await end(membership);
  assert.equal((ended["ended_role_assignments"] as string[]).length, 2);
  assert.equal((ended["ended_resource_grants"] as string[]).length, 1);
  assert.deepEqual(ended["left_groups"], [group["resource"]]);
  assert.deepEqual([ended["revoked_api_tokens"], ended["ended_authorizations"]], [1, 1]);
  assert.deepEqual(await works(tokens.access_token), [401, 401]);

  await tenant.does("/v1/memberships", { parent: tenant.ref, user: ada.ref });
  for (const [permission, at] of [
    ["payouts:read", client.ref],
    ["documents:update", folder],
    ["audit:read", tenant.ref],
  ] as const)
    assert.equal(await may(ada.ref, permission, at), false, permission);
  await tenant.does("/v1/role-assignments", { parent: tenant.ref, principal: ada.ref, role: "owner" });
  assert.deepEqual(await works(tokens.access_token), [401, 401], "an access token that had not expired");
  assert.deepEqual(await works(api["token"]), [401, 401], "an API token that had not expired");
  for (const on of [0, 1]) refused(await kit.refresh(app, tokens.refresh_token, {}, {}, on), "invalid_grant");
  refused(await kit.redeem(app, unredeemed), "invalid_grant");
  const reasons = await deployment.sql(
    "select distinct revoke_reason as reason from token_families where tenant_id = $1 and user_id = $2",
    [tenant.id, ada.id],
  );
  assert.deepEqual(reasons, [{ reason: "membership_removed" }]);
});

test("a guest's families live in another home, and end there for this tenant alone", async () => {
  const globex = await deployment.tenant("Globex");
  const guest = await kit.human(globex, { role: "owner" });
  await kit.member(tenant, guest);
  await tenant.does("/v1/role-assignments", { parent: tenant.ref, principal: guest.ref, role: "viewer" });
  const scope = "openid accounts:read offline_access";
  const here = await kit.tokens(app, guest, { scope, tenant: tenant.ref });
  const athome = await kit.tokens(app, guest, { scope, tenant: globex.ref });
  const bound = await deployment.sql<{ bound: string }>(
    "select bound_tenant_id as bound from token_families where user_id = $1 order by create_time",
    [guest.id],
  );
  assert.deepEqual(bound, [{ bound: tenant.id }, { bound: globex.id }]);
  const [membership] = await membershipsOf(guest.id);
  assert.equal((await end(membership))["ended_authorizations"], 1);
  await kit.member(tenant, guest);
  refused(await kit.refresh(app, here.refresh_token), "invalid_grant");
  const refreshed = await kit.refresh(app, athome.refresh_token);
  assert.equal(refreshed.status, 200, refreshed.text);
});

test("while another membership stands, what was given elsewhere does too", async () => {
  const ada = await kit.human(tenant);
  const [one, two] = [await tenant.perimeter("clients"), await tenant.perimeter("clients")];
  const [inOne, inTwo] = [await document(one.ref), await document(two.ref)];
  for (const { ref } of [one, two])
    await tenant.does("/v1/memberships", { parent: ref, user: ada.ref, role: "viewer" });
  for (const parent of [inOne, inTwo])
    await tenant.does("/v1/resource-grants", { parent, principal: ada.ref, level: "viewer" });
  const groups: unknown[] = [];
  for (const { ref } of [one, two]) {
    const group = await tenant.does("/v1/groups", { parent: ref, display_name: "Desk" });
    await tenant.does(`/v1/groups/${String(group["id"])}:addMembers`, { members: [ada.ref] });
    groups.push(group["resource"]);
  }
  const tokens = await kit.tokens(app, ada, { scope: "openid accounts:read offline_access" });
  const [atRoot, first] = await membershipsOf(ada.id);
  const ended = await end(first);
  assert.equal((ended["ended_resource_grants"] as string[]).length, 1);
  assert.deepEqual(ended["ended_authorizations"], 0);
  assert.deepEqual(
    [await may(ada.ref, "documents:read", inOne), await may(ada.ref, "documents:read", inTwo)],
    [false, true],
  );
  const refreshed = await kit.refresh(app, tokens.refresh_token);
  assert.equal(refreshed.status, 200, refreshed.text);
  // Whoever is taken out of the whole is taken out of every part of it; that they belong to one still is a membership, and no authority.
  await end(atRoot);
  assert.equal(await may(ada.ref, "documents:read", inTwo), false);
  const [last] = await membershipsOf(ada.id);
  const all = await end(last);
  assert.deepEqual(all["ended_authorizations"], 1);
  const left = await deployment.sql("select from group_closure where tenant_id = $1 and principal_id = $2", [
    tenant.id,
    ada.id,
  ]);
  assert.equal(left.length, 0);
  assert.equal(groups.length, 2);
});

test("invariant 7: a grant that was revoked is a yes at no process, to the principal and through a group", async () => {
  const folder = await document(tenant.ref);
  const robot = await tenant.account({ role: "viewer" });
  const group = await tenant.does("/v1/groups", { parent: tenant.ref, display_name: "Readers" });
  await tenant.does(`/v1/groups/${String(group["id"])}:addMembers`, { members: [robot.ref] });
  for (const principal of [robot.ref, String(group["resource"])])
    for (let round = 0; round < 10; round += 1) {
      const made = await tenant.does("/v1/resource-grants", { parent: folder, principal, level: "viewer" }, round % 2);
      assert.equal(await may(robot.ref, "documents:read", folder), true);
      await tenant.does(`/v1/resource-grants/${String(made["id"])}:revoke`, {}, (round + 1) % 2);
      assert.equal(await may(robot.ref, "documents:read", folder), false);
    }
});

test("what sleeps with a disabled service account is taken up again with it: disabling takes nothing away", async () => {
  const folder = await document(tenant.ref);
  const robot = await tenant.account({ role: "viewer" });
  await tenant.does("/v1/resource-grants", { parent: folder, principal: robot.ref, level: "viewer" });
  assert.equal(await may(robot.ref, "documents:read", folder), true);
  await tenant.does(`/v1/service-accounts/${robot.id}:disable`);
  assert.equal(await may(robot.ref, "documents:read", folder), false);
  await tenant.does(`/v1/service-accounts/${robot.id}:enable`);
  assert.equal(await may(robot.ref, "documents:read", folder), true);
});
