/**
 * `countersign model …`: what another access model would change and for whom, putting it in force, and the assertions written beside it.
 *
 * Exit codes: 0, the model may be put in force, was, or holds what its assertions say; 1, it may not or does not, or the command could not
 * find out (then nothing is on standard output).
 */
import { type Command, InvalidArgumentError } from "commander";
import type { Change } from "../../core/model/change.ts";
import { impactLines } from "../../core/model/impact-text.ts";
import type { Impact } from "../../core/model/impact.ts";
import type { Config } from "../../server/config.ts";
import { systemClock } from "../../server/platform/clock.ts";
import type { Database } from "../../server/platform/database/database.ts";
import { silentLog } from "../../server/platform/log.ts";
import { loadModel } from "../../server/startup/access-model.ts";
import { type Applied, applyModel, type ApplyOptions } from "../../server/startup/model/apply-model.ts";
import { overlap_seconds_default, overlap_seconds_max } from "../../server/startup/model/record-model.ts";
import { openStorage } from "../../server/startup/open-storage.ts";
import { Failure } from "../failure.ts";
import { print, printJson, remark } from "../output.ts";
import { readSettings } from "../settings.ts";
import { modelTestCommand } from "./model-test.ts";

export const modelCommand = (program: Command): void => {
  const model = program
    .command("model")
    .description("the access model: what a change of it means, and putting it in force");
  model
    .command("diff")
    .description("compare a model file with the model in force, and name whom each difference concerns")
    .argument("<file>", "the model that may be put in force")
    .option("--json", "print it as JSON")
    .action(async (file: string, { json }: { readonly json?: true }) => {
      const applied = await run(file, { allowed: nothingAllowed, dryRun: true, overlapSeconds: 0 });
      if (json === true) printJson(asJson(applied));
      else print(diffLines(file, applied).join("\n"));
      if (refusedOf(applied).length > 0) process.exitCode = 1;
    });
  model
    .command("apply")
    .description("put a model file in force: servers are then started with it")
    .argument("<file>", "the model")
    .option("--allow-widening", "although somebody gains rights, or needs less consent")
    .option("--allow-stranding", "although something that is stored then refers to nothing")
    .option("--dry-run", "check, and change nothing")
    .option(
      "--overlap-seconds <seconds>",
      `how long servers may still be started with the model before (default: ${overlap_seconds_default})`,
      overlapSeconds,
      overlap_seconds_default,
    )
    .action(async (file: string, options: ApplyFlags) => {
      const applied = await run(file, {
        allowed: { widening: options.allowWidening === true, stranding: options.allowStranding === true },
        dryRun: options.dryRun === true,
        overlapSeconds: options.overlapSeconds,
      });
      const refused = refusedOf(applied);
      if (refused.length > 0) throw new Failure(...refusal(refused));
      print([...changesOf(applied), outcome(applied, options.dryRun === true)].join("\n"));
      if (applied.at === "applied")
        remark("servers that run go on with the model they were started with: start them anew with this one");
    });
  modelTestCommand(model);
};

type ApplyFlags = {
  readonly allowWidening?: true;
  readonly allowStranding?: true;
  readonly dryRun?: true;
  readonly overlapSeconds: number;
};

const nothingAllowed = { widening: false, stranding: false } as const;

const overlapSeconds = (text: string): number => {
  const seconds = /^\d{1,7}$/.test(text) ? Number(text) : Infinity;
  if (seconds > overlap_seconds_max)
    throw new InvalidArgumentError(`must be a whole number from 0 to ${overlap_seconds_max}`);
  return seconds;
};

const run = async (file: string, options: ApplyOptions): Promise<Applied> => {
  const config = readSettings();
  const loaded = loadModel(file);
  return withDatabase(config, !options.dryRun, (database) =>
    applyModel({ database, clock: systemClock }, loaded, options),
  );
};

/** Looking changes nothing, so it migrates nothing either; on the embedded database opening is migrating. */
const withDatabase = async <T>(
  config: Config,
  migrate: boolean,
  work: (database: Database) => Promise<T>,
): Promise<T> => {
  const storage = await openStorage({
    config,
    clock: systemClock,
    log: silentLog,
    migrate,
    committed: () => undefined,
  }).catch((error: unknown) => {
    throw inUse(error) ?? error;
  });
  try {
    return await work(storage.database);
  } catch (error) {
    throw unmigrated(error) ?? error;
  } finally {
    await storage.close();
  }
};

/** The embedded database belongs to whoever has it open. */
const inUse = (error: unknown): Failure | undefined =>
  error instanceof Error && error.message.startsWith("another countersign")
    ? new Failure(error.message, "the embedded database serves one process: stop the server, and run this again")
    : undefined;

/** undefined_table, undefined_column, undefined_function. */
const missing: readonly unknown[] = ["42P01", "42703", "42883"];

const unmigrated = (error: unknown): Failure | undefined =>
  error instanceof Error && "code" in error && missing.includes(error.code)
    ? new Failure("the database lacks migrations of this release: run `countersign migrate`")
    : undefined;

const refusedOf = (applied: Applied): readonly Impact[] => (applied.at === "reviewed" ? applied.refused : []);

const changesOf = (applied: Applied): readonly string[] =>
  "review" in applied ? impactLines(applied.review.changes, applied.review.impacts) : [];

const diffLines = (file: string, applied: Applied): readonly string[] => {
  const lines = changesOf(applied);
  if (!("review" in applied)) return [outcome(applied, true)];
  const { impacts, changes } = applied.review;
  const flags = flagsFor(refusedOf(applied));
  const verdict =
    impacts.length === 0
      ? "this concerns nobody: a server that is started with it puts it in force"
      : `put it in force with: countersign model apply ${file}${flags}`;
  return [...lines, ...(changes.length === 0 ? ["both say the same"] : []), "", verdict];
};

const outcome = (applied: Applied, dry: boolean): string => {
  switch (applied.at) {
    case "same":
      return `version ${applied.version} is in force already`;
    case "first":
      return dry
        ? "no model is in force yet: the first server that is started puts its own in force"
        : `version ${applied.version} is in force, the first one`;
    case "reviewed":
      return `version ${applied.review.to} may take the place of ${applied.review.from}; nothing was changed`;
    case "applied":
      return `version ${applied.review.to} is in force, and was ${applied.review.from} until now`;
    default:
      return applied satisfies never;
  }
};

const flagsFor = (refused: readonly Impact[]): string =>
  (
    [
      ["widens", " --allow-widening"],
      ["strands", " --allow-stranding"],
    ] as const
  )
    .filter(([effect]) => refused.some(({ change }) => change.effect === effect))
    .map(([, flag]) => flag)
    .join("");

const refusal = (refused: readonly Impact[]): readonly string[] => [
  "the model is not put in force:",
  ...impactLines(
    refused.map(({ change }) => change),
    refused,
  ),
  `if that is meant, say so:${flagsFor(refused)}`,
];

const asJson = (applied: Applied): unknown =>
  "review" in applied
    ? {
        from: applied.review.from,
        to: applied.review.to,
        harmless: applied.review.impacts.length === 0,
        refused: applied.refused.length > 0,
        changes: applied.review.changes.flatMap((change) => changeJson(change, applied.review.impacts)),
      }
    : {
        from: applied.at === "same" ? applied.version : null,
        to: applied.version,
        harmless: true,
        refused: false,
        changes: [],
      };

const changeJson = (change: Change, impacts: readonly Impact[]): readonly unknown[] => {
  const { effect, path, what, permissions } = change;
  const tenants = impacts.find((one) => one.change === change)?.tenants ?? [];
  return [{ effect, path, what, permissions, tenants }];
};
