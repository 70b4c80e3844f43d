/**
 * A world in which changes are foreseen and then made: what was said of them must be what `check` says before and after, and what share links
 * open.
 */
import assert from "node:assert/strict";
import { formatRef, type PrincipalId } from "../../core/ids.ts";
import { createGroup } from "../../server/access/groups/create-group.ts";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import { createRole } from "../../server/access/roles/create-role.ts";
import { createShareLink } from "../../server/access/share-links/create-share-link.ts";
import { openShareLink } from "../../server/access/share-links/open-share-link.ts";
import type { Caller } from "../../server/authority/caller.ts";
import type { Operation } from "../../server/operations/operation.ts";
import type { AccessChange, Foreseen } from "../../server/operations/what-if/difference.ts";
import { perimeterOperations } from "../../server/perimeters/operations.ts";
import { createServiceAccount } from "../../server/principals/service-accounts/create-service-account.ts";
import { registerUser } from "../../server/principals/users/register-user.ts";
import type { Body, Workbench } from "../support/engine.ts";
import { later } from "../operations/access-kit.ts";
import type { DecisionPoint } from "./deciding.ts";

/** A tenant with a tree, people, a group, a role and something of each kind given away. */
export const openWorld = async (bench: Workbench, point: DecisionPoint) => {
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
  /** Texts of links whose openings are looked at. */
  const links: string[] = [];
  const places = { client, other, below, folder, file };
  return { bench, point, tenant, owner, parent, made, account, user, ...places, role, group, refs, gateway, links };
};
export type World = Awaited<ReturnType<typeof openWorld>>;

/** The user as a caller. */
export const ada = ({ bench, tenant, user }: World): Promise<Caller> =>
  bench.as(tenant, { kind: "human", id: user.id as PrincipalId });

export const linkInput = ({ bench, folder }: World) => ({
  parent: formatRef("documents", folder),
  level: "viewer",
  display_name: "For the auditors",
  expire_time: later(bench, 7),
});

/** The user may share at the folder, by a role of their own, and has done so; the link is looked at from now on. */
export const shared = async (world: World): Promise<{ readonly link: Body; readonly assignment: Body }> => {
  const { bench, made, links, client, user } = world;
  const permissions = ["documents:read", "share-links:create"];
  const role = await made(createRole, { display_name: "Shares", permissions });
  const parent = formatRef("clients", client);
  const assignment = await made(createRoleAssignment, { parent, principal: user.resource, role: role.resource });
  const link = await bench.ok(createShareLink, await ada(world), linkInput(world));
  links.push(String(link["link"]));
  return { link, assignment };
};

/** `principal resource permission` of everything that is not denied, as `check` says, and of whatever the links open. */
export const access = async (world: World): Promise<ReadonlySet<string>> => {
  const { bench, point, owner, account, user, refs, gateway, links } = world;
  const asked = [account, user].flatMap(({ resource: principal }) =>
    refs.flatMap((resource) =>
      bench.model.permissions.map((permission) => ({ subject: { principal }, resource, permission })),
    ),
  );
  const answers = await point.answers(gateway, asked);
  const had = asked.flatMap(({ subject, resource, permission }, nth) =>
    answers[nth]?.effect === "deny" ? [] : [`${subject.principal} ${resource} ${permission}`],
  );
  for (const link of links) {
    const opened = await bench.call(openShareLink, owner, { link });
    if ("fault" in opened) {
      assert.equal(opened.fault, "not_found");
      continue;
    }
    const { share_link, resource, permissions } = opened.body as Body & { readonly permissions: readonly string[] };
    had.push(...permissions.map((permission) => `${String(share_link)} ${resource} ${permission}`));
  }
  return new Set(had);
};

/** In the same words. */
export const flat = (changes: readonly AccessChange[], { account, user }: World): readonly string[] =>
  changes
    .filter(
      ({ principal }) => [account.resource, user.resource].includes(principal) || principal.startsWith("share-links/"),
    )
    .flatMap(({ principal, resource, permissions }) => permissions.map((one) => `${principal} ${resource} ${one}`))
    .toSorted();

/** Of every table there is: how many rows the tenant sees, and the transaction that wrote the newest. */
const rows = async ({ bench, tenant }: World): Promise<string> => {
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

export type Prediction = { readonly result: Body; readonly access: Foreseen };

export const foreseen = async (
  { bench, owner }: World,
  operation: Operation,
  input: object,
  ifMatch?: string,
): Promise<Prediction> => {
  const answer = await bench.ok(operation, owner, input, { validateOnly: true, idempotencyKey: "once", ifMatch });
  assert.equal(answer["validate_only"], true);
  assert.ok(typeof answer["result"] === "object");
  return answer as unknown as Prediction;
};

/** Foresees it, and makes sure that nothing happened. */
export const onlyForeseen = async (
  world: World,
  operation: Operation,
  input: object,
  ifMatch?: string,
): Promise<Prediction> => {
  const before = await access(world);
  const stored = await rows(world);
  world.bench.published();
  const predicted = await foreseen(world, operation, input, ifMatch);
  assert.equal(await rows(world), stored, `${operation.name} wrote nothing`);
  assert.deepEqual(world.bench.published(), [], `${operation.name} raised no version`);
  assert.deepEqual(await access(world), before);
  return predicted;
};

/** Foresees it, makes sure that nothing happened, lets it happen, and compares. */
export const proven = async (
  world: World,
  operation: Operation,
  input: object,
  ifMatch?: string,
): Promise<Foreseen> => {
  const { access: predicted } = await onlyForeseen(world, operation, input, ifMatch);
  const before = await access(world);
  await world.bench.ok(operation, world.owner, input, { ifMatch });
  const after = await access(world);
  const only = (a: ReadonlySet<string>, b: ReadonlySet<string>) => [...a].filter((one) => !b.has(one)).toSorted();
  assert.deepEqual(flat(predicted.gains, world), only(after, before), `${operation.name}: gains`);
  assert.deepEqual(flat(predicted.loses, world), only(before, after), `${operation.name}: loses`);
  assert.equal(predicted.truncated, false);
  const told = [...predicted.gains, ...predicted.loses].flatMap(({ permissions }) => permissions).length;
  assert.equal(predicted.counts.gains + predicted.counts.loses, told);
  return predicted;
};

export const perimeter = ({ bench }: World, name: string): Operation => {
  const found = perimeterOperations(bench.model).find((operation) => operation.name === name);
  assert.ok(found, name);
  return found;
};

/** The id of the one row of the tenant's that has this value. */
export const onlyOne = async (
  { bench, tenant }: World,
  table: string,
  column: string,
  value: string,
): Promise<string> => {
  const text = `select id from ${table} where tenant_id = $1 and ${column} = $2`;
  const [first, ...more] = await bench.sql<{ id: string }>(tenant, `test.only_${table}`, text, [tenant, value]);
  assert.ok(first !== undefined && more.length === 0);
  return first.id;
};
