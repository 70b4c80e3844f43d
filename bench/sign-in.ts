/**
 * People at the door, measured: refreshing, the code flow of somebody signed in, and passwords; beside the least that could be done for each,
 * and beside a peer that keeps everything in memory.
 *
 * CPU is the server process's own. `rotation_vs_sql` and `password_vs_argon2_limit` compare rates: ours over the floor's.
 */
import { fileURLToPath } from "node:url";
import { startPostgres } from "../tests/support/postgres.ts";
import { startRedis } from "../tests/support/redis.ts";
import { type Generator, startGenerator } from "./harness/generator.ts";
import { type Loop, startLoop } from "./harness/looping.ts";
import { type Ratio, type Report, ratiosOf } from "./harness/report.ts";
import { measure, medians, type Plan, type Row } from "./harness/rounds.ts";
import { rowNames } from "./names.ts";
import { startOidcProviderPeople } from "./oidc-provider-people.ts";
import { type People, startPeople } from "./people.ts";

/** Long enough for code that runs a few hundred times a second to be compiled, ours and the peer's. */
const plan: Plan = { rounds: 5, span: { warm_ms: 200, measure_ms: 1_000 }, warm_up_ms: 5_000 };
/** Logins are rarer by ten, and so need longer. */
const logins: Plan = { rounds: 5, span: { warm_ms: 200, measure_ms: 2_000 }, warm_up_ms: 15_000 };
const span = { warm_ms: 200, measure_ms: 2_000 } as const;
const floorSpan = { warm_up_ms: 1_000, measure_ms: 1_500 } as const;
const rounds = 5;
const file = (name: string): string => fileURLToPath(new URL(`./servers/${name}.ts`, import.meta.url));

const { sql, argon2, oidcRefresh, oidcCodeFlow, refresh, codeFlow, password, introspectIdle, introspectBusy } =
  rowNames.people;

const measureLoop = async (name: string, loop: Loop): Promise<Row> => {
  await loop.run(floorSpan.warm_up_ms);
  const windows = [];
  for (let round = 0; round < rounds; round++) windows.push(await loop.run(floorSpan.measure_ms));
  return { name, ...medians(windows) };
};

/** Logins and their floor in turn; then introspection, first by itself, then with logins going on beside it. */
const measurePasswords = async (people: People, one: Generator, other: Generator): Promise<readonly Row[]> => {
  const floor = await startLoop(file("argon2"), {});
  try {
    const rows = [await measureLoop(argon2, floor), ...(await measure(one, [people.password], logins))];
    const { verify: _verify, ...introspect } = people.introspect;
    await other.open(introspect);
    await other.run(introspectIdle, { warm_ms: 0, measure_ms: 2_000 });
    const [idle, busy] = [[], []] as [Awaited<ReturnType<Generator["run"]>>[], Awaited<ReturnType<Generator["run"]>>[]];
    for (let round = 0; round < rounds; round++) {
      idle.push(await other.run(introspectIdle, span));
      const busily = one.run(password, { warm_ms: 0, measure_ms: span.warm_ms + span.measure_ms + 500 });
      busy.push(await other.run(introspectIdle, span));
      await busily;
    }
    return [...rows, { name: introspectIdle, ...medians(idle) }, { name: introspectBusy, ...medians(busy) }];
  } finally {
    await floor.stop();
  }
};

export const signIn = async (): Promise<Report> => {
  await using stack = new AsyncDisposableStack();
  const redis = await startRedis();
  stack.defer(redis.stop);
  const [one, other] = [startGenerator(), startGenerator()];
  stack.defer(one.stop);
  stack.defer(other.stop);
  const postgres = await startPostgres();
  stack.defer(postgres.stop);
  const peer = await startOidcProviderPeople();
  stack.defer(peer.stop);
  const people = await startPeople(postgres.url, redis.url);
  stack.defer(people.stop);

  const served = await measure(one, [...peer.contenders, people.refresh, people.codeFlow], plan);
  const floor = await startLoop(file("rotation"), {
    BENCH_DATABASE_URL: postgres.url,
    BENCH_LANES: JSON.stringify(people.lanes),
  });
  stack.defer(floor.stop);
  const rows = [...served, await measureLoop(sql, floor), ...(await measurePasswords(people, one, other))];

  const row = (name: string): Row | undefined => rows.find((each) => each.name === name);
  const over = (above: string, below: string, figure: "per_s" | "p99_ms"): number =>
    (row(above)?.[figure] ?? Number.NaN) / (row(below)?.[figure] ?? Number.NaN);
  const ratios: readonly Ratio[] = [
    { name: "rotation_vs_sql", value: over(refresh, sql, "per_s"), atLeast: 0.5 },
    ...ratiosOf(rows, [
      { name: "oidc_provider_refresh_vs_ours", above: oidcRefresh, below: refresh, atLeast: 3 },
      { name: "oidc_provider_code_flow_vs_ours", above: oidcCodeFlow, below: codeFlow, atLeast: 3 },
    ]),
    { name: "password_vs_argon2_limit", value: over(password, argon2, "per_s"), atLeast: 0.9 },
    { name: "introspect_p99_under_login_vs_idle", value: over(introspectBusy, introspectIdle, "p99_ms"), atMost: 2 },
  ];
  return { rows, ratios, bounds: [] };
};
