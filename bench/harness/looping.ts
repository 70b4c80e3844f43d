/** A floor that is no server: a process on the server's core that does one thing over and over, told over IPC for how long. */
import { once } from "node:events";
import { spawnNode } from "./child.ts";
import type { Window } from "./load.ts";

type Order = { readonly run_ms: number };

const percentile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

const run = async (lanes: number, once_: (lane: number) => Promise<void>, milliseconds: number): Promise<Window> => {
  const latencies: number[] = [];
  const cpu = process.cpuUsage();
  const started = performance.now();
  const until = started + milliseconds;
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      for (let begun = performance.now(); begun < until; begun = performance.now()) {
        await once_(lane);
        latencies.push(performance.now() - begun);
      }
    }),
  );
  const used = process.cpuUsage(cpu);
  const sorted = Float64Array.from(latencies).toSorted();
  return {
    cpu_us: (used.user + used.system) / latencies.length,
    per_s: latencies.length / ((performance.now() - started) / 1000),
    p50_ms: percentile(sorted, 0.5),
    p99_ms: percentile(sorted, 0.99),
    load_cpu_us: Number.NaN,
  };
};

/** Called by a floor of `bench/servers`: `once_` is what it does, in so many lanes. */
export const serveLoop = (lanes: number, once_: (lane: number) => Promise<void>): void => {
  process.on("disconnect", () => process.exit(0));
  process.on("message", (order: Order) => {
    run(lanes, once_, order.run_ms).then(
      (window) => process.send?.({ window }),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  process.send?.({ ready: true });
};

export type Loop = { run(milliseconds: number): Promise<Window>; stop(): Promise<void> };

export const startLoop = async (file: string, environment: Readonly<Record<string, string>>): Promise<Loop> => {
  const { child, output, stop } = spawnNode(file, environment);
  const died = once(child, "exit").then(([code]) =>
    Promise.reject(new Error(`${file} ended with ${code}:\n${output()}`)),
  );
  died.catch(() => {});
  const next = async <T>(): Promise<T> => ((await Promise.race([once(child, "message"), died])) as [T])[0];
  await next();
  return {
    run: async (milliseconds) => {
      const answer = next<{ window: Window }>();
      child.send({ run_ms: milliseconds } satisfies Order);
      return (await answer).window;
    },
    stop,
  };
};
