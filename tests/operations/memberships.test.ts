// Belonging: made, read and ended, and what a human may do ending with it.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { isFault } from "../../core/faults.ts";
import { formatRef, type NodeId, type PrincipalId, rootNode, type TenantId } from "../../core/ids.ts";
import { principalVersion } from "../../server/platform/cache/fresh-cache.ts";
import { newId } from "../../server/platform/random.ts";
import { createMembership } from "../../server/principals/memberships/create-membership.ts";
import { deleteMembership } from "../../server/principals/memberships/delete-membership.ts";
import { getMembership } from "../../server/principals/memberships/get-membership.ts";
import { listMemberships } from "../../server/principals/memberships/list-memberships.ts";
import { listUsers } from "../../server/principals/users/list-users.ts";
import { registerUser } from "../../server/principals/users/register-user.ts";
import { suspendUser } from "../../server/principals/users/suspend-user.ts";
import { type Body, openWorkbench } from "../support/engine.ts";

const bench = await openWorkbench();
after(bench.close);

const newUser = (parent: string, more: object = {}) => ({
  parent,
  email: `${newId<string>()}@acme.example`,
  display_name: "Ada",
  ...more,
});
const humanOf = (user: Body) => ({ kind: "human", id: user.id as PrincipalId }) as const;

/** A tenant with an owner, a client, and a user that belongs to the tenant as a whole. */
const setting = async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const client = formatRef("clients", await bench.node(tenant, "client"));
  const user = await bench.ok(registerUser, owner, newUser(bench.rootRef(tenant)));
  return { tenant, owner, client, user, root: bench.rootRef(tenant) };
};
const nodesAssigned = async (tenant: TenantId, user: Body): Promise<readonly NodeId[]> => {
  const sql = "select node_id from role_assignments where tenant_id = $1 and principal_id = $2 order by node_id";
  const rows = await bench.sql<{ node_id: NodeId }>(tenant, "test.assigned", sql, [tenant, user.id]);
  return rows.map((row) => row.node_id);
};

test("a user becomes a member of one more perimeter, with a role there, and its cached answers go stale", async () => {
  const { tenant, owner, client, user } = await setting();
  bench.published();
  const made = await bench.ok(createMembership, owner, { parent: client, user: user.resource, role: "admin" });
  assert.deepEqual(made, {
    id: made.id,
    resource: `memberships/${made.id}`,
    parent: client,
    user: user.resource,
    etag: "r1",
    create_time: "2026-01-31T08:00:00.000Z",
    update_time: "2026-01-31T08:00:00.000Z",
  });
  assert.deepEqual(bench.published(), [principalVersion(tenant, user.id)]);
  assert.deepEqual(await bench.ok(getMembership, owner, { id: made.id }), made);
  assert.deepEqual((await bench.events(tenant)).at(-1), {
    type: "countersign.membership.created.v1",
    subject: made.resource,
    data: { user: user.resource, parent: client, role: "admin" },
  });
  const entry = (await bench.audit(tenant)).at(-1);
  assert.deepEqual(
    [entry?.action, entry?.outcome, entry?.target, entry?.actor_of_record, entry?.target_path],
    ["memberships.create", "done", client, `service-accounts/${owner.principal.id}`, [client, bench.rootRef(tenant)]],
  );
  const caller = await bench.as(tenant, humanOf(user));
  await bench.ok(listUsers, caller, { parent: client });
  await bench.refused("permission_denied", listUsers, caller, {});
});

test("a user is a member of a perimeter once, also when it is asked for twice at the same moment", async () => {
  const { owner, client, user, root } = await setting();
  await bench.refused("already_exists", createMembership, owner, { parent: root, user: user.resource });
  const join = () => bench.call(createMembership, owner, { parent: client, user: user.resource });
  const answers = await Promise.all([join(), join(), join()]);
  assert.equal(answers.filter((answer) => !isFault(answer)).length, 1);
});

test("who is no user of the tenant cannot be made a member, and a suspended one is not admissible", async () => {
  const { owner, client, user } = await setting();
  const elsewhere = await setting();
  for (const other of [elsewhere.user.resource, formatRef("users", newId())]) {
    const { detail } = await bench.refused("not_found", createMembership, owner, { parent: client, user: other });
    assert.equal(detail, `there is no \`${other}\`, or it is not yours to see`);
  }
  const service = `service-accounts/${owner.principal.id}`;
  await bench.refused("not_found", createMembership, owner, { parent: client, user: service });
  await bench.ok(suspendUser, owner, { id: user.id });
  await bench.refused("not_admissible", createMembership, owner, { parent: client, user: user.resource });
});

test("nobody makes a member with a role that holds more than they do", async () => {
  const { tenant, client, user, root } = await setting();
  const admin = await bench.callerWith(tenant, "admin");
  await bench.refused("permission_denied", createMembership, admin, {
    parent: client,
    user: user.resource,
    role: "owner",
  });
  await bench.refused("permission_denied", createMembership, await bench.callerWith(tenant, "viewer"), {
    parent: client,
    user: user.resource,
  });
  const below = await bench.callerWith(tenant, "admin", { node: client.split("/")[1] as NodeId });
  await bench.refused("permission_denied", createMembership, below, { parent: root, user: user.resource });
  assert.deepEqual((await bench.ok(listMemberships, below, { parent: client })).items, []);
  await bench.refused("permission_denied", listMemberships, below, {});
  await bench.ok(createMembership, below, { parent: client, user: user.resource, role: "viewer" });
});

test("what was assigned in a perimeter and below ends with the membership there, and what is above it stands", async () => {
  const { tenant, owner, client, user, root } = await setting();
  const account = formatRef("accounts", await bench.node(tenant, "account", client.split("/")[1] as NodeId));
  const [first] = (await bench.ok(listMemberships, owner, { filter: `user = ${user.resource}` })).items;
  const atClient = await bench.ok(createMembership, owner, { parent: client, user: user.resource, role: "admin" });
  await bench.ok(createMembership, owner, { parent: account, user: user.resource, role: "viewer" });
  const sibling = formatRef("clients", await bench.node(tenant, "client"));
  await bench.ok(createMembership, owner, { parent: sibling, user: user.resource, role: "viewer" });
  assert.equal((await nodesAssigned(tenant, user)).length, 3);

  const caller = await bench.as(tenant, humanOf(user));
  await bench.ok(listUsers, caller, { parent: client });
  bench.published();
  const ended = await bench.ok(deleteMembership, owner, { id: atClient.id });
  assert.deepEqual(bench.published(), [principalVersion(tenant, user.id)]);
  assert.equal((ended["ended_role_assignments"] as string[]).length, 2);
  assert.deepEqual(await nodesAssigned(tenant, user), [sibling.split("/")[1]]);
  assert.deepEqual((await bench.events(tenant)).at(-1), {
    type: "countersign.membership.deleted.v1",
    subject: atClient.resource,
    data: {
      user: user.resource,
      parent: client,
      ended_role_assignments: ended["ended_role_assignments"],
      ended_resource_grants: [],
      left_groups: [],
      revoked_share_links: 0,
      revoked_api_tokens: 0,
      ended_authorizations: 0,
    },
  });
  await bench.refused("permission_denied", listUsers, caller, { parent: client });
  await bench.refused("not_found", getMembership, owner, { id: atClient.id });
  await bench.refused("not_found", deleteMembership, owner, { id: atClient.id });

  assert.ok(first);
  assert.equal(first["parent"], root);
  await bench.ok(deleteMembership, owner, { id: first.id });
  assert.deepEqual(await nodesAssigned(tenant, user), []);
});

test("without any membership in the tenant a human counts for nothing there, whatever is still assigned", async () => {
  const { tenant, owner, user } = await setting();
  const [only] = (await bench.ok(listMemberships, owner, { filter: `user = ${user.resource}` })).items;
  assert.ok(only);
  await bench.ok(deleteMembership, owner, { id: only.id });
  await bench.sql(
    tenant,
    "test.assign",
    `insert into role_assignments (tenant_id, principal_id, node_id, id, principal_kind, role_name, propagation, create_time, update_time)
     values ($1, $2, $3, $4, 'human', 'owner', 'subtree', now(), now())`,
    [tenant, user.id, rootNode(tenant), newId()],
  );
  await bench.refused("permission_denied", listUsers, await bench.as(tenant, humanOf(user)), {});
});

test("of two that end a membership at once one does, and an etag that is not its own is refused", async () => {
  const { owner, client, user } = await setting();
  const { id } = await bench.ok(createMembership, owner, { parent: client, user: user.resource });
  await bench.refused("etag_mismatch", deleteMembership, owner, { id }, { ifMatch: "r7" });
  const end = () => bench.call(deleteMembership, owner, { id }, { ifMatch: "r1" });
  const answers = await Promise.all([end(), end(), end()]);
  assert.equal(answers.filter((answer) => !isFault(answer)).length, 1);
});

test("an Idempotency-Key makes one membership, and its replay is the same answer", async () => {
  const { tenant, owner, client, user } = await setting();
  const key = { idempotencyKey: newId<string>() };
  const input = { parent: client, user: user.resource };
  const first = await bench.ok(createMembership, owner, input, key);
  assert.deepEqual(await bench.ok(createMembership, owner, input, key), first);
  await bench.refused("idempotency_conflict", createMembership, owner, { ...input, role: "viewer" }, key);
  const made = (await bench.events(tenant)).filter(({ type }) => type === "countersign.membership.created.v1");
  assert.equal(made.length, 1);
});

test("another tenant's membership answers like one that never was", async () => {
  const mine = await setting();
  const theirs = await setting();
  const [other] = (await bench.ok(listMemberships, theirs.owner, {})).items;
  assert.ok(other);
  const never = newId<string>();
  for (const operation of [getMembership, deleteMembership]) {
    const seen = await bench.refused("not_found", operation, mine.owner, { id: other.id });
    const unseen = await bench.refused("not_found", operation, mine.owner, { id: never });
    assert.equal(seen.detail.replace(other.id, never), unseen.detail);
  }
  await bench.refused("not_found", createMembership, mine.owner, { parent: theirs.client, user: mine.user.resource });
  const listed = (await bench.ok(listMemberships, mine.owner, {})).items.map(({ id }) => id);
  assert.equal(listed.length, 1);
  assert.ok(!listed.includes(other.id));
});

test("B2B2X: one human may belong to the enterprise and to several of its clients, with a role of its own in each", async () => {
  const b2b2x = await openWorkbench({ model: "b2b2x" });
  try {
    const tenant = await b2b2x.tenant("Treasury Inc");
    const owner = await b2b2x.ownerOf(tenant);
    const [one, other] = [await b2b2x.node(tenant, "client"), await b2b2x.node(tenant, "client")];
    const [atOne, atOther] = [formatRef("clients", one), formatRef("clients", other)];
    const user = await b2b2x.ok(registerUser, owner, newUser(b2b2x.rootRef(tenant)));
    await b2b2x.ok(createMembership, owner, { parent: atOne, user: user.resource, role: "client_admin" });
    await b2b2x.ok(createMembership, owner, { parent: atOther, user: user.resource, role: "auditor" });
    const caller = await b2b2x.as(tenant, humanOf(user));
    await b2b2x.ok(registerUser, caller, newUser(atOne));
    await b2b2x.refused("permission_denied", registerUser, caller, newUser(atOther));
    await b2b2x.ok(listUsers, caller, { parent: atOther });
    await b2b2x.refused("permission_denied", listUsers, caller, {});
    const filter = `user = ${user.resource} AND parent = ${atOne}`;
    assert.equal((await b2b2x.ok(listMemberships, owner, { filter })).items.length, 1);
  } finally {
    await b2b2x.close();
  }
});
