/**
 * Which route a request is on. The most specific path decides, and among equal paths a host that is named: then that route alone, so that
 * a method it does not list is refused and does not fall through to something wider. What is on no route is refused (invariant 1).
 */
import { type Bound, bySpecificity, matchPath, shapeOf } from "./path-template.ts";
import type { RequestTarget } from "./request-target.ts";
import type { Route, Rule } from "./route.ts";

export type RouteTable = {
  /** How many routes there are. */
  readonly size: number;
  /** The rule, and what the path's parameters stand for; undefined for what is on no route. */
  find(target: RequestTarget): { readonly rule: Rule; readonly bound: Bound } | undefined;
};

export const routeTableOf = (routes: readonly Route[]): RouteTable => {
  const sorted = routes.toSorted((a, b) => bySpecificity(a.path, b.path) || hostRank(a.host) - hostRank(b.host));
  const groups = Map.groupBy(sorted, placeOf);
  // A literal first segment is before everything else in the order, so that looking there first keeps it.
  const byFirst = Map.groupBy(sorted, firstOf);
  const others = byFirst.get(undefined) ?? [];

  const placeIn = (candidates: readonly Route[], target: RequestTarget) => {
    for (const route of candidates) {
      if (!isHost(route.host, target.host)) continue;
      const bound = matchPath(route.path, target.segments);
      if (bound !== undefined) return { route, bound };
    }
    return undefined;
  };

  return {
    size: routes.length,
    find: (target) => {
      const found = placeIn(byFirst.get(target.segments[0]) ?? [], target) ?? placeIn(others, target);
      if (found === undefined) return undefined;
      const route = groups.get(placeOf(found.route))?.find(({ methods }) => allows(methods, target.method));
      if (route === undefined) return undefined;
      // Another method's route may call the same parameters by other names.
      const bound = route === found.route ? found.bound : matchPath(route.path, target.segments);
      return bound === undefined ? undefined : { rule: route.rule, bound };
    },
  };
};

/** Where a route stands: two of one place are told apart by their methods alone. */
export const placeOf = ({ host, path }: Pick<Route, "host" | "path">): string => `${host ?? "*"} ${shapeOf(path)}`;

/** RFC 9110 §9.3.2: HEAD is GET without the answer's content. */
export const allows = (methods: readonly string[], method: string): boolean =>
  methods.includes(method) || (method === "HEAD" && methods.includes("GET"));

const firstOf = ({ path }: Route): string | undefined => {
  const [first] = path.segments;
  return first?.at === "literal" ? first.text : undefined;
};

const port = /:\d{1,5}$/;

/** With a port before without one, before none. */
const hostRank = (host: string | undefined): number => (host === undefined ? 2 : port.test(host) ? 0 : 1);

/** A route's host without a port is that host at every port: at which one the gateway listens is its own business. */
const isHost = (wanted: string | undefined, host: string): boolean =>
  wanted === undefined || wanted === host || (!port.test(wanted) && wanted === host.replace(port, ""));
