/** The decision point's routes, and the document that says where they are (AuthZEN 1.0 §9, §10.1). */
import { evaluate, evaluateMany } from "./authzen.ts";
import { explainEvaluation } from "./authzen-explain.ts";
import { searchActions, type SearchNeeds, searchResources, searchSubjects } from "./authzen-search.ts";
import type { JsonRoute, Route } from "./routes.ts";

const endpoints = {
  access_evaluation_endpoint: "/access/v1/evaluation",
  access_evaluations_endpoint: "/access/v1/evaluations",
  search_subject_endpoint: "/access/v1/search/subject",
  search_resource_endpoint: "/access/v1/search/resource",
  search_action_endpoint: "/access/v1/search/action",
} as const;

export const decisionRoutes = (needs: SearchNeeds): readonly Route[] => {
  const route = (path: string, permission: string, handle: JsonRoute["handle"]): Route => ({
    kind: "json",
    method: "POST",
    path,
    policy: { permission },
    handle,
  });
  return [
    route(endpoints.access_evaluation_endpoint, "access:check", evaluate(needs)),
    route(endpoints.access_evaluations_endpoint, "access:check", evaluateMany(needs)),
    route("/access/v1/explain", "access:explain", explainEvaluation(needs)),
    route(endpoints.search_subject_endpoint, "access:search", searchSubjects(needs)),
    route(endpoints.search_resource_endpoint, "access:search", searchResources(needs)),
    route(endpoints.search_action_endpoint, "access:search", searchActions(needs)),
  ];
};

const cacheSeconds = 300;

/** §9.2: the well-known part goes between the host and the issuer's path. What is not supported is left out, and so known not to be. */
export const decisionPointDocument = (issuer: string): Route => {
  const { pathname } = new URL(issuer);
  const document = {
    policy_decision_point: issuer,
    ...Object.fromEntries(Object.entries(endpoints).map(([name, path]) => [name, issuer + path])),
  };
  return {
    kind: "document",
    method: "GET",
    path: `/.well-known/authzen-configuration${pathname === "/" ? "" : pathname}`,
    policy: { public: "a gateway reads it before it has any credential (AuthZEN 1.0 §9.2)" },
    cacheSeconds,
    document: () => document,
  };
};
