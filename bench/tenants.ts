/**
 * Does an answer get slower as the platform grows? The same questions, asked of three servers: over 10, 1,000 and 10,000 tenants of a
 * hundred principals each.
 *
 * At every size as many principals are asked about, spread over all of its tenants, so that what differs is only how much lies
 * around them. Warm, all their entries are in the cache; cold, the cache was emptied, and each is asked about once. Little is in
 * flight at a time, so that p50 is the latency of an answer and not of a queue. Each size has a PostgreSQL of its own, and its
 * windows take turns with the others'.
 */
import { createClient } from "redis";
import {
  CheckPermissionRequest,
  CheckPermissionResponse,
  IdentityService,
} from "../server/transport/grpc/generated/identity/v1/identity.ts";
import { startPostgres } from "../tests/support/postgres.ts";
import { startRedis } from "../tests/support/redis.ts";
import { type Generator, startGenerator } from "./harness/generator.ts";
import { encodeMessage } from "./harness/grpc-lanes.ts";
import { encodePost } from "./harness/http-lanes.ts";
import type { Ratio, Report } from "./harness/report.ts";
import { type Contender, measure, type Plan, type Row } from "./harness/rounds.ts";
import { type OurServer, startOurServer } from "./ours.ts";
import { basic } from "./peers.ts";
import { type Sampled, seedTenants } from "./seed-tenants.ts";

const sizes = [10, 1_000, 10_000] as const;
const principals_asked = 500;
/** Two, so that nothing idles; with more, p50 would be the length of a queue, and of whatever else the machine does. */
const in_flight = 2;

/** An entry is kept when it is asked for the second time: the first gives its versions their nonces. */
const passes_to_warm = 2;

const plan: Plan = { rounds: 7, span: { warm_ms: 50, measure_ms: 250 }, warm_up_ms: 200 };

const questions = ["token", "introspect", "check"] as const;
const states = ["warm", "cold"] as const;
type Question = (typeof questions)[number];

const ratio_max = 1.3;

const rowName = (tenants: number, question: Question, state: (typeof states)[number]): string =>
  `${tenants.toLocaleString("en")} tenants: ${question}, ${state}`;

type Asked = Pick<Contender, "port" | "protocol" | "requests" | "verify">;

const form = { "content-type": "application/x-www-form-urlencoded" };
const grantOf = { path: "/oauth/token", body: "grant_type=client_credentials" };

const tokenOf = async (server: OurServer, { clientId, clientSecret }: Sampled): Promise<string> => {
  const headers = { ...form, authorization: basic(clientId, clientSecret) };
  const answer = await fetch(`http://127.0.0.1:${server.httpPort}${grantOf.path}`, {
    method: "POST",
    headers,
    body: grantOf.body,
  });
  if (!answer.ok) throw new Error(`a token was refused: ${await answer.text()}`);
  return ((await answer.json()) as { access_token: string }).access_token;
};

/** The three questions about the sampled principals, as the bytes that ask them. */
const askedOf = async (server: OurServer, sampled: readonly Sampled[]): Promise<Readonly<Record<Question, Asked>>> => {
  const tokens: string[] = [];
  for (const each of sampled) tokens.push(await tokenOf(server, each));
  const http = { port: server.httpPort, protocol: { kind: "http" } } as const;
  const metadata = { authorization: server.bearer };
  return {
    token: {
      ...http,
      requests: sampled.map((each) =>
        encodePost({ ...grantOf, headers: { authorization: basic(each.clientId, each.clientSecret) } }),
      ),
      verify: (body) => JSON.parse(body.toString()).access_token.split(".").length === 3,
    },
    introspect: {
      ...http,
      requests: tokens.map((token) =>
        encodePost({ path: "/oauth/introspect", headers: { authorization: server.basic }, body: `token=${token}` }),
      ),
      verify: (body) => JSON.parse(body.toString()).active === true,
    },
    check: {
      port: server.grpcPort,
      protocol: { kind: "grpc", path: IdentityService.checkPermission.path, metadata },
      requests: sampled.map(({ tenant, principal, account }) => {
        const question = CheckPermissionRequest.create({
          subject: { $case: "principal", principal: `service-accounts/${principal}` },
          tenant: `organizations/${tenant}`,
          permission: "accounts:read",
          resource: account,
        });
        return encodeMessage(CheckPermissionRequest.encode(question).finish());
      }),
      verify: (body) => CheckPermissionResponse.decode(body).allowed,
    },
  };
};

/** Seeds one size, starts a server over it, and gives its six rows. */
const startSize = async (
  stack: AsyncDisposableStack,
  generator: Generator,
  tenants: number,
  cacheUrl: string,
): Promise<readonly Contender[]> => {
  const postgres = await startPostgres();
  stack.defer(postgres.stop);
  const sampled = await seedTenants(postgres.url, tenants, principals_asked);
  const server = await startOurServer(postgres.url, cacheUrl);
  stack.defer(server.stop);
  const cache = await createClient({ url: cacheUrl }).connect();
  stack.defer(() => cache.close());
  const flush = async (): Promise<void> => void (await cache.flushDb());
  const asked = await askedOf(server, sampled);
  return questions.flatMap((question) => {
    const common = { ...asked[question], pid: server.pid, in_flight };
    const [warm, cold] = [rowName(tenants, question, "warm"), rowName(tenants, question, "cold")];
    const heat = async (): Promise<void> => {
      for (let pass = 0; pass < passes_to_warm; pass++) await generator.run(warm, "once");
    };
    return [
      { ...common, name: warm, before: heat },
      { ...common, name: cold, before: flush, span: "once" as const },
    ];
  });
};

/** Windows that are compared lie next to each other in time: the same row of every size, then the next row. */
const interleave = (bySize: readonly (readonly Contender[])[]): readonly Contender[] =>
  (bySize[0] ?? []).flatMap((_, row) => bySize.flatMap((contenders) => contenders[row] ?? []));

const measureSizes = async (generator: Generator, stack: AsyncDisposableStack): Promise<readonly Row[]> => {
  const redis = await startRedis();
  stack.defer(redis.stop);
  const bySize: (readonly Contender[])[] = [];
  // A logical database each: emptying one leaves the others warm.
  for (const [nth, tenants] of sizes.entries())
    bySize.push(await startSize(stack, generator, tenants, `${redis.url}/${nth + 1}`));
  return await measure(generator, interleave(bySize), plan);
};

/** The slowest size's p50 over the fastest's; of cold and warm the worse. */
const ratioOf = (rows: readonly Row[], question: Question): Ratio => {
  const spread = states.map((state) => {
    const p50 = sizes.map(
      (tenants) => rows.find(({ name }) => name === rowName(tenants, question, state))?.p50_ms ?? Number.NaN,
    );
    return Math.max(...p50) / Math.min(...p50);
  });
  return { name: question, value: Math.max(...spread), atMost: ratio_max };
};

export const tenants = async (): Promise<Report> => {
  await using stack = new AsyncDisposableStack();
  const generator = startGenerator();
  stack.defer(generator.stop);
  const measured = await measureSizes(generator, stack);
  const rows = sizes.flatMap((size) =>
    questions.flatMap((question) =>
      states.flatMap((state) => measured.filter(({ name }) => name === rowName(size, question, state))),
    ),
  );
  return { rows, ratios: questions.map((question) => ratioOf(rows, question)), bounds: [] };
};
