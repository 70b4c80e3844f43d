/**
 * A decision as data, for whoever has to find out why: every assignment and grant that was looked at with what it came to, and on a denial
 * each single step that would be enough. `explain()` says the decision itself in sentences.
 */
import type { NodeId } from "../ids.ts";
import type { Model, Permission } from "../model/model.ts";
import { contains } from "../model/permissions.ts";
import { conditionsOn } from "./conditional.ts";
import { decide } from "./decide.ts";
import { isInTenant, isLive, isOn, reaches } from "./reach.ts";
import { type MissingStep, stepsTowards } from "./steps.ts";
import type { AssignmentFact, Bound, Decision, Facts, GrantFact, PathNode, Question } from "./types.ts";

export type Explanation = {
  readonly decision: Decision;
  /** Every assignment, then every grant, each by id. */
  readonly considered: readonly Considered[];
  /**
   * Steps each of which alone would turn the denial into a permit or a conditional answer, the nearest first. Empty where it was no denial,
   * or where more than one step is missing and `decision.because` names the nearest.
   */
  readonly missing: readonly MissingStep[];
};

export type Considered = Bound & {
  /** Why its condition can't be evaluated; with the outcome `condition_not_met` only. */
  readonly error?: string;
  /** Milliseconds since the epoch; null never expires. */
  readonly expiresAt: number | null;
} & (
    | {
        readonly kind: "assignment";
        readonly assignment: string;
        readonly role: string;
        readonly anchor: NodeId | "host";
        readonly propagation: "subtree" | "self";
        readonly outcome: AssignmentOutcome;
      }
    | {
        readonly kind: "grant";
        readonly grant: string;
        readonly level: string;
        readonly resource: NodeId;
        readonly outcome: GrantOutcome;
      }
  );

/** What a binding came to. The first of these, in the order of `notCounting`, that is so. */
type NotCounting =
  /** It has nothing to do with the permission. */
  "gives_nothing" | "out_of_reach" | "expired" | "condition_not_met";

/** `within_grants`: it gives the permission wherever a grant reaches that gives it too. */
export type AssignmentOutcome = NotCounting | "permits" | "within_grants";

/** `needs_role`: it gives the permission, and no role that has it within grants counts here. */
export type GrantOutcome = NotCounting | "permits" | "needs_role";

/** Pure, as `decide()` is; slower, as it decides anew for every step it proposes. */
export const explanation = (model: Model, question: Question, facts: Facts): Explanation => {
  const decision = decide(model, question, facts);
  return {
    decision,
    considered: consideredIn(model, question, facts),
    missing: decision.effect === "deny" ? stepsTowards(model, question, facts, decision.because) : [],
  };
};

const consideredIn = (model: Model, question: Question, facts: Facts): readonly Considered[] => {
  const permission = model.vocabulary.get(question.permission);
  const conditions = conditionsOn(model, question, facts);
  const judge: Judge = {
    permission,
    at: question.at,
    path: facts.path,
    holds: (one) => one.condition === undefined || conditions.hold(one),
  };
  const assignments = facts.assignments.toSorted(byId);
  const isUnderRole = assignments.some((one) => assignmentOutcome(judge, one) === "within_grants");
  const error = (one: AssignmentFact | GrantFact, outcome: string): { readonly error?: string } => {
    const said = outcome === "condition_not_met" ? conditions.errorOf(one) : undefined;
    return said === undefined ? {} : { error: said };
  };
  return [
    ...assignments.map((one): Considered => {
      const { id, role, anchor, propagation, expiresAt } = one;
      const outcome = assignmentOutcome(judge, one);
      const about = { kind: "assignment", assignment: id, role, anchor, propagation, expiresAt, outcome } as const;
      return { ...about, ...boundOf(one), ...error(one, outcome) };
    }),
    ...facts.grants.toSorted(byId).map((one): Considered => {
      const { id, level, resource, expiresAt } = one;
      const outcome = grantOutcome(judge, one, isUnderRole);
      const about = { kind: "grant", grant: id, level, resource, expiresAt, outcome } as const;
      return { ...about, ...boundOf(one), ...error(one, outcome) };
    }),
  ];
};

type Judge = {
  /** Undefined where the model has no such permission: nothing gives it. */
  readonly permission: Permission | undefined;
  readonly at: number;
  readonly path: readonly PathNode[];
  readonly holds: (one: AssignmentFact | GrantFact) => boolean;
};

const notCounting = (judge: Judge, one: AssignmentFact | GrantFact, reached: boolean): NotCounting | undefined => {
  if (!reached) return "out_of_reach";
  if (!isLive(one, judge.at)) return "expired";
  return judge.holds(one) ? undefined : "condition_not_met";
};

const assignmentOutcome = (judge: Judge, one: AssignmentFact): AssignmentOutcome => {
  const { permission, path } = judge;
  // What belongs to the host is had at the host alone, and there `within_grants` mean nothing.
  if (permission === undefined || (permission.host && isInTenant(one))) return "gives_nothing";
  const gives = contains(one.permissions, permission);
  if (!gives && !(isInTenant(one) && contains(one.withinGrants, permission))) return "gives_nothing";
  return notCounting(judge, one, reaches(one, path)) ?? (gives ? "permits" : "within_grants");
};

const grantOutcome = (judge: Judge, one: GrantFact, isUnderRole: boolean): GrantOutcome => {
  const { permission, path } = judge;
  if (permission === undefined || permission.host || !contains(one.permissions, permission)) return "gives_nothing";
  const not = notCounting(judge, one, isOn(one.resource, path));
  return not ?? (one.sufficient || isUnderRole ? "permits" : "needs_role");
};

const boundOf = ({ condition, via }: Bound): Bound => ({
  ...(condition === undefined ? {} : { condition }),
  ...(via === undefined ? {} : { via }),
});

const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1);
