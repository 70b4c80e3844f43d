/**
 * `countersign bootstrap`: the first credentials of a deployment, as JSON. The embedded database belongs to the server while that one
 * runs, and has written them already.
 */
import type { Command } from "commander";
import { silentLog } from "../../server/platform/log.ts";
import { systemClock } from "../../server/platform/clock.ts";
import { loadModel } from "../../server/startup/access-model.ts";
import { bootstrap } from "../../server/startup/bootstrap.ts";
import { bootstrapFile, writeBootstrap } from "../../server/startup/bootstrap-file.ts";
import { openStorage } from "../../server/startup/open-storage.ts";
import { prepareDeployment } from "../../server/startup/prepare-deployment.ts";
import { loadSecretKey } from "../../server/startup/secret-key.ts";
import type { Config } from "../../server/config.ts";
import { Failure } from "../failure.ts";
import { printJson, remark } from "../output.ts";
import { readSettings } from "../settings.ts";

export const bootstrapCommand = (program: Command): void => {
  program
    .command("bootstrap")
    .description("make a super admin service account good for 24 hours, and print its credentials")
    .option(
      "--no-save",
      "print them only; otherwise bootstrap.json in the data directory has them too, for `countersign token`",
    )
    .action(async ({ save }: { readonly save: boolean }) => {
      const config = readSettings();
      const made = await make(config);
      printJson(made);
      if (save) keep(config, () => writeBootstrap(config.dataDir, made));
    });
};

const make = async (config: Config) => {
  const loaded = loadModel(config.model);
  const secretKey = loadSecretKey(config);
  const needs = { clock: systemClock, log: silentLog };
  const storage = await openStorage({ ...needs, config, migrate: true, committed: () => undefined }).catch(
    (error: unknown) => {
      throw inUse(config, error) ?? error;
    },
  );
  try {
    await prepareDeployment({ ...needs, database: storage.database, secretKey, loaded });
    return await bootstrap({ ...needs, database: storage.database, cache: storage.cache }, config.issuer);
  } finally {
    await storage.close();
  }
};

/** The lock of the embedded database names who holds it; a server that holds it has written what is asked for here. */
const inUse = (config: Config, error: unknown): Failure | undefined =>
  config.databaseUrl === "" && error instanceof Error && error.message.startsWith("another countersign")
    ? new Failure(
        error.message,
        `a server that runs on it has written the credentials to \`${bootstrapFile(config.dataDir)}\`; \`countersign token\` uses them`,
      )
    : undefined;

/** Printing was what was asked for; a folder that cannot be written spoils nothing. */
const keep = (config: Config, write: () => void): void => {
  try {
    write();
    remark(`kept in ${bootstrapFile(config.dataDir)}, where \`countersign token\` finds them`);
  } catch (error) {
    remark(`not kept in ${bootstrapFile(config.dataDir)}: ${error instanceof Error ? error.message : String(error)}`);
  }
};
