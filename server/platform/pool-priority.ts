/**
 * Lets the threads that libuv keeps for long work (hashing passwords above all) stand back behind those that answer requests: when there
 * are more of them to run than processors, a request is not made to wait for a slice of somebody's argon2.
 *
 * On Linux a priority is a thread's own, and lowering it needs no right. Elsewhere nothing happens, and nothing but latency under load
 * depends on it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

const threadName = "libuv-worker";
/** So much below the process: a tenth of its weight. It takes nothing away while a processor is free. */
const niceness_below = 10;
const niceness_max = 19;

const state = { done: false };

/** Once a process, when the pool is running, which it is from its first piece of work on. */
export const lowerPoolPriority = (): void => {
  if (state.done) return;
  state.done = true;
  try {
    const niceness = Math.min(getPriority() + niceness_below, niceness_max);
    const tasks = "/proc/self/task";
    for (const thread of readdirSync(tasks))
      if (readFileSync(`${tasks}/${thread}/comm`, "utf8").trim() === threadName) setPriority(Number(thread), niceness);
  } catch {
    // No /proc, or not ours to change: requests and hashes then share the processors as equals.
  }
};
