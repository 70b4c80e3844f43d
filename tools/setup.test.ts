import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const repository = dirname(dirname(fileURLToPath(import.meta.url)));

const lock = {
  packages: {
    "": { name: "fixture" },
    "node_modules/needed": { version: "1.0.0", integrity: "sha512-a" },
    "node_modules/tool": { version: "1.0.0", integrity: "sha512-b", dev: true },
    "node_modules/elsewhere": { version: "1.0.0", integrity: "sha512-c", optional: true },
  },
};

/** Stands in for npm: notes its arguments, and installs what the lock says, the running Node as the pinned one. */
const npm = `#!/bin/sh
set -e
echo "$@" >> npm-calls
[ ! -e npm-fails ] || { echo "npm error code ENETWORK" >&2; exit 7; }
rm -rf node_modules
mkdir -p node_modules/.bin node_modules/needed
ln -s "$REAL_NODE" node_modules/.bin/node
case "$*" in
  *--omit=dev*) left_out='elsewhere|tool' ;;
  *) left_out='elsewhere'; mkdir node_modules/tool ;;
esac
grep -Ev "node_modules/($left_out)" package-lock.json > node_modules/.package-lock.json
`;

type Checkout = {
  readonly folder: string;
  write(path: string, text: string): void;
  run(...args: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string };
  /** What npm has been called with. */
  calls(): readonly string[];
};

const withCheckout = async (use: (checkout: Checkout) => Promise<void> | void): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "countersign-setup-"));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  for (const path of ["tools/setup.mjs", "tools/launch.mjs", "cli/countersign.mjs"]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(repository, path), join(folder, path));
  }
  write("package-lock.json", writeLock());
  write("bin/npm", npm);
  chmodSync(join(folder, "bin/npm"), 0o755);
  const says = `console.log(JSON.stringify(process.argv.slice(2))); process.exit(5);`;
  for (const entry of ["server/main.ts", "tools/check.ts", "cli/main.ts"]) write(entry, says);
  const calls = join(folder, "npm-calls");
  try {
    await use({
      folder,
      write,
      run: (script, ...args) =>
        spawnSync(process.execPath, [join(folder, script ?? ""), ...args], {
          encoding: "utf8",
          env: environment(folder),
        }),
      calls: () => (existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : []),
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const environment = (folder: string): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${join(folder, "bin")}:${process.env["PATH"] ?? ""}`,
  REAL_NODE: process.execPath,
});

/** One package a line, so that the stand-in for npm can leave one out with grep. */
const writeLock = (packages: Readonly<Record<string, object>> = lock.packages): string => {
  const lines = Object.entries(packages).map(([path, entry]) => `${JSON.stringify(path)}: ${JSON.stringify(entry)}`);
  return `{ "packages": {\n${lines.toReversed().join(",\n")}\n} }\n`;
};

test("a fresh checkout is set up for production once, and the entry gets its arguments and gives its exit code", () =>
  withCheckout(({ run, calls }) => {
    const first = run("tools/setup.mjs", "start", "--one", "two words");
    assert.equal(first.stderr, "setting up (first time only) …\n");
    assert.equal(first.stdout, `["--one","two words"]\n`);
    assert.equal(first.status, 5);
    const second = run("tools/setup.mjs", "start");
    assert.equal(second.stderr, "");
    assert.equal(calls().length, 1);
    assert.match(calls()[0] ?? "", /^ci --ignore-scripts --include=optional --omit=dev /);
  }));

test("what was set up for production is completed for the checks, and the whole serves production too", () =>
  withCheckout(({ run, calls }) => {
    run("tools/setup.mjs", "start");
    run("tools/setup.mjs", "check");
    run("tools/setup.mjs", "check");
    run("tools/setup.mjs", "start");
    assert.deepEqual(
      calls().map((call) => call.includes("--include=dev")),
      [false, true],
    );
  }));

test("a lock that has changed, and a package that was deleted, are installed again", () =>
  withCheckout(({ run, calls, write, folder }) => {
    run("tools/setup.mjs", "start");
    write("package-lock.json", writeLock({ ...lock.packages, "node_modules/needed": { version: "2.0.0" } }));
    const changed = run("tools/setup.mjs", "start");
    assert.equal(changed.stderr, "setting up (the dependencies have changed) …\n");
    rmSync(join(folder, "node_modules/needed"), { recursive: true });
    run("tools/setup.mjs", "start");
    assert.equal(calls().length, 3);
  }));

test("when npm fails its words are shown, with what to do, and the exit code is not 0", () =>
  withCheckout(({ run, write }) => {
    write("npm-fails", "");
    const { status, stdout, stderr } = run("tools/setup.mjs", "start");
    assert.equal(status, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /npm error code ENETWORK/);
    assert.match(stderr, /setting up failed: `npm ci .*` ended with 7\nIt needs the npm registry/);
  }));

test("an unknown name is refused with the names there are", () =>
  withCheckout(({ run }) => {
    const { status, stderr } = run("tools/setup.mjs", "toString");
    assert.equal(status, 2);
    assert.match(stderr, /start\|tour\|test/);
  }));

test("the command line sets itself up in the same way", () =>
  withCheckout(({ run }) => {
    const { status, stdout } = run("cli/countersign.mjs", "check", "--json");
    assert.equal(stdout, `["check","--json"]\n`);
    assert.equal(status, 5);
  }));

const server = `process.on("SIGTERM", () => { console.log("told to end"); process.exit(42); });
setInterval(() => {}, 1000);
console.log("ready", process.pid);`;

for (const [how, flags, env] of [
  ["by becoming the program", [], {}],
  ["by passing it on, where Node cannot", ["--import", "data:text/javascript,delete process.execve"], {}],
  ["by passing it on, under npm", [], { npm_lifecycle_event: "start" }],
] as const) {
  test(`a signal reaches the program ${how}`, () =>
    withCheckout(async ({ run, folder, write }) => {
      run("tools/setup.mjs", "start");
      write("server/main.ts", server);
      const { npm_lifecycle_event: _, ...outside } = environment(folder);
      const child = spawn(process.execPath, [...flags, join(folder, "tools/setup.mjs"), "start"], {
        env: { ...outside, ...env },
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(child.stdout, "data");
      child.kill("SIGTERM");
      assert.deepEqual(await once(child, "exit"), [42, null]);
    }));
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`${signal} to the shell that npm runs a script with ends the program too`, () =>
    withCheckout(async ({ run, folder, write }) => {
      run("tools/setup.mjs", "start");
      write("server/main.ts", server);
      // The second command keeps the shell from becoming the first.
      const shell = spawn("sh", ["-c", `"${process.execPath}" tools/setup.mjs start; true`], {
        cwd: folder,
        env: { ...environment(folder), npm_lifecycle_event: "start" },
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [ready] = await once(shell.stdout, "data");
      assert.match(String(ready), /^ready/);
      shell.kill(signal);
      const [last] = await once(shell.stdout, "data");
      assert.equal(String(last), "told to end\n");
    }));
}
