/**
 * `npm run bench -- NAME [SIZE]`: runs one benchmark, prints its table, and writes `bench/results/NAME.json`.
 *
 * A target that is missed is said, and is no failure of the process; a server that breaks, or an answer that is not the one expected, is.
 */
import { checks } from "./check.ts";
import { freshness } from "./freshness.ts";
import { hotPath } from "./hot-path.ts";
import { leaveServerCore } from "./harness/machine.ts";
import { type Report, renderReport, writeReport } from "./harness/report.ts";
import { signIn } from "./sign-in.ts";
import { tenants } from "./tenants.ts";

/** Some take a size, to be smaller than they are: trials, or tenants. Their targets are for the whole. */
type Benchmark = {
  readonly about: string;
  /** Absent: the measured server has a core to itself. For what is proven and not timed, every process runs where there is room. */
  readonly anywhere?: true;
  readonly run: (size?: number) => Promise<Report>;
};

const benchmarks: Readonly<Record<string, Benchmark>> = {
  check: {
    about: "checks and lists over a million nodes, and over ten thousand: warm, cold, shallow and deep",
    run: checks,
  },
  freshness: {
    about: "100,000 ends of what was allowed, in two processes and through cache restarts: no stale yes",
    anywhere: true,
    run: freshness,
  },
  "hot-path": {
    about: "introspection, checks and tokens beside the least a server could do, and beside peers",
    run: () => hotPath(),
  },
  "sign-in": {
    about: "refreshing, the code flow and passwords beside their floors, and beside a peer",
    run: () => signIn(),
  },
  tenants: {
    about: "the same answers over 10, 1,000 and 10,000 tenants of 100 principals each",
    run: () => tenants(),
  },
};

const list = (): string =>
  Object.entries(benchmarks)
    .map(([name, { about }]) => `  ${name.padEnd(12)} ${about}`)
    .join("\n");

const main = async (name: string | undefined, size: string | undefined): Promise<number> => {
  const benchmark = name === undefined ? undefined : Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;
  if (name === undefined || benchmark === undefined) {
    console.error(
      `${name === undefined ? "which benchmark" : `no benchmark is named \`${name}\``}? npm run bench -- NAME, where NAME is one of\n${list()}`,
    );
    return 2;
  }
  const started = performance.now();
  if (benchmark.anywhere !== true) leaveServerCore();
  const report = await benchmark.run(size === undefined ? undefined : Number(size));
  const path = writeReport(name, report);
  console.log(`${renderReport(report)}\n\n${path} written after ${Math.round((performance.now() - started) / 1000)} s`);
  return 0;
};

process.exitCode = await main(process.argv[2], process.argv[3]);
