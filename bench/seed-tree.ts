/**
 * Fills a database with deep trees and many bindings, as its owner and in bulk: five thousand nodes and seven thousand bindings a tenant.
 * What stands in the tables afterwards is what the API would have written.
 *
 * A tenant has five clients with an account each. In every account are ten folders of documents, one in the other down to the deepest level
 * there is (32), and some seven hundred documents beside them. Of its hundred service accounts, all members: the first was granted two
 * thousand documents one by one, and every folder; the second is in all fifty groups; each of the others was granted the ten folders of one
 * account and thirty documents, and is in five groups. Ids are derived from numbers, so that a row can be named without having been read.
 */
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { migratePostgres } from "../server/platform/database/postgres.ts";

export const depth_max = 32;
/** The level of an account, and so of the folders in it. */
const folder_depth = 4;

const clients = 5;
const folders_each_account = 10;
const documents_each_account = 708;
export const principals_each = 100;
const groups_each = 50;

/** What one tenant has. */
export const tree = {
  nodes: 1 + clients * (2 + folders_each_account * (depth_max - folder_depth + 1) + documents_each_account),
  bindings: principals_each + 2_050 + (principals_each - 1) * 40 + groups_each * 18,
} as const;

const migrations = fileURLToPath(new URL("../migrations/", import.meta.url));

/** The same as `md5(…)::uuid` in SQL. */
const uuidOf = (name: string): string => {
  const hex = createHash("md5").update(name).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
};

/** One tenant's n, and the ids of what is in it; `k` counts clients, `j` folders, `d` levels, `i` documents, `p` principals, `g` groups. */
const id = {
  tenant: "md5('tenant ' || n)::uuid",
  client: "md5('client ' || n || ' ' || k)::uuid",
  account: "md5('account ' || n || ' ' || k)::uuid",
  folder: (d: string) => `md5('folder ' || n || ' ' || k || ' ' || j || ' ' || ${d})::uuid`,
  document: "md5('document ' || n || ' ' || k || ' ' || i)::uuid",
  principal: "md5('principal ' || n || ' ' || p)::uuid",
  group: "md5('group ' || n || ' ' || g)::uuid",
} as const;

const node = `insert into nodes (tenant_id, id, type, parent_id, ancestors, display_name, state, create_time, update_time)`;
const rest = `'active', now(), now()`;
const grant = `insert into resource_grants (tenant_id, principal_id, node_id, id, principal_kind, level, create_time, update_time)`;
const series = (name: string, from: number, to: number): string => `generate_series(${from}, ${to}) ${name}`;

/** For the tenants numbered from `$1` to `$2`. */
const statements: readonly string[] = [
  `${node} select ${id.tenant}, ${id.tenant}, 'organization', null, array[${id.tenant}], 'Tenant ' || n, ${rest} from generate_series($1::int, $2) n`,
  `${node} select ${id.tenant}, ${id.client}, 'client', ${id.tenant}, array[${id.client}, ${id.tenant}], 'Client', ${rest}
     from generate_series($1::int, $2) n, ${series("k", 1, clients)}`,
  `${node} select ${id.tenant}, ${id.account}, 'account', ${id.client}, array[${id.account}, ${id.client}, ${id.tenant}], 'Account', ${rest}
     from generate_series($1::int, $2) n, ${series("k", 1, clients)}`,
  `${node} select ${id.tenant}, ${id.folder("d")}, 'documents', above.ids[1], ${id.folder("d")} || above.ids, 'Folder', ${rest}
     from generate_series($1::int, $2) n, ${series("k", 1, clients)}, ${series("j", 1, folders_each_account)}, ${series("d", folder_depth, depth_max)},
          lateral (select coalesce((select array_agg(${id.folder("e")} order by e desc) from generate_series(${folder_depth}, d - 1) e), '{}')
                          || array[${id.account}, ${id.client}, ${id.tenant}] as ids) above`,
  `${node} select ${id.tenant}, ${id.document}, 'documents', ${id.account}, array[${id.document}, ${id.account}, ${id.client}, ${id.tenant}], 'Document', ${rest}
     from generate_series($1::int, $2) n, ${series("k", 1, clients)}, ${series("i", 1, documents_each_account)}`,
  `insert into service_accounts (tenant_id, id, node_id, client_id, display_name, state, scopes, access_token_format, access_token_ttl_seconds,
     create_time, update_time)
   select ${id.tenant}, ${id.principal}, ${id.tenant}, 'sa_live_' || substr(md5('client id ' || n || ' ' || p), 1, 20), 'Service', 'active', '{*}', 'jwt',
     3600, now(), now() from generate_series($1::int, $2) n, ${series("p", 1, principals_each)}`,
  `insert into role_assignments (tenant_id, principal_id, node_id, id, principal_kind, role_name, propagation, create_time, update_time)
   select ${id.tenant}, ${id.principal}, ${id.tenant}, ${id.principal}, 'service', 'member', 'subtree', now(), now()
     from generate_series($1::int, $2) n, ${series("p", 1, principals_each)}`,
  `insert into groups (tenant_id, id, node_id, display_name, description, create_time, update_time)
   select ${id.tenant}, ${id.group}, ${id.tenant}, 'Group ' || g, '', now(), now() from generate_series($1::int, $2) n, ${series("g", 1, groups_each)}`,
  `insert into group_closure (tenant_id, principal_id, group_id, principal_kind)
   select ${id.tenant}, ${id.principal}, ${id.group}, 'service'
     from generate_series($1::int, $2) n, ${series("p", 2, principals_each)}, ${series("g", 1, groups_each)} where p = 2 or (p + g) % 10 = 0`,
  `insert into group_members (tenant_id, group_id, member_kind, member_id, create_time)
   select tenant_id, group_id, principal_kind, principal_id, now() from group_closure`,
  // the first principal: 400 documents of each account, and every folder
  `${grant} select ${id.tenant}, ${id.principal}, ${id.document}, md5('grant ' || n || ' ' || k || ' ' || i)::uuid, 'service', 'viewer', now(), now()
     from generate_series($1::int, $2) n, ${series("p", 1, 1)}, ${series("k", 1, clients)}, ${series("i", 1, 400)}`,
  `${grant} select ${id.tenant}, ${id.principal}, ${id.folder(String(folder_depth))}, md5('folder grant ' || n || ' ' || p || ' ' || k || ' ' || j)::uuid, 'service',
       'viewer', now(), now()
     from generate_series($1::int, $2) n, ${series("p", 1, principals_each)}, ${series("k", 1, clients)}, ${series("j", 1, folders_each_account)}
    where p = 1 or k = 1 + p % ${clients}`,
  `${grant} select ${id.tenant}, ${id.principal}, ${id.document}, md5('grant of ' || n || ' ' || p || ' ' || i)::uuid, 'service', 'editor', now(), now()
     from generate_series($1::int, $2) n, ${series("p", 2, principals_each)}, ${series("k", 1, clients)}, ${series("i", 1, 30)} where k = 1 + (p + 1) % ${clients}`,
  `${grant} select ${id.tenant}, ${id.group}, ${id.document}, md5('group grant ' || n || ' ' || g || ' ' || i)::uuid, 'group', 'manager', now(), now()
     from generate_series($1::int, $2) n, ${series("g", 1, groups_each)}, ${series("k", 1, clients)}, ${series("i", 601, 618)} where k = 1 + g % ${clients}`,
];

/** Rows that fit each other by construction need no foreign key looked up, and a seed needs no durability. */
const settings = [
  "session_replication_role = replica",
  "synchronous_commit = off",
  "work_mem = '256MB'",
  "maintenance_work_mem = '256MB'",
];

/** Indexes that are no constraint: built in one go at the end, as they were. */
const indexesSql = `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
  where indrelid in ('nodes'::regclass, 'resource_grants'::regclass, 'role_assignments'::regclass, 'group_closure'::regclass)
    and not exists (select from pg_constraint where conindid = indexrelid)`;

/** Tenants filled by one statement: what a sort of theirs needs fits into memory. */
const tenants_at_once = 20;

/** Migrates an empty database and fills it. `url`'s user is a superuser. */
export const seedTrees = async (url: string, tenants: number): Promise<void> => {
  await migratePostgres(url, migrations);
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const setting of settings) await client.query(`set ${setting}`);
    const { rows: indexes } = await client.query<{ name: string; definition: string }>(indexesSql);
    for (const { name } of indexes) await client.query(`drop index ${name}`);
    for (let first = 1; first <= tenants; first += tenants_at_once) {
      const last = Math.min(tenants, first + tenants_at_once - 1);
      for (const statement of statements.filter((each) => !each.includes("into group_members")))
        await client.query(statement, [first, last]);
    }
    for (const statement of statements.filter((each) => each.includes("into group_members")))
      await client.query(statement);
    for (const { definition } of indexes) await client.query(definition);
    await client.query("vacuum (analyze)");
    await client.query("checkpoint");
  } finally {
    await client.end();
  }
};

/** One principal and one node that it may read, by refs. */
export type Question = { readonly tenant: string; readonly principal: string; readonly resource: string };

/** Which principals are asked about: any but the first two, the one with two thousand grants, or the one in fifty groups. */
export type Whose = "anyone" | "granted" | "grouped";

/** As many questions as asked for at a level, spread evenly over all tenants, no two alike. All are to be answered yes. */
export const questionsAt = (
  tenants: number,
  count: number,
  depth: number,
  whose: Whose = "anyone",
): readonly Question[] =>
  Array.from({ length: count }, (_, nth) => {
    const n = 1 + (nth % tenants);
    const turn = Math.floor(nth / tenants);
    const p = whose === "granted" ? 1 : whose === "grouped" ? 2 : 3 + ((nth + turn * 7) % (principals_each - 2));
    const k = 1 + (p % clients);
    const j = 1 + (turn % folders_each_account);
    return {
      tenant: `organizations/${uuidOf(`tenant ${n}`)}`,
      principal: `service-accounts/${uuidOf(`principal ${n} ${p}`)}`,
      resource: `documents/${uuidOf(`folder ${n} ${k} ${j} ${depth}`)}`,
    };
  });
