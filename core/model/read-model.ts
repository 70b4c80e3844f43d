/**
 * Reads an access model file. Either it is right, or everything that is wrong with it is told at once: the file, the place, the reason.
 *
 *     YAML → duplicate keys → shape (schema.ts) → references (check-document.ts) → compile
 */
import { type Document, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import { checkDocument } from "./check-document.ts";
import { compile } from "./compile.ts";
import { formatPath, type Path, type Report } from "./document.ts";
import type { Model } from "./model.ts";
import { readDocument } from "./schema.ts";

export type ModelError = {
  /** As given to `readModel`. */
  readonly file: string;
  /** From 1: where the path stands, or the nearest thing around it that is there. */
  readonly line: number;
  /** `roles.member.permissions[0]`; empty for the file as a whole. */
  readonly path: string;
  readonly reason: string;
};

/** Nobody writes a megabyte of model by hand. */
const text_length_max = 1_000_000;

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
  if (text.length > text_length_max) {
    return { errors: [{ file: path, line: 1, path: "", reason: `is longer than ${text_length_max} characters` }] };
  }
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const found: { path: Path; offset: number; reason: string }[] = [];

  for (const { pos, message } of [...yaml.errors, ...yaml.warnings]) {
    const { line, col } = lines.linePos(pos[0]);
    found.push({ path: [], offset: pos[0], reason: `line ${line}, column ${col}: ${message}` });
  }
  const report: Report = (at, reason) => found.push({ path: at, offset: offsetOf(yaml, at), reason });

  const document = found.length === 0 ? check(yaml, report) : undefined;
  if (document !== undefined && found.length === 0) return { model: compile(document) };
  return {
    errors: found
      .toSorted((a, b) => a.offset - b.offset)
      .map(({ path: at, offset, reason }) => ({
        file: path,
        line: lines.linePos(offset).line,
        path: formatPath(at),
        reason,
      })),
  };
};

/** `models/b2b2x.yaml:14: roles.member.permissions[0]: there is no permission …`. */
export const formatModelError = ({ file, line, path, reason }: ModelError): string =>
  [`${file}:${line}`, ...(path === "" ? [] : [path]), reason].join(": ");

const check = (yaml: Document, report: Report) => {
  checkDuplicates(yaml.contents, [], report);
  const value = plain(yaml, report);
  if (value === undefined) return undefined;
  const document = readDocument(value, report);
  if (isMap(yaml.contents)) checkDocument(document, report);
  return document;
};

/** An alias to nothing, or one that multiplies beyond reason, is only found when the tree is turned into values. */
const plain = (yaml: Document, report: Report): unknown => {
  try {
    return (yaml.toJS() as unknown) ?? null;
  } catch (error) {
    report([], error instanceof Error ? error.message : String(error));
    return undefined;
  }
};

/** Done here rather than by the parser, so that a name given twice is told with its path, and beside all other errors. */
const checkDuplicates = (node: unknown, path: Path, report: Report): void => {
  if (isSeq(node)) node.items.forEach((item, at) => checkDuplicates(item, [...path, at], report));
  if (!isMap(node)) return;
  const seen = new Set<string>();
  for (const { key, value } of node.items) {
    const name = isScalar(key) ? String(key.value) : String(key);
    if (seen.has(name)) report([...path, name], `\`${name}\` is there twice`);
    seen.add(name);
    checkDuplicates(value, [...path, name], report);
  }
};

/** Where the path, or the longest part of it that is in the file, begins. */
const offsetOf = (yaml: Document, path: Path): number => {
  const node: unknown = path.length === 0 ? yaml.contents : yaml.getIn(path, true);
  if (typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range))
    return Number(node.range[0]);
  return path.length === 0 ? 0 : offsetOf(yaml, path.slice(0, -1));
};
