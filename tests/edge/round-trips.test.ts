// What a gateway's question costs in round trips (invariant 6): warm, one to the cache for its credential, the token and the facts together.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { formatRef } from "../../core/ids.ts";
import { createApiToken } from "../../server/credentials/create-api-token.ts";
import { judge } from "../../server/decisions/edge/judge.ts";
import type { Edge, EdgeAnswer } from "../../server/decisions/edge/model.ts";
import { readRoutes } from "../../server/decisions/edge/read-routes.ts";
import { routeTableOf } from "../../server/decisions/edge/route-table.ts";
import { readSecretKey } from "../../server/platform/keys/seal.ts";
import type { Platform } from "../../server/platform/platform.ts";
import { recognise } from "../../server/tokens/presented.ts";
import { openSigningKeys } from "../../server/tokens/signing-keys.ts";
import { openVerifier } from "../../server/tokens/standing.ts";
import { openWorkbench } from "../support/engine.ts";

const bench = await openWorkbench();
after(bench.close);
const { platform: real, issuer } = bench.engine;
const { model } = bench;

/** The real database and cache, and how often each was asked. */
const counted = { statements: 0, transactions: 0, reads: 0 };
const platform: Platform = {
  ...real,
  database: {
    ...real.database,
    statement: (...asked) => {
      counted.statements += 1;
      return real.database.statement(...asked);
    },
    transaction: (tenant, work) => {
      counted.transactions += 1;
      return real.database.transaction(tenant, work);
    },
  },
  cache: {
    ...real.cache,
    read: (probes) => {
      counted.reads += 1;
      return real.cache.read(probes);
    },
  },
};

const secretKey = readSecretKey(Buffer.alloc(32, 1).toString("base64"));
assert.ok(secretKey);
const keys = await openSigningKeys({ ...real, secretKey });
after(keys.close);
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
  platform,
  model,
  modelVersion: "test",
  issuer,
  verifier: openVerifier({ platform, model, modelVersion: "test", keys, issuer, used: () => {} }),
  gatewayRoutes: routeTableOf(read.routes),
  prove: () => assert.fail("nothing is proven here"),
};

const tenant = await bench.tenant();
const owner = await bench.ownerOf(tenant);
const account = formatRef("accounts", await bench.node(tenant, "account"));
const tokenOf = async (): Promise<string> => {
  const expire_time = new Date(bench.clock.ms + 3600_000).toISOString();
  return String(
    (await bench.ok(createApiToken, owner, { display_name: "A token", scopes: ["*"], expire_time }))["token"],
  );
};
const gateway = recognise(await tokenOf());
assert.ok(gateway);
const token = await tokenOf();

type Cost = typeof counted & { readonly at: EdgeAnswer["at"] };
const cost = async (uri: string, authorization?: string): Promise<Cost> => {
  Object.assign(counted, { statements: 0, transactions: 0, reads: 0 });
  const lines = authorization === undefined ? [] : [["authorization", authorization] as const];
  const sent = { method: "GET", uri, host: "api.example.com", scheme: "https", lines };
  const { at } = await judge(edge, { gateway, sent, rule: undefined });
  return { ...counted, at };
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
