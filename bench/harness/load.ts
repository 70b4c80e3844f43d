/**
 * The load generator's own process: told over IPC what to ask of whom, it keeps a fixed number of requests in flight (a closed
 * loop), and measures what the answers took and what the server's process and its own spent on them.
 *
 * A request that is not answered well ends the run: a benchmark of refusals is worth nothing.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type GrpcMethod, openGrpcLanes } from "./grpc-lanes.ts";
import { openHttpLanes } from "./http-lanes.ts";
import type { Answered, Lane } from "./lanes.ts";
import { cpuMicros } from "./machine.ts";

/** What is asked, of whom. `requests` go round, and on where the last window stopped. */
export type Target = {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly protocol: { readonly kind: "http" } | ({ readonly kind: "grpc" } & GrpcMethod);
  readonly requests: readonly Uint8Array[];
  /** Requests on their way at any moment; 32 unless it says otherwise. */
  readonly in_flight?: number;
};

/** How long a window lasts: a time, after another of warming up; or until every request was answered once. */
export type Span = { readonly warm_ms: number; readonly measure_ms: number } | "once";

/** One window. `cpu_us` is the server's own per request, `load_cpu_us` the load generator's. */
export type Window = {
  readonly cpu_us: number;
  readonly per_s: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly load_cpu_us: number;
};

export type Order =
  | { readonly order: "open"; readonly target: Target }
  /** Every request once, in turn: what came back, for the caller to judge. */
  | { readonly order: "ask"; readonly name: string; readonly count: number }
  | { readonly order: "run"; readonly name: string; readonly span: Span };
export type Reply = { readonly done: Window | readonly Uint8Array[] | undefined } | { readonly failed: string };

/** Enough in flight to keep one core busy at any moment, few enough that an answer's latency is not all queue. */
const in_flight_default = 32;
const grpc_connections = 4;

type Open = Target & { next: number };
const targets = new Map<string, Open>();

const openLanes = ({ protocol, port }: Target, count: number, answered: Answered): Promise<readonly Lane[]> =>
  protocol.kind === "http"
    ? openHttpLanes(port, count, answered)
    : openGrpcLanes(port, protocol, count, Math.min(count, grpc_connections), answered);

const takeRequest = (target: Open): Uint8Array => {
  const request = target.requests[target.next++ % target.requests.length];
  if (request === undefined) throw new Error(`${target.name} has no requests`);
  return request;
};

const percentile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** Runs the closed loop while `during` lasts; `record` sees each latency in milliseconds. */
const loop = async (
  target: Open,
  count: number,
  record: (latency: number, body: Buffer) => void,
  during: Promise<void>,
): Promise<void> => {
  const started = new Float64Array(count);
  const { promise: refused, reject } = Promise.withResolvers<never>();
  let running = true;
  const send = (lane: number): void => {
    started[lane] = performance.now();
    lanes[lane]?.send(takeRequest(target));
  };
  const lanes = await openLanes(target, count, (lane, ok, body) => {
    if (!running) return;
    if (!ok) return reject(new Error(`${target.name}: ${body.toString()}`));
    record(performance.now() - (started[lane] ?? 0), body);
    send(lane);
  });
  try {
    for (let lane = 0; lane < count; lane++) send(lane);
    await Promise.race([during, refused]);
  } finally {
    running = false;
    for (const lane of lanes) lane.close();
  }
};

/** What is read at a window's start, to be subtracted at its end. */
type Start = { readonly server: number; readonly own: NodeJS.CpuUsage; readonly at: number };

const begin = ({ pid }: Target): Start => ({ server: cpuMicros(pid), own: process.cpuUsage(), at: performance.now() });

const finish = ({ pid }: Target, start: Start, latencies: readonly number[]): Window => {
  const own = process.cpuUsage(start.own);
  const server = cpuMicros(pid) - start.server;
  const seconds = (performance.now() - start.at) / 1000;
  const sorted = Float64Array.from(latencies).toSorted();
  return {
    cpu_us: server / latencies.length,
    per_s: latencies.length / seconds,
    p50_ms: percentile(sorted, 0.5),
    p99_ms: percentile(sorted, 0.99),
    load_cpu_us: (own.user + own.system) / latencies.length,
  };
};

const run = async (target: Open, span: Span): Promise<Window> => {
  let latencies: number[] = [];
  let window: Window | undefined;
  const { promise: answeredOnce, resolve } = Promise.withResolvers<void>();
  const schedule = async (): Promise<void> => {
    if (span !== "once") await delay(span.warm_ms);
    latencies = [];
    const start = begin(target);
    await (span === "once" ? answeredOnce : delay(span.measure_ms));
    window = finish(target, start, latencies);
  };
  const record = (latency: number): void => {
    latencies.push(latency);
    if (latencies.length === target.requests.length) resolve();
  };
  await loop(target, target.in_flight ?? in_flight_default, record, schedule());
  if (window === undefined || !Number.isFinite(window.cpu_us))
    throw new Error(`${target.name}: no answer came within the window`);
  return window;
};

const ask = async (target: Open, count: number): Promise<readonly Uint8Array[]> => {
  const bodies: Uint8Array[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  target.next = 0;
  const keep = (_latency: number, body: Buffer): void => {
    bodies.push(Uint8Array.from(body));
    if (bodies.length === count) resolve();
  };
  await loop(target, 1, keep, promise);
  return bodies.slice(0, count);
};

const named = (name: string): Open => {
  const target = targets.get(name);
  if (target === undefined) throw new Error(`no target is named \`${name}\``);
  return target;
};

const obey = async (order: Order): Promise<Window | readonly Uint8Array[] | undefined> => {
  if (order.order === "run") return run(named(order.name), order.span);
  if (order.order === "ask") return ask(named(order.name), order.count);
  targets.set(order.target.name, { ...order.target, next: 0 });
  return undefined;
};

process.on("message", (order: Order) => {
  obey(order).then(
    (done) => process.send?.({ done } satisfies Reply),
    (error: unknown) =>
      process.send?.({ failed: error instanceof Error ? error.message : String(error) } satisfies Reply),
  );
});
process.on("disconnect", () => process.exit(0));
