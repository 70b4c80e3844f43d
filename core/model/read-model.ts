/**
 * Reads an access model file. Either it is right, or everything that is wrong with it is told at once: the file, the place, the reason.
 *
 *     YAML → duplicate keys → shape (schema.ts) → references (check-document.ts) → compile
 */
import { checkDocument } from "./check-document.ts";
import { compile } from "./compile.ts";
import type { Model } from "./model.ts";
import { readDocument } from "./schema.ts";
import { formatTextError, readYaml, type TextError } from "./yaml-text.ts";

export type ModelError = TextError;

/**
 * Reads and compiles a model.
 *
 * @param path names the file in errors, and is not opened
 * @returns the model, or every error there is, in the order of the file. After a syntax error nothing else is looked at, as the rest of
 *   the text can't be trusted to mean what it seems to.
 */
export const readModel = (
  text: string,
  path: string,
): { readonly model: Model } | { readonly errors: readonly ModelError[] } => {
  const { value, report, errors } = readYaml(text, path);
  if (value === undefined) return { errors: errors() };
  const document = readDocument(value, report);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) checkDocument(document, report);
  const found = errors();
  return found.length > 0 ? { errors: found } : { model: compile(document) };
};

/** `models/b2b2x.yaml:14: roles.member.permissions[0]: there is no permission …`. */
export const formatModelError: (error: ModelError) => string = formatTextError;
