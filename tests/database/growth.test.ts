// How many pages a decision reads, cold, and a list: the same among one tenant's nodes as among five times as many, a few for each level, and
// hardly more for whoever has two thousand grants.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import pg from "pg";
import { type Question, questionsAt, seedTrees, type Whose } from "../../bench/seed-tree.ts";
import { hostTenant } from "../../core/ids.ts";
import { givingOf, waysTo } from "../../server/decisions/giving.ts";
import { loadModel } from "../../server/startup/access-model.ts";
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
  const pagesOf = async (call: string): Promise<number> => {
    const { rows } = await client.query<{ "QUERY PLAN": readonly Explained[] }>(
      `explain (analyze, buffers, timing off, format json) select ${call}`,
    );
    const plan = rows[0]?.["QUERY PLAN"][0]?.Plan;
    assert.ok(plan);
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
  };
  /** The median of some questions, after others like them. */
  const median =
    (asked: (question: Question) => string) =>
    async (depth: number, whose?: Whose): Promise<number> => {
      const pages: number[] = [];
      for (const question of questionsAt(tenants, 11, depth, whose)) pages.push(await pagesOf(asked(question)));
      return pages.toSorted((a, b) => a - b)[5] ?? Number.NaN;
    };
  return Object.assign(median(decision), {
    page: (from?: object) => median((question) => pageFrom(question, from)),
    /** Where a page of what the first of the principals reaches goes on. */
    next: async (): Promise<object> => {
      const [question] = questionsAt(tenants, 1, 4, "granted");
      assert.ok(question);
      const { rows } = await client.query<{ page: { readonly place: object } }>(`select ${pageFrom(question)} as page`);
      return rows[0]?.page.place ?? {};
    },
  });
};

const decision = ({ tenant, principal, resource }: Question): string => {
  const [bound, who, node] = [tenant, principal, resource].map(idOf);
  return `look_up('${hostTenant}', '${JSON.stringify([["relevant", bound, who, bound, node]])}')`;
};

const { model } = loadModel("");
const wanted = model.vocabulary.get("documents:read");
assert.ok(wanted);
const giving = givingOf(model, wanted);
const words = (list: readonly string[]): string => `array[${list.map((word) => `'${word}'`).join(", ")}]::text[]`;

/** A hundred documents, from a place on. */
const pageFrom = ({ tenant, principal }: Question, place?: object): string => {
  const [bound, who] = [tenant, principal].map(idOf);
  const given = [giving.roles, giving.hostRoles, giving.patterns, giving.levels].map(words).join(", ");
  const below = JSON.stringify(waysTo(model, "documents"));
  const from = place === undefined ? "null" : `'${JSON.stringify(place)}'`;
  return `list_nodes('${hostTenant}', '${bound}', 'service', '${who}', '${bound}', now(), 'documents', '${below}', ${given}, ${from}, 100, 5000)`;
};

const [one, five] = [await databaseOf(1), await databaseOf(5)];

for (const depth of [4, 16, 32])
  test(`at level ${depth} as many pages in five tenants as in one, but for the height of an index`, async () => {
    const [small, large] = [await one(depth), await five(depth)];
    // Eight indexes are walked, two of them at as many places as there are leaves with a step of the path; any may have grown by one.
    assert.ok(large <= small + 20, `${small} pages in one tenant, ${large} in five`);
    assert.ok(large <= 70, `${large} pages`);
  });

test("two thousand grants, and fifty groups, cost a few pages and not one each", async () => {
  const [anyone, granted, grouped] = [await five(32), await five(32, "granted"), await five(32, "grouped")];
  assert.ok(granted <= anyone + 100, `${anyone} pages, and ${granted} with two thousand grants`);
  assert.ok(grouped <= anyone + 50 * 6, `${anyone} pages, and ${grouped} in fifty groups`);
});

test("a page of a hundred reads as many pages in five tenants as in one, and a few for each of what it shows", async () => {
  for (const whose of ["anyone", "granted", "grouped"] as const) {
    const [small, large] = [await one.page()(4, whose), await five.page()(4, whose)];
    // Each node is looked up by its key, and so are its children and what binds on it; any of these indexes may have grown by one.
    assert.ok(large <= 1.4 * small, `${whose}: ${small} pages in one tenant, ${large} in five`);
    assert.ok(large <= 100 * (whose === "grouped" ? 45 : 30), `${whose}: ${large} pages`);
  }
});

test("the next page of two thousand grants reads no more than the first did", async () => {
  const place = await one.next();
  const [first, next] = [await one.page()(4, "granted"), await one.page(place)(4, "granted")];
  assert.ok(next <= 1.3 * first + 100, `${first} pages for the first, ${next} for the next`);
});
