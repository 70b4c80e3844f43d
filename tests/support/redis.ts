/**
 * A real Redis or Valkey for tests, from the PATH: started on a free loopback port, keeping nothing, and gone with the process that started
 * it, however that one ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";

const servers = ["valkey-server", "redis-server"];
const databases = 1_024;

/** The path of a server that can be run, Valkey first; undefined where there is none. */
export const findRedis = (): string | undefined =>
  servers
    .flatMap((name) => (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, name)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });

/** A server under a test's hand. */
export type RedisServer = {
  readonly url: string;
  readonly port: number;
  /** Another one after a restart. */
  readonly pid: number;
  /** Ends it as an operator would: with `save`, it writes its snapshot first. */
  stop(): Promise<void>;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** `kill -9` where it still runs, and a start on the same port and directory. */
  restart(): Promise<void>;
};

export type RedisServerOptions = {
  readonly port?: number;
  /** Where a snapshot goes; one of its own, removed at `stop`, unless it is named. */
  readonly dir?: string;
  /** Write a snapshot when stopped. */
  readonly save?: boolean;
  /** More of the server's own options. */
  readonly args?: readonly string[];
};

/**
 * The server's parent is a shell that reads from us how to end it. When we end ourselves, even under `kill -9`, it reads that nobody is left
 * to say, kills the server, and removes its directory. `trap`: Ctrl-C is for us to hand on.
 */
const guard = `
  trap '' INT
  "$@" </dev/null & server=$!
  echo "pid $server"; exec 1>&-
  read signal
  kill -"\${signal:-KILL}" $server 2>/dev/null; wait $server
  if [ -z "$signal" ] && [ -n "$OWN_DIR" ]; then rm -rf "$OWN_DIR"; fi`;

/** Starts a private server. Throws where there is none to start, or when it ends at once, with its last words. */
export const startRedis = async (options: RedisServerOptions = {}): Promise<RedisServer> => {
  const binary = findRedis();
  if (binary === undefined) throw new Error(`neither ${servers.join(" nor ")} is on the PATH`);
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), "countersign-redis-")));
  const port = options.port ?? (await freePort());
  const settings = [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--dir",
    dir,
    "--databases",
    String(databases),
    "--save",
    options.save === true ? "3600 1" : "",
    "--appendonly",
    "no",
    ...(options.args ?? []),
  ];
  const start = () => boot(binary, settings, options.dir === undefined ? dir : "");
  let run = await start();
  const end = async (signal: "TERM" | "KILL"): Promise<void> => {
    const { shell } = run;
    if (shell.exitCode !== null || shell.signalCode !== null) return;
    const gone = new Promise((resolve) => shell.once("exit", resolve));
    shell.ref();
    shell.stdin?.end(`${signal}\n`);
    await gone;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return run.pid;
    },
    kill: () => end("KILL"),
    stop: async () => {
      await end("TERM");
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
    },
    restart: async () => {
      await end("KILL");
      run = await start();
    },
  };
};

const boot = (
  binary: string,
  settings: readonly string[],
  ownDir: string,
): Promise<{ shell: ChildProcess; pid: number }> =>
  new Promise((resolve, reject) => {
    const shell = spawn("/bin/sh", ["-c", guard, "sh", binary, ...settings], {
      stdio: ["pipe", "pipe", "ignore"],
      env: { ...process.env, OWN_DIR: ownDir },
    });
    let said = "";
    const ended = (): void => reject(new Error(`${binary} ended at once: ${said.slice(-2_000)}`));
    shell.once("error", reject);
    shell.once("exit", ended);
    shell.stdout.setEncoding("utf8").on("end", ended);
    shell.stdout.on("data", (chunk: string) => {
      said += chunk;
      if (!said.includes("Ready to accept connections")) return;
      shell.removeListener("exit", ended);
      shell.stdout.removeAllListeners().resume();
      unref(shell);
      resolve({ shell, pid: Number(/^pid (\d+)$/m.exec(said)?.[1]) });
    });
  });

/** Nothing of the server keeps this process alive. */
const unref = (shell: ChildProcess): void => {
  shell.unref();
  for (const stream of [shell.stdin, shell.stdout]) (stream as unknown as { unref?(): void } | null)?.unref?.();
};

let own: Promise<RedisServer> | undefined;

/**
 * A URL with a logical database of its own, empty, on the server named by COUNTERSIGN_TEST_REDIS (set by the test runner), else on one that
 * this process starts and takes with it. Numbers come from a counter in database 0, so processes side by side never share one.
 */
export const freshCacheUrl = async (): Promise<string> => {
  const named = process.env["COUNTERSIGN_TEST_REDIS"];
  if (named === undefined) own ??= startRedis();
  const url = named ?? (await own)?.url ?? "";
  const counted = Number(await say(url, ["INCR countersign:test:databases"]));
  const database = 1 + ((counted - 1) % (databases - 1));
  await say(url, [`SELECT ${database}`, "FLUSHDB"]);
  return `${url.replace(/\/\d*$/, "")}/${database}`;
};

/** Commands in the protocol's inline form, and the answer to the last: loading a client takes longer than all a test asks of it. */
const say = async (url: string, commands: readonly string[]): Promise<string> => {
  const { hostname, port, username, password } = new URL(url);
  const login =
    password === "" ? [] : [`AUTH ${[username, password].filter(Boolean).map(decodeURIComponent).join(" ")}`];
  const all = [...login, ...commands, "QUIT"];
  const socket = connect({ host: hostname, port: Number(port || "6379") });
  socket.write(`${all.join("\r\n")}\r\n`);
  const answers = (await text(socket)).split("\r\n");
  const refused = answers.find((line) => line.startsWith("-"));
  if (refused !== undefined || answers.length <= all.length)
    throw new Error(`the cache at ${hostname}:${port} answers ${refused ?? "nothing"}`);
  return answers[commands.length + login.length - 1]?.slice(1) ?? "";
};

/** A loopback port that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
