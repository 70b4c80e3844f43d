/**
 * The path of a route: `/accounts/{id}/payouts`, `/accounts/{id}:close`, `/assets/**`.
 *
 * A literal matches itself, to the letter and the case. A parameter stands for one whole segment that is not empty and has no colon, since
 * a colon begins a custom method: `/accounts/{id}` is not `/accounts/7:close`. `**`, at the end, stands for one segment or more. A path that
 * ends with a slash is another path than one that does not.
 */

export type Segment =
  | { readonly at: "literal"; readonly text: string }
  /** `{name}`, or `{name}:suffix`. */
  | { readonly at: "parameter"; readonly name: string; readonly suffix: string }
  | { readonly at: "rest" };

export type PathTemplate = { readonly text: string; readonly segments: readonly Segment[] };

/** What the parameters stood for, by name. */
export type Bound = ReadonlyMap<string, string>;

const templateLengthMax = 1_000;
const literalForm = /^[A-Za-z0-9\-._~!$&'()+,=:@]*$/;
const parameterForm = /^\{([a-z][a-z0-9_]{0,63})\}(:[A-Za-z0-9\-._~]+)?$/;

/** The template, or what is wrong with it. */
export const readTemplate = (text: string): PathTemplate | { readonly wrong: string } => {
  if (!text.startsWith("/") || text.length > templateLengthMax)
    return { wrong: `must begin with \`/\`, and have ${templateLengthMax} characters at most` };
  const texts = text.slice(1).split("/");
  const names = new Set<string>();
  const segments: Segment[] = [];
  for (const [at, part] of texts.entries()) {
    const last = at === texts.length - 1;
    if (part === "" && !last) return { wrong: "has an empty segment" };
    if (part === "." || part === "..")
      return { wrong: `has the segment \`${part}\`, which no request that is let through has` };
    if (part === "**") {
      if (!last) return { wrong: "has `**` before its end; it stands for everything below" };
      segments.push({ at: "rest" });
      continue;
    }
    const [, name, suffix = ""] = parameterForm.exec(part) ?? [];
    if (name !== undefined) {
      if (names.has(name)) return { wrong: `has the parameter \`${name}\` twice` };
      names.add(name);
      segments.push({ at: "parameter", name, suffix });
    } else if (literalForm.test(part)) segments.push({ at: "literal", text: part });
    else
      return {
        wrong: `has the segment \`${part}\`, which is neither plain text, nor \`{name}\` or \`{name}:verb\`, nor \`**\``,
      };
  }
  return { text, segments };
};

/** The names of its parameters. */
export const parametersOf = ({ segments }: PathTemplate): ReadonlySet<string> =>
  new Set(segments.flatMap((one) => (one.at === "parameter" ? [one.name] : [])));

/** What its parameters stand for in the path; undefined where it is not this one. */
export const matchPath = ({ segments }: PathTemplate, path: readonly string[]): Bound | undefined => {
  const rest = segments.at(-1)?.at === "rest";
  if (rest ? path.length < segments.length : path.length !== segments.length) return undefined;
  const bound = new Map<string, string>();
  for (const [at, segment] of segments.entries()) {
    const text = path[at] ?? "";
    if (segment.at === "rest") break;
    if (segment.at === "literal") {
      if (segment.text !== text) return undefined;
      continue;
    }
    if (!text.endsWith(segment.suffix)) return undefined;
    const value = text.slice(0, text.length - segment.suffix.length);
    if (value === "" || value.includes(":")) return undefined;
    bound.set(segment.name, value);
  }
  return bound;
};

const rankOf = (segment: Segment | undefined): number => {
  if (segment === undefined) return 4;
  if (segment.at === "literal") return 0;
  if (segment.at === "rest") return 3;
  return segment.suffix === "" ? 2 : 1;
};

/** Orders templates that match the same path, the most specific first: at the first segment where they differ, literal before parameter before `**`. */
export const bySpecificity = (a: PathTemplate, b: PathTemplate): number => {
  const length = Math.max(a.segments.length, b.segments.length);
  for (let at = 0; at < length; at++) {
    const difference = rankOf(a.segments[at]) - rankOf(b.segments[at]);
    if (difference !== 0) return difference;
  }
  return 0;
};

/** Equal for templates that match the same paths: the parameters' names left out. */
export const shapeOf = ({ segments }: PathTemplate): string =>
  segments
    .map((one) => (one.at === "literal" ? `=${one.text}` : one.at === "rest" ? "**" : `{}${one.suffix}`))
    .join("/");
