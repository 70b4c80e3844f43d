/**
 * A tenant with one of everything in it, and for every operation a request that names something of it and would be valid. An operation
 * without one is not swept past: the sweep fails and says which request is missing here.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Operation } from "../../server/operations/operation.ts";
import type { Account, Deployment, Tenant } from "../oauth/deployment.ts";

export type Populated = {
  readonly tenant: Tenant;
  readonly owner: Account;
  /** One existing id of every collection. */
  readonly ids: Readonly<Record<string, string>>;
};

export const populate = async (deployment: Deployment, name: string): Promise<Populated> => {
  const tenant = await deployment.tenant(name);
  const owner = await tenant.account({ role: "owner" });
  const client = await tenant.perimeter("clients");
  const account = await tenant.perimeter("accounts", client.ref);
  const user = await tenant.user("member");
  const idOf = async (path: string, body: object): Promise<string> => String((await tenant.does(path, body))["id"]);
  const membership = await idOf("/v1/memberships", { parent: client.ref, user: user.ref });
  const service = await tenant.account();
  const role = await idOf("/v1/roles", { display_name: "Reader", permissions: ["accounts:read"] });
  const assignment = await idOf("/v1/role-assignments", { parent: tenant.ref, principal: service.ref, role: "viewer" });
  const application = await idOf("/v1/applications", {
    parent: client.ref,
    display_name: "An app",
    redirect_uris: ["https://app.example/callback"],
  });
  const session = randomUUID();
  await deployment.sql(
    `insert into sessions (tenant_id, id, user_id, secret_hash, state, methods, acr, auth_time, user_agent, address, create_time,
       seen_time, expire_time, idle_seconds)
     values ($1, $2, $3, $4, 'full', '{pwd}', 'urn:countersign:acr:single-factor', now(), '', '', now(), now(), now() + '1 day', 3600)`,
    [tenant.id, session, user.id, Buffer.alloc(32)],
  );
  const invitation = await idOf("/v1/invitations", { parent: client.ref, email: `${randomUUID()}@acme.example` });
  const domain = await idOf("/v1/domains", { name: `${tenant.id}.example` });
  const group = await idOf("/v1/groups", { parent: client.ref, display_name: "A group" });
  const document = await idOf("/v1/resources", { type: "documents", parent: client.ref, display_name: "A folder" });
  const ownerToken = await deployment.token(owner);
  const token = await deployment.apiToken(ownerToken, ["accounts:read"]);
  const grant = await idOf("/v1/resource-grants", {
    parent: `documents/${document}`,
    principal: service.ref,
    level: "viewer",
  });
  // Lent by a principal of the tenant: the host has nothing there to lend.
  const lent = await deployment.post("/v1/share-links", ownerToken, {
    parent: `documents/${document}`,
    level: "viewer",
    display_name: "A link",
    expire_time: inAMinute(),
  });
  assert.equal(lent.status, 201, lent.text);
  const shareLink = lent.json<{ id: string; link: string }>();
  return {
    tenant,
    owner,
    ids: {
      organizations: tenant.id,
      clients: client.id,
      accounts: account.id,
      users: user.id,
      memberships: membership,
      "service-accounts": service.id,
      "api-tokens": token.ref.split("/")[1] ?? "",
      roles: role,
      invitations: invitation,
      domains: domain,
      "sign-in-policies": tenant.id,
      brandings: tenant.id,
      sessions: session,
      "role-assignments": assignment,
      applications: application,
      groups: group,
      resources: document,
      "resource-grants": grant,
      "share-links": shareLink.id,
      [shareLinkText]: shareLink.link,
    },
  };
};

/** Not an id: what opens the share link. */
const shareLinkText = "a share link's text";

const inAMinute = (): string => new Date(Date.now() + 60_000).toISOString();

/** Ids that never were, of the same collections. */
export const neverWere = (ids: Populated["ids"]): Populated["ids"] =>
  Object.fromEntries(Object.keys(ids).map((name) => [name, randomUUID()]));

const bodies: Readonly<Record<string, (ids: Populated["ids"]) => object>> = {
  "organizations.create": () => ({ display_name: "Another" }),
  "organizations.update": () => ({ display_name: "Renamed" }),
  "clients.create": (ids) => ({ parent: `organizations/${ids["organizations"]}`, display_name: "A client" }),
  "clients.update": () => ({ display_name: "Renamed" }),
  "accounts.create": (ids) => ({ parent: `clients/${ids["clients"]}`, display_name: "An account" }),
  "accounts.update": () => ({ display_name: "Renamed" }),
  "clients.move": (ids) => ({ parent: `organizations/${ids["organizations"]}` }),
  "accounts.move": (ids) => ({ parent: `organizations/${ids["organizations"]}` }),
  "groups.create": (ids) => ({ parent: `clients/${ids["clients"]}`, display_name: "Another group" }),
  "groups.update": () => ({ display_name: "Renamed" }),
  "groups.addMembers": (ids) => ({ members: [`users/${ids["users"]}`] }),
  "groups.removeMembers": (ids) => ({ members: [`users/${ids["users"]}`] }),
  "resources.create": (ids) => ({ type: "documents", parent: `clients/${ids["clients"]}`, display_name: "A file" }),
  "resources.batchCreate": (ids) => ({
    parent: `clients/${ids["clients"]}`,
    resources: [{ type: "documents", display_name: "A file" }],
  }),
  "resource-grants.create": (ids) => ({
    parent: `documents/${ids["resources"]}`,
    principal: `service-accounts/${ids["service-accounts"]}`,
    level: "editor",
  }),
  "share-links.create": (ids) => ({
    parent: `documents/${ids["resources"]}`,
    level: "viewer",
    display_name: "Another link",
    expire_time: inAMinute(),
  }),
  "share-links.open": (ids) => ({ link: ids[shareLinkText] }),
  "resources.update": () => ({ display_name: "Renamed" }),
  "resources.move": (ids) => ({ parent: `accounts/${ids["accounts"]}` }),
  "users.create": (ids) => ({
    parent: `clients/${ids["clients"]}`,
    email: "grace@acme.example",
    display_name: "Grace",
  }),
  "users.importPassword": () => ({ password_hash: "$2b$04$KBCwKxOzLha2MUDgW0PjXelD/gHXb7D9VX0OyEIA0dyN.KJZRQftO" }),
  "users.update": () => ({ display_name: "Renamed" }),
  "memberships.create": (ids) => ({ parent: `accounts/${ids["accounts"]}`, user: `users/${ids["users"]}` }),
  "service-accounts.create": (ids) => ({ parent: `clients/${ids["clients"]}`, display_name: "A service" }),
  "service-accounts.update": () => ({ display_name: "Renamed" }),
  "api-tokens.create": (ids) => ({
    owner: `service-accounts/${ids["service-accounts"]}`,
    display_name: "A token",
    scopes: ["accounts:read"],
    expire_time: new Date(Date.now() + 60_000).toISOString(),
  }),
  "applications.create": (ids) => ({
    parent: `clients/${ids["clients"]}`,
    display_name: "An app",
    redirect_uris: ["https://app.example/callback"],
  }),
  "applications.update": () => ({ display_name: "Renamed" }),
  "invitations.create": (ids) => ({ parent: `clients/${ids["clients"]}`, email: `${randomUUID()}@acme.example` }),
  "domains.create": () => ({ name: `${randomUUID()}.example` }),
  "sign-in-policies.update": () => ({ mfa: "required" }),
  "brandings.update": () => ({ display_name: "Renamed" }),
  "roles.create": () => ({ display_name: "Writer", permissions: ["accounts:update"] }),
  "roles.update": () => ({ display_name: "Renamed" }),
  "role-assignments.create": (ids) => ({
    parent: `organizations/${ids["organizations"]}`,
    principal: `service-accounts/${ids["service-accounts"]}`,
    role: "viewer",
  }),
};

export type Request = {
  readonly method: Operation["method"];
  readonly path: string;
  readonly body: object | undefined;
};

/** The operation's request about these ids. */
export const requestFor = (operation: Operation, ids: Populated["ids"]): Request => {
  const [collection = ""] = operation.name.split(".");
  const id = ids[collection];
  assert.ok(
    id !== undefined || !operation.path.includes("{id}"),
    `populated.ts has no ${collection} to sweep ${operation.name} with`,
  );
  const wanted = ((operation.input["required"] ?? []) as readonly string[]).filter((field) => field !== "id");
  const body = bodies[operation.name]?.(ids);
  assert.ok(
    body !== undefined || wanted.length === 0,
    `populated.ts has no request to sweep ${operation.name} with; it needs ${wanted.join()}`,
  );
  const sends = operation.method === "POST" || operation.method === "PATCH";
  return {
    method: operation.method,
    path: operation.path.replace("{id}", id ?? ""),
    body: sends ? (body ?? {}) : undefined,
  };
};
