/** The database and the cache: there, up to date, and fenced. Nothing is changed by looking. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../../server/config.ts";
import { openRedisCache } from "../../server/platform/cache/redis-cache.ts";
import { describeConnection, describeConnectionError } from "../../server/platform/database/describe-connection.ts";
import { lockDirectory } from "../../server/platform/database/directory-lock.ts";
import { openPostgres } from "../../server/platform/database/postgres.ts";
import { silentLog } from "../../server/platform/log.ts";
import { randomOctets } from "../../server/platform/random.ts";
import { migrationsFolder } from "../../server/startup/open-storage.ts";
import { type Check, well, wrong } from "./outcome.ts";
import { type DatabaseState, readState } from "./schema-store.ts";

const statementTimeoutMs = 5_000;
const clockSkewMaxMs = 5_000;

export const storageChecks = (config: Config): readonly Check[] =>
  config.databaseUrl === "" ? [embeddedCheck(config)] : serverChecks(config);

/** Whoever holds the lock has opened and migrated it; if nobody does, the next start will. */
const embeddedCheck = (config: Config): Check => ({
  name: "database",
  run: async () => {
    const directory = join(config.dataDir, "database");
    const holder = await lockDirectory(directory).then(
      (lock) => lock.release().then(() => undefined),
      (error: unknown) => {
        if (error instanceof Error && error.message.startsWith("another countersign")) return error.message;
        throw error;
      },
    );
    const free = `embedded, in ${directory}; nobody uses it, and the next start brings it up to date`;
    return well(holder === undefined ? free : `embedded, in ${directory}, in use by a running server`);
  },
});

const serverChecks = (config: Config): readonly Check[] => {
  const { databaseUrl } = config;
  const asked: { state: Promise<DatabaseState> | undefined } = { state: undefined };
  const state = (): Promise<DatabaseState> =>
    (asked.state ??= readState(databaseUrl).catch((error: unknown) => {
      throw new Error(describeConnectionError(error, databaseUrl), { cause: error });
    }));
  return [
    { name: "database", run: async () => state().then(() => well(`PostgreSQL at ${describeConnection(databaseUrl)}`)) },
    { name: "migrations", run: async () => migrationsIn(await state()) },
    { name: "row-level security", run: () => fenced(config) },
    { name: "database clock", run: async () => clockOf(await state()) },
    { name: "cache", run: () => cacheAnswers(config) },
  ];
};

const migrationsIn = async ({ applied }: DatabaseState) => {
  const ours = (await readdir(migrationsFolder)).filter((file) => file.endsWith(".sql"));
  const missing = ours.filter((file) => !applied.includes(file));
  const foreign = applied.filter((file) => !ours.includes(file));
  if (foreign.length > 0)
    return wrong(
      `the database has ${foreign.join(", ")}, which this release does not know: run the release that made it, or a later one`,
    );
  if (missing.length > 0)
    return wrong(`${missing.join(", ")} not applied yet: run \`countersign migrate\`, or start the server`);
  return well(`all ${ours.length} applied`);
};

/** Opening it verifies that the role it works as owns nothing and cannot bypass row-level security. */
const fenced = async (config: Config) => {
  const hooks = { fence: async () => undefined, publish: async () => undefined };
  const database = await openPostgres({
    url: config.databaseUrl,
    poolSize: 1,
    statementConnections: 1,
    statementTimeoutMs,
    hooks,
  });
  await database.close();
  return well("the application's role owns nothing and cannot bypass it");
};

const clockOf = ({ now }: DatabaseState) => {
  const skew = Math.abs(now - Date.now());
  return skew <= clockSkewMaxMs
    ? well("within 5 s of ours")
    : wrong(`the database's clock differs from ours by ${Math.round(skew / 1000)} s: synchronise both machines (NTP)`);
};

const cacheAnswers = async (config: Config) => {
  const cache = await openRedisCache({ url: config.cacheUrl, log: silentLog, random: randomOctets });
  await cache.close();
  return well("it answers");
};
