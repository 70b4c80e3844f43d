/**
 * Countersign for Fastify: a policy in every route's `config`, or the service does not get ready.
 *
 *     await app.register(countersignPlugin, { api });
 *     app.get("/files/:id", { config: { policy: route({ … }) } }, async (request) => files.read(callerOf(request).tenant_id, …));
 *
 * Who is calling is known before the body is read, and whether they may before it is validated.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, onRouteHookHandler } from "fastify";
import { fault } from "../core/faults.ts";
import type { Caller } from "./caller.ts";
import type { Begun, Countersign } from "./countersign.ts";
import { MissingPolicies } from "./missing-policies.ts";
import { nodeIncoming } from "./node-request.ts";
import { type Refused, refused } from "./refusal.ts";
import { isPolicy, nobodyAsked, type Policy, route } from "./route.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who is calling; null on a public route, and before the policy has let the request pass. */
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    policy?: Policy;
  }
}

export type CountersignPluginOptions = {
  readonly api: Countersign;
  /** Routes that other plugins make, such as `OPTIONS *` of a CORS plugin: `METHOD /path` and why it may be open. */
  readonly open?: Readonly<Record<string, string>>;
  /** Why a not-found handler of the service's own may answer anybody. Without it what has no route is answered with 404 here. */
  readonly notFound?: string;
};

/** Who is calling. Throws on a public route, where nobody was asked, and before a policy has let the request pass. */
export const callerOf = (request: FastifyRequest): Caller => {
  if (request.caller === null) throw new Error(nobodyAsked);
  return request.caller;
};

const advice = "Give each a `config: { policy: route({ … }) }`, or name it in the plugin's `open` with the reason why.";

/** The plugin. Register it on the application itself, before any route, and wait for it: `await app.register(countersignPlugin, { api })`. */
export const countersignPlugin = (
  app: FastifyInstance,
  options: CountersignPluginOptions,
  done: (error?: Error) => void,
): void => {
  const { api } = options;
  if (Object.getPrototypeOf(app) !== Object.prototype) {
    done(
      new Error(
        "register the plugin on the application itself, and not inside another plugin: routes outside of that one would have no policy, and " +
          "nobody would be told",
      ),
    );
    return;
  }
  const declaredBefore = app.printRoutes({ commonPrefix: false });
  if (!declaredBefore.includes("(empty tree)")) {
    done(new Error(`register the plugin before any route, and await it. These were there already:\n${declaredBefore}`));
    return;
  }
  const without = new Set<string>();
  const opened = new Map(
    Object.entries(options.open ?? {}).map(([name, why]) => [name, route({ public: why })] as const),
  );
  const begun = new WeakMap<FastifyRequest, Extract<Begun, { at: "known" }>>();

  const unused = new Set(opened.keys());
  const look: onRouteHookHandler = ({ method, url, config }) => {
    for (const one of [method].flat()) {
      const name = `${one} ${url}`;
      if (!isPolicy(config?.policy) && !opened.has(name)) without.add(name);
      unused.delete(name);
    }
  };
  app.decorateRequest("caller", null);
  app.addHook("onRoute", look);
  app.addHook("onReady", (ready) => {
    if (without.size > 0) ready(new MissingPolicies([...without].toSorted(), advice));
    else if (unused.size > 0) ready(new Error(`\`open\` names what is no route: ${[...unused].join(", ")}`));
    else ready();
  });
  app.addHook("onRequest", async (request, reply) => {
    if (request.is404) return options.notFound === undefined ? send(reply, nothingHere) : undefined;
    const { method, url, config } = request.routeOptions;
    const policy = config.policy ?? [method].flat().map((one) => opened.get(`${one} ${url}`))[0];
    const first = await api.begin(policy, incoming(request));
    if (first.at === "refused") return send(reply, first.answer);
    if (first.at === "known") begun.set(request, first);
    return undefined;
  });
  app.addHook("preValidation", async (request, reply) => {
    const admission = await begun.get(request)?.finish(incoming(request));
    if (admission?.at === "refused") return send(reply, admission.answer);
    if (admission?.at === "admitted") request.caller = admission.caller;
    return undefined;
  });
  const { metadata } = api;
  if (metadata !== undefined) {
    const policy = route({ public: "RFC 9728: how to get a token is found before there is one" });
    app.get(metadata.path, { config: { policy } }, (_, reply) =>
      reply.headers(metadata.headers).send(metadata.document),
    );
  }
  done();
};

// Its hooks are for every route of the instance it is registered on, and not for a capsule of its own.
Object.assign(countersignPlugin, {
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "countersign",
});

const nothingHere = refused(
  { metadataUrl: undefined, nonce: undefined },
  fault("not_found", "there is no such resource"),
);

const incoming = (request: FastifyRequest) =>
  nodeIncoming(request.raw, {
    url: request.originalUrl,
    params: request.params as Readonly<Record<string, string>>,
    json: async () => request.body,
    native: request,
  });

const send = (reply: FastifyReply, { status, headers, body }: Refused): FastifyReply =>
  reply.code(status).headers(headers).send(body);
