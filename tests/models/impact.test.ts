/** Whom a change of the model concerns, whatever way they come to be concerned by it: everything that stores a name of the model. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { type Json, startDeployment, type Tenant } from "../oauth/deployment.ts";
import { runCli } from "../support/server-process.ts";
import { modelText, openFolder, type Parts } from "./kit.ts";

const folder = await openFolder();
const deployment = await startDeployment({ env: { COUNTERSIGN_MODEL: await folder.model("first") } });
after(async () => {
  await deployment.close();
  await folder.remove();
});
const acme = await deployment.tenant("Acme");
const other = await deployment.tenant("Other");
const owner = await acme.account({ role: "owner" });

type Use = { readonly of: string; readonly name: string; readonly count: number; readonly refs: readonly string[] };

let number = 0;
/** Of the changes at the path, who is concerned: `of name` → refs, in the one tenant. */
const concerned = async (
  path: string,
  parts: Parts,
  tenant: Tenant = acme,
): Promise<Readonly<Record<string, readonly string[]>>> => {
  const file = await folder.model(`variant-${(number += 1)}`, parts);
  const { stdout, stderr } = await runCli(["model", "diff", file, "--json"], deployment.env);
  assert.notEqual(stdout, "", stderr);
  const { changes } = JSON.parse(stdout) as {
    readonly changes: readonly {
      readonly path: string;
      readonly tenants: readonly { readonly tenant: string; readonly uses: readonly Use[] }[];
    }[];
  };
  const found = changes.filter((change) => change.path === path);
  assert.ok(found.length > 0, `${path} is not among ${changes.map((change) => change.path).join(", ")}`);
  const uses = found
    .flatMap(({ tenants }) => tenants.filter((one) => one.tenant === tenant.ref))
    .flatMap((one) => one.uses);
  for (const { count, refs } of uses) assert.equal(refs.length, Math.min(count, 5));
  return Object.fromEntries(uses.map(({ of, name, refs }) => [`${of} with ${name}`, refs]));
};

const made = async (path: string, body: object, tenant: Tenant = acme): Promise<string> =>
  String((await tenant.does(path, body))["resource"]);
const inAnHour = new Date(Date.now() + 3_600_000).toISOString();

const moreForClerks: Parts = { clerk: '{ permissions: ["clients:read", "notes:read", "accounts:read"] }' };

test("a role: whoever has it, also through a group and a group in it, whoever is invited to it, and the door strangers come in by", async () => {
  const [direct, inGroup, inInner] = [await acme.user("clerk"), await acme.user(), await acme.user()];
  const inner = await made("/v1/groups", { display_name: "Inner" });
  const outer = await made("/v1/groups", { display_name: "Outer" });
  await acme.does(`/v1/${inner}:addMembers`, { members: [inInner.ref] });
  await acme.does(`/v1/${outer}:addMembers`, { members: [inGroup.ref, inner] });
  await acme.does("/v1/role-assignments", { parent: acme.ref, principal: outer, role: "clerk" });
  const invited = await made("/v1/invitations", {
    parent: acme.ref,
    email: `${randomUUID()}@acme.example`,
    role: "clerk",
  });
  const policy = { authorization: `Bearer ${deployment.host}`, "countersign-tenant": acme.ref, "if-match": '"r0"' };
  const patched = await deployment.send(`/v1/sign-in-policies/${acme.id}`, {
    method: "PATCH",
    headers: { ...policy, "content-type": "application/json" },
    body: JSON.stringify({ self_registration_role: "clerk" }),
  });
  assert.equal(patched.status, 200, patched.text);

  const found = await concerned("roles.clerk.permissions", moreForClerks);
  assert.deepEqual(found["principals with clerk"], [direct.ref, inGroup.ref, inInner.ref, outer].toSorted());
  assert.deepEqual(found["invitations with clerk"], [invited]);
  assert.deepEqual(found["policies with clerk"], [`sign-in-policies/${acme.id}`]);
  assert.deepEqual(await concerned("roles.clerk.permissions", moreForClerks, other), {});
});

test("a level: whoever was granted it, also through a group, and the links that lend it; not what has expired", async () => {
  const note = await made("/v1/resources", { type: "notes", parent: acme.ref, display_name: "A note" });
  const [user, member, late] = [await acme.user(), await acme.user(), await acme.user()];
  const group = await made("/v1/groups", { display_name: "Editors" });
  await acme.does(`/v1/${group}:addMembers`, { members: [member.ref] });
  for (const principal of [user.ref, group, late.ref])
    await acme.does("/v1/resource-grants", { parent: note, principal, level: "editor" });
  await deployment.sql("update resource_grants set expire_time = now() - interval '1 minute' where principal_id = $1", [
    late.id,
  ]);
  const token = await deployment.token(owner);
  const answer = await deployment.post("/v1/share-links", token, {
    parent: note,
    level: "viewer",
    display_name: "A link",
    expire_time: inAnHour,
  });
  assert.equal(answer.status, 201, answer.text);
  const link = answer.json<Json>()["resource"];
  const found = await concerned("resources.notes.levels.editor", {
    notes: "[read, write, burn]",
    levels: "{ viewer: [read], editor: [read, write, burn] }",
  });
  assert.deepEqual(found, { "principals with notes/editor": [user.ref, member.ref, group].toSorted() });
  const wider = { levels: "{ viewer: [read, write], editor: [read, write] }" };
  assert.deepEqual(await concerned("resources.notes.levels.viewer", wider), {
    "share_links with notes/viewer": [link],
  });
  const nodes = await concerned("resources.notes.in", { notesIn: "[client, notes]" });
  assert.deepEqual(nodes, { "nodes with notes in organization": [note] });
});

test("scopes that stop meaning anything: of service accounts, API tokens and applications", async () => {
  const account = await acme.account({ role: "owner", scopes: ["notes:write", "notes:read"] });
  const token = await deployment.apiToken(await deployment.token(owner), ["notes:write"]);
  const application = await made("/v1/applications", {
    parent: acme.ref,
    display_name: "An app",
    redirect_uris: ["https://app.example/callback"],
    scope: "openid notes:write",
  });
  const found = await concerned("patterns.notes:write", {
    notes: "[read]",
    levels: "{ viewer: [read] }",
    governance: "  notes:read: { class: machine }\n",
  });
  assert.deepEqual(found["credentials with notes:write"], [account.ref, token.ref, application].toSorted());
});

test("what is the host's is asked of the host: its roles, and its patterns, which reach further than a tenant's", async () => {
  const file = await folder.file(
    "operators.yaml",
    `${modelText()}host_roles:
  super_admin: { permissions: ["*"] }
  operator: { permissions: ["users:read"] }
`,
  );
  assert.equal((await runCli(["model", "apply", file], deployment.env)).code, 0);
  const without = await folder.file(
    "no-operators.yaml",
    `${modelText()}host_roles:
  operator: { permissions: ["users:read"] }
`,
  );
  const { code, stderr } = await runCli(["model", "apply", without], deployment.env);
  assert.equal(code, 1);
  assert.match(stderr, /^strands +host_roles\.super_admin is gone$/m);
  assert.match(stderr, /^ +host: \d+ principals? with `super_admin` \(service-accounts\//m);
});

test("more tenants than are looked into at once are all looked into", async () => {
  await deployment.sql(
    `insert into nodes (tenant_id, id, type, parent_id, ancestors, display_name, state, create_time, update_time)
     select t, t, 'organization', null, array[t], 'One of many', 'active', now(), now() from (select gen_random_uuid() as t from generate_series(1, 250)) as many`,
  );
  await deployment.sql(
    `insert into role_assignments (tenant_id, principal_id, node_id, id, principal_kind, role_name, propagation, create_time, update_time)
     select n.id, gen_random_uuid(), n.id, gen_random_uuid(), 'human', 'guard', 'subtree', now(), now()
       from nodes n where n.display_name = 'One of many'`,
  );
  const file = await folder.model("no-guards", { extraRoles: "" });
  const { code, stderr } = await runCli(["model", "apply", file], deployment.env);
  assert.equal(code, 1);
  assert.match(stderr, /^strands +roles\.guard is gone$/m);
  assert.match(stderr, /and 240 more tenants$/m);
});
