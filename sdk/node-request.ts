/** A request of node:http, as policies and the verification see it. Fastify and Express stand on it too. */
import type { IncomingMessage } from "node:http";
import type { Incoming } from "./authenticate.ts";

/** The path and the query of a request target, as it was sent: origin form, or absolute form through a proxy (RFC 9112 §3.2). */
export const targetOf = (url: string | undefined): { readonly path: string; readonly query: URLSearchParams } => {
  const text = url ?? "/";
  const target = text.startsWith("/") || !URL.canParse(text) ? text : text.slice(new URL(text).origin.length);
  const [path = "/"] = target.split(/[?#]/, 1);
  const at = target.indexOf("?");
  return { path, query: new URLSearchParams(at === -1 ? "" : target.slice(at)) };
};

/** Each value of a header, though node:http keeps only the first of some (`Authorization` among them). */
const valuesOf = (raw: readonly string[], name: string): readonly string[] =>
  raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === name.toLowerCase());

/** What the adapter knows better than the raw request. */
export type Seen = {
  /** The target as it was sent, where a router has rewritten it. */
  readonly url: string | undefined;
  readonly params: Incoming["params"];
  readonly json: Incoming["json"];
  readonly native: unknown;
};

export const nodeIncoming = (request: Pick<IncomingMessage, "method" | "rawHeaders">, seen: Seen): Incoming => {
  const headers = (name: string): readonly string[] => valuesOf(request.rawHeaders, name);
  return {
    method: request.method ?? "GET",
    ...targetOf(seen.url),
    params: seen.params,
    headers,
    header: (name) => {
      const values = headers(name);
      return values.length === 0 ? undefined : values.join(", ");
    },
    json: seen.json,
    native: seen.native,
  };
};
