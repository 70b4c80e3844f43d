/**
 * The OAuth endpoints' own way in. A gateway introspects on every request it serves, so this stands in front of the router, on bare
 * node:http: read a form of bounded size, hand it to the endpoint, write the answer. Everything else goes on to the router.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { type Fault, fault } from "../../../core/faults.ts";
import { errorResponse, type ProtocolResponse } from "../../oauth/protocol.ts";
import { monotonicMs } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import { newRequestId } from "../../platform/random.ts";
import { faultOf } from "./error-faults.ts";
import { formFieldsMax, readForm } from "./form.ts";
import { bodyOctetsMax } from "./limits.ts";
import type { ProtocolRoute } from "./routes.ts";
import type { HttpObserver } from "./observer.ts";

type Needs = { readonly log: Log; readonly observer: HttpObserver };

const formType = "application/x-www-form-urlencoded";

/** Serves the routes' paths, and gives every other request to `next`. */
export const protocolDoor = (
  routes: readonly ProtocolRoute[],
  needs: Needs,
  next: RequestListener,
): RequestListener => {
  const byPath = new Map(routes.map((route) => [route.path, route]));
  return (request, response) => {
    const url = request.url ?? "/";
    const query = url.indexOf("?");
    const route = byPath.get(query < 0 ? url : url.slice(0, query));
    if (route === undefined || request.method !== route.method) next(request, response);
    else serve(route, needs, request, response, query >= 0);
  };
};

const serve = (
  route: ProtocolRoute,
  needs: Needs,
  request: IncomingMessage,
  response: ServerResponse,
  hasQuery: boolean,
): void => {
  const requestId = newRequestId();
  const begun = monotonicMs();
  const answer = ({ status, headers, body }: ProtocolResponse): void => {
    response
      .writeHead(status, { ...headers, "request-id": requestId, "content-length": Buffer.byteLength(body) })
      .end(body);
    needs.observer.finished(route.path, route.method, status, (monotonicMs() - begun) / 1000, requestId);
  };
  const refuse = (failure: Fault): void => answer(errorResponse(failure, false));

  if (hasQuery) return refuse(fault("invalid_argument", "send the parameters in the body, not in the URL"));
  readBody(request, (text) => {
    if (typeof text !== "string") {
      // What is still coming is not read; the connection cannot be used again.
      response.setHeader("connection", "close");
      return refuse(text);
    }
    const type = request.headers["content-type"];
    if (text !== "" && type?.startsWith(formType) !== true)
      return refuse(fault("invalid_argument", `send the parameters as ${formType}`));
    const form = readForm(text);
    if (form === undefined) return refuse(fault("invalid_argument", `the form has more than ${formFieldsMax} fields`));
    route.handle({ authorization: request.headers.authorization, form, requestId }).then(answer, (error: unknown) => {
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
