/**
 * The steps that would each be enough: every candidate is taken, on a copy of the question or the facts, and `decide()` says whether it did.
 * So a step that is proposed is never one that would not help.
 */
import type { PrincipalId } from "../ids.ts";
import type { Model, Permission, Role } from "../model/model.ts";
import { contains, union } from "../model/permissions.ts";
import { decide } from "./decide.ts";
import { isLive, isOn, reaches } from "./reach.ts";
import type { AssignmentFact, DenyReason, Facts, GrantFact, PathNode, Question } from "./types.ts";

/** One step that is enough alone. */
export type MissingStep =
  /** The binding's condition must come true. */
  | {
      readonly missing: "condition";
      readonly assignment?: string;
      readonly grant?: string;
      readonly condition: string;
      readonly error?: string;
    }
  /** The token must carry this scope. */
  | { readonly missing: "scope"; readonly scope: string }
  /** A grant of one of these levels, on this resource. */
  | { readonly missing: "grant"; readonly levels: readonly string[]; readonly on: PathNode }
  /** One of these built-in roles, assigned at this perimeter, or at the host. */
  | { readonly missing: "role"; readonly roles: readonly string[]; readonly at: PathNode | "host" }
  /** The assignment or the grant must not have expired. */
  | {
      readonly missing: "renewal";
      readonly assignment?: string;
      readonly grant?: string;
      readonly expiredAt: number;
    }
  /** The principal must be active. */
  | { readonly missing: "active_principal"; readonly principal: PrincipalId; readonly state: string }
  /** This node, the target or one above it, must be active. */
  | { readonly missing: "active_node"; readonly on: PathNode };

/** Nearest first: what concerns what is there already, then what would be given anew. */
export const stepsTowards = (
  model: Model,
  question: Question,
  facts: Facts,
  because: DenyReason,
): readonly MissingStep[] => {
  const permission = model.vocabulary.get(question.permission);
  if (permission === undefined) return [];
  const trial: Trial = { model, question, facts, permission };
  return [
    ...activeSteps(trial),
    ...scopeSteps(trial),
    ...conditionSteps(trial, because),
    ...renewalSteps(trial),
    ...grantSteps(trial),
    ...roleSteps(trial),
  ];
};

type Trial = {
  readonly model: Model;
  readonly question: Question;
  readonly facts: Facts;
  readonly permission: Permission;
};

const helps = ({ model, question, facts }: Trial, taken: { question?: Question; facts?: Facts }): boolean =>
  decide(model, taken.question ?? question, taken.facts ?? facts).effect !== "deny";

const activeSteps = (trial: Trial): readonly MissingStep[] => {
  const { facts } = trial;
  const { principal, path } = facts;
  const steps: MissingStep[] = [];
  if (
    principal.state !== "active" &&
    helps(trial, { facts: { ...facts, principal: { ...principal, state: "active" } } })
  )
    steps.push({ missing: "active_principal", principal: principal.id, state: principal.state });
  const asleep = path.filter(({ state }) => state !== "active");
  const awake = path.map((node) => ({ ...node, state: "active" }));
  const [only] = asleep;
  if (only !== undefined && asleep.length === 1 && helps(trial, { facts: { ...facts, path: awake } }))
    steps.push({ missing: "active_node", on: only });
  return steps;
};

const scopeSteps = (trial: Trial): readonly MissingStep[] => {
  const { question, permission } = trial;
  if (question.scopes === undefined) return [];
  const one = Array.from({ length: permission.word + 1 }, (_, word) =>
    word === permission.word ? permission.mask : 0,
  );
  return helps(trial, { question: { ...question, scopes: union(question.scopes, one) } })
    ? [{ missing: "scope", scope: permission.name }]
    : [];
};

/** The binding, with its condition taken away. */
const conditionSteps = (trial: Trial, because: DenyReason): readonly MissingStep[] => {
  const { facts } = trial;
  const unmet = (one: AssignmentFact | GrantFact): readonly MissingStep[] => {
    if (one.condition === undefined || !helps(trial, { facts: replaced(facts, one, unconditional(one)) })) return [];
    const id = "role" in one ? { assignment: one.id } : { grant: one.id };
    const isNamed =
      because.rule === "condition_not_met" && ("assignment" in because ? because.assignment : because.grant) === one.id;
    const error = isNamed && because.error !== undefined ? { error: because.error } : {};
    return [{ missing: "condition", ...id, condition: one.condition, ...error }];
  };
  return candidates(trial, ({ condition }) => condition !== undefined).flatMap(unmet);
};

const unconditional = <Fact extends AssignmentFact | GrantFact>(one: Fact): Fact => {
  const { condition: _, ...rest } = one;
  return rest as Fact;
};

const renewalSteps = (trial: Trial): readonly MissingStep[] => {
  const { facts, question } = trial;
  return candidates(trial, (one) => !isLive(one, question.at)).flatMap((one): readonly MissingStep[] => {
    const { expiresAt } = one;
    if (expiresAt === null) return [];
    if (!helps(trial, { facts: replaced(facts, one, { ...one, expiresAt: null }) })) return [];
    return [
      { missing: "renewal", ...("role" in one ? { assignment: one.id } : { grant: one.id }), expiredAt: expiresAt },
    ];
  });
};

/** Every one that is tried is a decision of its own: whoever has hundreds is told of the first that help. */
const trials_max = 10;

/** Those that give the permission here and for which `mayHelp` says so, by id. */
const candidates = (
  { facts, permission }: Trial,
  mayHelp: (one: AssignmentFact | GrantFact) => boolean,
): readonly (AssignmentFact | GrantFact)[] => {
  const assignments = facts.assignments.filter(
    (one) =>
      (contains(one.permissions, permission) || contains(one.withinGrants, permission)) && reaches(one, facts.path),
  );
  const grants = facts.grants.filter((one) => contains(one.permissions, permission) && isOn(one.resource, facts.path));
  return [...assignments, ...grants]
    .filter(mayHelp)
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .slice(0, trials_max);
};

const replaced = (facts: Facts, one: AssignmentFact | GrantFact, other: AssignmentFact | GrantFact): Facts => ({
  ...facts,
  assignments: facts.assignments.map((each) => (each === one ? (other as AssignmentFact) : each)),
  grants: facts.grants.map((each) => (each === one ? (other as GrantFact) : each)),
});

/** At the nearest node of the path whose levels help: a grant further up would give more than is missing. */
const grantSteps = (trial: Trial): readonly MissingStep[] => {
  const { model, facts, permission } = trial;
  for (const on of facts.path) {
    const levels = [...(model.resources.get(on.type)?.levels.values() ?? [])].filter(({ permissions }) =>
      contains(permissions, permission),
    );
    const enough = levels.filter(({ name, permissions, sufficient }) => {
      const grant: GrantFact = { id: "", resource: on.node, level: name, permissions, sufficient, expiresAt: null };
      return helps(trial, { facts: { ...facts, grants: [...facts.grants, grant] } });
    });
    if (enough.length > 0) return [{ missing: "grant", levels: enough.map(({ name }) => name), on }];
  }
  return [];
};

/** At the nearest perimeter; at the host only what can't be had below it. */
const roleSteps = (trial: Trial): readonly MissingStep[] => {
  const { model, facts, permission } = trial;
  const perimeter = facts.path.find(({ type }) => model.perimeters.has(type));
  const at: PathNode | "host" | undefined = permission.host || facts.path.length === 0 ? "host" : perimeter;
  if (at === undefined) return [];
  const anchor = at === "host" ? at : at.node;
  const enough = [...(at === "host" ? model.hostRoles : model.roles).values()].filter((role) =>
    helps(trial, { facts: { ...facts, assignments: [...facts.assignments, assigned(role, anchor)] } }),
  );
  return enough.length === 0 ? [] : [{ missing: "role", roles: enough.map(({ name }) => name), at }];
};

const assigned = (role: Role, anchor: AssignmentFact["anchor"]): AssignmentFact => ({
  id: "",
  role: role.name,
  anchor,
  propagation: "subtree",
  permissions: role.permissions,
  withinGrants: role.withinGrants,
  expiresAt: null,
});
