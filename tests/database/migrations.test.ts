/** Forward only, once each, in order: and what is said when history and folder disagree. */
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import pg from "pg";
import { openEmbedded } from "../../server/platform/database/embedded.ts";
import { migratePostgres, openPostgres } from "../../server/platform/database/postgres.ts";
import { freshDatabase } from "../support/postgres.ts";
import { migrationsFolder, quietHooks, schema, temporaryFolder } from "./backends.ts";

const files = {
  "0001_notes.sql": schema,
  "0002_words.sql": "create table words (word text primary key);\ngrant select on words to countersign_app;\n",
};

const stage = async (t: TestContext, sql: Readonly<Record<string, string>> = files) => {
  const [{ url, drop }, folder] = await Promise.all([freshDatabase(), migrationsFolder(sql)]);
  t.after(() => Promise.all([drop(), folder.remove()]));
  return { url, folder: folder.path };
};

const ask = async (url: string, sql: string): Promise<readonly Record<string, unknown>[]> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
};

/** What a migration run is refused with. */
const refusal = (url: string, folder: string): Promise<string> =>
  migratePostgres(url, folder).then(
    () => assert.fail("it was applied"),
    (error: unknown) => (error instanceof Error ? error.message : assert.fail("it threw something else")),
  );

test("migrations are applied in order, once", async (t) => {
  const { url, folder } = await stage(t);
  assert.deepEqual(await migratePostgres(url, folder), { applied: Object.keys(files) });
  assert.deepEqual(await migratePostgres(url, folder), { applied: [] });
  await writeFile(join(folder, "0003_more.sql"), "insert into words values ('more');");
  assert.deepEqual(await migratePostgres(url, folder), { applied: ["0003_more.sql"] });
  const rows = await ask(url, "select version, name, length(checksum) as length from schema_migrations order by 1");
  assert.deepEqual(rows, [
    { version: 1, name: "notes", length: 64 },
    { version: 2, name: "words", length: 64 },
    { version: 3, name: "more", length: 64 },
  ]);
});

test("an applied migration that has changed is named, with what to do; line ends do not count as a change", async (t) => {
  const { url, folder } = await stage(t);
  await migratePostgres(url, folder);
  await writeFile(join(folder, "0001_notes.sql"), schema.replaceAll("\n", "\r\n"));
  assert.deepEqual(await migratePostgres(url, folder), { applied: [] });
  await writeFile(join(folder, "0001_notes.sql"), `${schema} -- and more`);
  const said = await refusal(url, folder);
  assert.match(said, /0001_notes\.sql` has changed: put its text back, and write the change as migration 0003$/);
});

test("an applied migration that is missing or renamed is named, and so is a database newer than the code", async (t) => {
  const { url, folder } = await stage(t);
  await migratePostgres(url, folder);
  await rm(join(folder, "0002_words.sql"));
  assert.match(await refusal(url, folder), /database is newer than this countersign: it has migration 0002_words\.sql/);
  await writeFile(join(folder, "0002_other.sql"), files["0002_words.sql"]);
  assert.match(await refusal(url, folder), /0002_words\.sql` is missing: put the file back/);
});

test("a migration that fails says where, and leaves nothing of itself behind", async (t) => {
  const { url, folder } = await stage(t, {
    ...files,
    "0003_bad.sql": "create table half (id int);\n\nselect * from nowhere;\n",
  });
  assert.match(await refusal(url, folder), /^migration 0003_bad\.sql failed at line 3 and changed nothing: .*nowhere/);
  const [row] = await ask(
    url,
    "select to_regclass('half') as half, (select count(*)::int from schema_migrations) as done",
  );
  assert.deepEqual(row, { half: null, done: 2 });
});

test("a file with a name or number out of line is refused before anything is done", async (t) => {
  const { url, folder } = await stage(t, { "0001_notes.sql": schema, "0003_gap.sql": "select 1" });
  assert.match(await refusal(url, folder), /0003_gap\.sql` should have number 0002/);
  await rm(join(folder, "0003_gap.sql"));
  await writeFile(join(folder, "later.sql"), "select 1");
  assert.match(await refusal(url, folder), /later\.sql` is no migration's name/);
});

test("migrators that start together apply each migration once", async (t) => {
  const { url, folder } = await stage(t);
  const runs = await Promise.all(Array.from({ length: 6 }, () => migratePostgres(url, folder)));
  assert.deepEqual(runs.flatMap(({ applied }) => applied).toSorted(), Object.keys(files));
});

test("migrators of several databases of one server make the role between them", async (t) => {
  const stages = await Promise.all(Array.from({ length: 4 }, () => stage(t)));
  await Promise.all(stages.map(({ url, folder }) => migratePostgres(url, folder)));
  const [first] = stages;
  assert.ok(first);
  const [role] = await ask(
    first.url,
    "select rolsuper, rolbypassrls, rolcanlogin from pg_roles where rolname = 'countersign_app'",
  );
  assert.deepEqual(role, { rolsuper: false, rolbypassrls: false, rolcanlogin: false });
});

/** A login of its own, who owns the database and is no superuser. */
const ownerOf = async (t: TestContext, url: string): Promise<string> => {
  const address = new URL(url);
  const name = `owner_${address.pathname.slice(1, 40)}`;
  const database = address.pathname.slice(1);
  await ask(url, `create role ${name} login password 'pw'; alter database ${database} owner to ${name}`);
  t.after(() => ask(url, `drop owned by ${name} cascade; drop role ${name}`).catch(() => undefined));
  address.username = name;
  address.password = "pw";
  return address.href;
};

test("a user who may not set up the application's role is told the SQL an administrator has to run, and that SQL is enough", async (t) => {
  const { url, folder } = await stage(t);
  const { url: other, folder: elsewhere } = await stage(t);
  await migratePostgres(other, elsewhere);
  const owner = await ownerOf(t, url);
  const said = await refusal(owner, folder);
  const [, sql] = /as a superuser, run in database `[^`]+`: (.*)$/.exec(said) ?? assert.fail(said);
  assert.match(sql ?? "", /^grant countersign_app to "owner_/);
  await ask(url, sql ?? "");
  assert.deepEqual(await migratePostgres(owner, folder), { applied: Object.keys(files) });
  const database = await openPostgres({ url: owner, poolSize: 1, hooks: quietHooks, statementTimeoutMs: 1_000 });
  const [row] = await database.statement<{ role: string }>("role", "select current_user::text as role", []);
  assert.equal(row?.role, "countersign_app");
  await database.close();
});

test("an application role that owns a table is refused at the start", async (t) => {
  const { url, folder } = await stage(t);
  await migratePostgres(url, folder);
  await ask(url, "alter table words owner to countersign_app");
  await assert.rejects(
    openPostgres({ url, poolSize: 1, hooks: quietHooks, statementTimeoutMs: 1_000 }),
    /the role `countersign_app` owns the table `words`.*reassign owned/,
  );
});

test("a database nobody has migrated is refused with what to do", async (t) => {
  const { url } = await stage(t);
  const address = new URL(url);
  const name = `stranger_${address.pathname.slice(1, 40)}`;
  await ask(url, `create role ${name} login password 'pw'`);
  t.after(() => ask(url, `drop role ${name}`).catch(() => undefined));
  address.username = name;
  address.password = "pw";
  await assert.rejects(
    openPostgres({ url: address.href, poolSize: 1, hooks: quietHooks, statementTimeoutMs: 1_000 }),
    /does not let user `stranger_\w+` take the application's role .*migrate it first/,
  );
});

test("the embedded database migrates as it opens, and keeps what was applied", async (t) => {
  const [data, folder] = await Promise.all([temporaryFolder(), migrationsFolder(files)]);
  t.after(() => Promise.all([data.remove(), folder.remove()]));
  const open = () => openEmbedded({ directory: data.path, migrations: folder.path, hooks: quietHooks });
  const first = await open();
  assert.deepEqual(first.applied, Object.keys(files));
  await first.close();
  const second = await open();
  assert.deepEqual(second.applied, []);
  await second.close();
  await writeFile(join(folder.path, "0002_words.sql"), "select 1");
  await assert.rejects(open(), /0002_words\.sql` has changed/);
});
