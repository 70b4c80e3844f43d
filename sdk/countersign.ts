/**
 * Countersign for a resource server: who is calling, and may they?
 *
 *     const api = countersign({ issuer: "https://id.example.com", audience: "https://api.example.com", credentials });
 *     const read = route({ permission: "files:read", resource: ({ params }) => `files/${params.id}` });
 *
 * An adapter (`@countersign/sdk/fastify`, `/express`, `/hono`, `/node`) puts a policy before every route, and keeps a service from starting
 * while one is missing. RFC 6750, 9068, 9449, 9470 and 9728 are kept here, once for all of them.
 */
import { fault, isFault } from "../core/faults.ts";
import { authenticate, type Incoming } from "./authenticate.ts";
import { authorize } from "./authorize.ts";
import type { Asking } from "./ask.ts";
import type { Caller } from "./caller.ts";
import { noncesOf } from "./dpop/nonces.ts";
import { memoryReplays } from "./dpop/replays.ts";
import { type ServiceToken, serviceTokenOf } from "./decisions/service-token.ts";
import { issuerOf } from "./issuer.ts";
import { type ResourceMetadata, resourceMetadataOf } from "./metadata.ts";
import { type Options, settle, type Settled } from "./options.ts";
import { type Platform, realPlatform } from "./platform.ts";
import { type Refusal, type Refused, refused } from "./refusal.ts";
import { isPolicy, type Policy } from "./route.ts";
import { introspect } from "./token/introspect.ts";
import { keysOf } from "./token/keys.ts";
import { verifyJwt } from "./token/verify-jwt.ts";

/** What a policy says to a request. */
export type Admission =
  /** The route is open, and nobody was asked who they are. */
  | { readonly at: "open" }
  | { readonly at: "admitted"; readonly caller: Caller }
  /** The answer to send; the handler must not run. */
  | { readonly at: "refused"; readonly answer: Refused };

/** Half way: who is calling is known, and whether they may is still to be asked. */
export type Begun =
  | Exclude<Admission, { readonly at: "admitted" }>
  | { readonly at: "known"; finish(request: Incoming): Promise<Admission> };

export type Countersign = {
  /**
   * Judges a request by its route's policy; what is no policy refuses. Never throws: whatever goes wrong is a no. Adapters call it, and so may
   * a service on a framework that has none.
   */
  readonly admit: (policy: Policy | undefined, request: Incoming) => Promise<Admission>;
  /** The same in two steps, so that a body is not even read before it is known who sends it. */
  readonly begin: (policy: Policy | undefined, request: Incoming) => Promise<Begun>;
  /**
   * Whether this service could do its work now: the issuer answers, is the one that is meant, has keys, and takes this service's credentials.
   * For a start that should fail at once, and for a readiness probe; nothing else waits for it.
   *
   * @throws Error that says what is wrong, for an operator.
   */
  readonly ready: () => Promise<void>;
  /** What the adapters serve at `/.well-known/oauth-protected-resource…`; undefined where the audience is no URL of this service. */
  readonly metadata: ResourceMetadata | undefined;
};

/**
 * Makes one for a service. Nothing is fetched until it is needed.
 *
 * @throws TypeError where the options leave something open that would open the service: a missing audience above all.
 */
export const countersign = (options: Options): Countersign => {
  const settled = settle(options);
  const platform: Platform = { ...realPlatform, ...options.platform };
  const metadata = resourceMetadataOf(settled);
  const { secret, ready, ...parts } = partsOf(settled, platform);
  const nonces = secret === undefined ? undefined : noncesOf(secret, platform.now);
  const speaking = { metadataUrl: metadata?.url, nonce: nonces?.current };
  const authenticating = { ...parts, platform, nonces, base: settled.base };
  const no = (refusal: Refusal) => ({ at: "refused", answer: refused(speaking, refusal) }) as const;
  const safely = async <T>(judged: Promise<T>): Promise<T | { readonly at: "refused"; readonly answer: Refused }> =>
    judged.catch((error: unknown) => {
      platform.report("a request could not be judged, so it was refused", error);
      return no(broken);
    });

  const known = async (policy: Policy | undefined, request: Incoming): Promise<Begun> => {
    if (!isPolicy(policy)) {
      platform.report(
        `\`${request.method} ${request.path}\` was reached without a policy that was checked at start, and is closed: is the application that ` +
          "listens the one that was given to `protect()`?",
      );
      return no(withoutPolicy);
    }
    if ("public" in policy) return { at: "open" };
    const authenticated = await authenticate(authenticating, request);
    if (isFault(authenticated)) return no(authenticated);
    const finish = async (whole: Incoming): Promise<Admission> => {
      const caller = await authorize({ ...parts, options: settled, platform }, policy, whole, authenticated);
      if (isFault(caller)) return no(caller);
      if (caller.bypass) await record(settled, platform, caller, whole);
      return { at: "admitted", caller };
    };
    return { at: "known", finish: (whole) => safely(finish(whole)) };
  };
  const begin: Countersign["begin"] = (policy, request) => safely(known(policy, request));
  return {
    metadata,
    ready,
    begin,
    admit: async (policy, request) => {
      const begun = await begin(policy, request);
      return begun.at === "known" ? begun.finish(request) : begun;
    },
  };
};

const withoutPolicy = fault("internal", "this route has no policy, and is closed");
const broken = fault("unavailable", "whether this is allowed cannot be told now", { retryAfterSeconds: 1 });

const partsOf = (options: Settled, platform: Platform) => {
  const { credentials, timeoutMs } = options;
  const asking: Asking = { platform, timeoutMs };
  const issuer = issuerOf({ ...asking, issuer: options.issuer });
  const keys = keysOf({ ...asking, issuer });
  const serviceToken: ServiceToken | undefined = credentials && serviceTokenOf({ ...asking, issuer, credentials });
  const asksIssuer = options.verify === "introspection" ? credentials : undefined;
  return {
    ready: async () => {
      await keys.ready();
      await serviceToken?.current();
    },
    verify: (token: string) =>
      asksIssuer === undefined
        ? verifyJwt({ options, platform, keys }, token)
        : introspect({ options, platform, issuer, credentials: asksIssuer }, token),
    evaluating: { ...asking, url: `${options.issuer}/access/v1/evaluation`, serviceToken },
    replays: options.dpop?.replays ?? memoryReplays(platform),
    secret: options.dpop?.nonceSecret,
  };
};

/** Before the handler runs: a bypass that can't be recorded does not happen. */
const record = async (options: Settled, platform: Platform, caller: Caller, request: Incoming): Promise<void> => {
  const { permission = "", resource = "", because = {} } = caller.decision ?? {};
  const entry = {
    event: "super_admin_bypass",
    bypass: true,
    time: new Date(platform.now()).toISOString(),
    tenant_id: caller.tenant_id,
    principal: caller.principal,
    subject: caller.subject,
    actor: caller.actor,
    permission,
    resource,
    because,
    method: request.method,
    path: request.path,
    token_id: caller.token.id,
  } as const;
  if (options.audit === undefined) platform.note(JSON.stringify(entry));
  else await options.audit(entry);
};

export { type Policy, route, type RouteRequest, type RouteRule } from "./route.ts";
export { insecureIssuer, type Options } from "./options.ts";
export { memoryReplays, type ReplayStore } from "./dpop/replays.ts";
export type { BypassEntry } from "./decisions/bypass.ts";
export type { Caller, Permit } from "./caller.ts";
export type { Incoming } from "./authenticate.ts";
export type { Refused } from "./refusal.ts";
