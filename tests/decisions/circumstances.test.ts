// Whose word counts: how somebody signed in, the clock, and what a question brings along.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { isFault } from "../../core/faults.ts";
import { check } from "../../server/decisions/check.ts";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import { createServiceAccount } from "../../server/principals/service-accounts/create-service-account.ts";
import { registerUser } from "../../server/principals/users/register-user.ts";
import { openWorkbench } from "../support/engine.ts";
import { openDecisionPoint } from "./deciding.ts";

const bench = await openWorkbench({
  model: `
title: Sign-ins
perimeters:
  organization: { collection: organizations }
resources:
  vaults: { in: [organization], actions: [open, look] }
roles:
  owner: { permissions: ["*"] }
  keeper: { permissions: ["vaults:open", "vaults:look", "api-tokens:create"] }
host_roles:
  super_admin: { permissions: ["*"] }
governance:
  vaults:open: { class: human, acr: "urn:countersign:acr:multi-factor" }
`,
});
const point = await openDecisionPoint(bench);
after(async () => {
  point.close();
  await bench.close();
});

const tenant = await bench.tenant();
const owner = await bench.ownerOf(tenant);
const parent = bench.rootRef(tenant);
const gateway = await point.gateway(tenant);
const ada = await bench.ok(registerUser, owner, { parent, email: "ada@acme.example", display_name: "Ada" });
await bench.ok(createRoleAssignment, owner, { parent, principal: ada.resource, role: "keeper" });
const acr = "urn:countersign:acr:multi-factor";
const open = { permission: "vaults:open", resource: parent };

test("how somebody signed in is believed from who holds access:check and asks about somebody else", async () => {
  const subject = { principal: ada.resource };
  const [without, said, weaker, made_up] = await point.answers(gateway, [
    { ...open, subject },
    { ...open, subject, acr },
    { ...open, subject, acr: "urn:countersign:acr:single-factor" },
    { ...open, subject, acr: "phishing-resistant-honest" },
  ]);
  assert.equal(without?.effect, "conditional");
  assert.deepEqual(without?.obligations, [{ kind: "step_up", acr }]);
  assert.equal(said?.effect, "permit");
  assert.equal(weaker?.effect, "conditional");
  assert.equal(made_up?.effect, "conditional");
});

test("nobody's own word says how they signed in, whatever they hold", async () => {
  const self = await bench.as(tenant, { kind: "human", id: ada.id as never });
  const token = await point.tokenFor(self, ["vaults:open", "vaults:look"]);
  const asked = [{ principal: ada.resource }, { token: token.text }].map((subject) => ({ ...open, subject, acr }));
  for (const answer of await point.answers(token.presented, asked)) assert.equal(answer.effect, "conditional");
});

test("who does not hold access:check can say nothing about anybody else", async () => {
  const account = await bench.ok(createServiceAccount, owner, { parent, display_name: "Nobody" });
  await bench.ok(createRoleAssignment, owner, { parent, principal: account.resource, role: "keeper" });
  const self = await bench.as(tenant, { kind: "service", id: account.id as never });
  const { presented } = await point.tokenFor(self, ["vaults:open", "vaults:look"]);
  const answers = await check(point.needs, presented, [{ ...open, subject: { principal: ada.resource }, acr }]);
  assert.ok(!isFault(answers));
  assert.ok(isFault(answers[0]) && answers[0].fault === "insufficient_scope");
});

test("the clock is the server's: a `now` or a `time` that is sent along moves nothing", async () => {
  const bob = await bench.ok(registerUser, owner, { parent, email: "bob@acme.example", display_name: "Bob" });
  const condition = "now < timestamp('2020-01-01T00:00:00Z')";
  await bench.ok(createRoleAssignment, owner, { parent, principal: bob.resource, role: "keeper", condition });
  const subject = { principal: bob.resource };
  const early = "2019-01-01T00:00:00Z";
  const [answer] = await point.answers(gateway, [
    {
      permission: "vaults:look",
      resource: parent,
      subject,
      context: { now: early, time: early },
      properties: { subject: { now: early }, resource: { now: early } },
    },
  ]);
  assert.equal(answer?.effect, "deny");
});

test("what is asked along with one question of a batch is not heard in another", async () => {
  const eve = await bench.ok(registerUser, owner, { parent, email: "eve@acme.example", display_name: "Eve" });
  await bench.ok(createRoleAssignment, owner, {
    parent,
    principal: eve.resource,
    role: "keeper",
    condition: "context.office == true",
  });
  const look = { permission: "vaults:look", resource: parent, subject: { principal: eve.resource } };
  const answers = await point.answers(gateway, [look, { ...look, context: { office: true } }, look]);
  assert.deepEqual(
    answers.map(({ effect }) => effect),
    ["deny", "permit", "deny"],
  );
});

test("a batch decides no more than its semantic asks for, and counts what can't be read as a denial", async () => {
  const yes = { permission: "vaults:look", resource: parent, subject: { principal: ada.resource } };
  const no = { ...yes, permission: "vaults:open" };
  const wrong = { ...yes, resource: "not a ref" };
  const effects = async (
    questions: readonly (typeof yes)[],
    semantic: "deny_on_first_deny" | "permit_on_first_permit",
  ) => {
    const answers = await check(point.needs, gateway, questions, undefined, semantic);
    assert.ok(!isFault(answers));
    return answers.map((answer) => (isFault(answer) ? answer.fault : answer.effect));
  };
  assert.deepEqual(await effects([yes, no, yes], "deny_on_first_deny"), ["permit", "conditional"]);
  assert.deepEqual(await effects([yes, wrong, yes], "deny_on_first_deny"), ["permit", "invalid_argument"]);
  assert.deepEqual(await effects([no, wrong, yes, no], "permit_on_first_permit"), [
    "conditional",
    "invalid_argument",
    "permit",
  ]);
});
