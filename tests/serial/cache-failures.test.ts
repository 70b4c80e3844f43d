// The cache dies, stands still, comes back with what it knew before, or is full: requests are slower, never wrongly allowed.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "redis";
import {
  type FreshCache,
  type Lease,
  type Probe,
  tenantVersion,
  principalVersion,
} from "../../server/platform/cache/fresh-cache.ts";
import { openRedisCache } from "../../server/platform/cache/redis-cache.ts";
import type { Redis } from "../../server/platform/cache/redis-connection.ts";
import { silentLog } from "../../server/platform/log.ts";
import { randomOctets } from "../../server/platform/random.ts";
import { freePort, type RedisServer, type RedisServerOptions, startRedis } from "../support/redis.ts";
import { cases, run, schedulesOf } from "../cache/schedules.ts";

type Setting = { readonly server: RedisServer; readonly cache: FreshCache & { readonly redis: Redis } };

const set = async (
  t: TestContext,
  options: RedisServerOptions & { readonly ageMsMax?: number } = {},
): Promise<Setting> => {
  const { ageMsMax = 30_000, ...serverOptions } = options;
  const server = await startRedis(serverOptions);
  const cache = await openRedisCache({ url: server.url, random: randomOctets, log: silentLog, ageMsMax });
  t.after(async () => {
    await cache.close();
    // `stop` alone lets the server take a tenth of a second for its farewell.
    await server.kill();
    await server.stop();
  });
  return { server, cache };
};

const probe: Probe = { key: "{t}:answer", versions: [tenantVersion("t"), principalVersion("t", "p")] };
const nothing = [{ payload: undefined, lease: undefined }];

const lent = async (cache: FreshCache): Promise<Lease> => {
  const [reading] = await cache.read([probe]);
  assert.ok(
    reading !== undefined && reading.payload === undefined && reading.lease !== undefined,
    "expected a miss with a lease",
  );
  return reading.lease;
};
const fillOne = async (cache: FreshCache, payload: string): Promise<void> =>
  cache.fill(await lent(cache), payload, 30_000);
/** Fills twice: where there are no versions, the first time only makes them. */
const fillCold = async (cache: FreshCache, payload: string): Promise<void> => {
  await fillOne(cache, payload);
  await fillOne(cache, payload);
};
const payload = async (cache: FreshCache): Promise<string | undefined> => (await cache.read([probe]))[0]?.payload;

/** Kills the server, and waits until the cache has noticed. */
const kill = async ({ server, cache }: Setting): Promise<void> => {
  await server.kill();
  while (cache.redis.link() !== undefined) await new Promise(setImmediate);
};

/** Restarts the server, and waits until the cache is connected to it. */
const restart = async ({ server, cache }: Setting): Promise<void> => {
  const before = cache.redis.link();
  await server.restart();
  assert.ok(await cache.redis.nextLink(before, 5_000), "the cache did not come back");
};

/** One command, over a connection of its own. */
const tell = async (server: RedisServer, ...command: readonly string[]): Promise<unknown> => {
  const client = createClient({ url: server.url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
};

const elapsed = async (work: Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work;
  return performance.now() - start;
};

test("while the server is down a read misses at once and lends nothing, and a fence does not wait; after that all is well", async (t) => {
  const it = await set(t);
  await fillOne(it.cache, "versions only");
  const lease = await lent(it.cache);
  await fillOne(it.cache, "old");
  await kill(it);
  assert.ok((await elapsed(it.cache.read([probe]).then((readings) => assert.deepEqual(readings, nothing)))) < 150);
  assert.ok((await elapsed(it.cache.fence(probe.versions))) < 150);
  await restart(it);
  await it.cache.fill(lease, "from before", 30_000);
  assert.equal(await payload(it.cache), undefined);
  await fillCold(it.cache, "new");
  assert.equal(await payload(it.cache), "new");
});

test("a publish begun while the server is down waits for it, and returns soon after it is back", async (t) => {
  const it = await set(t);
  await kill(it);
  let published = false;
  const publishing = it.cache.publish(probe.versions).finally(() => {
    published = true;
  });
  await pause(150);
  assert.equal(published, false);
  await restart(it);
  assert.ok((await elapsed(publishing)) < 1_500);
});

test("a publish the server never acknowledges returns when every entry from before has died, and not sooner", async (t) => {
  const it = await set(t, { ageMsMax: 300 });
  await kill(it);
  const waited = await elapsed(it.cache.publish(probe.versions));
  assert.ok(waited >= 299 && waited < 900, `returned after ${waited} ms`);
});

test("an entry is as old as its lease, so that none outlives the wait of a publish", async (t) => {
  const { cache } = await set(t, { ageMsMax: 150 });
  await fillOne(cache, "versions only");
  const lease = await lent(cache);
  await pause(150);
  await cache.fill(lease, "late", 30_000);
  assert.equal(await payload(cache), undefined);
});

test("a server that stands still is given up within a quarter of a second, and a publish to it ends when it moves again", async (t) => {
  const { server, cache } = await set(t);
  await fillCold(cache, "old");
  process.kill(server.pid, "SIGSTOP");
  const waited = await elapsed(cache.read([probe]).then((readings) => assert.deepEqual(readings, nothing)));
  assert.ok(waited < 900, `answered after ${waited} ms`);
  const publishing = cache.publish(probe.versions);
  assert.ok((await elapsed(cache.read([probe]))) < 150);
  process.kill(server.pid, "SIGCONT");
  assert.ok((await elapsed(publishing)) < 3_000);
  assert.equal(await payload(cache), undefined);
});

test("what a server brings back from a snapshot is not believed", async (t) => {
  const it = await set(t, { save: true });
  await fillCold(it.cache, "old");
  await tell(it.server, "SAVE");
  await it.cache.publish(probe.versions);
  await restart(it);
  assert.equal(await tell(it.server, "DBSIZE"), 3, "the snapshot was not there to be believed");
  assert.equal(await payload(it.cache), undefined);
});

test("a server with no memory left refuses versions, and forgets them instead", async (t) => {
  const { server, cache } = await set(t, { args: ["--maxmemory-policy", "noeviction"] });
  await fillCold(cache, "old");
  await tell(server, "CONFIG", "SET", "maxmemory", "1");
  assert.equal(await payload(cache), "old");
  assert.ok((await elapsed(cache.publish(probe.versions))) < 1_500);
  await fillCold(cache, "refused");
  assert.equal(await payload(cache), undefined);
  assert.equal(
    await tell(server, "EXISTS", ...probe.versions.map((key) => `${cache.redis.link()?.incarnation}${key}`)),
    0,
  );
  await tell(server, "CONFIG", "SET", "maxmemory", "0");
  await fillCold(cache, "new");
  assert.equal(await payload(cache), "new");
});

test("a server demoted to a replica is left, and a publish ends on the one that takes writes", async (t) => {
  const { server, cache } = await set(t);
  const nowhere = String(await freePort());
  await tell(server, "REPLICAOF", "127.0.0.1", nowhere);
  const publishing = cache.publish(probe.versions);
  const before = cache.redis.link();
  assert.ok(await cache.redis.nextLink(before, 2_000));
  await tell(server, "REPLICAOF", "NO", "ONE");
  assert.ok((await elapsed(publishing)) < 2_000);
});

test("the server is killed at any step of any schedule, and comes back as it was before the change: nothing old is read", async (t) => {
  const few = cases
    .filter(({ readers, rounds, writers, start, disturbed }) => {
      return readers * rounds + writers.length === 2 && start !== "cold" && disturbed;
    })
    .flatMap((each) =>
      schedulesOf(each)
        .filter((_, index) => index % 14 === 0)
        .map((schedule) => ({ each, schedule })),
    );
  assert.equal(few.length, 20);
  // Several servers share them: most of the time goes into waiting for a disk.
  const servers = 4;
  const parts = Array.from({ length: servers }, async (_, part) => {
    const it = await set(t, { save: true });
    const fence: FreshCache["fence"] = async (keys) => {
      await tell(it.server, "SAVE");
      await it.cache.fence(keys);
    };
    for (const [index, { each, schedule }] of few.entries()) {
      if (index % servers !== part) continue;
      // Every other time the next step meets a cache that has noticed nothing yet.
      const disturb = Math.floor(index / servers) % 2 === 0 ? () => restart(it) : it.server.restart;
      const kept = await run(each, schedule, { cache: { ...it.cache, fence }, disturb }, `t${index}`);
      assert.ok(kept === undefined || kept === "1", `kept ${kept}`);
    }
  });
  // All of them, also where one has failed: what is still at work must not outlive the test.
  const failed = (await Promise.allSettled(parts)).flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
  assert.deepEqual(failed, []);
});

test("a cache that cannot be reached at the start is named, and its password is not", async (t) => {
  const port = await freePort();
  const open = (url: string): Promise<unknown> => openRedisCache({ url, random: randomOctets, log: silentLog });
  await assert.rejects(open(`redis://someone:hunter2@127.0.0.1:${port}`), (error: Error) => {
    assert.match(error.message, new RegExp(`^the cache at \`127\\.0\\.0\\.1:${port}\` is unreachable: .*ECONNREFUSED`));
    assert.doesNotMatch(JSON.stringify([error.message, error.stack, error]), /hunter2/);
    return true;
  });
  const { server } = await set(t, { args: ["--requirepass", "right"] }).catch(() => ({ server: undefined }));
  assert.equal(server, undefined, "a server that wants a password let us in without one");
  await assert.rejects(
    open("redis://:hunter2@/nowhere"),
    (error: Error) => !JSON.stringify([error.message, error]).includes("hunter2"),
  );
});
