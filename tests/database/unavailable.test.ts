/** A database that is not there: what operators are told, what callers are told, and that service resumes by itself. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, test } from "node:test";
import type { Database } from "../../server/platform/database/database.ts";
import { describeConnection, describeConnectionError } from "../../server/platform/database/describe-connection.ts";
import { migratePostgres, openPostgres } from "../../server/platform/database/postgres.ts";
import type { CommitHooks } from "../../server/platform/database/transactions.ts";
import { isUnavailable } from "../../server/platform/database/unavailable.ts";
import { tenantVersion } from "../../server/platform/cache/fresh-cache.ts";
import { freshDatabase, startPostgres } from "../support/postgres.ts";
import { alpha, migrationsFolder, quietHooks } from "./backends.ts";

const secret = "hush%2Fhush";

/** What opening such a URL is refused with; the password is in none of it. */
const refusal = async (url: string): Promise<string> => {
  const error: unknown = await openPostgres({
    url,
    poolSize: 1,
    hooks: quietHooks,
    statementTimeoutMs: 1_000,
    connectTimeoutMs: 500,
  }).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof Error && isUnavailable(error), String(error));
  assert.doesNotMatch(`${error.message} ${String(error.stack)}`, /hush/);
  return error.message;
};

describe("an operator whose database cannot be reached", () => {
  test("is told that nothing listens, and where", async () => {
    assert.equal(
      await refusal(`postgres://ann:${secret}@127.0.0.1:1/books`),
      "nothing listens at 127.0.0.1:1/books: start PostgreSQL there, or correct host and port in the database URL",
    );
  });

  test("is told that the host name is unknown", async () => {
    assert.match(
      await refusal(`postgres://ann:${secret}@no.such.host.invalid/books`),
      /host name `no\.such\.host\.invalid`/,
    );
  });

  test("is told that something listens and does not answer", async (t) => {
    const silent = createServer().listen(0, "127.0.0.1");
    t.after(() => silent.close());
    await new Promise((resolve) => silent.once("listening", resolve));
    const address = silent.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    assert.match(await refusal(`postgres://ann:${secret}@127.0.0.1:${port}/books`), /did not answer in time: check/);
  });

  test("is told of a wrong password, a missing database, and TLS that is not spoken", async (t) => {
    const { url, drop } = await freshDatabase();
    t.after(drop);
    const wrong = new URL(url);
    wrong.password = secret;
    if (wrong.hostname === "127.0.0.1") {
      assert.match(await refusal(wrong.href), /does not accept the password of user `\w+`: correct it/);
    }
    const missing = new URL(url);
    missing.pathname = "/nowhere";
    assert.match(
      await refusal(missing.href),
      /there is no database at .*\/nowhere: create it with `create database "nowhere"/,
    );
    const encrypted = new URL(url);
    encrypted.searchParams.set("sslmode", "verify-full");
    assert.match(await refusal(encrypted.href), /does not speak TLS: turn `ssl` on there/);
  });

  test("is told that the URL cannot be read, without being shown it", async () => {
    assert.match(await refusal("not a url hush"), /cannot be read: write it as/);
    assert.equal(describeConnection("postgres://u:p@db.example/x?password=p"), "db.example:5432/x");
  });

  test("is never shown a password, not even one the driver repeats", () => {
    const said = describeConnectionError(new Error("odd: hush/hush"), `postgres://ann:${secret}@h/d`);
    assert.equal(said, "no connection to the database at h:5432/d: odd: [secret]");
  });
});

/** Asks until the database answers; anything but `DatabaseUnavailable` on the way fails. */
const answered = async (database: Database): Promise<number> => {
  for (let refused = 0; ; refused += 1) {
    try {
      await database.statement("one", "select 1 as one", []);
      await database.transaction(alpha, (tx) => tx.query("one", "select 1 as one", []));
      return refused;
    } catch (error) {
      assert.ok(isUnavailable(error), String(error));
    }
  }
};

describe("a PostgreSQL that goes away and comes back", () => {
  const stage = async (hooks: CommitHooks = quietHooks) => {
    const [server, migrations] = await Promise.all([startPostgres(), migrationsFolder()]);
    await migratePostgres(server.url, migrations.path);
    const database = await openPostgres({ url: server.url, poolSize: 3, hooks, statementTimeoutMs: 2_000 });
    const end = async (): Promise<void> => {
      await database.close();
      await Promise.all([server.stop(), migrations.remove()]);
    };
    return { server, database, end };
  };

  /** Backends outlive their postmaster by a moment, and answer. */
  const refusedSoon = async (ask: () => Promise<unknown>): Promise<void> => {
    for (const deadline = Date.now() + 5_000; ; ) {
      const outcome = await ask().then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      if (outcome !== undefined) return assert.ok(isUnavailable(outcome.error), String(outcome.error));
      assert.ok(Date.now() < deadline, "answered by a PostgreSQL that was killed");
    }
  };

  test("is unavailable while it is away, and the next requests are served", async (t) => {
    const { server, database, end } = await stage();
    t.after(end);
    await Promise.all(Array.from({ length: 8 }, () => answered(database)));
    await server.restart();
    assert.ok((await answered(database)) <= 1, "idle connections were found dead before anything was sent");
    await server.kill();
    await refusedSoon(() => database.statement("one", "select 1 as one", []));
    await refusedSoon(() => database.transaction(alpha, async () => "done"));
    await server.restart();
    await answered(database);
  });

  test("interrupts what is under way with `DatabaseUnavailable`, and every acknowledged write survives its kill -9", async (t) => {
    const { server, database, end } = await stage();
    t.after(end);
    const acknowledged: number[] = [];
    const state = { next: 0, up: true };
    const write = async (): Promise<void> => {
      while (state.up) {
        const id = state.next++;
        try {
          await database.transaction(alpha, (tx) =>
            tx.query("add", "insert into notes values ($1, $2, 'x')", [alpha, id]),
          );
          acknowledged.push(id);
          if (acknowledged.length === 200) await server.kill();
        } catch (error) {
          assert.ok(isUnavailable(error), String(error));
          state.up = false;
        }
      }
    };
    await Promise.all([write(), write(), write()]);
    await server.restart();
    await answered(database);
    const rows = await database.transaction(alpha, (tx) => tx.query<{ id: number }>("ids", "select id from notes", []));
    const kept = new Set(rows.map(({ id }) => id));
    assert.deepEqual(
      acknowledged.filter((id) => !kept.has(id)),
      [],
    );
  });

  test("a COMMIT whose answer is lost leaves its fence standing, since it may still have happened", async (t) => {
    const journal: string[] = [];
    const { server, database, end } = await stage({
      fence: async () => {
        journal.push("fence");
        await server.kill();
      },
      publish: async () => void journal.push("publish"),
    });
    t.after(end);
    await assert.rejects(
      database.transaction(alpha, async (tx) => tx.touch(tenantVersion(alpha))),
      isUnavailable,
    );
    assert.deepEqual(journal, ["fence"]);
  });
});

test("a statement that takes too long is cancelled, and its caller told that the database is unavailable", async (t) => {
  const [{ url, drop }, migrations] = await Promise.all([freshDatabase(), migrationsFolder()]);
  await migratePostgres(url, migrations.path);
  const database = await openPostgres({ url, poolSize: 1, hooks: quietHooks, statementTimeoutMs: 50 });
  t.after(async () => {
    await database.close();
    await Promise.all([drop(), migrations.remove()]);
  });
  await assert.rejects(database.statement("sleep", "select pg_sleep(5)", []), isUnavailable);
  await assert.rejects(
    database.transaction(alpha, (tx) => tx.query("sleep", "select pg_sleep(5)", [])),
    isUnavailable,
  );
  await answered(database);
});

test("more transactions than connections wait for their turn, and no longer than they are told to", async (t) => {
  const [{ url, drop }, migrations] = await Promise.all([freshDatabase(), migrationsFolder()]);
  await migratePostgres(url, migrations.path);
  const database = await openPostgres({
    url,
    poolSize: 1,
    hooks: quietHooks,
    statementTimeoutMs: 2_000,
    connectTimeoutMs: 100,
  });
  t.after(async () => {
    await database.close();
    await Promise.all([drop(), migrations.remove()]);
  });
  const latch = Promise.withResolvers<void>();
  const first = database.transaction(alpha, () => latch.promise);
  await assert.rejects(
    database.transaction(alpha, async () => "second"),
    isUnavailable,
  );
  latch.resolve();
  await first;
  assert.equal(await database.transaction(alpha, async () => "third"), "third");
});

test("statements beyond what the connections can carry are refused at once, and the others served", async (t) => {
  const [{ url, drop }, migrations] = await Promise.all([freshDatabase(), migrationsFolder()]);
  await migratePostgres(url, migrations.path);
  const options = { url, poolSize: 1, statementConnections: 1, hooks: quietHooks, statementTimeoutMs: 5_000 };
  const database = await openPostgres(options);
  t.after(async () => {
    await database.close();
    await Promise.all([drop(), migrations.remove()]);
  });
  const results = await Promise.allSettled(
    Array.from({ length: 1_500 }, () => database.statement("one", "select 1 as one", [])),
  );
  const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
  assert.equal(refused.length, 500);
  assert.ok(refused.every(isUnavailable));
});

test("what the work itself throws is its own, whatever code it carries", async (t) => {
  const [{ url, drop }, migrations] = await Promise.all([freshDatabase(), migrationsFolder()]);
  await migratePostgres(url, migrations.path);
  const database = await openPostgres({ url, poolSize: 1, hooks: quietHooks, statementTimeoutMs: 5_000 });
  t.after(async () => {
    await database.close();
    await Promise.all([drop(), migrations.remove()]);
  });
  const refused = Object.assign(new Error("someone else's port"), { code: "ECONNREFUSED" });
  await assert.rejects(
    database.transaction(alpha, () => Promise.reject(refused)),
    refused,
  );
});

test("the URL's own startup options are kept, and the role is set after them", async (t) => {
  const [{ url, drop }, migrations] = await Promise.all([freshDatabase(), migrationsFolder()]);
  t.after(() => Promise.all([drop(), migrations.remove()]));
  await migratePostgres(url, migrations.path);
  const address = new URL(url);
  address.searchParams.set("options", "-c role=postgres -c work_mem=12MB");
  const database = await openPostgres({ url: address.href, poolSize: 1, hooks: quietHooks, statementTimeoutMs: 1_000 });
  const rows = await database.statement(
    "settings",
    "select current_user::text as role, current_setting('work_mem') as memory, current_setting('application_name') as name",
    [],
  );
  assert.deepEqual(rows, [{ role: "countersign_app", memory: "12MB", name: "countersign" }]);
  await database.close();
});
