/** What every slice may be handed from below: the database, the cache, the clock and the log. */
import type { FreshCache } from "./cache/fresh-cache.ts";
import type { Clock } from "./clock.ts";
import type { Database } from "./database/database.ts";
import type { Log } from "./log.ts";

export type Platform = {
  readonly database: Database;
  readonly cache: FreshCache;
  readonly clock: Clock;
  readonly log: Log;
};

/** An answer is cached this long at most; a publish that cannot reach the cache waits as long (invariant 7). */
export { entryAgeMsMax as cacheTtlMs } from "./cache/entry.ts";
