// What requests look up at the same time goes out together, and each gets what it asked for.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type NodeId, type PrincipalId, rootNode } from "../../core/ids.ts";
import { lookUpTogether } from "../../server/authority/look-ups.ts";
import { lookUp, relevantFactsLookup, type StoredFacts } from "../../server/authority/store.ts";
import { newId } from "../../server/platform/random.ts";
import { openWorkbench } from "../support/engine.ts";

const bench = await openWorkbench();
after(bench.close);
const { database } = bench.engine.platform;

const without = (answers: readonly unknown[]): readonly object[] =>
  (answers as readonly StoredFacts[]).map((facts) => ({ ...facts, read: "" }));

test("of forty at once each hears what it would have heard alone, one that cannot be asked included", async () => {
  const asked = [];
  for (let n = 0; n < 13; n += 1) {
    const tenant = await bench.tenant();
    const { principal } = await bench.callerWith(tenant, n % 2 === 0 ? "viewer" : "owner");
    const node = rootNode(tenant);
    asked.push([relevantFactsLookup(tenant, principal.id, tenant, node)]);
    asked.push([relevantFactsLookup(tenant, newId<PrincipalId>(), tenant, node)]);
    asked.push(
      [principal.id, newId<PrincipalId>()].map((id) => relevantFactsLookup(tenant, id, tenant, newId<NodeId>())),
    );
  }
  const expected = await Promise.all(asked.map((one) => lookUp(database, one)));
  const nonsense = [relevantFactsLookup("x" as never, newId<PrincipalId>(), "x" as never, "x" as never)];
  const [refused, ...answers] = await Promise.allSettled(
    [nonsense, ...asked].map((one) => lookUpTogether(database, one)),
  );
  assert.equal(refused?.status, "rejected");
  for (const [at, answer] of answers.entries()) {
    assert.ok(answer.status === "fulfilled");
    assert.deepEqual(without(answer.value), without(expected[at] ?? []));
  }
});

test("from within a transaction nothing is looked up, however many others wait", async () => {
  const tenant = await bench.tenant();
  const one = [relevantFactsLookup(tenant, newId<PrincipalId>(), tenant, rootNode(tenant))];
  const others = Array.from({ length: 10 }, () => lookUpTogether(database, one));
  await database.transaction(tenant, async () => assert.throws(() => lookUpTogether(database, one), /use its `tx`/));
  assert.equal((await Promise.all(others)).length, 10);
});
