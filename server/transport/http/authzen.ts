/** AuthZEN 1.0, the evaluation endpoint: the gateway's question over REST. */
import Type from "typebox";
import { isFault, type Result } from "../../../core/faults.ts";
import { parseRef, principalCollections } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import { type CheckAnswer, type CheckQuestion, check, type Deciding } from "../../decisions/check.ts";
import { sentences } from "../../decisions/describe.ts";
import { strict } from "../../operations/fields.ts";
import { validatorOf } from "../../operations/validate.ts";
import { readPresented } from "../../oauth/dpop/authenticate.ts";
import type { NonceNeeds } from "../../oauth/dpop/nonces.ts";
import type { JsonAnswer, JsonRequest } from "./routes.ts";

const properties = Type.Optional(Type.Record(Type.String({ maxLength: 100 }), Type.Unknown()));
const entity = strict({
  type: Type.String({ minLength: 1, maxLength: 64 }),
  id: Type.String({ minLength: 1, maxLength: 4096 }),
  properties,
});

/** §5: subject, action, resource, and an optional context. */
export const evaluationRequest = strict({
  subject: entity,
  action: strict({ name: Type.String({ minLength: 1, maxLength: 130 }), properties }),
  resource: entity,
  context: properties,
});

type EvaluationRequest = Type.Static<typeof evaluationRequest>;
const validate = validatorOf(evaluationRequest);

/**
 * A subject is `{ type: "users" | "service-accounts", id: uuid }`, or `{ type: "access_token", id: the token }`. A resource is a node
 * of the tree, `{ type: its collection, id: uuid }`; an unregistered leaf names its registered parent in `properties.parent`.
 * The action's name is `resource:action`, or the action alone, which is then taken of the resource's own type.
 */
const questionOf = (model: Model, { subject, action, resource }: EvaluationRequest): CheckQuestion => {
  const parent = resource.properties?.parent;
  const tenant = subject.properties?.tenant;
  return {
    subject: subject.type === "access_token" ? { token: subject.id } : { principal: ref(subject.type, subject.id) },
    permission: model.vocabulary.has(action.name) ? action.name : `${resource.type}:${action.name}`,
    resource: ref(resource.type, resource.id),
    ...(typeof parent === "string" ? { parent } : {}),
    ...(typeof tenant === "string" ? { tenant } : {}),
  };
};

/** AuthZEN's types are often singular and its ids bare; a whole ref in `id` is taken as it is. */
const ref = (type: string, id: string): string => {
  if (parseRef(id) !== undefined) return id;
  const collection =
    type === "user" ? principalCollections.human : type === "service-account" ? principalCollections.service : type;
  return `${collection}/${id}`;
};

/** §6.1: 200 and a boolean; why, for people and for logs, in the response's context. */
const evaluation = (answer: CheckAnswer) => ({
  decision: answer.effect === "permit",
  context: {
    effect: answer.effect,
    because: answer.because,
    obligations: answer.obligations,
    reasons: sentences(answer),
  },
});

export const evaluate =
  (needs: Deciding & NonceNeeds) =>
  async (request: JsonRequest): Promise<JsonAnswer> => {
    const answer = await answerTo(needs, request);
    return isFault(answer) ? { status: 400, body: answer } : { status: 200, body: evaluation(answer) };
  };

const answerTo = async (needs: Deciding & NonceNeeds, request: JsonRequest): Promise<Result<CheckAnswer>> => {
  const proven = await readPresented(needs, request);
  if (isFault(proven)) return proven;
  const checked = validate(request.body);
  if (isFault(checked)) return checked;
  const answers = await check(
    needs,
    proven.presented,
    [questionOf(needs.model, checked.value as EvaluationRequest)],
    proven.jkt,
  );
  if (isFault(answers)) return answers;
  const [answer] = answers;
  if (answer === undefined) throw new Error("one question was asked, and none answered");
  return answer;
};
