// `npm run check`: everything about the code that can be judged without running it. All checks run, whatever the
// others say; those that failed are shown with their output.
import { spawn } from "node:child_process";
import { join } from "node:path";

type Check = { readonly name: string; readonly command: readonly string[] };

const checks: readonly Check[] = [
  { name: "types", command: ["tsc", "-p", "."] },
  { name: "lint", command: ["oxlint", "--type-aware", "--deny-warnings"] },
  { name: "format", command: ["biome", "format", "--colors=off", "."] },
  { name: "floors", command: ["node", "tools/floors.ts"] },
  { name: "lock", command: ["node", "tools/lock.ts"] },
  { name: "generated files", command: ["node", "tools/generate.ts", "--check"] },
];

type Outcome = { readonly name: string; readonly ok: boolean; readonly output: string };

const binaries = join(process.cwd(), "node_modules", ".bin");
const checksAtOnce = 2;

const main = async (): Promise<number> => {
  const outcomes: Outcome[] = [];
  const waiting = checks.values();
  const worker = async (): Promise<void> => {
    for (const check of waiting) {
      const outcome = await runCheck(check);
      console.log(`${outcome.ok ? "ok  " : "FAIL"} ${check.name}`);
      outcomes.push(outcome);
    }
  };
  await Promise.all(Array.from({ length: checksAtOnce }, worker));

  const failed = outcomes.filter((outcome) => !outcome.ok);
  for (const { name, output } of failed) console.log(`\n── ${name} ──\n${output.trim()}`);
  if (failed.length > 0) console.log(`\nfailed: ${failed.map(({ name }) => name).join(", ")}`);
  return failed.length === 0 ? 0 : 1;
};

const runCheck = async ({ name, command }: Check): Promise<Outcome> => {
  const [program = "", ...args] = command;
  const isNode = program === "node";
  const windows = process.platform === "win32";
  const child = spawn(isNode ? process.execPath : join(binaries, windows ? `${program}.cmd` : program), args, {
    // The tools' own scripts look for `node`, and must find the pinned one.
    env: { ...process.env, PATH: `${binaries}${windows ? ";" : ":"}${process.env["PATH"] ?? ""}` },
    shell: windows && !isNode,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output: string[] = [];
  child.stdout.setEncoding("utf8").on("data", (text: string) => output.push(text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => output.push(text));
  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ name, ok: false, output: error.message }));
    child.on("close", (code) => resolve({ name, ok: code === 0, output: output.join("") }));
  });
};

process.exitCode = await main();
