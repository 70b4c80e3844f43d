/** AuthZEN 1.0, the evaluation endpoints (§6, §7): the gateway's question over REST, one at a time or up to a hundred. */
import Type from "typebox";
import { type Fault, fault, faults, isFault, type Result } from "../../../core/faults.ts";
import { batchMax, type CheckAnswer, check, type Deciding, type Semantic } from "../../decisions/check.ts";
import { sentences } from "../../decisions/describe.ts";
import { readPresented } from "../../oauth/dpop/authenticate.ts";
import type { NonceNeeds } from "../../oauth/dpop/nonces.ts";
import { context, type EvaluationRequest, evaluationRequest, questionOf, tolerantly } from "./authzen-entities.ts";
import type { JsonAnswer, JsonRequest } from "./routes.ts";

export { evaluationRequest } from "./authzen-entities.ts";

export type DecisionNeeds = Deciding & NonceNeeds;

const validate = tolerantly(evaluationRequest);

/** §6.2: 200 and a boolean; why, for people and for logs, in the response's context. */
export const evaluation = (answer: CheckAnswer) => ({
  decision: answer.effect === "permit",
  context: {
    effect: answer.effect,
    because: answer.because,
    obligations: answer.obligations,
    reasons: sentences(answer),
    ...(answer.consistency === undefined ? {} : { consistency_token: answer.consistency }),
  },
});

export const refused = (failure: Fault): JsonAnswer => ({ status: 400, body: failure });
export const done = (body: unknown): JsonAnswer => ({ status: 200, body });

export const evaluate =
  (needs: DecisionNeeds) =>
  async (request: JsonRequest): Promise<JsonAnswer> => {
    const answer = await answerTo(needs, request);
    return isFault(answer) ? refused(answer) : done(evaluation(answer));
  };

const answerTo = async (needs: DecisionNeeds, request: JsonRequest): Promise<Result<CheckAnswer>> => {
  const proven = await readPresented(needs, request);
  if (isFault(proven)) return proven;
  const checked = validate(request.body);
  if (isFault(checked)) return checked;
  const question = questionOf(needs.model, checked.value as EvaluationRequest);
  const answers = await check(needs, proven.presented, [question], proven.jkt);
  if (isFault(answers)) return answers;
  const [answer] = answers;
  if (answer === undefined) throw new Error("one question was asked, and none answered");
  return answer;
};

const semantics = [
  "execute_all",
  "deny_on_first_deny",
  "permit_on_first_permit",
] as const satisfies readonly Semantic[];

/** What may stand in one evaluation or, as its default, at the top (§7.1.1). Whether it is complete shows when both are put together. */
const parts = {
  subject: Type.Optional(Type.Unknown()),
  action: Type.Optional(Type.Unknown()),
  resource: Type.Optional(Type.Unknown()),
  context,
};
const requestOf = <One extends Type.TSchema>(each: One) =>
  Type.Object({
    ...parts,
    evaluations: Type.Optional(Type.Array(each, { maxItems: batchMax })),
    options: Type.Optional(
      Type.Object({ evaluations_semantic: Type.Optional(Type.Union(semantics.map((one) => Type.Literal(one)))) }),
    ),
  });
export const evaluationsRequest = requestOf(Type.Object(parts));
/** §7.2.1: an evaluation that is none is an error of its own, and not the request's. */
const whateverTheEvaluations = requestOf(Type.Unknown());
type EvaluationsRequest = Type.Static<typeof whateverTheEvaluations>;
type Parts = { readonly [Part in keyof typeof parts]?: unknown };
const validateMany = tolerantly(whateverTheEvaluations);

export const evaluateMany =
  (needs: DecisionNeeds) =>
  async (request: JsonRequest): Promise<JsonAnswer> => {
    const many = request.body as { readonly evaluations?: unknown } | undefined;
    // §7.1: without `evaluations` it is one evaluation, and answered as one.
    if (many?.evaluations === undefined || (Array.isArray(many.evaluations) && many.evaluations.length === 0))
      return evaluate(needs)(request);
    const answers = await answersTo(needs, request);
    if (isFault(answers)) return refused(answers);
    const unasked = answers.find((answer) => isFault(answer) && answer.fault === "insufficient_scope");
    // Who may not ask is told so once, and not a hundred times that nobody may do anything.
    if (isFault(unasked)) return refused(unasked);
    return done({ evaluations: answers.map((answer) => (isFault(answer) ? failed(answer) : evaluation(answer))) });
  };

const answersTo = async (
  needs: DecisionNeeds,
  request: JsonRequest,
): Promise<Result<readonly Result<CheckAnswer>[]>> => {
  const proven = await readPresented(needs, request);
  if (isFault(proven)) return proven;
  const checked = validateMany(request.body);
  if (isFault(checked)) return checked;
  const { evaluations = [], options, ...defaults } = checked.value as EvaluationsRequest;
  const questions = evaluations.map((one) => {
    const complete = isObject(one) ? validate(withDefaults(one, defaults)) : notAnEvaluation;
    return isFault(complete) ? complete : questionOf(needs.model, complete.value as EvaluationRequest);
  });
  return check(needs, proven.presented, questions, proven.jkt, options?.evaluations_semantic);
};

const notAnEvaluation = fault("invalid_argument", "an evaluation must be an object");

/** §7.1.1: what an evaluation has takes the place of the default, whole; a type, an id or a name it leaves out is still the default's. */
const withDefaults = (one: Parts, defaults: Parts): Parts => ({
  ...defaults,
  ...one,
  ...both("subject", one, defaults, ["type", "id"]),
  ...both("resource", one, defaults, ["type", "id"]),
  ...both("action", one, defaults, ["name"]),
});

const both = (
  part: "subject" | "resource" | "action",
  one: Parts,
  defaults: Parts,
  needed: readonly string[],
): Readonly<Record<string, unknown>> => {
  const [own, usual] = [one[part], defaults[part]];
  if (!isObject(own) || !isObject(usual)) return {};
  const missing = needed.filter((name) => !Object.hasOwn(own, name) && Object.hasOwn(usual, name));
  return { [part]: { ...own, ...Object.fromEntries(missing.map((name) => [name, usual[name]])) } };
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** §7.2.1: one that could not be decided permits nothing, and says why; the others are answered. */
const failed = (failure: Fault) => ({
  decision: false,
  context: { error: { status: faults[failure.fault].status, code: failure.fault, message: failure.detail } },
});
