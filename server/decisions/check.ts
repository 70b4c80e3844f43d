/**
 * The gateway's second question: may they? One answer for gRPC, REST and AuthZEN.
 *
 * Warm, the caller's credential, the subject's token and the facts about the subject at the resource come in one cache round trip and
 * `decide()` does the rest. Cold, all of them are one SQL statement. What is cached is facts, not decisions: scopes and context narrow
 * them anew on every question.
 */
import { decide } from "../../core/decide/decide.ts";
import type { Decision, Facts } from "../../core/decide/types.ts";
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import {
  hostTenant,
  type NodeId,
  type PrincipalId,
  parseRef,
  principalKindOf,
  rootNode,
  type TenantId,
} from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import type { Principal } from "../authority/caller.ts";
import { factsOf, nearestExpiry, unknownState } from "../authority/facts.ts";
import { resolve, type Wanted } from "../authority/resolve.ts";
import { factsLookup, type StoredFacts } from "../authority/store.ts";
import { collectionOf } from "../operations/targets.ts";
import { principalVersion, tenantVersion } from "../platform/cache/fresh-cache.ts";
import { cacheTtlMs, type Platform } from "../platform/platform.ts";
import { acceptBearer, callerOf } from "../tokens/bearer.ts";
import { holds, lacking } from "../tokens/holds.ts";
import { isToken, type Presented, recognise } from "../tokens/presented.ts";
import type { Standing, Verified, Verifier } from "../tokens/standing.ts";

export type Deciding = {
  readonly platform: Platform;
  readonly model: Model;
  readonly modelVersion: string;
  readonly issuer: string;
  readonly verifier: Verifier;
};

/** Who is asked about: a principal by ref, or whoever a token stands for, narrowed by its scopes. */
export type Subject = { readonly principal: string } | { readonly token: string };

export type CheckQuestion = {
  readonly subject: Subject;
  /** Ref of the tenant; for callers of the host who ask about a principal. */
  readonly tenant?: string;
  /** `resource:action`. */
  readonly permission: string;
  /** Ref of a registered node; absent means the tenant as a whole. */
  readonly resource?: string;
  /** Ref of the registered parent of a leaf that is not registered itself. Never gives authority a registered leaf would not. */
  readonly parent?: string;
};

/** A decision, or the reason why there was nothing to decide on. Only `effect: "permit"` is a yes. */
export type CheckAnswer =
  | Decision
  | { readonly effect: "deny"; readonly because: Unknown; readonly obligations: readonly [] };
export type Unknown =
  | { readonly rule: "unknown_resource"; readonly permission: string; readonly resource: string }
  | { readonly rule: "token_not_active"; readonly permission: string };

const checkPermission = "access:check";
/** Questions in one batch (design: put a limit on everything). */
export const batchMax = 100;

/** Answers questions asked with the caller's token, and the key proven with it; each fault is the caller's to repair. */
export const check = async (
  needs: Deciding,
  bearer: Presented,
  questions: readonly CheckQuestion[],
  jkt?: string,
): Promise<Result<readonly Result<CheckAnswer>[]>> => {
  const plans = questions.map((question) => plan(needs.model, bearer.tenant, question));
  const wanted: Wanted<Verified | Facts>[] = [needs.verifier.wanted(bearer)];
  for (const one of plans) if (one.at === "asking") wanted.push(...wantedFor(needs, one));
  const found = await resolve(needs.platform, wanted);

  const caller = acceptBearer(needs.issuer, bearer, found[0] as Verified | undefined, jkt);
  if (isFault(caller)) return caller;
  const asker: Asker = { caller, mayAsk: undefined };
  let at = 1;
  return plans.map((one) => {
    if (one.at === "settled") return one.answer;
    const token = one.token === undefined ? undefined : (found[at++] as Verified | undefined);
    const facts = found.slice(at, at + one.nodes.length) as readonly (Facts | undefined)[];
    at += one.nodes.length;
    return answerOne(needs, asker, one, token, facts);
  });
};

type Asker = { readonly caller: Standing; mayAsk: boolean | undefined };

/** A question that needs no look-up: it is malformed, or about a token no one can have issued. */
type Settled = { readonly at: "settled"; readonly answer: Result<CheckAnswer> };
const settled = (answer: Result<CheckAnswer>): Settled => ({ at: "settled", answer });

/** A question, read: where everything it needs is to be found. */
type Plan = {
  readonly at: "asking";
  readonly question: CheckQuestion;
  readonly token: Presented | undefined;
  /** Undefined for a token until it has been verified: its text does not say what kind of principal it stands for. */
  readonly kind: Principal["kind"] | undefined;
  readonly principal: PrincipalId;
  readonly bound: TenantId;
  readonly tenant: TenantId;
  /** The resource, and the parent it may fall back to. */
  readonly nodes: readonly NodeId[];
};

const plan = (model: Model, callerTenant: TenantId, question: CheckQuestion): Plan | Settled => {
  const named = question.tenant === undefined ? undefined : tenantRef(model, question.tenant);
  if (isFault(named)) return settled(named);
  const resource =
    question.resource === undefined || question.resource === "" ? undefined : parseRef(question.resource);
  if (question.resource && resource === undefined) return settled(malformed("resource", question.resource, aRef));
  const parent = question.parent === undefined || question.parent === "" ? undefined : parseRef(question.parent);
  if (question.parent && parent === undefined) return settled(malformed("parent", question.parent, aRef));
  const root =
    resource !== undefined && model.collections.get(resource.collection)?.root === true
      ? (resource.id as TenantId)
      : undefined;

  const subject = subjectOf(question.subject);
  if (subject === undefined) return settled(denied({ rule: "token_not_active", permission: question.permission }));
  if (isFault(subject)) return settled(subject);
  const bound = subject.token?.tenant ?? named ?? (callerTenant === hostTenant ? (root ?? callerTenant) : callerTenant);
  const tenant = bound === hostTenant ? (named ?? root ?? hostTenant) : bound;
  const nodes = [
    resource === undefined ? rootNode(tenant) : (resource.id as NodeId),
    ...(parent === undefined ? [] : [parent.id as NodeId]),
  ];
  return { at: "asking", question, ...subject, bound, tenant, nodes };
};

const aRef = "a ref such as `accounts/{uuid}`";

/** Undefined for a token no one can have issued. */
const subjectOf = (subject: Subject): Result<Pick<Plan, "token" | "kind" | "principal">> | undefined => {
  if ("token" in subject) {
    const token = recognise(subject.token);
    return token === undefined || !isToken(token) ? undefined : { token, kind: undefined, principal: token.principal };
  }
  const ref = parseRef(subject.principal);
  const kind = ref && principalKindOf(ref.collection);
  if (ref === undefined || kind === undefined)
    return malformed("principal", subject.principal, "`users/{uuid}` or `service-accounts/{uuid}`");
  return { token: undefined, kind, principal: ref.id as PrincipalId };
};

const malformed = (path: string, text: string, wanted: string): Fault => {
  const message = `\`${text.slice(0, 100)}\` is not ${wanted}`;
  return fault("invalid_argument", `\`${path}\`: ${message}`, { errors: [{ path, message }] });
};

const tenantRef = (model: Model, text: string): Result<TenantId> => {
  const ref = parseRef(text);
  return ref !== undefined && model.collections.get(ref.collection)?.root === true
    ? (ref.id as TenantId)
    : malformed("tenant", text, "the ref of a tenant");
};

const wantedFor = (needs: Deciding, one: Plan): readonly Wanted<Verified | Facts>[] => [
  ...(one.token === undefined ? [] : [needs.verifier.wanted(one.token)]),
  ...one.nodes.map((node) => wantedFacts(needs, one, node)),
];

const wantedFacts = ({ platform, model, modelVersion }: Deciding, one: Plan, node: NodeId): Wanted<Facts> => ({
  probe: {
    key: `{${one.tenant}}:f:${modelVersion}:${one.bound}:${one.principal}:${node}`,
    versions: [tenantVersion(one.tenant), principalVersion(one.bound, one.principal)],
  },
  fromCache: (payload) => JSON.parse(payload) as Facts,
  ask: () => factsLookup(one.bound, null, one.principal, one.tenant, node),
  fromDatabase: (answer) => {
    const stored = answer as StoredFacts;
    const principal: Principal = { kind: stored.kind ?? "human", id: one.principal };
    const facts = factsOf(model, { principal, bound: one.bound, tenant: one.tenant, node }, stored);
    // That there is no such node is not kept: it may be made in the next moment, and nothing would say so.
    if (facts === undefined) return { value: undefined };
    const ttlMs = Math.min(cacheTtlMs, nearestExpiry(facts) - platform.clock.now());
    return { value: facts, keep: { payload: JSON.stringify(facts), ttlMs } };
  },
});

const answerOne = (
  needs: Deciding,
  asker: Asker,
  one: Plan,
  token: Verified | undefined,
  facts: readonly (Facts | undefined)[],
): Result<CheckAnswer> => {
  const { caller } = asker;
  const now = needs.platform.clock.now();
  if (caller.tenant !== hostTenant && (one.bound !== caller.tenant || one.tenant !== caller.tenant))
    return unknownResource(one);
  if (one.principal !== caller.principal.id) {
    asker.mayAsk ??= holds(needs.model, caller, checkPermission, now);
    if (!asker.mayAsk) return lacking(checkPermission, "asking about another principal");
  }
  if (one.token !== undefined && token === undefined) return tokenNotActive(one);
  const scopes = token && callerOf(needs.model, token.standing()).scopes;
  const at = facts.findIndex((each, nth) => each !== undefined && isNamed(needs.model, one, nth, each));
  const target = facts[at];
  if (target === undefined) return unknownResource(one);
  const { permission } = one.question;
  const question = scopes === undefined ? { permission, at: now } : { permission, at: now, scopes };
  return decide(needs.model, question, asNamed(one, target));
};

/** `users/{the id of a service account}` names nobody. The facts are the id's, whatever it was called. */
const asNamed = (one: Plan, facts: Facts): Facts =>
  one.kind === undefined || one.kind === facts.principal.kind
    ? facts
    : { ...facts, principal: { id: one.principal, kind: one.kind, state: unknownState } };

/** A ref names a node only by the node's own collection: `clients/{the id of an account}` names nothing. */
const isNamed = (model: Model, one: Plan, nth: number, facts: Facts): boolean => {
  const text = nth === 0 ? one.question.resource : one.question.parent;
  const type = facts.path[0]?.type;
  if (text === undefined || text === "" || type === undefined)
    return text === undefined || text === "" || type !== undefined;
  const fits = parseRef(text)?.collection === collectionOf(model, type);
  return nth === 0 ? fits : fits && mayStandIn(model, one, type);
};

/** An unregistered leaf is of a type the model places in its parent's. */
const mayStandIn = (model: Model, one: Plan, parentType: string): boolean => {
  const leaf = model.resources.get(parseRef(one.question.resource ?? "")?.collection ?? "");
  return leaf?.in.includes(parentType) === true;
};

const denied = (because: Unknown): CheckAnswer => ({ effect: "deny", because, obligations: [] });
const unknownResource = ({ question }: Plan): CheckAnswer =>
  denied({ rule: "unknown_resource", permission: question.permission, resource: question.resource ?? "" });
const tokenNotActive = ({ question }: Plan): CheckAnswer =>
  denied({ rule: "token_not_active", permission: question.permission });
