// A file vault on Countersign: folders are shared by grant and by link, and what is in a folder is decided on at the folder.
// Run it beside a server with `COUNTERSIGN_MODEL=models/bitvault.yaml`: `node_modules/.bin/node examples/file-sharing.mjs`.
//
// Roles and shares compose: a member's role says what may be done at most, a share says where. Nothing here knows either of them; each route
// says what it asks, and where. CLIENT_ID and CLIENT_SECRET are those of a service account of the host with the role `gateway`.
// oxlint-disable no-async-endpoint-handlers -- that rule is about Express; Fastify waits for its handlers
import { randomUUID } from "node:crypto";
import fastify from "fastify";
import { countersign, route } from "../sdk/countersign.ts"; // "@countersign/sdk", in a project of your own
import { callerOf, countersignPlugin } from "../sdk/fastify.ts"; // "@countersign/sdk/fastify"

const { COUNTERSIGN_ISSUER: issuer = "http://localhost:8080", PORT = "3000" } = process.env;
const credentials = { clientId: process.env.CLIENT_ID, clientSecret: process.env.CLIENT_SECRET };
const audience = process.env.AUDIENCE ?? "https://files.example.com";
// A caller's token is for this service, and where the caller wants to share, for Countersign as well: see `asCaller`.
const api = countersign({ issuer, audience, credentials, tenants: "tenants" });

/** By id: `{ tenant, folder, name, text }`. A file is no resource of its own; the folder it is in is. */
const files = new Map();

/** A call to Countersign's own API; what it refuses is refused to our caller in the same words. */
const call = async (path, token, body, headers = {}) => {
  const answer = await fetch(issuer + path, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const said = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(said.detail), { statusCode: answer.status });
  return said;
};

/** In the caller's name and with the caller's rights: whoever shares gives of their own, and the record names them. */
const asCaller = (request, path, body) => call(path, request.headers.authorization.slice("Bearer ".length), body);

/** In the service's own name, for whoever has a link and no token. */
const asService = async (tenant, path, body) => {
  const basic = Buffer.from(`${credentials.clientId}:${credentials.clientSecret}`).toString("base64");
  const answer = await fetch(`${issuer}/oauth/token`, {
    method: "POST",
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: "client_credentials", scope: "share-links:open" }),
  });
  const { access_token: token } = await answer.json();
  return call(path, token, body, { "countersign-tenant": `tenants/${tenant}` });
};

const folder = ({ params }) => `files/${params.folder}`;
const inFolder = (permission) => ({ config: { policy: route({ permission, resource: folder }) } });

const app = fastify();
await app.register(countersignPlugin, { api });

// A folder is registered with Countersign, so that it can be shared.
const underParent = async (request) => (await request.json()).parent;
app.post(
  "/folders",
  { config: { policy: route({ permission: "files:write", resource: underParent }) } },
  async (request) => {
    const { parent, name } = request.body;
    const { resource } = await asCaller(request, "/v1/resources", { type: "files", parent, display_name: name });
    return { folder: resource };
  },
);

app.put("/folders/:folder/files/:name", inFolder("files:write"), async (request) => {
  const id = randomUUID();
  const { folder: within, name } = request.params;
  files.set(id, { tenant: callerOf(request).tenant_id, folder: within, name, text: request.body.text });
  return { file: `files/${id}` };
});

// Where a file is comes from what is stored, and never from the request: a caller who could say it could read anything.
const ofFile = (permission) => {
  const parent = ({ params }) => files.has(params.id) && `files/${files.get(params.id).folder}`;
  return { config: { policy: route({ permission, resource: ({ params }) => `files/${params.id}`, parent }) } };
};
app.get("/files/:id", ofFile("files:read"), async (request) => files.get(request.params.id).text);
app.delete("/files/:id", ofFile("files:delete"), async (request) => ({ deleted: files.delete(request.params.id) }));

app.post("/folders/:folder/shares", inFolder("shares:create"), async (request) => {
  const { principal, level } = request.body;
  const parent = `files/${request.params.folder}`;
  return asCaller(request, "/v1/resource-grants", { parent, principal, level });
});

app.post("/folders/:folder/links", inFolder("shares:create"), async (request) => {
  const { level, expire_time, uses_max } = request.body;
  const link = { parent: `files/${request.params.folder}`, level, display_name: "A link", expire_time, uses_max };
  return asCaller(request, "/v1/share-links", link);
});

const forLinks = route({ public: "a share link is for whoever has it; Countersign says what it opens" });
app.post("/links/:tenant/open", { config: { policy: forLinks } }, async (request) => {
  const { tenant } = request.params;
  const { resource, permissions } = await asService(tenant, "/v1/share-links:open", { link: request.body.link });
  if (!permissions.includes("files:read")) return [];
  const within = [...files.values()].filter((one) => one.tenant === tenant && `files/${one.folder}` === resource);
  return within.map(({ name, text }) => ({ name, text }));
});

await app.listen({ port: Number(PORT) });
