// Invariant 8, nobody grants more than they hold: what counts as held, with groups, grants and conditions, over a real database.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type NodeId, rootNode } from "../../core/ids.ts";
import { permissionsIn } from "../../core/model/permissions.ts";
import type { Caller, Principal } from "../../server/authority/caller.ts";
import { heldAnywhere, heldBeyond, heldThroughout } from "../../server/authority/held.ts";
import { openWorkbench } from "../support/engine.ts";
import { bindingsIn } from "./bindings.ts";

const model = `
title: Held
description: what may be passed on
perimeters:
  organization: { collection: organizations }
  client: { collection: clients, in: [organization] }
resources:
  files:
    in: [organization, client, files]
    actions: [read, write, delete]
    levels: { viewer: [read], editor: [read, write], guest: [read] }
    sufficient: [guest]
roles:
  owner: { title: Owner, description: all, permissions: ["*"] }
  reader: { title: Reader, description: reads, permissions: ["files:read"] }
  writer: { title: Writer, description: writes, permissions: ["files:write"] }
  insider: { title: Insider, description: what is shared, within_grants: ["files:read", "files:write"] }
host_roles:
  super_admin: { title: Super admin, description: all, permissions: ["*"] }
`;

const bench = await openWorkbench({ model });
after(bench.close);
const tenant = await bench.tenant();
const root = rootNode(tenant);
const client = await bench.node(tenant, "client");
const folder = await bench.node(tenant, "files", client);
const file = await bench.node(tenant, "files", folder);
const beside = await bench.node(tenant, "files", client);
const give = bindingsIn(bench, tenant);
const now = bench.clock.ms;
const past = new Date(now - 1_000);
const soon = new Date(now + 60_000);

const nobody = (): Promise<Caller> => bench.callerWith(tenant, undefined);
const asking = (caller: Pick<Caller, "principal" | "tenant" | "scopes">) => ({ model: bench.model, caller, now });
const names = (set: readonly number[]): readonly string[] =>
  permissionsIn(bench.model, set).filter((name) => name.startsWith("files:"));

const heldAt = async (caller: Caller, node: NodeId): Promise<readonly string[]> =>
  names(await bench.engine.platform.database.transaction(tenant, (tx) => heldThroughout(tx, node, asking(caller))));
const beyond = async (caller: Caller, other: Principal): Promise<readonly string[]> =>
  bench.engine.platform.database.transaction(tenant, (tx) => heldBeyond(tx, other, asking(caller)));
const anywhere = async (who: Principal): Promise<readonly string[]> =>
  names(await bench.engine.platform.database.transaction(tenant, (tx) => heldAnywhere(tx, bench.model, who, now)));

test("a grant on a node above is held at the node and below, and nowhere beside it", async () => {
  const caller = await nobody();
  await give.grant(caller.principal, folder, "guest");
  assert.deepEqual(await heldAt(caller, folder), ["files:read"]);
  assert.deepEqual(await heldAt(caller, file), ["files:read"]);
  assert.deepEqual(await heldAt(caller, beside), []);
  assert.deepEqual(await heldAt(caller, client), []);
});

test("a level that is not enough alone is held under a role that has it within grants, and only where that reaches throughout", async () => {
  const caller = await nobody();
  await give.grant(caller.principal, folder, "editor");
  assert.deepEqual(await heldAt(caller, folder), []);
  await give.assign(caller.principal, folder, "insider", { propagation: "self" });
  assert.deepEqual(await heldAt(caller, folder), [], "the role ends at the folder");
  await give.assign(caller.principal, client, "insider");
  assert.deepEqual(await heldAt(caller, folder), ["files:read", "files:write"]);
});

test("what is held through a group is held", async () => {
  const caller = await nobody();
  const group = await give.group([caller.principal]);
  await give.assign(group, client, "writer");
  await give.grant(group, folder, "guest");
  assert.deepEqual(await heldAt(caller, file), ["files:read", "files:write"]);
  assert.deepEqual(await heldAt(caller, client), ["files:write"]);
});

test("what carries a condition counts for nothing, even while it is true; nor does what has expired", async () => {
  const caller = await nobody();
  await give.assign(caller.principal, root, "reader", { condition: "true" });
  await give.grant(caller.principal, folder, "guest", { condition: "true" });
  await give.assign(caller.principal, root, "writer", { expires: past });
  await give.grant(caller.principal, folder, "guest", { expires: past });
  assert.deepEqual(await heldAt(caller, file), []);
  const group = await give.group([caller.principal]);
  await give.assign(group, root, "reader", { condition: "true" });
  assert.deepEqual(await heldAt(caller, file), []);
});

test("no more is held than the token carries", async () => {
  const who = await nobody();
  await give.grant(who.principal, folder, "guest");
  const narrow = { ...who, scopes: [] };
  assert.deepEqual(await heldAt(narrow, folder), []);
});

test("whoever would act as another must hold what the other has through groups", async () => {
  const [caller, other] = [await bench.callerWith(tenant, "reader"), await bench.callerWith(tenant, "reader")];
  assert.deepEqual(await beyond(caller, other.principal), []);
  const group = await give.group([other.principal]);
  await give.assign(group, client, "writer");
  assert.deepEqual(await beyond(caller, other.principal), ["files:write"]);
});

test("and what was granted to it on resources, itself or through a group, where it was granted", async () => {
  const [caller, other] = [await nobody(), await nobody()];
  await give.grant(other.principal, folder, "guest");
  assert.deepEqual(await beyond(caller, other.principal), ["files:read"]);
  await give.assign(caller.principal, beside, "reader");
  assert.deepEqual(await beyond(caller, other.principal), ["files:read"], "the caller's own is elsewhere");
  await give.assign(caller.principal, folder, "reader", { propagation: "self" });
  assert.deepEqual(await beyond(caller, other.principal), ["files:read"], "and ends where the other's goes on");
  await give.assign(caller.principal, client, "reader");
  assert.deepEqual(await beyond(caller, other.principal), []);
  const group = await give.group([other.principal]);
  await give.grant(group, beside, "editor");
  assert.deepEqual(await beyond(caller, other.principal), ["files:write"], "a level counts in full");
});

test("on a condition the other has it one day, and the caller may never: so the one counts and the other does not", async () => {
  const [caller, other] = [await nobody(), await nobody()];
  await give.assign(other.principal, client, "writer", { condition: "context.day == 'monday'" });
  await give.assign(caller.principal, root, "writer", { condition: "true" });
  assert.deepEqual(await beyond(caller, other.principal), ["files:write"]);
});

test("what the other had until a moment ago does not count, and what it has for a minute does", async () => {
  const [caller, other] = [await nobody(), await nobody()];
  await give.grant(other.principal, folder, "guest", { expires: past });
  assert.deepEqual(await beyond(caller, other.principal), []);
  await give.grant(other.principal, file, "guest", { expires: soon });
  assert.deepEqual(await beyond(caller, other.principal), ["files:read"]);
});

test("what is held at a perimeter that sleeps counts, and whoever holds it throughout the tenant holds it there", async () => {
  const asleep = await bench.node(tenant, "client");
  const [caller, owner, other] = [await nobody(), await bench.ownerOf(tenant), await nobody()];
  await give.assign(other.principal, asleep, "writer");
  await give.run("sleep", "update nodes set state = 'suspended' where tenant_id = $1 and id = $2", [asleep]);
  assert.deepEqual(await beyond(caller, other.principal), ["files:write"]);
  assert.deepEqual(await beyond(owner, other.principal), []);
});

test("a principal with 2,000 grants is compared in a few statements, and one that is missing is found", async () => {
  const [caller, other] = [await nobody(), await nobody()];
  await give.run(
    "many",
    `insert into nodes (tenant_id, id, type, parent_id, ancestors, display_name, state, create_time, update_time)
     select $1, v.id, 'files', $2::uuid, array[v.id, $2::uuid, $1], 'many', 'active', now(), now()
       from (select gen_random_uuid() as id from generate_series(1, 2000)) v`,
    [client],
  );
  await give.run(
    "many_grants",
    `insert into resource_grants (tenant_id, principal_id, node_id, id, principal_kind, level, create_time, update_time)
     select $1, $2::uuid, n.id, gen_random_uuid(), 'service', 'guest', now(), now() from nodes n where n.tenant_id = $1 and n.display_name = 'many'`,
    [other.principal.id],
  );
  await give.assign(caller.principal, client, "reader");
  assert.deepEqual(await beyond(caller, other.principal), []);
  await give.grant(other.principal, folder, "editor");
  assert.deepEqual(await beyond(caller, other.principal), ["files:write"]);
});

test("a token may name what its owner holds somewhere: through groups, and by a level that is enough alone", async () => {
  const who = (await nobody()).principal;
  assert.deepEqual(await anywhere(who), []);
  await give.grant(who, folder, "editor");
  assert.deepEqual(await anywhere(who), [], "not enough alone, and no role has it within grants");
  await give.grant(who, file, "guest");
  assert.deepEqual(await anywhere(who), ["files:read"]);
  const group = await give.group([who]);
  await give.assign(group, client, "insider");
  assert.deepEqual(await anywhere(who), ["files:read", "files:write"]);
});

test("another tenant's grants and groups are nobody's here", async () => {
  const elsewhere = await bench.tenant("Elsewhere");
  const there = bindingsIn(bench, elsewhere);
  const [caller, other] = [await nobody(), await nobody()];
  const group = await there.group([other.principal]);
  await there.assign(group, rootNode(elsewhere), "writer");
  await there.grant(other.principal, await bench.node(elsewhere, "files"), "editor");
  assert.deepEqual(await beyond(caller, other.principal), []);
  assert.deepEqual(await anywhere(other.principal), []);
});
