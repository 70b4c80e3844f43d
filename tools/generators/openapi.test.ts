import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { loadModel } from "../../server/startup/access-model.ts";
import { allOperations } from "../../server/route-table.ts";
import { generate } from "./openapi.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type Entry = {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly $ref?: string;
    readonly name?: string;
    readonly in?: string;
    readonly required?: boolean;
  }[];
  readonly requestBody?: object;
  readonly responses: Readonly<Record<string, { readonly $ref?: string; readonly description?: string }>>;
};
type Document = {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Entry>>>>;
};

const text = await generate();
const document = JSON.parse(text) as Document;
const entries = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, entry]) => ({ path, method, entry })),
);

/** Every `$ref` anywhere below. */
const references = (value: Json): readonly string[] => {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(references);
  return Object.entries(value).flatMap(([name, inside]) =>
    name === "$ref" && typeof inside === "string" ? [inside] : references(inside),
  );
};

const resolve = (reference: string): unknown =>
  reference
    .replace(/^#\//, "")
    .split("/")
    .reduce<unknown>((at, step) => (at as Readonly<Record<string, unknown>> | undefined)?.[step], document);

test("the OpenAPI document is the same every time, and is the committed one", async () => {
  assert.equal(await generate(), text);
  assert.equal(readFileSync(new URL("../../api/openapi.json", import.meta.url), "utf8"), text);
  assert.equal(document.openapi, "3.1.0");
});

test("every $ref resolves, and every component is used", () => {
  const used = new Set(references(document as unknown as Json));
  assert.deepEqual(
    [...used].filter((reference) => resolve(reference) === undefined),
    [],
  );
  const { components } = document as unknown as { components: Record<string, Record<string, unknown>> };
  const defined = ["schemas", "parameters", "responses", "headers"].flatMap((kind) =>
    Object.keys(components[kind] ?? {}).map((name) => `#/components/${kind}/${name}`),
  );
  assert.deepEqual(
    defined.filter((reference) => !used.has(reference)),
    [],
  );
});

test("every operation of the model is there once, under its own id", () => {
  const ids = entries.map(({ entry }) => entry.operationId);
  assert.equal(new Set(ids).size, ids.length);
  const declared = allOperations(loadModel("").model);
  assert.ok(declared.length > 40);
  for (const { name, method, path } of declared)
    assert.equal(document.paths[path]?.[method.toLowerCase()]?.operationId, name);
});

test("what stands in a path is a required path parameter, and only that", () => {
  for (const { path, entry } of entries) {
    const named = Array.from(path.matchAll(/\{([^}]+)\}/g), ([, name]) => name);
    const declared = (entry.parameters ?? []).filter((parameter) => parameter.in === "path");
    assert.deepEqual(
      declared.map(({ name }) => name),
      named,
      path,
    );
    assert.ok(
      declared.every(({ required }) => required === true),
      path,
    );
  }
});

test("every entry has an answer of success and, unless it is public, says how it fails; reads have no body", () => {
  for (const { path, method, entry } of entries) {
    const answers = Object.keys(entry.responses);
    assert.ok(
      // A browser that signs out is sent on.
      answers.some((status) => status.startsWith("2") || status.startsWith("3")),
      path,
    );
    assert.ok(path.includes(".well-known") || path.endsWith("jwks") || answers.includes("401"), path);
    if (method === "get" || method === "delete") assert.equal(entry.requestBody, undefined, path);
  }
});
