/** `countersign search resources|subjects|actions`: what somebody reaches, who reaches something, and what they may do there (AuthZEN 1.0 §8). */
import type { Command } from "commander";
import { call, connectionOf } from "../connection.ts";
import { printJson } from "../output.ts";
import { contextOf, entityOf, subjectOf, withCircumstances } from "./check.ts";

type Options = {
  readonly subject: string;
  readonly permission: string;
  readonly resource: string;
  readonly type: string;
  readonly kind: string;
  readonly context?: string;
  readonly limit?: string;
  readonly pageToken?: string;
};

const subject = ["--subject <ref>", "users/{uuid}, service-accounts/{uuid}, or a token"] as const;
const permission = ["--permission <permission>", "resource:action, such as documents:read"] as const;
const resource = ["--resource <ref>", "collection/{uuid}"] as const;

export const searchCommand = (program: Command): void => {
  const search = program.command("search").description("list what is permitted: exactly what checks would say yes to");

  const resources = search.command("resources").description("the registered resources of a type that somebody reaches");
  resources.requiredOption(...subject).requiredOption(...permission);
  resources.requiredOption("--type <collection>", "such as documents or accounts");
  searching(resources, "resource", (options, tenant) => ({
    subject: subjectOf(options.subject, tenant),
    action: { name: options.permission },
    resource: { type: options.type },
  }));

  const subjects = search.command("subjects").description("who reaches a resource");
  subjects.requiredOption(...permission).requiredOption(...resource);
  subjects.requiredOption("--kind <collection>", "users or service-accounts");
  searching(subjects, "subject", (options, tenant) => ({
    subject: { type: options.kind, ...(tenant === undefined ? {} : { properties: { tenant } }) },
    action: { name: options.permission },
    resource: entityOf(options.resource),
  }));

  const actions = search.command("actions").description("what somebody may do to a resource");
  actions.requiredOption(...subject).requiredOption(...resource);
  searching(actions, "action", (options, tenant) => ({
    subject: subjectOf(options.subject, tenant),
    resource: entityOf(options.resource),
  }));
};

const searching = (
  command: Command,
  what: string,
  searchOf: (options: Options, tenant: string | undefined) => object,
): void => {
  withCircumstances(command)
    .option("--limit <count>", "results in one answer, at most 1000 (default: 100)")
    .option("--page-token <token>", "the last answer's `page.next_token`")
    .action(async (options: Options, self: Command) => {
      const connection = connectionOf(self);
      const { limit, pageToken, context } = options;
      const page = {
        ...(limit === undefined ? {} : { limit: Number(limit) }),
        ...(pageToken === undefined ? {} : { token: pageToken }),
      };
      const { body } = await call(connection, {
        method: "POST",
        path: `/access/v1/search/${what}`,
        json: {
          ...searchOf(options, connection.tenant),
          ...(context === undefined ? {} : { context: contextOf(context) }),
          ...(Object.keys(page).length === 0 ? {} : { page }),
        },
      });
      printJson(body);
    });
};
