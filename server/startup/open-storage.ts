/**
 * Opens the database and the cache together, because each needs the other: a commit fences and publishes in the cache, and the kind of
 * cache that is allowed follows from the kind of database.
 */
import { fileURLToPath } from "node:url";
import type { TenantId } from "../../core/ids.ts";
import type { Config } from "../config.ts";
import type { FreshCache } from "../platform/cache/fresh-cache.ts";
import { openMemoryCache } from "../platform/cache/memory-cache.ts";
import { openRedisCache } from "../platform/cache/redis-cache.ts";
import type { Redis } from "../platform/cache/redis-connection.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { openEmbedded } from "../platform/database/embedded.ts";
import { migratePostgres, openPostgres } from "../platform/database/postgres.ts";
import type { Log } from "../platform/log.ts";
import { randomOctets } from "../platform/random.ts";
import { join } from "node:path";

export const migrationsFolder = fileURLToPath(new URL("../../migrations/", import.meta.url));

const statementTimeoutMs = 10_000;

export type Storage = {
  readonly database: Database;
  readonly cache: FreshCache;
  /** With PostgreSQL: for the event stream. */
  readonly redis: Redis | undefined;
  close(): Promise<void>;
};

type Needs = {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether this process migrates; with several, only the first does. */
  readonly migrate: boolean;
  /** Told of each commit, to deliver what was written. */
  readonly committed: (tenant: TenantId) => void;
};

export const openStorage = (needs: Needs): Promise<Storage> =>
  needs.config.databaseUrl === "" ? openEmbeddedPair(needs) : openServers(needs);

const openEmbeddedPair = async ({ config, clock, committed }: Needs): Promise<Storage> => {
  const cache = openMemoryCache({ clock, random: randomOctets });
  const hooks = { fence: cache.fence, publish: cache.publish, committed };
  const database = await openEmbedded({
    directory: join(config.dataDir, "database"),
    migrations: migrationsFolder,
    hooks,
  });
  return {
    database,
    cache,
    redis: undefined,
    close: async () => {
      await database.close();
      await cache.close();
    },
  };
};

const openServers = async ({ config, log, migrate, committed }: Needs): Promise<Storage> => {
  const cache = await openRedisCache({ url: config.cacheUrl, log, random: randomOctets });
  try {
    if (migrate) {
      const { applied } = await migratePostgres(config.databaseUrl, migrationsFolder);
      if (applied.length > 0) log.info({ applied }, "the database was migrated");
    }
    const database = await openPostgres({
      url: config.databaseUrl,
      poolSize: config.databasePoolSize,
      hooks: { fence: cache.fence, publish: cache.publish, committed },
      statementTimeoutMs,
      log,
    });
    return {
      database,
      cache,
      redis: cache.redis,
      close: async () => {
        await database.close();
        await cache.close();
      },
    };
  } catch (error) {
    await cache.close();
    throw error;
  }
};
