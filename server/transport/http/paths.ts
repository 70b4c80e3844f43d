/**
 * From the paths of the API to the router's. Custom methods (`/v1/things/{id}:verb`, AIP-136) share a router path with the thing itself,
 * because the router cannot tell a colon after a parameter from the parameter: the verb is read off the last segment here.
 */
import type { Route } from "./routes.ts";

/** Routes that the router sees as one: the plain one and its custom methods, by verb. The plain one's verb is empty. */
export type Mounted = {
  readonly method: Route["method"];
  readonly url: string;
  readonly byVerb: ReadonlyMap<string, Route>;
};

/** `/v1/things/{id}:verb` → `/v1/things/:id` and `verb`; `/v1/things:verb` is a path of its own, whose colon the router wants doubled. */
const split = (path: string): { readonly url: string; readonly verb: string } => {
  const colon = path.indexOf(":");
  const plain = colon < 0 ? path : path.slice(0, colon);
  if (colon >= 0 && !plain.endsWith("}")) return { url: `${plain}::${path.slice(colon + 1)}`, verb: "" };
  return { url: plain.replaceAll(/\{([a-z_]+)\}/g, ":$1"), verb: colon < 0 ? "" : path.slice(colon + 1) };
};

export const mounted = (routes: readonly Route[]): readonly Mounted[] => {
  const byName = new Map<
    string,
    { readonly method: Route["method"]; readonly url: string; readonly byVerb: Map<string, Route> }
  >();
  for (const route of routes) {
    const { url, verb } = split(route.path);
    const name = `${route.method} ${url}`;
    const one = byName.get(name) ?? { method: route.method, url, byVerb: new Map<string, Route>() };
    one.byVerb.set(verb, route);
    byName.set(name, one);
  }
  return [...byName.values()];
};

/** Takes the verb off the last parameter: `{uuid}:suspend` → `suspend`, and the parameter is the UUID alone. */
export const takeVerb = (params: Record<string, string>): string => {
  const id = params.id;
  const colon = id?.indexOf(":") ?? -1;
  if (id === undefined || colon < 0) return "";
  params.id = id.slice(0, colon);
  return id.slice(colon + 1);
};

/** Which methods each router path answers. */
export const methodsByUrl = (all: readonly Mounted[]): ReadonlyMap<string, readonly string[]> => {
  const methods = new Map<string, readonly string[]>();
  for (const { url, method } of all) methods.set(url, [...(methods.get(url) ?? []), method]);
  return methods;
};
