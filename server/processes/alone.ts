/** One process that does everything: serves, and keeps its own management port. */
import { compose } from "../compose.ts";
import type { Config } from "../config.ts";
import { systemClock } from "../platform/clock.ts";
import { openLog } from "../platform/log.ts";
import { banner } from "../startup/banner.ts";
import { bootstrap } from "../startup/bootstrap.ts";
import { readBootstrap, writeBootstrap } from "../startup/bootstrap-file.ts";
import { startManagement } from "../transport/management/server.ts";
import { onStop } from "./stopping.ts";

export const runAlone = async (config: Config): Promise<void> => {
  const log = openLog(config.logLevel);
  const clock = systemClock;
  const state = { started: false };
  const server = await compose({ config, clock, log, migrate: true });
  try {
    const management = await startManagement({
      host: config.managementHost,
      port: config.managementPort,
      started: () => state.started,
      ready: () => server.ready(),
      metrics: async () => ({ type: server.registry.contentType, text: await server.registry.metrics() }),
    });
    const embedded = server.platform.database.kind === "embedded";
    if (embedded && readBootstrap(config.dataDir, config.issuer, clock.now()) === undefined)
      writeBootstrap(config.dataDir, await bootstrap(server.platform, config.issuer));
    const ports = await server.listen();
    state.started = true;
    onStop(async () => {
      await server.drain(config.shutdownGraceSeconds * 1000);
      management.close();
    });
    banner(config, log, { ...ports, embedded });
  } catch (error) {
    await server.drain(0);
    throw error;
  }
};
