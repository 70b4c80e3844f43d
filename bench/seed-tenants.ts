/**
 * Fills a database with many tenants at once, as its owner and in bulk: a small tree each, and a hundred service accounts with one
 * role assignment and one client secret apiece. What stands in the tables afterwards is what the API would have written.
 *
 * Ids are derived from numbers, so that two runs hold the same rows, and a row can be named without having been read. Nobody knows a
 * secret that belongs to the hashes, except of the principals that `sampled` picks: those get real ones.
 */
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import type { PrincipalId, TenantId } from "../core/ids.ts";
import { migratePostgres } from "../server/platform/database/postgres.ts";
import { newSecret } from "../server/tokens/secret-text.ts";

export const principals_each = 100;
const clients_each = 2;
const accounts_each_client = 2;

/** A principal that can be asked about, and can ask. */
export type Sampled = {
  readonly tenant: TenantId;
  readonly principal: PrincipalId;
  /** An account below the client where its role is assigned. */
  readonly account: string;
  readonly clientId: string;
  readonly clientSecret: string;
};

const migrations = fileURLToPath(new URL("../migrations/", import.meta.url));

/** The same as `md5(…)::uuid` in SQL. */
const uuidOf = (name: string): string => {
  const hex = createHash("md5").update(name).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
};

/** A tenant's rows, in the order of their keys: an index is then filled from left to right. */
const tenantsSql = `create temp table t as
  select n, md5('tenant ' || n)::uuid as id from generate_series(1, $tenants) n order by 2`;

const node = `insert into nodes (tenant_id, id, type, parent_id, ancestors, display_name, state, create_time, update_time)`;

const nodesSql = [
  `${node} select id, id, 'organization', null, array[id], 'Tenant ' || n, 'active', now(), now() from t`,
  `${node} select t.id, c.id, 'client', t.id, array[c.id, t.id], 'Client', 'active', now(), now()
     from t cross join generate_series(1, ${clients_each}) k cross join lateral (select md5('client ' || t.n || ' ' || k)::uuid) c (id)`,
  `${node} select t.id, a.id, 'account', c.id, array[a.id, c.id, t.id], 'Account', 'active', now(), now()
     from t cross join generate_series(1, ${clients_each}) k cross join generate_series(1, ${accounts_each_client}) j
     cross join lateral (select md5('client ' || t.n || ' ' || k)::uuid, md5('account ' || t.n || ' ' || k || ' ' || j)::uuid) x (c, a)
     cross join lateral (select x.c) c (id) cross join lateral (select x.a) a (id)`,
] as const;

const principalsSql = `create temp table p as
  select t.id as tenant_id, md5('principal ' || t.n || ' ' || k)::uuid as id, 'sa_live_' || substr(md5('client id ' || t.n || ' ' || k), 1, 20) as client_id,
    md5('client ' || t.n || ' ' || (1 + k % ${clients_each}))::uuid as client
  from t cross join generate_series(1, ${principals_each}) k order by 1, 2`;

const rowsSql = [
  `insert into service_accounts (tenant_id, id, node_id, client_id, display_name, state, scopes, access_token_format, access_token_ttl_seconds,
     create_time, update_time)
   select tenant_id, id, tenant_id, client_id, 'Service', 'active', '{*}', 'jwt', 3600, now(), now() from p`,
  `insert into client_secrets (tenant_id, id, service_account_id, hash, key_id, create_time)
   select tenant_id, id, id, sha256(uuid_send(id)), '000000000000', now() from p`,
  `insert into role_assignments (tenant_id, principal_id, node_id, id, principal_kind, role_name, propagation, create_time, update_time)
   select tenant_id, id, client, id, 'service', 'member', 'subtree', now(), now() from p`,
  `insert into client_directory (client_id, tenant_id, service_account_id) select client_id, tenant_id, id from p order by client_id`,
] as const;

/** Migrates an empty database, fills it, and gives `sample` of its principals secrets that are known. `url`'s user is a superuser. */
export const seedTenants = async (url: string, tenants: number, sample: number): Promise<readonly Sampled[]> => {
  await migratePostgres(url, migrations);
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const setting of settings) await client.query(`set ${setting}`);
    const { rows: indexes } = await client.query<{ name: string; definition: string }>(indexesSql);
    for (const { name } of indexes) await client.query(`drop index ${name}`);
    await client.query(tenantsSql.replace("$tenants", String(tenants)));
    for (const statement of [...nodesSql, principalsSql, ...rowsSql]) await client.query(statement);
    for (const { definition } of indexes) await client.query(definition);
    const sampled = pick(tenants, sample);
    for (const { tenant, principal, hash, keyId } of sampled)
      await client.query("update client_secrets set hash = $3, key_id = $4 where tenant_id = $1 and id = $2", [
        tenant,
        principal,
        hash,
        keyId,
      ]);
    await client.query("vacuum (analyze)");
    await client.query("checkpoint");
    return sampled.map(({ hash: _hash, keyId: _keyId, ...known }) => known);
  } finally {
    await client.end();
  }
};

/** Rows that fit each other by construction need no foreign key looked up, and a seed needs no durability. */
const settings = [
  "session_replication_role = replica",
  "synchronous_commit = off",
  "work_mem = '256MB'",
  "maintenance_work_mem = '256MB'",
];

/** Indexes that are no constraint: built in one go at the end, as they were. */
const indexesSql = `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
  where indrelid in ('service_accounts'::regclass, 'client_secrets'::regclass, 'role_assignments'::regclass)
    and not exists (select from pg_constraint where conindid = indexrelid)`;

/** As many principals at every size, spread evenly over all tenants. */
const pick = (tenants: number, sample: number) => {
  const step = (tenants * principals_each) / sample;
  return Array.from({ length: sample }, (_, nth) => {
    const place = Math.floor(nth * step + (nth % step));
    const [n, k] = [1 + Math.floor(place / principals_each), 1 + (place % principals_each)];
    const [tenant, principal] = [uuidOf(`tenant ${n}`) as TenantId, uuidOf(`principal ${n} ${k}`) as PrincipalId];
    const { text, hash, keyId } = newSecret("client_secret", tenant, principal);
    return {
      tenant,
      principal,
      account: `accounts/${uuidOf(`account ${n} ${1 + (k % clients_each)} 1`)}`,
      clientId: `sa_live_${createHash("md5").update(`client id ${n} ${k}`).digest("hex").slice(0, 20)}`,
      clientSecret: text,
      hash,
      keyId,
    };
  });
};
