// `npm test`: every test there is, over real servers. Arguments narrow it to files whose path contains one of them.
// It starts one PostgreSQL and one Redis for the whole run, runs the files, stops what it started, and ends with the
// line `N passed, N failed`. Files under tests/ may use the servers; those beside the code are pure and need none.
import { randomUUID } from "node:crypto";
import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { killLeftovers, markName } from "./runner/leftovers.ts";
import { fileLine, summary } from "./runner/report.ts";
import { type FileReport, runFile } from "./runner/run-file.ts";
import { ensureCacheServer, ensureChromium, ensureGateways } from "./servers.ts";

const folders = ["core", "server", "models", "cli", "sdk", "tests", "tools", "bench"] as const;
const fileTimeoutMs = 5 * 60_000;
const filesAtOnce = 2;

/** These measure, or take the machine to its limits: they run alone, after the others. */
const isSerial = (file: string): boolean => file.startsWith("tests/serial/");
const usesServers = (file: string): boolean => file.startsWith("tests/");

/** What tests find it by, and how it ends. */
type Server = { readonly env: NodeJS.ProcessEnv; stop(): Promise<void> };

const root = process.cwd();
const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => interrupted.abort());

const main = async (filters: readonly string[]): Promise<number> => {
  const all = folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => globSync(`${folder}/**/*.test.ts`));
  const files = all.filter((file) => filters.length === 0 || filters.some((part) => file.includes(part))).toSorted();
  if (files.length === 0)
    return finish([], [`no test file matches ${filters.map((part) => `\`${part}\``).join(" or ")}`]);

  const mark = randomUUID();
  const servers: Server[] = [];
  const reports: FileReport[] = [];
  const problems: string[] = [];
  try {
    const env: NodeJS.ProcessEnv = { ...process.env, [markName]: mark };
    if (files.some(usesServers)) {
      ensureChromium();
      if (files.some((file) => file.startsWith("tests/edge/"))) ensureGateways();
      servers.push(await startDatabase());
      servers.push(await startCache());
      for (const { env: its } of servers) Object.assign(env, its);
    }
    const report = async (file: string): Promise<void> => {
      if (interrupted.signal.aborted) return;
      const ended = await runFile(join(root, file), { root, env, timeoutMs: fileTimeoutMs, stop: interrupted.signal });
      console.log(fileLine(ended));
      reports.push(ended);
    };
    await eachAtOnce(
      files.filter((file) => !isSerial(file)),
      filesAtOnce,
      report,
    );
    await eachAtOnce(files.filter(isSerial), 1, report);
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  } finally {
    const left = killLeftovers(mark);
    problems.push(...left.map((command) => `a test left this process behind: ${command}`));
    for (const stopped of await Promise.allSettled(servers.map((server) => server.stop()))) {
      if (stopped.status === "rejected") problems.push(`a server did not stop: ${String(stopped.reason)}`);
    }
  }
  if (interrupted.signal.aborted) problems.push("the run was interrupted");
  return finish(reports, problems);
};

const startDatabase = async (): Promise<Server> => {
  const named = process.env["DATABASE_URL"];
  // Imported only when wanted: pure tests then also run where these could not.
  const { startPostgres } = await import("../tests/support/postgres.ts");
  const { makeTemplates } = await import("../tests/support/make-templates.ts");
  const { templatesName } = await import("../tests/support/templates.ts");
  const own = named === undefined || named === "" ? await startPostgres({ fsync: false }) : undefined;
  const url = own?.url ?? named ?? "";
  const { made, drop } = await makeTemplates(url);
  return {
    env: { COUNTERSIGN_TEST_POSTGRES: url, [templatesName]: JSON.stringify(made) },
    // A server that others keep is left as it was found.
    stop: () => own?.stop() ?? drop(),
  };
};

const startCache = async (): Promise<Server> => {
  ensureCacheServer();
  const { startRedis } = await import("../tests/support/redis.ts");
  const server = await startRedis();
  return { env: { COUNTERSIGN_TEST_REDIS: server.url }, stop: () => server.stop() };
};

const eachAtOnce = async (
  files: readonly string[],
  atOnce: number,
  work: (file: string) => Promise<void>,
): Promise<void> => {
  const waiting = files.values();
  const worker = async (): Promise<void> => {
    for (const file of waiting) await work(file);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
};

const finish = (reports: readonly FileReport[], problems: readonly string[]): number => {
  const passed = reports.some((report) => report.passed > 0);
  const all = passed || problems.length > 0 ? problems : ["no test ran"];
  console.log(summary(reports, all));
  return all.length === 0 && reports.every((report) => report.failures.length === 0) ? 0 : 1;
};

process.exitCode = await main(process.argv.slice(2));
// A test server's client may hold the event loop open; everything has been stopped by now.
process.exit();
