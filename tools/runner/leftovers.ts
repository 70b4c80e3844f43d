// Processes that tests started and did not stop. Each carries a mark in its environment, which children inherit and
// which nothing outside this run has, so ending them by process id cannot hit a stranger.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** The variable that carries the mark. */
export const markName = "COUNTERSIGN_TEST_RUN";

/** Ends what still runs with this mark, and returns the process ids and command lines. */
export const killLeftovers = (mark: string): readonly string[] => {
  const needle = `${markName}=${mark}`;
  const left = processes().filter(({ pid, environment }) => pid !== process.pid && environment.includes(needle));
  return left.map(({ pid, command }) => {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself in the meantime.
    }
    return `${pid} ${command}`;
  });
};

type Process = { readonly pid: number; readonly command: string; readonly environment: string };

const processes = (): readonly Process[] => (existsSync("/proc/self/environ") ? linuxProcesses() : bsdProcesses());

const linuxProcesses = (): readonly Process[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({
      pid: Number(pid),
      command: read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim(),
      environment: read(`/proc/${pid}/environ`),
    }));

/** On macOS `ps` can show the environment behind the command, of one's own processes. */
const bsdProcesses = (): readonly Process[] => {
  const { stdout } = spawnSync("ps", ["-Eww", "-ax", "-o", "pid=,command="], { encoding: "utf8" });
  return (stdout ?? "").split("\n").map((line) => {
    const [, pid = "0", rest = ""] = /^\s*(\d+)\s(.*)$/.exec(line) ?? [];
    return { pid: Number(pid), command: rest.split(/ \w+=/)[0] ?? "", environment: rest };
  });
};

/** Empty for a process of somebody else's, or one that has just ended. */
const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};
