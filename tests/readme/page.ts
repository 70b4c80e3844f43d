/** The README as a test reads it: its fenced blocks, its links, and a shell as its reader would have it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { delimiter, join, sep } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/** The checkout, where a reader's shell stands. */
export const root = fileURLToPath(new URL("../..", import.meta.url));
const endedWithinMs = 3 * 60_000;

export type Block = { readonly language: string; readonly body: string };

export type Page = {
  readonly text: string;
  /** In the order of the page. */
  readonly blocks: readonly Block[];
  /** Where links and pictures lead inside the checkout, without the part after `#`. */
  readonly links: readonly string[];
  /** What the page's code calls by `npm …` or `npm run …`: scripts of the package. */
  readonly scripts: readonly string[];
};

export const readPage = (path: string): Page => {
  const page = readFileSync(join(root, path), "utf8");
  const blocks = [...page.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language = "", body = ""]) => ({
    language,
    body,
  }));
  const code = [
    ...blocks.filter(({ language }) => language === "console").map(({ body }) => body),
    ...firsts(page, /`([^`\n]+)`/g),
  ];
  return {
    text: page,
    blocks,
    links: firsts(page, /\]\((?!https?:)([^)#]+)/g),
    scripts: code.flatMap((line) => firsts(line, /\bnpm (?:run )?([a-z]+)/g)),
  };
};

const firsts = (within: string, pattern: RegExp): readonly string[] =>
  [...within.matchAll(pattern)].map((match) => match[1] ?? "");

export type ShellRun = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** Runs a program in the checkout with the settings given and no others, on the Node the machine came with, as a reader would. */
export const inShell = async (
  command: readonly [string, ...string[]],
  settings: Readonly<Record<string, string>>,
): Promise<ShellRun> => {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    cwd: root,
    env: { ...surroundings(), ...settings },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: endedWithinMs,
    killSignal: "SIGKILL",
  });
  const closed = once(child, "close") as Promise<[number | null]>;
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { code, stdout, stderr };
};

const surroundings = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value = ""]) => {
      if (name.startsWith("COUNTERSIGN_") || name.startsWith("npm_")) return [];
      return [[name, name === "PATH" ? withoutInstalled(value) : value]];
    }),
  );

const withoutInstalled = (path: string): string =>
  path
    .split(delimiter)
    .filter((folder) => !folder.includes(`node_modules${sep}.bin`))
    .join(delimiter);
