/** `countersign check`: may they? Asks the decision point (AuthZEN) and prints the answer with its reasons. */
import type { Command } from "commander";
import { call, connectionOf } from "../connection.ts";
import { Failure } from "../failure.ts";
import { printJson } from "../output.ts";

export type Options = {
  readonly subject: string;
  readonly permission: string;
  readonly resource: string;
  readonly parent?: string;
  readonly context?: string;
  readonly atLeast?: string;
};

export const checkCommand = (program: Command): void => {
  asking(program.command("check").description("ask whether a principal may do something"), "/access/v1/evaluation");
};

/** The question's options, and the endpoint it is put to. */
export const asking = (command: Command, path: string): void => {
  withCircumstances(command)
    .requiredOption("--subject <ref>", "users/{uuid}, service-accounts/{uuid}, or a token")
    .requiredOption("--permission <permission>", "resource:action, such as documents:read")
    .requiredOption("--resource <ref>", "collection/{uuid}")
    .option("--parent <ref>", "the registered parent of a resource that is not registered itself")
    .option("--at-least <token>", "a consistency token: the answer knows of what it names")
    .action(async (options: Options, self: Command) => {
      const connection = connectionOf(self);
      const { body } = await call(connection, {
        method: "POST",
        path,
        json: evaluationOf(options, connection.tenant),
      });
      printJson(body);
    });
};

export const withCircumstances = (command: Command): Command =>
  command.option("--context <json>", "attributes of the request, for conditions, such as '{\"office\": true}'");

/** The question in AuthZEN 1.0's words. A subject without a slash is a token; a host's caller says which tenant it means. */
export const evaluationOf = (options: Options, tenant: string | undefined) => {
  const { subject, permission, resource, parent, context, atLeast } = options;
  return {
    subject: subjectOf(subject, tenant),
    action: { name: permission },
    resource: { ...entityOf(resource), ...(parent === undefined ? {} : { properties: { parent } }) },
    ...(context === undefined && atLeast === undefined
      ? {}
      : { context: { ...contextOf(context), ...(atLeast === undefined ? {} : { at_least: atLeast }) } }),
  };
};

export const subjectOf = (subject: string, tenant: string | undefined) => ({
  ...(subject.includes("/") ? entityOf(subject) : { type: "access_token", id: subject }),
  ...(tenant === undefined ? {} : { properties: { tenant } }),
});

export const contextOf = (text: string | undefined): Readonly<Record<string, unknown>> => {
  if (text === undefined) return {};
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read === "object" && read !== null && !Array.isArray(read)) return { ...read };
  } catch {
    // Told below, as any other text that is no object.
  }
  throw new Failure("`--context` must be a JSON object, such as '{\"office\": true}'");
};

export const entityOf = (ref: string): { readonly type: string; readonly id: string } => {
  const [type = "", id = "", ...more] = ref.split("/");
  if (type === "" || id === "" || more.length > 0) throw new Failure(`\`${ref}\` is no ref: write collection/{uuid}`);
  return { type, id };
};
