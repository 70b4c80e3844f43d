/** A page as the route table has it (transport/http/routes.ts): data that carries its policy (invariant 10). */
import type { Fault } from "../../core/faults.ts";
import type { WebRequest, WebResponse } from "../platform/web/request.ts";

export type PageRoute = {
  readonly kind: "page";
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly policy: { readonly public: string } | { readonly session: string };
  readonly handle: (request: WebRequest) => Promise<WebResponse>;
  /** Renders what went wrong before the handler was asked, or what it threw. */
  readonly refuse: (failure: Fault, requestId: string) => WebResponse;
};
