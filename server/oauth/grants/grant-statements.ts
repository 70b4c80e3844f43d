/**
 * Group commit for grants: whoever comes while a statement is under way shares the next one. A commit is a write to disk, and costs as much
 * for one grant as for many; each caller hears back when its own is durable.
 */
import { openBatches } from "../../platform/database/batches.ts";
import type { Database } from "../../platform/database/database.ts";
import { type GrantRequest, type GrantStatements, runGrants } from "./store.ts";

export const openGrantStatements = (database: Database): GrantStatements => ({
  run: openBatches<GrantRequest, unknown>({
    what: "grants",
    run: (requests) => runGrants(database, requests),
    // What is locked by the first is locked until the last is done.
    batchMax: 32,
    // The other connection stays free for those who only read.
    flightsMax: 1,
    attemptsMax: 3,
    waitingMax: 5_000,
    // The hash of the code or the refresh token.
    lockOf: (request) => String(request[2]),
  }),
});
