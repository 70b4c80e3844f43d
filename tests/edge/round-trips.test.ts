// What a gateway's question costs in round trips (invariant 6): warm, one to the cache for its credential, the token and the facts together.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { formatRef } from "../../core/ids.ts";
import { judge } from "../../server/decisions/edge/judge.ts";
import type { Edge, EdgeAnswer } from "../../server/decisions/edge/model.ts";
import { readRoutes } from "../../server/decisions/edge/read-routes.ts";
import { routeTableOf } from "../../server/decisions/edge/route-table.ts";
import { openDecisionPoint } from "../decisions/deciding.ts";
import { type Cost, countRoundTrips } from "../support/counting.ts";
import { openWorkbench } from "../support/engine.ts";

const bench = await openWorkbench();
after(bench.close);
const { model } = bench;
const counting = countRoundTrips(bench.engine.platform);
const point = await openDecisionPoint(bench, counting.platform);
after(point.close);
const read = readRoutes(
  `
routes:
  - { methods: [GET], path: "/accounts/{id}/payouts", permission: payouts:read, resource: "accounts/{id}" }
  - { methods: [GET], path: /status, public: load balancers look here }
`,
  "routes.yaml",
  model,
);
assert.ok("routes" in read);
const edge: Edge = {
  ...point.needs,
  gatewayRoutes: routeTableOf(read.routes),
  clientAt: () => undefined,
  prove: () => assert.fail("nothing is proven here"),
};

const tenant = await bench.tenant();
const owner = await bench.ownerOf(tenant);
const account = formatRef("accounts", await bench.node(tenant, "account"));
const gateway = (await point.tokenFor(owner)).presented;
const token = (await point.tokenFor(owner)).text;

type Asked = Cost & { readonly at: EdgeAnswer["at"] };
const cost = async (uri: string, authorization?: string): Promise<Asked> => {
  const lines = authorization === undefined ? [] : [["authorization", authorization] as const];
  const sent = { method: "GET", uri, host: "api.example.com", scheme: "https", lines, address: undefined };
  const { answer, cost: taken } = await counting.costOf(() => judge(edge, { gateway, sent, rule: undefined }));
  return { ...taken, at: answer.at };
};
const payouts = `/${account}/payouts`;

test("with an empty cache a gateway's question is one SQL statement and one cache round trip", async () => {
  assert.deepEqual(await cost(payouts, `Bearer ${token}`), { statements: 1, transactions: 0, reads: 1, at: "permit" });
});

test("warm it is one cache round trip for the gateway, the token and the facts, and the database is not asked", async () => {
  // The first answer only gave the cache its versions, the second is kept (ADR 3).
  await cost(payouts, `Bearer ${token}`);
  assert.deepEqual(await cost(payouts, `Bearer ${token}`), { statements: 0, transactions: 0, reads: 1, at: "permit" });
});

test("what needs no look-up costs the gateway's own and nothing else", async () => {
  for (const [uri, authorization, at] of [
    ["/status", undefined, "permit"],
    [payouts, undefined, "refuse"],
    ["/none", `Bearer ${token}`, "refuse"],
    [`${payouts}/../x`, `Bearer ${token}`, "refuse"],
    [payouts, "Bearer garbage", "refuse"],
  ] as const)
    assert.deepEqual(await cost(uri, authorization), { statements: 0, transactions: 0, reads: 1, at }, uri);
});
