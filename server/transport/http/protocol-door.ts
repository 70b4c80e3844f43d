/**
 * The way in of everything that is no JSON API: OAuth endpoints and pages. A gateway introspects on every request it serves, so this
 * stands in front of the router, on bare node:http: read a body of bounded size, hand it to the endpoint, write the answer. Everything
 * else goes on to the router.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { type Fault, fault, isFault } from "../../../core/faults.ts";
import { errorResponse } from "../../oauth/protocol.ts";
import { monotonicMs } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import { newRequestId } from "../../platform/random.ts";
import type { Form, WebRequest, WebResponse } from "../../platform/web/request.ts";
import { faultOf } from "./error-faults.ts";
import { holdsNul, readForm } from "./form.ts";
import { bodyOctetsMax } from "./limits.ts";
import type { DoorRoute } from "./routes.ts";
import type { HttpObserver } from "./observer.ts";

type Needs = {
  readonly log: Log;
  readonly observer: HttpObserver;
  /** Who called, in the eyes of the proxies that are trusted. */
  readonly addressOf: (request: IncomingMessage) => string;
};

const formType = "application/x-www-form-urlencoded";

/** Serves the routes' paths, and gives every other request to `next`. */
export const protocolDoor = (routes: readonly DoorRoute[], needs: Needs, next: RequestListener): RequestListener => {
  const byName = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
  const shared = new Set(routes.filter((route) => route.cors).map((route) => route.path));
  return (request, response) => {
    const url = request.url ?? "/";
    const query = url.indexOf("?");
    const path = query < 0 ? url : url.slice(0, query);
    // HEAD comes with GET (RFC 9110 §9.3.2); node:http leaves the body out.
    const method = request.method === "HEAD" ? "GET" : request.method;
    const route = byName.get(`${method} ${path}`);
    if (route !== undefined) serve(route, needs, request, response, query < 0 ? "" : url.slice(query + 1));
    else if (method === "OPTIONS" && shared.has(path)) preflight(response);
    else next(request, response);
  };
};

const preflightSeconds = "3600";

/** Fetch standard, CORS: no cookie is ever sent along, so any origin may ask. */
const preflight = (response: ServerResponse): void => {
  response
    .writeHead(204, {
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "GET, POST, PUT, DELETE",
      "access-control-allow-headers": "authorization, content-type, dpop",
      "access-control-max-age": preflightSeconds,
    })
    .end();
};
const shared = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "www-authenticate, dpop-nonce, request-id",
} as const;

const nothing = { form: Object.freeze(Object.create(null) as Form) };

const serve = (
  route: DoorRoute,
  needs: Needs,
  request: IncomingMessage,
  response: ServerResponse,
  queryText: string,
): void => {
  const requestId = newRequestId();
  const begun = monotonicMs();
  const answer = ({ status, headers, body }: WebResponse): void => {
    const more = route.cors ? shared : undefined;
    response
      .writeHead(status, {
        ...headers,
        ...more,
        "request-id": requestId,
        "content-length": Buffer.byteLength(body),
      } as Record<string, string | string[] | number>)
      .end(body);
    needs.observer.finished(route.path, route.method, status, (monotonicMs() - begun) / 1000, requestId);
  };
  const refuse = (failure: Fault): void =>
    answer(route.kind === "protocol" ? errorResponse(failure, false) : route.refuse(failure, requestId));

  if (route.kind === "protocol" && queryText !== "")
    return refuse(fault("invalid_argument", "send the parameters in the body, not in the URL"));
  const query = queryText === "" ? nothing : readForm(queryText);
  readBody(request, (text) => {
    if (typeof text !== "string") {
      // What is still coming is not read; the connection cannot be used again.
      response.setHeader("connection", "close");
      return refuse(text);
    }
    const isForm = text !== "" && request.headers["content-type"]?.startsWith(formType) === true;
    if (route.kind !== "web" && text !== "" && !isForm)
      return refuse(fault("invalid_argument", `send the parameters as ${formType}`));
    // A page says it in its own words, and authorization by redirect (RFC 6749 §4.1.2.1).
    const odd = isForm && route.kind === "protocol" ? holdsNul(text) : undefined;
    if (odd !== undefined) return refuse(odd);
    const form = isForm ? readForm(text) : nothing;
    if (isFault(form)) return refuse(form);
    if (isFault(query)) return refuse(query);
    const asked: WebRequest = {
      method: route.method as WebRequest["method"],
      path: route.path,
      query: query.form,
      form: form.form,
      body: text,
      authorization: request.headers.authorization,
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      address: () => needs.addressOf(request),
      requestId,
    };
    route.handle(asked).then(answer, (error: unknown) => {
      refuse(faultOf(needs.log, error, requestId));
    });
  });
};

const tooLarge = fault("payload_too_large", `the body is larger than ${bodyOctetsMax} octets`);

/** Calls back once: with the whole body, or with why it is not read. A request that breaks off is never answered. */
const readBody = (request: IncomingMessage, done: (body: string | Fault) => void): void => {
  if (Number(request.headers["content-length"] ?? 0) > bodyOctetsMax) return done(tooLarge);
  const chunks: Buffer[] = [];
  let octets = 0;
  const take = (chunk: Buffer): void => {
    octets += chunk.length;
    if (octets <= bodyOctetsMax) {
      chunks.push(chunk);
      return;
    }
    request.off("data", take);
    request.off("end", finish);
    done(tooLarge);
  };
  const finish = (): void => done((chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)).toString());
  request.on("data", take);
  request.on("end", finish);
  request.on("error", () => undefined);
};
