// A client's administrator (seed 003: client-delegated client users) who tries every way out of the client, over a real server.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, describe, test } from "node:test";
import type { Answer } from "../oauth/http.ts";
import { type Enterprise, openEnterprise, type Place } from "./b2b2x-kit.ts";

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

describe("a client's administrator cannot leave its client, whatever it is allowed there (invariant 8)", async () => {
  const [mine, theirs] = [await enterprise.client("Mine"), await enterprise.client("Theirs")];
  const [myAccount, theirAccount] = [await enterprise.account(mine.ref), await enterprise.account(theirs.ref)];
  const document = async (parent: string): Promise<Place> => {
    const one = await does("/v1/resources", { type: "documents", parent, display_name: "A folder" });
    return { id: String(one["id"]), ref: String(one["resource"]) };
  };
  const [myFolder, theirFolder] = [await document(mine.ref), await document(theirs.ref)];
  // All that can be delegated, and more than the model's own role gives: still inside one client.
  const role = await does("/v1/roles", {
    display_name: "Viceroy",
    permissions: [
      "users:*",
      "memberships:*",
      "groups:*",
      "roles:*",
      "role-assignments:*",
      "resources:*",
      "resource-grants:*",
      "share-links:*",
      "invitations:*",
      "service-accounts:*",
      "api-tokens:*",
      "applications:*",
      "sessions:*",
      "clients:*",
      "accounts:*",
      "documents:read",
      "documents:update",
      "payouts:read",
    ],
  });
  const viceroy = await enterprise.human(mine.ref);
  await enterprise.assign(viceroy.ref, String(role["resource"]), mine.ref);
  const friend = made(await viceroy.post("/v1/users", { parent: mine.ref, ...someone() }));
  const stranger = await enterprise.human(theirs.ref, "client_admin");
  const powerful = await enterprise.service();
  await enterprise.assign(powerful.ref, "owner", enterprise.ref);

  /** Refused, for want of the permission there; and recorded as such, with the place it was tried at. */
  const forbidden = async (answer: Promise<Answer>, code = "permission_denied"): Promise<void> => {
    const { status, text } = await answer;
    assert.equal(status, code === "not_found" ? 404 : code === "not_admissible" ? 422 : 403, text);
    assert.equal((JSON.parse(text) as { code: string }).code, code, text);
    if (code !== "permission_denied") return;
    const entry = await enterprise.lastEntry();
    assert.ok(["denied", "failed"].includes(entry.outcome), JSON.stringify(entry));
    assert.equal(entry.actor_of_record, viceroy.ref);
    assert.equal(entry.target_path?.at(-1), enterprise.ref);
  };
  const outside = [theirs.ref, theirAccount.ref, enterprise.ref];

  test("by people: users, memberships and invitations elsewhere, or with more than it holds", async () => {
    for (const parent of outside) {
      await forbidden(viceroy.post("/v1/users", { parent, ...someone() }));
      await forbidden(viceroy.post("/v1/memberships", { parent, user: friend.ref }));
      await forbidden(viceroy.post("/v1/invitations", { parent, email: "eve@client.example" }));
      await forbidden(viceroy.post("/v1/service-accounts", { parent, display_name: "Mine" }));
    }
    for (const more of ["owner", "treasurer", "client_admin", "identity_admin"]) {
      await forbidden(viceroy.post("/v1/users", { parent: mine.ref, role: more, ...someone() }));
      await forbidden(viceroy.post("/v1/memberships", { parent: myAccount.ref, user: friend.ref, role: more }));
      await forbidden(viceroy.post("/v1/invitations", { parent: mine.ref, email: "eve@client.example", role: more }));
    }
    await forbidden(viceroy.post(`/v1/users/${stranger.id}:suspend`));
    await forbidden(viceroy.post(`/v1/users/${stranger.id}:resetPassword`));
    await forbidden(viceroy.get("/v1/users"));
  });

  test("by roles: its own role elsewhere, more than it holds here, or a role of its own making", async () => {
    for (const parent of outside)
      for (const name of [String(role["resource"]), "member", "owner"])
        await forbidden(viceroy.post("/v1/role-assignments", { parent, principal: viceroy.ref, role: name }));
    for (const more of ["owner", "client_admin", "treasurer", "approver", "integration"])
      await forbidden(viceroy.post("/v1/role-assignments", { parent: mine.ref, principal: viceroy.ref, role: more }));
    await forbidden(viceroy.post("/v1/roles", { display_name: "Emperor", permissions: ["accounts:read"] }));
    await forbidden(viceroy.patch(`/v1/roles/${String(role["id"])}`, { permissions: ["*"] }));
    // What is held on a condition is not held: nor does it become so by a condition that is always true.
    made(
      await viceroy.post("/v1/role-assignments", {
        parent: mine.ref,
        principal: friend.ref,
        role: String(role["resource"]),
        condition: "true",
      }),
    );
  });

  test("by grants: on what is not in the client, and beyond what it holds on what is", async () => {
    await forbidden(
      viceroy.post("/v1/resource-grants", { parent: theirFolder.ref, principal: viceroy.ref, level: "viewer" }),
    );
    await forbidden(
      viceroy.post("/v1/resource-grants", { parent: myFolder.ref, principal: viceroy.ref, level: "manager" }),
    );
    made(await viceroy.post("/v1/resource-grants", { parent: myFolder.ref, principal: stranger.ref, level: "viewer" }));
    assert.equal((await decision(stranger.ref, "documents:read", theirFolder.ref)).effect, "permit", "as before");
    await forbidden(viceroy.get("/v1/resource-grants"));
    await forbidden(viceroy.get(`/v1/resource-grants?parent=${theirFolder.ref}`));
  });

  test("by groups: into one that has more, or is another's; and none that is its own gets more", async () => {
    const strong = await does("/v1/groups", { parent: mine.ref, display_name: "Strong" });
    await enterprise.assign(String(strong["resource"]), "treasurer", enterprise.ref);
    const [foreign, own] = [
      await does("/v1/groups", { parent: theirs.ref, display_name: "Foreign" }),
      made(await viceroy.post("/v1/groups", { parent: mine.ref, display_name: "Own" })),
    ];
    const join = (group: unknown, member: string) =>
      viceroy.post(`/v1/groups/${String(group)}:addMembers`, { members: [member] });
    await forbidden(join(strong["id"], viceroy.ref));
    await forbidden(join(strong["id"], own.ref));
    await forbidden(join(foreign["id"], viceroy.ref));
    for (const parent of outside) await forbidden(viceroy.post("/v1/groups", { parent, display_name: "Ours" }));
    await forbidden(viceroy.post("/v1/role-assignments", { parent: mine.ref, principal: own.ref, role: "treasurer" }));
    await forbidden(viceroy.post("/v1/role-assignments", { parent: theirs.ref, principal: own.ref, role: "member" }));
    assert.equal((await decision(viceroy.ref, "payouts:create", myAccount.ref)).effect, "deny");
  });

  test("by share links: of what is not in the client, of more than it holds, or by opening another's", async () => {
    const link = { display_name: "A link", expire_time: later() };
    await forbidden(viceroy.post("/v1/share-links", { ...link, parent: theirFolder.ref, level: "viewer" }));
    await forbidden(viceroy.post("/v1/share-links", { ...link, parent: myFolder.ref, level: "manager" }));
    const lent = await stranger.post("/v1/share-links", { ...link, parent: theirFolder.ref, level: "viewer" });
    const other = lent.json<{ id: string; link: string }>();
    await forbidden(viceroy.post("/v1/share-links:open", { link: other.link }));
    for (const verb of ["revoke", "renew"]) await forbidden(viceroy.post(`/v1/share-links/${other.id}:${verb}`));
    // Moved out of the client, what it lent is lent no more.
    const folder = await document(mine.ref);
    const own = await viceroy.post("/v1/share-links", { ...link, parent: folder.ref, level: "viewer" });
    const text = own.json<{ link: string }>().link;
    assert.equal((await powerful.post("/v1/share-links:open", { link: text })).status, 200);
    await does(`/v1/resources/${folder.id}:move`, { parent: theirs.ref });
    assert.equal((await powerful.post("/v1/share-links:open", { link: text })).status, 404);
  });

  test("by moving: its own out, another's in, or itself up", async () => {
    await forbidden(viceroy.post(`/v1/accounts/${myAccount.id}:move`, { parent: theirs.ref }));
    await forbidden(viceroy.post(`/v1/accounts/${theirAccount.id}:move`, { parent: mine.ref }));
    await forbidden(viceroy.post(`/v1/accounts/${myAccount.id}:move`, { parent: enterprise.ref }));
    await forbidden(viceroy.post(`/v1/resources/${myFolder.id}:move`, { parent: theirs.ref }));
    await forbidden(viceroy.post(`/v1/resources/${theirFolder.id}:move`, { parent: mine.ref }));
    await forbidden(viceroy.post(`/v1/clients`, { parent: enterprise.ref, display_name: "Another" }));
    await forbidden(viceroy.patch(`/v1/clients/${theirs.id}`, { display_name: "Mine too" }));
    await forbidden(viceroy.delete(`/v1/clients/${theirs.id}`));
    await forbidden(viceroy.delete(`/v1/enterprises/${enterprise.id}`));
  });

  test("by another's credentials: tokens, secrets and keys of who holds more", async () => {
    const expire_time = later();
    const token = { display_name: "Mine", scopes: ["accounts:read"], expire_time };
    await forbidden(viceroy.post("/v1/api-tokens", { ...token, owner: powerful.ref }));
    await forbidden(viceroy.post("/v1/api-tokens", { ...token, owner: stranger.ref }));
    await forbidden(viceroy.post(`/v1/service-accounts/${powerful.id}:rotate`));
    const own = made(await viceroy.post("/v1/service-accounts", { parent: mine.ref, display_name: "Mine" }));
    await enterprise.assign(own.ref, "owner", enterprise.ref);
    await forbidden(viceroy.post(`/v1/service-accounts/${own.id}:rotate`));
    await forbidden(viceroy.post("/v1/api-tokens", { ...token, owner: own.ref }));
  });

  test("and after all of it nothing is assigned, granted or lent outside the client that it had a hand in", async () => {
    const { deployment, id } = enterprise;
    const entries = (await enterprise.entriesOf(viceroy.ref)).filter(({ outcome }) => outcome === "done");
    for (const { action, target_path } of entries)
      assert.ok(target_path?.includes(mine.ref), `${action} was done at ${target_path?.join(" < ")}`);
    assert.ok(entries.length >= 6, `${entries.length} operations were done inside`);
    const beyond = await deployment.sql(
      `select b.node_id from (select tenant_id, node_id, principal_id from role_assignments
         union all select tenant_id, node_id, principal_id from resource_grants
         union all select tenant_id, node_id, creator_id from share_links where revoke_time is null) b
         join nodes n on n.tenant_id = b.tenant_id and n.id = b.node_id
        where b.tenant_id = $1 and b.principal_id = any($2) and not $3 = any(n.ancestors)`,
      [id, [viceroy.id, friend.id], mine.id],
    );
    // The one link whose folder the enterprise moved away itself.
    assert.equal(beyond.length, 1);
  });
});
