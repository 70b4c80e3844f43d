// What holds the floors up. Each rule looks at one file, or at all of them, and returns what it objects to.
import { posix } from "node:path";
import {
  allowedArrows,
  ambientAuthority,
  corePackages,
  fileLinesMax,
  isGenerated,
  isStore,
  isWorkshop,
  sdkPeers,
  slices,
  sqlPlaces,
} from "./layout.ts";
import { type Import, lineAt, type Source } from "./source.ts";

export type Violation = { readonly path: string; readonly line: number; readonly message: string };

/** `packages` are the names in package.json's `dependencies`: what an installation for production has. */
export type Judged = { readonly sources: readonly Source[]; readonly packages: readonly string[] };

export const judge = ({ sources, packages }: Judged): readonly Violation[] => {
  if (sources.every((source) => source.imports.length === 0)) {
    return [{ path: ".", line: 1, message: "no import was seen in any file, so nothing was judged" }];
  }
  const product = sources.filter((source) => !isWorkshop(source.path));
  const style = sources.filter((source) => !isGenerated(source.path));
  const found = [
    ...unranked(product),
    ...product.flatMap(arrows),
    ...product.flatMap((source) => packageImports(source, packages)),
    ...cycles(sources),
    ...product.flatMap(misplacedSql),
    ...product.flatMap(ambient),
    ...style.flatMap(defaultExports),
    ...style.flatMap(length),
  ];
  return found.toSorted((one, other) => one.path.localeCompare(other.path) || one.line - other.line);
};

// ── arrows point down ──

/** A file's height. It may import what is lower, and what is in the same `room`. */
type Floor = { readonly height: number; readonly room: string };

/** Undefined for a folder that has no place yet; `unranked` says so once for each. */
const floorOf = (path: string): Floor | undefined => {
  const [top = "", second = "", ...rest] = path.split("/");
  if (isWorkshop(path)) return { height: 1_000, room: "workshop" };
  if (top === "core") return { height: 0, room: top };
  if (top === "sdk") return { height: 1, room: top };
  if (top === "cli") return { height: 2, room: top };
  if (top !== "server") return undefined;
  if (second === "platform") return { height: 10, room: "server/platform" };
  if (second === "transport") return { height: 200, room: "server/transport" };
  // The composition root and the configuration stand directly in server/.
  if (rest.length === 0) return { height: 300, room: "server" };
  const rank = slices.indexOf(second);
  return rank === -1 ? undefined : { height: 20 + rank, room: `server/${second}` };
};

const unranked = (sources: readonly Source[]): readonly Violation[] => {
  const homeless = sources.filter(({ path }) => floorOf(path) === undefined);
  const byFolder = Map.groupBy(homeless, ({ path }) => path.split("/").slice(0, 2).join("/"));
  return Array.from(byFolder, ([folder, [first]]) => ({
    path: first?.path ?? folder,
    line: 1,
    message: `${folder} has no place: rank it in tools/floors/layout.ts`,
  }));
};

const arrows = (source: Source): readonly Violation[] =>
  source.imports.flatMap((imported) => {
    const target = resolve(source.path, imported);
    if (target === undefined) return [];
    const problem = arrowProblem(source.path, target);
    return problem === undefined ? [] : [{ path: source.path, line: imported.line, message: problem }];
  });

const arrowProblem = (path: string, target: string): string | undefined => {
  if (allowedArrows.some(({ from, to }) => path.startsWith(from) && target.startsWith(to))) return undefined;
  const from = floorOf(path);
  const to = floorOf(target);
  if (from === undefined || to === undefined || from.room === to.room) return undefined;
  // The SDK and the command line stand on core beside the server, not on top of it, nor under it.
  const besideServer = (room: string): boolean => room === "sdk" || room === "cli";
  const inServer = (room: string): boolean => room.startsWith("server");
  const apart = (besideServer(from.room) && inServer(to.room)) || (inServer(from.room) && besideServer(to.room));
  if (!apart && from.height > to.height) return undefined;
  return `${from.room} may not import ${to.room} (\`${target}\`)`;
};

/** The path a relative import names, or undefined for a package. */
const resolve = (path: string, imported: Import): string | undefined =>
  imported.specifier.startsWith(".") ? posix.join(posix.dirname(path), imported.specifier) : undefined;

// ── packages ──

const packageImports = (source: Source, packages: readonly string[]): readonly Violation[] =>
  source.imports.flatMap(({ specifier, clause, line }) => {
    if (specifier.startsWith(".")) return [];
    const name = packageName(specifier);
    const objection = (message: string): readonly Violation[] => [{ path: source.path, line, message }];
    if (source.path.startsWith("core/") && !corePackages.includes(name)) {
      return objection(`core may import no package but ${corePackages.join(", ")} (\`${specifier}\`)`);
    }
    if (specifier.startsWith("node:") || packages.includes(name)) return [];
    if (source.path.startsWith("sdk/") && sdkPeers.includes(name) && clause.startsWith("type ")) return [];
    return objection(`\`${name}\` is not in package.json's dependencies, so it is missing in production`);
  });

const packageName = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

// ── cycles ──

const cycles = (sources: readonly Source[]): readonly Violation[] => {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const state = new Map<string, "open" | "done">();
  const found: Violation[] = [];
  const visit = (source: Source, trail: readonly string[]): void => {
    state.set(source.path, "open");
    const here = [...trail, source.path];
    for (const imported of source.imports) {
      const target = byPath.get(resolve(source.path, imported) ?? "");
      if (target === undefined) continue;
      const seen = state.get(target.path);
      if (seen === undefined) visit(target, here);
      if (seen !== "open") continue;
      const loop = [...here.slice(here.indexOf(target.path)), target.path];
      found.push({ path: source.path, line: imported.line, message: `imports in a circle: ${loop.join(" → ")}` });
    }
    state.set(source.path, "done");
  };
  for (const source of sources) if (!state.has(source.path)) visit(source, []);
  return found;
};

// ── SQL lives in store.ts ──

const sqlText =
  /^\s*(?:select\s|insert\s+into\s|update\s+[\w."]+\s+(?:as\s+\w+\s+)?set\s|delete\s+from\s|with\s+(?:recursive\s+)?\w+[^;]*\bas\s*\(|create\s+(?:table|index|role)\s|alter\s+(?:table|role)\s|truncate\s)/i;
const sqlBuilder =
  /\.(?:selectFrom|insertInto|updateTable|deleteFrom|mergeInto|selectNoFrom)\s*\(|(?<![.\w$])sql\s*(?:<[^>]*>)?\s*`/g;
const everyColumn = /\b(?:select|returning)\s+(?:[\w."]+\s*,\s*)*(?:\w+\.)?\*/i;
const everyColumnBuilder = /\.(?:selectAll|returningAll)\s*\(/g;

const misplacedSql = (source: Source): readonly Violation[] => {
  const { path } = source;
  const atHome = isStore(path) || sqlPlaces.some((place) => path.startsWith(place.path));
  const where = "SQL is written in a slice's store.ts only";
  const all = "names every column it reads, instead of `*`";
  return [
    ...(atHome ? [] : inStrings(source, sqlText, where)),
    ...(atHome ? [] : inCode(source, sqlBuilder, where)),
    ...inStrings(source, everyColumn, `SQL ${all}`),
    ...inCode(source, everyColumnBuilder, `a query ${all}`),
  ];
};

// ── no ambient authority ──

const handedIn = "comes in as an argument (server/platform has the real one)";
const ambients: readonly { readonly pattern: RegExp; readonly message: string }[] = [
  { pattern: /(?<![.\w$])Date\s*\.\s*now\b/g, message: `the clock ${handedIn}: \`Date.now\`` },
  { pattern: /(?<![.\w$])new\s+Date\s*(?:\(\s*\)|(?![\s(]))/g, message: `the clock ${handedIn}: \`new Date()\`` },
  {
    pattern: /(?<![.\w$])(?:Temporal\s*\.\s*Now|performance\s*\.\s*(?:now|timeOrigin))\b/g,
    message: `the clock ${handedIn}`,
  },
  { pattern: /(?<![.\w$])process\s*\.\s*hrtime\b/g, message: `the clock ${handedIn}: \`process.hrtime\`` },
  { pattern: /(?<![.\w$])Math\s*\.\s*random\b/g, message: `randomness ${handedIn}: \`Math.random\`` },
  {
    pattern:
      /(?<![\w$])(?:randomBytes|randomUUID|randomUUIDv7|randomInt|randomFill|randomFillSync|getRandomValues)\s*\(/g,
    message: `randomness ${handedIn}`,
  },
  { pattern: /(?<![.\w$])process\s*\.\s*env\b/g, message: "only server/config.ts reads the environment" },
  { pattern: /(?:(?<![.\w$])|\bglobalThis\s*\.\s*)fetch\s*\(/g, message: `the network ${handedIn}: \`fetch\`` },
];
const ambientImports: readonly { readonly from: RegExp; readonly clause: RegExp; readonly message: string }[] = [
  {
    from: /^(?:node:)?crypto$/,
    clause: /\brandom\w+|\bgetRandomValues\b|\bwebcrypto\b/,
    message: `randomness ${handedIn}`,
  },
  { from: /^(?:node:)?process$/, clause: /\b(?:env|hrtime)\b/, message: "only server/config.ts reads the environment" },
  { from: /^(?:node:)?perf_hooks$/, clause: /\bperformance\b/, message: `the clock ${handedIn}` },
];

const ambient = (source: Source): readonly Violation[] => {
  const { path } = source;
  if (ambientAuthority.some((place) => path.startsWith(place))) return [];
  const imports = source.imports.flatMap(({ specifier, clause, line }) =>
    ambientImports
      .filter((banned) => banned.from.test(specifier) && banned.clause.test(clause))
      .map(({ message }) => ({ path, line, message: `${message}: \`import ${clause}\`` })),
  );
  return [...imports, ...ambients.flatMap(({ pattern, message }) => inCode(source, pattern, message))];
};

// ── style ──

/** A declaration of somebody else's module has to say what that module does. */
const defaultExports = (source: Source): readonly Violation[] =>
  source.path.endsWith(".d.ts")
    ? []
    : inCode(source, /(?<![.\w$])export\s+(?:default\b|\{[^}]*\bas\s+default\b)/g, "exports are named, never default");

const length = ({ path, lineCount }: Source): readonly Violation[] =>
  lineCount <= fileLinesMax
    ? []
    : [{ path, line: lineCount, message: `${lineCount} lines, and ${fileLinesMax} is the limit` }];

const inCode = ({ path, code }: Source, pattern: RegExp, message: string): readonly Violation[] =>
  Array.from(code.matchAll(pattern), ({ index }) => ({ path, line: lineAt(code, index), message }));

const inStrings = ({ path, strings }: Source, pattern: RegExp, message: string): readonly Violation[] =>
  strings.filter(({ text }) => pattern.test(text)).map(({ line }) => ({ path, line, message }));
