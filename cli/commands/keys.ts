/**
 * `countersign keys rotate`: makes the next signing key now, where one is not wanted to be waited for. It is published at once and signs once
 * every cached key set must have seen it; a server that runs takes it up within a minute.
 */
import { type Command, Option } from "commander";
import type { Config } from "../../server/config.ts";
import { systemClock } from "../../server/platform/clock.ts";
import { silentLog } from "../../server/platform/log.ts";
import { openStorage } from "../../server/startup/open-storage.ts";
import { type Rotated, rotatedAlgs, rotateKeys } from "../../server/startup/rotate-keys.ts";
import { loadSecretKey } from "../../server/startup/secret-key.ts";
import { printJson, remark } from "../output.ts";
import { readSettings } from "../settings.ts";

export const keysCommand = (program: Command): void => {
  program
    .command("keys")
    .description("the keys that tokens are signed with")
    .command("rotate")
    .description("make the next signing key of one algorithm; it signs once every cached key set must have it")
    .addOption(new Option("--alg <name>", "whose key").choices(rotatedAlgs).default("ES256"))
    .action(async ({ alg }: Pick<Rotated, "alg">) => {
      const { kid, signFrom, made } = await rotate(readSettings(), alg);
      printJson({ alg, kid, signs_from: new Date(signFrom).toISOString() });
      if (!made) remark("the next key was waiting already, and no other was made");
    });
};

const rotate = async (config: Config, alg: Rotated["alg"]): Promise<Rotated> => {
  const needs = { clock: systemClock, log: silentLog };
  const storage = await openStorage({ ...needs, config, migrate: false, committed: () => undefined });
  try {
    return await rotateKeys({ ...needs, database: storage.database, secretKey: loadSecretKey(config) }, alg);
  } finally {
    await storage.close();
  }
};
