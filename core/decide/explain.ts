/** A decision in plain sentences, for the person who asks why. The data they are made from is in the decision itself. */
import type { Decision, DenyReason, Obligation, PermitReason } from "./types.ts";

/** The reason first, then what is still needed. Every kind of reason and obligation has its sentence, or this does not compile. */
export const explain = (decision: Decision): readonly string[] => [
  decision.effect === "deny" ? whyNot(decision.because) : why(decision.because),
  ...decision.obligations.map(needed),
];

const why = (because: PermitReason): string => {
  const permission = `\`${because.permission}\``;
  const bound = boundBy(because);
  switch (because.rule) {
    case "role":
      return `role \`${because.role}\` gives ${permission}, by assignment ${because.assignment} at ${because.anchor}${bound}`;
    case "grant":
      return `grant ${because.grant} of level \`${because.level}\` on ${because.resource} gives ${permission}${bound}, and is enough alone`;
    case "role_within_grant":
      return `role \`${because.role}\` gives ${permission} within grants, by assignment ${because.assignment} at ${because.anchor}${bound}, and grant ${because.grant} of level \`${because.level}\` on ${because.resource}${grantBound(because)} reaches`;
    case "host_role":
      return `host role \`${because.role}\` gives ${permission} everywhere, by assignment ${because.assignment}${bound}; this bypasses the tenant's own roles and grants`;
    default:
      return because satisfies never;
  }
};

const boundBy = ({ via, condition }: { readonly via?: string; readonly condition?: string }): string =>
  `${via === undefined ? "" : ` through ${via}`}${condition === undefined ? "" : `, as \`${condition}\` is true`}`;

const grantBound = ({ grantVia, grantCondition }: PermitReason & { readonly rule: "role_within_grant" }): string =>
  boundBy({
    ...(grantVia === undefined ? {} : { via: grantVia }),
    ...(grantCondition === undefined ? {} : { condition: grantCondition }),
  });

const whyNot = (because: DenyReason): string => {
  const permission = `\`${because.permission}\``;
  switch (because.rule) {
    case "unknown_permission":
      return `there is no permission ${permission}`;
    case "principal_not_active":
      return `the principal is ${because.state}`;
    case "perimeter_not_active":
      return `${because.type} ${because.node}, which the target is or is in, is ${because.state}`;
    case "out_of_scope":
      return `the principal has ${permission}, and the token's scopes do not reach it`;
    case "condition_not_met": {
      const bound =
        "assignment" in because
          ? `role \`${because.role}\`, by assignment ${because.assignment},`
          : `grant ${because.grant} of level \`${because.level}\``;
      const state = because.error === undefined ? "is not true" : `can't be evaluated: ${because.error}`;
      return `${bound} would give ${permission}, and its condition \`${because.condition}\` ${state}`;
    }
    case "needs_grant":
      return `role \`${because.role}\` gives ${permission} within grants only, and no grant of it reaches the target`;
    case "needs_role":
      return `grant ${because.grant} of level \`${because.level}\` gives ${permission} only under a role that has it within grants, and no such role reaches the target`;
    case "expired":
      return `role \`${because.role}\` gave ${permission}, and its assignment ${because.assignment} has expired`;
    case "out_of_reach":
      return `role \`${because.role}\` gives ${permission} at ${because.anchor}, which does not reach the target`;
    case "no_role":
      return `no role or grant gives ${permission}`;
    default:
      return because satisfies never;
  }
};

const needed = (obligation: Obligation): string => {
  switch (obligation.kind) {
    case "human":
      return "a human actor of record is needed";
    case "approval":
      return obligation.rule.required === 1
        ? "the approval of one human is needed"
        : `the approval of ${obligation.rule.required} humans is needed`;
    case "step_up":
      return `the human must authenticate again, up to \`${obligation.acr}\``;
    default:
      return obligation satisfies never;
  }
};
