// Three nodes of a real cluster: what must meet shares a `{tenant}` tag, and what does not may live anywhere.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "redis";
import { type Probe, principalVersion, tenantVersion } from "../../server/platform/cache/fresh-cache.ts";
import { openRedisCache } from "../../server/platform/cache/redis-cache.ts";
import { silentLog } from "../../server/platform/log.ts";
import { randomOctets } from "../../server/platform/random.ts";
import { freePort, type RedisServer, startRedis } from "../support/redis.ts";

const slots = 16_384;
/** A node's bus is at its port plus 10,000. */
const portMax = 55_535;

const lowPort = async (): Promise<number> => {
  for (;;) {
    const port = await freePort();
    if (port <= portMax) return port;
  }
};

const command = async (server: RedisServer, ...args: readonly string[]): Promise<unknown> => {
  const client = createClient({ url: server.url });
  await client.connect();
  try {
    return await client.sendCommand(args);
  } finally {
    client.destroy();
  }
};

/** Makes the nodes a cluster, with a third of the slots each. */
const join = async (nodes: readonly RedisServer[]): Promise<void> => {
  for (const [index, node] of nodes.entries()) {
    const bounds = [index, index + 1].map((part) => Math.floor((part * slots) / nodes.length));
    await command(node, "CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
    await command(node, "CLUSTER", "ADDSLOTSRANGE", String(bounds[0]), String((bounds[1] ?? 0) - 1));
    if (index > 0) await command(node, "CLUSTER", "MEET", "127.0.0.1", String(nodes[0]?.port));
  }
  for (const node of nodes) {
    while (!String(await command(node, "CLUSTER", "INFO")).includes("cluster_state:ok")) await pause(20);
  }
};

const nodes = await Promise.all(
  Array.from({ length: 3 }, async () =>
    startRedis({
      port: await lowPort(),
      args: ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--databases", "1"],
    }),
  ),
);
await join(nodes);
const url = `redis-cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
const cache = await openRedisCache({ url, random: randomOctets, log: silentLog });
after(async () => {
  await cache.close();
  await Promise.all(nodes.map((node) => node.stop()));
});

const probeOf = (tenant: string): Probe => ({
  key: `{${tenant}}:answer`,
  versions: [tenantVersion(tenant), principalVersion(tenant, "p")],
});
const tenants = Array.from({ length: 12 }, (_, index) => `tenant${index}`);
const probes = tenants.map(probeOf);
const payloads = async (): Promise<readonly (string | undefined)[]> =>
  (await cache.read(probes)).map(({ payload }) => payload);

const fillAll = async (): Promise<void> => {
  const readings = await cache.read(probes);
  for (const [index, reading] of readings.entries()) {
    if (reading.payload !== undefined || reading.lease === undefined) continue;
    await cache.fill(reading.lease, tenants[index] ?? "", 30_000);
  }
};

test("one read reaches tenants on every node, and each can be filled and published by itself", async () => {
  await fillAll();
  assert.ok((await payloads()).every((payload) => payload === undefined));
  await fillAll();
  const used = await Promise.all(nodes.map((node) => command(node, "DBSIZE")));
  assert.ok(
    used.every((size) => Number(size) > 0),
    `keys on the nodes: ${used.join(", ")}`,
  );
  assert.deepEqual(await payloads(), tenants);
  await cache.publish([tenantVersion("tenant3"), tenantVersion("tenant4"), principalVersion("tenant5", "p")]);
  const published = ["tenant3", "tenant4", "tenant5"];
  assert.deepEqual(
    await payloads(),
    tenants.map((tenant) => (published.includes(tenant) ? undefined : tenant)),
  );
  await fillAll();
  assert.deepEqual(await payloads(), tenants);
});

test("a node that dies makes readings miss, quickly, and never wrong", async () => {
  await fillAll();
  await nodes[2]?.kill();
  const start = performance.now();
  assert.ok((await payloads()).every((payload) => payload === undefined));
  assert.ok(performance.now() - start < 1_000);
});
