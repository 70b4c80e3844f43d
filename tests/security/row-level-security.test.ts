// The first fence between tenants (invariant 2): row-level security, looked up in PostgreSQL's own catalog, and then tried.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import pg from "pg";
import { startDeployment } from "../oauth/deployment.ts";
import { leaveTraces } from "./people.ts";
import { populate } from "./populated.ts";

const deployment = await startDeployment();
const acme = await populate(deployment, "Acme");
const other = await populate(deployment, "Other");
// Tables that fill only when used: an opaque token, a revoked JWT, a spent assertion's place, an idempotency key.
for (const { tenant, owner } of [acme, other]) {
  await deployment.token(await tenant.account({ access_token_format: "opaque" }));
  const token = await deployment.token(owner);
  await deployment.form("/oauth/revoke", { token, client_id: owner.client_id, client_secret: owner.client_secret });
  const headers = { "idempotency-key": "once", "countersign-tenant": tenant.ref };
  await deployment.post("/v1/clients", deployment.host, { parent: tenant.ref, display_name: "Once" }, 0, headers);
  await deployment.sql(
    "insert into spent_assertions (tenant_id, client_id, jti_hash, expire_time) values ($1, 'someone', 'x', now() + interval '1 minute')",
    [tenant.id],
  );
  await leaveTraces(deployment, tenant.id);
}
const application = new pg.Client({ connectionString: deployment.databaseUrl });
await application.connect();
await application.query("set role countersign_app");
after(async () => {
  await application.end();
  await deployment.close();
});

/** What stands outside the rules, each with its reason. The lists may only shrink. */
const exempt: Readonly<Record<string, string>> = {
  client_directory:
    "routing: which tenant a public client_id lives in must be found before a tenant is known, so it is keyed by client_id",
  login_directory:
    "routing: which home tenants know an e-mail address, by its digest, must be found before anybody has signed in",
  verified_domains: "routing: a domain is one tenant's at most, so it is keyed by its name",
};
/** Tables of the deployment itself: no tenant's data is in them. */
const global: readonly string[] = [
  "client_directory",
  "deployment",
  "login_directory",
  "model_versions",
  "relay_state",
  "schema_migrations",
  "setup_links",
  "signing_keys",
  "verified_domains",
];

const tables = (
  await deployment.sql<{ name: string; tenant: boolean; enabled: boolean; forced: boolean; owner: string }>(`
    select c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced, pg_get_userbyid(c.relowner)::text as owner,
           exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped) as tenant
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind in ('r', 'p') order by c.relname`)
).map((table) => ({ ...table, exempt: exempt[table.name] !== undefined }));
const tenantTables = tables.filter(({ tenant, exempt: outside }) => tenant && !outside);

/** Of one tenant, or with "" of none, as the application. */
const rowsSeen = async (table: string, tenant: string, scope = ""): Promise<readonly { tenant_id: string }[]> => {
  await application.query("begin");
  try {
    await application.query(
      "select set_config('countersign.tenant', $1, true), set_config('countersign.scope', $2, true)",
      [tenant, scope],
    );
    return (await application.query(`select tenant_id from ${table}`)).rows as { tenant_id: string }[];
  } finally {
    await application.query("rollback");
  }
};

test("every table has a tenant_id under row-level security, or is on the committed list of the deployment's own", () => {
  const outside = tables.filter((table) => !tenantTables.includes(table)).map(({ name }) => name);
  assert.deepEqual(outside, global);
  assert.ok(tenantTables.length >= 13, tenantTables.map(({ name }) => name).join());
});

test("invariant 2: every tenant table has row-level security enabled and forced, with a policy on its tenant", async () => {
  const policies = await deployment.sql<{
    tablename: string;
    policyname: string;
    cmd: string;
    qual: string;
    with_check: string | null;
  }>("select tablename, policyname, cmd, qual, with_check from pg_policies where schemaname = 'public'");
  for (const { name, enabled, forced } of tables.filter(({ tenant }) => tenant)) {
    assert.ok(enabled && forced, `${name} is not under forced row-level security`);
    assert.ok(
      policies.some(({ tablename, policyname }) => tablename === name && policyname === "of_the_tenant"),
      `${name} has no policy`,
    );
  }
  for (const { tablename, policyname, qual, with_check } of policies) {
    if (!tenantTables.some(({ name }) => name === tablename)) continue;
    const said = `${qual} ${with_check ?? ""}`;
    assert.ok(
      said.includes("tenant_id = countersign_tenant()") || said.includes("countersign_is_host()"),
      `${tablename}.${policyname}: ${said}`,
    );
  }
});

/** What has expired may be swept up above all tenants, and nothing else of these tables is seen there. */
const removable = (table: string): readonly string[] => [
  `${table}.expired_removed_by_the_host for DELETE`,
  `${table}.expired_seen_by_the_host for SELECT`,
];

test("the policies that let the host see past one tenant are exactly these", async () => {
  const wider = await deployment.sql<{ it: string }>(
    "select tablename || '.' || policyname || ' for ' || cmd as it from pg_policies where qual like '%countersign_is_host%' or qual = 'true' order by 1",
  );
  assert.deepEqual(
    wider.map(({ it }) => it),
    [
      ...removable("access_tokens"),
      ...removable("authorization_codes"),
      ...removable("authorization_requests"),
      "client_directory.routing for SELECT",
      ...removable("device_authorizations"),
      "events.relay_by_the_host for ALL",
      ...removable("idempotency_keys"),
      "login_directory.routing for SELECT",
      "logout_notices.sent_by_the_host for ALL",
      ...removable("mail_links"),
      "mail_outbox.sent_by_the_host for ALL",
      "memberships.whereabouts_for_the_host for SELECT",
      "nodes.roots_for_the_host for SELECT",
      ...removable("refresh_tokens"),
      ...removable("remembered_devices"),
      ...removable("revoked_tokens"),
      ...removable("sessions"),
      ...removable("spent_assertions"),
      ...removable("spent_once"),
      "token_families.ended_by_the_host for UPDATE",
      "token_families.expired_removed_by_the_host for DELETE",
      "token_families.seen_by_the_host for SELECT",
      "verified_domains.routing for SELECT",
    ],
  );
});

test("design §6: every primary key, unique constraint and foreign key of a tenant table begins with tenant_id", async () => {
  const keys = await deployment.sql<{
    table: string;
    name: string;
    columns: string[];
    foreign_columns: string[] | null;
  }>(`
    select c.relname as table, i.relname as name, null as foreign_columns,
           array(select coalesce(a.attname, 'expression')::text from unnest(x.indkey::int2[]) with ordinality as k (n, ord)
                   left join pg_attribute a on a.attrelid = c.oid and a.attnum = k.n and k.n <> 0 order by k.ord) as columns
      from pg_index x join pg_class c on c.oid = x.indrelid join pg_class i on i.oid = x.indexrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and x.indisunique
    union all
    select c.relname, k.conname,
           array(select a.attname::text from unnest(k.confkey) with ordinality as f (n, ord)
                   join pg_attribute a on a.attrelid = k.confrelid and a.attnum = f.n order by f.ord),
           array(select a.attname::text from unnest(k.conkey) with ordinality as f (n, ord)
                   join pg_attribute a on a.attrelid = k.conrelid and a.attnum = f.n order by f.ord)
      from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and k.contype = 'f'`);
  const checked = keys.filter(({ table }) => tenantTables.some(({ name }) => name === table));
  assert.ok(checked.length > tenantTables.length);
  for (const { table, name, columns, foreign_columns } of checked) {
    assert.equal(columns[0], "tenant_id", `${name} of ${table} begins with ${columns[0]}`);
    if (foreign_columns !== null) assert.equal(foreign_columns[0], "tenant_id", `${name} of ${table}`);
  }
});

test("invariant 2: with no tenant set every tenant table has zero rows, and with one none of another's", async () => {
  for (const { name } of tenantTables) {
    const both = await deployment.sql<{ tenant_id: string }>(`select distinct tenant_id from ${name}`);
    for (const id of [acme.tenant.id, other.tenant.id])
      assert.ok(
        both.some(({ tenant_id }) => tenant_id === id),
        `${name} has no row to see, so seeing none would prove nothing`,
      );
    assert.deepEqual(await rowsSeen(name, ""), [], name);
    const seen = await rowsSeen(name, acme.tenant.id);
    assert.ok(seen.length > 0, name);
    assert.deepEqual([...new Set(seen.map(({ tenant_id }) => tenant_id))], [acme.tenant.id], name);
  }
});

/** What the host sees of tenants: what it delivers for them, where they and their members are, and what a client it ends had been given. */
const aboveAll: readonly string[] = [
  "events",
  "logout_notices",
  "mail_outbox",
  "memberships",
  "nodes",
  "token_families",
];

test("invariant 2: above all tenants the application reads what its policies say, and nothing else", async () => {
  for (const { name } of tenantTables) {
    const tenants = new Set((await rowsSeen(name, "", "host")).map(({ tenant_id }) => tenant_id));
    assert.equal(tenants.has(acme.tenant.id), aboveAll.includes(name), name);
  }
  await application.query("begin");
  await application.query("select set_config('countersign.scope', 'host', true)");
  const below = await application.query("select from nodes where parent_id is not null");
  await application.query("rollback");
  assert.equal(below.rowCount, 0, "of the trees only the roots");
});

test("invariant 2: the application cannot write a row into another tenant, nor move one there", async () => {
  for (const { name } of tenantTables) {
    const row = `(select (jsonb_populate_record(t, jsonb_build_object('tenant_id', '${other.tenant.id}'))).* from ${name} t limit 1)`;
    const attempts = [`insert into ${name} ${row}`, `update ${name} set tenant_id = '${other.tenant.id}'`];
    for (const attempt of attempts) {
      await application.query("begin");
      await application.query("select set_config('countersign.tenant', $1, true)", [acme.tenant.id]);
      // Refused by the policy, or because the application may not do it to any row.
      await assert.rejects(
        application.query(attempt),
        (error: Error) => /row-level security|permission denied|cannot insert a non-DEFAULT/.test(error.message),
        attempt,
      );
      await application.query("rollback");
    }
  }
});

test("invariant 12: of the audit log the application can read and append, and neither change nor remove an entry", async () => {
  for (const attempt of [
    "update audit_entries set action = 'x'",
    "delete from audit_entries",
    "truncate audit_entries",
  ]) {
    await application.query("begin");
    await application.query("select set_config('countersign.tenant', $1, true)", [acme.tenant.id]);
    await assert.rejects(application.query(attempt), /permission denied/, attempt);
    await application.query("rollback");
  }
});

test("invariant 2: the application's role owns nothing, cannot log in, and cannot bypass row-level security or become who can", async () => {
  const [role] = await deployment.sql(
    "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication from pg_roles where rolname = 'countersign_app'",
  );
  assert.ok(role !== undefined && Object.values(role).every((may) => may === false), JSON.stringify(role));
  const owned = await deployment.sql(
    `select relname from pg_class where pg_get_userbyid(relowner) = 'countersign_app'
      union all select proname from pg_proc where pg_get_userbyid(proowner) = 'countersign_app'`,
  );
  assert.deepEqual(owned, []);
  const memberOf = await deployment.sql("select roleid from pg_auth_members where member = 'countersign_app'::regrole");
  assert.deepEqual(memberOf, []);
  const definers = await deployment.sql(
    "select proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'public' and p.prosecdef",
  );
  assert.deepEqual(definers, [], "a function that runs as its owner would be a way around");
  const [created] = await deployment.sql<{ may: boolean }>(
    "select has_schema_privilege('countersign_app', 'public', 'create') as may",
  );
  assert.equal(created?.may, false);
});
