// Finds what the tests and benchmarks need and npm does not ship, or installs it where that is allowed, or says which
// command to run. It never lets anything be skipped.
import { spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Valkey first: where both are installed, it is the one that production is recommended to use. */
const cacheServers = ["valkey-server", "redis-server"] as const;

/** Debian keeps these outside an ordinary user's PATH. */
const moreFolders = ["/usr/local/bin", "/usr/bin", "/usr/sbin", "/opt/homebrew/bin"] as const;

/** The path of an executable, or undefined. */
export const findExecutable = (name: string): string | undefined => {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...moreFolders];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
};

/** The path of `valkey-server` or `redis-server`, installing the latter where apt-get may; throws with what to run otherwise. */
export const ensureCacheServer = (): string => {
  const found = findCacheServer();
  if (found !== undefined) return found;
  const problem = installWithApt("redis-server");
  const installed = findCacheServer();
  if (installed !== undefined) return installed;
  throw new Error(
    [
      `the tests need \`${cacheServers.join("` or `")}\`, and neither is installed${problem === "" ? "" : ` (${problem})`}`,
      `run this, then try again: ${installCommand()}`,
    ].join("\n"),
  );
};

const findCacheServer = (): string | undefined => cacheServers.map(findExecutable).find((path) => path !== undefined);

const browsers = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"] as const;
/** Where macOS keeps it. */
const applications = [
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
] as const;

const findBrowser = (): string | undefined =>
  browsers.map(findExecutable).find((path) => path !== undefined) ?? applications.find(isExecutable);

/** The path of a Chromium, installing one where apt-get may; throws with what to run otherwise. Only tests need it. */
export const ensureChromium = (): string => {
  const found = findBrowser();
  if (found !== undefined) return found;
  const problem = installWithApt("chromium");
  const installed = findBrowser();
  if (installed !== undefined) return installed;
  throw new Error(
    [
      `the tests of the pages need Chromium, and it is not installed${problem === "" ? "" : ` (${problem})`}`,
      `run this, then try again: ${installBrowserCommand()}`,
    ].join("\n"),
  );
};

const installBrowserCommand = (): string => {
  if (findExecutable("apt-get") !== undefined) return "sudo apt-get update && sudo apt-get install -y chromium";
  if (findExecutable("dnf") !== undefined) return "sudo dnf install -y chromium";
  if (findExecutable("apk") !== undefined) return "sudo apk add chromium";
  return "brew install --cask chromium";
};

/** The gateways that the guide's configurations are tried with. */
const gateways = ["nginx", "caddy"] as const;
export type Gateway = (typeof gateways)[number];

/** The paths of nginx and Caddy, installing what is missing where apt-get may; throws with what to run otherwise. Only tests need them. */
export const ensureGateways = (): Readonly<Record<Gateway, string>> => {
  const missing = gateways.filter((name) => findExecutable(name) === undefined);
  const problems = missing.map(installWithApt).filter((problem) => problem !== "");
  const still = gateways.filter((name) => findExecutable(name) === undefined);
  const [nginx, caddy] = gateways.map(findExecutable);
  if (nginx !== undefined && caddy !== undefined) return { nginx, caddy };
  throw new Error(
    [
      `the tests of gateways need ${still.join(" and ")}, and ${still.length === 1 ? "it is" : "they are"} not installed${problems.length === 0 ? "" : ` (${problems.join("; ")})`}`,
      `run this, then try again: ${installGatewaysCommand(still)}`,
    ].join("\n"),
  );
};

const installGatewaysCommand = (names: readonly Gateway[]): string => {
  const all = names.join(" ");
  if (findExecutable("apt-get") !== undefined) return `sudo apt-get update && sudo apt-get install -y ${all}`;
  if (findExecutable("dnf") !== undefined) return `sudo dnf install -y ${all}`;
  if (findExecutable("apk") !== undefined) return `sudo apk add ${all}`;
  return `brew install ${all}`;
};

/** What went wrong, or an empty string. */
const installWithApt = (packageName: string): string => {
  if (findExecutable("apt-get") === undefined) return "";
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status !== 0) return "";
  console.error(`installing ${packageName} with apt-get …`);
  const command = isRoot ? ["sh"] : ["sudo", "-n", "sh"];
  const [program = "sh", ...args] = command.concat("-ec", aptScript, "install", packageName);
  const run = spawnSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  if (run.status === 0) return "";
  const lastLine = `${run.stdout}\n${run.stderr}`.trim().split("\n").at(-1) ?? "";
  return `apt-get could not install it: ${lastLine}`;
};

/**
 * Debian starts a service it installs unless `policy-rc.d` forbids it, so one that forbids it stands there meanwhile;
 * on a machine that has its own, that one decides. Where systemd runs, the service is also kept from starting at boot.
 */
const aptScript = `
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f $policy' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > $policy
  chmod 755 $policy
fi
apt-get update -q
apt-get install -q -y --no-install-recommends "$1"
if command -v systemctl > /dev/null; then systemctl disable "$1" > /dev/null 2>&1 || true; fi
`;

const installCommand = (): string => {
  if (findExecutable("apt-get") !== undefined) return "sudo apt-get update && sudo apt-get install -y redis-server";
  if (findExecutable("dnf") !== undefined) return "sudo dnf install -y valkey";
  if (findExecutable("apk") !== undefined) return "sudo apk add valkey";
  return "brew install valkey";
};

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};
