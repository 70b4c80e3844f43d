/**
 * Reads the file that says what each route of the gateways needs. Either it is right, or everything that is wrong with it is told at once,
 * as with the access model (core/model/read-model.ts).
 *
 *     audience: [https://api.example.com]        # whom tokens must be meant for; the issuer, unless a route or this says otherwise
 *     routes:
 *       - { methods: [GET], path: "/accounts/{id}/payouts", permission: payouts:read, resource: "accounts/{id}" }
 *       - { methods: [GET], path: /status, public: load balancers look here }
 */
import type { Report } from "../../../core/model/document.ts";
import type { Model } from "../../../core/model/model.ts";
import { fieldsOf, isAbsent, type Place, required, someOf, textOf, textsOf } from "../../../core/model/place.ts";
import { formatTextError, readYaml } from "../../../core/model/yaml-text.ts";
import { placeOf } from "./route-table.ts";
import { readTemplate } from "./path-template.ts";
import { readRule, ruleFields } from "./read-rule.ts";
import type { Route } from "./route.ts";

const routes_max = 5_000;
const methodForm = /^[A-Z]{1,20}$/;
const hostForm = /^(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/;

/** `path` names the file in errors, and is not opened. Each error is a line: `routes.yaml:3: routes[0].permission: there is no …`. */
export const readRoutes = (
  text: string,
  path: string,
  model: Model,
): { readonly routes: readonly Route[] } | { readonly errors: readonly string[] } => {
  const { value, report, errors } = readYaml(text, path);
  const routes = value === undefined ? [] : readDocument(value, model, report);
  const found = errors();
  return found.length === 0 ? { routes } : { errors: found.map(formatTextError) };
};

const readDocument = (value: unknown, model: Model, report: Report): readonly Route[] => {
  const field = fieldsOf({ value, path: [], report }, ["audience", "routes"]);
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
