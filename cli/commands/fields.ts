/** How a field of an operation's input looks on the command line, and how what was typed becomes a request. */
import { InvalidArgumentError, Option } from "commander";
import type { Operation } from "../../server/operations/operation.ts";

/** As much of a JSON Schema as is looked at here. */
type Schema = {
  readonly type?: string;
  readonly description?: string;
  readonly items?: Schema;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
};

export type Field = {
  readonly name: string;
  readonly place: "path" | "query" | "body";
  /** The collection its path's id belongs to: the first part of the operation's name. */
  readonly collection: string;
  readonly schema: Schema;
  readonly required: boolean;
  readonly about: string;
};

/** In the order of the declaration. */
export const fieldsOf = ({ name, path, method, input }: Operation): readonly Field[] => {
  const inPath = new Set(Array.from(path.matchAll(/\{([a-z_]+)\}/g), ([, parameter]) => parameter));
  const rest = method === "POST" || method === "PATCH" ? "body" : "query";
  const required = new Set<string>((input as { required?: readonly string[] }).required);
  return Object.entries(input.properties as Readonly<Record<string, Schema>>).map(([field, schema]) => ({
    name: field,
    place: inPath.has(field) ? "path" : rest,
    collection: name.slice(0, name.lastIndexOf(".")),
    schema,
    required: required.has(field),
    about: schema.description ?? "",
  }));
};

/** Names that every command has a meaning for already. */
const taken = new Set(["issuer", "token", "tenant", "json", "help", "if-match", "idempotency-key"]);

/** `display_name` → `--display-name <text>`; an array is given by repeating, what is no plain value as JSON. */
export const optionOf = ({ name, schema, required, about }: Field): Option => {
  const plain = name.replaceAll("_", "-");
  const flag = `--${taken.has(plain) ? `field-${plain}` : plain}`;
  const text = `${about}${required ? (about === "" ? "required" : " (required)") : ""}`;
  const kind = kindOfSchema(schema);
  if (kind === "array") {
    const item = readerOf(schema.items ?? {});
    return new Option(`${flag} <value>`, `${text}${text === "" ? "" : "; "}repeat for more`).argParser(
      (value: string, before: readonly unknown[] | undefined) => [...(before ?? []), item(value)],
    );
  }
  if (kind === "boolean") return new Option(`${flag} [true|false]`, text).preset("true").argParser(readBoolean);
  const choices = choicesOf(schema);
  const option = new Option(`${flag} <${choices.length > 0 ? choices.join("|") : wordFor[kind]}>`, text);
  return option.argParser(readerOf(schema));
};

type Kind = "string" | "integer" | "number" | "boolean" | "array" | "json";
const wordFor: Readonly<Record<Kind, string>> = {
  string: "text",
  integer: "number",
  number: "number",
  boolean: "true|false",
  array: "value",
  json: "json",
};

/** What a field is where it is not null; `null` as its text is what takes it away. */
const withoutNull = (schema: Schema): Schema => {
  const others = schema.anyOf?.filter((member) => member.type !== "null");
  const [only] = others ?? [];
  return only !== undefined && others?.length === 1 ? only : schema;
};

const kindOfSchema = (schema: Schema): Kind => {
  const { type } = withoutNull(schema);
  if (type === "string" || type === "integer" || type === "number" || type === "boolean" || type === "array")
    return type;
  return choicesOf(schema).length > 0 ? "string" : "json";
};

/** The words a field may be, where they are few and known. */
const choicesOf = (schema: Schema): readonly string[] => {
  const { enum: several, const: one, anyOf } = withoutNull(schema);
  const members = several ?? (one === undefined ? anyOf?.map((member) => member.const) : [one]);
  return members?.every((member) => typeof member === "string") === true ? members : [];
};

const asTyped = (text: string): string => text;

const readNumber = (text: string): number => {
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError("it must be a number");
  return Number(text);
};

const readBoolean = (text: string): boolean => {
  if (text !== "true" && text !== "false") throw new InvalidArgumentError("it must be true or false");
  return text === "true";
};

const readJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidArgumentError("it must be JSON");
  }
};

const readers: Readonly<Record<Kind, (text: string) => unknown>> = {
  string: asTyped,
  integer: readNumber,
  number: readNumber,
  boolean: readBoolean,
  array: readJson,
  json: readJson,
};

const readerOf = (schema: Schema): ((text: string) => unknown) => {
  const read = readers[kindOfSchema(schema)];
  return withoutNull(schema) === schema ? read : (text) => (text === "null" ? cleared : read(text));
};

/** Stands for null until the request is made: commander takes a null for an option that was not given. */
const cleared = Symbol("null");

/** What JSON calls it. */
export const kindOf = (value: unknown): "object" | "array" | "plain" =>
  Array.isArray(value) ? "array" : typeof value === "object" && value !== null ? "object" : "plain";

type Given = readonly (readonly [Field, unknown])[];
type Request = { readonly method: string; readonly path: string; readonly json?: unknown };

/** Path, query and body, each from the fields that belong there; `base` is the body that options are laid over. */
export const requestOf = (
  { method, path }: Pick<Operation, "method" | "path">,
  given: Given,
  base: Readonly<Record<string, unknown>>,
): Request => {
  const at = (place: Field["place"]) => given.filter(([field]) => field.place === place);
  const filled = at("path").reduce(
    (text, [{ name }, value]) => text.replace(`{${name}}`, encodeURIComponent(String(value))),
    path,
  );
  const query = new URLSearchParams(at("query").map(([{ name }, value]): [string, string] => [name, String(value)]));
  const body = {
    ...base,
    ...Object.fromEntries(at("body").map(([{ name }, value]) => [name, value === cleared ? null : value])),
  };
  const takesBody = method === "POST" || method === "PATCH";
  return {
    method,
    path: `${filled}${query.size === 0 ? "" : `?${query.toString()}`}`,
    ...(takesBody ? { json: body } : {}),
  };
};
