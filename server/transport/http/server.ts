/**
 * The HTTP server: serves a table of routes, bounds everything that comes in, and renders what goes out. It knows no rule of the domain.
 * OAuth endpoints are answered at the door (protocol-door.ts); the rest is routed here.
 *
 * Fastify does the routing and the limits. Its own validation and serialization stay unused: input is validated by the operation that
 * declares it, wherever it comes from, and hot answers are strings already.
 */
import { createServer, type IncomingMessage } from "node:http";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { type Fault, fault, isFault } from "../../../core/faults.ts";
import { type Authenticating, authenticateRequest } from "../../oauth/dpop/authenticate.ts";
import { dpopNonceHeaders } from "../../oauth/dpop/nonces.ts";
import { jsonHeaders } from "../../oauth/protocol.ts";
import { resourceMetadataUrl } from "../../oauth/resource-metadata.ts";
import { type Engine, perform, type PreparedOperation, prepare } from "../../operations/perform.ts";
import type { Log } from "../../platform/log.ts";
import { newRequestId } from "../../platform/random.ts";
import { readJson } from "../../platform/web/json-body.ts";
import { faultOf } from "./error-faults.ts";
import { answerBrokenRequest } from "./connection-errors.ts";
import {
  bodyOctetsMax,
  headerOctetsMax,
  headersTimeoutMs,
  idempotencyKeyLengthMax,
  keepAliveTimeoutMs,
  requestTimeoutMs,
} from "./limits.ts";
import { type Mounted, methodsByUrl, mounted, takeVerb } from "./paths.ts";
import type { HttpObserver } from "./observer.ts";
import { problem } from "./problem.ts";
import { protocolDoor } from "./protocol-door.ts";
import { checkRoutes, type DoorRoute, isDoorRoute, type JsonRoute, type OperationRoute, type Route } from "./routes.ts";

declare module "fastify" {
  interface FastifyInstance {
    /** RFC 9728: where challenges point to. */
    readonly resourceMetadata: string;
  }
}

export type HttpNeeds = {
  readonly engine: Engine;
  readonly authentication: Authenticating;
  readonly routes: readonly Route[];
  readonly log: Log;
  readonly observer: HttpObserver;
  /** Who called, in the eyes of the proxies that are trusted. */
  readonly addressOf: (request: IncomingMessage) => string;
};

export const buildHttp = (needs: HttpNeeds): FastifyInstance => {
  checkRoutes(needs.routes);
  const doorRoutes = needs.routes.filter(isDoorRoute);
  const app = fastify({
    serverFactory: (router) =>
      createServer(
        {
          maxHeaderSize: headerOctetsMax,
          headersTimeout: headersTimeoutMs,
          requestTimeout: requestTimeoutMs,
          keepAliveTimeout: keepAliveTimeoutMs,
        },
        protocolDoor(doorRoutes, needs, router),
      ),
    bodyLimit: bodyOctetsMax,
    routerOptions: { maxParamLength: 100 },
    genReqId: () => newRequestId(),
    logger: false,
    return503OnClosing: false,
    forceCloseConnections: "idle",
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (_error, request, reply) => {
      void send(reply, request, fault("invalid_argument", "the URL is not well-formed"));
    },
  });
  app.decorate("resourceMetadata", resourceMetadataUrl(needs.engine.issuer));
  app.setValidatorCompiler(() => () => true);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "application/json",
    { parseAs: "string", bodyLimit: bodyOctetsMax },
    (_request, text, done) => {
      const parsed = readJson(String(text));
      if (isFault(parsed)) done(Object.assign(new Error(parsed.detail), { fault: parsed }));
      else done(null, parsed.value);
    },
  );
  app.addHook("onResponse", (request, reply, done) => {
    needs.observer.finished(
      request.routeOptions.url ?? "unmatched",
      request.method,
      reply.statusCode,
      reply.elapsedTime / 1000,
      request.id,
    );
    done();
  });
  app.addHook("onRequest", (request, reply, done) => {
    // AuthZEN 1.0 §10.1.3: whoever numbers its questions finds the number on the answer, whatever that is.
    const asked = isDecision(request) ? header(request, "x-request-id") : undefined;
    if (asked !== undefined) void reply.header("x-request-id", asked);
    done();
  });
  app.setNotFoundHandler((request, reply) => send(reply, request, nothingAt(request)));
  app.setErrorHandler((error, request, reply) => {
    const failure = faultOf(needs.log, error, request.id);
    // AuthZEN 1.0 §10.1.2 knows no 415: a body that is not JSON is a bad request there.
    const known = failure.fault === "unsupported_media_type" && isDecision(request);
    return send(reply, request, known ? fault("invalid_argument", failure.detail) : failure);
  });
  const all = mounted(needs.routes);
  for (const one of all) if (!isAtTheDoor(one)) mount(app, needs, one);
  for (const [url, methods] of methodsByUrl(all)) refuseOtherMethods(app, url, methods);
  return app;
};

/** Served before the router; the router only knows which other methods to refuse there. */
const isAtTheDoor = ({ byVerb }: Mounted): boolean => [...byVerb.values()].every(isDoorRoute);

type Handler = (request: FastifyRequest, reply: FastifyReply) => FastifyReply | Promise<FastifyReply>;

const handlerOf = (needs: HttpNeeds, route: Exclude<Route, DoorRoute>): Handler => {
  switch (route.kind) {
    case "document":
      return (_request, reply) => {
        const cache = `public, max-age=${route.cacheSeconds}`;
        void reply.headers({
          "content-type": "application/json",
          "cache-control": cache,
          "access-control-allow-origin": "*",
        });
        return reply.send(JSON.stringify(route.document()));
      };
    case "json":
      return (request, reply) => json(route, needs, request, reply);
    case "operation": {
      const prepared = prepare(needs.engine.model, route.operation);
      return (request, reply) => operate(route, prepared, needs, request, reply);
    }
  }
};

const mount = (app: FastifyInstance, needs: HttpNeeds, { method, url, byVerb }: Mounted): void => {
  const handlers = new Map(
    [...byVerb].flatMap(([verb, route]) => (isDoorRoute(route) ? [] : [[verb, handlerOf(needs, route)] as const])),
  );
  const plain = handlers.get("");
  if (plain !== undefined && handlers.size === 1) {
    app.route({ method, url, handler: plain });
    return;
  }
  app.route({
    method,
    url,
    handler: (request, reply) => {
      const handler = handlers.get(takeVerb(request.params as Record<string, string>));
      return handler === undefined ? send(reply, request, nothingAt(request)) : handler(request, reply);
    },
  });
};

/** RFC 6750 §2.3 is not offered: URLs end up in logs and histories. */
const hasTokenInUrl = (request: FastifyRequest): boolean => Object.hasOwn(request.query as object, "access_token");
const tokenInUrl = fault("invalid_argument", "a token in the URL is refused; send it as `Authorization: Bearer …`");

/** RFC 9449 §8.2: who sends proofs is given the nonce of now. */
const handOutNonce = (needs: HttpNeeds, request: FastifyRequest, reply: FastifyReply): void => {
  const { authorization, dpop } = request.headers;
  if (dpop !== undefined || authorization?.slice(0, 5).toLowerCase() === "dpop ")
    void reply.headers(dpopNonceHeaders(needs.authentication));
};

const json = async (
  route: JsonRoute,
  needs: HttpNeeds,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  if (hasTokenInUrl(request)) return send(reply, request, tokenInUrl);
  handOutNonce(needs, request, reply);
  const { status, body, headers } = await route.handle({
    ...provenBy(route, request),
    body: request.body,
    requestId: request.id,
  });
  if (isFault(body)) return send(reply, request, body);
  return reply
    .code(status)
    .headers({ ...jsonHeaders, ...headers, "request-id": request.id })
    .send(JSON.stringify(body));
};

/** What says who calls: the token, and the request that a proof must be about. */
const provenBy = ({ method }: Route, request: FastifyRequest) => ({
  method,
  path: pathOf(request),
  headers: request.headers,
  authorization: request.headers.authorization,
});

const operate = async (
  route: OperationRoute,
  prepared: PreparedOperation,
  needs: HttpNeeds,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  if (hasTokenInUrl(request)) return send(reply, request, tokenInUrl);
  handOutNonce(needs, request, reply);
  const caller = await authenticateRequest(needs.authentication, provenBy(route, request));
  if (isFault(caller)) return send(reply, request, caller);
  const key = header(request, "idempotency-key");
  if (key !== undefined && (key.length > idempotencyKeyLengthMax || key === ""))
    return send(
      reply,
      request,
      fault("invalid_argument", `\`Idempotency-Key\` must have 1 to ${idempotencyKeyLengthMax} characters`),
    );
  const validateOnly = takeValidateOnly(route, request);
  if (isFault(validateOnly)) return send(reply, request, validateOnly);
  const input = inputOf(route, request);
  if (isFault(input)) return send(reply, request, input);
  const answer = await perform(needs.engine, prepared, caller, input, {
    requestId: request.id,
    idempotencyKey: key,
    ifMatch: header(request, "if-match")?.replaceAll(/^"|"$/g, ""),
    tenant: header(request, "countersign-tenant"),
    ...validateOnly,
  });
  if (isFault(answer)) return send(reply, request, answer);
  void reply.code(answer.status).headers({ ...jsonHeaders, "request-id": request.id });
  if (answer.etag !== undefined) void reply.header("etag", `"${answer.etag}"`);
  if (answer.replayed) void reply.header("idempotent-replayed", "true");
  if (answer.consistency !== undefined) void reply.header("countersign-consistency", answer.consistency);
  return reply.send(JSON.stringify(answer.body));
};

/** `?validate_only=true`, which says how the request is meant and is no part of it; taken off the query of whatever changes something. */
const takeValidateOnly = (
  { operation }: OperationRoute,
  request: FastifyRequest,
): Fault | { readonly validateOnly?: boolean } => {
  const query = request.query as Record<string, unknown>;
  const asked = query["validate_only"];
  if (operation.kind !== "change" || asked === undefined) return {};
  delete query["validate_only"];
  return asked === "true" || asked === "false"
    ? { validateOnly: asked === "true" }
    : fault("invalid_argument", "`validate_only` must be `true` or `false`");
};

/** Path parameters, and then the body, or the query where there is none. A name may come only once. */
const inputOf = (route: OperationRoute, request: FastifyRequest): Fault | Record<string, unknown> => {
  const params = request.params as Record<string, string>;
  const inBody = route.method === "POST" || route.method === "PATCH";
  const rest = inBody ? (request.body ?? {}) : typed(route, request.query as Record<string, unknown>);
  if (typeof rest !== "object" || rest === null || Array.isArray(rest))
    return fault("invalid_argument", "the body must be a JSON object");
  const query = request.query as Record<string, unknown>;
  const stray = inBody ? Object.keys(query)[0] : undefined;
  if (stray !== undefined) return fault("invalid_argument", `\`${stray}\` belongs in the body, not in the URL`);
  const twice = Object.keys(params).find((name) => Object.hasOwn(rest, name));
  if (twice !== undefined)
    return fault("invalid_argument", `\`${twice}\` is taken from the path; leave it out elsewhere`);
  return { ...rest, ...params };
};

/** Query parameters are text; where the schema wants a number or a boolean, text that is one becomes one. */
const typed = (route: OperationRoute, query: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const properties: Readonly<Record<string, { readonly type?: string }>> = route.operation.input.properties;
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => {
      const wanted = properties[name]?.type;
      if ((wanted === "integer" || wanted === "number") && typeof value === "string" && /^-?\d{1,15}$/.test(value))
        return [name, Number(value)];
      if (wanted === "boolean" && (value === "true" || value === "false")) return [name, value === "true"];
      return [name, value];
    }),
  );
};

const header = (request: FastifyRequest, name: string): string | undefined => {
  const value = request.headers[name];
  return typeof value === "string" ? value : undefined;
};

/** Whether it was sent to the decision point. */
const isDecision = (request: FastifyRequest): boolean => request.routeOptions.url?.includes("/access/v1/") === true;

const pathOf = (request: FastifyRequest): string => request.url.split("?", 1)[0] ?? "";

const nothingAt = (request: FastifyRequest): Fault => fault("not_found", `nothing is served at \`${pathOf(request)}\``);

const send = (reply: FastifyReply, request: FastifyRequest, failure: Fault): FastifyReply => {
  const { status, headers, body } = problem(failure, request.id, pathOf(request), reply.server.resourceMetadata);
  return reply
    .code(status)
    .headers({ ...headers, "request-id": request.id })
    .send(body);
};

/** RFC 9110 §15.5.6: a known resource asked with another method says which ones it has. */
const refuseOtherMethods = (app: FastifyInstance, url: string, methods: readonly string[]): void => {
  // HEAD comes with GET (RFC 9110 §9.3.2).
  const answered = methods.includes("GET") ? [...methods, "HEAD"] : methods;
  const others = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].filter((method) => !answered.includes(method));
  app.route({
    method: others,
    url,
    handler: (request, reply) =>
      send(
        reply.header("allow", methods.join(", ")),
        request,
        fault("method_not_allowed", `\`${pathOf(request)}\` answers ${methods.join(", ")}`),
      ),
  });
};
