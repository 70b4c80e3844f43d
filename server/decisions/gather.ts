/**
 * The look-ups behind every kind of decision: the caller's credential, the subject's token and the facts, in one cache round trip, and
 * cold in one SQL statement besides. What is made of them is up to who gathers: an answer, an explanation, a list of actions.
 */
import type { Facts, Question } from "../../core/decide/types.ts";
import { type Fault, isFault, type Result } from "../../core/faults.ts";
import { formatRef, hostTenant, parseRef } from "../../core/ids.ts";
import { hostPlace, type Model } from "../../core/model/model.ts";
import { unknownState } from "../authority/facts.ts";
import { resolve, type Wanted } from "../authority/resolve.ts";
import { collectionOf } from "../operations/targets.ts";
import type { Platform } from "../platform/platform.ts";
import { acceptBearer, callerOf } from "../tokens/bearer.ts";
import { holds, lacking } from "../tokens/holds.ts";
import type { Presented } from "../tokens/presented.ts";
import type { Standing, Verified, Verifier } from "../tokens/standing.ts";
import { notThatRecent, satisfies } from "./consistency.ts";
import { type CheckQuestion, type Plan, planOf, type Unknown, unknownResource } from "./question.ts";
import { type FactsFound, wantedFacts } from "./wanted-facts.ts";

export type Deciding = {
  readonly platform: Platform;
  readonly model: Model;
  readonly modelVersion: string;
  readonly issuer: string;
  readonly verifier: Verifier;
};

/** What whoever asks must hold. `self`: whether it must also hold it to ask about itself. */
export type Asking = {
  readonly permission: string;
  readonly deed: string;
  readonly self: boolean;
  /** Whether the whole path to the target is wanted: for an explanation. */
  readonly whole?: boolean;
};

/** All there is to decide on. */
export type Ready = {
  readonly plan: Plan;
  readonly question: Question;
  readonly facts: Facts;
  /** The snapshot the facts were read under. */
  readonly read: string;
};

/** Worked out when it is asked for: what a batch does not get to is not decided. */
export type Gathered = () => Result<Ready | Unknown>;

export type GatheredAll = { readonly caller: Standing; readonly each: readonly Gathered[] };

/** The outer fault is the caller's own: its credential is not accepted. A question may be settled before it is asked. */
export const gather = async (
  needs: Deciding,
  bearer: Presented,
  questions: readonly Result<CheckQuestion | Unknown>[],
  asking: Asking,
  jkt?: string,
): Promise<Result<GatheredAll>> => {
  const plans = questions.map((question) =>
    isFault(question) || "rule" in question
      ? ({ at: "settled", answer: question } as const)
      : planOf(needs.model, bearer.tenant, question),
  );
  const wanted: Wanted<Verified | FactsFound>[] = [needs.verifier.wanted(bearer)];
  for (const one of plans) if (one.at === "asking") wanted.push(...wantedFor(needs, one, asking));
  const found = await resolve(needs.platform, wanted);

  const caller = acceptBearer(needs.issuer, bearer, found[0] as Verified | undefined, jkt);
  if (isFault(caller)) return caller;
  const asker: Asker = { caller, asking, mayAsk: undefined };
  let at = 1;
  const each = plans.map((one): Gathered => {
    if (one.at === "settled") return () => one.answer;
    const token = one.token === undefined ? undefined : (found[at++] as Verified | undefined);
    const facts = found.slice(at, at + one.nodes.length) as readonly (FactsFound | undefined)[];
    at += one.nodes.length;
    return () => readyOf(needs, asker, one, token, facts);
  });
  return { caller, each };
};

const wantedFor = (needs: Deciding, one: Plan, { whole = false }: Asking): readonly Wanted<Verified | FactsFound>[] => [
  ...(one.token === undefined ? [] : [demanded(needs.verifier.wanted(one.token), one)]),
  ...one.nodes.map((node) => wantedFacts(needs, { ...one, node, whole }, one.atLeast)),
];

/** What is cached of a token does not say how recently it was read. */
const demanded = (wanted: Wanted<Verified>, { atLeast }: Plan): Wanted<Verified> =>
  atLeast === undefined ? wanted : { ...wanted, suffices: () => false };

/** Whoever asks, and whether it was found to hold what asking about others takes. */
export type Asker = { readonly caller: Standing; readonly asking: Asking; mayAsk: boolean | undefined };

/** The fault where whoever asks may not ask about this principal, or about nobody in particular. */
export const refusedTo = (
  { model, platform }: Pick<Deciding, "model" | "platform">,
  asker: Asker,
  principal: Plan["principal"] | undefined,
): Fault | undefined => {
  const { caller, asking } = asker;
  if (principal === caller.principal.id && !asking.self) return undefined;
  asker.mayAsk ??= holds(model, caller, asking.permission, platform.clock.now());
  return asker.mayAsk ? undefined : lacking(asking.permission, asking.deed);
};

/** Another tenant's objects do not exist for a tenant's caller. */
export const isForeign = ({ caller }: Asker, one: Pick<Plan, "bound" | "tenant">): boolean =>
  caller.tenant !== hostTenant && (one.bound !== caller.tenant || one.tenant !== caller.tenant);

const readyOf = (
  needs: Deciding,
  asker: Asker,
  one: Plan,
  token: Verified | undefined,
  found: readonly (FactsFound | undefined)[],
): Result<Ready | Unknown> => {
  const { permission } = one.question;
  if (isForeign(asker, one)) return unknownResource(one.question);
  const refused = refusedTo(needs, asker, one.principal);
  if (refused !== undefined) return refused;
  if (one.token !== undefined && token === undefined) return { rule: "token_not_active", permission };
  if (one.atLeast !== undefined)
    for (const each of found) if (each !== undefined && !satisfies(each.read, one.atLeast)) return notThatRecent;
  const at = found.findIndex(
    (each, nth) => each?.facts !== undefined && isNamed(needs.model, one.question, nth, each.facts),
  );
  const target = found[at];
  if (target?.facts === undefined) return unknownResource(one.question);
  const question = questionFor(needs, asker, one, token?.standing());
  return { plan: one, question, facts: asNamed(one, target.facts), read: target.read };
};

/** The clock is the server's; scopes are the token's; how the human signed in is the token's, or the word of who may vouch for it. */
export const questionFor = (
  { model, platform }: Pick<Deciding, "model" | "platform">,
  { caller, mayAsk }: Asker,
  { principal, question }: Pick<Plan, "principal" | "question">,
  subject: Standing | undefined,
): Question => {
  const self = principal === caller.principal.id;
  const scopes = subject && callerOf(model, subject).scopes;
  const vouched = !self && mayAsk === true ? question.acr : undefined;
  const acr = vouched ?? (subject ?? (self ? caller : undefined))?.human?.acr ?? undefined;
  const { permission, context, properties } = question;
  return {
    permission,
    at: platform.clock.now(),
    ...(scopes === undefined ? {} : { scopes }),
    ...(acr === undefined ? {} : { acr }),
    ...(context === undefined ? {} : { context }),
    ...(properties === undefined ? {} : { properties }),
  };
};

/** `users/{the id of a service account}` names nobody. The facts are the id's, whatever it was called. */
const asNamed = (one: Plan, facts: Facts): Facts =>
  one.kind === undefined || one.kind === facts.principal.kind
    ? facts
    : { ...facts, principal: { id: one.principal, kind: one.kind, state: unknownState } };

/** A ref names a node only by the node's own collection: `clients/{the id of an account}` names nothing. */
const isNamed = (model: Model, question: CheckQuestion, nth: number, facts: Facts): boolean => {
  const text = nth === 0 ? question.resource : question.parent;
  const type = facts.path[0]?.type;
  if (text === undefined || text === "") return true;
  // The host itself, which has the empty path: AuthZEN has to name what it asks about, and this is the host's name in REST too.
  if (type === undefined) return nth === 0 && text === formatRef(hostPlace, hostTenant);
  const fits = parseRef(text)?.collection === collectionOf(model, type);
  return nth === 0 ? fits : fits && mayStandIn(model, question, type);
};

/** An unregistered leaf is of a type the model places in its parent's. */
const mayStandIn = (model: Model, question: CheckQuestion, parentType: string): boolean => {
  const leaf = model.resources.get(parseRef(question.resource ?? "")?.collection ?? "");
  return leaf?.in.includes(parentType) === true;
};
