/** One of several processes that share the ports. It talks to the first process about two things: health and metrics. */
import { AggregatorRegistry } from "prom-client";
import { compose } from "../compose.ts";
import type { Config } from "../config.ts";
import { systemClock } from "../platform/clock.ts";
import { openLog } from "../platform/log.ts";
import type { ToPrimary, ToWorker } from "./messages.ts";
import { onStop } from "./stopping.ts";

const tell = (message: ToPrimary): void => {
  process.send?.(message);
};

export const runWorker = async (config: Config): Promise<void> => {
  const server = await compose({ config, clock: systemClock, log: openLog(config.logLevel), migrate: false });
  // Answers the first process when it gathers metrics.
  AggregatorRegistry.setRegistries([server.registry]);
  void new AggregatorRegistry();
  process.on("message", (message: ToWorker) => {
    if (message.kind === "ready?")
      void server.ready().then(
        (ready) => tell({ kind: "ready", nonce: message.nonce, ready }),
        () => tell({ kind: "ready", nonce: message.nonce, ready: false }),
      );
  });
  const ports = await server.listen();
  onStop(() => server.drain(config.shutdownGraceSeconds * 1000));
  tell({ kind: "listening", ...ports });
};
