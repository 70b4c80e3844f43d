/**
 * The gateway's second question: may they? One answer for gRPC, REST and AuthZEN.
 *
 * Warm, the caller's credential, the subject's token and the facts about the subject at the resource come in one cache round trip and
 * `decide()` does the rest. Cold, all of them are one SQL statement. What is cached is facts, not decisions: scopes and context narrow
 * them anew on every question.
 */
import { decide } from "../../core/decide/decide.ts";
import type { Decision } from "../../core/decide/types.ts";
import { isFault, type Result } from "../../core/faults.ts";
import type { Presented } from "../tokens/presented.ts";
import { tokenOf } from "./consistency.ts";
import { type Asking, type Deciding, gather, type Gathered } from "./gather.ts";
import type { CheckQuestion, Unknown } from "./question.ts";

export type { Deciding } from "./gather.ts";
export type { CheckQuestion, Subject, Unknown } from "./question.ts";

/** A decision, or the reason why there was nothing to decide on. Only `effect: "permit"` is a yes. */
export type CheckAnswer = (Decision | Undecidable) & {
  /** The consistency token of the facts it was made of; absent where there were none. */
  readonly consistency?: string;
};
type Undecidable = { readonly effect: "deny"; readonly because: Unknown; readonly obligations: readonly [] };

/** When a batch stops early (AuthZEN §7.1.2). The answer that stopped it is the last one given. */
export type Semantic = "execute_all" | "deny_on_first_deny" | "permit_on_first_permit";

/** Questions in one batch (design: put a limit on everything). */
export const batchMax = 100;

const asking: Asking = { permission: "access:check", deed: "asking about another principal", self: false };

/**
 * Answers questions asked with the caller's token, and the key proven with it; each fault is the caller's to repair, and one that could not
 * be read counts as a denial. Everything is looked up at once; what a batch does not get to is not decided, and not answered.
 */
export const check = async (
  needs: Deciding,
  bearer: Presented,
  questions: readonly Result<CheckQuestion | Unknown>[],
  jkt?: string,
  semantic: Semantic = "execute_all",
): Promise<Result<readonly Result<CheckAnswer>[]>> => {
  const gathered = await gather(needs, bearer, questions, asking, jkt);
  if (isFault(gathered)) return gathered;
  const answers: Result<CheckAnswer>[] = [];
  for (const one of gathered.each) {
    const answer = answerOf(needs, one);
    answers.push(answer);
    const permits = !isFault(answer) && answer.effect === "permit";
    if (semantic === (permits ? "permit_on_first_permit" : "deny_on_first_deny")) break;
  }
  return answers;
};

const answerOf = ({ model }: Deciding, gathered: Gathered): Result<CheckAnswer> => {
  const ready = gathered();
  if (isFault(ready)) return ready;
  if ("rule" in ready) return { effect: "deny", because: ready, obligations: [] };
  return { ...decide(model, ready.question, ready.facts), consistency: tokenOf(ready) };
};
