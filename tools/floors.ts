// The floors rule (docs/glossary.md, `floor`): arrows point down, SQL stays in its place, nothing reaches for the clock
// by itself. Reads every source file and prints what breaks a rule; layout.ts says what may be where.
import { globSync, readFileSync } from "node:fs";
import { sep } from "node:path";
import { sourceFolders } from "./floors/layout.ts";
import { judge } from "./floors/rules.ts";
import { readSource } from "./floors/source.ts";

// What is built of the sources is not one of them.
const paths = globSync(
  sourceFolders.map((folder) => `${folder}/**/*.ts`),
  { exclude: ["sdk/dist/**"] },
).map((path) => path.split(sep).join("/"));
const sources = paths.toSorted().map((path) => readSource(path, readFileSync(path, "utf8")));
const { dependencies = {} }: { dependencies?: Record<string, string> } = JSON.parse(
  readFileSync("package.json", "utf8"),
);

const violations = judge({ sources, packages: Object.keys(dependencies) });
for (const { path, line, message } of violations) console.log(`${path}:${line} ${message}`);

const imports = sources.reduce((total, source) => total + source.imports.length, 0);
if (violations.length === 0) console.log(`${sources.length} files and ${imports} imports stand on their floors`);
process.exitCode = violations.length === 0 ? 0 : 1;
