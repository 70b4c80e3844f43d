/** What `Database` promises, asked of both backends. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fault, isFault } from "../../core/faults.ts";
import { hostTenant, type TenantId } from "../../core/ids.ts";
import { principalVersion, tenantVersion, type VersionKey } from "../../server/platform/cache/fresh-cache.ts";
import type { Database, Tx } from "../../server/platform/database/database.ts";
import type { CommitHooks } from "../../server/platform/database/transactions.ts";
import { alpha, backends, beta, type NoteTables, type Opened } from "./backends.ts";

const add = (tx: Tx, tenant: TenantId, id: number, body = "x"): Promise<readonly unknown[]> =>
  tx.query("notes.add", "insert into notes (tenant_id, id, body) values ($1, $2, $3)", [tenant, id, body]);

const ids = async (tx: Tx): Promise<readonly number[]> =>
  (await tx.query<{ id: number }>("notes.ids", "select id from notes order by id", [])).map(({ id }) => id);

/** What happened around commits, in order. */
const journal: string[] = [];
const hooks: CommitHooks = {
  fence: async (keys) => void journal.push(`fence ${keys.join(" ")}`),
  publish: async (keys) => void journal.push(`publish ${keys.join(" ")}`),
  committed: (tenant) => void journal.push(`committed ${tenant}`),
};

for (const backend of backends) {
  describe(backend.name, () => {
    const state: { opened: Opened | undefined } = { opened: undefined };
    const database = (): Database => {
      assert.ok(state.opened, "it is open");
      return state.opened.database;
    };
    before(async () => {
      state.opened = await backend.open(hooks);
    });
    after(() => state.opened?.close());

    test("a returned fault commits, and a throw rolls back", async () => {
      const returned = await database().transaction(alpha, async (tx) => {
        await add(tx, alpha, 1);
        return fault("invalid_grant", "the code was used before");
      });
      assert.ok(isFault(returned));
      const boom = new Error("boom");
      await assert.rejects(
        database().transaction(alpha, async (tx) => {
          await add(tx, alpha, 2);
          throw boom;
        }),
        boom,
      );
      assert.deepEqual(await database().transaction(alpha, ids), [1]);
    });

    test("a tenant sees its own rows only, and the host's scope sees all", async () => {
      await database().transaction(beta, (tx) => add(tx, beta, 10));
      assert.deepEqual(await database().transaction(beta, ids), [10]);
      assert.deepEqual(await database().transaction(hostTenant, ids), []);
      const host = await database().hostTransaction(async (tx) => {
        assert.equal(tx.tenant, hostTenant);
        return ids(tx);
      });
      assert.deepEqual(host, [1, 10]);
    });

    test("with no tenant set there are no rows, also on a connection that had one a moment ago", async () => {
      await Promise.all(Array.from({ length: 8 }, () => database().transaction(alpha, ids)));
      const seen = await Promise.all(
        Array.from({ length: 8 }, () => database().statement("notes.all", "select id from notes", [])),
      );
      assert.deepEqual(seen.flat(), []);
      const left = await database().statement<{ tenant: string | null; scope: string | null; role: string }>(
        "settings",
        "select current_setting('countersign.tenant', true) as tenant, current_setting('countersign.scope', true) as scope, current_user::text as role",
        [],
      );
      assert.equal(left[0]?.tenant ?? "", "");
      assert.equal(left[0]?.scope ?? "", "");
      assert.equal(left[0]?.role, "countersign_app");
    });

    test("a transaction's connection forgets its tenant and scope for the next", async () => {
      const settings =
        "select current_setting('countersign.tenant') as tenant, current_setting('countersign.scope') as scope";
      for (let round = 0; round < 6; round += 1) {
        await database().hostTransaction(ids);
        const [row] = await database().transaction(beta, (tx) => tx.query("settings.both", settings, []));
        assert.deepEqual(row, { tenant: beta, scope: "" });
      }
    });

    test("a row for another tenant cannot be written", async () => {
      await assert.rejects(
        database().transaction(alpha, (tx) => add(tx, beta, 11)),
        { code: "42501" },
      );
      const changed = await database().transaction(alpha, (tx) =>
        tx.kysely<NoteTables>().updateTable("notes").set({ body: "stolen" }).where("id", "=", 10).executeTakeFirst(),
      );
      assert.equal(changed.numUpdatedRows, 0n);
    });

    test("a tenant that is no UUID never reaches SQL", async () => {
      const sly = "x'; set local countersign.scope = 'host" as TenantId;
      await assert.rejects(database().transaction(sly, ids), /is no tenant id/);
    });

    test("kysely runs inside the transaction, and cannot begin another", async () => {
      await database().transaction(alpha, async (tx) => {
        const db = tx.kysely<NoteTables>();
        const inserted = await db
          .insertInto("notes")
          .values({ tenant_id: alpha, id: 3, body: "kysely" })
          .returning(["id", "body"])
          .executeTakeFirstOrThrow();
        assert.deepEqual(inserted, { id: 3, body: "kysely" });
        const gone = await db.deleteFrom("notes").where("id", "=", 3).executeTakeFirst();
        assert.equal(gone.numDeletedRows, 1n);
        await assert.rejects(
          db.transaction().execute(async () => undefined),
          /open already/,
        );
      });
    });

    test("a statement whose error the work catches still decides the transaction", async () => {
      await assert.rejects(
        database().transaction(alpha, async (tx) => {
          await add(tx, alpha, 4);
          await add(tx, alpha, 4).catch(() => undefined);
          return "done";
        }),
        /PostgreSQL rolled the transaction back/,
      );
      assert.deepEqual(await database().transaction(alpha, ids), [1]);
    });

    test("what a broken statement leaves behind harms nobody after it", async () => {
      await assert.rejects(database().statement("broken", "select nothing from nowhere", []), { code: "42P01" });
      await assert.rejects(
        database().transaction(alpha, (tx) => tx.query("odd", "select $1::jsonb as v", [{ self: 1n }])),
        TypeError,
      );
      await assert.rejects(database().statement("odd", "select $1::jsonb as v", [{ self: 1n }]), TypeError);
      for (let round = 0; round < 6; round += 1) {
        const [row] = await database().transaction(alpha, (tx) =>
          tx.query<{ v: unknown }>("odd", "select $1::jsonb as v", [{ self: round }]),
        );
        assert.deepEqual(row?.v, { self: round });
        const rows = await database().statement<{ v: unknown }>("odd", "select $1::jsonb as v", [{ self: round }]);
        assert.deepEqual(rows[0]?.v, { self: round });
      }
    });

    test("a transaction's statements are refused once its work has ended", async () => {
      const kept: { tx: Tx | undefined } = { tx: undefined };
      await database().transaction(alpha, async (tx) => {
        kept.tx = tx;
      });
      assert.ok(kept.tx);
      await assert.rejects(ids(kept.tx), /has ended/);
      await assert.rejects(kept.tx.kysely<NoteTables>().selectFrom("notes").select("id").execute(), /has ended/);
    });

    test("a second connection from within a transaction is refused, and does not wait for itself", async () => {
      await database().transaction(alpha, async () => {
        await assert.rejects(database().statement("one", "select 1 as one", []), /use its `tx`/);
        await assert.rejects(database().transaction(alpha, ids), /use its `tx`/);
      });
      assert.deepEqual(await database().statement("one", "select 1 as one", []), [{ one: 1 }]);
    });

    test("touched keys are fenced before COMMIT and published after, before the caller hears", async () => {
      journal.length = 0;
      const keys: readonly VersionKey[] = [tenantVersion(alpha), principalVersion(alpha, "p")];
      await database().transaction(alpha, async (tx) => {
        tx.touch(...keys);
        tx.touch(tenantVersion(alpha));
      });
      assert.deepEqual(journal, [`fence ${keys.join(" ")}`, `committed ${alpha}`, `publish ${keys.join(" ")}`]);
      journal.length = 0;
      await database().transaction(alpha, ids);
      assert.deepEqual(journal, [`committed ${alpha}`]);
    });

    test("where COMMIT is refused, what was fenced is published, so that no fence stays", async () => {
      journal.length = 0;
      const key = tenantVersion(alpha);
      await assert.rejects(
        database().transaction(alpha, async (tx) => {
          tx.touch(key);
          await tx.query("divide", "select 1 / 0", []).catch(() => undefined);
        }),
        /rolled the transaction back/,
      );
      assert.deepEqual(journal, [`fence ${key}`, `publish ${key}`]);
      journal.length = 0;
      await assert.rejects(
        database().transaction(alpha, async (tx) => {
          tx.touch(key);
          throw new Error("boom");
        }),
      );
      assert.deepEqual(journal, [], "nothing was fenced yet");
    });

    test("work is run again when PostgreSQL names a conflict, and given up after four times", async () => {
      const runs = { count: 0 };
      const conflict = "do $$ begin raise exception 'conflict' using errcode = '40001'; end $$";
      const value = await database().transaction(alpha, async (tx) => {
        runs.count += 1;
        if (runs.count < 3) await tx.query(`conflict`, conflict, []);
        return "done";
      });
      assert.equal(value, "done");
      assert.equal(runs.count, 3);
      runs.count = 0;
      await assert.rejects(
        database().transaction(alpha, async (tx) => {
          runs.count += 1;
          await tx.query("conflict", conflict, []).catch(() => undefined);
        }),
        { code: "40001" },
      );
      assert.equal(runs.count, 4);
    });

    test("many transactions and statements at once all finish, each in its own tenant", async () => {
      const work = Array.from({ length: 60 }, (_, index) => {
        const tenant = index % 2 === 0 ? alpha : beta;
        return database().transaction(tenant, async (tx) => {
          await nextTurn();
          const [first, second] = await Promise.all([ids(tx), ids(tx)]);
          assert.deepEqual(first, second);
          assert.deepEqual(first, tenant === alpha ? [1] : [10]);
        });
      });
      const statements = Array.from({ length: 60 }, (_, index) =>
        database()
          .statement<{ n: number }>("echo", "select $1::int as n", [index])
          .then(([row]) => assert.equal(row?.n, index)),
      );
      await Promise.all([...work, ...statements]);
    });

    test("the event loop goes on while the database works", async () => {
      const turns = { count: 0, busy: true };
      const slow = database()
        .statement("slow", "select count(*) as n from generate_series(1, 3000000)", [])
        .finally(() => {
          turns.busy = false;
        });
      while (turns.busy) {
        await nextTurn();
        turns.count += 1;
      }
      assert.deepEqual(await slow, [{ n: 3_000_000 }]);
      assert.ok(turns.count > 50, `${turns.count} turns`);
    });

    test("a statement is prepared once on each connection, under its name", async () => {
      for (let round = 0; round < 8; round += 1) await database().statement("once", "select 1 as one", []);
      const [row] = await database().statement<{ n: number }>(
        "prepared",
        "select count(*) as n from pg_prepared_statements where name = 'once'",
        [],
      );
      assert.equal(row?.n, 1);
    });

    test("values are the same JavaScript ones on both backends", async () => {
      const [row] = await database().statement("values", everyType, sent);
      assert.deepEqual(row, received);
    });

    test("nulls and empty arrays come back as they went", async () => {
      const [row] = await database().statement(
        "nulls",
        "select $1::text as a, $2::text[] as b, $3::bytea as c, $4::jsonb as d",
        [null, [], null, null],
      );
      assert.deepEqual(row, { a: null, b: [], c: null, d: null });
    });
  });
}

const instant = new Date("2026-11-22T23:54:00.123Z");
const everyType = `select $1::timestamptz as at, $2::int8 as small, $3::int8 as large, $4::bytea as bytes, $5::jsonb as json,
  $6::uuid[] as uuids, $7::text[] as texts, $8::numeric as amount, $9::bool as flag, $10::int8[] as counts, $11::date as day,
  $12::uuid as uuid, $13::int4 as int, $14::float8 as float, $15::numeric[] as amounts, $16::interval as span, $17::inet as address,
  $18::jsonb[] as documents, $19::text as text, $20::timestamptz[] as times`;
const sent = [
  instant,
  42,
  9_007_199_254_740_993n,
  Buffer.from([0, 1, 255]),
  { a: [1, "two", null] },
  [alpha, beta],
  ["a", 'quote " and \\', "", "null"],
  "12345678901234567890.10",
  true,
  [1, 2],
  "2026-11-22",
  alpha,
  -7,
  1.5,
  ["1.10", "2"],
  "1 day 02:00:00",
  "10.0.0.1",
  [{ a: 1 }, { b: 2 }],
  "grün 🗝",
  [instant],
];
const received = {
  at: instant,
  small: 42,
  large: 9_007_199_254_740_993n,
  bytes: Buffer.from([0, 1, 255]),
  json: { a: [1, "two", null] },
  uuids: [alpha, beta],
  texts: ["a", 'quote " and \\', "", "null"],
  amount: "12345678901234567890.10",
  flag: true,
  counts: [1, 2],
  day: "2026-11-22",
  uuid: alpha,
  int: -7,
  float: 1.5,
  amounts: ["1.10", "2"],
  span: "1 day 02:00:00",
  address: "10.0.0.1",
  documents: [{ a: 1 }, { b: 2 }],
  text: "grün 🗝",
  times: [instant],
};
