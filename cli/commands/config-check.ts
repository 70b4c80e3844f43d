/** `countersign config check`: reads the settings, the access model and the gateways' routes as a start would, and lists every mistake, or what is in force. */
import { accessSync, constants } from "node:fs";
import type { Command } from "commander";
import { type Config, readConfig, type Setting, settings } from "../../server/config.ts";
import { describeConnection } from "../../server/platform/database/describe-connection.ts";
import { readSecretKey } from "../../server/platform/keys/seal.ts";
import { loadModel } from "../../server/startup/access-model.ts";
import { loadGatewayRoutes } from "../../server/startup/gateway-routes.ts";
import { StartRefused } from "../../server/startup/refusal.ts";
import { Failure } from "../failure.ts";
import { print } from "../output.ts";

export const configCheckCommand = (program: Command): void => {
  program
    .command("config")
    .description("the settings of the server")
    .command("check")
    .description("check the environment and the access model, and print what is in force, without secrets")
    .action(() => {
      const read = readConfig(process.env);
      const errors = "errors" in read ? read.errors : mistakes(read.config);
      if (errors.length > 0) throw new Failure("the settings are wrong:", ...errors.map((error) => `  - ${error}`));
      if ("config" in read) print(inForce(read.config).join("\n"));
    });
};

/** What a start would find beyond the settings' own form. */
export const mistakes = (config: Config): readonly string[] => [
  ...modelMistakes(config),
  ...(config.secretKey !== "" && readSecretKey(config.secretKey) === undefined
    ? ["COUNTERSIGN_SECRET_KEY must be 32 bytes in base64 or hex; make one with: openssl rand -base64 32"]
    : []),
  ...unreadable("COUNTERSIGN_GRPC_TLS_CERT", config.grpcTlsCert),
  ...unreadable("COUNTERSIGN_GRPC_TLS_KEY", config.grpcTlsKey),
  ...unreadable("COUNTERSIGN_GRPC_CLIENT_CA", config.grpcClientCa),
];

const modelMistakes = (config: Config): readonly string[] => {
  try {
    loadGatewayRoutes(config.gatewayRoutes, loadModel(config.model).model);
    return [];
  } catch (error) {
    if (error instanceof StartRefused) return error.reasons;
    throw error;
  }
};

const unreadable = (name: string, file: string): readonly string[] => {
  if (file === "") return [];
  try {
    accessSync(file, constants.R_OK);
    return [];
  } catch {
    return [`${name} names \`${file}\`, which cannot be read`];
  }
};

/** A line for each setting, one for the model, and one for the gateways' routes. */
const inForce = (config: Config): readonly string[] => {
  const rows: readonly (readonly [keyof Config, Setting<string | number>])[] = Object.entries(settings) as never;
  const width = Math.max(...rows.map(([, { name }]) => name.length));
  const { model, version, path } = loadModel(config.model);
  return [
    ...rows.map(([key, row]) => `COUNTERSIGN_${row.name.padEnd(width)}  ${shown(config, key, row)}`),
    "",
    `the access model is \`${model.title}\`, version ${version}, from ${path}`,
    ...(config.gatewayRoutes === ""
      ? []
      : [`gateways have ${loadGatewayRoutes(config.gatewayRoutes, model).size} routes, from ${config.gatewayRoutes}`]),
  ];
};

/** Secrets are never printed; of the database it is said which. */
const shown = (config: Config, key: keyof Config, { secret }: Setting<string | number>): string => {
  const value = String(config[key]);
  if (value === "") return "(empty)";
  if (key === "databaseUrl") return `${describeConnection(value)} (user, password and options not shown)`;
  return secret === true ? "(set, not shown)" : value;
};
