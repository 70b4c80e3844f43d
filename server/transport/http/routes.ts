/** What an HTTP route is: data that carries its policy (invariant 10). Leaving the policy out does not compile; start-up checks again. */
import type { Operation } from "../../operations/operation.ts";
import type { ProtocolRequest, ProtocolResponse } from "../../oauth/protocol.ts";

/** Who may call. A public route says why. */
export type Policy =
  | { readonly public: string }
  /** OAuth client authentication, which the endpoint itself performs, in the words of its RFC. */
  | { readonly client: string }
  /** A bearer token, and the permission its principal must have. */
  | { readonly permission: string };

type Common = { readonly method: "GET" | "POST" | "PATCH" | "DELETE"; readonly path: string; readonly policy: Policy };

/** Answers a document that depends on nothing in the request. */
export type DocumentRoute = Common & {
  readonly kind: "document";
  readonly cacheSeconds: number;
  readonly document: () => unknown;
};

/** An OAuth endpoint: form in, RFC-shaped answer out. */
export type ProtocolRoute = Common & {
  readonly kind: "protocol";
  readonly handle: (request: ProtocolRequest) => Promise<ProtocolResponse>;
};

/** A JSON endpoint that is not an operation: decisions. */
export type JsonRoute = Common & {
  readonly kind: "json";
  readonly handle: (request: JsonRequest) => Promise<JsonAnswer>;
};
export type JsonRequest = {
  readonly authorization: string | undefined;
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

export type Route = DocumentRoute | ProtocolRoute | JsonRoute | OperationRoute;

/** Throws for a route without a policy, for a public one without a reason, and for two routes that are the same. */
export const checkRoutes = (routes: readonly Route[]): void => {
  const seen = new Set<string>();
  for (const route of routes) {
    const name = `${route.method} ${route.path}`;
    const policy: Partial<Record<"public" | "client" | "permission", string>> | undefined = route.policy;
    const said = policy?.public ?? policy?.client ?? policy?.permission;
    if (said === undefined || said === "") throw new Error(`the route ${name} has no policy; say who may call it`);
    if (seen.has(name)) throw new Error(`the route ${name} is declared twice`);
    seen.add(name);
  }
};
