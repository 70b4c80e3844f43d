/** What is missing: the one step that is nearest to a yes, for whoever reads the denial. Runs only after nothing was found to permit. */
import type { Permission } from "../model/model.ts";
import { contains } from "../model/permissions.ts";
import type { Conditions } from "./conditional.ts";
import { type Holds, permitting, unsettled } from "./permitting.ts";
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
    isLive(one, at) && (conditions === undefined || one.condition === undefined || conditions.hold(one));
  const mentions = (one: AssignmentFact): boolean =>
    isInTenant(one) && (contains(one.permissions, permission) || contains(one.withinGrants, permission));
  const reaching = (one: AssignmentFact): boolean => mentions(one) && reaches(one, facts.path);
  const gives = (one: GrantFact): boolean => contains(one.permissions, permission) && isOn(one.resource, facts.path);

  const { assignments, grants } = facts;
  const ceiling = nearest(assignments, (one) => reaching(one) && counts(one));
  if (ceiling !== undefined)
    return { rule: "needs_grant", permission: name, assignment: ceiling.id, role: ceiling.role };

  const grant = nearest(grants, (one) => gives(one) && counts(one));
  if (grant !== undefined) return { rule: "needs_role", permission: name, grant: grant.id, level: grant.level };

  if (conditions !== undefined) {
    // What is left of the live ones carries a condition that is not met, and would not do alone even if it were.
    const left: readonly (AssignmentFact | GrantFact | undefined)[] = [
      nearest(assignments, (one) => reaching(one) && isLive(one, at)),
      nearest(grants, (one) => gives(one) && isLive(one, at)),
    ];
    const conditional = left.find(carriesOne);
    if (conditional !== undefined) return notMet(name, conditional, conditions);
  }

  const expired = nearest(assignments, reaching);
  if (expired !== undefined) {
    const { id, role, expiresAt } = expired;
    return { rule: "expired", permission: name, assignment: id, role, expiredAt: expiresAt ?? at };
  }

  const elsewhere = nearest(assignments, (one) => mentions(one) && isLive(one, at));
  return elsewhere === undefined || !isInTenant(elsewhere)
    ? { rule: "no_role", permission: name }
    : {
        rule: "out_of_reach",
        permission: name,
        assignment: elsewhere.id,
        role: elsewhere.role,
        anchor: elsewhere.anchor,
      };
};

/** The one with the smallest id. */
const nearest = <Fact extends { readonly id: string }>(
  all: readonly Fact[],
  isOne: (one: Fact) => boolean,
): Fact | undefined => {
  let best: Fact | undefined;
  for (const one of all) if (isOne(one) && isBefore(one, best)) best = one;
  return best;
};

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
    if (because === undefined || because === unsettled) continue;
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
