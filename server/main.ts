/**
 * `npm start`: reads the settings, starts one process or several on shared ports, and takes them down again on SIGTERM.
 *
 * With several, the first process migrates, keeps the management port and starts the others; each of those is a whole server of its
 * own, and shares nothing with its neighbours but the ports, the database and the cache.
 */
import cluster from "node:cluster";
import { readConfig } from "./config.ts";
import { runAlone } from "./processes/alone.ts";
import { runPrimary } from "./processes/primary.ts";
import { refuse } from "./processes/refuse.ts";
import { runWorker } from "./processes/worker.ts";

const read = readConfig();
if ("errors" in read) refuse(read.errors);
else {
  const { config } = read;
  const run = config.workers === 1 ? runAlone : cluster.isPrimary ? runPrimary : runWorker;
  await run(config).catch(refuse);
}
