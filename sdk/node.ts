/**
 * Countersign for plain node:http: a small table of routes, each with its policy.
 *
 *     createServer(routes(api, {
 *       "GET /files/:id": [route({ permission: "files:read", resource: ({ params }) => `files/${params.id}` }), handler],
 *     })).listen(3000);
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { fault } from "../core/faults.ts";
import type { Caller } from "./caller.ts";
import type { Countersign } from "./countersign.ts";
import { MissingPolicies } from "./missing-policies.ts";
import { nodeIncoming, targetOf } from "./node-request.ts";
import { type Refused, refused } from "./refusal.ts";
import { isPolicy, nobodyAsked, type Policy, route } from "./route.ts";

/** What a handler gets beside the request and the response. */
export type Matched = {
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: URLSearchParams;
  /**
   * The body as JSON, at most a megabyte of it; read once, however often it is asked for. Where it is none it rejects, and a handler that lets
   * the rejection through has it answered: 400, and 413 for one that is too large.
   */
  json(): Promise<unknown>;
};

export type Handler = (request: IncomingMessage, response: ServerResponse, matched: Matched) => unknown;

/**
 * By `METHOD /path/:parameter`, the first that fits. A `HEAD` that has no route of its own is answered by its `GET`. Paths are told apart by case, and
 * by a slash at their end.
 */
export type Table = Readonly<Record<string, readonly [Policy, Handler]>>;

type Row = {
  readonly method: string;
  readonly segments: readonly string[];
  readonly policy: Policy;
  readonly handler: Handler;
};

const callers = new WeakMap<IncomingMessage, Caller>();

/** Who is calling. Throws on a public route, where nobody was asked, and before a policy has let the request pass. */
export const callerOf = (request: IncomingMessage): Caller => {
  const caller = callers.get(request);
  if (caller === undefined) throw new Error(nobodyAsked);
  return caller;
};

/**
 * A listener for `createServer`, which answers 404 and 405 itself and serves the resource's metadata.
 *
 * @throws MissingPolicies naming every route without a policy.
 */
export const routes = (api: Countersign, table: Table): RequestListener => {
  const rows = [...rowsOf(table), ...metadataRow(api)];
  return (request, response) => {
    serve(api, rows, request, response).catch((error: unknown) => {
      const known = error instanceof BadBody && !response.headersSent;
      if (!known) console.error("a handler failed:", error);
      if (response.headersSent) response.destroy();
      else send(response, known ? error.answer : plainly("internal", "something broke on our side"));
    });
  };
};

const declared = /^([A-Z]+) (\/.*)$/;

const rowsOf = (table: Table): readonly Row[] => {
  const entries = Object.entries(table) as readonly (readonly [string, unknown])[];
  const without = entries.flatMap(([name, row]) => (Array.isArray(row) && isPolicy(row[0]) ? [] : [name]));
  if (without.length > 0) throw new MissingPolicies(without, 'Write each as `"GET /path": [route({ … }), handler]`.');
  return entries.map(([name, row]) => {
    const [, method, path] = declared.exec(name) ?? [];
    const [policy, handler] = row as readonly [Policy, unknown];
    if (method === undefined || path === undefined) throw new TypeError(`\`${name}\` is not \`METHOD /path\``);
    if (typeof handler !== "function") throw new TypeError(`\`${name}\` has no handler`);
    return { method, segments: path.split("/"), policy, handler: handler as Handler };
  });
};

const metadataRow = ({ metadata }: Countersign): readonly Row[] =>
  metadata === undefined
    ? []
    : [
        {
          method: "GET",
          segments: metadata.path.split("/"),
          policy: route({ public: "RFC 9728: how to get a token is found before there is one" }),
          handler: (_, response) => void response.writeHead(200, metadata.headers).end(metadata.document),
        },
      ];

const serve = async (
  api: Countersign,
  rows: readonly Row[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const { path, query } = targetOf(request.url);
  const here = rows.flatMap((row) => {
    const params = matched(row.segments, path);
    return params === undefined ? [] : [{ row, params }];
  });
  const found =
    here.find(({ row }) => row.method === request.method) ??
    (request.method === "HEAD" ? here.find(({ row }) => row.method === "GET") : undefined);
  if (found === undefined) {
    const methods = here.map(({ row }) => row.method);
    const allow = [...new Set(methods.flatMap((one) => (one === "GET" ? ["GET", "HEAD"] : [one])))].join(", ");
    const none = here.length === 0 ? plainly("not_found", "there is no such resource") : notAllowed(allow);
    return send(response, none);
  }
  const { row, params } = found;
  const json = remembered(() => readJson(request));
  const admission = await api.admit(
    row.policy,
    nodeIncoming(request, { url: request.url, params, json, native: request }),
  );
  if (admission.at === "refused") return send(response, admission.answer);
  if (admission.at === "admitted") callers.set(request, admission.caller);
  await row.handler(request, response, { params, query, json });
};

/** Literal segments are told apart by case; a parameter is one whole segment, decoded, and never empty. */
const matched = (segments: readonly string[], path: string): Readonly<Record<string, string>> | undefined => {
  const given = path.split("/");
  if (given.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, segment] of segments.entries()) {
    const text = decoded(given[at] ?? "");
    if (text === undefined) return undefined;
    if (!segment.startsWith(":")) {
      if (segment !== text) return undefined;
    } else if (text === "") return undefined;
    else params[segment.slice(1)] = text;
  }
  return params;
};

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

const body_octets_max = 1_000_000;

/** The sender's mistake, with its answer. */
class BadBody extends Error {
  override readonly name = "BadBody";
  readonly answer: Refused;

  constructor(code: "invalid_argument" | "payload_too_large", detail: string) {
    super(detail);
    this.answer = plainly(code, detail);
  }
}

const readJson = async (request: IncomingMessage): Promise<unknown> => {
  const parts: Buffer[] = [];
  let octets = 0;
  // Left open where it is too large: whoever is still sending hears the answer.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    octets += part.length;
    if (octets > body_octets_max)
      throw new BadBody("payload_too_large", `the body has more than ${body_octets_max} octets`);
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString()) as unknown;
  } catch {
    throw new BadBody("invalid_argument", "the body is no JSON");
  }
};

const remembered = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
};

type Plain = "not_found" | "internal" | "method_not_allowed" | "invalid_argument" | "payload_too_large";
const plainly = (code: Plain, detail: string): Refused =>
  refused({ metadataUrl: undefined, nonce: undefined }, fault(code, detail));

const notAllowed = (allow: string): Refused => {
  const answer = plainly("method_not_allowed", `the methods here are ${allow}`);
  return { ...answer, headers: { ...answer.headers, allow } };
};

const send = (response: ServerResponse, { status, headers, body }: Refused): void => {
  response.writeHead(status, headers).end(body);
};
