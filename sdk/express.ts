/**
 * Countersign for Express 5: a guard before every handler, or the application does not listen.
 *
 *     const app = express();
 *     const guard = protect(app, api);
 *     app.use(middleware("parses JSON", express.json()));
 *     app.get("/files/:id", guard(route({ … })), (request, response) => …);
 *     app.listen(3000);
 */
import type {
  Application,
  ErrorRequestHandler,
  NextFunction,
  Request,
  RequestHandler,
  RequestParamHandler,
  Response,
} from "express";
import type { Caller } from "./caller.ts";
import type { Countersign } from "./countersign.ts";
import { checked, guards, mounted, passing } from "./express-marks.ts";
import { tableOf } from "./express-stack.ts";
import { MissingPolicies } from "./missing-policies.ts";
import { nodeIncoming, targetOf } from "./node-request.ts";
import type { Refused } from "./refusal.ts";
import { nobodyAsked, type Policy } from "./route.ts";

declare global {
  namespace Express {
    interface Request {
      /** Who is calling; undefined where no guard has asked. */
      caller?: Caller;
    }
  }
}

/** Who is calling. Throws on a public route, where nobody was asked, and before a guard has let the request pass. */
export const callerOf = (request: Request): Caller => {
  if (request.caller === undefined) throw new Error(nobodyAsked);
  return request.caller;
};

/** A policy as a handler, for a route or, by `use`, for all that follows it at its path. */
export type Guard = (policy: Policy) => RequestHandler;

/**
 * Declares a handler that stands before guards and answers nobody by itself, such as a parser, a logger or CORS; or one that may answer anybody,
 * such as public files. The text says why. Without it a handler in `use`, or one of `app.param`, is a route without a policy. An error handler
 * needs it where handlers follow whose guard an error would skip: it then promises to answer, or to pass the error on.
 */
export const middleware = <Handler extends RequestHandler | ErrorRequestHandler | RequestParamHandler>(
  why: string,
  handler: Handler,
): Handler => {
  if (typeof why !== "string" || why.trim() === "") throw new TypeError("middleware(): say why, in words");
  passing.add(handler);
  return handler;
};

const advice =
  "Put `guard(route({ … }))` first in each, or before them by `use`; declare what answers nobody as `middleware(why, handler)`.";

/**
 * Prepares an application, before its first route: it serves the resource's metadata, and neither listens nor answers a request while a route has
 * no policy. Once it does, no route can be added any more.
 */
export const protect = (app: Application, api: Countersign): Guard => {
  const { listen } = app;
  const handle = (app as unknown as Handled).handle.bind(app);
  const assert = (): void => {
    if (!checked.has(app)) assertPolicies(app);
  };
  // Express calls a mounted application by a function of its own, the last of the layers at this moment.
  app.on("mount", (parent: Application) => {
    const layer = (parent as unknown as Mounting).router.stack.at(-1);
    if (layer !== undefined) mounted.set(layer.handle, app);
  });
  Object.assign(app, {
    listen: (...args: Parameters<Application["listen"]>) => {
      assert();
      return listen.apply(app, args);
    },
    // Whoever serves it by other means than `listen` meets the same fence at the first request.
    handle: (request: Request, response: Response, next: NextFunction) => {
      assert();
      if (!isForMetadata(request, api)) handle(request, response, next);
      else response.writeHead(200, api.metadata?.headers).end(api.metadata?.document);
    },
  });
  return guardOf(api);
};

/** RFC 9728: how to get a token is found before there is one. No route, so that nothing before a guard can fail because of it. */
const isForMetadata = ({ method, originalUrl, url }: Request, { metadata }: Countersign): boolean =>
  (method === "GET" || method === "HEAD") && targetOf(originalUrl ?? url).path === metadata?.path;

/** Express's own way into an application, and its layers, which its types leave out. */
type Handled = { handle(request: Request, response: Response, next: NextFunction): void };
type Mounting = { readonly router: { readonly stack: readonly { readonly handle: object }[] } };

/**
 * Looks at every route, in nested routers and mounted applications too, and closes the table: what is added afterwards throws.
 *
 * @throws MissingPolicies naming every route without a policy.
 */
export const assertPolicies = (app: Application): void => {
  const { missing, routers, stacks, found } = tableOf(app);
  if (missing.length > 0) throw new MissingPolicies(missing, advice);
  for (const stack of stacks) {
    if (Object.isFrozen(stack)) continue;
    Object.defineProperty(stack, "push", { value: refuseLateRoute });
    Object.freeze(stack);
  }
  for (const router of routers) Object.defineProperty(router, "param", { value: refuseLateRoute });
  for (const one of found) checked.add(one);
};

const refuseLateRoute = (): never => {
  throw new Error("a route was added after the policies were checked: declare routes before the application listens");
};

const guardOf =
  (api: Countersign): Guard =>
  (policy) => {
    const handler: RequestHandler = async (request, response, next) => {
      // A guard no check has seen stands in an application that was not given to `protect`, where others may be missing.
      const admission = await api.admit(
        checked.has(handler) ? policy : undefined,
        nodeIncoming(request, {
          url: request.originalUrl,
          params: paramsOf(request),
          json: async () => parsed(request),
          native: request,
        }),
      );
      if (admission.at === "refused") return send(response, admission.answer);
      if (admission.at === "admitted") request.caller = admission.caller;
      next();
    };
    guards.set(handler, policy);
    return handler;
  };

/** A wildcard's are a list in Express, and what the pattern matched everywhere else. */
const paramsOf = ({ params }: Request): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, typeof value === "string" ? value : value.join("/")]),
  );

const parsed = (request: Request): unknown => {
  if (request.body === undefined) throw new Error("there is no parsed body: put a parser before the guard");
  return request.body;
};

const send = (response: Response, { status, headers, body }: Refused): void => {
  response.status(status).set(headers).end(body);
};
