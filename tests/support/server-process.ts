/**
 * A whole Countersign under a test's hand: `server/main.ts` in a process of its own, on free ports and a data directory of its own, up
 * and ready. It is gone with the process that started it, however that one ends.
 *
 *     const server = await startServer();                                   // the embedded database
 *     const server = await startServer({ env: { COUNTERSIGN_DATABASE_URL: …, COUNTERSIGN_CACHE_URL: … } });
 *     const again = await startServer({ env: server.env });                 // the same one, after `stop` or `kill`
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Bootstrap, writeBootstrap } from "../../server/startup/bootstrap-file.ts";
import { copyEmbedded } from "./embedded-copy.ts";
import { freePort } from "./redis.ts";
import { bootstrapAt } from "./templates.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** A first start of the embedded database on a busy machine takes seconds. */
const readyWithinMs = 60_000;
const stoppedWithinMs = 30_000;
const pollMs = 20;
/** A port that was free a moment ago may not be any more. */
const startsMax = 3;
const keptOutputCharacters = 100_000;

export type Environment = Readonly<Record<string, string>>;

export type ServerProcess = {
  readonly issuer: string;
  readonly grpcPort: number;
  readonly managementPort: number;
  readonly dataDir: string;
  /** Credentials of a host service account that is super admin. */
  readonly bootstrap: Bootstrap;
  /** Every setting it runs with: start it again with them, or run the command line beside it. */
  readonly env: Environment;
  readonly pid: number;
  /** What it has written on standard output and standard error so far. */
  output(): string;
  /** Its exit code, once it has ended; 128 and more for a signal. */
  readonly exited: Promise<number>;
  /** SIGTERM, as an orchestrator would; resolves with the exit code. A data directory of its own is removed. */
  stop(): Promise<number>;
  /** `kill -9`; the data directory stays, for another start with `env`, until `stop` is called here. */
  kill(): Promise<void>;
};

export type ServerOptions = {
  /** Settings beside the defaults, which are: free ports, a new data directory, warnings logged, the issuer that follows from the port. */
  readonly env?: Environment;
  /** Credentials that are good in its PostgreSQL already. Without any, one asks for them by `countersign bootstrap`. */
  readonly bootstrap?: Bootstrap | undefined;
  /** A first start in an empty folder; otherwise an embedded database is copied there with its migrations done. */
  readonly fromNothing?: true;
};

/** Starts a server and waits until it is ready. Throws with its last words when it ends instead. */
export const startServer = async (options: ServerOptions = {}): Promise<ServerProcess> => {
  for (let start = 1; ; start += 1) {
    const settled = await settle(options);
    const running = launch("server/main.ts", [], settled.env, settled.ownDir);
    const ended = await readyOrEnded(running, settled.managementPort);
    if (ended === undefined) return serverProcess(running, settled, options.bootstrap);
    await settled.remove();
    if (start < startsMax && running.output().includes("EADDRINUSE")) continue;
    throw new Error(`the server ended with ${ended} before it was ready:\n${running.output()}`);
  }
};

export type Refusal = {
  readonly code: number;
  readonly output: string;
  /** Whether any of its ports took a connection while it lived. */
  readonly listened: boolean;
};

/** Starts a server that has to refuse to start, and tells how it did. */
export const startRefused = async (options: ServerOptions = {}): Promise<Refusal> => {
  const settled = await settle(options);
  const running = launch("server/main.ts", [], settled.env, settled.ownDir);
  const seen = { listened: false, ended: false };
  const look = async (): Promise<void> => {
    while (!seen.ended) {
      const open = await Promise.all(settled.ports.map(takesConnections));
      seen.listened ||= open.includes(true);
      await after(pollMs);
    }
  };
  const looking = look();
  const code = await within(readyWithinMs, running.exited, () => {
    running.signal("SIGKILL");
    return new Error(`the server did not refuse to start:\n${running.output()}`);
  });
  seen.ended = true;
  await looking;
  await settled.remove();
  return { code, output: running.output(), listened: seen.listened };
};

/** A run of the command line, to its end. */
export type CliRun = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs `countersign …` with these settings and no others, and `input` on its standard input. */
export const runCli = async (args: readonly string[], env: Environment = {}, input = ""): Promise<CliRun> => {
  const child = spawn(process.execPath, [join(root, "cli/main.ts"), ...args], {
    cwd: tmpdir(),
    env: { ...surroundings(), ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const said = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => void (said.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => void (said.stderr += text));
  // A command that does not read its input may end before it is written.
  child.stdin.on("error", () => undefined).end(input);
  const closed = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 128));
  });
  const code = await within(readyWithinMs, closed, () => {
    child.kill("SIGKILL");
    return new Error(`\`countersign ${args.join(" ")}\` did not end:\n${said.stdout}${said.stderr}`);
  });
  return { code, ...said };
};

// ── settings ──

type Settled = {
  readonly env: Environment;
  readonly dataDir: string;
  /** The data directory, where it is ours to remove; else empty. */
  readonly ownDir: string;
  readonly issuer: string;
  readonly grpcPort: number;
  readonly managementPort: number;
  readonly ports: readonly number[];
  remove(): Promise<void>;
};

const settle = async ({ env: given = {}, fromNothing }: ServerOptions): Promise<Settled> => {
  const port = Number(given["COUNTERSIGN_PORT"] ?? (await freePort()));
  const grpcPort = Number(given["COUNTERSIGN_GRPC_PORT"] ?? (await freePort()));
  const managementPort = Number(given["COUNTERSIGN_MANAGEMENT_PORT"] ?? (await freePort()));
  const issuer = given["COUNTERSIGN_ISSUER"] ?? `http://localhost:${port}`;
  const named = given["COUNTERSIGN_DATA_DIR"];
  const dataDir = named ?? (await mkdtemp(join(tmpdir(), "countersign-server-")));
  const external = given["COUNTERSIGN_DATABASE_URL"] !== undefined;
  if (named === undefined && !external && fromNothing !== true) await copyEmbedded(join(dataDir, "database"));
  const env: Environment = {
    COUNTERSIGN_LOG_LEVEL: "warn",
    ...(external ? { COUNTERSIGN_SECRET_KEY: randomBytes(32).toString("base64") } : {}),
    ...given,
    COUNTERSIGN_ISSUER: issuer,
    COUNTERSIGN_PORT: String(port),
    COUNTERSIGN_GRPC_PORT: String(grpcPort),
    COUNTERSIGN_MANAGEMENT_PORT: String(managementPort),
    COUNTERSIGN_DATA_DIR: dataDir,
  };
  const remove = async (): Promise<void> => {
    if (named === undefined) await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  };
  const ownDir = named === undefined ? dataDir : "";
  return { env, dataDir, ownDir, issuer, grpcPort, managementPort, ports: [port, grpcPort, managementPort], remove };
};

/** Ours without the settings somebody has set for a server of theirs. */
const surroundings = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined || name.startsWith("COUNTERSIGN_") ? [] : [[name, value]],
    ),
  );

// ── the process ──

type Running = {
  readonly exited: Promise<number>;
  output(): string;
  pid(): number;
  signal(signal: NodeJS.Signals): void;
  detach(): void;
};

/**
 * The server's parent is a shell that reads from us. When we end, even under `kill -9`, it reads the end of its input, kills the server
 * and removes what was the server's own. `trap`: Ctrl-C is for us to hand on.
 */
const guard = `
  trap '' INT
  exec 4<&0
  "$@" </dev/null 3>&- 4<&- & server=$!
  echo "$server" >&3; exec 3>&-
  { read word || { kill -KILL "$server"; sleep 0.1; [ -z "$OWN_DIR" ] || rm -rf "$OWN_DIR"; } ; } <&4 >/dev/null 2>&1 & reader=$!
  wait "$server"; code=$?
  kill "$reader" 2>/dev/null
  exit "$code"`;

const launch = (program: string, args: readonly string[], env: Environment, ownDir: string): Running => {
  const command = [process.execPath, join(root, program), ...args];
  const shell = spawn("/bin/sh", ["-c", guard, "sh", ...command], {
    cwd: tmpdir(),
    env: { ...surroundings(), ...env, OWN_DIR: ownDir },
    stdio: ["pipe", "pipe", "pipe", "pipe"],
  });
  const heard = { output: "", pid: "" };
  const hear = (text: string): void => {
    heard.output = (heard.output + text).slice(-keptOutputCharacters);
  };
  shell.stdout?.setEncoding("utf8").on("data", hear);
  shell.stderr?.setEncoding("utf8").on("data", hear);
  readable(shell, 3)
    ?.setEncoding("utf8")
    .on("data", (text: string) => void (heard.pid += text));
  const exited = new Promise<number>((resolve, reject) => {
    shell.once("error", reject);
    shell.once("close", (code) => resolve(code ?? 128));
  });
  const pid = (): number => Number(heard.pid.trim() || "0");
  return {
    exited,
    output: () => heard.output,
    pid,
    signal: (signal) => {
      // Not the shell's end of it: that one goes when the server has gone.
      if (shell.exitCode === null && pid() > 0) kill(pid(), signal);
    },
    detach: () => unref(shell),
  };
};

const kill = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
};

const readable = (child: ChildProcess, fd: number): NodeJS.ReadableStream | undefined => {
  const stream = child.stdio[fd];
  return stream !== null && stream !== undefined && "setEncoding" in stream ? stream : undefined;
};

/** Nothing of the server keeps this process alive. */
const unref = (shell: ChildProcess): void => {
  shell.unref();
  for (const stream of shell.stdio) (stream as unknown as { unref?(): void } | null)?.unref?.();
};

/** Undefined once it is ready; the exit code where it has ended. */
const readyOrEnded = async (running: Running, managementPort: number): Promise<number | undefined> => {
  const state: { ended: number | undefined } = { ended: undefined };
  void running.exited.then((code) => (state.ended = code));
  const url = `http://127.0.0.1:${managementPort}/health/ready`;
  for (const deadline = Date.now() + readyWithinMs; Date.now() < deadline; await after(pollMs)) {
    if (state.ended !== undefined) return state.ended;
    const answer = await fetch(url).catch(() => undefined);
    await answer?.body?.cancel();
    // Another program may have taken the port, and our server have ended over it.
    if (answer?.ok === true && state.ended === undefined) return undefined;
  }
  running.signal("SIGKILL");
  await running.exited;
  throw new Error(`the server was not ready after ${readyWithinMs} ms:\n${running.output()}`);
};

const serverProcess = async (
  running: Running,
  settled: Settled,
  known: Bootstrap | undefined,
): Promise<ServerProcess> => {
  const stop = async (): Promise<number> => {
    running.signal("SIGTERM");
    const code = await within(stoppedWithinMs, running.exited, () => {
      running.signal("SIGKILL");
      return new Error(`the server did not end on SIGTERM:\n${running.output()}`);
    });
    await settled.remove();
    return code;
  };
  try {
    const bootstrap = known === undefined ? await bootstrapOf(settled) : kept(known, settled);
    running.detach();
    const { env, issuer, dataDir, grpcPort, managementPort } = settled;
    return {
      issuer,
      grpcPort,
      managementPort,
      dataDir,
      bootstrap,
      env,
      get pid() {
        return running.pid();
      },
      output: running.output,
      exited: running.exited,
      stop,
      kill: async () => {
        running.signal("SIGKILL");
        await running.exited;
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** As `countersign bootstrap` leaves them. */
const kept = (known: Bootstrap, { issuer, dataDir }: Settled): Bootstrap => {
  const bootstrap = bootstrapAt(known, issuer);
  writeBootstrap(dataDir, bootstrap);
  return bootstrap;
};

/** The embedded database's first start has written it; on a PostgreSQL one asks for it. */
const bootstrapOf = async ({ env, dataDir }: Settled): Promise<Bootstrap> => {
  if (env["COUNTERSIGN_DATABASE_URL"] === undefined)
    return JSON.parse(await readFile(join(dataDir, "bootstrap.json"), "utf8")) as Bootstrap;
  const { code, stdout, stderr } = await runCli(["bootstrap"], env);
  if (code !== 0) throw new Error(`\`countersign bootstrap\` ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as Bootstrap;
};

const takesConnections = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const say = (yes: boolean) => (): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.once("connect", say(true)).once("error", say(false));
  });

const within = async <T>(ms: number, wanted: Promise<T>, late: () => Error): Promise<T> => {
  const over = new AbortController();
  const limit = after(ms, undefined, { signal: over.signal }).then(
    () => Promise.reject(late()),
    () => new Promise<never>(() => undefined),
  );
  try {
    return await Promise.race([wanted, limit]);
  } finally {
    over.abort();
  }
};
