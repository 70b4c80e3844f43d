/**
 * Countersign for Express 5: a guard before every handler, or the application does not listen.
 *
 *     const app = express();
 *     const guard = protect(app, api);
 *     app.use(middleware("parses JSON", express.json()));
 *     app.get("/files/:id", guard(route({ … })), (request, response) => …);
 *     app.listen(3000);
 */
import type { Application, ErrorRequestHandler, NextFunction, Request, RequestHandler, Response } from "express";
import type { Caller } from "./caller.ts";
import type { Countersign } from "./countersign.ts";
import { unguarded } from "./express-stack.ts";
import { guards, passing } from "./express-marks.ts";
import { MissingPolicies } from "./missing-policies.ts";
import { nodeIncoming } from "./node-request.ts";
import type { Refused } from "./refusal.ts";
import { type Policy, route } from "./route.ts";

declare global {
  namespace Express {
    interface Request {
      /** Who is calling; undefined where no guard has asked. */
      caller?: Caller;
    }
  }
}

/** Who is calling. Throws on a public route, where nobody was asked. */
export const callerOf = (request: Request): Caller => {
  if (request.caller === undefined) throw new Error("nobody was asked who they are: this route is public");
  return request.caller;
};

/** A policy as a handler, for a route or, by `use`, for all that follows it at its path. */
export type Guard = (policy: Policy) => RequestHandler;

/**
 * Declares a handler that stands before guards and answers nobody by itself, such as a parser, a logger or CORS; or one that may answer anybody,
 * such as public files. The text says why. Without it a handler in `use` is a route without a policy.
 */
export const middleware = <Handler extends RequestHandler | ErrorRequestHandler>(
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
  const guard = guardOf(api);
  const { listen } = app;
  const handle = (app as unknown as Handled).handle.bind(app);
  let asserted = false;
  const assert = (): void => {
    if (!asserted) assertPolicies(app);
    asserted = true;
  };
  Object.assign(app, {
    listen: (...args: Parameters<Application["listen"]>) => {
      assert();
      return listen.apply(app, args);
    },
    // Whoever serves it by other means than `listen` meets the same fence at the first request.
    handle: (request: Request, response: Response, next: NextFunction) => {
      assert();
      handle(request, response, next);
    },
  });
  const { metadata } = api;
  if (metadata !== undefined) {
    const open = guard(route({ public: "RFC 9728: how to get a token is found before there is one" }));
    app.get(metadata.path, open, (_, response) => void response.type("application/json").send(metadata.document));
  }
  return guard;
};

/** Express's own way into an application, which its types leave out. */
type Handled = { handle(request: Request, response: Response, next: NextFunction): void };

/**
 * Looks at every route, in nested routers too, and closes the table: what is added afterwards throws.
 *
 * @throws MissingPolicies naming every route without a policy.
 */
export const assertPolicies = (app: Application): void => {
  const { missing, stacks } = unguarded(app);
  if (missing.length > 0) throw new MissingPolicies(missing, advice);
  for (const stack of stacks) {
    Object.defineProperty(stack, "push", { value: refuseLateRoute });
    Object.freeze(stack);
  }
};

const refuseLateRoute = (): never => {
  throw new Error("a route was added after the policies were checked: declare routes before the application listens");
};

const guardOf =
  (api: Countersign): Guard =>
  (policy) => {
    const handler: RequestHandler = async (request, response, next) => {
      const admission = await api.admit(
        policy,
        nodeIncoming(request, {
          url: request.originalUrl,
          params: request.params as Readonly<Record<string, string>>,
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

const parsed = (request: Request): unknown => {
  if (request.body === undefined) throw new Error("there is no parsed body: put a parser before the guard");
  return request.body;
};

const send = (response: Response, { status, headers, body }: Refused): void => {
  response.status(status).set(headers).end(body);
};
