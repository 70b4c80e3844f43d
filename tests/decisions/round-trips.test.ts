// What a question costs in round trips (invariant 6): warm, one to the cache and none to the database; cold, one statement besides.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { isFault } from "../../core/faults.ts";
import { formatRef } from "../../core/ids.ts";
import { createApiToken } from "../../server/credentials/create-api-token.ts";
import { check, type CheckQuestion, type Deciding } from "../../server/decisions/check.ts";
import { createServiceAccount } from "../../server/principals/service-accounts/create-service-account.ts";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import type { Platform } from "../../server/platform/platform.ts";
import { readSecretKey } from "../../server/platform/keys/seal.ts";
import { recognise } from "../../server/tokens/presented.ts";
import { openSigningKeys } from "../../server/tokens/signing-keys.ts";
import { openVerifier } from "../../server/tokens/standing.ts";
import { openWorkbench } from "../support/engine.ts";

const bench = await openWorkbench();
after(bench.close);
const { platform: real } = bench.engine;

/** The real database and cache, and how often each was asked. */
const counted = { statements: 0, transactions: 0, reads: 0 };
const platform: Platform = {
  ...real,
  database: {
    ...real.database,
    statement: (...asked) => {
      counted.statements += 1;
      return real.database.statement(...asked);
    },
    transaction: (tenant, work) => {
      counted.transactions += 1;
      return real.database.transaction(tenant, work);
    },
  },
  cache: {
    ...real.cache,
    read: (probes) => {
      counted.reads += 1;
      return real.cache.read(probes);
    },
  },
};

const secretKey = readSecretKey(Buffer.alloc(32, 1).toString("base64"));
assert.ok(secretKey);
const keys = await openSigningKeys({ ...real, secretKey });
after(keys.close);
const { issuer } = bench.engine;
const verifier = openVerifier({ platform, model: bench.model, modelVersion: "test", keys, issuer, used: () => {} });
const deciding: Deciding = { platform, model: bench.model, modelVersion: "test", issuer, verifier };

const tenant = await bench.tenant();
const owner = await bench.ownerOf(tenant);
const parent = bench.rootRef(tenant);
const account = formatRef("accounts", await bench.node(tenant, "account", await bench.node(tenant, "client")));
const subject = await bench.ok(createServiceAccount, owner, { parent, display_name: "Asked about" });
await bench.ok(createRoleAssignment, owner, { parent, principal: subject.resource, role: "member" });
const tokenOf = async (scopes: readonly string[]): Promise<string> => {
  const expire_time = new Date(bench.clock.ms + 3600_000).toISOString();
  return String((await bench.ok(createApiToken, owner, { display_name: "Gateway", scopes, expire_time }))["token"]);
};
const gateway = recognise(await tokenOf(["*"]));
assert.ok(gateway);

/** What asking costs, and that every answer was a yes. */
const cost = async (questions: readonly CheckQuestion[]): Promise<typeof counted> => {
  Object.assign(counted, { statements: 0, transactions: 0, reads: 0 });
  const answers = await check(deciding, gateway, questions);
  assert.ok(!isFault(answers), JSON.stringify(answers));
  for (const answer of answers) assert.ok(!isFault(answer) && answer.effect === "permit", JSON.stringify(answer));
  return { ...counted };
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
  const token = await tokenOf(["accounts:read", "clients:read"]);
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
    const answers = await check(deciding, gateway, [disguised, question]);
    assert.ok(!isFault(answers));
    const [wrong, right] = answers;
    assert.ok(wrong && !isFault(wrong) && wrong.effect === "deny");
    assert.equal(wrong.because.rule, "principal_not_active");
    assert.ok(right && !isFault(right) && right.effect === "permit");
  }
});
