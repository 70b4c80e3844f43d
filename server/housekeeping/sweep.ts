/**
 * Removes tokens, spent assertions and remembered answers some time after they expired, so that no table grows with traffic for ever.
 * One process at a time does it, a bounded batch in a transaction, and a missed round is no harm.
 */
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { Log } from "../platform/log.ts";
import { beginSweep, expiring, removeExpired } from "./store.ts";

const everyMs = 10 * 60_000;
/** Rows stay this long after their end: clocks differ, and whoever looks into yesterday's trouble wants to see them. */
const keptMs = 24 * 3600_000;
const batchRows = 5_000;

export type Housekeeping = {
  /** Sweeps now; returns how many rows went. */
  sweep(): Promise<number>;
  close(): void;
};

type Needs = { readonly database: Database; readonly clock: Clock; readonly log: Log };

export const openHousekeeping = ({ database, clock, log }: Needs): Housekeeping => {
  const round = (): Promise<number> =>
    database.hostTransaction(async (tx) => {
      if (!(await beginSweep(tx))) return 0;
      const before = new Date(clock.now() - keptMs);
      let removed = 0;
      for (const table of expiring) removed += await removeExpired(tx, table, before, batchRows);
      return removed;
    });
  const sweep = async (): Promise<number> => {
    let removed = 0;
    for (;;) {
      const batch = await round();
      removed += batch;
      if (batch < batchRows) return removed;
    }
  };
  const timer = setInterval(() => {
    sweep().catch((error: unknown) =>
      log.warn({ error: String(error) }, "expired rows could not be removed; tried again later"),
    );
  }, everyMs);
  timer.unref();
  return { sweep, close: () => clearInterval(timer) };
};
