/** The conditions of one decision: each text is evaluated at most once, and only when something rests on it. */
import { compiled, evaluate } from "../conditions/condition.ts";
import { formatRef, principalRef } from "../ids.ts";
import type { Model } from "../model/model.ts";
import type { Variables } from "../conditions/variables.ts";
import type { Holds } from "./permitting.ts";
import type { Bound, Facts, Question } from "./types.ts";

export type Conditions = {
  /** Exactly true. False for whatever carries no condition: it is not asked of those. */
  readonly hold: Holds;
  /** Why a condition could not be evaluated; undefined where it could. */
  readonly errorOf: (bound: Bound) => string | undefined;
};

type Outcome = ReturnType<typeof evaluate>;

export const conditionsOn = (model: Model, question: Question, facts: Facts): Conditions => {
  const variables = variablesOf(model, question, facts);
  const outcomes = new Map<string, Outcome>();
  const outcomeOf = ({ condition }: Bound): Outcome => {
    if (condition === undefined) return false;
    const known = outcomes.get(condition);
    if (known !== undefined) return known;
    const outcome = evaluate(compiled(condition), variables);
    outcomes.set(condition, outcome);
    return outcome;
  };
  return {
    hold: (bound) => outcomeOf(bound) === true,
    errorOf: (bound) => {
      const outcome = outcomeOf(bound);
      return typeof outcome === "boolean" ? undefined : outcome.error;
    },
  };
};

const variablesOf = (model: Model, { at, acr, context, properties }: Question, facts: Facts): Variables => {
  const { principal, path, resource } = facts;
  const target = path[0];
  return {
    at,
    subject: {
      id: principal.id,
      ref: principalRef(principal.kind, principal.id),
      kind: principal.kind,
      acr,
      properties: properties?.subject,
    },
    resource: {
      id: target?.node,
      type: target?.type,
      ref: target && formatRef(model.perimeters.get(target.type)?.collection ?? target.type, target.node),
      owner: resource?.owner,
      attributes: resource?.attributes,
      properties: properties?.resource,
    },
    context,
  };
};
