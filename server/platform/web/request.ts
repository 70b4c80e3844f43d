/** A request as the endpoints that standards describe see it, whatever serves it: no framework, nothing believed yet. */
import type { IncomingHttpHeaders } from "node:http";

/** Form fields or query parameters. One that came twice is an array. */
export type Form = Readonly<Record<string, string | readonly string[] | undefined>>;

export type WebRequest = {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Without the query. */
  readonly path: string;
  readonly query: Form;
  /** The body's fields where it is a form; empty otherwise. */
  readonly form: Form;
  /** The body as it came. */
  readonly body: string;
  /** The `Authorization` header as it came. */
  readonly authorization: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** Every header line, name and value in turn, as they came: `headers` has joined or dropped what came more than once. */
  readonly rawHeaders?: readonly string[];
  /** Who called, in the eyes of the proxies that are trusted: an IP address. */
  readonly address: () => string;
  readonly requestId: string;
};

export type WebResponse = {
  readonly status: number;
  /** A header that is sent several times, as `set-cookie` may be, is an array. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string | Buffer;
};
