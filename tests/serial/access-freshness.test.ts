// Invariant 7 for what is shared in a tree: once a grant, a membership or a place is gone, no process says yes because of it. A hundred thousand
// of these trials are `npm run bench -- freshness`; here are as many as fit into a test.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "redis";
import { startDeployment } from "../oauth/deployment.ts";
import { startRedis } from "../support/redis.ts";
import { accessSubjects } from "./access-subjects.ts";
import { openGateway } from "./subjects.ts";
import { openTrials } from "./trials.ts";

const trials_calm = 800;
const trials_disturbed = 150;

const redis = await startRedis();
const deployment = await startDeployment({ servers: 2, cacheUrl: redis.url });
const gateway = openGateway(deployment);
after(async () => {
  gateway.close();
  await deployment.close();
  await redis.stop();
});
const trials = await openTrials(deployment, gateway, accessSubjects, 2);

const tell = async (...command: readonly string[]): Promise<string> => {
  const client = createClient({ url: redis.url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return JSON.stringify(await client.sendCommand(command));
  } finally {
    client.destroy();
  }
};

const hits = async (): Promise<number> => Number(/keyspace_hits:(\d+)/.exec(await tell("INFO", "stats"))?.[1]);

test(`in ${trials_calm} ends of what is shared, asked about in two processes, there is never a stale yes`, async (t) => {
  const before = await hits();
  const count = await trials.run(trials_calm);
  t.diagnostic(`${count.trials} trials, ${count.answers} answers`);
  assert.ok(count.trials >= trials_calm);
  assert.ok((await hits()) - before > 2 * count.answers, "the cache was not in use, and this has proved nothing");
});

test(`nor in ${trials_disturbed} while the cache is emptied, stands still, and is killed and restarted`, async (t) => {
  const disturbances: readonly (() => Promise<unknown>)[] = [
    () => tell("FLUSHALL"),
    () => tell("CLIENT", "PAUSE", "400", "ALL"),
    async () => {
      await redis.kill();
      await redis.restart();
    },
  ];
  const state = { running: true, disturbed: 0 };
  const disturbing = (async (): Promise<void> => {
    while (state.running) {
      await disturbances[state.disturbed % disturbances.length]?.();
      state.disturbed += 1;
      await pause(100 + 40 * (state.disturbed % 5));
    }
  })();
  try {
    const count = await trials.run(trials_disturbed);
    t.diagnostic(`${count.trials} trials, ${count.answers} answers, ${state.disturbed} disturbances`);
  } finally {
    state.running = false;
    await disturbing;
  }
  assert.ok(state.disturbed >= 6, `the cache was disturbed only ${state.disturbed} times`);
});
