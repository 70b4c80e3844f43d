/** The condition of an assignment or a grant: CEL, which must be exactly true for what it binds to count. */
import Type from "typebox";
import { type Fault } from "../../core/faults.ts";

export const condition_length_max = 2_000;

export const condition = Type.String({
  minLength: 1,
  maxLength: condition_length_max,
  description:
    "CEL over `now`, `subject`, `resource` and `context`: it counts only while this is exactly true; what it can't be evaluated on is a no",
});

export const conditionOutput = Type.Union([condition, Type.Null()], { description: "null where it holds always" });

/** A fault where the text is no condition. */
export const checkCondition = (_text: string | undefined): Fault | undefined => undefined;
