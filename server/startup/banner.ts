/** What a person sees when the server is up: where it is, what to know, and one command that shows it working. */
import { join } from "node:path";
import type { Config } from "../config.ts";
import { bootstrapFile } from "./bootstrap-file.ts";
import type { Log } from "../platform/log.ts";

type Facts = { readonly http: number; readonly grpc: number; readonly embedded: boolean };

const mailDir = ({ dataDir }: Config): string => join(dataDir, "mail");

/** On a terminal as text; elsewhere as one log line, so that a log stays a log. */
export const banner = (config: Config, log: Log, { http, grpc, embedded }: Facts): void => {
  const addresses = { issuer: config.issuer, http_port: http, grpc_port: grpc, management_port: config.managementPort };
  if (embedded)
    log.warn(
      { data_dir: config.dataDir },
      "running on the embedded database: good for evaluation and one small node; set COUNTERSIGN_DATABASE_URL and COUNTERSIGN_CACHE_URL for production",
    );
  if (config.smtpUrl === "")
    log.warn(
      { mail_dir: mailDir(config) },
      "no mail server is configured: mail is written into files, and to the log without its links; set COUNTERSIGN_SMTP_URL",
    );
  log.info(addresses, "countersign is up");
  if (!process.stdout.isTTY && config.logLevel !== "info") return;
  process.stdout.write(`${lines(config, grpc, embedded).join("\n")}\n`);
};

const lines = (config: Config, grpc: number, embedded: boolean): readonly string[] => [
  "",
  `  Countersign is up at ${config.issuer}`,
  `    gRPC        ${config.host}:${grpc}  identity.v1.Identity`,
  `    management  http://${config.managementHost}:${config.managementPort}/health/ready`,
  ...(embedded ? [`    data        ${config.dataDir}  (embedded database: for evaluation and one small node)`] : []),
  ...(config.smtpUrl === ""
    ? [`    mail        ${mailDir(config)}  (no mail server: set COUNTERSIGN_SMTP_URL to send it)`]
    : []),
  "",
  "  The first administrator, in a browser, once:",
  ...(embedded
    ? [`    open the setup_url in ${bootstrapFile(config.dataDir)}`]
    : ["    open the setup_url that `npx countersign bootstrap` prints"]),
  "",
  ...(embedded
    ? ["  A token, with no browser:"]
    : ["  The first credentials, once: npx countersign bootstrap", "  Then a token, with no browser:"]),
  "    npx countersign token --scope '*'",
  "",
];
