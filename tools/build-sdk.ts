// `npm run build:sdk`: the SDK as it is published, JavaScript with types, in sdk/dist. Node runs TypeScript that lies in a checkout, but none
// that lies in node_modules. An argument names another folder to build into.
import { spawnSync } from "node:child_process";
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Empties the folder and builds into it. Throws with the compiler's words where there are errors. */
export const buildSdk = (into: string): void => {
  rmSync(into, { recursive: true, force: true });
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [compiler, "-p", join(root, "sdk/tsconfig.json"), "--outDir", into],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`the SDK does not compile:\n${stdout}${stderr}`);
  for (const file of globSync("**/*.d.ts", { cwd: into })) rewriteImports(join(into, file));
};

/** The compiler rewrites `./route.ts` in JavaScript, and leaves it in declarations, where other compilers look for sources then. */
const rewriteImports = (file: string): void => {
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replaceAll(/((?:from|import\()\s*)"(\.{1,2}\/[^"]+)\.ts"/g, '$1"$2.js"'));
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const into = resolve(process.argv[2] ?? join(root, "sdk/dist"));
  buildSdk(into);
  console.log(`built ${into}`);
}
