// Every statement of the hot paths finds its rows through an index that names them, on tables that have just been made and on full ones.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { seedTrees } from "../../bench/seed-tree.ts";
import { addVolume } from "../../bench/volume.ts";
import { type Deployment, startDeployment, type Tenant } from "../oauth/deployment.ts";
import { grantsKit } from "../oauth/grants-kit.ts";
import { openGateway } from "../serial/subjects.ts";
import { forgetting, judge, type Kinds } from "./explain-judge.ts";
import { type PlannedPostgres, startPlannedPostgres } from "./plans.ts";

/** What a gateway and an application do all day, each of it once from a cold cache. */
const day = async (deployment: Deployment, tenant: Tenant): Promise<() => Promise<void>> => {
  const kit = grantsKit(deployment);
  const account = await tenant.account({ role: "member" });
  const opaque = await tenant.account({ role: "owner", access_token_format: "opaque" });
  const token = await deployment.token(opaque);
  const api = await deployment.apiToken(token, ["accounts:read"]);
  const group = await tenant.does("/v1/groups", { display_name: "Readers" });
  await tenant.does(`/v1/groups/${String(group["id"])}:addMembers`, { members: [account.ref] });
  const folder = await tenant.does("/v1/resources", { type: "documents", parent: tenant.ref, display_name: "Folder" });
  const parent = String(folder["resource"]);
  const document = await tenant.does("/v1/resources", { type: "documents", parent, display_name: "Document" });
  const principal = String(group["resource"]);
  await tenant.does("/v1/resource-grants", { parent, principal, level: "viewer" });
  const expire_time = new Date(Date.now() + 3_600_000).toISOString();
  const shared = { parent, level: "viewer", display_name: "Shared", expire_time };
  const post = async (path: string, body: object): Promise<void> => {
    const answer = await deployment.post(path, token, body);
    assert.ok(answer.status < 300, answer.text);
  };
  const link = (await deployment.post("/v1/share-links", token, shared)).json<{ link?: string }>().link ?? "";
  const app = await kit.application({}, tenant);
  const ada = await kit.human(tenant, { role: "viewer" });
  const gateway = openGateway(deployment);
  after(gateway.close);
  return async () => {
    assert.ok(await gateway.may(tenant, account.ref, "documents:read", String(document["resource"]), 0));
    assert.ok(await deployment.isActive(await deployment.token(account)));
    assert.ok(await deployment.isActive(token));
    assert.ok(await deployment.isActive(api.token));
    const { access_token, refresh_token } = await kit.tokens(app, ada, { scope: "openid offline_access" });
    assert.ok(await deployment.isActive(access_token));
    assert.equal((await kit.refresh(app, refresh_token)).status, 200);
    await post("/v1/share-links:open", { link });
    const list = await deployment.get("/v1/resources?page_size=10", token);
    assert.equal(list.status, 200, list.text);
  };
};

/** Each of these has to have been seen, or nothing has been looked at. */
const decisions: Kinds = {
  bindings: /from role_assignments a left join roles r on .* where a.tenant_id = p_tenant/,
  grants: /from resource_grants g where g.tenant_id = p_tenant/,
  path: /^select jsonb_agg\(\(select jsonb_build_array\(n.id, n.type, n.state\)/,
  target: /^select n.ancestors, case/,
  groups: /from group_closure c where/,
  "a service account": /^select s.state from service_accounts/,
  "a human": /^select u.state from users u/,
};

/**
 * Without statistics a tenant looks as rare as a principal, and a table of a few hundred role assignments is read by tenant until autovacuum has
 * been there; a larger one is not.
 */
const { bindings: _few, ...unanalyzed } = decisions;

const flows: Kinds = {
  "a stored token": /from (access|api)_tokens t/,
  "a revoked token": /from revoked_tokens/,
  "a token's family": /from token_families f/,
  "a session": /from sessions s/,
  "a code": /authorization_codes/,
  "a refresh token": /refresh_tokens/,
};

/** Opening a share link begins with its text. */
const opening: Kinds = {
  "a share link, by its text": {
    pattern: /^select l.id, l.node_id, n.type, l.level/,
    by: { share_links: /hash >= /, nodes: /\bid = / },
  },
};

/** And ends with its use; of the first few links there are, one index is as good as another. */
const using: Kinds = {
  "a share link's use": { pattern: /^update share_links set uses/, by: { share_links: /\bid = |hash = / } },
};

/** What the tenant has besides, so that each table it uses is full of its rows, and the statistics know of them. */
const others: readonly string[] = [
  `insert into nodes (tenant_id, id, type, parent_id, ancestors, display_name, state, create_time, update_time)
   select $1::uuid, v.id, 'documents', $1::uuid, array[v.id, $1::uuid], 'Another', 'active', now(), now()
     from (select gen_random_uuid() as id from generate_series(1, 3000)) v`,
  `insert into share_links (tenant_id, id, node_id, level, display_name, hash, key_id, creator_kind, creator_id, create_time, expire_time)
   select l.tenant_id, gen_random_uuid(), l.node_id, l.level, 'Another', sha256(convert_to(n::text, 'UTF8')), l.key_id, l.creator_kind, l.creator_id,
          now(), now() + interval '1 day' from share_links l cross join generate_series(1, 2000) n`,
  `insert into api_tokens (tenant_id, id, owner_kind, owner_id, display_name, hash, key_id, scopes, create_time, expire_time)
   select t.tenant_id, gen_random_uuid(), t.owner_kind, t.owner_id, 'Another', sha256(convert_to(n::text, 'UTF8')), t.key_id, t.scopes, now(),
          now() + interval '1 day' from api_tokens t cross join generate_series(1, 2000) n`,
];

const started = async (): Promise<PlannedPostgres> => {
  const postgres = await startPlannedPostgres();
  after(postgres.stop);
  return postgres;
};

test("on a database that has just been made, where nothing is known of any table", async () => {
  const postgres = await started();
  const deployment = await startDeployment({ databaseUrl: postgres.url });
  after(deployment.close);
  const live = await day(deployment, await deployment.tenant());
  postgres.plans();
  for (let round = 0; round < 7; round += 1) await live();
  judge(postgres.plans(), { ...decisions, ...opening });
});

for (const analyzed of [false, true])
  test(`on tables that are full, and ${analyzed ? "have been analyzed" : "nobody has analyzed"}`, async () => {
    const postgres = await started();
    await seedTrees(postgres.quietUrl, 2);
    const deployment = await startDeployment({ databaseUrl: postgres.url });
    after(deployment.close);
    if (!analyzed) for (const statement of forgetting) await deployment.sql(statement);
    const tenant = await deployment.tenant();
    const live = await day(deployment, tenant);
    for (const statement of others) await deployment.sql(statement, statement.includes("$1") ? [tenant.id] : []);
    if (analyzed) await addVolume(postgres.quietUrl, tenant.id);
    postgres.plans();
    for (let round = 0; round < 7; round += 1) await live();
    judge(postgres.plans(), { ...(analyzed ? { ...decisions, ...flows } : unanalyzed), ...opening, ...using });
  });
