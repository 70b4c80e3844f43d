/**
 * The load generator's own process: told over IPC what to ask of whom, it keeps a fixed number of requests in flight (a closed
 * loop), and measures what the answers took and what the server's process and its own spent on them.
 *
 * A request that is not answered well ends the run: a benchmark of refusals is worth nothing.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type GrpcMethod, openGrpcLanes } from "./grpc-lanes.ts";
import { type Chain, nextRequest, startWalks, takeAnswer, type Walk } from "./chains.ts";
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
  /** In place of `requests`, over HTTP: what is asked follows from what was answered. One walk through it is one request measured. */
  readonly chain?: Chain;
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

type Open = Target & { next: number; readonly walks: readonly Walk[] };
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
  const { promise: refused, reject } = Promise.withResolvers<never>();
  const running = target.chain === undefined ? plainLoop : chainLoop;
  const { lanes, stop } = await running(target, count, record, reject);
  try {
    await Promise.race([during, refused]);
    await Promise.race([stop(), refused]);
  } finally {
    for (const lane of lanes) lane.close();
  }
};

type Running = {
  readonly lanes: readonly Lane[];
  /** Asks no more; resolves when nothing that must be heard of is under way. */
  readonly stop: () => Promise<void>;
};
type Record = (latency: number, body: Buffer) => void;
type Refuse = (reason: Error) => void;

const plainLoop = async (target: Open, count: number, record: Record, refuse: Refuse): Promise<Running> => {
  const started = new Float64Array(count);
  let running = true;
  const send = (lane: number): void => {
    started[lane] = performance.now();
    lanes[lane]?.send(takeRequest(target));
  };
  const lanes = await openLanes(target, count, (lane, ok, body) => {
    if (!running) return;
    if (!ok) return refuse(new Error(`${target.name}: ${body.toString()}`));
    record(performance.now() - (started[lane] ?? 0), body);
    send(lane);
  });
  for (let lane = 0; lane < count; lane++) send(lane);
  return {
    lanes,
    stop: async () => {
      running = false;
    },
  };
};

/** A walk's latency is that of all its steps. An answer under way when it ends is waited for: the next window goes on from it. */
const chainLoop = async (target: Open, _count: number, record: Record, refuse: Refuse): Promise<Running> => {
  const { chain, walks } = target;
  if (chain === undefined) throw new Error(`${target.name} has no chain`);
  const started = new Float64Array(walks.length);
  const idle = Promise.withResolvers<void>();
  let [running, busy] = [true, 0];
  const send = (lane: number): void => {
    const walk = walks[lane];
    if (walk === undefined) return;
    busy++;
    if (walk.at === 0) started[lane] = performance.now();
    lanes[lane]?.send(nextRequest(chain, walk));
  };
  const answered = (lane: number, body: Buffer): void => {
    const walk = walks[lane];
    if (walk === undefined) return;
    const done = takeAnswer(chain, walk, body.toString("latin1"));
    busy--;
    if (done && running) record(performance.now() - (started[lane] ?? 0), body);
    if (running) send(lane);
    else if (busy === 0) idle.resolve();
  };
  const lanes = await openHttpLanes(
    target.port,
    walks.length,
    (lane, ok, body) => {
      if (!ok) return refuse(new Error(`${target.name}: ${body.toString()}`));
      try {
        answered(lane, body);
      } catch (error) {
        refuse(error as Error);
      }
    },
    true,
  );
  for (let lane = 0; lane < walks.length; lane++) send(lane);
  return {
    lanes,
    stop: () => {
      running = false;
      return idle.promise;
    },
  };
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
  const { target } = order;
  targets.set(target.name, { ...target, next: 0, walks: target.chain === undefined ? [] : startWalks(target.chain) });
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
