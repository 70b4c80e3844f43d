/** One operation as the command line needs it: what it is called, where it goes, and its fields. */
import type { Operation } from "../../server/operations/operation.ts";
import { type Field, fieldsOf } from "./fields.ts";

export type Verb = {
  /** `role-assignments.create`. */
  readonly name: string;
  readonly summary: string;
  readonly method: Operation["method"];
  /** What is in braces is a field. */
  readonly path: string;
  readonly changes: boolean;
  /** Whether it can be asked who would gain and lose what. */
  readonly tellsImpact: boolean;
  readonly fields: readonly Field[];
};

export const verbOf = (operation: Operation): Verb => ({
  name: operation.name,
  summary: operation.summary,
  method: operation.method,
  path: operation.path,
  changes: operation.kind === "change",
  tellsImpact: operation.kind === "change" && operation.impact !== undefined,
  fields: fieldsOf(operation),
});

/** `role-assignments` of `role-assignments.create`. */
export const collectionOf = ({ name }: { readonly name: string }): string => name.slice(0, name.lastIndexOf("."));
