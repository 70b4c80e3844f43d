// Both caches keep the same promise: one suite for the two, and every schedule of readers and writers.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { createClient } from "redis";
import { entryAgeMsMax, fenceAgeMs, payloadCharactersMax, versionAgeMs } from "../../server/platform/cache/entry.ts";
import {
  type FreshCache,
  type Lease,
  type Probe,
  principalVersion,
  type Reading,
  tenantVersion,
} from "../../server/platform/cache/fresh-cache.ts";
import { openMemoryCache } from "../../server/platform/cache/memory-cache.ts";
import { openRedisCache, redisCache } from "../../server/platform/cache/redis-cache.ts";
import { silentLog } from "../../server/platform/log.ts";
import { randomOctets } from "../../server/platform/random.ts";
import { freshCacheUrl } from "../support/redis.ts";
import { type Case, cases, nameOf, run, schedulesOf, type Subject } from "./schedules.ts";

const url = await freshCacheUrl();
const side = createClient({ url });
await side.connect();
const redis = await openRedisCache({ url, random: randomOctets, log: silentLog });
const clock = { ms: 1_000_000, now: () => clock.ms };
const memory = openMemoryCache({ clock, random: randomOctets });
after(async () => {
  await redis.close();
  side.destroy();
});

let tenants = 0;
const newTenant = (): string => `t${(tenants += 1)}`;
const probeOf = (tenant: string, name = "answer"): Probe => ({
  key: `{${tenant}}:${name}`,
  versions: [tenantVersion(tenant), principalVersion(tenant, "p")],
});
/** The name of a key on the server. */
const stored = (key: string): string => `${redis.redis.link()?.incarnation}${key}`;
const keysOf = (tenant: string): string[] => [probeOf(tenant).key, ...probeOf(tenant).versions].map(stored);
const leaseOf = (reading: Reading | undefined): Lease => {
  assert.ok(
    reading !== undefined && reading.payload === undefined && reading.lease !== undefined,
    "expected a miss with a lease",
  );
  return reading.lease;
};
const fillOne = async (cache: FreshCache, probe: Probe, payload: string, ttlMs = 30_000): Promise<void> =>
  cache.fill(leaseOf((await cache.read([probe]))[0]), payload, ttlMs);
/** A probe, of a tenant nobody has read, whose versions a first fill has made. */
const knownProbe = async (cache: FreshCache, tenant = newTenant()): Promise<Probe> => {
  const probe = probeOf(tenant);
  await fillOne(cache, probe, "versions only");
  return probe;
};
const payloads = async (cache: FreshCache, ...probes: Probe[]): Promise<readonly (string | undefined)[]> =>
  (await cache.read(probes)).map(({ payload }) => payload);

for (const [name, cache] of Object.entries({ redis, memory } satisfies Record<string, FreshCache>)) {
  describe(`${name}: one promise`, () => {
    test("a filled answer is read back whole, whatever characters are in it", async () => {
      const probe = probeOf(newTenant());
      for (const payload of ["", "a|b.c!d", '{"name":"Zoë 🗝"}', "x".repeat(payloadCharactersMax)]) {
        await cache.publish(probe.versions);
        await fillOne(cache, probe, payload);
        assert.deepEqual(await payloads(cache, probe), [payload]);
      }
    });

    test("answers come in the order of the probes, across tenants and with versions in common", async () => {
      const [one, two] = [newTenant(), newTenant()];
      for (const tenant of [one, two]) await knownProbe(cache, tenant);
      const probes = [probeOf(one, "a"), probeOf(two, "a"), probeOf(one, "b")];
      const readings = await cache.read(probes);
      await Promise.all(readings.map((reading, index) => cache.fill(leaseOf(reading), `answer ${index}`, 30_000)));
      assert.deepEqual(await payloads(cache, ...probes), ["answer 0", "answer 1", "answer 2"]);
      await cache.publish([tenantVersion(one)]);
      assert.deepEqual(await payloads(cache, ...probes), [undefined, "answer 1", undefined]);
    });

    test("publishing any one version an answer depends on ends it", async () => {
      const probe = await knownProbe(cache);
      for (const version of probe.versions) {
        await fillOne(cache, probe, "old");
        await cache.publish([version]);
        assert.deepEqual(await payloads(cache, probe), [undefined]);
      }
    });

    test("a fenced version hits nothing and lends nothing, until it is published", async () => {
      const probe = await knownProbe(cache);
      await fillOne(cache, probe, "old");
      await cache.fence([probe.versions[1] ?? tenantVersion("")]);
      assert.deepEqual(await cache.read([probe]), [{ payload: undefined, lease: undefined }]);
      await cache.publish([probe.versions[1] ?? tenantVersion("")]);
      await fillOne(cache, probe, "new");
      assert.deepEqual(await payloads(cache, probe), ["new"]);
    });

    test("a lease taken before a publish, or before a fence, stores nothing", async () => {
      for (const change of [cache.publish, cache.fence]) {
        const probe = await knownProbe(cache);
        const lease = leaseOf((await cache.read([probe]))[0]);
        await change([tenantVersion(probe.key.slice(1, probe.key.indexOf("}")))]);
        await cache.fill(lease, "old", 30_000);
        await cache.publish(probe.versions);
        assert.deepEqual(await payloads(cache, probe), [undefined]);
      }
    });

    test("a lease overtaken by a publish does not displace the answer that came after", async () => {
      const probe = await knownProbe(cache);
      const slow = leaseOf((await cache.read([probe]))[0]);
      await cache.publish(probe.versions);
      await fillOne(cache, probe, "new");
      await cache.fill(slow, "old", 30_000);
      assert.deepEqual(await payloads(cache, probe), ["new"]);
    });

    test("an answer that depends on nothing is never kept, and neither is one too long or with no time to live", async () => {
      const tenant = newTenant();
      const probe = await knownProbe(cache, tenant);
      assert.deepEqual(await cache.read([{ key: `{${tenant}}:free`, versions: [] }]), [
        { payload: undefined, lease: undefined },
      ]);
      for (const [payload, ttl] of [
        ["x".repeat(payloadCharactersMax + 1), 30_000],
        ["x", 0],
        ["x", -5],
        ["x", Number.NaN],
      ] as const) {
        await fillOne(cache, probe, payload, ttl);
        assert.deepEqual(await payloads(cache, probe), [undefined]);
      }
    });

    test("the first fill of what is new only makes its versions, and the second is kept", async () => {
      const probe = probeOf(newTenant());
      await fillOne(cache, probe, "first");
      assert.deepEqual(await payloads(cache, probe), [undefined]);
      await fillOne(cache, probe, "second");
      assert.deepEqual(await payloads(cache, probe), ["second"]);
    });

    test("a fill that saw one version missing makes that one, and leaves the other as it stands", async () => {
      const tenant = newTenant();
      const beside = { key: `{${tenant}}:beside`, versions: [tenantVersion(tenant)] };
      await fillOne(cache, beside, "versions only");
      await fillOne(cache, beside, "kept");
      const probe = probeOf(tenant);
      await fillOne(cache, probe, "first");
      assert.deepEqual(await payloads(cache, probe, beside), [undefined, "kept"]);
      await fillOne(cache, probe, "second");
      assert.deepEqual(await payloads(cache, probe, beside), ["second", "kept"]);
    });

    test("a version made by another, published or fenced since it was seen missing stays as it is", async () => {
      const [made, published, fenced] = [probeOf(newTenant()), probeOf(newTenant()), probeOf(newTenant())];
      const slow = (await cache.read([made, published, fenced])).map(leaseOf);
      await fillOne(cache, made, "versions only");
      await cache.publish(published.versions);
      for (const probe of [made, published]) await fillOne(cache, probe, "new");
      await cache.fence(fenced.versions.slice(1));
      for (const lease of slow) await cache.fill(lease, "old", 30_000);
      assert.deepEqual(await payloads(cache, made, published), ["new", "new"]);
      assert.deepEqual(await cache.read([fenced]), [{ payload: undefined, lease: undefined }]);
    });

    test("no probes and no keys cost nothing", async () => {
      assert.deepEqual(await cache.read([]), []);
      await cache.fence([]);
      await cache.publish([]);
    });
  });
}

test("redis: an entry lives 30 s at most, whatever is asked", async () => {
  const probe = await knownProbe(redis);
  await fillOne(redis, probe, "answer", 3_600_000);
  const left = await side.pTTL(stored(probe.key));
  assert.ok(left > 25_000 && left <= entryAgeMsMax, `${left} ms left`);
});

test("redis: reading what nobody has vouched for writes nothing", async () => {
  const before = await side.dbSize();
  for (let round = 0; round < 50; round += 1) await redis.read([probeOf(newTenant()), probeOf(newTenant())]);
  assert.equal(await side.dbSize(), before);
});

test("redis: a read is one command, whatever stands", async () => {
  const count = { sent: 0 };
  const link = redis.redis.link();
  assert.ok(link);
  const counted = {
    ...link,
    send: (key: string, args: readonly string[]) => ((count.sent += 1), link.send(key, args)),
  };
  const cache = redisCache({ ...redis.redis, link: () => counted }, { random: randomOctets });
  const probe = probeOf(newTenant());
  const readOnce = async (): Promise<void> => {
    count.sent = 0;
    await cache.read([probe, probeOf(newTenant())]);
    assert.equal(count.sent, 1);
  };
  await readOnce();
  for (const payload of ["versions only", "kept"]) {
    await fillOne(cache, probe, payload);
    await readOnce();
  }
  await cache.fence(probe.versions);
  await readOnce();
});

test("redis: a first fill writes the versions it saw missing, for an hour, and nothing else", async () => {
  const probe = probeOf(newTenant());
  const [whole, part] = probe.versions.map(stored);
  assert.ok(whole !== undefined && part !== undefined);
  const before = await side.dbSize();
  for (const [payload, ttl] of [
    ["x".repeat(payloadCharactersMax + 1), 30_000],
    ["x", 0],
  ] as const) {
    await fillOne(redis, probe, payload, ttl);
  }
  assert.equal(await side.dbSize(), before);
  await fillOne(redis, probe, "first");
  assert.equal(await side.dbSize(), before + 2);
  const nonce = await side.get(whole);
  for (const version of [whole, part]) {
    const left = await side.pTTL(version);
    assert.ok(left > versionAgeMs - 5_000 && left <= versionAgeMs, `${left} ms left`);
  }
  await side.del(part);
  await fillOne(redis, probe, "first again");
  assert.deepEqual(await side.exists([stored(probe.key), whole, part]), 2);
  assert.equal(await side.get(whole), nonce);
});

test("redis: a server that has forgotten the script is told it again", async () => {
  const probe = await knownProbe(redis);
  await side.scriptFlush();
  await fillOne(redis, probe, "answer");
  assert.deepEqual(await payloads(redis, probe), ["answer"]);
});

test("redis: a stream can be kept beside the cache, and read from its end", async () => {
  const first = await redis.redis.xadd("events", { id: "1", kind: "a" }, 100);
  const second = await redis.redis.xadd("events", { id: "2", kind: "b" }, 100);
  assert.deepEqual(await redis.redis.xrevrange("events", 10), [
    { id: second, fields: { id: "2", kind: "b" } },
    { id: first, fields: { id: "1", kind: "a" } },
  ]);
  assert.deepEqual(
    (await redis.redis.xrevrange("events", 10, first)).map(({ id }) => id),
    [second],
  );
});

test("memory: the age of an entry counts from its lease, not from its fill", async () => {
  const probe = await knownProbe(memory);
  const early = leaseOf((await memory.read([probe]))[0]);
  clock.ms += entryAgeMsMax - 10;
  await memory.fill(early, "late", 30_000);
  assert.deepEqual(await payloads(memory, probe), ["late"]);
  clock.ms += 10;
  assert.deepEqual(await payloads(memory, probe), [undefined]);
});

test("memory: a writer that dies between its commit and its publish leaves nothing old beyond 30 s, and no fence beyond 60", async () => {
  const probe = await knownProbe(memory);
  await fillOne(memory, probe, "old");
  await memory.fence(probe.versions);
  clock.ms += fenceAgeMs - 1;
  assert.deepEqual(await memory.read([probe]), [{ payload: undefined, lease: undefined }]);
  clock.ms += 1;
  await fillOne(memory, probe, "versions only");
  await fillOne(memory, probe, "new");
  assert.deepEqual(await payloads(memory, probe), ["new"]);
});

test("memory: beyond its bound the least recently used goes", async () => {
  const small = openMemoryCache({ clock, random: randomOctets, itemsMax: 5 });
  const [one, two, three] = [probeOf("t", "1"), probeOf("t", "2"), probeOf("t", "3")];
  await knownProbe(small, "t");
  for (const probe of [one, two, three]) await fillOne(small, probe, probe.key);
  assert.deepEqual(await payloads(small, one), [one.key]);
  await fillOne(small, probeOf("t", "4"), "4");
  assert.deepEqual(await payloads(small, one, two, three), [one.key, undefined, three.key]);
});

test("memory: reading what nobody has vouched for drives nothing out", async () => {
  const small = openMemoryCache({ clock, random: randomOctets, itemsMax: 3 });
  const probe = await knownProbe(small);
  await fillOne(small, probe, "kept");
  for (let round = 0; round < 50; round += 1) await small.read([probeOf(newTenant())]);
  assert.deepEqual(await payloads(small, probe), ["kept"]);
});

describe("every schedule", () => {
  for (const each of cases) {
    test(`memory, all of them: ${nameOf(each)}`, async () => {
      // Room for one tenant's entry and two versions: three other versions push all of them out.
      const cache = openMemoryCache({ clock, random: counting(), itemsMax: 3 });
      const subject: Subject = { cache, disturb: () => cache.publish(["a", "b", "c"].map(tenantVersion)) };
      for (const schedule of schedulesOf(each)) await tryOut(each, schedule, subject);
    });

    test(`redis, some of them: ${nameOf(each)}`, async () => {
      const every = schedulesOf(each);
      const stride = Math.max(1, Math.floor(every.length / 100));
      const subject: Subject = { cache: redis, disturb: async (tenant) => void (await side.del(keysOf(tenant))) };
      const some = every.filter((_, index) => index % stride === 0);
      await Promise.all(some.map((schedule) => tryOut(each, schedule, subject)));
    });
  }

  for (const start of ["cold", "known"] as const) {
    test(`finds the hole in a cache that takes its lease after the database was read: ${start}`, async () => {
      const late = (tenant: string): FreshCache => ({
        ...memory,
        fill: async (lease, payload, ttl) => {
          if (start === "cold") await memory.fill(lease, payload, ttl);
          const [again] = await memory.read([probeOf(tenant)]);
          if (again?.payload === undefined && again?.lease !== undefined) await memory.fill(again.lease, payload, ttl);
        },
      });
      const each: Case = { readers: 1, rounds: 1, writers: ["principal"], start, disturbed: false };
      await assert.rejects(async () => {
        for (const schedule of schedulesOf(each)) {
          const tenant = newTenant();
          await run(each, schedule, { cache: late(tenant), disturb: async () => undefined }, tenant);
        }
      }, /was answered/);
    });
  }
});

const tryOut = async (each: Case, schedule: readonly number[], subject: Subject): Promise<void> => {
  const kept = await run(each, schedule, subject, newTenant());
  assert.equal(kept, String(each.writers.length), "the last commit is not what is kept in the end");
};

test("redis: what one process has revoked, no other allows, with both at work at once", async () => {
  const other = await openRedisCache({ url, random: randomOctets, log: silentLog });
  const tenant = newTenant();
  const probe = probeOf(tenant);
  const world = { committed: 0, answered: 0, hits: 0, done: false };
  const readers = Array.from({ length: 16 }, async (_, index) => {
    while (!world.done) {
      const { answered } = world;
      const cache = index % 2 === 0 ? redis : other;
      const [reading] = await cache.read([probe]);
      if (reading?.payload === undefined) {
        const value = world.committed;
        if (index % 3 === 0) await side.ping();
        if (reading?.lease !== undefined) await cache.fill(reading.lease, String(value), 30_000);
      } else {
        world.hits += 1;
        assert.ok(Number(reading.payload) >= answered, `read ${reading.payload} after ${answered} was answered`);
      }
    }
  });
  const writers = probe.versions.map(async (version, index) => {
    const cache = index === 0 ? redis : other;
    for (let round = 0; round < 1_000; round += 1) {
      await cache.fence([version]);
      const mine = (world.committed += 1);
      await cache.publish([version]);
      world.answered = Math.max(world.answered, mine);
      if (round % 3 === 0) await side.ping();
    }
  });
  await Promise.all(writers).finally(() => {
    world.done = true;
  });
  await Promise.all(readers);
  await other.close();
  assert.ok(world.hits > 100, `only ${world.hits} hits: the trial tried nothing`);
});

/** Unique, and quicker than random: there are a hundred thousand schedules. */
const counting = (): ((octets: number) => Buffer) => {
  let count = 0;
  return (octets) => {
    const buffer = Buffer.alloc(octets);
    buffer.writeUInt32BE((count += 1), octets - 4);
    return buffer;
  };
};
