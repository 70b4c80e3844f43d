// Lists of decisions, over real PostgreSQL: whatever the world, a list is exactly what asking about one after another would have said.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { isFault, type Result } from "../../core/faults.ts";
import { listActions } from "../../server/decisions/list-actions.ts";
import { listResources } from "../../server/decisions/list-resources.ts";
import { listSubjects } from "../../server/decisions/list-subjects.ts";
import type { Page, PageAsked } from "../../server/decisions/paging.ts";
import { openWorkbench } from "../support/engine.ts";
import { openDecisionPoint } from "./deciding.ts";
import { collections, model, plant, world, type World } from "./worlds.ts";

const bench = await openWorkbench({ model });
const point = await openDecisionPoint(bench);
after(async () => {
  point.close();
  await bench.close();
});

/** All pages of a list; every item once, and no page larger than asked for. */
const all = async (
  limit: number,
  read: (asked: PageAsked) => Promise<Result<Page<string>>>,
): Promise<readonly string[]> => {
  const items: string[] = [];
  let token = "";
  do {
    const page = await read({ limit, token });
    assert.ok(!isFault(page), JSON.stringify(page));
    assert.ok(page.items.length <= limit);
    items.push(...page.items);
    token = page.next;
  } while (token !== "");
  assert.equal(new Set(items).size, items.length, "nothing is listed twice");
  return items;
};

const permissions = [
  "files:read",
  "files:write",
  "files:delete",
  "notes:read",
  "clients:read",
  "accounts:read",
  "organizations:read",
];
const circumstancesOf = ({ circumstances: { office, rank } }: World) => ({
  context: { office },
  properties: { subject: { rank } },
});
const runs = { numRuns: 12 } as const;
/** Worlds in which nobody reaches anything would prove nothing. */
const seen = { resources: 0, subjects: 0, actions: 0 };

test("listing the resources a principal reaches equals filtering all of them by check, in random worlds, page by page", async () => {
  await fc.assert(
    fc.asyncProperty(world, fc.integer({ min: 1, max: 5 }), async (made, limit) => {
      const tenant = await bench.tenant();
      const gateway = await point.gateway(tenant);
      const { refs, principals } = await plant(bench, tenant, made);
      const circumstances = circumstancesOf(made);
      for (const principal of principals) {
        for (const permission of permissions) {
          for (const type of Object.keys(collections)) {
            const there = refs.get(type) ?? [];
            const asked = there.map((resource) => ({ subject: { principal }, permission, resource, ...circumstances }));
            const answers = await point.answers(gateway, asked);
            const expected = there.filter((_, nth) => answers[nth]?.effect === "permit");
            const search = { subject: { principal }, permission, type, ...circumstances };
            const listed = await all(limit, (page) => listResources(point.needs, gateway, search, page));
            assert.deepEqual(listed.toSorted(), expected.toSorted(), `${permission} of ${type} for ${principal}`);
            seen.resources += listed.length;
          }
        }
      }
    }),
    runs,
  );
  assert.ok(seen.resources > 10, `${seen.resources} were listed`);
});

test("listing the subjects who reach a resource equals filtering all of them by check, in random worlds, page by page", async () => {
  await fc.assert(
    fc.asyncProperty(world, fc.integer({ min: 1, max: 3 }), async (made, limit) => {
      const tenant = await bench.tenant();
      const gateway = await point.gateway(tenant);
      const { refs, principals } = await plant(bench, tenant, made);
      const circumstances = circumstancesOf(made);
      for (const resource of [...refs.values()].flat()) {
        for (const permission of permissions) {
          const asked = principals.map((principal) => ({
            subject: { principal },
            permission,
            resource,
            ...circumstances,
          }));
          const answers = await point.answers(gateway, asked);
          const expected = principals.filter((_, nth) => answers[nth]?.effect === "permit");
          const listed: string[] = [];
          for (const kind of ["users", "service-accounts"])
            listed.push(
              ...(await all(limit, (page) =>
                listSubjects(point.needs, gateway, { kind, permission, resource, ...circumstances }, page),
              )),
            );
          // The gateway's own principal was there before the world.
          const others = listed.filter((one) => principals.includes(one));
          assert.deepEqual(others.toSorted(), expected.toSorted(), `${permission} of ${resource}`);
          assert.ok(listed.length <= others.length + 1);
          seen.subjects += others.length;
        }
      }
    }),
    runs,
  );
  assert.ok(seen.subjects > 10, `${seen.subjects} were listed`);
});

test("listing the actions a principal has on a resource equals filtering all of them by check, in random worlds", async () => {
  await fc.assert(
    fc.asyncProperty(world, async (made) => {
      const tenant = await bench.tenant();
      const gateway = await point.gateway(tenant);
      const { refs, principals } = await plant(bench, tenant, made);
      const circumstances = circumstancesOf(made);
      for (const resource of [...refs.values()].flat().slice(0, 6)) {
        for (const principal of principals) {
          const asked = bench.model.permissions.map((permission) => ({
            subject: { principal },
            permission,
            resource,
            ...circumstances,
          }));
          const answers = await point.answers(gateway, asked);
          const expected = bench.model.permissions.filter((_, nth) => answers[nth]?.effect === "permit");
          const listed = await listActions(point.needs, gateway, {
            subject: { principal },
            resource,
            ...circumstances,
          });
          assert.ok(!isFault(listed), JSON.stringify(listed));
          assert.deepEqual(listed.permissions, expected);
          seen.actions += expected.length;
        }
      }
    }),
    runs,
  );
  assert.ok(seen.actions > 10, `${seen.actions} were listed`);
});
