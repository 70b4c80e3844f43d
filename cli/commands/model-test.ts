/** `countersign model test`: runs the assertions written beside access models. Needs no server and no database. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { type Assertions, readAssertions } from "../../core/model/assertions/read-assertions.ts";
import { type Result, runAssertions } from "../../core/model/assertions/run.ts";
import { type Coverage, uncovered } from "../../core/model/assertions/coverage.ts";
import type { Model } from "../../core/model/model.ts";
import { formatTextError } from "../../core/model/yaml-text.ts";
import { loadModel } from "../../server/startup/access-model.ts";
import { StartRefused } from "../../server/startup/refusal.ts";
import { Failure } from "../failure.ts";
import { print } from "../output.ts";
import { readSettings } from "../settings.ts";

const suffix = ".test.yaml";

export const modelTestCommand = (model: Command): void => {
  model
    .command("test")
    .description("run the assertions written beside access models")
    .argument(
      "[files...]",
      `files of assertions, or folders of them (default: the ${suffix} beside the model in force here)`,
    )
    .option("--complete", "also fail where a role, a level or a governed permission is not decided in full")
    .action((named: readonly string[], { complete }: { readonly complete?: true }) => {
      const files = named.length === 0 ? [besideOwnModel()] : named.flatMap(filesOf);
      const outcomes = files.map((file) => outcomeOf(file, complete === true));
      print(outcomes.flatMap(({ lines }) => lines).join("\n"));
      if (outcomes.some(({ holds }) => !holds)) process.exitCode = 1;
    });
};

const besideOwnModel = (): string => loadModel(readSettings().model).path.replace(/\.yaml$/, suffix);

const filesOf = (named: string): readonly string[] => {
  const isFolder = statSync(named, { throwIfNoEntry: false })?.isDirectory() === true;
  if (!isFolder) return [named];
  const found = readdirSync(named)
    .filter((file) => file.endsWith(suffix))
    .toSorted();
  if (found.length === 0) throw new Failure(`there is no ${suffix} in \`${named}\``);
  return found.map((file) => join(named, file));
};

type Outcome = { readonly holds: boolean; readonly lines: readonly string[] };

const outcomeOf = (file: string, complete: boolean): Outcome => {
  const read = readAssertions(readText(file), file, (named) => modelFor(file, named));
  if ("errors" in read)
    return { holds: false, lines: [`FAIL ${file}`, ...read.errors.map((one) => `  ${formatTextError(one)}`)] };
  const results = runAssertions(read.model, read.document);
  const failed = results.filter(({ failures }) => failures.length > 0);
  const open = openLines(uncovered(read.model, read.document));
  const holds = failed.length === 0 && (!complete || open.length === 0);
  const passed = results.length - failed.length;
  return {
    holds,
    lines: [
      `${holds ? "ok  " : "FAIL"} ${file}  ${passed} passed, ${failed.length} failed`,
      ...failed.flatMap((result) => failureLines(file, read, result)),
      ...open.map((line) => `  ${line}`),
    ],
  };
};

const failureLines = (file: string, { lineOf }: Assertions, { test, failures }: Result): readonly string[] => [
  `  ${test.name}`,
  ...failures.map(({ path, what }) => `    ${file}:${lineOf(path)}: ${what}`),
];

const openLines = ({ roles, levels, governed }: Coverage): readonly string[] =>
  (
    [
      ["no test says exactly what these roles may do", roles],
      ["no test says exactly what these levels give", levels],
      ["no test says what these oblige to", governed],
    ] as const
  ).flatMap(([what, names]) => (names.length === 0 ? [] : [`${what}: ${names.join(", ")}`]));

const readText = (file: string): string => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new Failure(
      `\`${file}\` cannot be read; assertions are in a file beside the model, such as models/default${suffix}`,
    );
  }
};

/** The one it names, or the one of its own name: `b2b2x.yaml` for `b2b2x.test.yaml`. */
const modelFor = (file: string, named: string | undefined): { readonly model: Model } | { readonly wrong: string } => {
  const path = named === undefined ? file.replace(/\.test(\.ya?ml)$/, "$1") : resolve(dirname(file), named);
  if (named === undefined && path === file)
    return { wrong: `is missing, and the file's name, without \`${suffix}\`, does not say which` };
  try {
    return { model: loadModel(path).model };
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    const said = error.reasons.length === 1 && error.reasons[0]?.startsWith("COUNTERSIGN_MODEL names") === true;
    return { wrong: said ? `there is no model \`${relative("", path)}\`` : error.reasons.join("; ") };
  }
};
