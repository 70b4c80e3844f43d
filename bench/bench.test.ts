/** The harness, tried on the least of its servers: that it measures, refuses a wrong answer, and writes what design §7 says. */
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { after, before, test } from "node:test";
import { type Generator, startGenerator } from "./harness/generator.ts";
import { type RedisServer, startRedis } from "../tests/support/redis.ts";
import { ratiosOf, renderReport, writeReport } from "./harness/report.ts";
import { type Contender, type Plan, measure } from "./harness/rounds.ts";
import { rowNames } from "./names.ts";
import { type Peer, startFloorGrpc, startFloorHttp } from "./peers.ts";

const plan: Plan = { rounds: 2, span: { warm_ms: 50, measure_ms: 200 }, warm_up_ms: 50 };

let redis: RedisServer;
let generator: Generator;
let peers: readonly Peer[];
let contenders: readonly Contender[];

before(async () => {
  redis = await startRedis();
  generator = startGenerator();
  peers = [await startFloorHttp(redis.url), await startFloorGrpc(redis.url)];
  contenders = peers.flatMap((peer) => peer.contenders);
});

after(async () => {
  await generator.stop();
  await Promise.all(peers.map((peer) => peer.stop()));
  await redis.stop();
});

test("both floors are measured, and the figures are written where other programs look for them", async () => {
  const rows = await measure(generator, contenders, plan);
  const ratios = ratiosOf(rows, [
    { name: "grpc_vs_http", above: rowNames.floorGrpc, below: rowNames.floorHttp, atMost: 0.001 },
    { name: "absent_vs_http", above: "absent", below: rowNames.floorHttp },
  ]);
  const report = { rows, ratios, bounds: [] };
  const path = writeReport("bench-test", report);
  const written: unknown = JSON.parse(readFileSync(path, "utf8"));
  rmSync(path);

  assert.ok(
    typeof written === "object" &&
      written !== null &&
      "rows" in written &&
      Array.isArray(written.rows) &&
      "ratios" in written,
  );
  assert.deepEqual(
    written.rows.map((row) => Object.keys(row)),
    [rowNames.floorHttp, rowNames.floorGrpc].map(() => ["name", "cpu_us", "per_s", "p50_ms", "p99_ms"]),
  );
  for (const { name, ...figures } of rows) for (const figure of Object.values(figures)) assert.ok(figure > 0, name);
  assert.deepEqual(Object.keys(written.ratios ?? {}), ["grpc_vs_http"], "a ratio that was not measured is left out");
  assert.match(renderReport(report), /grpc_vs_http.*≤ 0\.001 +MISS\nabsent_vs_http.*not measured/);
});

test("an answer that is not the one expected ends the run", async () => {
  const wrong = contenders.slice(0, 1).map((contender) => ({ ...contender, verify: () => false }));
  await assert.rejects(measure(generator, wrong, plan), /not the answer expected/);
});

test("a refusal ends the run, and says what was answered", async () => {
  const unknown = Buffer.from("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx");
  const refused = contenders.slice(0, 1).map((contender) => ({ ...contender, requests: [unknown] }));
  await assert.rejects(measure(generator, refused, plan), /HTTP\/1\.1 404/);
});
