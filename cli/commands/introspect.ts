/** `countersign introspect TOKEN`: what the server says of a token (RFC 7662). */
import type { Command } from "commander";
import { connectionOf } from "../connection.ts";
import { exchange } from "../http.ts";
import { printJson } from "../output.ts";

export const introspectCommand = (program: Command): void => {
  program
    .command("introspect")
    .description("ask whether a token is active, and whose it is")
    .argument("<token>", "an access token or API token")
    .action(async (token: string, _options: unknown, command: Command) => {
      const connection = connectionOf(command);
      const { body } = await exchange(connection.issuer, {
        method: "POST",
        path: "/oauth/introspect",
        authorization: `Bearer ${await connection.token()}`,
        form: { token },
      });
      printJson(body);
    });
};
