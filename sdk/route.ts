/**
 * A route's policy, declared beside the route: what a caller has to be, to hold and to be allowed before its handler runs. Leaving it out
 * keeps a service from starting; a route that is open says why.
 */
import type { Attributes } from "../core/decide/types.ts";

/** A request as a policy's functions see it, the same in every framework. */
export type RouteRequest = {
  /** As it was sent: `GET`, `HEAD`, … */
  readonly method: string;
  /** As it was sent, without the query. */
  readonly path: string;
  /** What the route's pattern matched, decoded. */
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: URLSearchParams;
  /** The value of a header, several joined by commas; undefined where there is none. */
  header(name: string): string | undefined;
  /** The body as JSON. Rejects where it is none; a policy whose function throws is a no. */
  json(): Promise<unknown>;
  /** The framework's own request, or Hono's context. */
  readonly native: unknown;
};

/** How something is found in a request. Undefined, null, a rejection or a throw is a no. */
export type Finder<T> = (request: RouteRequest) => T | null | undefined | Promise<T | null | undefined>;

/** What a human's sign-in has to have been (RFC 9470). Services never meet it. */
export type SignInDemand = {
  /** The authentication context classes that will do, any one of them or a stronger one, best first: what a client is told to ask for. */
  readonly acr?: string | readonly string[];
  /** How long ago the human may have signed in, in seconds. */
  readonly maxAge?: number;
};

/** Anyone may call, token or not. The text says why, for whoever reviews it. */
export type PublicRule = { readonly public: string };

/**
 * Any principal with a token for this service, whatever its rights; the text says why that is enough. `scopes` narrow, and give nothing:
 * they are what a client asked for, not what a person may.
 */
export type AuthenticatedRule = SignInDemand & { readonly authenticated: string; readonly scopes?: readonly string[] };

/** Whoever the decision point permits `permission` on what `resource` finds. */
export type PermissionRule = SignInDemand & {
  /** `resource:action`, of the deployment's access model. */
  readonly permission: string;
  /** Scopes the token has to carry; the permission itself unless said otherwise. `flows:*` covers each `flows:…`, `*` all. */
  readonly scopes?: readonly string[];
  /** The ref asked about, `files/{uuid}`. Absent: the tenant as a whole. What is no ref is answered with 404. */
  readonly resource?: Finder<string>;
  /** The registered parent of a leaf that is not registered itself. It never gives authority that a registered leaf would not. */
  readonly parent?: Finder<string>;
  /** The tenant a principal of the host wants to act in, as a ref. Nobody else can leave the tenant of their token by it. */
  readonly tenant?: Finder<string>;
  /** Attributes of the request, for conditions. */
  readonly context?: Finder<Attributes>;
};

export type RouteRule = PublicRule | AuthenticatedRule | PermissionRule;

declare const made: unique symbol;
/** A rule that `route()` has read. Nothing else is accepted as one. */
export type Policy = RouteRule & { readonly [made]: true };

const known = new WeakSet<object>();
const pattern = /^(?:\*|[a-z][a-z0-9_-]*:(?:\*|[a-z][a-z0-9_-]*))$/;
const permissionPattern = /^[a-z][a-z0-9_-]*:[a-z][a-z0-9_-]*$/;
const signInFields = ["acr", "maxAge"];
const fieldsOf = {
  public: ["public"],
  authenticated: ["authenticated", "scopes", ...signInFields],
  permission: ["permission", "scopes", "resource", "parent", "tenant", "context", ...signInFields],
} as const;

/**
 * Declares a policy.
 *
 * @throws TypeError for a rule that is none: a typing mistake must not open a route.
 */
export const route = (rule: RouteRule): Policy => {
  const wrong = wrongWith(rule);
  if (wrong !== undefined) throw new TypeError(`route(): ${wrong}`);
  const policy = Object.freeze({ ...rule }) as Policy;
  known.add(policy);
  return policy;
};

/** What `callerOf` throws: a mistake in the service, and never a caller's. */
export const nobodyAsked =
  "nobody was asked who is calling: this route is public, or this runs before its policy. Give it a `permission` or `authenticated`, or look at " +
  "the caller in the handler";

export const isPolicy = (value: unknown): value is Policy =>
  typeof value === "object" && value !== null && known.has(value);

const wrongWith = (rule: unknown): string | undefined => {
  if (typeof rule !== "object" || rule === null)
    return 'a policy is an object, such as `route({ permission: "files:read" })`';
  const given = rule as Readonly<Record<string, unknown>>;
  const kinds = (["public", "authenticated", "permission"] as const).filter((kind) => given[kind] !== undefined);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1)
    return "a policy has one of `permission`, `authenticated: why` and `public: why`";
  const unknown = Object.keys(given).filter((name) => !(fieldsOf[kind] as readonly string[]).includes(name));
  if (unknown.length > 0) return `\`${unknown.join("`, `")}\` has no meaning beside \`${kind}\``;
  if (kind !== "permission" && !isSentence(given[kind])) return `\`${kind}\` says why, in words`;
  if (kind === "permission" && !(typeof given.permission === "string" && permissionPattern.test(given.permission)))
    return "`permission` is `resource:action`";
  return wrongWithFields(given);
};

const isSentence = (value: unknown): boolean => typeof value === "string" && value.trim() !== "";

const wrongWithFields = (given: Readonly<Record<string, unknown>>): string | undefined => {
  const { scopes, acr, maxAge } = given;
  if (scopes !== undefined && !(Array.isArray(scopes) && scopes.length > 0 && scopes.every(isScope)))
    return "`scopes` is a list of scopes such as `flows:read`, `flows:*` or `*`";
  const acrs: readonly unknown[] = Array.isArray(acr) ? acr : [acr];
  if (acr !== undefined && (acrs.length === 0 || !acrs.every(isClass)))
    return "`acr` names one class, or a list of them, without spaces";
  if (maxAge !== undefined && !(typeof maxAge === "number" && Number.isFinite(maxAge) && maxAge >= 0))
    return "`maxAge` is a number of seconds";
  if (given.parent !== undefined && given.resource === undefined)
    return "`parent` is of what `resource` finds, and there is no `resource`";
  const finders = ["resource", "parent", "tenant", "context"].filter(
    (name) => given[name] !== undefined && typeof given[name] !== "function",
  );
  return finders.length === 0 ? undefined : `\`${finders.join("`, `")}\` is a function of the request`;
};

/** RFC 9470 §3: classes are told as a list with spaces between them. */
const isClass = (value: unknown): boolean => typeof value === "string" && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value);
const isScope = (value: unknown): boolean => typeof value === "string" && pattern.test(value);
