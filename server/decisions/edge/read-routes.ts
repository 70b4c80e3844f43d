/**
 * Reads the file that says what each route of the gateways needs. Either it is right, or everything that is wrong with it is told at once,
 * as with the access model (core/model/read-model.ts).
 *
 *     audience: [https://api.example.com]        # whom tokens must be meant for; the issuer, unless a route or this says otherwise
 *     routes:
 *       - { methods: [GET], path: "/accounts/{id}/payouts", permission: payouts:read, resource: "accounts/{id}" }
 *       - { methods: [GET], path: /status, public: load balancers look here }
 */
import { type Document, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import { formatPath, type Path, type Report } from "../../../core/model/document.ts";
import type { Model } from "../../../core/model/model.ts";
import { fieldsOf, isAbsent, type Place, required, someOf, textOf, textsOf } from "../../../core/model/place.ts";
import { placeOf } from "./route-table.ts";
import { readTemplate } from "./path-template.ts";
import { readRule, ruleFields } from "./read-rule.ts";
import type { Route } from "./route.ts";

const text_length_max = 1_000_000;
const routes_max = 5_000;
const methodForm = /^[A-Z]{1,20}$/;
const hostForm = /^(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/;

/** `path` names the file in errors, and is not opened. Each error is a line: `routes.yaml:3: routes[0].permission: there is no …`. */
export const readRoutes = (
  text: string,
  path: string,
  model: Model,
): { readonly routes: readonly Route[] } | { readonly errors: readonly string[] } => {
  if (text.length > text_length_max) return { errors: [`${path}: is longer than ${text_length_max} characters`] };
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const found: { readonly offset: number; readonly text: string }[] = [];
  for (const { pos, message } of [...yaml.errors, ...yaml.warnings]) found.push({ offset: pos[0], text: message });
  const report: Report = (at, reason) =>
    found.push({ offset: offsetOf(yaml, at), text: at.length === 0 ? reason : `${formatPath(at)}: ${reason}` });

  const routes = found.length === 0 ? readDocument(yaml, model, report) : [];
  if (found.length === 0) return { routes };
  const errors = found.toSorted((a, b) => a.offset - b.offset);
  return { errors: errors.map(({ offset, text: wrong }) => `${path}:${lines.linePos(offset).line}: ${wrong}`) };
};

const readDocument = (yaml: Document, model: Model, report: Report): readonly Route[] => {
  checkDuplicates(yaml.contents, [], report);
  const value = plain(yaml, report);
  const field = fieldsOf({ value: value ?? null, path: [], report }, ["audience", "routes"]);
  const audience = textsOf(field("audience"));
  const places = required(field("routes"), listOf);
  if (places.length > routes_max)
    report(["routes"], `has ${places.length} routes; at most ${routes_max} are supported`);
  const read = places.map((place) => ({ place, route: readRoute(place, model, audience) }));
  const routes = read.flatMap(({ place, route }) => (route === undefined ? [] : [{ place, route }]));
  checkTwice(routes);
  return routes.map(({ route }) => route);
};

const readRoute = (place: Place, model: Model, audience: readonly string[]): Route | undefined => {
  const field = fieldsOf(place, ["host", "methods", "path", ...ruleFields]);
  const host = textOf(field("host"));
  if (!isAbsent(field("host")) && !hostForm.test(host))
    place.report(field("host").path, `\`${host}\` is not a host: lower case, with a port or without`);
  const methods = required(field("methods"), someOf(textsOf));
  methods.forEach((method, at) => {
    if (!methodForm.test(method))
      place.report([...field("methods").path, at], `\`${method}\` is not a method: upper-case letters, as in \`GET\``);
  });
  const text = required(field("path"), textOf);
  const path = text === "" ? { wrong: "must begin with `/`" } : readTemplate(text);
  if ("wrong" in path) {
    if (!isAbsent(field("path"))) place.report(field("path").path, path.wrong);
    return undefined;
  }
  const rule = readRule(field, place, { model, path, audience });
  return rule === undefined ? undefined : { host: isAbsent(field("host")) ? undefined : host, methods, path, rule };
};

type Placed = { readonly place: Place; readonly route: Route };

/** Two routes for the same request would leave it to their order what it needs. */
const checkTwice = (routes: readonly Placed[]): void => {
  for (const group of Map.groupBy(routes, ({ route }) => placeOf(route)).values())
    group.forEach(({ place, route }, at) => {
      const earlier = group.slice(0, at).flatMap((other) => other.route.methods);
      for (const method of route.methods)
        if (earlier.includes(method)) place.report(place.path, `\`${method} ${route.path.text}\` has a route already`);
    });
};

const listOf = ({ value, path, report }: Place): readonly Place[] => {
  if (value === undefined) return [];
  if (Array.isArray(value))
    return value.map((item: unknown, at) => ({ value: item ?? null, path: [...path, at], report }));
  report(path, "must be a list");
  return [];
};

/** An alias to nothing, or one that multiplies beyond reason, is only found when the tree is turned into values. */
const plain = (yaml: Document, report: Report): unknown => {
  try {
    return yaml.toJS() as unknown;
  } catch (error) {
    report([], error instanceof Error ? error.message : String(error));
    return undefined;
  }
};

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
