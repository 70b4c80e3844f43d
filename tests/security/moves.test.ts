// Trees and groups under two processes at once: what was acknowledged by one is true at the other, and no race leaves what neither would allow.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startDeployment } from "../oauth/deployment.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const acme = await deployment.tenant("Acme");
const [one, other] = [await acme.perimeter("clients"), await acme.perimeter("clients")];
const owner = await deployment.token(await acme.account({ role: "owner" }));

const made = async (path: string, body: object): Promise<{ id: string; ref: string }> => {
  const answer = await acme.does(path, body);
  return { id: String(answer["id"]), ref: String(answer["resource"]) };
};
const document = (parent: string) => made("/v1/resources", { type: "documents", parent, display_name: "A document" });
const group = () => made("/v1/groups", { display_name: crypto.randomUUID() });

/** What server number `on` answers to the question of the host. */
const may = async (subject: string, permission: string, resource: string, on: number): Promise<boolean> => {
  const [type = "", id = ""] = resource.split("/");
  const [kind = "", who = ""] = subject.split("/");
  const asked = {
    subject: { type: kind, id: who, properties: { tenant: acme.ref } },
    action: { name: permission },
    resource: { type, id, properties: { tenant: acme.ref } },
  };
  const answer = await deployment.post("/access/v1/evaluation", deployment.host, asked, on);
  assert.equal(answer.status, 200, answer.text);
  return answer.json<{ decision: boolean }>().decision;
};
const both = (subject: string, permission: string, resource: string): Promise<readonly boolean[]> =>
  Promise.all([0, 1].map((on) => may(subject, permission, resource, on)));

const statuses = (answers: readonly { readonly status: number }[]): readonly number[] =>
  answers.map(({ status }) => status).toSorted((a, b) => a - b);

test("invariant 7: when a move has returned, no process knows the old place or misses the new one", async () => {
  const [here, there] = [await acme.account(), await acme.account()];
  await acme.does("/v1/role-assignments", { parent: one.ref, principal: here.ref, role: "admin" });
  await acme.does("/v1/role-assignments", { parent: other.ref, principal: there.ref, role: "admin" });
  const folder = await document(one.ref);
  const file = await document(folder.ref);
  for (let turn = 0; turn < 6; turn += 1) {
    const [to, gains, loses] = turn % 2 === 0 ? [other, there, here] : [one, here, there];
    assert.deepEqual(await both(loses.ref, "documents:read", file.ref), [true, true]);
    assert.deepEqual(await both(gains.ref, "documents:read", file.ref), [false, false]);
    await acme.does(`/v1/resources/${folder.id}:move`, { parent: to.ref }, turn % 2);
    assert.deepEqual(await both(loses.ref, "documents:read", file.ref), [false, false]);
    assert.deepEqual(await both(gains.ref, "documents:read", file.ref), [true, true]);
  }
});

test("two processes that each move one folder into the other make no cycle", async () => {
  for (let turn = 0; turn < 6; turn += 1) {
    const [a, b] = [await document(acme.ref), await document(acme.ref)];
    const answers = await Promise.all([
      deployment.post(`/v1/resources/${a.id}:move`, owner, { parent: b.ref }, 0),
      deployment.post(`/v1/resources/${b.id}:move`, owner, { parent: a.ref }, 1),
    ]);
    assert.deepEqual(statuses(answers), [200, 422], answers.map(({ text }) => text).join());
  }
});

test("what one process creates below a folder that the other moves stands where the folder is", async () => {
  for (let turn = 0; turn < 6; turn += 1) {
    const folder = await document(one.ref);
    const input = { type: "documents", parent: folder.ref, display_name: "Below" };
    const answers = await Promise.all([
      deployment.post("/v1/resources", owner, input, 0),
      deployment.post(`/v1/resources/${folder.id}:move`, owner, { parent: other.ref }, 1),
      deployment.post("/v1/resources:batchCreate", owner, { parent: folder.ref, resources: [input, input] }, 0),
    ]);
    assert.deepEqual(statuses(answers), [200, 201, 201], answers.map(({ text }) => text).join());
  }
  const broken = await deployment.sql(
    `select n.id from nodes n left join nodes p on p.tenant_id = n.tenant_id and p.id = n.parent_id
      where n.ancestors <> array[n.id] || coalesce(p.ancestors, '{}')`,
  );
  assert.deepEqual(broken, []);
});

test("two processes that each put one group into the other make no cycle", async () => {
  for (let turn = 0; turn < 6; turn += 1) {
    const [a, b] = [await group(), await group()];
    const answers = await Promise.all([
      deployment.post(`/v1/groups/${a.id}:addMembers`, owner, { members: [b.ref] }, 0),
      deployment.post(`/v1/groups/${b.id}:addMembers`, owner, { members: [a.ref] }, 1),
    ]);
    assert.deepEqual(statuses(answers), [200, 422], answers.map(({ text }) => text).join());
  }
});

test("invariant 7: when somebody has been taken out of a group, or the group is gone, no process says yes", async () => {
  const [ada, grace] = [await acme.user(), await acme.user()];
  const [outer, inner] = [await group(), await group()];
  await acme.does("/v1/role-assignments", { parent: one.ref, principal: outer.ref, role: "admin" });
  await acme.does(`/v1/groups/${outer.id}:addMembers`, { members: [inner.ref] });
  const can = (who: { readonly ref: string }) => both(who.ref, "clients:update", one.ref);
  for (const [on, who] of [ada, grace].entries()) {
    assert.deepEqual(await can(who), [false, false]);
    await acme.does(`/v1/groups/${inner.id}:addMembers`, { members: [who.ref] }, on);
    assert.deepEqual(await can(who), [true, true]);
  }
  await acme.does(`/v1/groups/${inner.id}:removeMembers`, { members: [ada.ref] }, 1);
  assert.deepEqual(
    [await can(ada), await can(grace)],
    [
      [false, false],
      [true, true],
    ],
  );
  const gone = await deployment.send(`/v1/groups/${outer.id}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${owner}` },
  });
  assert.equal(gone.status, 200, gone.text);
  assert.deepEqual(await can(grace), [false, false]);
});

test("invariant 7: who is put into a group while its role is revoked has nothing of it afterwards", async () => {
  for (let turn = 0; turn < 10; turn += 1) {
    const [ada, given] = [await acme.user(), await group()];
    const role = { parent: one.ref, principal: given.ref, role: "admin" };
    const assignment = await made("/v1/role-assignments", role);
    const asking = { stop: false };
    // Somebody keeps asking, so that whatever is true in between is in the caches.
    const asker = (async () => {
      while (!asking.stop) await both(ada.ref, "clients:update", one.ref);
    })();
    await Promise.all([
      acme.does(`/v1/groups/${given.id}:addMembers`, { members: [ada.ref] }, 0),
      acme.does(`/v1/role-assignments/${assignment.id}:revoke`, {}, 1),
    ]);
    assert.deepEqual(await both(ada.ref, "clients:update", one.ref), [false, false]);
    asking.stop = true;
    await asker;
  }
});

test("of the last two who can assign roles, one by a group, one process takes away one and the other the other: one stays", async () => {
  for (let turn = 0; turn < 6; turn += 1) {
    const tenant = await deployment.tenant("Two");
    const direct = await tenant.account();
    const member = await tenant.account();
    const assignment = await tenant.does("/v1/role-assignments", {
      parent: tenant.ref,
      principal: direct.ref,
      role: "owner",
    });
    const owners = await tenant.does("/v1/groups", { display_name: "Owners" });
    await tenant.does(`/v1/groups/${String(owners["id"])}:addMembers`, { members: [member.ref] });
    await tenant.does("/v1/role-assignments", { parent: tenant.ref, principal: owners["resource"], role: "owner" });
    const [byDirect, byMember] = [await deployment.token(direct), await deployment.token(member)];
    const answers = await Promise.all([
      deployment.post(`/v1/groups/${String(owners["id"])}:removeMembers`, byDirect, { members: [member.ref] }, 0),
      deployment.post(`/v1/role-assignments/${String(assignment["id"])}:revoke`, byMember, {}, 1),
    ]);
    const done = answers.filter(({ status }) => status === 200);
    assert.equal(done.length, 1, answers.map(({ text }) => text).join());
  }
});
