/**
 * Whether the caller may: the token's scopes, the human's sign-in, and the decision point's answer about the resource the policy finds.
 * Each step can only say no; the last one alone says yes.
 */
import { satisfies } from "../core/acr.ts";
import type { Attributes } from "../core/decide/types.ts";
import { fault, isFault, type Result } from "../core/faults.ts";
import { formatRef, hostTenant, parseRef } from "../core/ids.ts";
import type { Authenticated, Incoming } from "./authenticate.ts";
import type { Caller, Permit } from "./caller.ts";
import { type Answer, evaluate, type Evaluating } from "./decisions/evaluate.ts";
import type { Settled } from "./options.ts";
import type { Platform } from "./platform.ts";
import type { Refusal } from "./refusal.ts";
import type { AuthenticatedRule, Finder, PermissionRule, SignInDemand } from "./route.ts";
import { missingScopes } from "./scopes.ts";
import { type Claims, isHost } from "./token/claims.ts";

export type Authorizing = {
  readonly options: Settled;
  readonly platform: Platform;
  readonly evaluating: Evaluating;
};

type Rule = AuthenticatedRule | PermissionRule;

export const authorize = async (
  needs: Authorizing,
  rule: Rule,
  request: Incoming,
  { claims, token }: Authenticated,
): Promise<Caller | Refusal> => {
  const unfit = outOfScope(rule, claims) ?? signInTooWeak(rule, claims, needs.platform.now());
  if (unfit !== undefined) return unfit;
  if (!("permission" in rule)) return callerOf(claims, claims.tenant, null);

  const found = await find(needs, rule, request, claims);
  if (isFault(found)) return found;
  const { tenant, resource, parent, context } = found;
  const answer = await evaluate(needs.evaluating, {
    token,
    permission: rule.permission,
    resource,
    ...(parent === undefined ? {} : { parent }),
    ...(isHost(claims.tenant) && tenant !== hostTenant ? { tenant: formatRef(needs.options.tenants, tenant) } : {}),
    ...(context === undefined ? {} : { context }),
  });
  return answer.at === "permitted"
    ? callerOf(claims, tenant, { permission: rule.permission, resource, because: answer.because })
    : refusalOf(answer, rule.permission);
};

// Scopes and sign-in

const outOfScope = (rule: Rule, { scopes }: Claims): Refusal | undefined => {
  const wanted = rule.scopes ?? ("permission" in rule ? [rule.permission] : []);
  return missingScopes(scopes, wanted).length === 0 ? undefined : insufficientScope(wanted);
};

const insufficientScope = (scopes: readonly string[]): Refusal => ({
  ...fault("insufficient_scope", "the token's scopes do not reach this"),
  scopes,
});

const signInTooWeak = ({ acr, maxAge }: SignInDemand, claims: Claims, now: number): Refusal | undefined => {
  const classes = acr === undefined ? undefined : typeof acr === "string" ? [acr] : acr;
  const weak = classes?.some((one) => one === claims.acr || satisfies(claims.acr, one)) === false;
  const age = claims.auth_time === null ? Number.POSITIVE_INFINITY : now / 1000 - claims.auth_time;
  const stale = maxAge !== undefined && age > maxAge;
  return weak || stale ? stepUp(classes ?? [], maxAge) : undefined;
};

const stepUp = (acrValues: readonly string[], maxAge: number | undefined): Refusal => ({
  ...fault("insufficient_user_authentication", "this needs a fresher or stronger sign-in"),
  acrValues,
  ...(maxAge === undefined ? {} : { stepUp: { maxAgeSeconds: maxAge } }),
});

// What is asked about

type FoundTarget = {
  /** The tenant acted in, a UUID. */
  readonly tenant: string;
  readonly resource: string;
  readonly parent: string | undefined;
  readonly context: Attributes | undefined;
};

/** The same for what is not there, what is another tenant's, and what is no name at all. */
const nothingThere = fault("not_found", "there is no such resource");
const undetermined = fault("permission_denied", "what is asked about could not be determined");

const find = async (
  { options, platform }: Authorizing,
  rule: PermissionRule,
  request: Incoming,
  claims: Claims,
): Promise<Result<FoundTarget>> => {
  try {
    const tenant = tenantIn(options, claims, await (rule.tenant ?? options.tenant ?? nobody)(request));
    if (tenant === undefined) return nothingThere;
    const resource = await refIn(rule.resource, request, rootOf(options, tenant));
    const parent = await refIn(rule.parent, request, undefined);
    if (resource === undefined || (rule.parent !== undefined && parent === undefined)) return nothingThere;
    const context = await rule.context?.(request);
    if (rule.context !== undefined && !isObject(context)) return undetermined;
    return { tenant, resource, parent, context: context ?? undefined };
  } catch (error) {
    platform.report(`a function of the policy for \`${rule.permission}\` failed, so the request is refused`, error);
    return undetermined;
  }
};

const nobody = (): undefined => undefined;

/** Only a principal of the host may name a tenant other than its token's; whether it may act there is decided with everything else. */
const tenantIn = (options: Settled, claims: Claims, named: unknown): string | undefined => {
  if (named === undefined || named === null) return claims.tenant;
  const ref = typeof named === "string" ? parseRef(named) : undefined;
  if (ref === undefined || ref.collection !== options.tenants) return undefined;
  return isHost(claims.tenant) || ref.id === claims.tenant ? ref.id : undefined;
};

const rootOf = ({ tenants }: Settled, tenant: string): string => formatRef(isHost(tenant) ? "host" : tenants, tenant);

/** A collection's name, so that nothing but a ref ends up in a question. */
const collection = /^[a-z][a-z0-9_-]{0,63}$/;

const refIn = async (
  finder: Finder<string> | undefined,
  request: Incoming,
  otherwise: string | undefined,
): Promise<string | undefined> => {
  if (finder === undefined) return otherwise;
  const found: unknown = await finder(request);
  const ref = typeof found === "string" ? parseRef(found) : undefined;
  return ref !== undefined && collection.test(ref.collection) ? (found as string) : undefined;
};

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

// What was answered

const callerOf = (claims: Claims, tenant: string, decision: Permit | null): Caller => ({
  tenant_id: tenant,
  host: isHost(claims.tenant),
  principal: claims.actor?.principal ?? claims.subject,
  subject: claims.subject,
  kind: claims.kind,
  actor: claims.actor,
  scopes: claims.scopes,
  client_id: claims.client_id,
  audience: claims.audience,
  acr: claims.acr,
  amr: claims.amr,
  auth_time: claims.auth_time,
  token: { id: claims.jti, expires_at: claims.exp, bound_to: claims.jkt },
  bypass: decision !== null && (decision.because.rule === "host_role" || decision.because.bypass === true),
  decision,
});

const refusalOf = (answer: Exclude<Answer, { at: "permitted" }>, permission: string): Refusal => {
  if (answer.at === "not_active") return fault("invalid_token", "the token is not active any more");
  if (answer.at === "unanswered")
    return fault("unavailable", "whether this is allowed cannot be told now", {
      retryAfterSeconds: answer.retryAfterSeconds,
    });
  const { because, obligations } = answer;
  const again = obligations.find(({ kind }) => kind === "step_up");
  if (again !== undefined) return stepUp(typeof again.acr === "string" ? [again.acr] : [], undefined);
  const rule = typeof because.rule === "string" ? because.rule : "unknown";
  if (obligations.length > 0)
    return {
      ...fault("permission_denied", `this needs ${obligations.map(inWords).join(" and ")} first`, { permission }),
      obligations,
      rule,
    };
  if (rule === "token_not_active") return fault("invalid_token", "the token is not active any more");
  if (rule === "unknown_resource") return nothingThere;
  if (rule === "out_of_scope") return insufficientScope([permission]);
  return { ...fault("permission_denied", `\`${permission}\` is missing`, { permission }), rule };
};

const words: Readonly<Record<string, string>> = {
  approval: "other humans' approval",
  human: "a human actor of record",
};

const inWords = ({ kind }: Attributes): string =>
  typeof kind === "string" && Object.hasOwn(words, kind)
    ? (words[kind] ?? kind)
    : "something this service does not know";
