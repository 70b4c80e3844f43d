/** The decisions among the methods of `identity.v1.Identity`: messages are translated here, and no rule lives here. */
import type { Attributes } from "../../../core/decide/types.ts";
import type { MissingStep } from "../../../core/decide/steps.ts";
import { fault, isFault, type Result } from "../../../core/faults.ts";
import { formatRef } from "../../../core/ids.ts";
import { batchMax, type CheckAnswer, check, type Semantic } from "../../decisions/check.ts";
import { sentences } from "../../decisions/describe.ts";
import { explainAnswer, type Explained } from "../../decisions/explain.ts";
import { listActions } from "../../decisions/list-actions.ts";
import { listResources, type Searching } from "../../decisions/list-resources.ts";
import { listSubjects } from "../../decisions/list-subjects.ts";
import { page_size_max, type PageAsked } from "../../decisions/paging.ts";
import type { AskedCircumstances, CheckQuestion, Subject } from "../../decisions/question.ts";
import type { Presented } from "../../tokens/presented.ts";
import {
  type BatchCheckResult,
  BatchMode,
  type CheckPermissionRequest,
  type CheckPermissionResponse,
  type Considered as ConsideredMessage,
  type ExplainPermissionResponse,
  type MissingStep as MissingStepMessage,
} from "./generated/identity/v1/identity.ts";
import type { GrpcCall, IdentityHandlers } from "./routes.ts";

export type DecisionHandlers = Pick<
  IdentityHandlers,
  "checkPermission" | "batchCheckPermissions" | "explainPermission" | "listResources" | "listSubjects" | "listActions"
>;

export const decisionHandlers = (
  deciding: Searching,
  callerOfCall: (call: GrpcCall) => Result<Presented>,
): DecisionHandlers => ({
  checkPermission: async (request, call) => {
    const bearer = callerOfCall(call);
    if (isFault(bearer)) return bearer;
    const question = questionOf(request);
    if (isFault(question)) return question;
    const answers = await check(deciding, bearer, [question]);
    if (isFault(answers)) return answers;
    const [answer] = answers;
    return answer === undefined || isFault(answer) ? (answer ?? fault("internal", "no answer")) : answerMessage(answer);
  },

  batchCheckPermissions: async (request, call) => {
    const bearer = callerOfCall(call);
    if (isFault(bearer)) return bearer;
    if (request.checks.length === 0 || request.checks.length > batchMax)
      return fault(
        "invalid_argument",
        `\`checks\` must hold 1 to ${batchMax} questions, and holds ${request.checks.length}`,
      );
    const questions = request.checks.map(questionOf);
    const answers = await check(deciding, bearer, questions, undefined, semantics[request.mode]);
    return isFault(answers) ? answers : { results: answers.map(resultMessage) };
  },

  explainPermission: async (request, call) => {
    const bearer = callerOfCall(call);
    if (isFault(bearer)) return bearer;
    if (request.check === undefined) return fault("invalid_argument", "`check` must hold the question");
    const question = questionOf(request.check);
    if (isFault(question)) return question;
    const explained = await explainAnswer(deciding, bearer, question);
    return isFault(explained) ? explained : explanationMessage(explained);
  },

  listResources: async (request, call) => {
    const bearer = callerOfCall(call);
    if (isFault(bearer)) return bearer;
    const subject = subjectOf(request.subject);
    const circumstances = circumstancesOf(request);
    const asked = pageOf(request);
    if (isFault(subject)) return subject;
    if (isFault(circumstances)) return circumstances;
    if (isFault(asked)) return asked;
    const { tenant, permission, type } = request;
    const search = { subject, permission, type, ...given("tenant", tenant), ...circumstances };
    const page = await listResources(deciding, bearer, search, asked);
    return isFault(page) ? page : { resources: [...page.items], nextPageToken: page.next };
  },

  listSubjects: async (request, call) => {
    const bearer = callerOfCall(call);
    if (isFault(bearer)) return bearer;
    const circumstances = circumstancesOf(request);
    const asked = pageOf(request);
    if (isFault(circumstances)) return circumstances;
    if (isFault(asked)) return asked;
    const { kind, tenant, permission, resource } = request;
    const search = { kind, permission, ...given("tenant", tenant), ...given("resource", resource), ...circumstances };
    const page = await listSubjects(deciding, bearer, search, asked);
    return isFault(page) ? page : { subjects: [...page.items], nextPageToken: page.next };
  },

  listActions: async (request, call) => {
    const bearer = callerOfCall(call);
    if (isFault(bearer)) return bearer;
    const subject = subjectOf(request.subject);
    const circumstances = circumstancesOf(request);
    if (isFault(subject)) return subject;
    if (isFault(circumstances)) return circumstances;
    const { tenant, resource, parent } = request;
    const place = { ...given("tenant", tenant), ...given("resource", resource), ...given("parent", parent) };
    const actions = await listActions(deciding, bearer, { subject, ...place, ...circumstances });
    return isFault(actions)
      ? actions
      : { permissions: [...actions.permissions], decidedAtVersion: actions.consistency ?? "" };
  },
});

const semantics: Readonly<Record<BatchMode, Semantic>> = {
  [BatchMode.UNSPECIFIED]: "execute_all",
  [BatchMode.EVALUATE_ALL]: "execute_all",
  [BatchMode.DENY_ON_FIRST_DENY]: "deny_on_first_deny",
  [BatchMode.PERMIT_ON_FIRST_PERMIT]: "permit_on_first_permit",
};

/** An empty text is none. */
const given = <Name extends string>(name: Name, text: string): { readonly [Key in Name]?: string } =>
  text === "" ? {} : ({ [name]: text } as { readonly [Key in Name]?: string });

const subjectOf = (subject: CheckPermissionRequest["subject"]): Result<Subject> => {
  if (subject === undefined) return fault("invalid_argument", "`principal` or `token` must say who is asked about");
  return subject.$case === "token" ? { token: subject.token } : { principal: subject.principal };
};

const questionOf = (request: CheckPermissionRequest): Result<CheckQuestion> => {
  const subject = subjectOf(request.subject);
  if (isFault(subject)) return subject;
  const circumstances = circumstancesOf(request);
  if (isFault(circumstances)) return circumstances;
  const { permission, tenant, resource, parent } = request;
  return {
    subject,
    permission,
    ...given("tenant", tenant),
    ...given("resource", resource),
    ...given("parent", parent),
    ...circumstances,
  };
};

type Around = {
  readonly context: ReadonlyMap<string, string>;
  readonly acr?: string;
  readonly attributesJson: string;
  readonly atLeastAsFresh?: string;
};

const circumstancesOf = ({
  context,
  acr = "",
  attributesJson,
  atLeastAsFresh = "",
}: Around): Result<AskedCircumstances> => {
  const read = attributesJson === "" ? {} : attributesOf(attributesJson);
  if (isFault(read)) return read;
  const around = context.size === 0 ? read.context : { ...read.context, ...Object.fromEntries(context) };
  const { subject, resource } = read;
  return {
    ...given("acr", acr),
    ...given("atLeast", atLeastAsFresh),
    ...(around === undefined ? {} : { context: around }),
    ...(subject === undefined && resource === undefined
      ? {}
      : {
          properties: {
            ...(subject === undefined ? {} : { subject }),
            ...(resource === undefined ? {} : { resource }),
          },
        }),
  };
};

type ReadAttributes = {
  readonly context?: Attributes;
  readonly subject?: Attributes;
  readonly resource?: Attributes;
};
const attribute_names = ["context", "subject", "resource"];
const attributes_characters_max = 32 * 1024;

const attributesOf = (text: string): Result<ReadAttributes> => {
  if (text.length > attributes_characters_max) return malformed;
  try {
    const read: unknown = JSON.parse(text);
    const sound =
      isObject(read) &&
      Object.entries(read).every(([name, value]) => attribute_names.includes(name) && isObject(value));
    return sound ? read : malformed;
  } catch {
    return malformed;
  }
};

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const malformed = fault(
  "invalid_argument",
  '`attributes_json` must be a JSON object with no more than `{"context": {…}, "subject": {…}, "resource": {…}}`',
);

const pageOf = ({
  pageSize,
  pageToken,
}: {
  readonly pageSize: number;
  readonly pageToken: string;
}): Result<PageAsked> =>
  pageSize < 0 || pageSize > page_size_max
    ? fault("invalid_argument", `\`page_size\` must be 1 to ${page_size_max}, or 0 for the usual`)
    : { token: pageToken, ...(pageSize === 0 ? {} : { limit: pageSize }) };

const answerMessage = (answer: CheckAnswer): CheckPermissionResponse => {
  const because: Readonly<Record<string, unknown>> = answer.because;
  const [text = ""] = sentences(answer);
  const word = (name: string): string => (typeof because[name] === "string" ? because[name] : "");
  return {
    allowed: answer.effect === "permit",
    reasons: [
      {
        code: answer.because.rule,
        text,
        role: word("role"),
        assignment: word("assignment"),
        anchor: word("anchor"),
        grant: word("grant"),
        level: word("level"),
        via: word("via"),
        condition: word("condition"),
      },
    ],
    obligations: answer.obligations.map((one) => ({ kind: one.kind, acr: one.kind === "step_up" ? one.acr : "" })),
    decidedAtVersion: answer.consistency ?? "",
  };
};

const resultMessage = (answer: Result<CheckAnswer>): BatchCheckResult => ({
  result: isFault(answer)
    ? { $case: "error", error: { code: answer.fault, message: answer.detail } }
    : { $case: "response", response: answerMessage(answer) },
});

const explanationMessage = ({ answer, considered, missing, truncated }: Explained): ExplainPermissionResponse => ({
  decision: answerMessage(answer),
  considered: considered.map(consideredMessage),
  missing: missing.map(missingMessage),
  truncated,
});

const consideredMessage = (one: Explained["considered"][number]): ConsideredMessage => ({
  ...(one.kind === "assignment"
    ? {
        binding: formatRef("role-assignments", one.assignment),
        gives: one.role,
        node: one.anchor,
        propagation: one.propagation,
      }
    : { binding: formatRef("resource-grants", one.grant), gives: one.level, node: one.resource, propagation: "" }),
  outcome: one.outcome,
  via: one.via ?? "",
  condition: one.condition ?? "",
  error: one.error ?? "",
  expiresAt: one.expiresAt === null ? 0 : Math.floor(one.expiresAt / 1000),
});

const missingMessage = (step: MissingStep): MissingStepMessage => {
  const none = { missing: step.missing, binding: "", anyOf: [], node: "", condition: "", error: "" };
  switch (step.missing) {
    case "condition":
      return { ...none, binding: bindingOf(step), condition: step.condition, error: step.error ?? "" };
    case "renewal":
      return { ...none, binding: bindingOf(step) };
    case "scope":
      return { ...none, anyOf: [step.scope] };
    case "grant":
      return { ...none, anyOf: [...step.levels], node: step.on.node };
    case "role":
      return { ...none, anyOf: [...step.roles], node: step.at === "host" ? "host" : step.at.node };
    case "active_node":
      return { ...none, node: step.on.node };
    case "active_principal":
      return none;
    default:
      return step satisfies never;
  }
};

const bindingOf = ({ assignment, grant }: { readonly assignment?: string; readonly grant?: string }): string =>
  assignment === undefined ? formatRef("resource-grants", grant ?? "") : formatRef("role-assignments", assignment);
