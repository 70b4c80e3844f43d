// How many pages a decision reads, cold: the same among one tenant's nodes as among five times as many, a few for each level, and hardly more
// for whoever has two thousand grants.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import pg from "pg";
import { type Question, questionsAt, seedTrees, type Whose } from "../../bench/seed-tree.ts";
import { hostTenant } from "../../core/ids.ts";
import { freshDatabase } from "../support/postgres.ts";

type Explained = { readonly Plan: { readonly "Shared Hit Blocks": number; readonly "Shared Read Blocks": number } };

const idOf = (ref: string): string => ref.slice(ref.indexOf("/") + 1);

/** A database of so many tenants, and how many pages one question in it reads, as the application's role. */
const databaseOf = async (tenants: number) => {
  const { url, drop } = await freshDatabase();
  await seedTrees(url, tenants);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  after(async () => {
    await client.end();
    await drop();
  });
  await client.query("set role countersign_app");
  const pagesOf = async ({ tenant, principal, resource }: Question): Promise<number> => {
    const [bound, who, node] = [tenant, principal, resource].map(idOf);
    const call = `decision_facts('${hostTenant}', '${bound}', null, '${who}', '${bound}', '${node}')`;
    const { rows } = await client.query<{ "QUERY PLAN": readonly Explained[] }>(
      `explain (analyze, buffers, timing off, format json) select ${call}`,
    );
    const plan = rows[0]?.["QUERY PLAN"][0]?.Plan;
    assert.ok(plan);
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
  };
  /** The median of some questions, after others like them. */
  return async (depth: number, whose?: Whose): Promise<number> => {
    const pages: number[] = [];
    for (const question of questionsAt(tenants, 11, depth, whose)) pages.push(await pagesOf(question));
    return pages.toSorted((a, b) => a - b)[5] ?? Number.NaN;
  };
};

const [one, five] = [await databaseOf(1), await databaseOf(5)];

for (const depth of [4, 16, 32])
  test(`at level ${depth} as many pages in five tenants as in one, but for the height of an index`, async () => {
    const [small, large] = [await one(depth), await five(depth)];
    // Three indexes are walked at each level, and five more once; any may have grown by one.
    assert.ok(large <= small + 3 * depth + 15, `${small} pages in one tenant, ${large} in five`);
    assert.ok(large <= 40 + 9 * depth, `${large} pages`);
  });

test("two thousand grants, and fifty groups, cost a few pages and not one each", async () => {
  const [anyone, granted, grouped] = [await five(32), await five(32, "granted"), await five(32, "grouped")];
  assert.ok(granted <= anyone + 100, `${anyone} pages, and ${granted} with two thousand grants`);
  assert.ok(grouped <= anyone + 50 * 6, `${anyone} pages, and ${grouped} in fifty groups`);
});
