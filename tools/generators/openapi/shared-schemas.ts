// Schemas that several answers have in common get a name: what `GET /v1/users/{id}` answers is a `User`, wherever else it stands.
import type { Model } from "../../../core/model/model.ts";
import type { Route } from "../../../server/transport/http/routes.ts";
import { plain } from "./operations.ts";

export type Shared = {
  readonly schemas: Readonly<Record<string, unknown>>;
  /** The same schema with references in place of what has a name. */
  share(schema: unknown): unknown;
};

/** Perimeters of every type are the same on the outside, and share the name `Perimeter`. */
export const sharedSchemas = (routes: readonly Route[], model: Model): Shared => {
  const schemas: Record<string, unknown> = {};
  const nameOf = new Map<string, string>();
  for (const route of routes) {
    if (route.kind !== "operation") continue;
    const [collection = "", verb = ""] = route.operation.name.split(".");
    if (verb !== "get") continue;
    const schema = plain(route.operation.output);
    const text = JSON.stringify(schema);
    const name = model.collections.has(collection) ? "Perimeter" : typeName(collection);
    nameOf.set(text, name);
    schemas[name] = schema;
  }
  const share = (schema: unknown): unknown => {
    if (Array.isArray(schema)) return schema.map(share);
    if (typeof schema !== "object" || schema === null) return schema;
    const name = nameOf.get(JSON.stringify(schema));
    if (name !== undefined) return { $ref: `#/components/schemas/${name}` };
    return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, share(value)]));
  };
  return { schemas, share };
};

/** `role-assignments` → `RoleAssignment`. */
const typeName = (collection: string): string => {
  const singular = collection.endsWith("ies") ? `${collection.slice(0, -3)}y` : collection.replace(/s$/, "");
  return singular
    .split(/[-_]/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");
};
