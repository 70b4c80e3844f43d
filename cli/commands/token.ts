/** `countersign token`: a usable access token on standard output, by client credentials, with no browser. */
import type { Command } from "commander";
import { bootstrapCredentials, type ClientCredentials, connectionOf, requestToken } from "../connection.ts";
import { Failure } from "../failure.ts";
import { print, printJson } from "../output.ts";

type Options = {
  readonly scope?: readonly string[];
  readonly clientId?: string;
  readonly clientSecret?: string;
  readonly json?: true;
};

export const tokenCommand = (program: Command): void => {
  program
    .command("token")
    .description("print a usable access token (OAuth client credentials)")
    .option(
      "--scope <scopes...>",
      "what the token may be used for, such as users:read; everything the client may, if left out",
    )
    .option("--client-id <id>", "the client (default: the service account in bootstrap.json)")
    .option("--client-secret <secret>", "its secret")
    .option("--json", "print the server's whole answer")
    .action(async (options: Options, command: Command) => {
      const { config, issuer } = connectionOf(command);
      const credentials = namedCredentials(options) ?? bootstrapCredentials(config, issuer);
      const answer = await requestToken(issuer, credentials, options.scope?.join(" "));
      if (options.json === true) printJson(answer);
      else print(answer.access_token);
    });
};

const namedCredentials = ({ clientId, clientSecret }: Options): ClientCredentials | undefined => {
  if (clientId === undefined && clientSecret === undefined) return undefined;
  if (clientId === undefined || clientSecret === undefined)
    throw new Failure("--client-id and --client-secret go together");
  return { clientId, clientSecret };
};
