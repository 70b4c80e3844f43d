/** From the outbox to the reader: `/v1/events`, and the relay with a real PostgreSQL and a real Redis that comes and goes. */
import { unattributed } from "../../core/attribution.ts";
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { hostTenant, type TenantId } from "../../core/ids.ts";
import type { CloudEvent } from "../../server/events/model.ts";
import { redisStream, streamName } from "../../server/events/redis-stream.ts";
import { type EventStream, openRelay, type Relay } from "../../server/events/relay.ts";
import { emit } from "../../server/events/store.ts";
import { openRedis, type Redis } from "../../server/platform/cache/redis-connection.ts";
import type { Tx } from "../../server/platform/database/database.ts";
import { silentLog } from "../../server/platform/log.ts";
import { listEvents } from "../../server/record/list-events.ts";
import { openWorkbench } from "../support/engine.ts";
import { freshCacheUrl, startRedis } from "../support/redis.ts";

const bench = await openWorkbench();
const { database } = bench.engine.platform;
after(bench.close);

const happen = (tx: Tx, name: string): Promise<void> =>
  emit(tx, { type: "thing.happened", subject: `things/${name}`, data: { name } }, unattributed, bench.clock.ms);
const commit = (tenant: TenantId, ...names: readonly string[]): Promise<void> =>
  database.transaction(tenant, async (tx) => {
    for (const name of names) await happen(tx, name);
  });

const relays: Relay[] = [];
after(() => Promise.all(relays.map((relay) => relay.close())));
const open = (stream?: EventStream): Relay => {
  const clock = { now: () => bench.clock.ms };
  const needs = { database, clock, log: silentLog, issuer: bench.engine.issuer };
  const relay = openRelay(stream === undefined ? needs : { ...needs, stream });
  relays.push(relay);
  return relay;
};

/** A gate that a transaction waits at. */
const barrier = () => {
  const state: { open: () => void } = { open: () => undefined };
  const passed = new Promise<void>((resolve) => {
    state.open = resolve;
  });
  return { passed, open: () => state.open() };
};

const nameOf = (event: { readonly data?: unknown }): string => (event.data as { name: string }).name;

/** Reads to the end, as a poller does. */
const poll = async (tenant: TenantId, cursor?: string, page_size = 1_000) => {
  const owner = await bench.ownerOf(tenant);
  const names: string[] = [];
  for (let at = cursor; ; ) {
    const answer = await bench.ok(listEvents, owner, { ...(at === undefined ? {} : { cursor: at }), page_size });
    const events = answer["events"] as readonly CloudEvent[];
    names.push(...events.map(nameOf));
    at = String(answer["next_cursor"]);
    if (events.length === 0) return { names, cursor: at };
  }
};

const numbers = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `${index + 1}`);

describe("reading", () => {
  test("events come oldest first, in the CloudEvents envelope, and a poller goes on from its cursor", async () => {
    const relay = open();
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const empty = await bench.ok(listEvents, owner, {});
    assert.deepEqual([empty["events"], empty["next_cursor"]], [[], "0"]);
    await commit(tenant, "a", "b");
    await commit(tenant, "c");
    await relay.idle();

    const answer = await bench.ok(listEvents, owner, { page_size: 2 });
    const [first, second] = answer["events"] as readonly CloudEvent[];
    assert.ok(first && second);
    assert.deepEqual(first, {
      specversion: "1.0",
      id: first.id,
      source: "http://localhost:8080",
      type: "countersign.thing.happened.v1",
      subject: "things/a",
      time: "2026-01-31T08:00:00.000Z",
      datacontenttype: "application/json",
      tenantid: tenant,
      sequence: first.sequence,
      data: { name: "a", attribution: unattributed },
    });
    assert.equal(answer["next_cursor"], second.sequence);
    const rest = await poll(tenant, second.sequence);
    assert.deepEqual(rest.names, ["c"]);
    assert.deepEqual(await poll(tenant, rest.cursor), { names: [], cursor: rest.cursor });
    await relay.close();
  });

  test("a tenant reads its own events only, with events:read; the host names whose", async () => {
    const relay = open();
    const [mine, theirs] = [await bench.tenant(), await bench.tenant()];
    await commit(mine, "mine");
    await commit(theirs, "theirs");
    await relay.idle();
    assert.deepEqual((await poll(mine)).names, ["mine"]);
    assert.deepEqual((await poll(theirs)).names, ["theirs"]);
    await bench.refused("permission_denied", listEvents, await bench.callerWith(mine, "viewer"), {});
    const meta = { tenant: bench.rootRef(theirs) };
    const answer = await bench.ok(listEvents, bench.host, {}, meta);
    assert.deepEqual((answer["events"] as readonly CloudEvent[]).map(nameOf), ["theirs"]);
    await bench.refused("not_found", listEvents, await bench.ownerOf(mine), {}, meta);
    for (const cursor of ["-1", "1.5", "x", "9".repeat(16)])
      await bench.refused("invalid_argument", listEvents, await bench.ownerOf(mine), { cursor });
    await relay.close();
  });
});

describe("placing", () => {
  test("no reader's cursor passes an event whose transaction is slower than its neighbour's", async () => {
    const relay = open();
    const tenant = await bench.tenant();
    const [emitted, gate] = [barrier(), barrier()];
    const slow = database.transaction(tenant, async (tx) => {
      await happen(tx, "slow");
      emitted.open();
      await gate.passed;
    });
    await emitted.passed;
    await commit(tenant, "quick");
    relay.kick();
    const settled = relay.idle();
    // The quick one is committed, and waits: it was written after one that may yet commit.
    assert.deepEqual((await poll(tenant)).names, []);
    gate.open();
    await slow;
    await settled;
    assert.deepEqual((await poll(tenant)).names, ["slow", "quick"]);
    await relay.close();
  });

  test("with many writers committing out of order and two relays, a poller sees every event once, in order", async () => {
    const relaysAtWork = [open(), open()];
    const tenant = await bench.tenant();
    const writers = Array.from({ length: 6 }, async (_, writer) => {
      for (let turn = 0; turn < 20; turn += 1) {
        await database.transaction(tenant, async (tx) => {
          await happen(tx, `${writer}.${turn}`);
          // Others commit in between.
          for (let pause = 0; pause < (writer * 7 + turn) % 5; pause += 1)
            await tx.query("test.pause", "select pg_sleep(0.002)", []);
        });
        for (const relay of relaysAtWork) relay.kick();
      }
    });
    const progress = { done: false };
    const written = Promise.all(writers).finally(() => {
      progress.done = true;
    });
    const seen: string[] = [];
    let cursor: string | undefined;
    for (let last = false; !last; ) {
      last = progress.done;
      if (last) await Promise.all(relaysAtWork.map((relay) => relay.idle()));
      const more = await poll(tenant, cursor, 7);
      seen.push(...more.names);
      cursor = more.cursor;
    }
    await written;
    assert.equal(seen.length, 120);
    assert.equal(new Set(seen).size, 120);
    for (let writer = 0; writer < 6; writer += 1) {
      const turns = seen.filter((name) => name.startsWith(`${writer}.`)).map((name) => Number(name.split(".")[1]));
      assert.deepEqual(
        turns,
        numbers(20).map((number) => Number(number) - 1),
      );
    }
    await Promise.all(relaysAtWork.map((relay) => relay.close()));
  });
});

test("a relay is woken by everybody's commits but its own", async () => {
  const turns = { count: 0, kick: (): void => undefined };
  const counted: typeof database = {
    ...database,
    hostTransaction: async (work) => {
      const value = await database.hostTransaction(work);
      turns.count += 1;
      // Where the composition root's hook stands: after COMMIT, in the turn that committed.
      turns.kick();
      return value;
    },
  };
  const clock = { now: () => bench.clock.ms };
  const relay = openRelay({ database: counted, clock, log: silentLog, issuer: bench.engine.issuer });
  turns.kick = relay.kick;
  await relay.idle();
  const before = turns.count;
  await database.transaction(hostTenant, (tx) => tx.query("test.while", "select pg_sleep(0.3)", []));
  assert.equal(turns.count, before);
  relay.kick();
  await database.transaction(hostTenant, (tx) => tx.query("test.while", "select pg_sleep(0.3)", []));
  assert.equal(turns.count, before + 1);
  await relay.close();
});

/** All of the stream, oldest first. */
const inStream = async (redis: Redis): Promise<readonly { id: string; name: string }[]> =>
  (await redis.xrevrange(streamName, 100_000))
    .map(({ id, fields }) => ({ id, name: nameOf(JSON.parse(fields["event"] ?? "{}") as CloudEvent) }))
    .toReversed();

/** The names of one test's events: a stream has those of every tenant, and this database is shared by the tests. */
const namesIn = async (redis: Redis, prefix: string): Promise<readonly string[]> =>
  (await inStream(redis)).map(({ name }) => name).filter((name) => name.startsWith(prefix));

const prefixed = (prefix: string, count: number): readonly string[] => numbers(count).map((number) => prefix + number);

describe("delivering to a stream", () => {
  test("every tenant's events are in it, in order, under their positions", async () => {
    const redis = await openRedis({ url: await freshCacheUrl(), log: silentLog });
    const relay = open(redisStream(redis));
    const tenants = [await bench.tenant(), await bench.tenant()];
    for (const name of prefixed("plain", 10)) await commit(tenants[Number(name.at(-1)) % 2] as TenantId, name);
    await commit(tenants[0] as TenantId, ...prefixed("many", 450));
    await relay.idle();
    assert.deepEqual(await namesIn(redis, "plain"), prefixed("plain", 10));
    assert.deepEqual(await namesIn(redis, "many"), prefixed("many", 450));
    const ids = (await inStream(redis)).map(({ id }) => Number(id.replace(/-0$/, "")));
    assert.deepEqual(ids, numbers(ids.length).map(Number));
    await relay.close();
    await redis.close();
  });

  test("a relay that dies between delivering and marking delivers nothing twice", async () => {
    const redis = await openRedis({ url: await freshCacheUrl(), log: silentLog });
    const stream = redisStream(redis);
    const crash = { next: true };
    const crashing: EventStream = {
      ...stream,
      append: async (events) => {
        await stream.append(events);
        // The transaction that would have marked them rolls back.
        if (crash.next) throw new Error("the process is gone");
      },
    };
    const tenant = await bench.tenant();
    const first = open(crashing);
    await commit(tenant, ...prefixed("crash", 5));
    const appended = async () => (await namesIn(redis, "crash")).length === 5;
    while (!(await appended()))
      await database.transaction(tenant, (tx) => tx.query("test.wait", "select pg_sleep(0.01)", []));
    await first.close();

    const second = open(stream);
    await commit(tenant, "crash6");
    await second.idle();
    assert.deepEqual(await namesIn(redis, "crash"), prefixed("crash", 6));
    await second.close();
    await redis.close();
  });

  test("the stream refuses what it has, and takes what is new", async () => {
    const redis = await openRedis({ url: await freshCacheUrl(), log: silentLog });
    const stream = redisStream(redis);
    const event = (position: number): CloudEvent => ({
      specversion: "1.0",
      id: `${position}`,
      source: "test",
      type: "countersign.thing.happened.v1",
      subject: "things/1",
      time: "2026-01-31T08:00:00.000Z",
      datacontenttype: "application/json",
      tenantid: hostTenant,
      sequence: `${position}`,
      data: { name: `n${position}` },
    });
    assert.equal(await stream.last(), 0);
    await stream.append([1, 2, 3].map(event));
    await stream.append([2, 3, 4].map(event));
    assert.deepEqual(await namesIn(redis, "n"), prefixed("n", 4));
    assert.equal(await stream.last(), 4);
    await redis.close();
  });

  test("Redis killed and restarted: nothing is lost, nothing is doubled, and /v1/events never waits for it", async () => {
    const server = await startRedis();
    const redis = await openRedis({ url: server.url, log: silentLog });
    const relay = open(redisStream(redis));
    const tenant = await bench.tenant();
    await commit(tenant, ...prefixed("kill", 3));
    await relay.idle();
    assert.deepEqual(await namesIn(redis, "kill"), prefixed("kill", 3));

    const link = redis.link();
    await server.kill();
    await commit(tenant, "kill4", "kill5");
    const settled = relay.idle();
    const read = async () => (await poll(tenant)).names.length === 5;
    while (!(await read())) relay.kick();
    await server.restart();
    assert.ok(await redis.nextLink(link, 10_000));
    await settled;
    // It kept nothing on disk, so it is written again from its beginning.
    assert.deepEqual(await namesIn(redis, "kill"), prefixed("kill", 5));
    await commit(tenant, "kill6");
    await relay.idle();
    assert.deepEqual(await namesIn(redis, "kill"), prefixed("kill", 6));
    await relay.close();
    await redis.close();
    await server.stop();
  });

  test("a stream from another database is not written to: it is said, and events are read all the same", async () => {
    const redis = await openRedis({ url: await freshCacheUrl(), log: silentLog });
    await redis.link()?.send(streamName, ["XADD", streamName, "999999999-0", "event", "{}"]);
    const warnings: string[] = [];
    const warned = barrier();
    const log = {
      ...silentLog,
      warn: (fields: object) => {
        warnings.push(JSON.stringify(fields));
        warned.open();
      },
    };
    const clock = { now: () => bench.clock.ms };
    const relay = openRelay({ database, clock, log, issuer: bench.engine.issuer, stream: redisStream(redis) });
    relays.push(relay);
    const tenant = await bench.tenant();
    await commit(tenant, "foreign1");
    await warned.passed;
    assert.match(warnings.join(), /delete the stream/);
    assert.deepEqual((await poll(tenant)).names, ["foreign1"]);
    await redis.link()?.send(streamName, ["DEL", streamName]);
    await relay.idle();
    assert.deepEqual(await namesIn(redis, "foreign"), ["foreign1"]);
    assert.equal(warnings.length, 1);
    await relay.close();
    await redis.close();
  });
});
