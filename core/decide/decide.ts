/**
 * The decision: may this principal do this, here, now? A pure function of a model, a question and the facts.
 *
 *     unconditional = ∪ permissions   of the roles whose assignment reaches the target
 *     ceiling       = ∪ within_grants of the same roles
 *     granted       = ∪ permissions   of the grants on the target or above it
 *     rights        = unconditional ∪ (ceiling ∩ granted) ∪ (granted by a level that is sufficient alone)
 *     allow         ⇔ action ∈ rights ∩ scopes, principal and every node of the path active, class respected
 *
 * An assignment or a grant that carries a condition is one of them only while its condition is exactly true.
 *
 * It runs on every request, so a yes costs two small objects and no more; conditions are evaluated only where nothing unconditional
 * gives an ordinary yes, and working out what is missing is left to the denial.
 */
import { satisfies } from "../acr.ts";
import type { Governance, Model, Permission, PermissionSet } from "../model/model.ts";
import { contains, intersection, union } from "../model/permissions.ts";
import { conditionsOn } from "./conditional.ts";
import { missing } from "./missing.ts";
import { permitting, unsettled } from "./permitting.ts";
import { isLive, isOn, reaches } from "./reach.ts";
import type {
  AssignmentFact,
  Circumstances,
  Decision,
  DenyReason,
  Facts,
  GrantFact,
  Obligation,
  PermitReason,
  Question,
} from "./types.ts";

/**
 * Answers the question. Never throws on well-typed facts, and denies whatever no rule permits.
 *
 * Where several rules permit, the reason is the most ordinary: what carries no condition before what does, a role, then a grant that is
 * enough alone, then a role within a grant, and a host role only where nothing else would do, so that the audit says bypass exactly when
 * it was one. Among equals the smallest id is named. So the whole answer, and not only its effect, is the same whatever the order of the
 * facts.
 *
 * A host role bypasses roles and grants. It does not bypass a token's scopes, a suspension or governance: what resumes a suspended node is
 * asked of its parent, or of the host.
 */
export const decide = (model: Model, question: Question, facts: Facts): Decision => {
  const permission = model.vocabulary.get(question.permission);
  if (permission === undefined) return deny({ rule: "unknown_permission", permission: question.permission });

  const suspended = notActive(permission, facts);
  if (suspended !== undefined) return deny(suspended);

  const because = permitting(permission, facts, question.at, undefined);
  if (because === unsettled) return conditionally(model, permission, question, facts);
  return because === undefined
    ? deny(missing(permission, facts, question.at, undefined))
    : allowed(permission, question, facts, because);
};

/** The same, with conditions: something that carries one may give what nothing else does. */
const conditionally = (model: Model, permission: Permission, question: Question, facts: Facts): Decision => {
  const conditions = conditionsOn(model, question, facts);
  const because = permitting(permission, facts, question.at, conditions.hold);
  return because === undefined || because === unsettled
    ? deny(missing(permission, facts, question.at, conditions))
    : allowed(permission, question, facts, because);
};

/**
 * Everything the principal may do at the target, before scopes and governance: what it may pass on (invariant 8), and what a list of
 * actions shows. Asked with the circumstances of a question, `decide()` permits or makes conditional exactly what is in here.
 *
 * Without circumstances nothing that carries a condition counts, not even where the condition would hold just now: what is passed on
 * lasts, and must not be more than is held whatever happens.
 *
 * @param at milliseconds since the epoch
 */
export const rights = (model: Model, facts: Facts, at: number, circumstances?: Circumstances): PermissionSet => {
  if (!isActive(facts)) return [];
  const hold =
    circumstances === undefined ? undefined : conditionsOn(model, { ...circumstances, at, permission: "" }, facts).hold;
  const counts = (one: AssignmentFact | GrantFact): boolean => one.condition === undefined || hold?.(one) === true;

  const reaching = facts.assignments.filter((one) => isLive(one, at) && reaches(one, facts.path) && counts(one));
  const inTenant = reaching.filter(({ anchor }) => anchor !== "host");
  const grants = facts.grants.filter((one) => isLive(one, at) && isOn(one.resource, facts.path) && counts(one));

  const byRole = allOf(inTenant.map(({ permissions }) => permissions));
  const ceiling = allOf(inTenant.map(({ withinGrants }) => withinGrants));
  const granted = allOf(grants.map(({ permissions }) => permissions));
  const sufficient = allOf(grants.filter((grant) => grant.sufficient).map(({ permissions }) => permissions));
  const byHost = allOf(reaching.filter(({ anchor }) => anchor === "host").map(({ permissions }) => permissions));

  const tenantOnly = allOf([byRole, intersection(ceiling, granted), sufficient]);
  return union(withoutHost(model, tenantOnly), byHost);
};

const isActive = (facts: Facts): boolean =>
  facts.principal.state === "active" && facts.path.every(({ state }) => state === "active");

const allOf = (sets: readonly PermissionSet[]): PermissionSet => sets.reduce(union, []);

/** What belongs to the host can't be had inside a tenant, whatever a stored set says. */
const withoutHost = (model: Model, set: PermissionSet): PermissionSet => {
  const kept = [...set];
  // Only words that are there: a word added past the end would leave holes, and `union` skips what stands opposite a hole.
  for (const { host, word, mask } of model.vocabulary.values())
    if (host && word < kept.length) kept[word] = (kept[word] ?? 0) & ~mask;
  return kept;
};

/** The authority is there: whether the token carries it, and what else must happen. */
const allowed = (permission: Permission, question: Question, facts: Facts, because: PermitReason): Decision => {
  if (question.scopes !== undefined && !contains(question.scopes, permission)) {
    return deny({ rule: "out_of_scope", permission: permission.name });
  }
  return permission.governance === undefined
    ? { effect: "permit", because, obligations: nothingMore }
    : governed(permission.governance, question, facts, because);
};

const nothingMore = [] as const;

const deny = (because: DenyReason): Decision => ({ effect: "deny", because, obligations: nothingMore });

// Who and where

const notActive = (permission: Permission, facts: Facts): DenyReason | undefined => {
  const { principal, path } = facts;
  if (principal.state !== "active") {
    return {
      rule: "principal_not_active",
      permission: permission.name,
      principal: principal.id,
      state: principal.state,
    };
  }
  for (const { node, type, state } of path) {
    if (state !== "active") return { rule: "perimeter_not_active", permission: permission.name, node, type, state };
  }
  return undefined;
};

// What else must happen

const governed = (governance: Governance, question: Question, facts: Facts, because: PermitReason): Decision => {
  const obligations: Obligation[] = [];
  if (governance.class === "human") {
    if (!hasHumanOfRecord(question, facts)) obligations.push({ kind: "human" });
    else if (governance.acr !== undefined && !satisfies(question.acr, governance.acr))
      obligations.push({ kind: "step_up", acr: governance.acr });
  }
  if (governance.approvals !== undefined) obligations.push({ kind: "approval", rule: governance.approvals });

  const [first, ...rest] = obligations;
  return first === undefined
    ? { effect: "permit", because, obligations: nothingMore }
    : { effect: "conditional", because, obligations: [first, ...rest] };
};

/** A service never stands in for one: on a delegated call the facts are the human's. */
const hasHumanOfRecord = (question: Question, facts: Facts): boolean =>
  facts.principal.kind === "human" && question.humanPresent !== false;
