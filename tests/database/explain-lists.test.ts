// Every statement of the lists finds its rows through an index that names them: on tables that have just been made, on full ones of which nothing
// is known, and on full ones that have been analyzed.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type Question, questionsAt, seedTrees, type Whose } from "../../bench/seed-tree.ts";
import { type Deployment, startDeployment } from "../oauth/deployment.ts";
import { forgetting, judge, type Kinds } from "./explain-judge.ts";
import { startPlannedPostgres } from "./plans.ts";

type Found = { readonly results: readonly object[]; readonly page: { readonly next_token: string } };

type Body = { readonly subject: object } & Readonly<Record<string, unknown>>;

/** Asks by the host's token, about a tenant. */
const searching = (deployment: Deployment) => {
  const search = async (of: string, tenant: string, body: Body): Promise<Found> => {
    const subject = { ...body.subject, properties: { tenant } };
    const answer = await deployment.post(`/access/v1/search/${of}`, deployment.host, { ...body, subject });
    assert.equal(answer.status, 200, answer.text);
    return answer.json<Found>();
  };
  return {
    /** Two pages of what a principal may do this to. */
    resources: async (tenant: string, principal: string, type: string, limit: number): Promise<number> => {
      const body = { subject: { type: "user", id: principal }, action: { name: "read" }, resource: { type } };
      const first = await search("resource", tenant, { ...body, page: { limit } });
      if (first.page.next_token === "") return first.results.length;
      const second = await search("resource", tenant, { ...body, page: { limit, token: first.page.next_token } });
      return first.results.length + second.results.length;
    },
    subjects: async (tenant: string, type: string, resource: string): Promise<number> =>
      (
        await search("subject", tenant, {
          subject: { type },
          action: { name: "read" },
          resource: { type: "documents", id: resource },
        })
      ).results.length,
    actions: async (tenant: string, principal: string, resource: string): Promise<number> =>
      (
        await search("action", tenant, {
          subject: { type: "user", id: principal },
          resource: { type: "documents", id: resource },
        })
      ).results.length,
  };
};

/** Everything there is a statement for, of a tenant made as a customer makes one. */
const lists = async (deployment: Deployment): Promise<() => Promise<void>> => {
  const tenant = await deployment.tenant();
  const client = await tenant.perimeter("clients");
  const account = await tenant.perimeter("accounts", client.ref);
  const owner = await tenant.account({ role: "owner" });
  const robot = await tenant.account({ role: "member" });
  const ada = await tenant.user("member");
  const document = async (parent: string): Promise<string> =>
    String((await tenant.does("/v1/resources", { type: "documents", parent, display_name: "A document" }))["resource"]);
  let folder = account.ref;
  for (let depth = 0; depth < 4; depth += 1) folder = await document(folder);
  const alone: string[] = [];
  for (let nth = 0; nth < 6; nth += 1) {
    await document(account.ref);
    await document(folder);
    alone.push(await document(tenant.ref));
  }
  const group = await tenant.does("/v1/groups", { display_name: "Readers" });
  await tenant.does(`/v1/groups/${String(group["id"])}:addMembers`, { members: [robot.ref, ada.ref] });
  const give = (parent: string, principal: string) =>
    tenant.does("/v1/resource-grants", { parent, principal, level: "viewer" });
  await give(folder, String(group["resource"]));
  for (const one of alone) await give(one, robot.ref);
  // Below the client it walks down, and beside what it finds.
  await tenant.does("/v1/role-assignments", { parent: client.ref, principal: ada.ref, role: "admin" });
  const { resources, subjects, actions } = searching(deployment);
  return async () => {
    assert.equal(await resources(tenant.ref, robot.ref, "documents", 5), 10);
    assert.equal(await resources(tenant.ref, ada.ref, "documents", 100), 16);
    assert.equal(await resources(tenant.ref, ada.ref, "accounts", 1), 1);
    assert.equal(await resources(tenant.ref, owner.ref, "documents", 10), 20);
    assert.equal(await subjects(tenant.ref, "service-accounts", folder), 2);
    assert.equal(await subjects(tenant.ref, "user", folder), 1);
    assert.ok((await actions(tenant.ref, robot.ref, folder)) > 0);
  };
};

/** The same of tenants that are full. */
const listsOfFull = (deployment: Deployment): (() => Promise<void>) => {
  const { resources, subjects } = searching(deployment);
  const asked = (whose: Whose): readonly Question[] => questionsAt(tenants_full, tenants_full, 16, whose);
  return async () => {
    for (const whose of ["anyone", "granted", "grouped"] as const)
      for (const { tenant, principal, resource } of asked(whose)) {
        assert.equal(await resources(tenant, principal, "documents", 100), 200);
        assert.ok((await subjects(tenant, "service-accounts", resource)) > 0);
      }
  };
};

const tenants_full = 2;

const bindings = { role_assignments: /principal_id = /, resource_grants: /principal_id = / };
const inOrder = {
  role_assignments: /principal_id(?:, node_id\) >| =)/,
  resource_grants: /principal_id(?:, node_id\) >| =)/,
};
const children = { nodes: /ROW\(parent_id, type\) <= / };
const holders = { role_assignments: /node_id = /, resource_grants: /node_id = /, group_closure: /group_id = / };
const nodes = /\b(?:parent_)?id = /;

const kinds: Kinds = {
  anchors: { pattern: /^with bound as materialized \( select mine.node_id/, by: { ...inOrder, nodes } },
  "the way down": { pattern: /^with recursive first as/, by: children },
  "what stands beside": {
    pattern: /^select array_agg\(beside.id/,
    by: { nodes: /ROW\(parent_id, type\) <= |parent_id = .*type = ANY/ },
  },
  "everything, in the order it was made": {
    pattern: /order by type, create_time, id limit p_limit/,
    by: { nodes: /ROW\(type, create_time, id\) > / },
  },
  "whether everything is within reach": { pattern: /^v_everything := exists/, by: bindings },
  "a page": { pattern: /^with page as materialized .* \(select json_agg/, by: { nodes } },
  "what binds on it": { pattern: /^select json_agg\(json_build_array\(mine\.id/, by: bindings },
  "a page's groups": {
    pattern: /^select array_prepend\(p_principal, array_agg\(c.group_id/,
    by: { group_closure: /principal_id = / },
  },
  "a place's groups": { pattern: /^select array_agg\(distinct given.id\)/, by: holders },
  "a place's people": { pattern: /^with scanned as materialized/, by: holders },
  "a place": { pattern: /^with page as materialized .* \(select jsonb_agg/, by: { nodes } },
  "what binds people there": {
    pattern: /^with (?:bound|granted) as materialized \( select who.id as whose/,
    by: bindings,
  },
  "service accounts": { pattern: /from service_accounts s where .* any/, by: { service_accounts: /\bid = / } },
  memberships: { pattern: /from memberships m where/, by: { memberships: /user_id (?:= |>= )/ } },
  humans: { pattern: /from users u where/, by: { users: /\bid = / } },
};

const world = async (prepare: (quietUrl: string) => Promise<void> = async () => undefined) => {
  const postgres = await startPlannedPostgres();
  after(postgres.stop);
  await prepare(postgres.quietUrl);
  const deployment = await startDeployment({ databaseUrl: postgres.url });
  after(deployment.close);
  return { postgres, deployment };
};

/** Statements are planned for good at once, or at the latest at their sixth use. */
const rounds = 7;

test("on a database that has just been made, where nothing is known of any table", async () => {
  const { postgres, deployment } = await world();
  const live = await lists(deployment);
  postgres.plans();
  for (let round = 0; round < rounds; round += 1) await live();
  judge(postgres.plans(), kinds);
});

for (const analyzed of [false, true])
  test(`on tables that are full, and ${analyzed ? "have been analyzed" : "nobody has analyzed"}`, async () => {
    const { postgres, deployment } = await world((url) => seedTrees(url, tenants_full));
    if (!analyzed) for (const statement of forgetting) await deployment.sql(statement);
    const live = await lists(deployment);
    const liveFull = listsOfFull(deployment);
    postgres.plans();
    for (let round = 0; round < rounds; round += 1) await live();
    await liveFull();
    judge(postgres.plans(), kinds);
  });
