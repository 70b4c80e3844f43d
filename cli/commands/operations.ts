/**
 * A verb for every operation, from the same declarations the server's routes come from: `countersign organizations create
 * --display-name Acme`, `countersign service-accounts rotate ID`. What stands in an operation's path is an argument, every other field of its
 * input an option; the access model of the settings says which collections there are.
 */
import { type Command, Option } from "commander";
import { call, connectionOf } from "../connection.ts";
import { Failure } from "../failure.ts";
import { readJsonFile } from "../input.ts";
import { printJson } from "../output.ts";
import { type Field, kindOf, optionOf, requestOf } from "./fields.ts";
import { collectionOf, type Verb } from "./verb.ts";

/** Adds the verbs; none, and a remark in the help, where they cannot be known. */
export const operationCommands =
  (verbs: readonly Verb[] | undefined) =>
  (program: Command): void => {
    if (verbs === undefined) {
      program.addHelpText(
        "after",
        "\nthe verbs of the collections are missing, because the settings are wrong: see `countersign config check`",
      );
      return;
    }
    for (const verb of verbs) addVerb(program, verb);
  };

const addVerb = (program: Command, verb: Verb): void => {
  const collection = collectionOf(verb);
  const group =
    program.commands.find((command) => command.name() === collection) ??
    program.command(collection).description(`operations of \`${collection}\``).helpGroup("Collections:");
  const inPath = verb.fields.filter(({ place }) => place === "path");
  const others = verb.fields
    .filter(({ place }) => place !== "path")
    .map((field) => ({ field, option: optionOf(field) }));

  const command = group.command(verb.name.slice(collection.length + 1)).description(verb.summary);
  for (const { name, about } of inPath) command.argument(`<${name}>`, about);
  for (const { option } of others) command.addOption(option);
  if (verb.method === "POST" || verb.method === "PATCH")
    command.addOption(
      new Option("--json <file>", "the whole body from a JSON file, or from standard input with -; options add to it"),
    );
  if (verb.changes)
    command
      .option("--if-match <etag>", "only if the resource still has this etag")
      .option("--idempotency-key <key>", "do it once, however often this is repeated");
  if (verb.tellsImpact) command.option("--validate-only", "say who would gain and lose what, and do nothing");

  command.action(async (...given: unknown[]) => {
    const options = given[inPath.length] as Readonly<Record<string, unknown>>;
    const self = given[inPath.length + 1] as Command;
    const inputs = [
      ...inPath.map((field, at): Input => [field, idIn(field, given[at] as string)]),
      ...others.map(({ field, option }): Input => [field, options[option.attributeName()]]),
    ].filter(([, value]) => value !== undefined);
    const json = options["json"];
    const base = json === undefined ? {} : objectIn(readJsonFile(json as string));
    const { body } = await call(connectionOf(self), {
      ...meant(requestOf(verb, inputs, base), options["validateOnly"] === true),
      headers: headersOf(options),
    });
    printJson(body ?? {});
  });
};

type Input = readonly [Field, unknown];

/** Said in the URL, whatever has a body: it is no part of the change. */
const meant = <Request extends { readonly path: string }>(request: Request, validateOnly: boolean): Request =>
  validateOnly
    ? { ...request, path: `${request.path}${request.path.includes("?") ? "&" : "?"}validate_only=true` }
    : request;

/** A ref is as good as the id in it: what one answer shows, the next command takes. */
const idIn = ({ collection }: Field, text: string): string =>
  text.startsWith(`${collection}/`) ? text.slice(collection.length + 1) : text;

const objectIn = (value: unknown): Readonly<Record<string, unknown>> => {
  if (kindOf(value) === "object") return value as Readonly<Record<string, unknown>>;
  throw new Failure("the body must be a JSON object");
};

const headersOf = (options: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> => {
  const { ifMatch, idempotencyKey } = options;
  return {
    ...(typeof ifMatch === "string" ? { "if-match": ifMatch.startsWith('"') ? ifMatch : `"${ifMatch}"` } : {}),
    ...(typeof idempotencyKey === "string" ? { "idempotency-key": idempotencyKey } : {}),
  };
};
