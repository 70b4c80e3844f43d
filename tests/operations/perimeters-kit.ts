/** What the tests of tenants and of perimeters share: their operations, by name, and every verb that takes an id. */
import assert from "node:assert/strict";
import type { Operation } from "../../server/operations/operation.ts";
import { perimeterOperations } from "../../server/perimeters/operations.ts";
import type { Workbench } from "../support/engine.ts";

/** `operationsOf(bench)("clients.create")` */
export const operationsOf = (bench: Workbench): ((name: string) => Operation) => {
  const all = new Map(perimeterOperations(bench.model).map((one) => [one.name, one]));
  return (name) => {
    const found = all.get(name);
    assert.ok(found, name);
    return found;
  };
};

/** What a tenant's administrator might try on another's. */
export const everyVerbOn = (bench: Workbench, collection: string): readonly Operation[] =>
  ["get", "update", "suspend", "resume", "delete"].map((verb) => operationsOf(bench)(`${collection}.${verb}`));

export const inputFor = (operation: Operation, id: string): object =>
  operation.method === "PATCH" ? { id, display_name: "Renamed" } : { id };
