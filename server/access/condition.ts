/** The condition of an assignment or a grant: CEL, which must be exactly true for what it binds to count. */
import Type from "typebox";
import { compileCondition } from "../../core/conditions/condition.ts";
import { type Fault, isFault } from "../../core/faults.ts";

/** As the database holds it. */
const condition_length_max = 2_000;

export const condition = Type.String({
  minLength: 1,
  maxLength: condition_length_max,
  description:
    "CEL over `now`, `subject`, `resource` and `context`: it counts only while this is exactly true; what it can't be evaluated on is a no",
});

export const conditionOutput = Type.Union([condition, Type.Null()], { description: "null where it holds always" });

/** A fault where the text is no condition. It is kept as it was written; nothing needs it compiled here. */
export const checkCondition = (text: string | undefined): Fault | undefined => {
  if (text === undefined) return undefined;
  const compiled = compileCondition(text);
  return isFault(compiled) ? compiled : undefined;
};
