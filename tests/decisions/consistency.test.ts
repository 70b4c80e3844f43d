// Consistency tokens over a real PostgreSQL: what an answer knows of, when the cache will not do, and when not even the database does.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { isFault } from "../../core/faults.ts";
import { rootNode, type TenantId } from "../../core/ids.ts";
import { createRole } from "../../server/access/roles/create-role.ts";
import type { Principal } from "../../server/authority/caller.ts";
import { resolve } from "../../server/authority/resolve.ts";
import { factsLookup, lookUp, relevantFactsLookup, type StoredFacts } from "../../server/authority/store.ts";
import { type ConsistencyToken, readToken, satisfies, tokenOf } from "../../server/decisions/consistency.ts";
import { type FactsFound, wantedFacts } from "../../server/decisions/wanted-facts.ts";
import type { Answer } from "../../server/operations/perform.ts";
import { countRoundTrips } from "../support/counting.ts";
import { openWorkbench } from "../support/engine.ts";
import { bindingsIn } from "./bindings.ts";

const bench = await openWorkbench();
after(bench.close);
const { platform, costOf } = countRoundTrips(bench.engine.platform);
const needs = { platform, model: bench.model, modelVersion: "test" };

const token = (text: string): ConsistencyToken => {
  const read = readToken(text);
  assert.ok(!isFault(read), text);
  return read;
};

/** The principal's facts at the root, and how many statements they took. */
const find = async (
  tenant: TenantId,
  { id }: Principal,
  atLeast?: ConsistencyToken,
): Promise<FactsFound & { readonly statements: number }> => {
  const wanted = wantedFacts(needs, { bound: tenant, principal: id, tenant, node: rootNode(tenant) }, atLeast);
  const { answer, cost } = await costOf(() => resolve(platform, [wanted]));
  const [found] = answer;
  assert.ok(found);
  return { ...found, statements: cost.statements };
};

/** Cached: the first answer gives the versions their nonces, the second is kept (ADR 3). */
const warm = async (tenant: TenantId, who: Principal): Promise<FactsFound> => {
  await find(tenant, who);
  await find(tenant, who);
  const found = await find(tenant, who);
  assert.equal(found.statements, 0);
  return found;
};

const nth = { role: 0 };
/** A change that has nothing to do with anybody's facts: nothing cached falls with it. */
const changed = async (tenant: TenantId, meta: { readonly idempotencyKey?: string } = {}): Promise<Answer> => {
  const input = { display_name: meta.idempotencyKey ?? `Role ${nth.role++}`, permissions: ["accounts:read"] };
  const answer = await bench.call(createRole, await bench.ownerOf(tenant), input, meta);
  assert.ok(!isFault(answer), JSON.stringify(answer));
  return answer;
};

test("a change names its transaction, and facts read after it know of it; those read before do not", async () => {
  const tenant = await bench.tenant();
  const who = (await bench.callerWith(tenant, "viewer")).principal;
  const before = await find(tenant, who);
  const { consistency = "" } = await changed(tenant);
  assert.match(consistency, /^w\d+$/);
  const later = await find(tenant, who, token(consistency));
  assert.equal(satisfies(before.read, token(consistency)), false);
  assert.ok(satisfies(later.read, token(consistency)));
  assert.ok(satisfies(later.read, token(tokenOf(before))));
  assert.equal(satisfies(before.read, token(tokenOf(later))), false);
});

test("a change under way is not known of, however much has ended after it began", async () => {
  const tenant = await bench.tenant();
  const who = (await bench.callerWith(tenant, "viewer")).principal;
  const began = Promise.withResolvers<string>();
  const end = Promise.withResolvers<undefined>();
  const underWay = bench.engine.platform.database.transaction(tenant, async (tx) => {
    const rows = await tx.query<{ xid: string }>("test.xid", "select pg_current_xact_id()::text as xid", []);
    began.resolve(`w${rows[0]?.xid}`);
    await end.promise;
  });
  const its = token(await began.promise);
  const { consistency = "" } = await changed(tenant);
  const meanwhile = await find(tenant, who);
  assert.ok(satisfies(meanwhile.read, token(consistency)));
  assert.equal(satisfies(meanwhile.read, its), false);
  end.resolve(undefined);
  await underWay;
  const later = await find(tenant, who);
  assert.ok(satisfies(later.read, its));
  assert.equal(satisfies(meanwhile.read, token(tokenOf(later))), false);
});

test("an answer given again under its idempotency key demands no less than the first", async () => {
  const tenant = await bench.tenant();
  const who = (await bench.callerWith(tenant, "viewer")).principal;
  const owner = await bench.ownerOf(tenant);
  const input = { display_name: "Once", permissions: ["accounts:read"] };
  const before = await find(tenant, who);
  const first = await bench.call(createRole, owner, input, { idempotencyKey: "k" });
  const again = await bench.call(createRole, owner, input, { idempotencyKey: "k" });
  assert.ok(!isFault(first) && !isFault(again) && again.replayed);
  const its = token(again.consistency ?? "");
  assert.equal(satisfies(before.read, its), false);
  assert.ok(satisfies((await find(tenant, who, its)).read, its));
});

test("warm facts that are older than demanded are passed over, once: the newer ones take their place", async () => {
  const tenant = await bench.tenant();
  const who = (await bench.callerWith(tenant, "viewer")).principal;
  const old = await warm(tenant, who);
  // A new role makes nothing stale, so what is cached stays, and is older than that.
  const demand = token((await changed(tenant)).consistency ?? "");
  assert.equal(satisfies(old.read, demand), false);
  assert.equal((await find(tenant, who)).statements, 0);
  assert.equal((await find(tenant, who, demand)).statements, 1);
  const replaced = await find(tenant, who, demand);
  assert.equal(replaced.statements, 0);
  assert.ok(satisfies(replaced.read, demand));
  assert.ok(satisfies(replaced.read, token(tokenOf(old))));
});

test("what no snapshot of this database can meet is asked of the database each time, and seen not to be met", async () => {
  const tenant = await bench.tenant();
  const who = (await bench.callerWith(tenant, "viewer")).principal;
  await warm(tenant, who);
  for (const text of ["w9007199254740991", "s3:9007199254740991:"]) {
    const found = await find(tenant, who, token(text));
    assert.equal(found.statements, 1);
    assert.equal(satisfies(found.read, token(text)), false);
  }
  assert.equal((await find(tenant, who)).statements, 0, "and nobody else pays for it");
});

test("of a node that is not there it is said how recently it was looked for", async () => {
  const tenant = await bench.tenant();
  const who = (await bench.callerWith(tenant, "viewer")).principal;
  const node = rootNode(await bench.tenant());
  const [found] = await resolve(platform, [wantedFacts(needs, { bound: tenant, principal: who.id, tenant, node })]);
  assert.equal(found?.facts, undefined);
  assert.ok(satisfies(found?.read ?? "", token(tokenOf(found ?? { read: "" }))));
});

test("a decision's facts are read under one snapshot: what was never true together is never seen together", async () => {
  const tenant = await bench.tenant();
  const who = (await bench.callerWith(tenant, undefined)).principal;
  const give = bindingsIn(bench, tenant);
  const root = rootNode(tenant);
  const assignment = await give.assign(who, root, "viewer");
  const grant = await give.grant(who, root, "viewer");
  // Either the assignment or the grant has expired, at every moment.
  const flip = async (to: boolean): Promise<void> => {
    await bench.engine.platform.database.transaction(tenant, async (tx) => {
      const [gone, kept] = ["2000-01-01", null];
      await tx.query("test.flip_a", "update role_assignments set expire_time = $3 where tenant_id = $1 and id = $2", [
        tenant,
        assignment,
        to ? gone : kept,
      ]);
      await tx.query("test.flip_g", "update resource_grants set expire_time = $3 where tenant_id = $1 and id = $2", [
        tenant,
        grant,
        to ? kept : gone,
      ]);
    });
  };
  await flip(false);
  const state = { running: true, flips: 0 };
  const flipping = (async () => {
    for (; state.running; state.flips += 1) await flip(state.flips % 2 === 0);
  })();
  const seen = new Set<string>();
  try {
    for (let round = 0; round < 600 || state.flips < 100; round += 1) {
      const lookups = [
        factsLookup(tenant, "service", who.id, tenant, root),
        relevantFactsLookup(tenant, who.id, tenant, root),
      ];
      const answers = (await lookUp(bench.engine.platform.database, lookups)) as readonly StoredFacts[];
      seen.add(JSON.stringify(answers.map((one) => [one.assignments[0]?.[7] === null, one.grants[0]?.[3] === null])));
    }
  } finally {
    state.running = false;
    await flipping;
  }
  const [byAssignment, byGrant] = [
    [true, false],
    [false, true],
  ];
  assert.deepEqual([...seen].toSorted(), [
    JSON.stringify([byGrant, byGrant]),
    JSON.stringify([byAssignment, byAssignment]),
  ]);
});
