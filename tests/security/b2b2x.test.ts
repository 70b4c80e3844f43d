// Seed 003: an enterprise's three ways of giving a client its people, alone and mixed on one client, over a real server.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import type { Answer } from "../oauth/http.ts";
import { type Enterprise, openEnterprise, type Place, type Principal } from "./b2b2x-kit.ts";

const enterprise: Enterprise = await openEnterprise();
after(enterprise.close);
const { does, decision } = enterprise;

const later = (): string => new Date(Date.now() + 3_600_000).toISOString();
const someone = () => ({ email: `${randomUUID()}@client.example`, display_name: "Grace" });
const made = (answer: Answer): Place => {
  assert.ok([200, 201].includes(answer.status), answer.text);
  const { id, resource } = answer.json<{ id: string; resource: string }>();
  return { id, ref: resource };
};

/** The operation has just been done by this principal, there: what the log says of it. */
const logged = async (action: string, actor: string, path: readonly string[]): Promise<void> => {
  const entry = await enterprise.lastEntry();
  assert.deepEqual(
    [
      entry.action,
      entry.outcome,
      entry.actor_of_record,
      entry.authenticated_principal,
      entry.target_path,
      entry.bypass,
    ],
    [action, "done", actor, actor, path, false],
  );
};

test("enterprise-driven client users: people of one client who never log in, through whom all its human-governed actions flow", async () => {
  const [client, other] = [await enterprise.client("Driven"), await enterprise.client("Beside")];
  const account = await enterprise.account(client.ref);
  const desk = await enterprise.human(enterprise.ref, "identity_admin");
  const chief = await enterprise.human(enterprise.ref, "owner");

  const user = made(await desk.post("/v1/users", { parent: client.ref, ...someone(), signs_in: false }));
  await logged("users.create", desk.ref, [client.ref, enterprise.ref]);
  // Identity administration touches no money: who orders payouts is not the desk's to say.
  const order = { parent: client.ref, principal: user.ref, role: "treasurer" };
  assert.equal((await desk.post("/v1/role-assignments", order)).status, 403);
  made(await chief.post("/v1/role-assignments", order));
  await logged("role-assignments.create", chief.ref, [client.ref, enterprise.ref]);
  const approver = made(await desk.post("/v1/users", { parent: client.ref, ...someone(), signs_in: false }));
  made(await chief.post("/v1/role-assignments", { parent: account.ref, principal: approver.ref, role: "approver" }));
  await logged("role-assignments.create", chief.ref, [account.ref, client.ref, enterprise.ref]);

  // A human of record is what the human-governed action needs, and the two approvals are still open.
  assert.deepEqual(
    (({ effect, obligations }) => [effect, obligations.map(({ kind }) => kind)])(
      await decision(user.ref, "payouts:create", account.ref),
    ),
    ["conditional", ["approval"]],
  );
  assert.equal((await decision(approver.ref, "payouts:approve", account.ref)).effect, "permit");
  for (const at of [other.ref, enterprise.ref, (await enterprise.account(other.ref)).ref])
    assert.equal((await decision(user.ref, "payouts:create", at)).effect, "deny", at);
  assert.equal((await decision(approver.ref, "payouts:approve", client.ref)).effect, "deny", "one account alone");

  // They never log in: nothing proves them, and nothing was mailed to them.
  for (const table of ["passwords", "passkeys", "mail_links", "mail_outbox", "sessions"])
    assert.deepEqual(await enterprise.deployment.sql(`select from ${table} where tenant_id = $1`, [enterprise.id]), []);
  // The enterprise ends what it began.
  const suspended = await desk.post(`/v1/users/${user.id}:suspend`);
  assert.equal(suspended.status, 200, suspended.text);
  await logged("users.suspend", desk.ref, [client.ref, enterprise.ref]);
  assert.equal((await decision(user.ref, "payouts:create", account.ref)).effect, "deny");
});

/** Everything a delegated administrator does in its own client, each with the entry it leaves. */
const administer = async (admin: Principal, client: Place, path: readonly string[]): Promise<void> => {
  const account = made(await admin.post("/v1/accounts", { parent: client.ref, display_name: "Savings" }));
  await logged("accounts.create", admin.ref, path);
  const inAccount = [account.ref, ...path];
  const user = made(await admin.post("/v1/users", { parent: client.ref, role: "member", ...someone() }));
  await logged("users.create", admin.ref, path);
  made(await admin.post("/v1/memberships", { parent: account.ref, user: user.ref }));
  await logged("memberships.create", admin.ref, inAccount);
  const assignment = made(
    await admin.post("/v1/role-assignments", { parent: account.ref, principal: user.ref, role: "member" }),
  );
  await logged("role-assignments.create", admin.ref, inAccount);
  const group = made(await admin.post("/v1/groups", { parent: client.ref, display_name: `Desk ${randomUUID()}` }));
  await logged("groups.create", admin.ref, path);
  const joined = await admin.post(`/v1/groups/${group.id}:addMembers`, { members: [user.ref] });
  assert.equal(joined.status, 200, joined.text);
  await logged("groups.addMembers", admin.ref, path);
  const folder = made(
    await admin.post("/v1/resources", { type: "documents", parent: client.ref, display_name: "Statements" }),
  );
  await logged("resources.create", admin.ref, path);
  const inFolder = [folder.ref, ...path];
  const grant = made(
    await admin.post("/v1/resource-grants", { parent: folder.ref, principal: group.ref, level: "editor" }),
  );
  await logged("resource-grants.create", admin.ref, inFolder);
  assert.equal((await decision(user.ref, "documents:update", folder.ref)).effect, "permit");
  assert.equal((await decision(user.ref, "documents:delete", folder.ref)).effect, "deny");
  const link = made(
    await admin.post("/v1/share-links", {
      parent: folder.ref,
      level: "viewer",
      display_name: "For the auditors",
      expire_time: later(),
    }),
  );
  await logged("share-links.create", admin.ref, inFolder);
  for (const [path_, action, where] of [
    [`/v1/share-links/${link.id}:revoke`, "share-links.revoke", inFolder],
    [`/v1/resource-grants/${grant.id}:revoke`, "resource-grants.revoke", inFolder],
    [`/v1/role-assignments/${assignment.id}:revoke`, "role-assignments.revoke", inAccount],
  ] as const) {
    const ended = await admin.post(path_);
    assert.equal(ended.status, 200, ended.text);
    await logged(action, admin.ref, where);
  }
  assert.equal((await decision(user.ref, "documents:update", folder.ref)).effect, "deny");
};

test("client-delegated client users: the client's administrator runs its people, groups, documents and sharing, and the enterprise stays the owner", async () => {
  const client = await enterprise.client("Delegated");
  const admin = await enterprise.human(client.ref, "client_admin");
  await administer(admin, client, [client.ref, enterprise.ref]);
  assert.equal((await decision(admin.ref, "users:create", client.ref)).effect, "permit");
  // The relationship is the enterprise's: it suspends the client, and the client's own administrator is out at once.
  await does(`/v1/clients/${client.id}:suspend`);
  assert.equal((await admin.post("/v1/users", { parent: client.ref, ...someone() })).status, 403);
  assert.equal((await admin.post(`/v1/clients/${client.id}:resume`)).status, 403);
  await does(`/v1/clients/${client.id}:resume`);
  made(await admin.post("/v1/users", { parent: client.ref, ...someone() }));
});

test("enterprise machine principals with cross-client scope: a subset of the clients, or all of them, and no human of record", async () => {
  const clients = [await enterprise.client("One"), await enterprise.client("Two"), await enterprise.client("Three")];
  const accounts = await Promise.all(clients.map(({ ref }) => enterprise.account(ref)));
  const [some, all] = [await enterprise.service(), await enterprise.service()];
  for (const { ref } of clients.slice(0, 2)) await enterprise.assign(some.ref, "integration", ref);
  await enterprise.assign(all.ref, "integration", enterprise.ref);
  const reads = (who: Principal) =>
    Promise.all(accounts.map(async ({ id }) => (await who.get(`/v1/accounts/${id}`)).status));
  assert.deepEqual(await reads(some), [200, 200, 403]);
  assert.deepEqual(await reads(all), [200, 200, 200]);
  assert.equal((await some.get("/v1/accounts")).status, 403, "it has no say in the enterprise");
  const listed = await some.get(`/v1/accounts?parent=${clients[0]?.ref}`);
  assert.deepEqual(
    listed.json<{ items: Place[] }>().items.map(({ id }) => id),
    [accounts[0]?.id],
  );
  // A service never stands in for a human, in however many clients.
  const { effect, obligations } = await decision(all.ref, "payouts:create", accounts[2]?.ref ?? "");
  assert.deepEqual([effect, obligations.map(({ kind }) => kind)], ["conditional", ["human", "approval"]]);
  const [, , denied] = [await reads(some), await reads(some), (await enterprise.entriesOf(some.ref)).at(-1)];
  assert.deepEqual(
    [denied?.outcome, denied?.target_path],
    ["denied", [accounts[2]?.ref, clients[2]?.ref, enterprise.ref]],
  );
});

test("all three on one client: authority is resolved for each principal at each perimeter, and the log names who, which client, which account", async () => {
  const [client, other] = [await enterprise.client("Mixed"), await enterprise.client("Neighbour")];
  const [account, otherAccount] = [await enterprise.account(client.ref), await enterprise.account(other.ref)];
  const driven = await enterprise.human(client.ref, "treasurer");
  const admin = await enterprise.human(client.ref, "client_admin");
  const robot = await enterprise.service();
  for (const { ref } of [client, other]) await enterprise.assign(robot.ref, "integration", ref);
  // One more of the enterprise's, who has something else to do at the neighbour's.
  const both = await enterprise.human(client.ref, "member");
  await does("/v1/memberships", { parent: other.ref, user: both.ref, role: "auditor" });

  const effects = async (permission: string, who: { readonly ref: string }) =>
    Promise.all(
      [account.ref, otherAccount.ref, enterprise.ref].map(
        async (at) => (await decision(who.ref, permission, at)).effect,
      ),
    );
  assert.deepEqual(await effects("payouts:create", driven), ["conditional", "deny", "deny"]);
  assert.deepEqual(await effects("users:create", driven), ["deny", "deny", "deny"]);
  assert.deepEqual(await effects("users:create", admin), ["permit", "deny", "deny"]);
  assert.deepEqual(await effects("payouts:read", robot), ["permit", "permit", "deny"]);
  assert.deepEqual(await effects("users:create", robot), ["deny", "deny", "deny"]);
  assert.deepEqual(await effects("audit:read", both), ["deny", "permit", "deny"]);

  await administer(admin, client, [client.ref, enterprise.ref]);
  const renamed = await admin.patch(`/v1/accounts/${account.id}`, { display_name: "Payroll" });
  assert.equal(renamed.status, 200, renamed.text);
  await logged("accounts.update", admin.ref, [account.ref, client.ref, enterprise.ref]);
  const tried = [
    await driven.post("/v1/users", { parent: client.ref, ...someone() }),
    await robot.post("/v1/users", { parent: client.ref, ...someone() }),
    await robot.patch(`/v1/accounts/${otherAccount.id}`, { display_name: "Mine" }),
    await both.patch(`/v1/accounts/${account.id}`, { display_name: "Mine" }),
    await admin.patch(`/v1/accounts/${otherAccount.id}`, { display_name: "Mine" }),
  ];
  assert.deepEqual(
    tried.map(({ status }) => status),
    tried.map(() => 403),
  );

  // Whatever any of them did or tried at an account or a client is in the log with who it was, and the whole way up.
  const paths: Readonly<Record<string, readonly string[]>> = {
    [account.ref]: [account.ref, client.ref, enterprise.ref],
    [otherAccount.ref]: [otherAccount.ref, other.ref, enterprise.ref],
    [client.ref]: [client.ref, enterprise.ref],
  };
  let seen = 0;
  for (const who of [driven, admin, robot, both])
    for (const entry of await enterprise.entriesOf(who.ref)) {
      assert.equal(entry.authenticated_principal, who.ref);
      assert.equal(entry.bypass, false);
      // Where a token is issued is no perimeter.
      if (entry.action === "oauth.token") continue;
      assert.ok(entry.target_path?.at(-1) === enterprise.ref, JSON.stringify(entry));
      const path = paths[entry.target ?? ""];
      if (path === undefined) continue;
      assert.deepEqual(entry.target_path, path);
      seen += 1;
    }
  assert.ok(seen >= 8, `${seen} entries name the client or the account itself`);
});
