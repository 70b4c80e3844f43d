// What many ask at the same time shares statements, and nothing but statements.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { openBatches } from "../../server/platform/database/batches.ts";
import type { Database } from "../../server/platform/database/database.ts";
import { isUnavailable } from "../../server/platform/database/unavailable.ts";
import { onPostgres } from "./backends.ts";

const { database, close } = await onPostgres();
after(close);

const halves =
  "select array(select 100 / n from unnest($1::int[]) with ordinality as asked (n, at) order by at) as halves";

type Options = { readonly from: Database; readonly flightsMax: number; readonly waitingMax: number };

/** Divides a hundred by what is asked; zero is refused by PostgreSQL. `sizes` says how many each statement carried. */
const dividing = ({ from = database, ...options }: Partial<Options> = {}) => {
  const sizes: number[] = [];
  const ask = openBatches<number, number>({
    what: "divisions",
    run: async (numbers) => {
      sizes.push(numbers.length);
      const rows = await from.statement<{ halves: readonly number[] }>("test.halves", halves, [numbers]);
      return rows[0]?.halves ?? [];
    },
    batchMax: 4,
    flightsMax: 1,
    attemptsMax: 1,
    waitingMax: 100,
    ...options,
  });
  return { ask, sizes };
};

test("one who asks alone is sent at once; those who come meanwhile go together, each with its own answer", async () => {
  const { ask, sizes } = dividing();
  const answers = await Promise.all([1, 2, 4, 5, 10, 20, 25].map(ask));
  assert.deepEqual(answers, [100, 50, 25, 20, 10, 5, 4]);
  assert.deepEqual(sizes, [1, 4, 2]);
});

test("one that the database refuses is refused alone, and those it was sent with are answered", async () => {
  const { ask, sizes } = dividing();
  const settled = await Promise.allSettled([1, 2, 0, 4].map(ask));
  assert.deepEqual(
    settled.map((one) => (one.status === "fulfilled" ? one.value : "refused")),
    [100, 50, "refused", 25],
  );
  assert.deepEqual(sizes, [1, 3, 1, 1, 1]);
  assert.equal(await ask(5), 20);
});

test("beyond what may wait a caller is refused at once, and the others are not", async () => {
  const { ask } = dividing({ waitingMax: 2 });
  const settled = await Promise.allSettled([1, 2, 4, 5].map(ask));
  assert.deepEqual(
    settled.map(({ status }) => status),
    ["fulfilled", "fulfilled", "fulfilled", "rejected"],
  );
  const [refused] = settled.filter((one) => one.status === "rejected");
  assert.ok(refused !== undefined && isUnavailable(refused.reason));
});

test("as many statements are under way as may be, and no more", async () => {
  const { ask, sizes } = dividing({ flightsMax: 2 });
  await Promise.all([1, 2, 4, 5, 10].map(ask));
  assert.deepEqual(sizes, [1, 1, 3]);
});

test("where the database is lost, everybody hears that it is, and nobody is asked for again", async () => {
  const gone = await onPostgres();
  await gone.close();
  const { ask, sizes } = dividing({ from: gone.database });
  const settled = await Promise.allSettled([1, 2, 4].map(ask));
  assert.ok(settled.every((one) => one.status === "rejected" && isUnavailable(one.reason)));
  assert.deepEqual(sizes, [1, 2]);
});
