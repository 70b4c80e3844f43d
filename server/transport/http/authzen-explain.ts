/** Our own beside AuthZEN's endpoints: an evaluation's request, answered with the reasons for its answer. */
import { isFault } from "../../../core/faults.ts";
import { explainAnswer } from "../../decisions/explain.ts";
import { readPresented } from "../../oauth/dpop/authenticate.ts";
import { type DecisionNeeds, done, evaluation, refused } from "./authzen.ts";
import { type EvaluationRequest, evaluationRequest, questionOf, tolerantly } from "./authzen-entities.ts";
import type { JsonAnswer, JsonRequest } from "./routes.ts";

const validate = tolerantly(evaluationRequest);

export const explainEvaluation =
  (needs: DecisionNeeds) =>
  async (request: JsonRequest): Promise<JsonAnswer> => {
    const proven = await readPresented(needs, request);
    if (isFault(proven)) return refused(proven);
    const checked = validate(request.body);
    if (isFault(checked)) return refused(checked);
    const question = questionOf(needs.model, checked.value as EvaluationRequest);
    if (isFault(question)) return refused(question);
    const explained = await explainAnswer(needs, proven.presented, question, proven.jkt);
    if (isFault(explained)) return refused(explained);
    const { answer, considered, missing, truncated } = explained;
    return done({ ...evaluation(answer), considered, missing, truncated });
  };
