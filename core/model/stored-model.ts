/** A model as it was recorded: the canonical document (`Model.canonical`) back into a model. */
import type { ModelDocument } from "./document.ts";
import { compile } from "./compile.ts";
import type { Model } from "./model.ts";
import { readDocument } from "./schema.ts";

/**
 * Reads what `Model.canonical` once said. It was found free of errors when it was recorded, so nothing is checked again: rules that have
 * come since are for new files. What has come to a document's shape since has its default.
 *
 * The permissions of the server's own collections are those of this release, in both models of a comparison.
 */
export const storedModel = (canonical: string): Model => compile(documentOf(canonical));

const documentOf = (canonical: string): ModelDocument =>
  readDocument(withoutDefaults(JSON.parse(canonical) as unknown), () => undefined);

/** A default that was filled in reads as if it stood there; an absent one was written as null or as nothing at all. */
const withoutDefaults = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, inner]) => inner !== null && !(name === "in" && Array.isArray(inner) && inner.length === 0))
      .map(([name, inner]) => [name, withoutDefaults(inner)]),
  );
};
