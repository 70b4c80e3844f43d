/**
 * Walking an Express application's routers, for handlers that no guard stands before.
 *
 * Layers run in their order. A guard in a route covers the handlers after it; a guard in `use` covers the layers after it in the same router that
 * are reached only by paths it is reached by: by the same pattern, or, where its own path has no patterns in it, by what begins with it. In doubt
 * a handler is not covered.
 *
 * An error skips guards: Express goes from what failed straight to the next error handler, which may go on with the request. So an error handler
 * takes away what a guard before it covers, unless nothing before that guard can fail.
 */
import { inspect } from "node:util";
import { guards, mounted, passing } from "./express-marks.ts";
import { isPolicy } from "./route.ts";

/** As `router` keeps them; `rawPath` since Express 5.3. */
type Layer = {
  readonly handle: Handle;
  readonly slash?: boolean;
  readonly rawPath?: unknown;
  readonly method?: string;
  readonly route?: { readonly path: unknown; readonly stack: Layer[] };
};
type Router = { readonly stack: Layer[]; readonly params?: Readonly<Record<string, readonly Handle[]>> };
type Handle = ((...args: never) => unknown) & Partial<Router>;

export type Table = {
  /** `GET /files/:id`, `use /admin (serveAdmin)`. */
  readonly missing: readonly string[];
  readonly routers: readonly object[];
  /** Every router's and route's layers. */
  readonly stacks: readonly object[];
  /** The guards, and the applications that are mounted, in it. */
  readonly found: readonly object[];
};

export const tableOf = (app: object): Table => {
  const table: Building = { missing: [], routers: [], stacks: [], found: [app] };
  const router = routerOf(app);
  if (router === undefined) throw new TypeError("this is no Express 5 application");
  walk(router, "", table);
  return table;
};

type Building = {
  readonly missing: string[];
  readonly routers: object[];
  readonly stacks: object[];
  readonly found: object[];
};

const routerOf = (app: object): Router | undefined => {
  const { router } = app as { readonly router?: Partial<Router> };
  return router?.stack === undefined ? undefined : (router as Router);
};

/** What a layer leads into: a router, or an application that `protect` has prepared. */
const within = ({ handle }: Layer): Router | undefined => {
  const app = mounted.get(handle);
  if (app !== undefined) return routerOf(app);
  return handle.stack === undefined ? undefined : (handle as Router);
};

const errorHandlerArity = 4;
/** An error handler runs after something else has failed, and not by a route. */
const answersErrors = (handle: Handle): boolean => handle.length === errorHandlerArity;

const behindErrors = " (its guard is skipped where an error handler goes on)";

/** A guard in `use`. It is sound where nothing before it can fail, and so nothing skips it. */
type Cover = {
  readonly everything: boolean;
  readonly path: string;
  readonly literal: boolean;
  readonly sound: boolean;
};

const walk = (router: Router, prefix: string, table: Building): void => {
  table.routers.push(router);
  table.stacks.push(router.stack);
  let covers: readonly Cover[] = [];
  let lost: readonly Cover[] = [];
  let sound = true;
  const loaders = loadersOf(router);
  const told = new Set<string>();
  for (const layer of router.stack) {
    const { handle, route } = layer;
    const path = pathOf(layer);
    const isCovered = covers.some((one) => reaches(one, layer, path));
    const why = lost.some((one) => reaches(one, layer, path)) ? behindErrors : "";
    const inner = within(layer);
    if (!isCovered && !isLiteral(layer)) for (const loader of loaders) told.add(loader);
    if (route !== undefined) {
      table.stacks.push(route.stack);
      const methods = methodsWithout(route.stack, table);
      if (!isCovered) table.missing.push(...methods.map((method) => `${method} ${prefix}${path}${why}`));
    } else if (guards.has(handle)) {
      table.found.push(handle);
      if (!isPolicy(guards.get(handle))) table.missing.push(`use ${prefix}${path} (a guard without a policy)`);
      else if (layer.slash === true || typeof layer.rawPath === "string")
        covers = [...covers, { everything: layer.slash === true, path, literal: isLiteral(layer), sound }];
    } else if (inner !== undefined) {
      const app = mounted.get(handle);
      if (app !== undefined) table.found.push(app);
      // What the guard before it covers needs no more; its layers are closed all the same.
      walk(inner, prefix + (layer.slash === true ? "" : path), isCovered ? { ...table, missing: [] } : table);
    } else if (answersErrors(handle)) {
      if (!passing.has(handle)) {
        lost = [...lost, ...covers.filter((one) => !one.sound)];
        covers = covers.filter((one) => one.sound);
      }
    } else if (!isCovered && !passing.has(handle)) table.missing.push(`use ${prefix}${path} (${nameOf(handle)})${why}`);
    sound &&= guards.has(handle) && isLiteral(layer);
  }
  table.missing.push(...[...told].map((loader) => `param ${prefix}${loader}`));
};

/** What `app.param` has declared runs before the guard of a route it is for. */
const loadersOf = ({ params = {} }: Router): readonly string[] =>
  Object.entries(params).flatMap(([name, handles]) =>
    handles.filter((handle) => !passing.has(handle)).map((handle) => `:${name} (${nameOf(handle)})`),
  );

const nameOf = ({ name }: Handle): string => (name === "" ? "a function" : name);

/** `app.all` declares every method node:http knows, which nobody wants to read. */
const named_methods_max = 10;

const methodsWithout = (stack: readonly Layer[], table: Building): readonly string[] => {
  const missing = new Set<string>();
  const guarded = new Map<string | undefined, { readonly sound: boolean }>();
  let sound = true;
  for (const { method, handle } of stack) {
    if (guards.has(handle)) table.found.push(handle);
    if (guards.has(handle) && isPolicy(guards.get(handle))) {
      if (guarded.get(method)?.sound !== true) guarded.set(method, { sound });
    } else if (answersErrors(handle)) {
      if (!passing.has(handle)) for (const [one, { sound: stays }] of guarded) if (!stays) guarded.delete(one);
    } else if (!guarded.has(undefined) && !guarded.has(method) && !passing.has(handle))
      missing.add(method?.toUpperCase() ?? "ALL");
    sound &&= guards.has(handle);
  }
  return missing.size > named_methods_max ? ["ALL"] : [...missing];
};

const pathOf = ({ slash, rawPath, route }: Layer): string => {
  if (slash === true) return "/";
  const known = route === undefined ? rawPath : route.path;
  return known === undefined ? "/…" : typeof known === "string" ? known : inspect(known);
};

/** No parameter, wildcard or group in it, so that what it is reached by is what begins with it. */
const isLiteral = ({ slash, rawPath }: Layer): boolean =>
  slash === true || (typeof rawPath === "string" && /^\/[\w/.~-]*$/.test(rawPath));

const reaches = ({ everything, path: guarded, literal }: Cover, layer: Layer, path: string): boolean =>
  everything ||
  (typeof (layer.route?.path ?? layer.rawPath) === "string" &&
    (path === guarded || (literal && path.startsWith(`${guarded}/`))));
