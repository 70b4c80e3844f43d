/** What is missing: the one step that is nearest to a yes, for whoever reads the denial. Runs only after nothing was found to permit. */
import type { Permission } from "../model/model.ts";
import { contains } from "../model/permissions.ts";
import type { Conditions } from "./conditional.ts";
import { type Holds, permitting } from "./permitting.ts";
import { isBefore, isInTenant, isLive, isOn, reaches } from "./reach.ts";
import type { AssignmentFact, ConditionNotMet, DenyReason, Facts, GrantFact } from "./types.ts";

/** `conditions` are absent where no binding carries one. */
export const missing = (
  permission: Permission,
  facts: Facts,
  at: number,
  conditions: Conditions | undefined,
): DenyReason => {
  const name = permission.name;
  const unmet = conditions && onlyCondition(permission, facts, at, conditions);
  if (unmet !== undefined) return unmet;
  if (permission.host) return { rule: "no_role", permission: name };

  const counts = (one: AssignmentFact | GrantFact): boolean =>
    isLive(one, at) && (one.condition === undefined || conditions?.hold(one) === true);
  const inTenant = facts.assignments.filter(isInTenant);
  const mentions = (assignment: AssignmentFact) =>
    contains(assignment.permissions, permission) || contains(assignment.withinGrants, permission);

  const reaching = inTenant.filter((assignment) => mentions(assignment) && reaches(assignment, facts.path));
  const ceiling = nearest(reaching.filter(counts));
  if (ceiling !== undefined)
    return { rule: "needs_grant", permission: name, assignment: ceiling.id, role: ceiling.role };

  const granted = facts.grants.filter(
    (one) => contains(one.permissions, permission) && isOn(one.resource, facts.path) && isLive(one, at),
  );
  const grant = nearest(granted.filter(counts));
  if (grant !== undefined) return { rule: "needs_role", permission: name, grant: grant.id, level: grant.level };

  // What is left of the live ones carries a condition that is not met, and would not do alone even if it were.
  const live: readonly (AssignmentFact | GrantFact | undefined)[] = [
    nearest(reaching.filter((assignment) => isLive(assignment, at))),
    nearest(granted),
  ];
  const conditional = live.find(carriesOne);
  if (conditional !== undefined && conditions !== undefined) return notMet(name, conditional, conditions);

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

const nearest = <Fact extends { readonly id: string }>(found: readonly Fact[]): Fact | undefined =>
  found.reduce<Fact | undefined>((best, one) => (isBefore(one, best) ? one : best), undefined);

/**
 * The binding whose condition is all that is in the way. Where a role and a grant are both needed and one of them is there, it is the
 * other's condition.
 */
const onlyCondition = (
  permission: Permission,
  facts: Facts,
  at: number,
  conditions: Conditions,
): ConditionNotMet | undefined => {
  const { hold } = conditions;
  const assumed: readonly Holds[] = [
    (one) => "role" in one || hold(one),
    (one) => "level" in one || hold(one),
    () => true,
  ];
  for (const holds of assumed) {
    const because = permitting(permission, facts, at, holds);
    if (because === undefined) continue;
    const named = [
      "assignment" in because ? facts.assignments.find(({ id }) => id === because.assignment) : undefined,
      "grant" in because ? facts.grants.find(({ id }) => id === because.grant) : undefined,
    ];
    const unmet = named.filter(carriesOne).find((one) => !hold(one));
    if (unmet !== undefined) return notMet(permission.name, unmet, conditions);
  }
  return undefined;
};

type Conditional = (AssignmentFact | GrantFact) & { readonly condition: string };

const carriesOne = (one: AssignmentFact | GrantFact | undefined): one is Conditional => one?.condition !== undefined;

const notMet = (permission: string, one: Conditional, { errorOf }: Conditions): ConditionNotMet => {
  const error = errorOf(one);
  return {
    rule: "condition_not_met",
    permission,
    ...("role" in one ? { assignment: one.id, role: one.role } : { grant: one.id, level: one.level }),
    condition: one.condition,
    ...(error === undefined ? {} : { error }),
    ...(one.via === undefined ? {} : { via: one.via }),
  };
};
