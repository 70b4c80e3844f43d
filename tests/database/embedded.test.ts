/**
 * The embedded database's folder: one process at a time, and nothing acknowledged is lost when that process is killed.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { lockDirectory } from "../../server/platform/database/directory-lock.ts";
import { openEmbedded } from "../../server/platform/database/embedded.ts";
import { alpha, migrationsFolder, quietHooks, temporaryFolder } from "./backends.ts";

const stage = async (t: TestContext) => {
  const [data, migrations] = await Promise.all([temporaryFolder(), migrationsFolder()]);
  t.after(() => Promise.all([data.remove(), migrations.remove()]));
  const open = () => openEmbedded({ directory: data.path, migrations: migrations.path, hooks: quietHooks });
  return { directory: data.path, migrations: migrations.path, open };
};

/** A process that writes note after note and prints each id once it was acknowledged. */
const writer = (
  directory: string,
  migrations: string,
): { readonly child: ChildProcess; lines(): AsyncIterable<string> } => {
  const source = `
    import { openEmbedded } from ${JSON.stringify(new URL("../../server/platform/database/embedded.ts", import.meta.url).href)};
    const hooks = { fence: async () => {}, publish: async () => {} };
    const database = await openEmbedded({ directory: ${JSON.stringify(directory)}, migrations: ${JSON.stringify(migrations)}, hooks });
    const add = "insert into notes (tenant_id, id, body) select $1, coalesce(max(id), 0) + 1, repeat('x', 500) from notes returning id";
    for (;;) {
      const [row] = await database.transaction(${JSON.stringify(alpha)}, (tx) => tx.query("add", add, [${JSON.stringify(alpha)}]));
      process.stdout.write(row.id + "\\n");
    }`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return { child, lines: () => createInterface({ input: child.stdout }) };
};

test("a process killed with kill -9 takes no acknowledged write with it, and its lock is found stale", async (t) => {
  const { directory, migrations, open } = await stage(t);
  for (const target of [40, 80]) {
    const { child, lines } = writer(directory, migrations);
    t.after(() => child.kill("SIGKILL"));
    const exited = once(child, "exit");
    let last = 0;
    for await (const line of lines()) {
      last = Number(line);
      if (last === target) {
        await assert.rejects(
          open(),
          new RegExp(`another countersign \\(pid ${child.pid}\\) uses .*; stop it, or set COUNTERSIGN_DATA_DIR`),
        );
        child.kill("SIGKILL");
      }
    }
    await exited;
    assert.ok(last >= target, "it wrote until it was killed");
    const database = await open();
    const rows = await database.transaction(alpha, (tx) =>
      tx.query<{ id: number }>("ids", "select id from notes order by id", []),
    );
    assert.ok(rows.length >= last, `${rows.length} rows after ${last} were acknowledged`);
    assert.deepEqual(
      rows.map(({ id }) => id),
      rows.map((_, index) => index + 1),
    );
    await database.close();
  }
});

test("a first start that was interrupted is begun again", async (t) => {
  const { directory, open } = await stage(t);
  const first = await open();
  await first.close();
  await writeFile(join(directory, "postgres", "PG_VERSION"), "");
  await writeFile(join(directory, "postgres.unfinished"), "");
  const second = await open();
  assert.deepEqual(second.applied, ["0001_notes.sql"]);
  await second.close();
  assert.deepEqual((await readdir(directory)).toSorted(), ["postgres"]);
});

test("two at once: one gets the folder, the other is told who has it", async (t) => {
  const { directory } = await stage(t);
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory)));
  const won = results.filter((result) => result.status === "fulfilled");
  assert.equal(won.length, 1);
  for (const result of results) {
    if (result.status === "rejected") assert.match(String(result.reason), new RegExp(`pid ${process.pid}\\) uses`));
  }
  await won[0]?.value.release();
  assert.deepEqual(await readdir(directory), []);
  await (await lockDirectory(directory)).release();
});

test("a lock whose process has ended, or whose process id another process has now, is taken over", async (t) => {
  const { directory } = await stage(t);
  const path = join(directory, "countersign.lock");
  const ended = spawn(process.execPath, ["-e", ""]);
  await once(ended, "exit");
  const stale = [
    { pid: ended.pid, started: "boot:1", host: hostname() },
    { pid: process.pid, started: "boot:1", host: hostname() },
    "half a lo",
  ];
  for (const holder of stale) {
    await writeFile(path, JSON.stringify(holder));
    const lock = await lockDirectory(directory);
    assert.equal(JSON.parse(await readFile(path, "utf8")).pid, process.pid);
    await lock.release();
  }
});

test("a lock from another host holds while it is touched, and no longer", async (t) => {
  const { directory } = await stage(t);
  const path = join(directory, "countersign.lock");
  await writeFile(path, JSON.stringify({ pid: 1, started: "", host: "elsewhere" }));
  const touching = setInterval(() => {
    const now = new Date();
    void utimes(path, now, now);
  }, 50);
  await assert.rejects(lockDirectory(directory, 600), /another countersign \(pid 1 on elsewhere\) uses/);
  clearInterval(touching);
  await (await lockDirectory(directory, 600)).release();
});
