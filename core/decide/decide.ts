/**
 * The decision: may this principal do this, here, now? A pure function of a model, a question and the facts.
 *
 *     unconditional = ∪ permissions   of the roles whose assignment reaches the target
 *     ceiling       = ∪ within_grants of the same roles
 *     granted       = ∪ permissions   of the grants on the target or above it
 *     rights        = unconditional ∪ (ceiling ∩ granted) ∪ (granted by a level that is sufficient alone)
 *     allow         ⇔ action ∈ rights ∩ scopes, principal and every node of the path active, class respected
 *
 * It runs on every request, so a yes costs two small objects and no more; working out what is missing is left to the denial.
 */
import type { NodeId } from "../ids.ts";
import type { Governance, Model, Permission, PermissionSet } from "../model/model.ts";
import { contains, intersection, union } from "../model/permissions.ts";
import type {
  AssignmentFact,
  Decision,
  DenyReason,
  Facts,
  GrantFact,
  Obligation,
  PathNode,
  PermitReason,
  Question,
} from "./types.ts";

/**
 * Answers the question. Never throws on well-typed facts, and denies whatever no rule permits.
 *
 * Where several rules permit, the reason is the most ordinary: a role, then a grant that is enough alone, then a role within a grant, and a
 * host role only where nothing else would do, so that the audit says bypass exactly when it was one. Among equals the smallest id is named.
 * So the whole answer, and not only its effect, is the same whatever the order of the facts.
 *
 * A host role bypasses roles and grants. It does not bypass a token's scopes, a suspension or governance: what resumes a suspended node is
 * asked of its parent, or of the host.
 */
export const decide = (model: Model, question: Question, facts: Facts): Decision => {
  const permission = model.vocabulary.get(question.permission);
  if (permission === undefined) return deny({ rule: "unknown_permission", permission: question.permission });

  const suspended = notActive(permission, facts);
  if (suspended !== undefined) return deny(suspended);

  const because = permitting(permission, facts, question.at);
  if (because === undefined) return deny(missing(permission, facts, question.at));
  if (question.scopes !== undefined && !contains(question.scopes, permission)) {
    return deny({ rule: "out_of_scope", permission: permission.name });
  }

  return permission.governance === undefined
    ? { effect: "permit", because, obligations: nothingMore }
    : governed(permission.governance, question, facts, because);
};

/**
 * Everything the principal may do at the target, before scopes and governance: what it may pass on (invariant 8), and what a list of
 * actions shows. `decide()` permits or makes conditional exactly what is in here.
 */
export const rights = (model: Model, facts: Facts, at: number): PermissionSet => {
  if (!isActive(facts)) return [];
  const reaching = facts.assignments.filter((assignment) => isLive(assignment, at) && reaches(assignment, facts.path));
  const inTenant = reaching.filter(({ anchor }) => anchor !== "host");
  const grants = facts.grants.filter((grant) => isLive(grant, at) && isOn(grant.resource, facts.path));

  const byRole = allOf(inTenant.map(({ permissions }) => permissions));
  const ceiling = allOf(inTenant.map(({ withinGrants }) => withinGrants));
  const granted = allOf(grants.map(({ permissions }) => permissions));
  const sufficient = allOf(grants.filter((grant) => grant.sufficient).map(({ permissions }) => permissions));
  const byHost = allOf(reaching.filter(({ anchor }) => anchor === "host").map(({ permissions }) => permissions));

  const tenantOnly = allOf([byRole, intersection(ceiling, granted), sufficient]);
  return union(withoutHost(model, tenantOnly), byHost);
};

const allOf = (sets: readonly PermissionSet[]): PermissionSet => sets.reduce(union, []);

/** What belongs to the host can't be had inside a tenant, whatever a stored set says. */
const withoutHost = (model: Model, set: PermissionSet): PermissionSet => {
  const kept = [...set];
  for (const { host, word, mask } of model.vocabulary.values()) if (host) kept[word] = (kept[word] ?? 0) & ~mask;
  return kept;
};

const nothingMore = [] as const;

const deny = (because: DenyReason): Decision => ({ effect: "deny", because, obligations: nothingMore });

// Who and where

const isActive = (facts: Facts): boolean =>
  facts.principal.state === "active" && facts.path.every(({ state }) => state === "active");

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

// What reaches the target

/** A time that is not a number is no time at which anything that expires is live. */
const isLive = (fact: { readonly expiresAt: number | null }, at: number): boolean =>
  fact.expiresAt === null || fact.expiresAt > at;

const isOn = (node: NodeId, path: readonly PathNode[]): boolean => {
  for (const step of path) if (step.node === node) return true;
  return false;
};

const reaches = ({ anchor, propagation }: AssignmentFact, path: readonly PathNode[]): boolean => {
  if (anchor === "host") return true;
  return propagation === "subtree" ? isOn(anchor, path) : path[0]?.node === anchor;
};

const smallest = <Fact extends { readonly id: string }>(a: Fact | undefined, b: Fact): Fact =>
  a === undefined || b.id < a.id ? b : a;

// Which rule permits

/** An assignment inside the tenant's tree, as opposed to one at the host. */
type TenantAssignment = AssignmentFact & { readonly anchor: NodeId };

const isInTenant = (assignment: AssignmentFact): assignment is TenantAssignment => assignment.anchor !== "host";

const permitting = (permission: Permission, facts: Facts, at: number): PermitReason | undefined => {
  let role: TenantAssignment | undefined;
  let ceiling: TenantAssignment | undefined;
  let bypass: AssignmentFact | undefined;

  for (const assignment of facts.assignments) {
    if (!isLive(assignment, at)) continue;
    if (!isInTenant(assignment)) {
      if (contains(assignment.permissions, permission)) bypass = smallest(bypass, assignment);
      continue;
    }
    const gives = contains(assignment.permissions, permission);
    const allows = contains(assignment.withinGrants, permission);
    if (!(gives || allows) || !reaches(assignment, facts.path)) continue;
    if (gives) role = smallest(role, assignment);
    if (allows) ceiling = smallest(ceiling, assignment);
  }

  if (!permission.host) {
    if (role !== undefined) return byRole(permission, role);
    const byGrant = granting(permission, facts, at, ceiling);
    if (byGrant !== undefined) return byGrant;
  }
  return bypass === undefined ? undefined : byHostRole(permission, bypass);
};

const granting = (
  permission: Permission,
  facts: Facts,
  at: number,
  ceiling: TenantAssignment | undefined,
): PermitReason | undefined => {
  let alone: GrantFact | undefined;
  let within: GrantFact | undefined;
  for (const grant of facts.grants) {
    if (!contains(grant.permissions, permission) || !isLive(grant, at) || !isOn(grant.resource, facts.path)) continue;
    if (grant.sufficient) alone = smallest(alone, grant);
    if (ceiling !== undefined) within = smallest(within, grant);
  }
  if (alone !== undefined) return byGrant(permission, alone);
  return ceiling === undefined || within === undefined ? undefined : byRoleWithinGrant(permission, ceiling, within);
};

const byRole = (permission: Permission, { id, role, anchor }: TenantAssignment): PermitReason => ({
  rule: "role",
  permission: permission.name,
  assignment: id,
  role,
  anchor,
});

const byGrant = (permission: Permission, { id, level, resource }: GrantFact): PermitReason => ({
  rule: "grant",
  permission: permission.name,
  grant: id,
  level,
  resource,
});

const byRoleWithinGrant = (permission: Permission, assignment: TenantAssignment, grant: GrantFact): PermitReason => ({
  rule: "role_within_grant",
  permission: permission.name,
  assignment: assignment.id,
  role: assignment.role,
  anchor: assignment.anchor,
  grant: grant.id,
  level: grant.level,
  resource: grant.resource,
});

const byHostRole = (permission: Permission, { id, role }: AssignmentFact): PermitReason => ({
  rule: "host_role",
  permission: permission.name,
  assignment: id,
  role,
  bypass: true,
});

// What else must happen

const governed = (governance: Governance, question: Question, facts: Facts, because: PermitReason): Decision => {
  const obligations: Obligation[] = [];
  if (governance.class === "human" && !hasHumanOfRecord(question, facts)) obligations.push({ kind: "human" });
  if (governance.approvals !== undefined) obligations.push({ kind: "approval", rule: governance.approvals });

  const [first, ...rest] = obligations;
  return first === undefined
    ? { effect: "permit", because, obligations: nothingMore }
    : { effect: "conditional", because, obligations: [first, ...rest] };
};

/** A service never stands in for one: on a delegated call the facts are the human's. */
const hasHumanOfRecord = (question: Question, facts: Facts): boolean =>
  facts.principal.kind === "human" && question.humanPresent !== false;

// What is missing

/** The one step that is nearest to a yes, for whoever reads the denial. Runs only after `permitting` found nothing. */
const missing = (permission: Permission, facts: Facts, at: number): DenyReason => {
  const name = permission.name;
  if (permission.host) return { rule: "no_role", permission: name };

  const inTenant = facts.assignments.filter(isInTenant);
  const mentions = (assignment: AssignmentFact) =>
    contains(assignment.permissions, permission) || contains(assignment.withinGrants, permission);
  const nearest = <Fact extends { readonly id: string }>(found: readonly Fact[]): Fact | undefined =>
    found.reduce<Fact | undefined>(smallest, undefined);

  const reaching = inTenant.filter((assignment) => mentions(assignment) && reaches(assignment, facts.path));
  const ceiling = nearest(reaching.filter((assignment) => isLive(assignment, at)));
  if (ceiling !== undefined)
    return { rule: "needs_grant", permission: name, assignment: ceiling.id, role: ceiling.role };

  const grant = nearest(
    facts.grants.filter(
      (one) => contains(one.permissions, permission) && isLive(one, at) && isOn(one.resource, facts.path),
    ),
  );
  if (grant !== undefined) return { rule: "needs_role", permission: name, grant: grant.id, level: grant.level };

  const expired = nearest(reaching);
  if (expired !== undefined) {
    const { id, role, expiresAt } = expired;
    return { rule: "expired", permission: name, assignment: id, role, expiredAt: expiresAt ?? at };
  }

  const elsewhere = nearest(inTenant.filter((assignment) => mentions(assignment) && isLive(assignment, at)));
  return elsewhere === undefined
    ? { rule: "no_role", permission: name }
    : {
        rule: "out_of_reach",
        permission: name,
        assignment: elsewhere.id,
        role: elsewhere.role,
        anchor: elsewhere.anchor,
      };
};
