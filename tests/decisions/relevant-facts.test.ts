// What a decision is made of is looked up without most of the path. It has to be what the whole path would have come to.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import pg from "pg";
import { questionsAt, seedTrees } from "../../bench/seed-tree.ts";
import { relevantTo } from "../../core/decide/relevant.ts";
import type { Facts } from "../../core/decide/types.ts";
import { hostTenant, type NodeId, type PrincipalId, type TenantId } from "../../core/ids.ts";
import { factsOf } from "../../server/authority/facts.ts";
import { factsLookup, type Lookup, relevantFactsLookup, type StoredFacts } from "../../server/authority/store.ts";
import { loadModel } from "../../server/startup/access-model.ts";
import { freshDatabase } from "../support/postgres.ts";

const tenants = 2;
const { model } = loadModel("");
const idOf = <Id>(ref: string): Id => ref.slice(ref.indexOf("/") + 1) as Id;

const { url, drop } = await freshDatabase();
await seedTrees(url, tenants);
const client = new pg.Client({ connectionString: url });
await client.connect();
after(async () => {
  await client.end();
  await drop();
});

/** What trees, people and bindings may be like, besides: a bit of each in what was seeded alike everywhere. */
const varied: readonly string[] = [
  "update nodes set state = 'suspended' where state = 'active' and type in ('client', 'account') and get_byte(uuid_send(id), 0) < 50",
  "update nodes set state = 'deleted' where state = 'active' and type = 'documents' and get_byte(uuid_send(id), 1) < 8",
  `update nodes set attributes = '{"label": "secret"}' where get_byte(uuid_send(id), 2) < 90`,
  `update nodes n set owner_kind = 'service', owner_id = (select s.id from service_accounts s where s.tenant_id = n.tenant_id order by s.id limit 1)
    where n.type = 'documents' and get_byte(uuid_send(n.id), 3) < 90`,
  "update service_accounts set state = 'disabled' where get_byte(uuid_send(id), 4) < 30",
  "update resource_grants set expire_time = now() + interval '1 day' where get_byte(uuid_send(id), 5) < 60",
  `update resource_grants set condition = 'context.a == 1' where get_byte(uuid_send(id), 6) < 60`,
  `insert into roles (tenant_id, id, display_name, description, permissions, within_grants, revision, create_time, update_time)
   select distinct tenant_id, md5('role ' || tenant_id)::uuid, 'Reader', '', array['documents:read'], array['documents:*'], 1, now(), now() from service_accounts`,
  `update role_assignments set role_name = null, role_id = md5('role ' || tenant_id)::uuid where get_byte(uuid_send(id), 7) < 90`,
  "update role_assignments set propagation = 'self' where get_byte(uuid_send(id), 8) < 90",
];

type Key = {
  readonly bound: TenantId;
  readonly principal: PrincipalId;
  readonly tenant: TenantId;
  readonly node: NodeId;
};

const keysOf = async (): Promise<readonly Key[]> => {
  const keys: Key[] = [];
  for (const whose of ["anyone", "granted", "grouped"] as const)
    for (const depth of [4, 9, 16, 32])
      for (const question of questionsAt(tenants, 60, depth, whose)) {
        const tenant = idOf<TenantId>(question.tenant);
        keys.push({ bound: tenant, principal: idOf(question.principal), tenant, node: idOf(question.resource) });
      }
  const [first] = keys;
  const other = keys.find(({ tenant }) => tenant !== first?.tenant);
  assert.ok(first && other);
  const nobody = "00000000-0000-7000-8000-00000000dead";
  const { rows } = await client.query<{ id: PrincipalId }>("select id from nodes where type = 'client' limit 1");
  return [
    ...keys,
    { ...first, principal: nobody as PrincipalId },
    { ...first, principal: rows[0]?.id ?? (nobody as PrincipalId) },
    { ...first, principal: other.principal },
    { ...first, node: nobody as NodeId },
    { ...first, node: other.node },
    { ...first, node: first.tenant as unknown as NodeId },
    { ...first, bound: hostTenant },
    { ...first, bound: hostTenant, tenant: hostTenant, node: hostTenant as unknown as NodeId },
  ];
};

const looked = async (lookups: readonly Lookup[]): Promise<readonly StoredFacts[]> => {
  const { rows } = await client.query<{ facts: readonly StoredFacts[] }>("select look_up($1, $2::jsonb) as facts", [
    hostTenant,
    JSON.stringify(lookups),
  ]);
  return rows[0]?.facts ?? [];
};

/** In whatever order what binds was read. */
const sorted = (facts: Facts | undefined): Facts | undefined => {
  const byId = <One extends { readonly id: string }>(some: readonly One[]): readonly One[] =>
    some.toSorted((one, other) => (one.id < other.id ? -1 : 1));
  return facts && { ...facts, assignments: byId(facts.assignments), grants: byId(facts.grants) };
};

test("relevant facts are all facts without the steps that no decision looks at", async () => {
  for (const statement of varied) await client.query(statement);
  await client.query("set role countersign_app");
  const keys = await keysOf();
  const seen = { unknown: 0, asleep: 0, short: 0, bound: 0, owned: 0, conditional: 0 };
  for (const key of keys) {
    const { bound, principal, tenant, node } = key;
    const [whole, relevant] = await looked([
      factsLookup(bound, null, principal, tenant, node),
      relevantFactsLookup(bound, principal, tenant, node),
    ]);
    assert.ok(whole && relevant);
    const about = (stored: StoredFacts): Facts | undefined =>
      factsOf(model, { ...key, principal: { kind: stored.kind ?? "human", id: principal } }, stored);
    const all = about(whole);
    const expected = all && relevantTo(all);
    assert.deepEqual(sorted(about(relevant)), sorted(expected), JSON.stringify(key));
    assert.equal(relevant.read, whole.read);
    if (expected === undefined) seen.unknown += 1;
    else {
      if (expected.path.some(({ state }, at) => at > 0 && state !== "active")) seen.asleep += 1;
      if (expected.path.length < (all?.path.length ?? 0)) seen.short += 1;
      if (expected.grants.length > 0 && expected.assignments.length > 0) seen.bound += 1;
      if (expected.resource !== undefined) seen.owned += 1;
      if (expected.grants.some(({ condition }) => condition !== undefined)) seen.conditional += 1;
    }
  }
  for (const [kind, times] of Object.entries(seen)) assert.ok(times > 0, `nothing ${kind} was asked about`);
});
