/**
 * What an answer costs in round trips: a platform's real database and cache, and how often each was asked.
 *
 *     const counting = countRoundTrips(bench.engine.platform);
 *     const point = await openDecisionPoint(bench, counting.platform);
 *     const { answer, cost } = await counting.costOf(() => check(point.needs, gateway, [question]));
 */
import type { Tx } from "../../server/platform/database/database.ts";
import type { Platform } from "../../server/platform/platform.ts";

/** Statements, those in transactions among them; transactions; and what was read of the cache. */
export type Cost = { readonly statements: number; readonly transactions: number; readonly reads: number };

export type Counting = {
  readonly platform: Platform;
  costOf<Answer>(work: () => Promise<Answer>): Promise<{ readonly answer: Answer; readonly cost: Cost }>;
};

export const countRoundTrips = (real: Platform): Counting => {
  const counted = { statements: 0, transactions: 0, reads: 0 };
  const countedTx = (tx: Tx): Tx => ({
    ...tx,
    query: (...asked) => {
      counted.statements += 1;
      return tx.query(...asked);
    },
  });
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
        return real.database.transaction(tenant, (tx) => work(countedTx(tx)));
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
  return {
    platform,
    costOf: async (work) => {
      Object.assign(counted, { statements: 0, transactions: 0, reads: 0 });
      const answer = await work();
      return { answer, cost: { ...counted } };
    },
  };
};
