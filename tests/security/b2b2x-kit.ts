/**
 * An enterprise on a real server, and its three ways of giving a client its people: what the tests of them share.
 *
 *     const treasury = await openEnterprise();
 *     const client = await treasury.client("First");
 *     const admin = await treasury.human(client.ref, "client_admin");
 *     const answer = await admin.post("/v1/accounts", { parent: client.ref, display_name: "Operating" });
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { type Deployment, type Json, startDeployment } from "../oauth/deployment.ts";
import { type Answer, bearer } from "../oauth/http.ts";

export type Place = { readonly id: string; readonly ref: string };

/** Who calls: a human by an API token of theirs, a service by a token of its own. */
export type Principal = {
  readonly id: string;
  readonly ref: string;
  post(path: string, body?: object): Promise<Answer>;
  get(path: string): Promise<Answer>;
  /** Of what is there now: with the etag it has. */
  patch(path: string, body: object): Promise<Answer>;
  delete(path: string): Promise<Answer>;
};

export type Entry = {
  readonly action: string;
  readonly outcome: string;
  readonly actor_of_record: string | null;
  readonly authenticated_principal: string | null;
  readonly target: string | null;
  readonly target_path: readonly string[] | null;
  readonly bypass: boolean;
};

export type Enterprise = Place & {
  readonly deployment: Deployment;
  /** By the host, about this enterprise: its answer must be a success. */
  does(path: string, body?: object): Promise<Json>;
  client(name: string): Promise<Place>;
  account(parent: string): Promise<Place>;
  /** A user registered at the place, with the role there where one is named; it calls by an API token with all scopes. */
  human(at: string, role?: string): Promise<Principal>;
  service(): Promise<Principal>;
  assign(principal: string, role: string, at: string): Promise<string>;
  /** The newest entry of the enterprise's log. */
  lastEntry(): Promise<Entry>;
  entriesOf(actor: string): Promise<readonly Entry[]>;
  /** Whether the principal may, and what else it takes: asked by the enterprise's resource server. */
  decision(
    principal: string,
    permission: string,
    at: string,
  ): Promise<{ readonly effect: string; readonly obligations: readonly { readonly kind: string }[] }>;
  close(): Promise<void>;
};

const model = fileURLToPath(new URL("../../models/b2b2x.yaml", import.meta.url));

export const openEnterprise = async (): Promise<Enterprise> => {
  const deployment = await startDeployment({ env: { COUNTERSIGN_MODEL: model } });
  const made = await deployment.post("/v1/enterprises", deployment.host, { display_name: "Treasury Inc" });
  assert.equal(made.status, 201, made.text);
  const { id, resource: ref } = made.json<{ id: string; resource: string }>();
  const tenant = { "countersign-tenant": ref };

  const does: Enterprise["does"] = async (path, body = {}) => {
    const answer = await deployment.post(path, deployment.host, body, 0, tenant);
    assert.ok(answer.status === 200 || answer.status === 201, `${path} answered ${answer.status}: ${answer.text}`);
    return answer.json();
  };
  const placeOf = (json: Json): Place => ({ id: String(json["id"]), ref: String(json["resource"]) });
  const assign: Enterprise["assign"] = async (principal, role, at) =>
    String((await does("/v1/role-assignments", { parent: at, principal, role }))["id"]);

  const callingBy = (token: string, principal: Place): Principal => ({
    ...principal,
    post: (path, body) => deployment.post(path, token, body),
    get: (path) => deployment.get(path, token),
    patch: async (path, body) => {
      const { etag } = (await deployment.send(path, { headers: { ...bearer(deployment.host), ...tenant } })).json<{
        etag: string;
      }>();
      const headers = { ...bearer(token), "content-type": "application/json", "if-match": `"${etag}"` };
      return deployment.send(path, { method: "PATCH", headers, body: JSON.stringify(body) });
    },
    delete: (path) => deployment.send(path, { method: "DELETE", headers: bearer(token) }),
  });

  const columns = "action, outcome, actor_of_record, authenticated_principal, target, target_path, bypass";
  return {
    id,
    ref,
    deployment,
    does,
    assign,
    client: async (display_name) => placeOf(await does("/v1/clients", { parent: ref, display_name })),
    account: async (parent) => placeOf(await does("/v1/accounts", { parent, display_name: "Operating" })),
    human: async (at, role) => {
      const user = placeOf(
        await does("/v1/users", { parent: at, email: `${randomUUID()}@client.example`, display_name: "Ada" }),
      );
      // A token's scopes are bounded by what its owner holds when it is made; what it may do is judged when it is used.
      const passing = await assign(user.ref, "owner", ref);
      const { token } = await does("/v1/api-tokens", {
        owner: user.ref,
        display_name: "All of it",
        scopes: ["*"],
        expire_time: new Date(Date.now() + 3_600_000).toISOString(),
      });
      await does(`/v1/role-assignments/${passing}:revoke`);
      if (role !== undefined) await assign(user.ref, role, at);
      return callingBy(String(token), user);
    },
    service: async () => {
      const account = await does("/v1/service-accounts", { parent: ref, display_name: "Automation" });
      const token = await deployment.token({
        client_id: String(account["client_id"]),
        client_secret: String(account["client_secret"]),
      });
      return callingBy(token, placeOf(account));
    },
    lastEntry: async () => {
      const [entry] = await deployment.sql<Entry>(
        `select ${columns} from audit_entries where tenant_id = $1 order by time desc, ctid desc limit 1`,
        [id],
      );
      assert.ok(entry);
      return entry;
    },
    entriesOf: (actor) =>
      deployment.sql<Entry>(
        `select ${columns} from audit_entries where tenant_id = $1 and actor_of_record = $2 order by time, ctid`,
        [id, actor],
      ),
    decision: async (principal, permission, at) => {
      const [type, subject] = principal.split("/");
      const [resourceType, resourceId] = at.split("/");
      const asked = {
        subject: { type, id: subject, properties: { tenant: ref } },
        action: { name: permission },
        resource: { type: resourceType, id: resourceId },
      };
      const answer = await deployment.post("/access/v1/evaluation", deployment.host, asked);
      assert.equal(answer.status, 200, answer.text);
      return answer.json<{ context: { effect: string; obligations: { kind: string }[] } }>().context;
    },
    close: deployment.close,
  };
};
