// Invariant 7, between two processes that share a database and a cache: once an end is acknowledged by one, the other never says yes
// again. Readers race every change, so that what they put into the cache is put there at the worst of times.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "redis";
import { startDeployment } from "../oauth/deployment.ts";
import { startRedis } from "../support/redis.ts";
import { openGateway, type Subject, subjects } from "./subjects.ts";

const trials_calm = 10_000;
const trials_crashing = 500;
const lanesPerKind = 2;

const redis = await startRedis();
const deployment = await startDeployment({
  servers: 2,
  cacheUrl: redis.url,
  env: { COUNTERSIGN_TRUSTED_PROXIES: "127.0.0.1" },
});
const gateway = openGateway(deployment);
after(async () => {
  gateway.close();
  await deployment.close();
  await redis.stop();
});

type Lane = { readonly title: string; readonly subject: Subject };
/** Each lane in a tenant of its own, so that none of them waits for another's change. */
const lanes: readonly Lane[] = await Promise.all(
  Object.entries(subjects).flatMap(([title, make]) =>
    Array.from({ length: lanesPerKind }, async (_, n) => {
      const tenant = await deployment.tenant(`${title}, lane ${n}`);
      return { title, subject: await make(deployment, gateway, tenant) };
    }),
  ),
);

/**
 * Warm at both, ended at one while the other is being asked, then asked at the other. Only answers after the acknowledgement count; those
 * before may be either. Returns how many trials it was: one for each question that had been yes and had to be no.
 */
const endOnce = async ({ title, subject }: Lane, on: number): Promise<number> => {
  const other = 1 - on;
  const ask = (where: number) => Promise.all(subject.questions.map((question) => question(where)));
  const all = (answer: boolean) => subject.questions.map(() => answer);
  for (const where of [on, other]) assert.deepEqual(await ask(where), all(true), `${title} was not alive`);
  const racing = ask(other);
  await subject.end(on);
  assert.deepEqual(await ask(other), all(false), `a stale yes: ${title}`);
  await racing;
  assert.deepEqual(await ask(other), all(false), `a stale yes, put there by a reader that was overtaken: ${title}`);
  await subject.renew(on);
  return subject.questions.length;
};

/** Every lane at its own pace, until there have been as many trials as wanted; returns how many there were, and of how many ends. */
const run = async (wanted: number): Promise<{ readonly trials: number; readonly ends: number }> => {
  const count = { trials: 0, ends: 0 };
  const work = async (lane: Lane, first: number): Promise<void> => {
    for (let n = first; count.trials < wanted; n += 1) {
      const trials = await endOnce(lane, n % 2);
      count.trials += trials;
      count.ends += 1;
    }
  };
  await Promise.all(lanes.map(work));
  return count;
};

const hits = async (): Promise<number> => {
  const client = createClient({ url: redis.url });
  await client.connect();
  try {
    return Number(/^keyspace_hits:(\d+)/m.exec(await client.info("stats"))?.[1]);
  } finally {
    client.destroy();
  }
};

test(`invariant 7: in ${trials_calm} trials of an end in one process and a question in the other there is never a stale yes`, async (t) => {
  const before = await hits();
  const { trials, ends } = await run(trials_calm);
  t.diagnostic(`${trials} trials, of ${ends} ends`);
  assert.ok((await hits()) - before > 2 * trials, "the cache was not in use, and this has proved nothing");
});

test(`invariant 7: nor in ${trials_crashing} while the cache is killed and restarted under both`, async (t) => {
  const state = { running: true, crashes: 0 };
  const crashing = (async (): Promise<void> => {
    while (state.running) {
      await redis.kill();
      await pause(20 + 10 * (state.crashes % 5));
      await redis.restart();
      state.crashes += 1;
      await pause(100 + 50 * (state.crashes % 7));
    }
  })();
  try {
    const { trials, ends } = await run(trials_crashing);
    t.diagnostic(`${trials} trials, of ${ends} ends, and ${state.crashes} crashes`);
  } finally {
    state.running = false;
    await crashing;
  }
  assert.ok(state.crashes >= 5, `the cache was killed only ${state.crashes} times`);
});
