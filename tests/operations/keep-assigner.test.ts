/** Whoever is the last in a tenant who can assign roles stays able to, whichever operation would take that away: on a real PostgreSQL. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { formatRef, hostTenant, type TenantId } from "../../core/ids.ts";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import { revokeRoleAssignment } from "../../server/access/role-assignments/revoke-role-assignment.ts";
import { deleteGroup } from "../../server/access/groups/delete-group.ts";
import { removeMembers } from "../../server/access/groups/remove-members.ts";
import { createRole } from "../../server/access/roles/create-role.ts";
import { updateRole } from "../../server/access/roles/update-role.ts";
import type { Caller, Principal } from "../../server/authority/caller.ts";
import type { Operation } from "../../server/operations/operation.ts";
import { deleteMembership } from "../../server/principals/memberships/delete-membership.ts";
import { listMemberships } from "../../server/principals/memberships/list-memberships.ts";
import { disableServiceAccount } from "../../server/principals/service-accounts/disable-service-account.ts";
import { patchServiceAccount } from "../../server/principals/service-accounts/update-service-account.ts";
import { suspendUser } from "../../server/principals/users/suspend-user.ts";
import { openWorkbench } from "../support/engine.ts";
import { groupOf, humanIn, later, refOf, suspendPrincipal, tally } from "./access-kit.ts";

const bench = await openWorkbench();
after(bench.close);

/** A tenant whose one owner is a human; they call themselves. */
const ownedByHuman = async (): Promise<{ tenant: TenantId; owner: Caller; ref: string }> => {
  const tenant = await bench.tenant();
  const owner = await bench.as(tenant, await humanIn(bench, tenant, "owner"));
  return { tenant, owner, ref: refOf(owner) };
};
const membershipOf = async (caller: Caller, { principal }: { readonly principal: Principal }): Promise<string> =>
  String((await bench.ok(listMemberships, caller, { filter: `user = "users/${principal.id}"` })).items[0]?.id);
const another = async (tenant: TenantId, role?: string): Promise<Caller> =>
  bench.as(tenant, await humanIn(bench, tenant, role));

/** Refused to the tenant's own, with what to do about it; nothing has happened, and the log has it as failed. */
const kept = async (
  tenant: TenantId,
  operation: Operation,
  caller: Caller,
  input: object,
  meta: { readonly ifMatch?: string } = {},
): Promise<void> => {
  bench.published();
  const refused = await bench.refused("illegal_transition", operation, caller, input, meta);
  assert.match(refused.detail, /`role-assignments:create`/);
  assert.match(refused.detail, /assign such a role to somebody else first/);
  const last = (await bench.audit(tenant)).at(-1);
  assert.deepEqual([last?.action, last?.outcome], [operation.name, "failed"]);
};

describe("the last who can assign roles stays", () => {
  test("a membership", async () => {
    const { tenant, owner } = await ownedByHuman();
    const id = await membershipOf(owner, owner);
    await kept(tenant, deleteMembership, owner, { id });
    assert.equal(await membershipOf(owner, owner), id);
    await another(tenant, "owner");
    await bench.ok(deleteMembership, owner, { id });
  });

  test("a suspension, by themselves or by another", async () => {
    const { tenant, owner } = await ownedByHuman();
    // May suspend people and assign nothing.
    const role = await bench.ok(createRole, owner, {
      display_name: "Security",
      permissions: ["users:suspend"],
      within_grants: [],
    });
    const guard = await another(tenant);
    await bench.ok(createRoleAssignment, owner, {
      parent: bench.rootRef(tenant),
      principal: refOf(guard),
      role: role.resource,
    });
    const { id } = owner.principal;
    for (const by of [owner, guard]) await kept(tenant, suspendUser, by, { id });
    // Who is suspended already is nobody to count on.
    const second = await another(tenant, "owner");
    await bench.ok(suspendUser, guard, { id: second.principal.id });
    await kept(tenant, suspendUser, guard, { id });
    // The host can always appoint another.
    await bench.ok(suspendUser, bench.host, { id }, { tenant: bench.rootRef(tenant) });
  });

  test("a service account that is disabled, or whose tokens may not carry it any more", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const { id } = owner.principal;
    await kept(tenant, disableServiceAccount, owner, { id });
    const narrowed = { id, update_mask: "scopes", scopes: ["users:*"] };
    await kept(tenant, patchServiceAccount, owner, narrowed, { ifMatch: "r1" });
    await bench.ok(patchServiceAccount, owner, { ...narrowed, scopes: ["role-assignments:*"] }, { ifMatch: "r1" });
    // An owner whose tokens carry none of it is not one who could take over.
    const reader = await bench.ownerOf(tenant);
    await bench.sql(
      tenant,
      "test.scopes",
      "update service_accounts set scopes = '{users:read}' where tenant_id = $1 and id = $2",
      [tenant, reader.principal.id],
    );
    await kept(tenant, disableServiceAccount, owner, { id });
    await another(tenant, "owner");
    await bench.ok(disableServiceAccount, owner, { id });
  });

  test("a role that is narrowed", async () => {
    const { tenant, owner } = await ownedByHuman();
    const both = ["role-assignments:*", "roles:*"];
    const role = await bench.ok(createRole, owner, { display_name: "Chief", permissions: both, within_grants: [] });
    const chief = await another(tenant);
    await bench.ok(createRoleAssignment, owner, {
      parent: bench.rootRef(tenant),
      principal: refOf(chief),
      role: role.resource,
    });
    await bench.ok(deleteMembership, owner, { id: await membershipOf(owner, owner) });
    const change = { id: role.id, update_mask: "permissions", permissions: ["roles:*"] };
    await kept(tenant, updateRole, chief, change, { ifMatch: role.etag });
    const widened = { ...change, permissions: ["role-assignments:create", "roles:*"] };
    await bench.ok(updateRole, chief, widened, { ifMatch: role.etag });
  });

  test("a group, or a place in one", async () => {
    const { tenant, owner } = await ownedByHuman();
    const member = await another(tenant);
    const group = await groupOf(bench, tenant, [member]);
    const role = { parent: bench.rootRef(tenant), principal: group.ref, role: "owner" };
    await bench.ok(createRoleAssignment, owner, role);
    await bench.ok(deleteMembership, owner, { id: await membershipOf(owner, owner) });
    await kept(tenant, removeMembers, member, { id: group.id, members: [refOf(member)] });
    await kept(tenant, deleteGroup, member, { id: group.id });
    await kept(tenant, deleteMembership, member, { id: await membershipOf(member, member) });
    await kept(tenant, suspendUser, member, { id: member.principal.id });
  });

  test("one who can for a time alone takes nobody's place who can for good", async () => {
    const { tenant, owner } = await ownedByHuman();
    const passing = await another(tenant);
    const root = bench.rootRef(tenant);
    const given = { parent: root, principal: refOf(passing), role: "owner", expire_time: later(bench, 2) };
    const until = await bench.ok(createRoleAssignment, owner, given);
    const refused = await bench.refused("illegal_transition", deleteMembership, owner, {
      id: await membershipOf(owner, owner),
    });
    assert.match(refused.detail, /for a time/);
    // What takes nothing from who can for good is nobody's business.
    await bench.ok(revokeRoleAssignment, owner, { id: until.id });
    // Where nobody can for good, one may leave another who can for now, and the last may not.
    await bench.ok(createRoleAssignment, owner, given);
    await bench.ok(suspendUser, bench.host, { id: owner.principal.id }, { tenant: root });
    const other = await another(tenant);
    await bench.ok(createRoleAssignment, passing, { ...given, principal: refOf(other) });
    await bench.ok(deleteMembership, passing, { id: await membershipOf(passing, passing) });
    await kept(tenant, deleteMembership, other, { id: await membershipOf(other, other) });
  });

  test("who is in charge of one client is none of them, and where nobody could there is nobody to keep", async () => {
    const tenant = await bench.tenant();
    const client = await bench.node(tenant, "client");
    const admin = await bench.callerWith(tenant, "owner", { node: client });
    const guard = await bench.callerWith(tenant, "owner", { node: client });
    const human = await humanIn(bench, tenant);
    await bench.sql(tenant, "test.place", "update users set node_id = $3 where tenant_id = $1 and id = $2", [
      tenant,
      human.id,
      client,
    ]);
    assert.ok(guard);
    await bench.ok(suspendUser, admin, { id: human.id });
  });

  test("the host: its last super admin too", async () => {
    const own = formatRef("host", hostTenant);
    const admin = await bench.as(hostTenant, await humanIn(bench, hostTenant));
    const given = { parent: own, principal: refOf(admin), role: "super_admin" };
    const made = await bench.ok(createRoleAssignment, bench.host, given);
    await suspendPrincipal(bench, hostTenant, bench.host.principal);
    await kept(hostTenant, suspendUser, admin, { id: admin.principal.id });
    await kept(hostTenant, deleteMembership, admin, { id: await membershipOf(admin, admin) });
    await kept(hostTenant, revokeRoleAssignment, admin, { id: made.id });
    await bench.sql(
      hostTenant,
      "test.enable",
      "update service_accounts set state = 'active' where tenant_id = $1 and id = $2",
      [hostTenant, bench.host.principal.id],
    );
    await bench.ok(suspendUser, admin, { id: admin.principal.id });
  });
});

describe("two at once", () => {
  const ways = {
    "by suspending": (by: Caller, of: Caller) => bench.call(suspendUser, by, { id: of.principal.id }),
    "by ending the membership": (by: Caller, _of: Caller, membership: string) =>
      bench.call(deleteMembership, by, { id: membership }),
  } as const;
  const pairs = [
    ["by suspending", "by suspending"],
    ["by suspending", "by ending the membership"],
    ["by ending the membership", "by ending the membership"],
  ] as const;
  for (const [one, other] of pairs)
    test(`${one}, and ${other}: one stays`, async () => {
      for (let round = 0; round < 6; round += 1) {
        const { tenant, owner } = await ownedByHuman();
        const second = await another(tenant, "owner");
        const [first, last] = [await membershipOf(owner, owner), await membershipOf(owner, second)];
        const answers = await Promise.all([ways[one](owner, second, last), ways[other](second, owner, first)]);
        assert.equal(tally(answers)["ok"], 1, JSON.stringify(answers));
      }
    });
});
