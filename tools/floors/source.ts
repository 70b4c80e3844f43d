// Reads a TypeScript file as far as the rules need it: which text is code, which is comment, which is a string, and
// what it imports. Offsets never move, so every finding can be given its line. It is a scanner, not a parser:
// TypeScript 7 offers no compiler API, and Node's type stripping would remove the `import type` arrows too.

export type Import = {
  readonly specifier: string;
  readonly line: number;
  /** The text between `import` or `export` and the specifier, e.g. `{ randomBytes }`. */
  readonly clause: string;
};

export type Source = {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly lineCount: number;
  /** The text with the contents of comments and strings blanked out. */
  readonly code: string;
  /** The contents of strings, a template's pieces each on their own, in order. */
  readonly strings: readonly { readonly text: string; readonly line: number }[];
  readonly imports: readonly Import[];
};

export const readSource = (path: string, text: string): Source => {
  const pieces = scan(text);
  const code = blank(text, pieces);
  const strings = pieces.filter((piece) => piece.kind === "string");
  return {
    path,
    lineCount: text.split("\n").length - (text.endsWith("\n") ? 1 : 0),
    code,
    strings: strings.map(({ from, to }) => ({ text: text.slice(from, to), line: lineAt(text, from) })),
    imports: findImports(text, code),
  };
};

/** The line an offset is on, counted from 1. */
export const lineAt = (text: string, offset: number): number => text.slice(0, offset).split("\n").length;

/** `import … from ""`, `import ""`, `import type …`, `export … from ""`, `import("")`; string contents are blank here. */
const importPattern =
  /(?<![.\w$])(?:(?:import|export)\b((?:[\s\w$*,]|\{[^{}]*\})*?)\bfrom\s*|import\s*\(\s*|import\s*)(["'`])([^"'`]*)\2/g;

const findImports = (text: string, code: string): readonly Import[] =>
  Array.from(code.matchAll(importPattern), (match) => {
    const end = match.index + match[0].length - 1;
    const specifier = text.slice(end - (match[3] ?? "").length, end);
    return { specifier, line: lineAt(text, match.index), clause: (match[1] ?? "").trim() };
  });

type Piece = { readonly kind: "comment" | "string"; readonly from: number; readonly to: number };

/** Comments and strings, without their delimiters where they are strings. */
const scan = (text: string): readonly Piece[] => {
  const pieces: Piece[] = [];
  // One entry for each template whose `${` is open: how many braces are open inside it.
  const templates: number[] = [];
  let at = 0;
  const add = (kind: Piece["kind"], from: number, to: number): void => void pieces.push({ kind, from, to });

  while (at < text.length) {
    const char = text[at];
    const two = text.slice(at, at + 2);
    const depth = templates.at(-1);
    if (two === "//" || two === "/*") {
      const end = text.indexOf(two === "//" ? "\n" : "*/", at + 2);
      const to = end === -1 ? text.length : two === "//" ? end : end + 2;
      add("comment", at, to);
      at = to;
    } else if (char === '"' || char === "'") {
      const to = endOf(text, at + 1, (rest) => rest.startsWith(char) || rest.startsWith("\n"));
      add("string", at + 1, to);
      at = to + 1;
    } else if (char === "`" || (char === "}" && depth === 0)) {
      if (char === "}") templates.pop();
      const to = endOf(text, at + 1, (rest) => rest.startsWith("`") || rest.startsWith("${"));
      add("string", at + 1, to);
      if (text[to] === "$") templates.push(0);
      at = to + (text[to] === "$" ? 2 : 1);
    } else if (char === "/" && regexMayStart(text, at)) {
      const to = endOfRegex(text, at + 1);
      add("comment", at, to);
      at = to;
    } else {
      if (depth !== undefined && (char === "{" || char === "}"))
        templates.push((templates.pop() ?? 0) + (char === "{" ? 1 : -1));
      at += 1;
    }
  }
  return pieces;
};

const endOf = (text: string, from: number, ends: (rest: string) => boolean): number => {
  let at = from;
  while (at < text.length && !ends(text.slice(at, at + 2))) at += text[at] === "\\" ? 2 : 1;
  return Math.min(at, text.length);
};

/** A slash divides after a value, and starts a regular expression after anything else. */
const regexMayStart = (text: string, at: number): boolean => {
  const before = text.slice(Math.max(0, at - 100), at).trimEnd();
  if (/(?:^|[^\w$.])(?:return|typeof|case|in|of|void|await|yield|delete|throw)$/.test(before)) return true;
  return !/[\w$)\]}"'`]$/.test(before);
};

const endOfRegex = (text: string, from: number): number => {
  let inClass = false;
  let at = from;
  for (; at < text.length && text[at] !== "\n"; at += text[at] === "\\" ? 2 : 1) {
    if (text[at] === "[") inClass = true;
    else if (text[at] === "]") inClass = false;
    else if (text[at] === "/" && !inClass) return at + 1;
  }
  return at;
};

const blank = (text: string, pieces: readonly Piece[]): string => {
  const parts: string[] = [];
  let at = 0;
  for (const { from, to } of pieces) {
    parts.push(text.slice(at, from), text.slice(from, to).replaceAll(/[^\n]/g, " "));
    at = to;
  }
  return [...parts, text.slice(at)].join("");
};
