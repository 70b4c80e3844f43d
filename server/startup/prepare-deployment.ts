/**
 * What must be true of the database before anything is served: the secret key is the one it was set up with, the host has its node,
 * and the access model is the one in force, or may become it.
 */
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { type SecretKey, SealBroken, seal, unseal } from "../platform/keys/seal.ts";
import type { Log } from "../platform/log.ts";
import type { LoadedModel } from "./access-model.ts";
import { type Admission, admitModel } from "./model/admit-model.ts";
import { StartRefused } from "./refusal.ts";
import { ensureHostNode, lockStartup, readKeyCheck, writeKeyCheck } from "./store.ts";

const checkRow = "deployment/key_check";
const checkText = "countersign";

type Needs = {
  readonly database: Database;
  readonly secretKey: SecretKey;
  readonly loaded: LoadedModel;
  readonly clock: Clock;
  readonly log: Log;
};

export const prepareDeployment = async ({ database, secretKey, loaded, clock, log }: Needs): Promise<void> => {
  const admission = await database.hostTransaction(async (tx) => {
    await lockStartup(tx);
    const now = new Date(clock.now());
    const check = await readKeyCheck(tx);
    if (check === undefined) await writeKeyCheck(tx, seal(secretKey, checkRow, Buffer.from(checkText)), now);
    else refuseForeignKey(secretKey, check);
    await ensureHostNode(tx, now);
    return await admitModel(tx, loaded, now.getTime());
  });
  say(log, loaded, admission);
};

const say = (log: Log, { version, path: file }: LoadedModel, admission: Admission): void => {
  if (admission.at === "taken_up")
    log.info({ from: admission.active, to: version, file }, "another access model is in force now; it concerns nobody");
  if (admission.at === "overlapping")
    log.warn(
      { version, active: admission.active, file },
      "this process works with the access model that was in force before; replace it soon",
    );
};

const refuseForeignKey = (secretKey: SecretKey, check: Buffer): void => {
  try {
    unseal(secretKey, checkRow, check);
  } catch (error) {
    if (!(error instanceof SealBroken)) throw error;
    throw new StartRefused([
      "COUNTERSIGN_SECRET_KEY is not the key this database was set up with; use that key (for the embedded database, secret.key in the data directory), or an empty database",
    ]);
  }
};
