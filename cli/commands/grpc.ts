/** `countersign grpc METHOD JSON`: calls identity.v1.Identity as grpcurl would, with JSON in and JSON out. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { Config } from "../../server/config.ts";
import { type Connection, connectionOf } from "../connection.ts";
import { Failure } from "../failure.ts";
import { callJson, type JsonCall } from "../grpc-json.ts";
import { readJsonArgument } from "../input.ts";
import { printJson } from "../output.ts";

type Options = {
  readonly address?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly anonymous?: true;
};

const service = "identity.v1.Identity";

export const grpcCommand = (program: Command): void => {
  program
    .command("grpc")
    .description("call a gRPC method with JSON, such as: grpc CheckPermission '{ \"principal\": … }'")
    .argument("<method>", `a method of ${service}, with or without that name before it`)
    .argument("[json]", "the request; - reads it from standard input", "{}")
    .option("--address <host:port>", "where gRPC is served (default: COUNTERSIGN_GRPC_PORT on the issuer's host)")
    .option("--ca <file>", "PEM authorities to trust, which also turns TLS on")
    .option("--cert <file>", "PEM client certificate, for mTLS")
    .option("--key <file>", "its PEM private key")
    .option("--anonymous", "send no token, as for IssueToken")
    .action(async (method: string, json: string, options: Options, command: Command) => {
      const connection = connectionOf(command);
      const answer = await callJson({
        address: options.address ?? grpcAddress(connection),
        method: method.includes("/") ? method : `${service}/${method}`,
        json: readJsonArgument(json),
        ...(options.anonymous === true ? {} : { metadata: { authorization: `Bearer ${await connection.token()}` } }),
        ...tlsOf(connection.config, options),
      });
      if ("ok" in answer) return printJson(answer.ok);
      throw new Failure(
        `${answer.status}: ${answer.message}`,
        ...(answer.code === undefined ? [] : [`  code ${answer.code}`]),
        ...(answer.requestId === undefined ? [] : [`  request ${answer.requestId}`]),
      );
    });
};

/** On the machine clients know the server by. */
export const grpcAddress = ({ issuer, config }: Pick<Connection, "issuer" | "config">): string =>
  `${new URL(issuer).hostname}:${config.grpcPort}`;

const tlsOf = (config: Config, { ca, cert, key }: Options): Pick<JsonCall, "tls"> => {
  if ((cert === undefined) !== (key === undefined)) throw new Failure("--cert and --key go together");
  if (ca === undefined && cert === undefined && config.grpcTlsCert === "") return {};
  return {
    tls: {
      ...(ca === undefined ? {} : { ca: readPem(ca) }),
      ...(cert === undefined ? {} : { cert: readPem(cert) }),
      ...(key === undefined ? {} : { key: readPem(key) }),
    },
  };
};

const readPem = (file: string): Buffer => {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Failure(`\`${file}\` cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
};
