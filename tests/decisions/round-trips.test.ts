// What a question costs in round trips (invariant 6): warm, one to the cache and none to the database; cold, one statement besides.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { isFault } from "../../core/faults.ts";
import { formatRef } from "../../core/ids.ts";
import { check, type CheckQuestion } from "../../server/decisions/check.ts";
import { createServiceAccount } from "../../server/principals/service-accounts/create-service-account.ts";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import { type Cost, countRoundTrips } from "../support/counting.ts";
import { openWorkbench } from "../support/engine.ts";
import { openDecisionPoint } from "./deciding.ts";

const bench = await openWorkbench();
after(bench.close);
const counting = countRoundTrips(bench.engine.platform);
const point = await openDecisionPoint(bench, counting.platform);
after(point.close);

const tenant = await bench.tenant();
const owner = await bench.ownerOf(tenant);
const parent = bench.rootRef(tenant);
const account = formatRef("accounts", await bench.node(tenant, "account", await bench.node(tenant, "client")));
const subject = await bench.ok(createServiceAccount, owner, { parent, display_name: "Asked about" });
await bench.ok(createRoleAssignment, owner, { parent, principal: subject.resource, role: "member" });
const gateway = (await point.tokenFor(owner)).presented;

/** What asking costs, and that every answer was a yes. */
const cost = async (questions: readonly CheckQuestion[]): Promise<Cost> => {
  const { answer: answers, cost: taken } = await counting.costOf(() => check(point.needs, gateway, questions));
  assert.ok(!isFault(answers), JSON.stringify(answers));
  for (const answer of answers) assert.ok(!isFault(answer) && answer.effect === "permit", JSON.stringify(answer));
  return taken;
};

const question: CheckQuestion = {
  subject: { principal: subject.resource },
  permission: "accounts:read",
  resource: account,
};

test("CheckPermission with an empty cache is one SQL statement and one cache round trip", async () => {
  assert.deepEqual(await cost([question]), { statements: 1, transactions: 0, reads: 1 });
});

test("warm it is one cache round trip, and the database is not asked", async () => {
  // The first answer only gave the cache its versions, the second is kept (ADR 3).
  await cost([question]);
  assert.deepEqual(await cost([question]), { statements: 0, transactions: 0, reads: 1 });
});

test("a batch of different questions, cold, with a token among the subjects, is still one statement", async () => {
  const token = (await point.tokenFor(owner, ["accounts:read", "clients:read"])).text;
  const questions: CheckQuestion[] = [
    { subject: { token }, permission: "accounts:read", resource: account },
    { subject: { token }, permission: "clients:read" },
    { subject: { principal: subject.resource }, permission: "clients:read" },
  ];
  assert.deepEqual(await cost(questions), { statements: 1, transactions: 0, reads: 1 });
});

test("a service account's id under users/ is nobody's, before and after the account's own facts are cached", async () => {
  const disguised = { ...question, subject: { principal: subject.resource.replace("service-accounts/", "users/") } };
  for (let round = 0; round < 3; round++) {
    const answers = await check(point.needs, gateway, [disguised, question]);
    assert.ok(!isFault(answers));
    const [wrong, right] = answers;
    assert.ok(wrong && !isFault(wrong) && wrong.effect === "deny");
    assert.equal(wrong.because.rule, "principal_not_active");
    assert.ok(right && !isFault(right) && right.effect === "permit");
  }
});
