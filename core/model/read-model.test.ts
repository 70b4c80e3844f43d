import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Model } from "./model.ts";
import { permissionsIn } from "./permissions.ts";
import { formatModelError, type ModelError, readModel } from "./read-model.ts";
import { perimeterActions, systemResources } from "./system-permissions.ts";

const small = `
title: Small
perimeters:
  company: { collection: companies }
  shop: { collection: shops, in: [company] }
resources:
  files: { in: [shop, files], actions: [read, write], levels: { view: [read], guest: [read] }, sufficient: [guest] }
  engines: { in: [host], actions: [start] }
roles:
  clerk: { title: Clerk, permissions: ["shops:read"], within_grants: ["files:*"] }
governance:
  files:write: { class: human, approvals: { required: 2, initiator_may_approve: true, expires_in: 24h } }
  users:create: { class: machine }
`;

const modelOf = (text: string): Model => {
  const read = readModel(text, "small.yaml");
  assert.ok("model" in read, JSON.stringify(read));
  return read.model;
};

const errorsOf = (text: string): readonly ModelError[] => {
  const read = readModel(text, "bad.yaml");
  return "errors" in read ? read.errors : [];
};

/** `path: reason` of every error, in the order of the file. */
const told = (text: string): readonly string[] => errorsOf(text).map(({ path, reason }) => `${path}: ${reason}`);

describe("a right model", () => {
  test("is compiled whole", () => {
    const model = modelOf(small);
    assert.equal(model.title, "Small");
    assert.deepEqual(model.perimeters.get("company"), { type: "company", collection: "companies", in: [], root: true });
    assert.equal(model.collections.get("shops"), model.perimeters.get("shop"));
    assert.equal(model.resources.get("files")?.levels.get("guest")?.sufficient, true);
    assert.deepEqual(permissionsIn(model, model.resources.get("files")?.levels.get("view")?.permissions ?? []), [
      "files:read",
    ]);

    const clerk = model.roles.get("clerk");
    assert.deepEqual(clerk?.patterns, { permissions: ["shops:read"], withinGrants: ["files:*"] });
    assert.deepEqual(permissionsIn(model, clerk?.withinGrants ?? []), ["files:read", "files:write"]);
    assert.deepEqual(permissionsIn(model, model.hostRoles.get("super_admin")?.permissions ?? []), model.permissions);
    assert.deepEqual(
      [...model.governance],
      [
        [
          "files:write",
          { class: "human", approvals: { required: 2, initiatorMayApprove: true, expiresInSeconds: 86_400 } },
        ],
        ["users:create", { class: "machine", approvals: undefined }],
      ],
    );
  });

  test("has the system's permissions beside its own, sorted, each at its bit", () => {
    const model = modelOf(small);
    for (const [resource, actions] of Object.entries(systemResources)) {
      for (const action of actions) assert.ok(model.vocabulary.has(`${resource}:${action}`));
    }
    for (const action of perimeterActions) assert.ok(model.vocabulary.has(`shops:${action}`));
    assert.deepEqual(model.permissions, [...model.permissions].toSorted());
    model.permissions.forEach((name, index) => assert.equal(model.vocabulary.get(name)?.index, index));
  });

  test("has one canonical text, whatever the layout of the file", () => {
    const again = readModel(`# a comment\n${small.replace("title: Small\n", "")}\ntitle:   "Small"\n`, "other.yaml");
    assert.ok("model" in again);
    assert.equal(again.model.canonical, modelOf(small).canonical);
    assert.notEqual(modelOf(small.replace("[read, write]", "[read, write, burn]")).canonical, modelOf(small).canonical);
  });

  test("may have a type that is a tenant and also stands in another", () => {
    const model = modelOf(
      "perimeters: { group: { collection: holdings }, firm: { collection: firms, in: [group], root: true } }",
    );
    assert.equal(model.perimeters.get("firm")?.root, true);
  });

  test("may use JavaScript's own names", () => {
    const text =
      "perimeters: { company: { collection: constructor } }\nroles: { constructor: { permissions: [constructor:read] } }";
    assert.equal(modelOf(text).roles.size, 1);
    assert.deepEqual(told("perimeters: { company: { collection: companies, root: true, in: [constructor] } }"), [
      "perimeters.company.in[0]: there is no perimeter type `constructor`",
    ]);
  });
});

describe("a wrong model", () => {
  test("is told its every error at once, each with its place and reason", () => {
    const text = `
title: 7
colour: red
perimeters:
  Company: { collection: companies }
  host: { collection: hosts, in: [nowhere] }
  shop: { collection: companies, in: [branch] }
  branch: { collection: users, in: [shop], size: 3 }
  orphan: { collection: orphans, root: false }
  bare: {}
resources:
  users: { in: [shop], actions: [read] }
  orphans: { in: [shop], actions: [read] }
  shop: { in: [Company], actions: [read] }
  files: { in: [cellar], actions: [read, Read, read], levels: { view: [look] }, sufficient: [manage] }
  loops: { in: [loops], actions: [] }
  engines: { in: [host, shop], actions: [start], levels: { drive: [start] } }
  pistons: { in: [engines], actions: [push] }
roles:
  clerk: { permissions: ["files:burn", "nothing:*", "engines:start", 5, "*"], within_grants: ["nothing:here", "branch:*", "orphans:read"] }
  lead: { permissions: ["files:read"] }
  lead: { permissions: files }
  "big boss": []
host_roles:
  clerk: { permissions: ["nobody:cares"], within_grants: ["*"] }
governance:
  files:burn: { class: robot }
  files:read: { class: human, approvals: { required: 0, initiator_may_approve: maybe, expires_in: soon } }
  orphans:read: { approvals: { required: 1.5, expires_in: 0h } }
`;
    assert.deepEqual(told(text), plantedErrors);
  });

  test("is told that it has no root", () => {
    assert.deepEqual(told("perimeters: { a: { collection: as, in: [b] }, b: { collection: bs, in: [a] } }"), [
      "perimeters: has no root type; a type without `in` is a tenant",
      "perimeters.a.in: the parents go in a circle: `a` in `b` in `a`",
      "perimeters.b.in: the parents go in a circle: `b` in `a` in `b`",
    ]);
  });

  test("is told the line and column of a syntax error, and nothing that follows from it", () => {
    const errors = errorsOf("perimeters:\n  company: { collection: companies\nroles: {}\n");
    assert.ok(errors.length > 0);
    for (const { file, path, reason } of errors) {
      assert.equal(file, "bad.yaml");
      assert.equal(path, "");
      assert.match(reason, /^line \d+, column \d+: /);
    }
  });

  test("is refused when it is empty, no mapping, too long, in two documents or built of endless aliases", () => {
    assert.deepEqual(told(""), [": must be a mapping"]);
    assert.deepEqual(told("- a"), [": must be a mapping"]);
    assert.deepEqual(told(" ".repeat(1_000_001)), [": is longer than 1000000 characters"]);
    assert.equal(told("perimeters: {}\n---\nroles: {}").length, 1);
    assert.equal(told("title: *nowhere").length, 1);
    const bomb = [
      "a: &a [x, x]",
      ..."bcdefghij".split("").map((name, at) => `${name}: &${name} [${`*${"abcdefghij"[at]},`.repeat(9)}]`),
    ];
    assert.equal(told(bomb.join("\n")).length, 1);
  });

  test("is told in lines an editor can jump to", () => {
    const [error] = errorsOf(small.replace('"shops:read"', '"shops:fly"'));
    assert.ok(error !== undefined);
    assert.equal(
      formatModelError(error),
      "bad.yaml:10: roles.clerk.permissions[0]: there is no permission `shops:fly`",
    );
  });
});

const badName = (name: string) =>
  `\`${name}\` is not a name: lower-case letters, digits, \`_\` and \`-\`, starting with a letter`;
const badDuration = (text: string) =>
  `\`${text}\` is not a duration; write a whole number and \`s\`, \`m\`, \`h\` or \`d\`, at most \`366d\``;

const plantedErrors: readonly string[] = [
  "title: must be text",
  "colour: unknown field `colour`; the fields here are `title`, `description`, `perimeters`, `resources`, `roles`, `host_roles`, `governance`",
  `perimeters.Company: ${badName("Company")}`,
  "perimeters.host: `host` is the place above all tenants, and can't be a perimeter type",
  "perimeters.host.in[0]: there is no perimeter type `nowhere`",
  "perimeters.shop.collection: `companies` is already the collection of `Company`",
  "perimeters.shop.in: the parents go in a circle: `shop` in `branch` in `shop`",
  "perimeters.branch.collection: `users` is a system collection",
  "perimeters.branch.in: the parents go in a circle: `branch` in `shop` in `branch`",
  "perimeters.branch.size: unknown field `size`; the fields here are `collection`, `in`, `root`",
  "perimeters.orphan: is neither a root nor in anything",
  "perimeters.bare.collection: is missing",
  "resources.users: `users` is a system collection; its permissions are there already",
  "resources.users: `users` is the collection of a perimeter type; its permissions are there already",
  "resources.orphans: `orphans` is the collection of a perimeter type; its permissions are there already",
  "resources.shop: `shop` is a perimeter type",
  "resources.files.in[0]: there is no perimeter type or resource `cellar`",
  `resources.files.actions[1]: ${badName("Read")}`,
  "resources.files.actions[2]: `read` is listed twice",
  "resources.files.levels.view[0]: `files` has no action `look`",
  "resources.files.sufficient[0]: `files` has no level `manage`",
  "resources.loops.in: leads to no perimeter; at least one place on the way up must be a perimeter type",
  "resources.loops.actions: must name at least one",
  "resources.engines.in: what is at the host is nowhere else; `host` must stand alone",
  "resources.engines.levels: nothing at the host can be granted by level",
  "resources.pistons.in[0]: `engines` is at the host, and holds nothing",
  "roles.clerk.permissions[0]: there is no permission `files:burn`",
  "roles.clerk.permissions[1]: `nothing:*` matches no permission",
  "roles.clerk.permissions[2]: `engines:start` belongs to the host; only a host role can have it",
  "roles.clerk.permissions[3]: must be text",
  "roles.clerk.within_grants[0]: there is no permission `nothing:here`",
  "roles.clerk.within_grants[1]: `branch:*` matches no permission",
  "roles.clerk.within_grants[2]: no level gives `orphans:read`",
  "roles.lead: `lead` is there twice",
  "roles.lead.permissions: must be a list",
  `roles.big boss: ${badName("big boss")}`,
  "roles.big boss: must be a mapping",
  "host_roles.clerk: `clerk` is already a role",
  "host_roles.clerk.permissions[0]: there is no permission `nobody:cares`",
  "host_roles.clerk.within_grants: unknown field `within_grants`; the fields here are `title`, `description`, `permissions`",
  "governance.files:burn: there is no permission `files:burn`",
  "governance.files:burn.class: `robot` is not a class; it is `machine` or `human`",
  "governance.files:read.approvals.required: must be a whole number from 1 to 100",
  "governance.files:read.approvals.initiator_may_approve: must be `true` or `false`",
  `governance.files:read.approvals.expires_in: ${badDuration("soon")}`,
  "governance.orphans:read.class: is missing",
  "governance.orphans:read.approvals.required: must be a whole number from 1 to 100",
  `governance.orphans:read.approvals.expires_in: ${badDuration("0h")}`,
];
