// The decision point's endpoints, as AuthZEN 1.0 has them, and our own beside them.
import { evaluationsRequest } from "../../../server/transport/http/authzen.ts";
import { evaluationRequest } from "../../../server/transport/http/authzen-entities.ts";
import {
  actionSearchRequest,
  resourceSearchRequest,
  subjectSearchRequest,
} from "../../../server/transport/http/authzen-search.ts";
import { type Entry, plain } from "./operations.ts";

type DecisionEntry = Entry & { readonly tags: readonly [string] };

const text = (description: string) => ({ type: "string", description });
const json = (description: string, schema: object) => ({
  200: { description, content: { "application/json": { schema } } },
});
const listOf = (items: object) => ({ type: "array", items });
const context = {
  type: "object",
  properties: {
    effect: { type: "string", enum: ["permit", "conditional", "deny"] },
    because: { type: "object", description: "the rule that decided, and what it rests on" },
    obligations: {
      ...listOf({ type: "object" }),
      description: "what must be met before a conditional answer is a yes",
    },
    reasons: { ...listOf({ type: "string" }), description: "the same in sentences" },
    consistency_token: text("how recent the facts were; send it back as `context.at_least`"),
    error: { type: "object", description: "of one evaluation among several: why it could not be decided" },
  },
};
const evaluation = {
  type: "object",
  required: ["decision"],
  properties: { decision: { type: "boolean", description: "only `true` is a yes" }, context },
};

const entry = (operationId: string, summary: string, request: Parameters<typeof plain>[0], responses: object) =>
  ({
    operationId,
    summary,
    tags: ["access"],
    requestBody: { required: true, content: { "application/json": { schema: plain(request) } } },
    responses,
  }) as DecisionEntry;

const searchEntry = (what: string, request: Parameters<typeof plain>[0], section: string): DecisionEntry =>
  entry(
    `access.search-${what}s`,
    `List ${what}s, exactly those an evaluation would permit (AuthZEN 1.0 ${section})`,
    request,
    json("a page of them", {
      type: "object",
      required: ["results", "page"],
      properties: {
        results: listOf({ type: "object" }),
        page: {
          type: "object",
          required: ["next_token"],
          properties: {
            next_token: text("send it back as `page.token`; empty on the last page, and on no other"),
            count: { type: "integer", description: "results in this page" },
          },
        },
      },
    }),
  );

export const decisionEntries: Readonly<Record<string, DecisionEntry>> = {
  "POST /access/v1/evaluation": entry(
    "access.evaluate",
    "Ask whether a principal may do something (AuthZEN 1.0 §6)",
    evaluationRequest,
    json("the decision and its reasons", evaluation),
  ),
  "POST /access/v1/evaluations": entry(
    "access.evaluate-many",
    "Ask up to a hundred such questions at once (AuthZEN 1.0 §7)",
    evaluationsRequest,
    json(
      "the decisions in order; fewer where the semantic stopped early, and one alone where no `evaluations` were sent",
      {
        type: "object",
        properties: { evaluations: listOf(evaluation), ...evaluation.properties },
      },
    ),
  ),
  "POST /access/v1/explain": entry(
    "access.explain",
    "Ask why: everything that was looked at, and the steps that are missing",
    evaluationRequest,
    json("the decision, and what it was made of", {
      type: "object",
      required: ["decision", "considered", "missing", "truncated"],
      properties: {
        ...evaluation.properties,
        considered: {
          ...listOf({ type: "object" }),
          description: "each assignment and grant that has to do with the permission, and what it came to",
        },
        missing: {
          ...listOf({ type: "object" }),
          description: "steps each of which alone would turn the denial into something better, the nearest first",
        },
        truncated: { type: "boolean", description: "whether more was considered than is shown" },
      },
    }),
  ),
  "POST /access/v1/search/subject": searchEntry("subject", subjectSearchRequest, "§8.4"),
  "POST /access/v1/search/resource": searchEntry("resource", resourceSearchRequest, "§8.5"),
  "POST /access/v1/search/action": searchEntry("action", actionSearchRequest, "§8.6"),
  "GET /.well-known/authzen-configuration": {
    operationId: "access.metadata",
    summary: "Where the decision point's endpoints are (AuthZEN 1.0 §9)",
    tags: ["access"],
    responses: json("the metadata", {
      type: "object",
      required: ["policy_decision_point", "access_evaluation_endpoint"],
      properties: {
        policy_decision_point: text("the issuer"),
        access_evaluation_endpoint: text("a URL"),
        access_evaluations_endpoint: text("a URL"),
        search_subject_endpoint: text("a URL"),
        search_resource_endpoint: text("a URL"),
        search_action_endpoint: text("a URL"),
      },
    }),
  },
};
