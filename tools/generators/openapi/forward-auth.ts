// The question of nginx, Caddy and Traefik, which is asked by whatever method a gateway is set to.
import { forwardAuthPath } from "../../../server/transport/http/forward-auth.ts";
import type { Entry } from "./operations.ts";

type ForwardAuthEntry = Entry & { readonly tags: readonly [string] };

const gatewaySays = (name: string, description: string) => ({
  name,
  in: "header",
  description,
  schema: { type: "string" },
});

/** One question, whatever method a gateway asks it by. */
const forwardAuthEntry = (method: string): ForwardAuthEntry => ({
  operationId: method === "GET" ? "access.forward-auth" : `access.forward-auth-${method.toLowerCase()}`,
  summary:
    method === "GET"
      ? "Let a gateway's request pass or not (nginx `auth_request`, Caddy `forward_auth`, Traefik ForwardAuth)"
      : `The same, asked by ${method}`,
  tags: ["decisions"],
  security: [{ bearer: [] }, {}],
  parameters: [
    {
      ...gatewaySays("Countersign-Gateway", "the gateway's own token; after semicolons, a rule of its own"),
      required: true,
    },
    gatewaySays("X-Original-Method", "nginx: the method of the request"),
    gatewaySays("X-Original-URI", "nginx: its target, with the query"),
    gatewaySays("X-Forwarded-Method", "Caddy, Traefik: the method of the request"),
    gatewaySays("X-Forwarded-Uri", "Caddy, Traefik: its target, with the query"),
    { ...gatewaySays("X-Forwarded-Host", "its host"), required: true },
    { ...gatewaySays("X-Forwarded-Proto", "its scheme"), required: true },
  ],
  responses: {
    200: { description: "it may pass; `X-Countersign-…` say whom it stands for" },
    401: { description: "its token is not accepted, with a challenge; or the gateway's is not" },
    403: { description: "it may not pass, or the gateway may not ask" },
    503: { description: "it cannot be decided now" },
  },
});

export const forwardAuthEntries: Readonly<Record<string, ForwardAuthEntry>> = Object.fromEntries(
  ["GET", "POST", "PUT", "PATCH", "DELETE"].map((method) => [`${method} ${forwardAuthPath}`, forwardAuthEntry(method)]),
);
