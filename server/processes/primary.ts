/**
 * The first of several processes: migrates, starts the workers, replaces one that dies, and answers for all of them on the management
 * port. It serves no requests itself.
 */
import cluster, { type Worker } from "node:cluster";
import { AggregatorRegistry } from "prom-client";
import type { Config } from "../config.ts";
import { migratePostgres } from "../platform/database/postgres.ts";
import { type Log, openLog } from "../platform/log.ts";
import { banner } from "../startup/banner.ts";
import { migrationsFolder } from "../startup/open-storage.ts";
import { startManagement } from "../transport/management/server.ts";
import type { ToPrimary, ToWorker } from "./messages.ts";
import { StartRefused } from "../startup/refusal.ts";
import { onStop } from "./stopping.ts";

const readyWithinMs = 2_000;
/** A worker that dies is replaced after this long, so that one that cannot live does not turn into load. */
const replaceAfterMs = 1_000;

export const runPrimary = async (config: Config): Promise<void> => {
  const log = openLog(config.logLevel);
  const { applied } = await migratePostgres(config.databaseUrl, migrationsFolder);
  if (applied.length > 0) log.info({ applied }, "the database was migrated");

  const state = { started: false, stopping: false };
  const registry = new AggregatorRegistry();
  const management = await startManagement({
    host: config.managementHost,
    port: config.managementPort,
    started: () => state.started,
    ready: async () => !state.stopping && (await everyWorkerIsReady()),
    metrics: async () => ({ type: registry.contentType, text: await registry.clusterMetrics() }),
  });

  const first = fork();
  // The first worker's refusal is everyone's: it has said why.
  const ports = await listening(
    first,
    () => new StartRefused(["the first worker could not start; what it said stands above"]),
  );
  const others = Array.from({ length: config.workers - 1 }, fork);
  await Promise.all(
    others.map((worker) =>
      listening(worker, () => new StartRefused(["a worker could not start; what it said stands above"])),
    ),
  );
  state.started = true;
  cluster.on("exit", (worker, code, signal) => {
    if (state.stopping) return;
    log.error({ pid: worker.process.pid, code, signal }, "a worker has died and is replaced");
    setTimeout(() => {
      if (!state.stopping) fork();
    }, replaceAfterMs);
  });
  onStop(async () => {
    state.stopping = true;
    await stopAll(log, config.shutdownGraceSeconds * 1000);
    management.close();
  });
  banner(config, log, { ...ports, embedded: false });
};

const fork = (): Worker => cluster.fork();

const workers = (): readonly Worker[] => Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);

const listening = (
  worker: Worker,
  refused: () => StartRefused,
): Promise<{ readonly http: number; readonly grpc: number }> =>
  new Promise((done, failed) => {
    worker.on("message", (message: ToPrimary) => {
      if (message.kind === "listening") done({ http: message.http, grpc: message.grpc });
    });
    worker.once("exit", () => failed(refused()));
  });

const asked = { nonce: 0 };

const isReady = (worker: Worker): Promise<boolean> =>
  new Promise((done) => {
    const nonce = ++asked.nonce;
    const late = setTimeout(() => finish(false), readyWithinMs);
    const hear = (message: ToPrimary): void => {
      if (message.kind === "ready" && message.nonce === nonce) finish(message.ready);
    };
    const finish = (ready: boolean): void => {
      clearTimeout(late);
      worker.off("message", hear);
      done(ready);
    };
    worker.on("message", hear);
    if (worker.isConnected()) worker.send({ kind: "ready?", nonce } satisfies ToWorker);
    else finish(false);
  });

const everyWorkerIsReady = async (): Promise<boolean> => {
  const all = workers();
  return all.length > 0 && (await Promise.all(all.map(isReady))).every((ready) => ready);
};

/** Each worker drains by itself on SIGTERM; one that does not end in time is ended. */
const stopAll = async (log: Log, graceMs: number): Promise<void> => {
  const ended = workers().map((worker) => new Promise<void>((done) => worker.once("exit", () => done())));
  for (const worker of workers()) worker.process.kill("SIGTERM");
  const cut = setTimeout(() => {
    log.warn({ left: workers().length }, "workers that did not end in time are ended");
    for (const worker of workers()) worker.process.kill("SIGKILL");
  }, graceMs + 5_000);
  await Promise.all(ended);
  clearTimeout(cut);
};
