/** What requests look up at the same time, in as few statements as there are connections to send them on. */
import { type Batches, openBatches } from "../platform/database/batches.ts";
import type { Database } from "../platform/database/database.ts";
import { refuseNesting } from "../platform/database/transactions.ts";
import { type Lookup, lookUp } from "./store.ts";

type Together = Batches<readonly Lookup[], readonly unknown[]>;

/** Each database has one queue: those who ask it share nothing but the database. */
const queues = new WeakMap<Database, Together>();

/** All that one request looks up, in one statement, perhaps together with what others do: answered in order. */
export const lookUpTogether = (database: Database, lookups: readonly Lookup[]): Promise<readonly unknown[]> => {
  // Here and not when it is sent, which may be from elsewhere: from within a transaction it could wait for that one's own connection.
  refuseNesting();
  let together = queues.get(database);
  if (together === undefined) {
    together = openTogether(database);
    queues.set(database, together);
  }
  return together(lookups);
};

const openTogether = (database: Database): Together =>
  openBatches({
    what: "look-ups",
    run: async (requests) => {
      const answers = await lookUp(database, requests.flat());
      let from = 0;
      return requests.map(({ length }) => answers.slice(from, (from += length)));
    },
    // The first hears when the last is answered.
    batchMax: 16,
    // One on each connection that single statements share.
    flightsMax: 2,
    attemptsMax: 1,
    waitingMax: 2_000,
  });
