/**
 * Walking an Express application's routers, for handlers that no guard stands before.
 *
 * Layers run in their order. A guard in a route covers the handlers after it; a guard in `use` covers the layers after it in the same router that
 * are reached only by paths it is reached by, which is known where its own path has no patterns in it. In doubt a handler is not covered.
 */
import { inspect } from "node:util";
import { guards, passing } from "./express-marks.ts";
import { isPolicy } from "./route.ts";

/** As `router` keeps them; `rawPath` since Express 5.3. */
type Layer = {
  readonly handle: Handle;
  readonly slash?: boolean;
  readonly rawPath?: unknown;
  readonly method?: string;
  readonly route?: { readonly path: unknown; readonly stack: Layer[] };
};
type Handle = ((...args: never) => unknown) & { readonly stack?: Layer[] };

export type Unguarded = {
  /** `GET /files/:id`, `use /admin (serveAdmin)`. */
  readonly missing: readonly string[];
  /** Every router's and route's layers. */
  readonly stacks: readonly object[];
};

export const unguarded = (app: object): Unguarded => {
  const missing: string[] = [];
  const stacks: object[] = [];
  const { router } = app as { readonly router?: { readonly stack?: Layer[] } };
  if (router?.stack === undefined) throw new TypeError("this is no Express 5 application");
  walk(router.stack, "", { missing, stacks });
  return { missing, stacks };
};

type Found = { readonly missing: string[]; readonly stacks: object[] };

const errorHandlerArity = 4;
/** An error handler runs after something else has failed, and not by a route. */
const answersErrors = (handle: Handle): boolean => handle.length === errorHandlerArity;

const walk = (stack: Layer[], prefix: string, found: Found): void => {
  found.stacks.push(stack);
  const covered: string[] = [];
  for (const layer of stack) {
    const path = pathOf(layer);
    const isCovered = covered.some((guarded) => reaches(guarded, layer, path));
    if (layer.route !== undefined) {
      found.stacks.push(layer.route.stack);
      if (!isCovered)
        found.missing.push(...unguardedMethods(layer.route.stack).map((method) => `${method} ${prefix}${path}`));
    } else if (guards.has(layer.handle)) {
      if (!isPolicy(guards.get(layer.handle))) found.missing.push(`use ${prefix}${path} (a guard without a policy)`);
      else if (isLiteral(layer)) covered.push(layer.slash === true ? "" : path);
    } else if (layer.handle.stack !== undefined) {
      // What the guard before it covers needs no look; its layers are closed all the same.
      const within: Found = isCovered ? { missing: [], stacks: found.stacks } : found;
      walk(layer.handle.stack, prefix + (layer.slash === true ? "" : path), within);
    } else if (!isCovered && !passing.has(layer.handle) && !answersErrors(layer.handle)) {
      found.missing.push(`use ${prefix}${path} (${layer.handle.name === "" ? "a function" : layer.handle.name})`);
    }
  }
};

/** `app.all` declares every method node:http knows, which nobody wants to read. */
const named_methods_max = 10;

const unguardedMethods = (stack: readonly Layer[]): readonly string[] => {
  const missing = new Set<string>();
  const guarded = new Set<string | undefined>();
  for (const { method, handle } of stack) {
    if (guards.has(handle) && isPolicy(guards.get(handle))) guarded.add(method);
    else if (!guarded.has(undefined) && !guarded.has(method) && !answersErrors(handle))
      missing.add(method?.toUpperCase() ?? "ALL");
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

const reaches = (guarded: string, layer: Layer, path: string): boolean =>
  guarded === "" ||
  (typeof (layer.route?.path ?? layer.rawPath) === "string" && (path === guarded || path.startsWith(`${guarded}/`)));
