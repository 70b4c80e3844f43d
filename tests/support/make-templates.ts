/** Makes the databases of templates.ts, by what makes them in a deployment. */
import { randomBytes } from "node:crypto";
import { systemClock } from "../../server/platform/clock.ts";
import { openMemoryCache } from "../../server/platform/cache/memory-cache.ts";
import { migratePostgres, openPostgres } from "../../server/platform/database/postgres.ts";
import { silentLog } from "../../server/platform/log.ts";
import { randomOctets } from "../../server/platform/random.ts";
import { bootstrap } from "../../server/startup/bootstrap.ts";
import type { Bootstrap } from "../../server/startup/bootstrap-file.ts";
import { migrationsFolder } from "../../server/startup/open-storage.ts";
import { ensureHostNode } from "../../server/startup/store.ts";
import { administer, onDatabase } from "./postgres.ts";
import type { Templates } from "./templates.ts";

/** On the server whose superuser's URL this is; `drop` takes them away again. */
export const makeTemplates = async (url: string): Promise<{ readonly made: Templates; drop(): Promise<void> }> => {
  const [migrated, bootstrapped] = [nameFor("migrated"), nameFor("bootstrapped")];
  await administer(url, `create database ${migrated} template template0`);
  await migratePostgres(onDatabase(url, migrated), migrationsFolder);
  await administer(url, `create database ${bootstrapped} template ${migrated}`);
  return {
    made: { migrated, bootstrapped, bootstrap: await bootstrapIn(onDatabase(url, bootstrapped)) },
    drop: async () => {
      for (const name of [migrated, bootstrapped])
        await administer(url, `drop database if exists ${name} with (force)`);
    },
  };
};

const nameFor = (kind: string): string => `countersign_template_${kind}_${randomBytes(8).toString("hex")}`;

const bootstrapIn = async (url: string): Promise<Bootstrap> => {
  const cache = openMemoryCache({ clock: systemClock, random: randomOctets });
  const database = await openPostgres({ url, poolSize: 1, statementTimeoutMs: 10_000, hooks: cache });
  try {
    await database.hostTransaction((tx) => ensureHostNode(tx, new Date(systemClock.now())));
    return await bootstrap({ database, cache, clock: systemClock, log: silentLog }, "http://localhost:8080");
  } finally {
    // A database somebody is connected to can't be copied.
    await database.close();
    await cache.close();
  }
};
