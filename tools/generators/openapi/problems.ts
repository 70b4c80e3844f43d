// Failures, from the one table in core/faults.ts: a problem document for each status, and OAuth's own form for its endpoints.
import { faults } from "../../../core/faults.ts";
import { isDoorRoute, type Route } from "../../../server/transport/http/routes.ts";

type Row = { readonly status: number; readonly title: string; readonly oauth?: string };
const rows: readonly (readonly [string, Row])[] = Object.entries(faults);

/** Faults of OAuth alone are no problem documents: they are answered as RFC 6749 §5.2 says. */
const oauthOnly = new Set([
  "invalid_client",
  "invalid_grant",
  "invalid_scope",
  "invalid_target",
  "unauthorized_client",
  "unsupported_grant_type",
]);
const problems = rows.filter(([code]) => !oauthOnly.has(code));

const everywhere = [500, 503];
const decision = [400, 401, 403, 413, 415, ...everywhere];
const read = [400, 401, 403, 404, ...everywhere];
const change = [...read, 409, 412, 413, 415, 422];
const update = [...change, 428];
const statuses = [...new Set([...decision, ...update])].toSorted((a, b) => a - b);

const problemSchema = {
  type: "object",
  description: "RFC 9457",
  required: ["type", "title", "status", "detail", "instance", "code", "request_id"],
  properties: {
    type: { type: "string", description: "`urn:countersign:problem:` and the code" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string", description: "what happened, and what to do" },
    instance: { type: "string", description: "the path that was asked" },
    code: { type: "string", enum: problems.map(([code]) => code), description: "stable; branch on this" },
    permission: { type: "string", description: "what was missing" },
    errors: {
      type: "array",
      description: "each thing that was wrong with the request",
      items: {
        type: "object",
        required: ["path", "message"],
        properties: { path: { type: "string" }, message: { type: "string" } },
      },
    },
    request_id: { type: "string" },
  },
};

const oauthErrorSchema = {
  type: "object",
  description: "RFC 6749 §5.2",
  required: ["error"],
  properties: {
    error: {
      type: "string",
      enum: [...new Set(rows.flatMap(([, { oauth }]) => (oauth === undefined ? [] : [oauth])))].toSorted(),
    },
    error_description: { type: "string" },
  },
};

const responseOf = (status: number) => {
  const codes = problems.filter(([, row]) => row.status === status);
  return {
    description: codes.map(([code, { title }]) => `\`${code}\`: ${title}`).join("; "),
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  };
};

const oauthErrorResponse = (description: string) => ({
  description,
  content: { "application/json": { schema: { $ref: "#/components/schemas/OAuthError" } } },
});

export const problemComponents = {
  schemas: { Problem: problemSchema, OAuthError: oauthErrorSchema },
  responses: {
    ...Object.fromEntries(statuses.map((status) => [`Problem${status}`, responseOf(status)])),
    OAuthError400: oauthErrorResponse("The request or its grant is not accepted"),
    OAuthError401: oauthErrorResponse("The client, or the bearer token it called with, is not authenticated"),
    OAuthError403: oauthErrorResponse("The caller may not do this"),
    OAuthError503: oauthErrorResponse("The server cannot answer now"),
  },
};

/** The failures a route may answer with. */
export const answersOf = (route: Route): Readonly<Record<string, unknown>> => {
  if (route.kind === "document") return {};
  if (isDoorRoute(route)) return references("OAuthError", [400, 401, 403, 503]);
  if (route.kind === "json") return references("Problem", decision);
  return references("Problem", route.operation.kind === "read" ? read : route.method === "PATCH" ? update : change);
};

const references = (kind: string, failures: readonly number[]) =>
  Object.fromEntries(failures.map((status) => [status, { $ref: `#/components/responses/${kind}${status}` }]));
