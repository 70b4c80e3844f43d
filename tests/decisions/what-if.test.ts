// What a change would do, asked before it is made: the prediction is what asking before and after would have shown, and nothing is written.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { isFault } from "../../core/faults.ts";
import { formatRef, type TenantId } from "../../core/ids.ts";
import { addMembers } from "../../server/access/groups/add-members.ts";
import { createGroup } from "../../server/access/groups/create-group.ts";
import { removeMembers } from "../../server/access/groups/remove-members.ts";
import { createResourceGrant } from "../../server/access/resource-grants/create-resource-grant.ts";
import { revokeResourceGrant } from "../../server/access/resource-grants/revoke-resource-grant.ts";
import { moveResource } from "../../server/access/resources/move-resource.ts";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import { revokeRoleAssignment } from "../../server/access/role-assignments/revoke-role-assignment.ts";
import { createRole } from "../../server/access/roles/create-role.ts";
import { updateRole } from "../../server/access/roles/update-role.ts";
import type { Caller } from "../../server/authority/caller.ts";
import type { Operation } from "../../server/operations/operation.ts";
import type { AccessChange, Foreseen } from "../../server/operations/what-if/foresee.ts";
import { perimeterOperations } from "../../server/perimeters/operations.ts";
import { suspendUser } from "../../server/principals/users/suspend-user.ts";
import { registerUser } from "../../server/principals/users/register-user.ts";
import { createServiceAccount } from "../../server/principals/service-accounts/create-service-account.ts";
import { newId } from "../../server/platform/random.ts";
import { openWorkbench } from "../support/engine.ts";
import { openDecisionPoint } from "./deciding.ts";

const bench = await openWorkbench();
const point = await openDecisionPoint(bench);
after(async () => {
  point.close();
  await bench.close();
});

const perimeter = (name: string): Operation => {
  const found = perimeterOperations(bench.model).find((operation) => operation.name === name);
  assert.ok(found, name);
  return found;
};

/** A tenant with a tree, people, a group, a role and something of each kind given away. */
const openWorld = async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const parent = bench.rootRef(tenant);
  const made = (operation: Operation, input: object) => bench.ok(operation, owner, input);
  const account = await made(createServiceAccount, { parent, display_name: "Asked about" });
  const user = await made(registerUser, { parent, email: "ada@acme.example", display_name: "Ada" });
  const client = await bench.node(tenant, "client");
  const other = await bench.node(tenant, "client");
  const below = await bench.node(tenant, "account", client);
  const folder = await bench.node(tenant, "documents", client);
  const file = await bench.node(tenant, "documents", folder);
  const role = await made(createRole, { display_name: "Books", permissions: ["accounts:read", "payouts:read"] });
  const group = await made(createGroup, { parent, display_name: "Team" });
  await made(createRoleAssignment, { parent, principal: user.resource, role: role.resource });
  await made(createRoleAssignment, { parent, principal: group.resource, role: "member" });
  const refs = [
    parent,
    ...[client, other].map((id) => formatRef("clients", id)),
    formatRef("accounts", below),
    ...[folder, file].map((id) => formatRef("documents", id)),
  ];
  const gateway = (await point.tokenFor(owner)).presented;
  return { tenant, owner, parent, made, account, user, client, other, below, folder, file, role, group, refs, gateway };
};
type World = Awaited<ReturnType<typeof openWorld>>;

/** `principal resource permission` of everything that is not denied, as `check` says. */
const access = async ({ account, user, refs, gateway }: World): Promise<ReadonlySet<string>> => {
  const asked = [account, user].flatMap(({ resource: principal }) =>
    refs.flatMap((resource) =>
      bench.model.permissions.map((permission) => ({ subject: { principal }, resource, permission })),
    ),
  );
  const answers = await point.answers(gateway, asked);
  return new Set(
    asked.flatMap(({ subject, resource, permission }, nth) =>
      answers[nth]?.effect === "deny" ? [] : [`${subject.principal} ${resource} ${permission}`],
    ),
  );
};

const flat = (changes: readonly AccessChange[], { account, user }: World): readonly string[] =>
  changes
    .filter(({ principal }) => [account.resource, user.resource].includes(principal))
    .flatMap(({ principal, resource, permissions }) => permissions.map((one) => `${principal} ${resource} ${one}`))
    .toSorted();

/** Of every table there is: how many rows the tenant sees, and the transaction that wrote the newest. */
const rows = async (tenant: TenantId): Promise<string> => {
  const text = `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind = 'r' and has_table_privilege(c.oid, 'select') order by c.relname`;
  const tables = await bench.sql<{ name: string }>(tenant, "test.tables", text, []);
  assert.ok(tables.length > 20);
  const counted: unknown[] = [];
  for (const { name } of tables) {
    const count = `select '${name}' as of, count(*)::int as rows, max(xmin::text::bigint) as newest from ${name}`;
    counted.push(...(await bench.sql(tenant, `test.rows_${name}`, count, [])));
  }
  return JSON.stringify(counted);
};

const foreseen = async (operation: Operation, caller: Caller, input: object, ifMatch?: string): Promise<Foreseen> => {
  const answer = await bench.ok(operation, caller, input, { validateOnly: true, idempotencyKey: "once", ifMatch });
  assert.equal(answer["validate_only"], true);
  assert.ok(typeof answer["result"] === "object");
  return answer["access"] as Foreseen;
};

/** Foresees it, makes sure that nothing happened, lets it happen, and compares. */
const proven = async (world: World, operation: Operation, input: object, ifMatch?: string): Promise<Foreseen> => {
  const before = await access(world);
  const stored = await rows(world.tenant);
  bench.published();
  const predicted = await foreseen(operation, world.owner, input, ifMatch);
  assert.equal(await rows(world.tenant), stored, `${operation.name} wrote nothing`);
  assert.deepEqual(bench.published(), [], `${operation.name} raised no version`);
  assert.deepEqual(await access(world), before);
  await bench.ok(operation, world.owner, input, { ifMatch });
  const later = await access(world);
  const only = (a: ReadonlySet<string>, b: ReadonlySet<string>) => [...a].filter((one) => !b.has(one)).toSorted();
  assert.deepEqual(flat(predicted.gains, world), only(later, before), `${operation.name}: gains`);
  assert.deepEqual(flat(predicted.loses, world), only(before, later), `${operation.name}: loses`);
  assert.equal(predicted.truncated, false);
  const told = [...predicted.gains, ...predicted.loses].flatMap(({ permissions }) => permissions).length;
  assert.equal(predicted.counts.gains + predicted.counts.loses, told);
  return predicted;
};

const onlyOne = async (tenant: TenantId, table: string, column: string, value: string): Promise<string> => {
  const text = `select id from ${table} where tenant_id = $1 and ${column} = $2`;
  const [first, ...more] = await bench.sql<{ id: string }>(tenant, `test.only_${table}`, text, [tenant, value]);
  assert.ok(first !== undefined && more.length === 0);
  return first.id;
};

test("a role given and taken: the prediction is what check says before and after, and nothing is written", async () => {
  const world = await openWorld();
  const input = { parent: formatRef("clients", world.client), principal: world.account.resource, role: "viewer" };
  const { gains, loses } = await proven(world, createRoleAssignment, input);
  assert.ok(gains.length > 0 && loses.length === 0);
  const id = await onlyOne(world.tenant, "role_assignments", "principal_id", world.account.id);
  assert.ok((await proven(world, revokeRoleAssignment, { id })).loses.length > 0);
});

test("a grant under a role of a group's, given and taken", async () => {
  const world = await openWorld();
  await world.made(addMembers, { id: world.group.id, members: [world.account.resource] });
  const input = { parent: formatRef("documents", world.folder), principal: world.group.resource, level: "editor" };
  assert.ok((await proven(world, createResourceGrant, input)).gains.length > 0);
  const id = await onlyOne(world.tenant, "resource_grants", "tenant_id", world.tenant);
  assert.ok((await proven(world, revokeResourceGrant, { id })).loses.length > 0);
});

test("who joins a group and who leaves it", async () => {
  const world = await openWorld();
  const input = { id: world.group.id, members: [world.account.resource, world.user.resource] };
  assert.ok((await proven(world, addMembers, input)).gains.length > 0);
  assert.ok((await proven(world, removeMembers, { ...input, members: [world.user.resource] })).loses.length > 0);
});

test("a custom role that comes to mean something else", async () => {
  const world = await openWorld();
  const input = { id: world.role.id, update_mask: "permissions", permissions: ["accounts:read", "clients:read"] };
  const { gains, loses } = await proven(world, updateRole, input, world.role.etag);
  assert.ok(gains.length > 0 && loses.length > 0);
});

test("a branch that is moved, with what comes from above", async () => {
  const world = await openWorld();
  await world.made(createRoleAssignment, {
    parent: formatRef("clients", world.client),
    principal: world.account.resource,
    role: "viewer",
  });
  const moved = { id: world.below, parent: formatRef("clients", world.other) };
  assert.ok((await proven(world, perimeter("accounts.move"), moved)).loses.length > 0);
  const document = { id: world.file, parent: formatRef("clients", world.other) };
  await proven(world, moveResource, document);
});

test("a perimeter that is suspended, and wakes up", async () => {
  const world = await openWorld();
  assert.ok((await proven(world, perimeter("clients.suspend"), { id: world.client })).loses.length > 0);
  assert.ok((await proven(world, perimeter("clients.resume"), { id: world.client })).gains.length > 0);
});

test("a user who is suspended", async () => {
  const world = await openWorld();
  assert.ok((await proven(world, suspendUser, { id: world.user.id })).loses.length > 0);
});

test("what depends on a condition is told as such", async () => {
  const world = await openWorld();
  const input = {
    parent: world.parent,
    principal: world.account.resource,
    role: "viewer",
    condition: "context.office == true",
  };
  const { gains } = await foreseen(createRoleAssignment, world.owner, input);
  assert.ok(gains.length > 0 && gains.every(({ conditional }) => conditional));
});

test("it takes the change's own permission and `access:explain`, and a change that can be foreseen", async () => {
  const world = await openWorld();
  const asked = { parent: world.parent, principal: world.account.resource, role: "viewer" };
  const permissions = [
    "role-assignments:*",
    "clients:read",
    "accounts:read",
    "payouts:read",
    "organizations:read",
    "documents:read",
  ];
  const role = await world.made(createRole, { display_name: "Appoints", permissions });
  const appoints = await bench.callerWith(world.tenant, undefined);
  await world.made(createRoleAssignment, {
    parent: world.parent,
    principal: `service-accounts/${appoints.principal.id}`,
    role: role.resource,
  });
  const refused = await bench.refused("permission_denied", createRoleAssignment, appoints, asked, {
    validateOnly: true,
  });
  assert.equal(refused.permission, "access:explain");
  const nobody = await bench.callerWith(world.tenant, undefined);
  await bench.refused("permission_denied", createRoleAssignment, nobody, asked, { validateOnly: true });
  await bench.refused(
    "invalid_argument",
    createGroup,
    world.owner,
    { parent: world.parent, display_name: "X" },
    { validateOnly: true },
  );
  const failed = await bench.call(revokeRoleAssignment, world.owner, { id: newId() }, { validateOnly: true });
  assert.ok(isFault(failed) && failed.fault === "not_found");
});
