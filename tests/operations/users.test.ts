// Humans: registered with a first membership and perhaps a role, managed by the perimeter they belong to.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { isFault } from "../../core/faults.ts";
import { formatRef, hostTenant, type NodeId, type PrincipalId, type TenantId } from "../../core/ids.ts";
import { expand } from "../../core/model/permissions.ts";
import { principalVersion } from "../../server/platform/cache/fresh-cache.ts";
import { newId } from "../../server/platform/random.ts";
import { perimeterOperations } from "../../server/perimeters/operations.ts";
import { listMemberships } from "../../server/principals/memberships/list-memberships.ts";
import { getUser } from "../../server/principals/users/get-user.ts";
import { listUsers } from "../../server/principals/users/list-users.ts";
import { userOperations } from "../../server/principals/users/operations.ts";
import { registerUser } from "../../server/principals/users/register-user.ts";
import { resumeUser, suspendUser } from "../../server/principals/users/suspend-user.ts";
import { patchUser } from "../../server/principals/users/update-user.ts";
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
const assignmentsOf = (tenant: TenantId, user: Body) =>
  bench.sql<{ role_name: string; node_id: NodeId }>(
    tenant,
    "test.assignments",
    "select role_name, node_id from role_assignments where tenant_id = $1 and principal_id = $2",
    [tenant, user.id],
  );

describe("registering", () => {
  test("a user is registered with its membership and its role, in one event and one audit entry that name who did it", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const parent = bench.rootRef(tenant);
    const { membership: first, ...user } = await bench.ok(registerUser, owner, {
      parent,
      email: "Ada@Acme.example",
      display_name: "Ada Lovelace",
      role: "admin",
    });
    assert.deepEqual(user, {
      id: user.id,
      resource: `users/${user.id}`,
      parent,
      email: "Ada@Acme.example",
      display_name: "Ada Lovelace",
      state: "active",
      signs_in: true,
      identity_source: "platform",
      etag: "r1",
      create_time: "2026-01-31T08:00:00.000Z",
      update_time: "2026-01-31T08:00:00.000Z",
    });
    assert.deepEqual(await bench.ok(getUser, owner, { id: user.id }), user);
    const filter = `user = ${user.resource}`;
    const [membership, ...more] = (await bench.ok(listMemberships, owner, { filter })).items;
    assert.equal(membership?.resource, first);
    assert.deepEqual([membership?.["parent"], membership?.["user"], more], [parent, user.resource, []]);
    assert.deepEqual(await assignmentsOf(tenant, user), [{ role_name: "admin", node_id: tenant }]);

    assert.deepEqual(await bench.events(tenant), [
      {
        type: "countersign.user.created.v1",
        subject: user.resource,
        data: { parent, identity_source: "platform", role: "admin" },
      },
    ]);
    const [entry, ...others] = await bench.audit(tenant);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [entry?.action, entry?.outcome, entry?.authenticated_principal, entry?.credential, entry?.bypass],
      ["users.create", "done", `service-accounts/${owner.principal.id}`, `access_token/${owner.credential.id}`, false],
    );
  });

  test("the new user may do at once what its role gives, and no more", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const parent = bench.rootRef(tenant);
    const admin = await bench.as(
      tenant,
      humanOf(await bench.ok(registerUser, owner, newUser(parent, { role: "admin" }))),
    );
    const nobody = await bench.as(tenant, humanOf(await bench.ok(registerUser, owner, newUser(parent))));
    await bench.ok(registerUser, admin, newUser(parent, { role: "viewer" }));
    await bench.refused("permission_denied", registerUser, nobody, newUser(parent));
    const entry = (await bench.audit(tenant)).at(-1);
    assert.deepEqual(
      [entry?.outcome, entry?.actor_of_record, entry?.permission],
      ["denied", `users/${nobody.principal.id}`, "users:create"],
    );
  });

  test("an e-mail address is one user's in a tenant, whatever its case, and free in another tenant", async () => {
    const [one, other] = [await bench.tenant(), await bench.tenant()];
    const owner = await bench.ownerOf(one);
    const input = { parent: bench.rootRef(one), email: "grace@acme.example", display_name: "Grace" };
    await bench.ok(registerUser, owner, input);
    await bench.refused("already_exists", registerUser, owner, { ...input, email: "GRACE@acme.example" });
    await bench.ok(registerUser, await bench.ownerOf(other), { ...input, parent: bench.rootRef(other) });
    const racing = await Promise.all(
      ["a", "A", "a", "A"].map((name) => bench.call(registerUser, owner, { ...input, email: `${name}@acme.example` })),
    );
    assert.equal(racing.filter((answer) => !isFault(answer)).length, 1);
  });

  test("nobody gives a role that holds more than they do, nor any without the permission to assign", async () => {
    const tenant = await bench.tenant();
    const parent = bench.rootRef(tenant);
    const admin = await bench.callerWith(tenant, "admin");
    const beyond = await bench.refused("permission_denied", registerUser, admin, newUser(parent, { role: "owner" }));
    assert.ok(beyond.permission !== undefined && beyond.permission !== "users:create");
    await bench.refused("not_admissible", registerUser, admin, newUser(parent, { role: "emperor" }));
    await bench.refused("not_admissible", registerUser, admin, newUser(parent, { role: "super_admin" }));
    await bench.refused("not_admissible", registerUser, admin, newUser(parent, { role: formatRef("roles", newId()) }));
    await bench.refused("not_admissible", registerUser, admin, newUser(parent, { role: formatRef("users", newId()) }));

    const scopes = expand(bench.model, ["users:create"]).set;
    const narrowed = await bench.callerWith(tenant, "owner", { scopes });
    const refusal = await bench.refused(
      "insufficient_scope",
      registerUser,
      narrowed,
      newUser(parent, { role: "viewer" }),
    );
    assert.equal(refusal.permission, "role-assignments:create");
    await bench.ok(registerUser, narrowed, newUser(parent));
    const users = (await bench.ok(listUsers, admin, {})).items;
    assert.equal(users.length, 1, "a refused registration leaves nothing behind");
  });

  test("a tenant's own role is given by its id, if the giver holds what it gives", async () => {
    const tenant = await bench.tenant();
    const parent = bench.rootRef(tenant);
    const roles = { modest: newId<string>(), mighty: newId<string>() };
    for (const [name, id] of Object.entries(roles))
      await bench.sql(
        tenant,
        "test.role",
        `insert into roles (tenant_id, id, display_name, description, permissions, within_grants, create_time, update_time)
         values ($1, $2, $3, '', $4, '{}', now(), now())`,
        [tenant, id, name, name === "modest" ? ["clients:read"] : ["*"]],
      );
    const admin = await bench.callerWith(tenant, "admin");
    await bench.ok(registerUser, admin, newUser(parent, { role: formatRef("roles", roles.modest) }));
    await bench.refused(
      "permission_denied",
      registerUser,
      admin,
      newUser(parent, { role: formatRef("roles", roles.mighty) }),
    );
    const elsewhere = await bench.tenant();
    const other = newUser(bench.rootRef(elsewhere), { role: formatRef("roles", roles.modest) });
    await bench.refused("not_admissible", registerUser, await bench.ownerOf(elsewhere), other);
  });

  test("an Idempotency-Key registers one user, and its replay asks for the authority again", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const key = { idempotencyKey: newId<string>() };
    const input = newUser(bench.rootRef(tenant));
    const first = await bench.ok(registerUser, owner, input, key);
    assert.deepEqual(await bench.ok(registerUser, owner, input, key), first);
    await bench.refused("idempotency_conflict", registerUser, owner, { ...input, display_name: "Eve" }, key);
    assert.equal((await bench.events(tenant)).length, 1);
    await bench.sql(tenant, "test.revoke", "delete from role_assignments where tenant_id = $1 and principal_id = $2", [
      tenant,
      owner.principal.id,
    ]);
    await bench.refused("permission_denied", registerUser, owner, input, key);
  });

  test("the host registers its own operators at the host, with the host's roles", async () => {
    const parent = formatRef("host", hostTenant);
    const operator = await bench.ok(registerUser, bench.host, newUser(parent, { role: "super_admin" }));
    assert.equal(operator["parent"], parent);
    const caller = await bench.as(hostTenant, humanOf(operator));
    const tenant = await bench.tenant();
    await bench.ok(registerUser, caller, newUser(bench.rootRef(tenant), { role: "owner" }));
    const entry = (await bench.audit(tenant)).at(-1);
    assert.deepEqual([entry?.bypass, entry?.actor_of_record], [true, operator.resource]);
    await bench.refused("not_found", registerUser, await bench.ownerOf(tenant), newUser(parent));
    await bench.refused("not_admissible", registerUser, bench.host, newUser(parent, { role: "owner" }));
  });
});

describe("managing", () => {
  test("another tenant's user answers like one that never was, whatever is tried", async () => {
    const [mine, theirs] = [await bench.tenant(), await bench.tenant()];
    const owner = await bench.ownerOf(mine);
    const other = await bench.ok(registerUser, await bench.ownerOf(theirs), newUser(bench.rootRef(theirs)));
    const never = newId<string>();
    for (const operation of userOperations.filter((one) => one.path.includes("{id}"))) {
      const input = (id: string) => (operation.method === "PATCH" ? { id, display_name: "No" } : { id });
      const seen = await bench.refused("not_found", operation, owner, input(other.id));
      const unseen = await bench.refused("not_found", operation, owner, input(never));
      assert.equal(seen.detail.replace(other.id, never), unseen.detail);
    }
    await bench.refused("not_found", registerUser, owner, newUser(bench.rootRef(theirs)));
    assert.deepEqual((await bench.ok(listUsers, owner, {})).items, []);
    assert.equal((await bench.audit(theirs)).length, 1);
    assert.equal(
      (await bench.ok(getUser, bench.host, { id: other.id }, { tenant: bench.rootRef(theirs) })).id,
      other.id,
    );
    await bench.refused("not_found", getUser, bench.host, { id: other.id });
  });

  test("a suspended user may do nothing, and may again when resumed", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const user = await bench.ok(registerUser, owner, newUser(bench.rootRef(tenant), { role: "admin" }));
    const caller = await bench.as(tenant, humanOf(user));
    await bench.ok(listUsers, caller, {});
    bench.published();
    assert.equal((await bench.ok(suspendUser, owner, { id: user.id })).state, "suspended");
    assert.deepEqual(bench.published(), [principalVersion(tenant, user.id)]);
    await bench.refused("permission_denied", listUsers, caller, {});
    await bench.refused("permission_denied", resumeUser, caller, { id: user.id });
    await bench.refused("illegal_transition", suspendUser, owner, { id: user.id });
    await bench.ok(resumeUser, owner, { id: user.id });
    await bench.refused("illegal_transition", resumeUser, owner, { id: user.id });
    await bench.ok(listUsers, caller, {});
    assert.deepEqual(
      (await bench.events(tenant)).map(({ type }) => type),
      ["countersign.user.created.v1", "countersign.user.suspended.v1", "countersign.user.resumed.v1"],
    );
  });

  test("a suspension makes cached answers stale in every tenant the user is a member of", async () => {
    const [home, abroad] = [await bench.tenant(), await bench.tenant()];
    const user = await bench.ok(registerUser, await bench.ownerOf(home), newUser(bench.rootRef(home)));
    await bench.sql(
      abroad,
      "test.membership",
      `insert into memberships (tenant_id, id, user_id, home_tenant_id, node_id, create_time, update_time)
       values ($1, $2, $3, $4, $1, now(), now())`,
      [abroad, newId(), user.id, home],
    );
    bench.published();
    await bench.ok(suspendUser, await bench.ownerOf(home), { id: user.id });
    assert.deepEqual(
      bench.published().toSorted(),
      [home, abroad].map((tenant) => principalVersion(tenant, user.id)).toSorted(),
    );
    await bench.refused("permission_denied", listUsers, await bench.as(abroad, humanOf(user)), {});
    // The look across tenants ended with the one statement it was for.
    await bench.refused("not_found", getUser, await bench.ownerOf(abroad), { id: user.id });
  });

  test("a user is renamed under its etag, and of two writers at once one wins", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const { id } = await bench.ok(registerUser, owner, newUser(bench.rootRef(tenant)));
    const renamed = await bench.ok(patchUser, owner, { id, display_name: "Countess" }, { ifMatch: "r1" });
    assert.deepEqual([renamed["display_name"], renamed.etag], ["Countess", "r2"]);
    await bench.refused("etag_mismatch", patchUser, owner, { id, display_name: "Late" }, { ifMatch: "r1" });
    await bench.refused("invalid_argument", patchUser, owner, { id, email: "eve@acme.example" });
    await bench.refused("invalid_argument", patchUser, owner, { id, update_mask: "email", display_name: "No" });
    const rename = (display_name: string) => bench.call(patchUser, owner, { id, display_name }, { ifMatch: "r2" });
    const racing = await Promise.all(["A", "B", "C", "D"].map(rename));
    assert.equal(racing.filter((answer) => !isFault(answer)).length, 1);
  });

  test("in a suspended tenant no user is registered, read or changed, by its own or by the host", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const { id } = await bench.ok(registerUser, owner, newUser(bench.rootRef(tenant)));
    const suspend = perimeterOperations(bench.model).find(({ name }) => name === "organizations.suspend");
    assert.ok(suspend);
    await bench.ok(suspend, bench.host, { id: tenant });
    for (const caller of [owner, bench.host]) {
      const about = { tenant: bench.rootRef(tenant) };
      for (const operation of [getUser, suspendUser, resumeUser])
        await bench.refused("permission_denied", operation, caller, { id }, about);
      await bench.refused("permission_denied", listUsers, caller, {}, about);
      await bench.refused("permission_denied", registerUser, caller, newUser(bench.rootRef(tenant)), about);
    }
  });

  test("users are listed by state, address and perimeter, page by page", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const client = formatRef("clients", await bench.node(tenant, "client"));
    const made = [];
    for (const parent of [bench.rootRef(tenant), client, client])
      made.push(await bench.ok(registerUser, owner, newUser(parent)));
    const [first, second, third] = made;
    assert.ok(first && second && third);
    await bench.ok(suspendUser, owner, { id: third.id });
    const ids = async (input: object) => (await bench.ok(listUsers, owner, input)).items.map(({ id }) => id).toSorted();
    assert.deepEqual(await ids({}), made.map(({ id }) => id).toSorted());
    assert.deepEqual(await ids({ parent: client }), [second.id, third.id].toSorted());
    assert.deepEqual(await ids({ parent: client, filter: "state = suspended" }), [third.id]);
    assert.deepEqual(await ids({ filter: `email = "${String(first["email"])}"` }), [first.id]);
    assert.deepEqual(await ids({ filter: `parent = ${bench.rootRef(tenant)}` }), [first.id]);
    const page = await bench.ok(listUsers, owner, { page_size: 2 });
    const rest = await bench.ok(listUsers, owner, { page_size: 2, page_token: page.next_page_token });
    assert.deepEqual([page.items.length, rest.items.length, rest.next_page_token], [2, 1, ""]);
    await bench.refused("invalid_argument", listUsers, owner, { parent: client, page_token: page.next_page_token });
    await bench.refused("invalid_argument", listUsers, owner, { filter: "password = x" });
  });
});

describe("B2B2X", () => {
  test("client-delegated users: a client's administrator registers people there and nowhere else", async () => {
    const b2b2x = await openWorkbench({ model: "b2b2x" });
    try {
      const tenant = await b2b2x.tenant("Treasury Inc");
      const [mine, theirs] = [await b2b2x.node(tenant, "client"), await b2b2x.node(tenant, "client")];
      const admin = await b2b2x.callerWith(tenant, "client_admin", { node: mine });
      const user = await b2b2x.ok(registerUser, admin, newUser(formatRef("clients", mine), { role: "member" }));
      assert.equal(user["parent"], `clients/${mine}`);
      await b2b2x.refused(
        "permission_denied",
        registerUser,
        admin,
        newUser(formatRef("clients", mine), { role: "owner" }),
      );
      for (const parent of [formatRef("clients", theirs), b2b2x.rootRef(tenant)])
        await b2b2x.refused("permission_denied", registerUser, admin, newUser(parent));
      await b2b2x.refused("permission_denied", listUsers, admin, {});
      const listed = await b2b2x.ok(listUsers, admin, { parent: formatRef("clients", mine) });
      assert.deepEqual(
        listed.items.map(({ id }) => id),
        [user.id],
      );
      const entry = (await b2b2x.audit(tenant)).find(({ outcome }) => outcome === "done");
      assert.deepEqual(entry?.target_path, [`clients/${mine}`, `enterprises/${tenant}`]);
    } finally {
      await b2b2x.close();
    }
  });

  test("enterprise-driven client users: an enterprise's identity administrator registers people for any client", async () => {
    const b2b2x = await openWorkbench({ model: "b2b2x" });
    try {
      const tenant = await b2b2x.tenant("Treasury Inc");
      const admin = await b2b2x.callerWith(tenant, "identity_admin");
      for (const parent of [await b2b2x.node(tenant, "client"), await b2b2x.node(tenant, "client")])
        await b2b2x.ok(registerUser, admin, newUser(formatRef("clients", parent)));
      assert.equal((await b2b2x.ok(listUsers, admin, {})).items.length, 2);
    } finally {
      await b2b2x.close();
    }
  });
});
