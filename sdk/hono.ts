/**
 * Countersign for Hono: a guard before every handler, or the application answers nobody.
 *
 *     const app = new Hono();
 *     const guard = protect(app, api);
 *     app.get("/files/:id", guard(route({ … })), (c) => c.json(files.read(callerOf(c).tenant_id, c.req.param("id"))));
 *     serve({ fetch: assertPolicies(app).fetch });
 */
import type { Context, Hono, MiddlewareHandler } from "hono";
import type { Incoming } from "./authenticate.ts";
import type { Caller } from "./caller.ts";
import type { Countersign } from "./countersign.ts";
import { MissingPolicies } from "./missing-policies.ts";
import { isPolicy, nobodyAsked, type Policy } from "./route.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** Who is calling; undefined where no guard has asked. */
    caller: Caller | undefined;
  }
}

/** Who is calling. Throws on a public route, where nobody was asked, and before a policy has let the request pass. */
export const callerOf = (context: Context): Caller => {
  const caller: Caller | undefined = context.get("caller");
  if (caller === undefined) throw new Error(nobodyAsked);
  return caller;
};

/** A policy as middleware, for a route or, by `use`, for all that its path covers. */
export type Guard = (policy: Policy) => MiddlewareHandler;

const guards = new WeakMap<object, Policy | undefined>();
const passing = new WeakSet<object>();

/**
 * Declares middleware that stands before guards and answers nobody by itself, such as a logger or CORS; or that may answer anybody, such as public
 * files. The text says why. Without it a handler in `use` is a route without a policy.
 */
export const middleware = <Handler extends MiddlewareHandler>(why: string, handler: Handler): Handler => {
  if (typeof why !== "string" || why.trim() === "") throw new TypeError("middleware(): say why, in words");
  passing.add(handler);
  return handler;
};

/** Guards that stand in a table in which every route has a policy. One that does not is shut: nobody has looked at what stands beside it. */
const checked = new WeakSet<object>();

/** What is needed of an application, whatever its environment and schema. */
// oxlint-disable-next-line typescript/no-explicit-any -- Hono's own way of saying "any of them"
type AnyHono = Hono<any, any, any>;

/**
 * Prepares an application, before its first route: it serves the resource's metadata, and answers no request while a route has no policy. Of nested
 * applications it is the outermost, the one that is served: guards in another are shut.
 */
export const protect = (app: AnyHono, api: Countersign): Guard => {
  fence(app, api);
  return guardOf(api);
};

/** Hono's `basePath` makes another application with the same routes, which is served in this one's place. */
const fence = (app: AnyHono, api: Countersign): void => {
  const answer = app.fetch;
  const based = app.basePath.bind(app);
  let asserted = -1;
  const fetch: AnyHono["fetch"] = (request, ...args) => {
    // Routes that were added since are looked at before any of them is reached.
    if (app.routes.length !== asserted) assertPolicies(app);
    asserted = app.routes.length;
    return metadataFor(request, api) ?? answer(request, ...args);
  };
  const basePath: AnyHono["basePath"] = (path) => {
    const inner: AnyHono = based(path);
    fence(inner, api);
    return inner;
  };
  Object.assign(app, { fetch, basePath });
};

/** RFC 9728: how to get a token is found before there is one, and at the root, whatever path the application's routes begin with. */
const metadataFor = (request: Request, { metadata }: Countersign): Response | undefined =>
  metadata !== undefined && isRead(request.method) && new URL(request.url).pathname === metadata.path
    ? new Response(request.method === "HEAD" ? null : metadata.document, { headers: metadata.headers })
    : undefined;

const isRead = (method: string): boolean => method === "GET" || method === "HEAD";

const advice =
  "Put `guard(route({ … }))` before each handler, in its route or by `use`; declare what answers nobody as `middleware(why, handler)`.";

/**
 * Looks at every route, those of nested applications too, and hands the application back. Call it when all routes are declared.
 *
 * @throws MissingPolicies naming every route without a policy.
 */
export const assertPolicies = <App extends AnyHono>(app: App): App => {
  const covering: Entry[] = [];
  const missing = new Set<string>();
  for (const entry of app.routes as readonly Entry[]) {
    const handler = innermost(entry.handler);
    if (guards.has(handler)) {
      if (isPolicy(guards.get(handler))) covering.push(entry);
      else missing.add(`${entry.method} ${entry.path} (a guard without a policy)`);
    } else if (!passing.has(handler) && !covering.some((one) => covers(one, entry)))
      missing.add(`${entry.method} ${entry.path}`);
  }
  if (missing.size > 0) throw new MissingPolicies([...missing], advice);
  for (const { handler } of app.routes as readonly Entry[]) checked.add(innermost(handler));
  return app;
};

type Entry = { readonly method: string; readonly path: string; readonly handler: object };

/** A nested application with an error handler of its own wraps its handlers, and keeps them under this name. */
const wrapped = "__COMPOSED_HANDLER";
const innermost = (handler: object): object => {
  const inner = (handler as Readonly<Record<string, unknown>>)[wrapped];
  return typeof inner === "function" ? innermost(inner) : handler;
};

/** Handlers run in the order they were declared. In doubt a handler is not covered. */
const covers = (guarded: Entry, { method, path }: Entry): boolean => {
  if (guarded.method !== "ALL" && guarded.method !== method) return false;
  if (guarded.path === path || guarded.path === "*" || guarded.path === "/*") return true;
  const prefix = guarded.path.endsWith("/*") ? guarded.path.slice(0, -"/*".length) : undefined;
  if (prefix === undefined || !/^\/[\w/.~-]*$/.test(prefix)) return false;
  return path === prefix || path.startsWith(`${prefix}/`);
};

const guardOf =
  (api: Countersign): Guard =>
  (policy) => {
    const handler: MiddlewareHandler = async (context, next) => {
      const admission = await api.admit(checked.has(handler) ? policy : undefined, incoming(context));
      if (admission.at === "refused") {
        const { status, headers, body } = admission.answer;
        return new Response(body, { status, headers });
      }
      if (admission.at === "admitted") context.set("caller", admission.caller);
      await next();
      return undefined;
    };
    guards.set(handler, policy);
    return handler;
  };

/** Repeated headers reach us joined by commas; of what matters here, none may have one. */
const incoming = (context: Context): Incoming => {
  const { raw } = context.req;
  const { pathname, searchParams } = new URL(raw.url);
  const header = (name: string): string | undefined => raw.headers.get(name) ?? undefined;
  return {
    method: raw.method,
    path: pathname,
    params: context.req.param() as Readonly<Record<string, string>>,
    query: searchParams,
    header,
    headers: (name) => {
      const value = header(name);
      return value === undefined ? [] : [value];
    },
    json: () => context.req.json(),
    native: context,
  };
};
