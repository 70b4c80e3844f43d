/**
 * A measured server as a process of its own: started on the server's core, known by its port, stopped by its pid.
 *
 * The servers in `bench/servers` say over the IPC channel where they listen (`announce`); any other program can be awaited by a
 * readiness check of the caller's.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { onServerCore } from "./machine.ts";

export type Server = { readonly pid: number; readonly port: number; stop(): Promise<void> };

/** How long a server may take to begin, and to end before it is killed. */
const start_timeout_ms = 30_000;
const stop_timeout_ms = 5_000;

/** Called by a server of `bench/servers` when it listens. It ends with its parent, whatever became of that. */
export const announce = (port: number): void => {
  process.on("disconnect", () => process.exit(0));
  process.send?.({ port });
};

const ended = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

const end = async (child: ChildProcess): Promise<void> => {
  if (ended(child)) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), stop_timeout_ms);
  await exit;
  clearTimeout(timer);
};

const isAnnouncement = (message: unknown): message is { readonly port: number } =>
  typeof message === "object" && message !== null && "port" in message && typeof message.port === "number";

/** Starts a Node program on the server's core; its output is kept, and shown when it fails to begin. */
export const spawnNode = (
  file: string,
  environment: Readonly<Record<string, string>>,
  args: readonly string[] = [],
) => {
  const [command, words] = onServerCore(process.execPath, [file, ...args]);
  const child = spawn(command, words, {
    env: { ...process.env, NODE_ENV: "production", ...environment },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    serialization: "advanced",
  });
  let output = "";
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-8_000);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  return { child, output: () => output, stop: () => end(child) };
};

/** Starts a server, and resolves once `ready` does: by default, once it has announced its port. */
export const startServer = async (
  file: string,
  environment: Readonly<Record<string, string>>,
  ready?: () => Promise<number>,
): Promise<Server> => {
  const { child, output, stop } = spawnNode(file, environment);
  const failed = new Promise<never>((_, reject) => {
    child.once("exit", (code) => reject(new Error(`${file} ended with ${code} before it listened:\n${output()}`)));
    setTimeout(
      () => reject(new Error(`${file} did not listen within ${start_timeout_ms} ms:\n${output()}`)),
      start_timeout_ms,
    ).unref();
  });
  failed.catch(() => {}); // after the start an exit is seen by whoever talks to the server
  const announced = new Promise<number>((resolve) => {
    child.on("message", (message) => isAnnouncement(message) && resolve(message.port));
  });
  try {
    const port = await Promise.race([ready?.() ?? announced, failed]);
    return { pid: child.pid ?? 0, port, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
