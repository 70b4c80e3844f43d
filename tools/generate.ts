// `npm run generate`: writes every generated file of the repository; with `--check` it writes nothing and fails when
// one is not what its generator makes. A generator is a file in tools/generators/ that exports what `Generator` says.
import { globSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** What each file in tools/generators/ exports: where its output goes, from the repository's root, and how it is made. */
export type Generator = {
  readonly path: string;
  /** The same source always gives the same text: no clock, no randomness, no order that depends on the machine. */
  generate(): Promise<string>;
};

const main = async (args: readonly string[]): Promise<number> => {
  const check = args.includes("--check");
  const unknown = args.filter((argument) => argument !== "--check");
  if (unknown.length > 0) return complain([`unknown argument \`${unknown.join(" ")}\`: only --check is known`]);

  const files = globSync("tools/generators/*.ts")
    .filter((file) => !file.endsWith(".test.ts"))
    .toSorted();
  if (files.length === 0) return complain(["no generator was found in tools/generators/, so nothing was compared"]);

  const problems: string[] = [];
  const madeBy = new Map<string, string>();
  for (const file of files) {
    const generator = await load(file);
    if (generator === undefined) {
      problems.push(`${file} does not export \`path\` and \`generate\``);
      continue;
    }
    const other = madeBy.get(generator.path);
    if (other !== undefined) problems.push(`${generator.path} is made by both ${other} and ${file}`);
    madeBy.set(generator.path, file);

    const wanted = await generator.generate();
    const present = await readFile(generator.path, "utf8").catch(() => undefined);
    if (present === wanted) continue;
    if (check) {
      problems.push(`${generator.path}${firstDifference(present, wanted)}: run \`npm run generate\``);
    } else {
      await mkdir(dirname(generator.path), { recursive: true });
      await writeFile(generator.path, wanted);
      console.log(`wrote ${generator.path}`);
    }
  }
  if (problems.length > 0) return complain(problems);
  console.log(`${files.length} generated ${files.length === 1 ? "file is" : "files are"} up to date`);
  return 0;
};

const load = async (file: string): Promise<Generator | undefined> => {
  const module: Partial<Generator> = await import(pathToFileURL(resolve(join(process.cwd(), file))).href);
  const { path, generate } = module;
  return typeof path === "string" && typeof generate === "function" ? { path, generate } : undefined;
};

const firstDifference = (present: string | undefined, wanted: string): string => {
  if (present === undefined) return " is missing";
  const lines = present.split("\n");
  const differs = wanted.split("\n").findIndex((line, index) => line !== lines[index]);
  return ` is out of date from line ${(differs === -1 ? wanted.split("\n").length : differs) + 1}`;
};

const complain = (problems: readonly string[]): number => {
  for (const problem of problems) console.error(problem);
  return 1;
};

process.exitCode = await main(process.argv.slice(2));
