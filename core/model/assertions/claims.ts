/** The words of claims: rules as decisions name them, and obligations as people write them. */
import type { DenyReason, Obligation, PermitReason } from "../../decide/types.ts";

/** Every rule a decision can name; what is missing here, or too much, does not compile. */
const known: Readonly<Record<(PermitReason | DenyReason)["rule"], true>> = {
  role: true,
  grant: true,
  role_within_grant: true,
  host_role: true,
  unknown_permission: true,
  principal_not_active: true,
  perimeter_not_active: true,
  out_of_scope: true,
  needs_grant: true,
  needs_role: true,
  expired: true,
  out_of_reach: true,
  condition_not_met: true,
  no_role: true,
};

export const rules: readonly string[] = Object.keys(known);

const approval = /^approval(?: of ([1-9]\d{0,2}))?$/;

/** Why the text is no obligation: `human`, `approval`, `approval of 2`, `step_up {acr}`. */
export const obligationFault = (text: string): string | undefined =>
  text === "human" || approval.test(text) || /^step_up \S+$/.test(text)
    ? undefined
    : `\`${text}\` is no obligation; write \`human\`, \`approval\`, \`approval of 2\` or \`step_up\` and the acr`;

/** Whether the text says the obligation; `approval` alone says one of any number. */
export const saysObligation = (text: string, obligation: Obligation): boolean => {
  switch (obligation.kind) {
    case "human":
      return text === "human";
    case "approval": {
      const [said, count] = approval.exec(text) ?? [];
      return said !== undefined && (count === undefined || Number(count) === obligation.rule.required);
    }
    case "step_up":
      return text === `step_up ${obligation.acr}`;
    default:
      return obligation satisfies never;
  }
};

export const obligationText = (obligation: Obligation): string => {
  switch (obligation.kind) {
    case "human":
      return "human";
    case "approval":
      return `approval of ${obligation.rule.required}`;
    case "step_up":
      return `step_up ${obligation.acr}`;
    default:
      return obligation satisfies never;
  }
};
