/** Whether who presented a credential has a permission in its own tenant: the cheap question, answered from what verifying it read. */
import { decide } from "../../core/decide/decide.ts";
import { type Fault, fault } from "../../core/faults.ts";
import type { Model } from "../../core/model/model.ts";
import { callerOf } from "./bearer.ts";
import type { Standing } from "./standing.ts";

/** `at` in ms since the epoch. */
export const holds = (model: Model, standing: Standing, permission: string, at: number): boolean => {
  const { scopes, facts, human } = callerOf(model, standing);
  const acr = human?.acr ?? undefined;
  const question = {
    permission,
    at,
    ...(scopes === undefined ? {} : { scopes }),
    ...(acr === undefined ? {} : { acr }),
  };
  return decide(model, question, facts).effect === "permit";
};

/** RFC 6750 §3.1 `insufficient_scope`, naming what is missing. */
export const lacking = (permission: string, deed: string): Fault =>
  fault("insufficient_scope", `${deed} needs the permission \`${permission}\``, { permission });
