/**
 * The gateway's question, measured: what introspection, a check and a token cost, beside the least a server could do and beside peers.
 *
 * Every figure of CPU is the server process's own, user and system, all its threads, per request answered. The load, Redis and PostgreSQL
 * run on other cores, and what they spend is not in it. Requests come in a closed loop of 32, over 200 different tokens.
 */
import { measureDecide } from "./decide/compare.ts";
import { startGenerator } from "./harness/generator.ts";
import { startPostgres } from "../tests/support/postgres.ts";
import { startRedis } from "../tests/support/redis.ts";
import { startOurs } from "./ours.ts";
import { type Bound, type RatioOf, type Report, ratiosOf } from "./harness/report.ts";
import { type Plan, type Row, measure } from "./harness/rounds.ts";
import { rowNames } from "./names.ts";
import { startFloorGrpc, startFloorHttp, startOidcProvider } from "./peers.ts";

const plan: Plan = { rounds: 5, span: { warm_ms: 200, measure_ms: 800 }, warm_up_ms: 1_000 };

const { floorHttp, floorGrpc, oidcIntrospect, oidcToken, ours, decide, casl } = rowNames;

/** Ours over a floor is at most so much dearer; theirs over ours at least so much. */
const ratios: readonly RatioOf[] = [
  { name: "introspect_jwt_vs_floor", above: ours.introspectJwt, below: floorHttp, atMost: 1.4 },
  { name: "introspect_opaque_vs_floor", above: ours.introspectOpaque, below: floorHttp, atMost: 1.4 },
  { name: "introspect_api_token_vs_floor", above: ours.introspectApiToken, below: floorHttp, atMost: 1.4 },
  { name: "oidc_provider_introspect_vs_ours", above: oidcIntrospect, below: ours.introspectOpaque, atLeast: 3 },
  { name: "grpc_introspect_vs_floor", above: ours.grpcIntrospect, below: floorGrpc, atMost: 1.4 },
  { name: "grpc_check_vs_floor", above: ours.grpcCheck, below: floorGrpc, atMost: 1.4 },
  { name: "grpc_check_cold_vs_floor", above: ours.grpcCheckCold, below: floorGrpc },
  { name: "oidc_provider_token_vs_ours", above: oidcToken, below: ours.token, atLeast: 3.5 },
  { name: "decide_vs_casl", above: casl, below: decide, atLeast: 1 },
  { name: "decide_vs_casbin", above: rowNames.casbin, below: decide, atLeast: 1 },
  { name: "decide_vs_cedar", above: rowNames.cedar, below: decide, atLeast: 1 },
];

const bounds: readonly Bound[] = [{ row: decide, figure: "per_s", atLeast: 1_000_000 }];

/** The servers' part, in interleaved rounds. */
const measureServers = async (): Promise<readonly Row[]> => {
  await using stack = new AsyncDisposableStack();
  const redis = await startRedis();
  stack.defer(redis.stop);
  const generator = startGenerator();
  stack.defer(generator.stop);
  const postgres = await startPostgres();
  stack.defer(postgres.stop);
  const contenders = [];
  // A logical database of its own: emptying it before the cold row must not empty the floors.
  const startOurOwn = (cacheUrl: string) => startOurs(postgres.url, `${cacheUrl}/1`);
  for (const start of [startFloorHttp, startFloorGrpc, startOidcProvider, startOurOwn]) {
    const peer = await start(redis.url);
    stack.defer(peer.stop);
    contenders.push(...peer.contenders);
  }
  return await measure(generator, contenders, plan);
};

export const hotPath = async (): Promise<Report> => {
  const rows = [...(await measureServers()), ...(await measureDecide())];
  return { rows, ratios: ratiosOf(rows, ratios), bounds };
};
