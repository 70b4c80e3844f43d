/**
 * The decision, measured where it is hard: a million nodes in 200 tenants, 1.4 million bindings, levels 4, 16 and 32, principals with two
 * thousand grants and in fifty groups; and the same tree in two tenants, ten thousand nodes, to see what growing costs.
 *
 * Warm, every answer comes from the cache; cold, the cache was emptied and every question is asked once. CPU is the server process's own, per
 * answer. `alone` rows have one question under way at a time, so that their p50 and p99 are an answer's and not a queue's.
 */
import { Client } from "pg";
import { createClient } from "redis";
import {
  CheckPermissionRequest,
  CheckPermissionResponse,
  IdentityService,
  ListResourcesRequest,
  ListResourcesResponse,
} from "../server/transport/grpc/generated/identity/v1/identity.ts";
import { startPostgres } from "../tests/support/postgres.ts";
import { startRedis } from "../tests/support/redis.ts";
import { encodeMessage } from "./harness/grpc-lanes.ts";
import { type Generator, startGenerator } from "./harness/generator.ts";
import { type Bound, type Limits, type Ratio, type Report, ratiosOf } from "./harness/report.ts";
import { type Contender, measure, type Plan, type Row } from "./harness/rounds.ts";
import { rowNames } from "./names.ts";
import { type OurServer, startOurServer } from "./ours.ts";
import { startFloorGrpc } from "./peers.ts";
import { type Question, questionsAt, seedTrees, tree, type Whose } from "./seed-tree.ts";

const tenants_large = 200;
const tenants_small = 2;
const warm_questions = 200;
const cold_questions = 2_000;
const alone_questions = 400;
const list_page = 100;

/**
 * Long enough for what is asked thousands of times a second to be compiled, on either side; and each round for the cache to be filled again,
 * which the cold rows in between have emptied, and which takes two answers to each question.
 */
const plan: Plan = { rounds: 5, span: { warm_ms: 1_000, measure_ms: 800 }, warm_up_ms: 3_000 };

const names = {
  floor: rowNames.floorGrpc,
  warm: "check warm",
  cold: "check cold",
  alone: "check cold, alone",
  small: "check cold, alone, 10k nodes",
  depth: (depth: number) => `check cold, alone, level ${depth}`,
  granted: "check cold, alone, of 2,000 grants",
  grouped: "check cold, alone, in 50 groups",
  list: "list",
} as const;

const depths = [4, 16, 32] as const;

/** Half of the memory a small machine has, as a database of that size would be given; and statements are counted. */
const settings: readonly string[] = [
  "alter system set shared_buffers = '1GB'",
  "alter system set shared_preload_libraries = 'pg_stat_statements'",
];

type World = { readonly server: OurServer; readonly databaseUrl: string; flush(): Promise<void> };

const asOwner = async <T>(url: string, work: (client: Client) => Promise<T>): Promise<T> => {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

const startWorld = async (stack: AsyncDisposableStack, tenants: number, cacheUrl: string): Promise<World> => {
  const postgres = await startPostgres();
  stack.defer(postgres.stop);
  await asOwner(postgres.url, async (client) => {
    for (const setting of settings) await client.query(setting);
  });
  await postgres.restart();
  const started = performance.now();
  await seedTrees(postgres.url, tenants);
  const took = Math.round((performance.now() - started) / 1000);
  const [nodes, bindings] = [tenants * tree.nodes, tenants * tree.bindings].map((count) => count.toLocaleString("en"));
  console.log(`${nodes} nodes and ${bindings} bindings in ${tenants} tenants, made in ${took} s`);
  await asOwner(postgres.url, (client) => client.query("create extension pg_stat_statements"));
  const server = await startOurServer(postgres.url, cacheUrl);
  stack.defer(server.stop);
  const cache = await createClient({ url: cacheUrl }).connect();
  stack.defer(() => cache.close());
  return { server, databaseUrl: postgres.url, flush: async () => void (await cache.flushDb()) };
};

const asked = ({ principal, tenant, resource }: Question): Buffer => {
  const subject = { $case: "principal", principal } as const;
  const question = { subject, tenant, permission: "documents:read", resource };
  return encodeMessage(CheckPermissionRequest.encode(CheckPermissionRequest.create(question)).finish());
};

const allowed = (body: Buffer): boolean => CheckPermissionResponse.decode(body).allowed;

const grpc = (server: OurServer, path: string) =>
  ({
    pid: server.pid,
    port: server.grpcPort,
    protocol: { kind: "grpc", path, metadata: { authorization: server.bearer } },
  }) as const;

const cold = ({ server, flush }: World, name: string, questions: readonly Question[], in_flight = 1): Contender => ({
  ...grpc(server, IdentityService.checkPermission.path),
  name,
  requests: questions.map(asked),
  verify: allowed,
  before: flush,
  span: "once",
  in_flight,
});

/** All levels in turn, of anybody. */
const mixed = (tenants: number, count: number): readonly Question[] => {
  const each = depths.map((depth) => questionsAt(tenants, Math.ceil(count / depths.length), depth));
  return Array.from({ length: count }, (_, nth) => {
    const question = each[nth % depths.length]?.[Math.floor(nth / depths.length)];
    if (question === undefined) throw new Error("as many as asked for");
    return question;
  });
};

const listed = (world: World, tenants: number): Contender => ({
  ...grpc(world.server, IdentityService.listResources.path),
  name: names.list,
  requests: questionsAt(tenants, Math.min(tenants, 50), depths[0], "granted").map(({ tenant, principal }) => {
    const subject = { $case: "principal", principal } as const;
    const search = { subject, tenant, permission: "documents:read", type: "documents", pageSize: list_page };
    return encodeMessage(ListResourcesRequest.encode(ListResourcesRequest.create(search)).finish());
  }),
  verify: (body) => ListResourcesResponse.decode(body).resources.length === list_page,
  in_flight: 1,
});

const contenders = (large: World, small: World, tenants: number): readonly Contender[] => {
  const alone = (name: string, depth: number, whose?: Whose): Contender =>
    cold(large, name, questionsAt(tenants, alone_questions, depth, whose));
  return [
    {
      ...grpc(large.server, IdentityService.checkPermission.path),
      name: names.warm,
      requests: mixed(tenants, warm_questions).map(asked),
      verify: allowed,
    },
    cold(large, names.cold, mixed(tenants, cold_questions), 32),
    cold(large, names.alone, mixed(tenants, alone_questions)),
    cold(small, names.small, mixed(tenants_small, alone_questions)),
    ...depths.map((depth) => alone(names.depth(depth), depth)),
    alone(names.granted, 16, "granted"),
    alone(names.grouped, 16, "grouped"),
    listed(large, tenants),
  ];
};

/** Statements the database ran per cold question, as it counts them itself; what looks up who asks is among them. */
const statementsEach = async (world: World, generator: Generator): Promise<number> =>
  asOwner(world.databaseUrl, async (client) => {
    await world.flush();
    await client.query("select pg_stat_statements_reset()");
    const answers = await generator.ask(names.alone, alone_questions);
    const { rows } = await client.query<{ calls: number }>(
      "select coalesce(sum(calls), 0)::int as calls from pg_stat_statements where toplevel and query like 'select look_up%'",
    );
    // When the last is answered the next one is on its way.
    return (rows[0]?.calls ?? Number.NaN) / (answers.length + 1);
  });

const judged = (
  rows: readonly Row[],
  name: string,
  row: string,
  figure: keyof Omit<Row, "name">,
  limits: Limits,
): Ratio => ({
  name,
  value: rows.find((each) => each.name === row)?.[figure] ?? Number.NaN,
  ...limits,
});

const over = (rows: readonly Row[], name: string, above: string, below: string, limits: Limits = {}): Ratio => {
  const p50 = (row: string): number => rows.find((each) => each.name === row)?.p50_ms ?? Number.NaN;
  return { name, value: p50(above) / p50(below), ...limits };
};

const bounds: readonly Bound[] = [
  { row: names.warm, figure: "per_s", atLeast: 8_000 },
  { row: names.cold, figure: "per_s", atLeast: 3_000 },
];

/** `tenants` is smaller than 200 only to try it out. */
export const checks = async (tenants = tenants_large): Promise<Report> => {
  await using stack = new AsyncDisposableStack();
  const redis = await startRedis();
  stack.defer(redis.stop);
  const generator = startGenerator();
  stack.defer(generator.stop);
  const floor = await startFloorGrpc(redis.url);
  stack.defer(floor.stop);
  const large = await startWorld(stack, tenants, `${redis.url}/1`);
  const small = await startWorld(stack, tenants_small, `${redis.url}/2`);
  const rows = await measure(generator, [...floor.contenders, ...contenders(large, small, tenants)], plan);
  const statements = await statementsEach(large, generator);
  return {
    rows,
    ratios: [
      ...ratiosOf(rows, [{ name: "check_warm_vs_floor", above: names.warm, below: names.floor, atMost: 1.4 }]),
      over(rows, "growth_10k_to_1m", names.alone, names.small, { atMost: 1.3 }),
      over(rows, "depth_4_to_32", names.depth(32), names.depth(4)),
      { name: "statements_a_cold_check", value: statements, atMost: 1 },
      judged(rows, "check_warm_p99_ms", names.warm, "p99_ms", { atMost: 10 }),
      judged(rows, "check_cold_p99_ms", names.cold, "p99_ms", { atMost: 10 }),
      judged(rows, "check_cold_alone_p99_ms", names.alone, "p99_ms", { atMost: 3 }),
      judged(rows, "list_p99_ms", names.list, "p99_ms", { atMost: 15 }),
    ],
    bounds,
  };
};
