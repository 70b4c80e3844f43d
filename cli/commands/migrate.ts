/** `countersign migrate`: brings the database's schema up to date, and says what that took. A start does the same by itself. */
import { join } from "node:path";
import type { Command } from "commander";
import type { Config } from "../../server/config.ts";
import { openEmbedded } from "../../server/platform/database/embedded.ts";
import { migratePostgres } from "../../server/platform/database/postgres.ts";
import { migrationsFolder } from "../../server/startup/open-storage.ts";
import { print } from "../output.ts";
import { readSettings } from "../settings.ts";

export const migrateCommand = (program: Command): void => {
  program
    .command("migrate")
    .description("apply the migrations the database does not have yet")
    .action(async () => {
      const applied = await migrate(readSettings());
      print(applied.length === 0 ? "the database was up to date" : applied.map((file) => `applied ${file}`).join("\n"));
    });
};

/** The files applied. Nothing is cached by this process, so there is nothing to tell a cache. */
const migrate = async (config: Config): Promise<readonly string[]> => {
  if (config.databaseUrl !== "") return (await migratePostgres(config.databaseUrl, migrationsFolder)).applied;
  const hooks = { fence: async () => undefined, publish: async () => undefined };
  const directory = join(config.dataDir, "database");
  const database = await openEmbedded({ directory, migrations: migrationsFolder, hooks });
  await database.close();
  return database.applied;
};
