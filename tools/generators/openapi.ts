// The REST API as an OpenAPI 3.1 document, from the route table with the model that `npm start` loads. An operation describes itself; what
// the protocols' endpoints take and answer is said in openapi/protocols.ts, and a route that is described nowhere stops the generator.
import { loadModel } from "../../server/startup/access-model.ts";
import { routeTable } from "../../server/route-table.ts";
import type { Route } from "../../server/transport/http/routes.ts";
import { answersOf, problemComponents } from "./openapi/problems.ts";
import { operationEntry } from "./openapi/operations.ts";
import { protocolEntry } from "./openapi/protocols.ts";
import { sharedSchemas } from "./openapi/shared-schemas.ts";

export const path = "api/openapi.json";

const issuer = "http://localhost:8080";

/** The table's handlers are not called here, so what they need is left out. */
type Needs = Parameters<typeof routeTable>;

export const generate = async (): Promise<string> => {
  const { model } = loadModel("models/default.yaml");
  const needs = { model, issuer } as unknown as Needs[0] & Needs[1] & Needs[2];
  const routes = routeTable(needs, needs, needs);
  const { schemas, share } = sharedSchemas(routes, model);
  const document = {
    openapi: "3.1.0",
    info: {
      title: "Countersign",
      version: "1",
      summary: "Who is calling, for whom, what may they do, and who else must agree.",
      description: `The collections \`${[...model.collections.keys()].join("`, `")}\` come from the access model \`models/default.yaml\`; with another model they have its names, and the rest is the same.`,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: issuer, description: "COUNTERSIGN_ISSUER" }],
    security: [{ bearer: [] }],
    tags: tagsOf(routes).map((name) => ({ name })),
    paths: pathsOf(routes, share),
    components: {
      schemas: { ...schemas, ...problemComponents.schemas },
      parameters,
      responses: problemComponents.responses,
      headers,
      securitySchemes,
    },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
};

const pathsOf = (
  routes: readonly Route[],
  share: (schema: unknown) => unknown,
): Record<string, Record<string, unknown>> => {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes.filter(isForPrograms)) {
    const entry = route.kind === "operation" ? operationEntry(route.operation, share) : protocolEntry(route);
    const item = (paths[route.path] ??= {});
    item[route.method.toLowerCase()] = { ...entry, responses: { ...entry.responses, ...answersOf(route) } };
  }
  return paths;
};

/** Pages are for people; no program calls them. */
const isForPrograms = (route: Route): boolean => route.kind !== "page";

const tagsOf = (routes: readonly Route[]): readonly string[] => [
  ...new Set(
    routes
      .filter(isForPrograms)
      .map((route) =>
        route.kind === "operation" ? (route.operation.name.split(".")[0] ?? "") : protocolEntry(route).tags[0],
      ),
  ),
];

const parameters = {
  Tenant: {
    name: "Countersign-Tenant",
    in: "header",
    description: "for callers of the host: the tenant the request is about, as a ref, or `host`",
    schema: { type: "string", maxLength: 100 },
    example: "organizations/3f2b8c7e-5a51-4e0e-9a53-0d7f1f6f6d1b",
  },
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    description:
      "do it once: for 24 hours the same key with the same body replays the answer, without secrets that are shown once",
    schema: { type: "string", minLength: 1, maxLength: 255 },
  },
  IfMatch: {
    name: "If-Match",
    in: "header",
    description: "only if the resource still has this etag; updates of roles and credentials require it",
    schema: { type: "string" },
    example: '"r1"',
  },
};

const headers = {
  ETag: { description: "the resource's version, for `If-Match`", schema: { type: "string" } },
  RequestId: { description: "finds this request in the log and in the audit log", schema: { type: "string" } },
  IdempotentReplayed: {
    description: "`true` where the answer is an earlier one's",
    schema: { type: "string", const: "true" },
  },
  Consistency: {
    description: "a token that names this change: a decision that is asked for with it knows of the change",
    schema: { type: "string" },
  },
};

const securitySchemes = {
  bearer: {
    type: "http",
    scheme: "bearer",
    description: "an access token (RFC 6750), or an API token",
  },
  clientSecret: { type: "http", scheme: "basic", description: "client_secret_basic (RFC 6749 §2.3.1)" },
  clientCredentials: {
    type: "oauth2",
    flows: {
      clientCredentials: {
        tokenUrl: "/oauth/token",
        scopes: { "*": "everything the client may; otherwise permissions, such as `users:read`" },
      },
    },
  },
};
