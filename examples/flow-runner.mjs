// Voice-agent flows on Countersign: every route says its scopes and its permission, and a flow is not even tried without its providers' secrets.
// Run it beside a server with `COUNTERSIGN_MODEL=models/aico.yaml`: `node_modules/.bin/node examples/flow-runner.mjs`.
//
// Leave a policy out, and it does not start. A token with `flows:*` carries every scope of flows. A super admin, who is the host's and no
// organization's, may switch into any organization and alone has the operator's controls; each such request is on record.
// CLIENT_ID and CLIENT_SECRET are those of a service account of the host with a role that has `access:check`.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { countersign, route } from "../sdk/countersign.ts"; // "@countersign/sdk", in a project of your own
import { callerOf, routes } from "../sdk/node.ts"; // "@countersign/sdk/node"

const { COUNTERSIGN_ISSUER: issuer = "http://localhost:8080", PORT = "3000" } = process.env;
const api = countersign({
  issuer,
  audience: process.env.AUDIENCE ?? "https://flows.example.com",
  credentials: { clientId: process.env.CLIENT_ID, clientSecret: process.env.CLIENT_SECRET },
  // The active organization, for whoever may switch: nobody but a super admin gets anywhere with it.
  tenant: ({ header }) => header("active-organization"),
  audit: (entry) => console.log(JSON.stringify(entry)),
});

/** What each provider needs, by the names of its secrets. */
const required = { telephony: ["SIP_USER", "SIP_PASSWORD"], speech: ["SPEECH_KEY"], language: ["MODEL_KEY"] };

/** Everything is kept by organization, and what is found is found in one: `shelf` is the repository layer. */
const shelves = new Map();
const shelf = (request) => {
  const { tenant_id: organization } = callerOf(request);
  if (!shelves.has(organization)) shelves.set(organization, { flows: new Map(), secrets: new Map(), calls: [] });
  return shelves.get(organization);
};

const send = (response, status, body, type = "application/json") =>
  response.writeHead(status, { "content-type": type }).end(JSON.stringify(body));

/** RFC 9457. HTTP 412 has another meaning too, a failed `If-Match`; the type tells them apart. */
const missingSecrets = (missing) => ({
  type: "urn:countersign:problem:missing_provider_secrets",
  title: "Providers of this flow have no secrets",
  status: 412,
  detail: `set ${missing.map(({ secret }) => secret).join(", ")} first`,
  missing,
});

const listFlows = (request, response) => send(response, 200, [...shelf(request).flows.values()]);

const saveFlow = async (request, response, { json }) => {
  const { id = randomUUID(), name, providers } = await json();
  const { flows } = shelf(request);
  // Every save is a version.
  const version = (flows.get(id)?.version ?? 0) + 1;
  const known = Array.isArray(providers) && providers.every((one) => Object.hasOwn(required, one));
  if (!known) return send(response, 400, { detail: `providers are ${Object.keys(required).join(", ")}` });
  flows.set(id, { id, name, providers, version });
  return send(response, 201, flows.get(id));
};

const trigger = (request, response, { params }) => {
  const { flows, secrets, calls } = shelf(request);
  const flow = flows.get(params.id);
  if (flow === undefined) return send(response, 404, { detail: "there is no such flow" });
  // Before a worker is sent, and not by a vendor's refusal in the middle of a call.
  const missing = flow.providers.flatMap((provider) =>
    required[provider].filter((secret) => !secrets.has(secret)).map((secret) => ({ provider, secret })),
  );
  if (missing.length > 0) return send(response, 412, missingSecrets(missing), "application/problem+json");
  calls.push({ flow: flow.id, version: flow.version, by: callerOf(request).subject });
  return send(response, 202, { call: calls.length });
};

const setSecrets = async (request, response, { json }) => {
  const { secrets } = shelf(request);
  for (const [name, value] of Object.entries(await json())) secrets.set(name, value);
  // Their names, and never what they are.
  send(response, 200, { set: [...secrets.keys()] });
};

const listCalls = (request, response) => send(response, 200, shelf(request).calls);
const allocate = (request, response) => send(response, 200, { gpus: 1, bypass: callerOf(request).bypass });
const policy = (permission) => route({ permission, scopes: [permission] });

createServer(
  routes(api, {
    "GET /health": [route({ public: "the load balancer asks" }), (_, response) => send(response, 200, "well")],
    "GET /flows": [policy("flows:read"), listFlows],
    "POST /flows": [policy("flows:create"), saveFlow],
    "POST /flows/:id/trigger": [policy("flows:trigger"), trigger],
    "PUT /secrets": [policy("settings:update"), setSecrets],
    "GET /calls": [policy("monitoring:read"), listCalls],
    "POST /gpus": [policy("gpus:allocate"), allocate],
  }),
).listen(Number(PORT));
