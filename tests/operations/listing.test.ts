/** Lists as a collection's store writes them, over both backends: each row once, in order, filtered as written, whoever writes meanwhile. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sql } from "kysely";
import { type Fault, isFault } from "../../core/faults.ts";
import {
  type Listing,
  type ListRequest,
  listPage,
  type Page,
  type Paging,
} from "../../server/operations/listing/list-page.ts";
import type { Database, Tx } from "../../server/platform/database/database.ts";
import { openEmbedded } from "../../server/platform/database/embedded.ts";
import { migratePostgres, openPostgres } from "../../server/platform/database/postgres.ts";
import { alpha, beta, migrationsFolder, quietHooks, temporaryFolder } from "../database/backends.ts";
import { freshDatabase } from "../support/postgres.ts";

const schema = `
create table things (
  tenant_id uuid not null,
  id uuid not null,
  display_name text not null,
  parent_id uuid,
  frozen boolean,
  scopes text[],
  path jsonb,
  expire_time timestamptz,
  create_time timestamptz not null,
  primary key (tenant_id, id)
);
create index things_by_time on things (tenant_id, create_time, id);
alter table things enable row level security;
alter table things force row level security;
create policy own on things using (tenant_id = nullif(current_setting('countersign.tenant', true), '')::uuid);
grant select, insert, delete on things to countersign_app;
`;

type Thing = {
  tenant_id: string;
  id: string;
  display_name: string;
  parent_id: string | null;
  frozen: boolean | null;
  scopes: string[] | null;
  path: unknown;
  expire_time: Date | null;
  create_time: Date;
};
type Tables = { things: Thing };

const thingListing = {
  fields: {
    display_name: { column: "display_name", type: "text" },
    parent: { column: "things.parent_id", type: "ref", collections: ["clients"] },
    frozen: { column: "frozen", type: "boolean" },
    expires: { column: sql<boolean>`expire_time is not null`, type: "boolean" },
    scopes: { column: "scopes", type: "text_array" },
    path: { column: "path", type: "json_array" },
    expire_time: { column: "expire_time", type: "time" },
    create_time: { column: "create_time", type: "time" },
  },
} as const satisfies Listing;

const newestFirst = {
  ...thingListing,
  order: { time: "create_time", id: "id", newestFirst: true },
} as const satisfies Listing;

const things = (tx: Tx) =>
  tx.kysely<Tables>().selectFrom("things").select(["id", "display_name"]).where("tenant_id", "=", tx.tenant);
type Row = { id: string; display_name: string };

const listThings = (tx: Tx, request: ListRequest, paging: Paging) =>
  listPage(things(tx), thingListing, request, paging);
const listNewestThings = (tx: Tx, request: ListRequest, paging: Paging) =>
  listPage(things(tx), newestFirst, request, paging);

// @ts-expect-error a field whose column none of the query's tables has does not compile
void ((tx: Tx) => listPage(things(tx), { fields: { x: { column: "missing", type: "text" } } }, {}, paging));

const paging: Paging = { pageKey: Buffer.alloc(32, 1), query: `things of ${alpha}` };

const page = (listed: Page<Row> | Fault): Page<Row> => {
  assert.ok(!isFault(listed), isFault(listed) ? listed.detail : "");
  return listed;
};
const refusal = (listed: Page<Row> | Fault): string => {
  assert.ok(isFault(listed), "it was listed");
  assert.equal(listed.fault, "invalid_argument");
  return listed.detail;
};

const uuid = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;

/** Times go in as text, so that they keep their microseconds. */
const add = (
  tx: Tx,
  name: string,
  time: string,
  more: Partial<Omit<Thing, "expire_time">> & { expire_time?: string } = {},
) =>
  tx.query(
    "things.add",
    `insert into things (tenant_id, id, display_name, parent_id, frozen, scopes, path, expire_time, create_time)
     values ($1, coalesce($2::uuid, gen_random_uuid()), $3, $4, $5, $6, $7::jsonb, $8::text::timestamptz, $9::text::timestamptz)`,
    [
      tx.tenant,
      more.id ?? null,
      name,
      more.parent_id ?? null,
      more.frozen ?? null,
      more.scopes ?? null,
      more.path === undefined ? null : JSON.stringify(more.path),
      more.expire_time ?? null,
      time,
    ],
  );

const names = (listed: Page<Row> | Fault): readonly string[] => page(listed).rows.map((row) => row.display_name);

type List = typeof listThings;

/** Every page, one transaction each; `between` works between them. */
const everyPage = async (
  database: Database,
  list: List,
  request: ListRequest,
  between: (tx: Tx, turn: number) => Promise<unknown>,
) => {
  const pages: (readonly string[])[] = [];
  for (let token = ""; ; ) {
    const listed = page(await database.transaction(alpha, (tx) => list(tx, { ...request, page_token: token }, paging)));
    pages.push(names(listed));
    token = listed.next_page_token;
    if (token === "") return pages;
    await database.transaction(alpha, (tx) => between(tx, pages.length));
  }
};
const nothing = async (): Promise<void> => undefined;

type Opened = { readonly database: Database; close(): Promise<void> };

const onPostgres = async (): Promise<Opened> => {
  const [{ url, drop }, migrations] = await Promise.all([
    freshDatabase(),
    migrationsFolder({ "0001_things.sql": schema }),
  ]);
  await migratePostgres(url, migrations.path);
  const database = await openPostgres({ url, poolSize: 2, hooks: quietHooks, statementTimeoutMs: 5_000 });
  return {
    database,
    close: () =>
      database
        .close()
        .then(() => Promise.all([drop(), migrations.remove()]))
        .then(nothing),
  };
};

const onEmbedded = async (): Promise<Opened> => {
  const [data, migrations] = await Promise.all([temporaryFolder(), migrationsFolder({ "0001_things.sql": schema })]);
  const database = await openEmbedded({ directory: data.path, migrations: migrations.path, hooks: quietHooks });
  return {
    database,
    close: () =>
      database
        .close()
        .then(() => Promise.all([data.remove(), migrations.remove()]))
        .then(nothing),
  };
};

const backends = { PostgreSQL: onPostgres, "the embedded database": onEmbedded } as const;

for (const [backend, open] of Object.entries(backends))
  describe(backend, () => {
    const state: { opened: Opened | undefined } = { opened: undefined };
    const database = (): Database => state.opened?.database ?? assert.fail("it is open");
    before(async () => {
      state.opened = await open();
    });
    after(() => state.opened?.close());

    /** Alpha's rows are these and no others. */
    const given = (fill: (tx: Tx) => Promise<unknown>) =>
      database().transaction(alpha, async (tx) => {
        await tx.query("things.clear", "delete from things", []);
        await fill(tx);
      });
    const listed = (request: ListRequest, by: Paging = paging) =>
      database().transaction(alpha, (tx) => listThings(tx, request, by));

    /** One millisecond holds most of them, one microsecond two. */
    const close = async (tx: Tx): Promise<void> => {
      await add(tx, "d", "2026-01-01T00:00:00.000200Z", { id: uuid(9) });
      await add(tx, "c", "2026-01-01T00:00:00.000200Z", { id: uuid(1) });
      await add(tx, "a", "2026-01-01T00:00:00.000001Z", { id: uuid(8) });
      await add(tx, "b", "2026-01-01T00:00:00.000002Z", { id: uuid(7) });
      await add(tx, "e", "2026-01-01T00:00:00.000999Z", { id: uuid(2) });
      await add(tx, "f", "2026-01-01T00:00:00.001Z", { id: uuid(3) });
      await add(tx, "g", "2027-01-01T00:00:00Z", { id: uuid(4) });
    };

    test("pages hold every row once and in order, though a Date could not tell their times apart", async () => {
      await given(close);
      assert.deepEqual(await everyPage(database(), listThings, { page_size: 1 }, nothing), [
        ["a"],
        ["b"],
        ["c"],
        ["d"],
        ["e"],
        ["f"],
        ["g"],
      ]);
      assert.deepEqual(await everyPage(database(), listThings, { page_size: 3 }, nothing), [
        ["a", "b", "c"],
        ["d", "e", "f"],
        ["g"],
      ]);
      assert.deepEqual(await everyPage(database(), listNewestThings, { page_size: 2 }, nothing), [
        ["g", "f"],
        ["e", "d"],
        ["c", "b"],
        ["a"],
      ]);
    });

    test("rows inserted and removed between pages neither repeat nor hide another", async () => {
      await given(close);
      const meddle = async (tx: Tx, turn: number): Promise<void> => {
        await add(tx, `before ${turn}`, "2025-01-01T00:00:00Z");
        if (turn === 1) await add(tx, "between", "2026-01-01T00:00:00.000500Z");
        // The very row that the token stands on.
        if (turn === 1) await tx.query("things.remove", "delete from things where display_name = 'b'", []);
      };
      assert.deepEqual(await everyPage(database(), listThings, { page_size: 2 }, meddle), [
        ["a", "b"],
        ["c", "d"],
        ["between", "e"],
        ["f", "g"],
      ]);
    });

    test("neither the session's time zone nor its date style moves a page", async () => {
      await given(close);
      const abroad: List = async (tx, request, by) => {
        await tx.query(
          "abroad",
          "select set_config('TimeZone', 'Asia/Kolkata', true), set_config('DateStyle', 'German', true)",
          [],
        );
        return listThings(tx, request, by);
      };
      assert.deepEqual(await everyPage(database(), abroad, { page_size: 3 }, nothing), [
        ["a", "b", "c"],
        ["d", "e", "f"],
        ["g"],
      ]);
    });

    test("rows carry what was selected, and the last page no token, also when it is full", async () => {
      await given((tx) => add(tx, "only", "2026-01-01T00:00:00Z", { id: uuid(1) }));
      const only = { rows: [{ id: uuid(1), display_name: "only" }], next_page_token: "" };
      assert.deepEqual(await listed({ page_size: 1 }), only);
      assert.deepEqual(await listed({ filter: "", page_token: "" }), only);
      assert.deepEqual(await listed({ filter: "display_name = other" }), { rows: [], next_page_token: "" });
      assert.deepEqual(await database().transaction(beta, (tx) => listThings(tx, {}, paging)), {
        rows: [],
        next_page_token: "",
      });
    });

    test("a page holds 50 rows where nothing is said, and a size outside 1 to 1000 is refused", async () => {
      await given(async (tx) => {
        for (let nth = 0; nth < 51; nth += 1) await add(tx, "x", "2026-01-01T00:00:00Z");
      });
      assert.equal(page(await listed({})).rows.length, 50);
      assert.equal(page(await listed({ page_size: 1_000 })).rows.length, 51);
      for (const page_size of [0, -1, 1_001, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
        assert.match(refusal(await listed({ page_size })), /whole number from 1 to 1000/);
    });

    test("a page token is refused with another collection, tenant or filter, and when it was altered", async () => {
      await given(close);
      const request = { page_size: 2, filter: "NOT display_name = a" };
      const { next_page_token: token } = page(await listed(request));
      assert.deepEqual(names(await listed({ ...request, page_token: token })), ["d", "e"]);
      assert.deepEqual(names(await listed({ page_size: 3, filter: 'NOT(display_name="a")', page_token: token })), [
        "d",
        "e",
        "f",
      ]);

      const another = /`page_token` belongs to another query/;
      assert.match(refusal(await listed({ page_token: token })), another);
      assert.match(refusal(await listed({ ...request, filter: "display_name = a", page_token: token })), another);
      assert.match(
        refusal(await listed({ ...request, page_token: token }, { ...paging, query: `things of ${beta}` })),
        another,
      );
      const altered = token.slice(0, -4) + (token.endsWith("AAAA") ? "BBBB" : "AAAA");
      assert.match(refusal(await listed({ ...request, page_token: altered })), /has been altered/);
      assert.match(refusal(await listed({ ...request, page_token: "2" })), /not one that was given out/);
    });

    const parent = uuid(77);
    const filters: Readonly<Record<string, readonly string[]>> = {
      "display_name = ada": [],
      "display_name = Ada": ["Ada"],
      "display_name != Ada": ["Bob 100%", "c'\"\\"],
      "display_name : AD": ["Ada"],
      'display_name : "0%"': ["Bob 100%"],
      'display_name : "_"': [],
      'display_name = "c\'\\"\\\\"': ["c'\"\\"],
      [`parent = clients/${parent}`]: ["Ada"],
      [`parent != clients/${parent}`]: ["Bob 100%", "c'\"\\"],
      "frozen = true": ["Ada"],
      "frozen = false": ["Bob 100%"],
      "NOT frozen = true": ["Bob 100%", "c'\"\\"],
      "frozen != true": ["Bob 100%", "c'\"\\"],
      "expires = true": ["Ada"],
      "scopes : users:read": ["Ada"],
      "scopes : users": [],
      "NOT scopes : users:read": ["Bob 100%", "c'\"\\"],
      "path : accounts/1": ["Ada"],
      "path : accounts": [],
      "expire_time > 2026-06-01T00:00:00Z": ["Ada"],
      "NOT expire_time > 2026-06-01T00:00:00Z": ["Bob 100%", "c'\"\\"],
      "expire_time < 2026-06-01T00:00:00Z": [],
      "create_time = 2026-01-01T00:00:00.000001Z": ["Ada"],
      "create_time > 2026-01-01T02:00:00.000001+02:00": ["Bob 100%", "c'\"\\"],
      "create_time != 2026-01-02T00:00:00Z": ["Ada", "c'\"\\"],
      "create_time > 0001-01-01T00:00:00Z AND create_time < 9999-12-31T23:59:59.999999Z": ["Ada", "Bob 100%", "c'\"\\"],
      "frozen = true OR display_name : bob": ["Ada", "Bob 100%"],
      "NOT (frozen = true OR display_name : bob)": ["c'\"\\"],
      "(frozen = true AND display_name : bob) OR (NOT scopes : x AND NOT frozen = false)": ["Ada", "c'\"\\"],
    };

    test("filters let through what they say, and a comparison with nothing is false", async () => {
      await given(async (tx) => {
        const known = {
          parent_id: parent,
          frozen: true,
          scopes: ["users:read", "users:write"],
          path: ["clients/1", "accounts/1"],
        };
        await add(tx, "Ada", "2026-01-01T00:00:00.000001Z", { ...known, expire_time: "2026-12-01T00:00:00Z" });
        await add(tx, "Bob 100%", "2026-01-02T00:00:00Z", { frozen: false, scopes: [], path: [] });
        await add(tx, "c'\"\\", "2026-01-03T00:00:00Z");
      });
      for (const [filter, expected] of Object.entries(filters))
        assert.deepEqual(names(await listed({ filter })), expected, filter);
    });

    test("what a filter holds is compared and never run, and an unknown field is refused", async () => {
      await given((tx) => add(tx, "x'; drop table things; --", "2026-01-01T00:00:00Z"));
      for (const filter of [`display_name = "x'; drop table things; --"`, `display_name : "'; DROP TABLE"`])
        assert.equal(names(await listed({ filter })).length, 1);
      for (const filter of [
        `display_name = "x' or '1' = '1"`,
        `scopes : "{x'; drop table things"`,
        `path : "$1) or (true"`,
      ])
        assert.equal(names(await listed({ filter })).length, 0);
      for (const name of ["tenant_id", "1=1;--", "display_name;", "things.id"])
        assert.match(refusal(await listed({ filter: `${name} = x` })), /unknown field|should have/);
      assert.equal(names(await listed({})).length, 1);
    });
  });
