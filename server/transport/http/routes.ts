/** What an HTTP route is: data that carries its policy (invariant 10). Leaving the policy out does not compile; start-up checks again. */
import type { Operation } from "../../operations/operation.ts";
import type { Fault } from "../../../core/faults.ts";
import type { AuthenticatedRequest } from "../../oauth/dpop/authenticate.ts";
import type { WebRequest, WebResponse } from "../../platform/web/request.ts";

/** Who may call. A public route says why. */
export type Policy =
  | { readonly public: string }
  /** OAuth client authentication, which the endpoint itself performs, in the words of its RFC. */
  | { readonly client: string }
  /** A bearer token, and the permission its principal must have. */
  | { readonly permission: string }
  /** A browser: the human's own session, and nobody else's data, in the words of the page. */
  | { readonly session: string };

type Common = {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly policy: Policy;
};

/** Answers a document that depends on nothing in the request. */
export type DocumentRoute = Common & {
  readonly kind: "document";
  readonly cacheSeconds: number;
  readonly document: () => unknown;
};

/** An OAuth endpoint: form in, RFC-shaped answer out. */
export type ProtocolRoute = Common & {
  readonly kind: "protocol";
  /** Whether scripts of other origins may call it (public clients in browsers). */
  readonly cors?: true;
  readonly handle: (request: WebRequest) => Promise<WebResponse>;
};

/**
 * What is given the whole request, query and cookies included: `web` for endpoints that a standard describes, `page` for what a
 * human sees.
 */
export type WebRoute = Common & {
  readonly kind: "web" | "page";
  readonly cors?: true;
  readonly handle: (request: WebRequest) => Promise<WebResponse>;
  /** Renders what went wrong before the handler was asked, or what it threw. */
  readonly refuse: (failure: Fault, requestId: string) => WebResponse;
};

/** A JSON endpoint that is not an operation: decisions. */
export type JsonRoute = Common & {
  readonly kind: "json";
  readonly handle: (request: JsonRequest) => Promise<JsonAnswer>;
};
export type JsonRequest = AuthenticatedRequest & {
  readonly body: unknown;
  readonly requestId: string;
};
export type JsonAnswer = {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

/** A management operation; everything about it is in its declaration. */
export type OperationRoute = Common & { readonly kind: "operation"; readonly operation: Operation };

export type Route = DocumentRoute | ProtocolRoute | WebRoute | JsonRoute | OperationRoute;

/** Answered at the door, before the router (protocol-door.ts). */
export type DoorRoute = ProtocolRoute | WebRoute;
export const isDoorRoute = (route: Route): route is DoorRoute =>
  route.kind === "protocol" || route.kind === "web" || route.kind === "page";

/** Throws for a route without a policy, for a public one without a reason, and for two routes that are the same. */
export const checkRoutes = (routes: readonly Route[]): void => {
  const seen = new Set<string>();
  for (const route of routes) {
    const name = `${route.method} ${route.path}`;
    const policy: Partial<Record<"public" | "client" | "permission" | "session", string>> | undefined = route.policy;
    const said = policy?.public ?? policy?.client ?? policy?.permission ?? policy?.session;
    if (said === undefined || said === "") throw new Error(`the route ${name} has no policy; say who may call it`);
    if (seen.has(name)) throw new Error(`the route ${name} is declared twice`);
    seen.add(name);
  }
};
