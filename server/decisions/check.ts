/**
 * The gateway's second question: may they? One answer for gRPC, REST and AuthZEN.
 *
 * Warm, the caller's credential, the subject's token and the facts about the subject at the resource come in one cache round trip and
 * `decide()` does the rest. Cold, the facts are one SQL statement. What is cached is facts, not decisions: scopes and context narrow
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
import type { Model, PermissionSet } from "../../core/model/model.ts";
import type { Principal } from "../authority/caller.ts";
import { factsOf, nearestExpiry } from "../authority/facts.ts";
import { type FactsKey, readFacts } from "../authority/store.ts";
import { collectionOf } from "../operations/targets.ts";
import {
  type Lease,
  type Probe,
  principalVersion,
  type Reading,
  tenantVersion,
} from "../platform/cache/fresh-cache.ts";
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

/** Answers questions asked with the caller's bearer token; each fault is the caller's to repair. */
export const check = async (
  needs: Deciding,
  bearer: Presented,
  questions: readonly CheckQuestion[],
): Promise<Result<readonly Result<CheckAnswer>[]>> => {
  const plans = questions.map((question) => plan(needs.model, bearer.tenant, question));
  const probes: Probe[] = [needs.verifier.probe(bearer)];
  for (const one of plans) if (one.at === "asking") probes.push(...probesOf(needs, one));
  const readings = await needs.platform.cache.read(probes);

  const verified = await needs.verifier.settle(bearer, readings[0] ?? unread);
  const caller = acceptBearer(needs.issuer, bearer, verified);
  if (isFault(caller)) return caller;
  const asker: Asker = { caller, mayAsk: undefined };
  let at = 1;
  const answers = plans.map(async (one) => {
    if (one.at === "settled") return one.answer;
    const own = readings.slice(at, at + probesPer(one));
    at += own.length;
    return answerOne(needs, asker, one, own);
  });
  return Promise.all(answers);
};

const unread: Reading = { payload: undefined, lease: undefined };

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

const probesPer = (one: Plan): number => one.nodes.length + (one.token === undefined ? 0 : 1);

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

const probesOf = (needs: Deciding, one: Plan): readonly Probe[] => [
  ...(one.token === undefined ? [] : [needs.verifier.probe(one.token)]),
  ...one.nodes.map((node) => factsProbe(needs.modelVersion, one, node)),
];

const factsProbe = (modelVersion: string, one: Plan, node: NodeId): Probe => ({
  key: `{${one.tenant}}:f:${modelVersion}:${one.bound}:${one.principal}:${node}`,
  versions: [tenantVersion(one.tenant), principalVersion(one.bound, one.principal)],
});

const answerOne = async (
  needs: Deciding,
  asker: Asker,
  one: Plan,
  readings: readonly Reading[],
): Promise<Result<CheckAnswer>> => {
  const { caller } = asker;
  const now = needs.platform.clock.now();
  if (caller.tenant !== hostTenant && (one.bound !== caller.tenant || one.tenant !== caller.tenant))
    return unknownResource(one);
  if (one.principal !== caller.principal.id) {
    asker.mayAsk ??= holds(needs.model, caller, checkPermission, now);
    if (!asker.mayAsk) return lacking(checkPermission, "asking about another principal");
  }
  const subject = await subjectStanding(needs, one, readings[0] ?? unread);
  if (subject === undefined) return tokenNotActive(one);
  const ofNodes = one.token === undefined ? readings : readings.slice(1);
  for (const [nth, node] of one.nodes.entries()) {
    const facts = await factsFor(needs, one, subject.principal, node, ofNodes[nth] ?? unread, now);
    if (facts === undefined || !named(needs.model, one, nth, facts)) continue;
    const { permission } = one.question;
    const scopes = subject.scopes;
    return decide(needs.model, scopes === undefined ? { permission, at: now } : { permission, at: now, scopes }, facts);
  }
  return unknownResource(one);
};

type KnownSubject = { readonly principal: Principal; readonly scopes: PermissionSet | undefined };

const subjectStanding = async (needs: Deciding, one: Plan, reading: Reading): Promise<KnownSubject | undefined> => {
  if (one.token === undefined)
    return one.kind && { principal: { kind: one.kind, id: one.principal }, scopes: undefined };
  const verified: Verified | undefined = await needs.verifier.settle(one.token, reading);
  if (verified === undefined) return undefined;
  const caller = callerOf(needs.model, verified.standing());
  return { principal: caller.principal, scopes: caller.scopes };
};

/** A ref names a node only by the node's own collection: `clients/{the id of an account}` names nothing. */
const named = (model: Model, one: Plan, nth: number, facts: Facts): boolean => {
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

const factsFor = async (
  needs: Deciding,
  one: Plan,
  principal: Principal,
  node: NodeId,
  reading: Reading,
  now: number,
): Promise<Facts | undefined> => {
  if (reading.payload !== undefined) return JSON.parse(reading.payload) as Facts;
  const key: FactsKey = { principal, bound: one.bound, tenant: one.tenant, node };
  const facts = factsOf(needs.model, key, await readFacts(needs.platform.database, key));
  if (facts !== undefined && reading.lease !== undefined) await keep(needs, reading.lease, facts, now);
  return facts;
};

const keep = (needs: Deciding, lease: Lease, facts: Facts, now: number): Promise<void> =>
  needs.platform.cache.fill(lease, JSON.stringify(facts), Math.min(cacheTtlMs, nearestExpiry(facts) - now));

const denied = (because: Unknown): CheckAnswer => ({ effect: "deny", because, obligations: [] });
const unknownResource = ({ question }: Plan): CheckAnswer =>
  denied({ rule: "unknown_resource", permission: question.permission, resource: question.resource ?? "" });
const tokenNotActive = ({ question }: Plan): CheckAnswer =>
  denied({ rule: "token_not_active", permission: question.permission });
