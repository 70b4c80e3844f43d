/**
 * `countersign keys rotate`: makes the next signing key now, where one is not wanted to be waited for. It is published at once and signs once
 * every cached key set must have seen it; a server that runs takes it up within a minute.
 */
import { type Command, Option } from "commander";
import { unattributed } from "../../core/attribution.ts";
import { hostTenant } from "../../core/ids.ts";
import { appendInTransaction } from "../../server/audit/store.ts";
import type { Config } from "../../server/config.ts";
import { systemClock } from "../../server/platform/clock.ts";
import { silentLog } from "../../server/platform/log.ts";
import { newId } from "../../server/platform/random.ts";
import { openStorage } from "../../server/startup/open-storage.ts";
import { loadSecretKey } from "../../server/startup/secret-key.ts";
import { openSigningKeys, type SigningAlg, signingAlgs, type SigningKey } from "../../server/tokens/signing-keys.ts";
import { printJson, remark } from "../output.ts";
import { readSettings } from "../settings.ts";

export const keysCommand = (program: Command): void => {
  program
    .command("keys")
    .description("the keys that tokens are signed with")
    .command("rotate")
    .description("make the next signing key of one algorithm; it signs once every cached key set must have it")
    .addOption(new Option("--alg <name>", "whose key").choices(signingAlgs).default("ES256"))
    .action(async ({ alg }: { readonly alg: SigningAlg }) => {
      const { key, made } = await rotate(readSettings(), alg);
      printJson({ alg: key.alg, kid: key.kid, signs_from: new Date(key.signFrom).toISOString() });
      if (!made) remark("the next key was waiting already, and no other was made");
    });
};

type Rotated = { readonly key: SigningKey; readonly made: boolean };

const rotate = async (config: Config, alg: SigningAlg): Promise<Rotated> => {
  const needs = { clock: systemClock, log: silentLog };
  const storage = await openStorage({ ...needs, config, migrate: false, committed: () => undefined });
  try {
    const { database } = storage;
    const keys = await openSigningKeys({ ...needs, database, secretKey: loadSecretKey(config) });
    try {
      // Keys are published in the order in which they begin to sign.
      const newest = (): SigningKey | undefined => {
        const last = keys.keySet().keys.findLast((one) => one.alg === alg);
        return last?.kid === undefined ? undefined : keys.find(last.kid);
      };
      const before = newest();
      await keys.rotate(alg);
      const key = newest();
      if (key === undefined) throw new Error(`there is no ${alg} key`);
      const made = key.kid !== before?.kid;
      if (made)
        await database.hostTransaction((tx) =>
          appendInTransaction(tx, {
            tenant: hostTenant,
            id: newId(),
            time: systemClock.now(),
            action: "host.rotate-keys",
            outcome: "done",
            attribution: unattributed,
            target: null,
            targetPath: null,
            permission: null,
            bypass: false,
            because: { rule: "operator" },
            detail: { alg, kid: key.kid, signs_from: new Date(key.signFrom).toISOString() },
          }),
        );
      return { key, made };
    } finally {
      keys.close();
    }
  } finally {
    await storage.close();
  }
};
