/**
 * Each shipped model against the document it comes from: every row of every role table, what it allows and what it must not, asked through
 * `decide()` as a request would.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { decide } from "../core/decide/decide.ts";
import type { AssignmentFact, Decision, Facts } from "../core/decide/types.ts";
import type { NodeId, PrincipalId, PrincipalKind } from "../core/ids.ts";
import type { Model } from "../core/model/model.ts";
import { isSubset, permissionsIn, union } from "../core/model/permissions.ts";
import { formatModelError, readModel } from "../core/model/read-model.ts";

const folder = new URL("./", import.meta.url);

const load = (file: string): Model => {
  const read = readModel(readFileSync(new URL(file, folder), "utf8"), file);
  assert.ok("model" in read, "errors" in read ? read.errors.map(formatModelError).join("\n") : "");
  return read.model;
};

type Asking = {
  readonly role?: string;
  readonly hostRole?: string;
  /** Types from the target up to the root; one node of each. The role is anchored at the root, or where `anchor` says. */
  readonly path: readonly string[];
  readonly anchor?: string;
  /** A grant: `files/editor`, given on the target's parent, so that it must be inherited. */
  readonly grant?: string;
  readonly kind?: PrincipalKind;
};

const factsOf = (model: Model, { role, hostRole, path, anchor, grant, kind = "human" }: Asking): Facts => {
  const given = role === undefined ? undefined : model.roles.get(role);
  const host = hostRole === undefined ? undefined : model.hostRoles.get(hostRole);
  assert.ok(role === undefined || given !== undefined, `no role ${role}`);
  const assignments = [
    ...(given === undefined ? [] : [{ ...given, anchor: (anchor ?? path.at(-1)) as NodeId }]),
    ...(host === undefined ? [] : [{ ...host, anchor: "host" as const }]),
  ].map(
    (one): AssignmentFact => ({
      id: one.name,
      role: one.name,
      anchor: one.anchor,
      propagation: "subtree",
      permissions: one.permissions,
      withinGrants: one.withinGrants,
      expiresAt: null,
    }),
  );
  const [type = "", level = ""] = grant?.split("/") ?? [];
  const granted = model.resources.get(type)?.levels.get(level);
  assert.ok(grant === undefined || granted !== undefined, `no level ${grant}`);
  return {
    principal: { id: "someone" as PrincipalId, kind, state: "active" },
    path: path.map((node) => ({ node: node as NodeId, type: node, state: "active" })),
    assignments,
    grants:
      granted === undefined
        ? []
        : [
            {
              id: "a-grant",
              resource: (path[1] ?? "") as NodeId,
              level,
              permissions: granted.permissions,
              sufficient: granted.sufficient,
              expiresAt: null,
            },
          ],
  };
};

const ask = (model: Model, asking: Asking, permission: string): Decision =>
  decide(model, { permission, at: 0 }, factsOf(model, asking));

/** Asserts that of the permissions listed by `among`, exactly these are not denied. Patterns as in roles. */
const allowsOnly = (
  model: Model,
  asking: Asking,
  allowed: readonly string[],
  among: readonly string[] = model.permissions,
) => {
  const matches = (permission: string) =>
    allowed.some(
      (one) => one === "*" || one === permission || (one.endsWith(":*") && permission.startsWith(one.slice(0, -1))),
    );
  for (const one of allowed) assert.ok(one === "*" || among.some((name) => name.startsWith(one.replace("*", ""))), one);
  assert.deepEqual(
    among.filter((permission) => ask(model, asking, permission).effect !== "deny"),
    among.filter(matches),
  );
};

/** What stands in a tenant: everything but what belongs to the host. */
const tenantPermissions = (model: Model) =>
  model.permissions.filter((name) => model.vocabulary.get(name)?.host === false);

describe("all shipped models", () => {
  const files = readdirSync(folder).filter((name) => name.endsWith(".yaml") && !name.endsWith(".test.yaml"));

  test("are five, and without error", () => {
    assert.deepEqual(files.toSorted(), ["aico.yaml", "b2b2x.yaml", "bitvault.yaml", "bivariant.yaml", "default.yaml"]);
    for (const file of files) assert.notEqual(load(file).title, "");
  });

  test("give every role a title, and a super admin at the host", () => {
    for (const file of files) {
      const model = load(file);
      for (const { name, title } of [...model.roles.values(), ...model.hostRoles.values()])
        assert.notEqual(title, name, file);
      assert.deepEqual(permissionsIn(model, model.hostRoles.get("super_admin")?.permissions ?? []), model.permissions);
      assert.deepEqual(permissionsIn(model, model.roles.get("owner")?.permissions ?? []), tenantPermissions(model));
    }
  });
});

describe("default", () => {
  const model = load("default.yaml");
  const path = ["account", "client", "organization"];

  test("an admin runs the organization, and neither deletes it nor moves money", () => {
    for (const one of ["users:create", "roles:update", "clients:delete", "documents:share"]) {
      assert.equal(ask(model, { role: "admin", path }, one).effect, "permit", one);
    }
    for (const one of ["organizations:delete", "organizations:suspend", "payouts:create", "payouts:approve"]) {
      assert.equal(ask(model, { role: "admin", path }, one).effect, "deny", one);
    }
  });

  test("an admin holds all that a member, a viewer and an auditor hold, and so may appoint them (invariant 8)", () => {
    const admin = model.roles.get("admin");
    for (const name of ["member", "viewer", "auditor"]) {
      const role = model.roles.get(name);
      assert.ok(admin && role);
      assert.ok(isSubset(union(role.permissions, role.withinGrants), admin.permissions), name);
    }
  });

  test("an auditor and a viewer only ever read, and an auditor asks who may do what", () => {
    for (const role of ["auditor", "viewer"]) {
      for (const one of model.permissions.filter((name) => !name.endsWith(":read") && !name.startsWith("access:"))) {
        assert.equal(ask(model, { role, path }, one).effect, "deny", `${role} ${one}`);
      }
    }
    assert.equal(ask(model, { role: "auditor", path }, "audit:read").effect, "permit");
  });

  test("a member works on documents only where granted", () => {
    const target = ["document", "documents", ...path];
    assert.equal(ask(model, { role: "member", path: target }, "documents:read").effect, "deny");
    assert.equal(
      ask(model, { role: "member", path: target, grant: "documents/editor" }, "documents:update").effect,
      "permit",
    );
    assert.equal(
      ask(model, { role: "member", path: target, grant: "documents/editor" }, "documents:delete").effect,
      "deny",
    );
    assert.equal(
      ask(model, { role: "viewer", path: target, grant: "documents/editor" }, "documents:update").effect,
      "deny",
    );
  });

  test("a payout is approved by a human", () => {
    assert.equal(ask(model, { role: "owner", path }, "payouts:approve").effect, "permit");
    assert.deepEqual(ask(model, { role: "owner", path, kind: "service" }, "payouts:approve").obligations, [
      { kind: "human" },
    ]);
  });
});

describe("bivariant (seed 000)", () => {
  const model = load("bivariant.yaml");
  const path = ["organization"];

  test("every key component is there: organizations, roles, API keys, service accounts, resource:action permissions", () => {
    for (const one of [
      "organizations:read",
      "memberships:create",
      "roles:create",
      "api-tokens:create",
      "service-accounts:create",
    ]) {
      assert.ok(model.vocabulary.has(one), one);
    }
    for (const one of ["sip-trunks", "phone-numbers", "calls", "messages", "rooms"])
      assert.ok(model.resources.has(one), one);
  });

  test("an account has what its role has, and only in its organization", () => {
    for (const { name, patterns } of model.roles.values()) {
      if (name !== "owner") allowsOnly(model, { role: name, path }, patterns.permissions);
      assert.equal(ask(model, { role: name, path, anchor: "another" }, "calls:read").effect, "deny");
    }
    allowsOnly(model, { role: "owner", path }, ["*"]);
  });

  test("agents run calls and manage nothing; an admin manages and does not delete the organization", () => {
    for (const one of ["users:read", "roles:read", "sip-trunks:update", "phone-numbers:acquire"]) {
      assert.equal(ask(model, { role: "agent_worker", path, kind: "service" }, one).effect, "deny", one);
    }
    assert.equal(ask(model, { role: "agent_worker", path, kind: "service" }, "calls:place").effect, "permit");
    assert.equal(ask(model, { role: "admin", path }, "organizations:delete").effect, "deny");
  });
});

describe("bitvault (seed 001)", () => {
  const model = load("bitvault.yaml");
  const tenant = ["tenant"];
  const file = ["file", "folder", "tenant"];
  const files = ["files:delete", "files:read", "files:write"];

  test("owner: full control including billing and tenant deletion", () => {
    allowsOnly(model, { role: "owner", path: tenant }, ["*"]);
    for (const one of ["billing:update", "tenants:delete"])
      assert.equal(ask(model, { role: "owner", path: tenant }, one).effect, "permit");
  });

  test("admin: user management, share management, all file operations; no billing, no tenant deletion", () => {
    allowsOnly(model, { role: "admin", path: file }, [
      "users:*",
      "memberships:*",
      "groups:*",
      "roles:read",
      "role-assignments:*",
      "shares:*",
      "resource-grants:*",
      "share-links:*",
      "access:*",
      "files:*",
      "resources:*",
      "tenants:read",
    ]);
  });

  test("member: file read and write within granted paths", () => {
    allowsOnly(model, { role: "member", path: file }, ["tenants:read"]);
    allowsOnly(model, { role: "member", path: file, grant: "files/editor" }, [
      "tenants:read",
      "files:read",
      "files:write",
    ]);
    allowsOnly(model, { role: "member", path: file, grant: "files/viewer" }, ["tenants:read", "files:read"]);
    allowsOnly(model, { role: "member", path: file, grant: "files/manager" }, ["files:read", "files:write"], files);
  });

  test("viewer: read-only access to explicitly granted nodes", () => {
    allowsOnly(model, { role: "viewer", path: file }, ["tenants:read"]);
    for (const level of ["viewer", "editor", "manager", "guest"]) {
      allowsOnly(model, { role: "viewer", path: file, grant: `files/${level}` }, ["tenants:read", "files:read"]);
    }
  });

  test("default policy is deny; a role assignment or a share is the only way in", () => {
    allowsOnly(model, { path: file }, []);
    allowsOnly(model, { path: file, grant: "files/manager" }, []);
    allowsOnly(model, { path: file, grant: "files/guest" }, ["files:read"]);
    assert.equal(ask(model, { path: file, grant: "files/guest" }, "files:read").because.rule, "grant");
  });

  test("roles are a tenant's: in another tenant they give nothing", () => {
    for (const role of ["owner", "admin", "member", "viewer"])
      allowsOnly(model, { role, path: file, anchor: "other-tenant" }, []);
  });

  test("the gateway introspects, checks and opens share links in any tenant, and nothing else", () => {
    allowsOnly(model, { hostRole: "gateway", path: tenant, kind: "service" }, [
      "tokens:introspect",
      "access:check",
      "share-links:open",
    ]);
  });
});

describe("aico (seed 002)", () => {
  const model = load("aico.yaml");
  const path = ["organization"];
  const operator = [
    "gpus:allocate",
    "gpus:read",
    "models:read",
    "models:select",
    "voices:delete",
    "voices:read",
    "voices:write",
  ];

  /** API scopes and organization permissions, as the table has them. What a row does not list is denied. */
  const table = {
    admin: [
      "flows:*",
      "telephony:*",
      "org:*",
      "monitoring:*",
      "bookings:*",
      "invitations:*",
      "memberships:*",
      "roles:*",
      "role-assignments:*",
      "settings:*",
    ],
    member: ["flows:*", "telephony:read", "org:read"],
    supervisor: ["flows:*", "monitoring:*", "telephony:control", "org:*"],
    viewer: ["flows:read", "telephony:read", "monitoring:read", "org:read"],
    booking_manager: ["bookings:*", "org:*"],
  };

  for (const [role, allowed] of Object.entries(table)) {
    test(`${role}: ${allowed.join(", ")}, and nothing else`, () => allowsOnly(model, { role, path }, allowed));
  }

  test("there are no other roles", () => {
    assert.deepEqual([...model.roles.keys()], ["owner", ...Object.keys(table)]);
    assert.equal(model.roles.get("booking_manager")?.title, "Booking Manager");
  });

  test("owner: everything of the organization, and nothing of the operator's runtime", () => {
    allowsOnly(model, { role: "owner", path }, ["*"], tenantPermissions(model));
    allowsOnly(model, { role: "owner", path }, [], operator);
    allowsOnly(model, { role: "owner", path: [], anchor: "organization" }, []);
  });

  test("super admin: any organization, the only path to runtime infrastructure, and every use named a bypass", () => {
    assert.deepEqual(
      model.permissions.filter((name) => model.vocabulary.get(name)?.host === true),
      operator,
    );
    allowsOnly(model, { hostRole: "super_admin", path }, ["*"]);
    allowsOnly(model, { hostRole: "super_admin", path: [] }, ["*"]);
    assert.deepEqual(ask(model, { hostRole: "super_admin", path }, "flows:read").because, {
      rule: "host_role",
      permission: "flows:read",
      assignment: "super_admin",
      role: "super_admin",
      bypass: true,
    });
  });
});

describe("b2b2x (seed 003)", () => {
  const model = load("b2b2x.yaml");
  const path = ["account", "client", "enterprise"];

  test("an account may stand in a client or in the enterprise", () => {
    assert.deepEqual(model.perimeters.get("account")?.in, ["client", "enterprise"]);
    assert.deepEqual([...model.collections.keys()], ["enterprises", "clients", "accounts"]);
  });

  test("every role has what it lists, with member's documents by grant only", () => {
    for (const { name, patterns } of model.roles.values())
      allowsOnly(model, { role: name, path }, patterns.permissions);
    const document = ["document", "folder", "client", "enterprise"];
    assert.equal(ask(model, { role: "member", path: document }, "documents:update").effect, "deny");
    assert.equal(
      ask(model, { role: "member", path: document, grant: "documents/editor" }, "documents:update").effect,
      "permit",
    );
    assert.equal(
      ask(model, { role: "member", path: document, grant: "documents/manager" }, "documents:delete").effect,
      "deny",
    );
  });

  test("enterprise-driven users: an identity admin of the enterprise manages people in every client, and moves no money", () => {
    assert.equal(ask(model, { role: "identity_admin", path }, "users:create").effect, "permit");
    assert.equal(ask(model, { role: "identity_admin", path }, "payouts:create").effect, "deny");
  });

  test("client-delegated users: a client admin manages people in that client, and has nothing outside it", () => {
    assert.equal(ask(model, { role: "client_admin", path, anchor: "client" }, "users:create").effect, "permit");
    allowsOnly(model, { role: "client_admin", path: ["enterprise"], anchor: "client" }, []);
    allowsOnly(model, { role: "client_admin", path: ["other-client", "enterprise"], anchor: "client" }, []);
  });

  test("machine principals with cross-client scope: the integration reads in each client it is assigned", () => {
    assert.equal(
      ask(model, { role: "integration", path, anchor: "client", kind: "service" }, "payouts:read").effect,
      "permit",
    );
    assert.equal(
      ask(model, { role: "integration", path, anchor: "enterprise", kind: "service" }, "tokens:issue").effect,
      "permit",
    );
  });

  test("a payout needs a human of record and two others' approval; a service can't substitute for either", () => {
    const approval = { kind: "approval", rule: { required: 2, initiatorMayApprove: false, expiresInSeconds: 86_400 } };
    const ordered = ask(model, { role: "treasurer", path }, "payouts:create");
    assert.equal(ordered.effect, "conditional");
    assert.deepEqual(ordered.obligations, [approval]);
    assert.deepEqual(ask(model, { role: "integration", path, kind: "service" }, "payouts:create").obligations, [
      { kind: "human" },
      approval,
    ]);
    assert.equal(ask(model, { role: "approver", path }, "payouts:approve").effect, "permit");
    assert.equal(ask(model, { role: "approver", path }, "payouts:create").effect, "deny");
  });
});
