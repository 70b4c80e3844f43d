/**
 * Where a benchmark runs: which core the measured server gets, which are left to everything else, and how much CPU a process has used.
 *
 * A server shares its core with nothing that works: the load generator, Redis and PostgreSQL run on the others. Where the machine
 * has one core, or no `taskset`, nothing is pinned, and the report says so.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { cpus, totalmem } from "node:os";

/** The cores this process may use, in order: a container's first is not always 0. */
const allowedCores = (): readonly number[] => {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, step) => first + step);
  });
};

export type Pinning = { readonly server: string; readonly rest: string };

/** The server's core and everyone else's, as `taskset -c` lists; undefined where processes cannot be pinned. */
const findPinning = (): Pinning | undefined => {
  if (process.platform !== "linux" || spawnSync("taskset", ["--version"]).status !== 0) return undefined;
  const [server, ...rest] = allowedCores();
  return server === undefined || rest.length === 0 ? undefined : { server: String(server), rest: rest.join(",") };
};

let found: { readonly pinning: Pinning | undefined } | undefined;

/** Read once, before anything is pinned: afterwards this process no longer sees the server's core. */
export const pinning = (): Pinning | undefined => (found ??= { pinning: findPinning() }).pinning;

const placed = { apart: false };

/** Keeps this process, and whatever it starts from here on, off the server's core. */
export const leaveServerCore = (): void => {
  const cores = pinning();
  if (cores === undefined) return;
  execFileSync("taskset", ["-a", "-c", "-p", cores.rest, String(process.pid)], { stdio: "ignore" });
  placed.apart = true;
};

/** The command that runs `command` on the server's core. `taskset` replaces itself by it, so the pid is the command's own. */
export const onServerCore = (command: string, args: readonly string[]): readonly [string, readonly string[]] => {
  const cores = pinning();
  return cores === undefined ? [command, args] : ["taskset", ["-c", cores.server, command, ...args]];
};

/** One line that says what was measured on. */
export const describeMachine = (): string => {
  const cores = pinning();
  const placement =
    cores === undefined || !placed.apart
      ? "nothing pinned"
      : `servers on core ${cores.server}, everything else on ${cores.rest}`;
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus()[0]?.model ?? process.arch}, ${cpus().length} cores, ${memory} GiB, Node ${process.versions.node}; ${placement}`;
};

/** Linux reports CPU times to user space in hundredths of a second, whatever the kernel's own tick (proc(5), sysconf _SC_CLK_TCK). */
const microsecondsPerTick = 10_000;

type Times = { readonly parent: number; readonly micros: number };

/** `pid (comm) state ppid … utime stime`, fields 14 and 15 of proc(5); all threads included. `comm` may hold spaces and parentheses. */
const linuxTimes = (pid: number): Times | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(fields[1]), micros: (Number(fields[11]) + Number(fields[12])) * microsecondsPerTick };
  } catch {
    return undefined; // it ended between the listing and the look
  }
};

/** Elsewhere `ps` knows the same: `[[dd-]hh:]mm:ss[.cc]`. */
const psTimes = (): ReadonlyMap<number, Times> => {
  const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid=,time="], { encoding: "utf8" }).trim().split("\n");
  return new Map(
    rows.map((row) => {
      const [pid = "0", parent = "0", time = "0"] = row.trim().split(/\s+/);
      const seconds = time.split(/[-:]/).reduce((sum, part) => sum * 60 + Number(part), 0);
      return [Number(pid), { parent: Number(parent), micros: seconds * 1e6 }];
    }),
  );
};

const allTimes = (): ReadonlyMap<number, Times> => {
  if (process.platform !== "linux") return psTimes();
  const times = new Map<number, Times>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    const read = Number.isInteger(pid) ? linuxTimes(pid) : undefined;
    if (read !== undefined) times.set(pid, read);
  }
  return times;
};

/** CPU time, user and system, that a process and its living descendants have used since they began: microseconds. */
export const cpuMicros = (pid: number): number => {
  const times = allTimes();
  const family = new Set([pid]);
  for (let grown = 0; grown !== family.size; ) {
    grown = family.size;
    for (const [child, { parent }] of times) if (family.has(parent)) family.add(child);
  }
  if (!times.has(pid)) throw new Error(`process ${pid} is gone`);
  return [...family].reduce((sum, member) => sum + (times.get(member)?.micros ?? 0), 0);
};
