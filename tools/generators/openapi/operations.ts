// One operation's entry: its input, taken apart into path, query and body, and its output.
import type { Operation } from "../../../server/operations/operation.ts";

type Schema = Readonly<Record<string, unknown>> & { readonly description?: string };

export type Entry = Readonly<Record<string, unknown>> & { readonly responses: Readonly<Record<string, unknown>> };

const parameter = (name: string) => ({ $ref: `#/components/parameters/${name}` });
const header = (name: string) => ({ $ref: `#/components/headers/${name}` });
const changeHeaders = {
  "Idempotent-Replayed": header("IdempotentReplayed"),
  "Countersign-Consistency": header("Consistency"),
};

/** `share` puts a reference where a schema stands among the components. */
export const operationEntry = (operation: Operation, share: (schema: unknown) => unknown): Entry => {
  const { name, summary, method, path, status, permission, kind } = operation;
  const fields = Object.entries(plain(operation.input).properties as Record<string, Schema>);
  const required = new Set((plain(operation.input) as { required?: readonly string[] }).required);
  const inPath = new Set(Array.from(path.matchAll(/\{([a-z_]+)\}/g), ([, field]) => field ?? ""));
  const rest = fields.filter(([field]) => !inPath.has(field));
  const hasBody = method === "POST" || method === "PATCH";
  const isChange = kind === "change";
  const conditional = isChange && inPath.size > 0;
  return {
    operationId: name,
    summary,
    description: `Needs the permission \`${permission}\`.`,
    "x-countersign-permission": permission,
    tags: [name.split(".")[0]],
    parameters: [
      ...fields
        .filter(([field]) => inPath.has(field))
        .map(([field, schema]) => ({ ...place(field, schema, "path"), required: true })),
      ...(hasBody
        ? []
        : rest.map(([field, schema]) => ({ ...place(field, schema, "query"), required: required.has(field) }))),
      ...(operation.scope === "host" ? [] : [parameter("Tenant")]),
      ...(isChange ? [parameter("IdempotencyKey")] : []),
      ...(conditional ? [parameter("IfMatch")] : []),
      ...(operation.kind === "change" && operation.impact !== undefined ? [validateOnly] : []),
    ],
    ...(hasBody && rest.length > 0 ? { requestBody: bodyOf(rest, required) } : {}),
    responses: {
      [status]: {
        description: status === 201 ? "created" : "done",
        headers: {
          "Request-Id": header("RequestId"),
          ...(hasEtag(operation) ? { ETag: header("ETag") } : {}),
          ...(isChange ? changeHeaders : {}),
        },
        content: { "application/json": { schema: share(plain(operation.output)) } },
      },
    },
  };
};

const validateOnly = {
  name: "validate_only",
  in: "query",
  description:
    "say what the change would do and do nothing: 200 with `validate_only`, `result` and `access`, who would gain and lose what; needs `access:explain` too",
  schema: { type: "boolean" },
};

/** A parameter says what it is itself, so its schema need not. */
const place = (name: string, { description, ...schema }: Schema, where: "path" | "query") => ({
  name,
  in: where,
  ...(description === undefined ? {} : { description }),
  schema,
});

const bodyOf = (fields: readonly (readonly [string, Schema])[], required: ReadonlySet<string>) => {
  const needed = fields.map(([name]) => name).filter((name) => required.has(name));
  return {
    required: needed.length > 0,
    content: {
      "application/json": {
        schema: {
          type: "object",
          ...(needed.length > 0 ? { required: needed } : {}),
          properties: Object.fromEntries(fields),
          additionalProperties: false,
        },
      },
    },
  };
};

const hasEtag = ({ output }: Operation): boolean =>
  Object.hasOwn((output as { properties?: object }).properties ?? {}, "etag");

/** TypeBox's schemas are JSON Schema with marks of their own, which JSON leaves out. */
export const plain = (schema: unknown): Schema => JSON.parse(JSON.stringify(schema)) as Schema;
