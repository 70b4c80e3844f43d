/**
 * Reads a file of assertions (`models/b2b2x.test.yaml`). Either it is right, or everything that is wrong with it is told at once: the file,
 * the place, the reason, and what was probably meant.
 *
 *     YAML → duplicate keys → shape (read-shape.ts) → references, in the words of its model (check-references.ts)
 */
import { readYaml, type TextError, type YamlText } from "../yaml-text.ts";
import type { Model } from "../model.ts";
import { checkReferences } from "./check-references.ts";
import type { AssertionsDocument } from "./document.ts";
import { modelNamedIn, readShape } from "./read-shape.ts";

export type Assertions = {
  readonly document: AssertionsDocument;
  readonly model: Model;
  /** The line a path stands on, from 1. */
  readonly lineOf: YamlText["lineOf"];
};

/**
 * @param file names the file in errors, and is not opened
 * @param modelOf finds the model the file names, or, where it names none, the one it stands beside; or says why it can't
 */
export const readAssertions = (
  text: string,
  file: string,
  modelOf: (named: string | undefined) => { readonly model: Model } | { readonly wrong: string },
): Assertions | { readonly errors: readonly TextError[] } => {
  const { value, report, errors, lineOf } = readYaml(text, file);
  if (value === undefined) return { errors: errors() };
  const document = readShape({ value, path: [], report });
  const found = modelOf(modelNamedIn(value));
  if ("wrong" in found) {
    report(["model"], found.wrong);
    return { errors: errors() };
  }
  checkReferences(found.model, document, report);
  const all = errors();
  return all.length > 0 ? { errors: all } : { document, model: found.model, lineOf };
};
