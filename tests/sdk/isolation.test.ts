/** `transaction` and the proof of isolation, on a real PostgreSQL: a proof that can't fail proves nothing, so each way of failing is there. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import pg from "pg";
import { transaction } from "../../sdk/postgres.ts";
import { NotIsolated, provesIsolation } from "../../sdk/testing.ts";
import { freshDatabase } from "../support/postgres.ts";

const database = await freshDatabase();
const owner = new pg.Pool({ connectionString: database.url, max: 2 });
const role = `files_${randomUUID().slice(0, 8)}`;
const asRole = new URL(database.url);
asRole.username = role;
asRole.password = "only-for-tests";
const pool = new pg.Pool({ connectionString: asRole.href, max: 2 });

const fence = `
  create table notes (tenant_id uuid not null, id uuid not null default gen_random_uuid(), body text, primary key (tenant_id, id));
  alter table notes enable row level security;
  alter table notes force row level security;
  create policy own on notes using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);`;

before(async () => {
  await owner.query(`create role ${role} login password 'only-for-tests'`);
  await owner.query(`${fence} grant select, insert on notes to ${role}`);
});

after(async () => {
  await pool.end();
  await owner.query(`drop owned by ${role}`);
  await owner.query(`drop role ${role}`);
  await owner.end();
  await database.drop();
});

type Client = pg.PoolClient;
const write = async (client: Client, tenant: string): Promise<string> => {
  const id = randomUUID();
  // Without `returning`, which only shows rows that may be read, and would hide that others can be written.
  await client.query("insert into notes (tenant_id, id, body) values ($1, $2, 'x')", [tenant, id]);
  return id;
};
const list = async (client: Client): Promise<unknown> => (await client.query("select tenant_id, id from notes")).rows;
const find = async (client: Client, id: string): Promise<unknown> =>
  (await client.query("select tenant_id, id from notes where id = $1", [id])).rows;

const findings = async (options: Partial<Parameters<typeof provesIsolation<Client>>[0]>): Promise<string> => {
  const proof = provesIsolation<Client>({ pool, write, read: find, ...options });
  const error = await proof.then(
    () => assert.fail("the proof held"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof NotIsolated, String(error));
  return error.findings.join("\n");
};

/** For the time of a test, the database is otherwise. */
const whileIt = async (change: string, back: string, work: () => Promise<void>): Promise<void> => {
  await owner.query(change);
  try {
    await work();
  } finally {
    await owner.query(back);
  }
};

test("a repository behind forced row-level security is proven, whether it finds or lists", async () => {
  await provesIsolation<Client>({ pool, write, read: find });
  await provesIsolation<Client>({ pool, write, read: list });
});

test("the proof fails for a superuser, whatever the policies say", async () => {
  assert.match(
    await findings({ pool: owner }),
    /is a superuser[^]*`read` finds another tenant's row[^]*no tenant is set/,
  );
});

test("the proof fails for a role that bypasses row-level security, and for one that owns a table", async () => {
  await whileIt(`alter role ${role} bypassrls`, `alter role ${role} nobypassrls`, async () => {
    assert.match(await findings({}), /BYPASSRLS/);
  });
  await whileIt(`alter table notes owner to ${role}`, "alter table notes owner to current_user", async () => {
    assert.match(await findings({}), /owns public\.notes/);
  });
  await owner.query(`grant select, insert on notes to ${role}`);
});

test("the proof fails where a table with a tenant has no forced row-level security, even one the repository does not read", async () => {
  await whileIt("create table others (tenant_id uuid)", "drop table others", async () => {
    assert.match(await findings({}), /public\.others has no row-level security/);
  });
  await whileIt(
    "alter table notes no force row level security",
    "alter table notes force row level security",
    async () => {
      assert.match(await findings({}), /public\.notes does not force/);
    },
  );
  await whileIt(
    "alter table notes disable row level security",
    "alter table notes enable row level security",
    async () => {
      assert.match(await findings({ read: list }), /no row-level security[^]*finds another tenant's row/);
    },
  );
});

test("the proof fails for views that lend their owner's rights", async () => {
  await whileIt("create view lent as select tenant_id from notes", "drop view lent", async () => {
    assert.match(await findings({}), /view public\.lent is read with its owner's rights/);
  });
  await whileIt(
    "create materialized view kept as select tenant_id from notes",
    "drop materialized view kept",
    async () => {
      assert.match(await findings({}), /materialized view public\.kept/);
    },
  );
  const own = "create view own_rights with (security_invoker = true) as select tenant_id from notes";
  await whileIt(own, "drop view own_rights", async () => provesIsolation<Client>({ pool, write, read: find }));
});

test("the proof fails for a policy that guards reading and not writing, or one that falls open without a tenant", async () => {
  const own = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid";
  const restore = `drop policy own on notes; create policy own on notes using (${own}) with check (${own})`;
  await whileIt(
    `drop policy own on notes; create policy own on notes using (${own}) with check (true)`,
    restore,
    async () => {
      assert.match(await findings({}), /`write` makes a row of another tenant/);
    },
  );
  const open = `${own} or coalesce(current_setting('app.tenant_id', true), '') = ''`;
  await whileIt(
    `drop policy own on notes; create policy own on notes using (${open}) with check (${own})`,
    restore,
    async () => {
      assert.match(await findings({ read: list }), /where no tenant is set/);
    },
  );
});

test("a repository that finds nothing, and a column nobody has, prove nothing", async () => {
  assert.match(await findings({ read: async () => [] }), /nothing was proven/);
  assert.match(await findings({ tenantColumn: "organization_id" }), /no table has a column `organization_id`/);
});

test("transaction refuses without a tenant, before the database is asked", async () => {
  const never = { connect: () => Promise.reject(new Error("asked")) };
  for (const none of ["", undefined, null, "*", "acme", "00000000-0000-4000-8000-00000000000G", "' or true --"])
    await assert.rejects(() => transaction(never, none as string, async () => 1), /there is no tenant/);
  await assert.rejects(
    () => transaction(never, randomUUID(), async () => 1, { setting: "role" }),
    /no name of a setting/,
  );
});

test("transaction: the tenant ends with the transaction, a throw rolls back, and a failed commit is no success", async () => {
  const single = new pg.Pool({ connectionString: asRole.href, max: 1 });
  const tenant = randomUUID();
  try {
    const id = await transaction(single, tenant, (client) => write(client, tenant));
    const left = await single.query<{ left: string | null }>("select current_setting('app.tenant_id', true) as left");
    assert.equal(left.rows[0]?.left ?? "", "", "the same connection, back in the pool");
    assert.deepEqual((await single.query("select id from notes")).rows, []);
    assert.equal(((await transaction(single, tenant, (client) => find(client, id))) as unknown[]).length, 1);

    const lost = transaction(single, tenant, async (client) => {
      await write(client, tenant);
      throw new Error("changed my mind");
    });
    await assert.rejects(lost, /changed my mind/);
    const swallowed = transaction(single, tenant, async (client) => {
      await write(client, tenant);
      await client.query("select 1 / 0").catch(() => undefined);
    });
    await assert.rejects(swallowed, /rolled back/);
    const early = transaction(single, tenant, async (client) => void (await client.query("commit")));
    await early.catch(() => undefined);
    const now = await single.query<{ left: string | null }>("select current_setting('app.tenant_id', true) as left");
    assert.equal(now.rows[0]?.left ?? "", "", "whichever way it ended");
    assert.equal(((await transaction(single, tenant, list)) as unknown[]).length, 1);
  } finally {
    await single.end();
  }
});
