/** One engine in a process of its own, told over IPC to answer the sample, or to decide as fast as it can for a while. */
import { buildCasbin } from "./casbin.ts";
import { buildCasl } from "./casl.ts";
import { buildCedar } from "./cedar.ts";
import { type Engine, type Fixture, buildFixture } from "./fixture.ts";
import { buildOurs } from "./ours.ts";
import type { Window } from "../harness/load.ts";
import type { EngineName, Order, Reply } from "./compare.ts";

const builders: Readonly<Record<EngineName, (fixture: Fixture) => Engine | Promise<Engine>>> = {
  decide: buildOurs,
  "decide: CASL": buildCasl,
  "decide: casbin": buildCasbin,
  "decide: cedar-wasm": buildCedar,
};

/** Latencies are taken over batches that last about this long: a clock reading costs as much as a check. */
const batch_ms = 1;

const percentile = (sorted: Float64Array, share: number): number =>
  sorted[Math.floor(sorted.length * share)] ?? Number.NaN;

/** How many checks fill a batch, found by doubling. */
const batchSize = (decideMany: (count: number) => void): number => {
  for (let size = 1; ; size *= 2) {
    const started = performance.now();
    decideMany(size);
    if (performance.now() - started >= batch_ms) return size;
  }
};

const run = (decideMany: (count: number) => void, milliseconds: number): Window => {
  const size = batchSize(decideMany);
  const latencies: number[] = [];
  const cpu = process.cpuUsage();
  const started = performance.now();
  let now = started;
  while (now - started < milliseconds) {
    decideMany(size);
    const then = now;
    now = performance.now();
    latencies.push((now - then) / size);
  }
  const used = process.cpuUsage(cpu);
  const checks = latencies.length * size;
  const sorted = Float64Array.from(latencies).toSorted();
  return {
    cpu_us: (used.user + used.system) / checks,
    per_s: checks / ((now - started) / 1000),
    p50_ms: percentile(sorted, 0.5),
    p99_ms: percentile(sorted, 0.99),
    load_cpu_us: Number.NaN,
  };
};

const serve = async (name: EngineName): Promise<void> => {
  const fixture = buildFixture();
  const engine = await builders[name](fixture);
  const { questions } = fixture;
  let next = 0;
  let allowed = 0;
  const decideMany = (count: number): void => {
    for (let each = 0; each < count; each++) {
      const asked = questions[next];
      next = next + 1 === questions.length ? 0 : next + 1;
      if (asked !== undefined && engine.check(asked)) allowed++;
    }
  };
  process.on("message", (order: Order) => {
    const reply: Reply =
      order.order === "answer"
        ? { answers: questions.slice(0, order.count).map((asked) => engine.check(asked)) }
        : { window: run(decideMany, order.milliseconds) };
    process.send?.(reply);
  });
  process.on("disconnect", () => process.exit(allowed < 0 ? 1 : 0)); // reads the count, so that no check is optimized away
  process.send?.({ ready: true } satisfies Reply);
};

await serve(process.argv[2] as EngineName);
