// A list below one binding, where the tree is deeper and wider than random ones are: chains, many beside each other, some of them asleep. However
// the pages are cut, they are what asking about one after another would have said.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { isFault } from "../../core/faults.ts";
import { listResources } from "../../server/decisions/list-resources.ts";
import { openWorkbench } from "../support/engine.ts";
import { openDecisionPoint } from "./deciding.ts";
import { model, plant, type World } from "./worlds.ts";

const bench = await openWorkbench({ model });
const point = await openDecisionPoint(bench);
after(async () => {
  point.close();
  await bench.close();
});

const node = (type: World["nodes"][number]["type"], parent: number, asleep = false): World["nodes"][number] => ({
  type,
  parent,
  asleep,
  open: true,
  owner: 0,
});
const times = <T>(count: number, make: (nth: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, nth) => make(nth));

const depth = 10;
const siblings = 23;
/** Nodes are numbered as they come: the tenant 0, the client 1, its account 2, then one folder in the other. */
const deepest = 2 + depth;
const made: World = {
  nodes: [
    node("client", 0),
    node("account", 1),
    ...times(depth, (nth) => node("files", 2 + nth)),
    ...times(siblings, (nth) => node("files", 2, nth % 5 === 4)),
    ...times(siblings, (nth) => node("files", deepest, nth % 5 === 4)),
    ...times(siblings, (nth) => node("files", deepest + 1 + (nth % siblings))),
    // notes lie in clients and files, which are all there are but the tenant and the account
    ...times(siblings, (nth) => node("notes", nth * 3)),
  ],
  assignments: [
    { who: 0, node: 1, role: "reader", propagation: "subtree", expiry: null, condition: null },
    { who: 2, node: 2, role: "keeper", propagation: "subtree", expiry: null, condition: null },
    { who: 2, node: 1, role: "reader", propagation: "self", expiry: null, condition: null },
  ],
  grants: [{ who: 1, node: 5, level: "guest", expiry: null, condition: null }],
  inGroups: [0, 0, 0, 0, 0],
  suspended: undefined,
  circumstances: { office: false, rank: 0 },
};

test("a list through a deep tree and a wide one equals filtering all of it by check, however its pages are cut", async () => {
  const tenant = await bench.tenant();
  const gateway = await point.gateway(tenant);
  const { refs, principals } = await plant(bench, tenant, made);
  const seen = new Map<string, number>();
  for (const principal of principals)
    for (const type of ["files", "notes"]) {
      const permission = `${type}:read`;
      const there = refs.get(type) ?? [];
      const asked = there.map((resource) => ({ subject: { principal }, permission, resource }));
      const answers = await point.answers(gateway, asked);
      const expected = there.filter((_, nth) => answers[nth]?.effect === "permit").toSorted();
      const orders = new Set<string>();
      for (const limit of [1, 2, 3, 7, 20, 1000]) {
        const listed: string[] = [];
        let token = "";
        do {
          const page = await listResources(
            point.needs,
            gateway,
            { subject: { principal }, permission, type },
            { limit, token },
          );
          assert.ok(!isFault(page), JSON.stringify(page));
          assert.ok(page.items.length <= limit);
          listed.push(...page.items);
          token = page.next;
        } while (token !== "");
        orders.add(listed.join(" "));
        assert.deepEqual(listed.toSorted(), expected, `${permission} for ${principal}, ${limit} at a time`);
      }
      assert.equal(orders.size, 1, "and in the same order");
      seen.set(type, Math.max(seen.get(type) ?? 0, expected.length));
    }
  assert.ok((seen.get("files") ?? 0) > 2 * siblings, `${seen.get("files")} files were listed`);
  assert.ok((seen.get("notes") ?? 0) > siblings / 2, `${seen.get("notes")} notes were listed`);
});
