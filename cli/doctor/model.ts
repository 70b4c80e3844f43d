/** Whether the model file is the one in force (ADR 10), and what to do where it is not. A server that runs works with the model it began with. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../../server/config.ts";
import { describeConnectionError } from "../../server/platform/database/describe-connection.ts";
import { lockDirectory } from "../../server/platform/database/directory-lock.ts";
import { modelMetric } from "../../server/platform/metrics.ts";
import { loadModel } from "../../server/startup/access-model.ts";
import { answerWithinMs, local } from "./serving.ts";
import { type Check, type Outcome, well, wrong } from "./outcome.ts";
import { type ModelState, readEmbeddedModel, readServerModel } from "./schema-store.ts";

export const modelInForceCheck = (config: Config): Check => ({
  name: "model in force",
  run: () => (config.databaseUrl === "" ? besideEmbedded(config) : besideServer(config)),
});

/** The file, by the version of what it says. */
type File = { readonly version: string; readonly path: string };

const besideServer = async (config: Config): Promise<Outcome> => {
  const file = loadModel(config.model);
  const state = await readServerModel(config.databaseUrl, file.version).catch((error: unknown) => {
    throw new Error(describeConnectionError(error, config.databaseUrl), { cause: error });
  });
  const compared = compare(file, state);
  const running = await runningModel(config);
  if ("wrong" in compared || running === undefined || state === undefined || running === state.active) return compared;
  return wrong(
    `version ${state.active} is in force, and the server on this machine was started with ${running}: start it anew`,
  );
};

/** Whoever has the embedded database open is asked; where nobody has, it is looked into. */
const besideEmbedded = async (config: Config): Promise<Outcome> => {
  const file = loadModel(config.model);
  const directory = join(config.dataDir, "database");
  // A first start that did not get to its end has left nothing (embedded-worker.ts).
  if (!existsSync(join(directory, "postgres")) || existsSync(join(directory, "postgres.unfinished")))
    return compare(file, undefined);
  const lock = await lockDirectory(directory).catch((error: unknown) => {
    if (error instanceof Error && error.message.startsWith("another countersign")) return undefined;
    throw error;
  });
  if (lock === undefined) return beside(file, await runningModel(config));
  try {
    return compare(file, await readEmbeddedModel(join(directory, "postgres"), file.version));
  } finally {
    await lock.release();
  }
};

const compare = ({ version, path }: File, state: ModelState | undefined): Outcome => {
  if (state === undefined) return well("none yet: the first server that is started puts the file's in force");
  const { active, startUntil } = state;
  if (active === version) return well(`version ${version}, the one in the file`);
  const differs = `version ${active} is in force, and the file has ${version}`;
  if (startUntil !== undefined)
    return wrong(
      `${differs}, the one before: servers may be started with it until ${startUntil.toISOString()}; name the model in force in COUNTERSIGN_MODEL before that, or go back with \`countersign model apply ${path}\``,
    );
  return wrong(
    `${differs}: ${toApply(path)}, or name the model in force in COUNTERSIGN_MODEL. A server starts with another one only where the difference concerns nobody`,
  );
};

const beside = ({ version, path }: File, running: string | undefined): Outcome => {
  if (running === undefined)
    return wrong(
      "not known: a server has the embedded database, and none answers for it: run this with its COUNTERSIGN_MANAGEMENT_PORT",
    );
  return running === version
    ? well(`version ${version}, the one in the file; the running server was started with it`)
    : wrong(
        `the running server was started with ${running}, and the file has ${version}: stop it, ${toApply(path)}, and start it again; or name its model in COUNTERSIGN_MODEL`,
      );
};

const toApply = (path: string): string =>
  `see what would change and for whom with \`countersign model diff ${path}\`, and put it in force with \`countersign model apply ${path}\``;

/** The version a server on this machine was started with, as its metrics say; undefined where none answers. */
const runningModel = async ({ managementHost, managementPort }: Config): Promise<string | undefined> => {
  if (managementPort === 0) return undefined;
  try {
    const response = await fetch(`http://${local(managementHost)}:${managementPort}/metrics`, {
      signal: AbortSignal.timeout(answerWithinMs),
      redirect: "error",
    });
    return new RegExp(`^${modelMetric}\\{[^}]*version="([0-9a-f]+)"`, "m").exec(await response.text())?.[1];
  } catch {
    return undefined;
  }
};
