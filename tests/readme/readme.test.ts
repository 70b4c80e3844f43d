/** The README tells the truth: its commands run in the order they stand, and what it shows is what comes out. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { freePort } from "../support/redis.ts";
import { startServer } from "../support/server-process.ts";
import { inShell, readPage, root } from "./page.ts";

const page = readPage("README.md");
const example = "examples/protect-an-api.mjs";

/** A block of commands, and the answer that is shown right below it. */
type Step = { readonly commands: string; readonly answer: string | undefined };

const steps: readonly Step[] = page.blocks.flatMap(({ language, body }, at) => {
  if (language !== "sh") return [];
  const next = page.blocks[at + 1];
  return [{ commands: body, answer: next?.language === "json" ? next.body : undefined }];
});

test("the README's commands run from top to bottom in one shell, and answer what it shows", async (t) => {
  const server = await startServer({ fromNothing: true });
  t.after(() => server.stop());
  const outputs = await mkdtemp(join(tmpdir(), "countersign-readme-"));
  t.after(() => rm(outputs, { recursive: true }));
  const port = await freePort();
  const here = (commands: string): string =>
    commands.replaceAll("http://localhost:8080", server.issuer).replaceAll("localhost:3000", `localhost:${port}`);
  // A group, and not a subshell: what one block sets, the next one uses.
  const groups = steps.map(({ commands }, at) => `{\n${here(commands)}} > "${outputs}/${at}"\n`);
  const script = ["set -e -o pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT", ...groups].join("\n");

  const { code, stderr } = await inShell(["bash", "-c", script], { ...server.env, PORT: String(port) });

  assert.equal(code, 0, stderr);
  for (const [at, { commands, answer }] of steps.entries()) {
    const said = await readFile(join(outputs, String(at)), "utf8");
    if (answer === undefined) assert.equal(said, "", `the README shows no answer to\n${commands}`);
    else assert.deepEqual(blurred(said, server.issuer), blurred(answer, "http://localhost:8080"), commands);
  }
});

/** An answer without what differs from one run to the next: ids, times, secrets, and where the server is. */
const blurred = (json: string, issuer: string): unknown =>
  JSON.parse(json, (_, value: unknown) => {
    if (typeof value === "number") return "a number";
    if (typeof value !== "string") return value;
    return changing.reduce((text, [pattern, name]) => text.replaceAll(pattern, name), value.replaceAll(issuer, "here"));
  });

const changing: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "(uuid)"],
  [/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, "(time)"],
  [/\bsa_live_[0-9a-z]+/g, "(client id)"],
  [/^s\d+:\d+:[\d,]*$/g, "(consistency token)"],
  // The README cuts it short.
  [/\bcs_secret_[\w-]+…?/g, "(secret)"],
];

test("the README's program is the one in examples/", () => {
  const shown = page.blocks.filter(({ language }) => language === "js").map(({ body }) => body);
  assert.deepEqual(shown, [readFileSync(join(root, example), "utf8")]);
  assert.ok(page.text.includes(`](${example})`), "and it is linked");
});

test("every script the README names is in package.json, and `npm test` is its test command", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: object };
  assert.deepEqual(
    page.scripts.filter((name) => !Object.hasOwn(scripts, name)),
    [],
  );
  const shown = page.blocks.filter(({ language }) => language === "console").map(({ body }) => body.trim());
  for (const command of ["npm start", "npm test", "npm run bench -- hot-path"]) assert.ok(shown.includes(command));
});

test("every link of the README leads somewhere", () => {
  assert.ok(page.links.length > 0);
  assert.deepEqual(
    page.links.filter((link) => !existsSync(join(root, link))),
    [],
  );
});
