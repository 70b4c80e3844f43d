/** YAML as people write it, read so that everything wrong with it can be told with its place: the file, the line, the path, the reason. */
import { type Document, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import { formatPath, type Path, type Report } from "./document.ts";

export type TextError = {
  /** As it was given, and not opened. */
  readonly file: string;
  /** From 1: where the path stands, or the nearest thing around it that is there. */
  readonly line: number;
  /** `roles.member.permissions[0]`; empty for the file as a whole. */
  readonly path: string;
  readonly reason: string;
};

/** Nobody writes a megabyte by hand. */
const text_length_max = 1_000_000;

export type YamlText = {
  /** What it says. Undefined where it could not be read; then it has been reported why. */
  readonly value: unknown;
  readonly report: Report;
  /** Everything reported so far, in the order of the file. */
  errors(): readonly TextError[];
  /** From 1. */
  lineOf(path: Path): number;
};

/**
 * Parses the text. After a syntax error nothing else is looked at, as the rest of the text can't be trusted to mean what it seems to; names
 * that are there twice are reported, and the value is there.
 */
export const readYaml = (text: string, file: string): YamlText => {
  if (text.length > text_length_max) {
    const error = { file, line: 1, path: "", reason: `is longer than ${text_length_max} characters` };
    return { value: undefined, report: () => undefined, errors: () => [error], lineOf: () => 1 };
  }
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const found: { path: Path; offset: number; reason: string }[] = [];
  for (const { pos, message } of [...yaml.errors, ...yaml.warnings]) {
    const { line, col } = lines.linePos(pos[0]);
    found.push({ path: [], offset: pos[0], reason: `line ${line}, column ${col}: ${message}` });
  }
  const report: Report = (at, reason) => found.push({ path: at, offset: offsetOf(yaml, at), reason });
  const lineOf = (path: Path): number => lines.linePos(offsetOf(yaml, path)).line;
  const value = found.length === 0 ? valueOf(yaml, report) : undefined;
  const errors = (): readonly TextError[] =>
    found
      .toSorted((a, b) => a.offset - b.offset)
      .map(({ path, offset, reason }) => ({
        file,
        line: lines.linePos(offset).line,
        path: formatPath(path),
        reason,
      }));
  return { value, report, errors, lineOf };
};

/** `models/b2b2x.yaml:14: roles.member.permissions[0]: there is no permission …`. */
export const formatTextError = ({ file, line, path, reason }: TextError): string =>
  [`${file}:${line}`, ...(path === "" ? [] : [path]), reason].join(": ");

const valueOf = (yaml: Document, report: Report): unknown => {
  checkDuplicates(yaml.contents, [], report);
  return plain(yaml, report);
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
