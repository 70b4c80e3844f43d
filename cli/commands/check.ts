/** `countersign check`: may they? Asks the decision point (AuthZEN) and prints the answer with its reasons. */
import type { Command } from "commander";
import { call, connectionOf } from "../connection.ts";
import { Failure } from "../failure.ts";
import { printJson } from "../output.ts";

type Options = {
  readonly subject: string;
  readonly permission: string;
  readonly resource: string;
  readonly parent?: string;
};

export const checkCommand = (program: Command): void => {
  program
    .command("check")
    .description("ask whether a principal may do something")
    .requiredOption("--subject <ref>", "users/{uuid}, service-accounts/{uuid}, or a token")
    .requiredOption("--permission <permission>", "resource:action, such as documents:read")
    .requiredOption("--resource <ref>", "collection/{uuid}")
    .option("--parent <ref>", "the registered parent of a resource that is not registered itself")
    .action(async (options: Options, command: Command) => {
      const connection = connectionOf(command);
      const { body } = await call(connection, {
        method: "POST",
        path: "/access/v1/evaluation",
        json: evaluationOf(options, connection.tenant),
      });
      printJson(body);
    });
};

/** The question in AuthZEN 1.0's words. A subject without a slash is a token; a host's caller says which tenant it means. */
export const evaluationOf = ({ subject, permission, resource, parent }: Options, tenant: string | undefined) => ({
  subject: {
    ...(subject.includes("/") ? entityOf(subject) : { type: "access_token", id: subject }),
    ...(tenant === undefined ? {} : { properties: { tenant } }),
  },
  action: { name: permission },
  resource: { ...entityOf(resource), ...(parent === undefined ? {} : { properties: { parent } }) },
});

const entityOf = (ref: string): { readonly type: string; readonly id: string } => {
  const [type = "", id = "", ...more] = ref.split("/");
  if (type === "" || id === "" || more.length > 0) throw new Failure(`\`${ref}\` is no ref: write collection/{uuid}`);
  return { type, id };
};
