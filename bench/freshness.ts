/**
 * Invariant 7, at length: a hundred thousand things are ended in one of two processes while the other is being asked about them, and from the
 * acknowledgement on neither may say yes again. Tokens, secrets, people, tenants, assignments, roles, grants, groups and places in the tree;
 * all the while the cache is emptied, stands still, or is killed and started again. One stale yes ends the run.
 *
 * The trials are those of tests/serial, where a tenth and less of them fit. What a trial costs is reported and not judged: most of it is two
 * changes with their audit entries, and a dozen questions.
 */
import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "redis";
import { startDeployment } from "../tests/oauth/deployment.ts";
import { accessSubjects } from "../tests/serial/access-subjects.ts";
import { openGateway, subjects } from "../tests/serial/subjects.ts";
import { type Count, openTrials } from "../tests/serial/trials.ts";
import { type RedisServer, startRedis } from "../tests/support/redis.ts";
import type { Report } from "./harness/report.ts";

const trials_wanted = 100_000;
const lanes_each = 2;
/** Between two disturbances: most trials meet a cache that is in use, and some hundred meet one that is not. */
const calm_ms = 5_000;
/** For so long that no token of those who ask and change ends by its age (15 minutes), on a machine of a quarter of the speed. */
const stage_trials = 20_000;

const tell = async (redis: RedisServer, ...command: readonly string[]): Promise<void> => {
  const client = createClient({ url: redis.url });
  client.on("error", () => undefined);
  await client.connect();
  await client.sendCommand(command).finally(() => client.destroy());
};

/** Until told to stop; resolves to how often. */
const disturb = async (redis: RedisServer, isRunning: () => boolean): Promise<number> => {
  const ways: readonly (() => Promise<void>)[] = [
    () => tell(redis, "FLUSHALL"),
    () => tell(redis, "CLIENT", "PAUSE", "400", "ALL"),
    async () => {
      await redis.kill();
      await redis.restart();
    },
  ];
  let count = 0;
  for (; isRunning(); count++) {
    await pause(calm_ms);
    await ways[count % ways.length]?.();
  }
  return count;
};

/** Two processes and a cache of their own, for so many trials. */
const stage = async (wanted: number): Promise<Count & { readonly disturbed: number }> => {
  await using stack = new AsyncDisposableStack();
  const redis = await startRedis();
  stack.defer(redis.stop);
  const env = { COUNTERSIGN_TRUSTED_PROXIES: "127.0.0.1" };
  const deployment = await startDeployment({ servers: 2, cacheUrl: redis.url, env });
  stack.defer(deployment.close);
  const gateway = openGateway(deployment);
  stack.defer(gateway.close);
  const trials = await openTrials(deployment, gateway, { ...subjects, ...accessSubjects }, lanes_each);

  const state = { running: true };
  const disturbing = disturb(redis, () => state.running);
  let count: Count;
  try {
    count = await trials.run(wanted);
  } finally {
    state.running = false;
    await disturbing;
  }
  return { ...count, disturbed: await disturbing };
};

export const freshness = async (wanted = trials_wanted): Promise<Report> => {
  const [started, own] = [performance.now(), process.cpuUsage()];
  const total = { trials: 0, answers: 0, disturbed: 0 };
  while (total.trials < wanted) {
    const { trials, answers, disturbed } = await stage(Math.min(stage_trials, wanted - total.trials));
    total.trials += trials;
    total.answers += answers;
    total.disturbed += disturbed;
    const seconds = Math.round((performance.now() - started) / 1000);
    const sofar = `${total.trials} trials, ${total.answers} answers that had to be no, and were`;
    console.log(`${sofar}; the cache was disturbed ${total.disturbed} times; ${seconds} s`);
  }
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(own);
  const none = Number.NaN;
  const row = { cpu_us: none, per_s: total.trials / seconds, p50_ms: none, p99_ms: none };
  return {
    rows: [{ name: "a trial: ended, and no at both", ...row, load_cpu_us: (user + system) / total.trials }],
    ratios: [
      { name: "trials", value: total.trials, atLeast: trials_wanted },
      { name: "answers_after_the_end", value: total.answers },
      { name: "times_the_cache_was_disturbed", value: total.disturbed },
      // The first would have ended the run.
      { name: "stale_yes", value: 0, atMost: 0 },
    ],
    bounds: [],
  };
};
