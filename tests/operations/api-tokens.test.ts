/** API tokens, over the whole way of an operation, a real PostgreSQL and the server's own verifier. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { formatRef } from "../../core/ids.ts";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import { revokeRoleAssignment } from "../../server/access/role-assignments/revoke-role-assignment.ts";
import { createRole } from "../../server/access/roles/create-role.ts";
import type { Caller } from "../../server/authority/caller.ts";
import { createApiToken } from "../../server/credentials/create-api-token.ts";
import { getApiToken } from "../../server/credentials/get-api-token.ts";
import { listApiTokens } from "../../server/credentials/list-api-tokens.ts";
import { revokeApiToken } from "../../server/credentials/revoke-api-token.ts";
import { rotateApiToken } from "../../server/credentials/rotate-api-token.ts";
import { principalVersion } from "../../server/platform/cache/fresh-cache.ts";
import { openWorkbench } from "../support/engine.ts";
import {
  callerHolding,
  day,
  humanIn,
  later,
  openGate,
  refOf,
  scopedTo,
  suspendPrincipal,
  tally,
} from "./access-kit.ts";

const bench = await openWorkbench();
const gate = await openGate(bench);
after(async () => {
  gate.close();
  await bench.close();
});

const inAMonth = () => later(bench, 30);
const create = (caller: Caller, scopes: readonly string[], more: object = {}) =>
  bench.ok(createApiToken, caller, { display_name: "CI", scopes, expire_time: inAMonth(), ...more });
const input = (scopes: readonly string[], more: object = {}) => ({
  display_name: "CI",
  scopes,
  expire_time: inAMonth(),
  ...more,
});

describe("creating", () => {
  test("the owner's token is shown once, is accepted, and carries what it says and no more", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    bench.published();
    const made = await create(owner, ["payouts:read"]);
    const shown = "create_time display_name expire_time id key_id owner resource scopes token";
    assert.equal(Object.keys(made).toSorted().join(" "), shown);
    assert.equal(made.resource, `api-tokens/${made.id}`);
    assert.equal(made["owner"], refOf(owner));
    assert.match(String(made["token"]), /^cs_api_/);
    assert.deepEqual(bench.published(), [principalVersion(tenant, owner.principal.id)]);

    const standing = await gate.standing(made["token"]);
    assert.deepEqual(standing?.principal, owner.principal);
    assert.deepEqual(standing?.scopes, ["payouts:read"]);
    const [event] = await bench.events(tenant);
    assert.equal(event?.type, "countersign.api-token.created.v1");
    assert.equal(JSON.stringify(event).includes(String(made["token"])), false);

    const read = await bench.ok(getApiToken, owner, { id: made.id });
    assert.equal(read["token"], undefined);
    assert.equal(read.state, "active");
    assert.equal(read["last_used_time"], null);
  });

  test("a replayed Idempotency-Key does not repeat the token", async () => {
    const owner = await bench.ownerOf(await bench.tenant());
    const asked = input(["payouts:read"]);
    const first = await bench.ok(createApiToken, owner, asked, { idempotencyKey: "k" });
    const again = await bench.ok(createApiToken, owner, asked, { idempotencyKey: "k" });
    assert.equal(again.id, first.id);
    assert.equal(again["token"], undefined);
  });

  test("an expiry is mandatory, ahead, and at most 366 days away", async () => {
    const owner = await bench.ownerOf(await bench.tenant());
    const scopes = ["payouts:read"];
    await bench.refused("invalid_argument", createApiToken, owner, { display_name: "CI", scopes });
    await bench.refused("invalid_argument", createApiToken, owner, input(scopes, { expire_time: "tomorrow" }));
    await bench.refused("not_admissible", createApiToken, owner, input(scopes, { expire_time: later(bench, 0) }));
    await bench.refused("not_admissible", createApiToken, owner, input(scopes, { expire_time: later(bench, 366.01) }));
    await create(owner, scopes, { expire_time: later(bench, 366) });
  });

  test("scopes must be there, and mean something", async () => {
    const owner = await bench.ownerOf(await bench.tenant());
    await bench.refused("invalid_argument", createApiToken, owner, input([]));
    const refused = await bench.refused(
      "invalid_argument",
      createApiToken,
      owner,
      input(["payouts:read", "payuots:*"]),
    );
    assert.deepEqual(
      refused.errors?.map(({ path }) => path),
      ["scopes[1]"],
    );
  });

  test("an owner must be of the tenant, and active", async () => {
    const [tenant, other] = [await bench.tenant(), await bench.tenant()];
    const owner = await bench.ownerOf(tenant);
    const stranger = await bench.ownerOf(other);
    const disabled = await bench.callerWith(tenant, "viewer");
    await suspendPrincipal(bench, tenant, disabled.principal);
    const scopes = ["payouts:read"];
    await bench.refused("not_admissible", createApiToken, owner, input(scopes, { owner: refOf(stranger) }));
    await bench.refused("not_admissible", createApiToken, owner, input(scopes, { owner: refOf(bench.host) }));
    await bench.refused("not_admissible", createApiToken, owner, input(scopes, { owner: refOf(disabled) }));
    await bench.refused("invalid_argument", createApiToken, owner, input(scopes, { owner: bench.rootRef(tenant) }));
  });

  test("a token for another principal carries that one's authority: a human's too", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const human = await humanIn(bench, tenant, "viewer");
    const made = await create(owner, ["payouts:read"], { owner: `users/${human.id}` });
    assert.deepEqual((await gate.standing(made["token"]))?.principal, human);
    await bench.refused(
      "not_admissible",
      createApiToken,
      owner,
      input(["payouts:create"], { owner: `users/${human.id}` }),
    );
  });
});

describe("nobody's token is more than its creator (invariant 8)", () => {
  test("one's own token has what one holds somewhere, and nothing else", async () => {
    const tenant = await bench.tenant();
    const caller = await callerHolding(bench, tenant, ["api-tokens:create", "payouts:read"]);
    await create(caller, ["payouts:read"]);
    const refused = await bench.refused("permission_denied", createApiToken, caller, input(["payouts:*"]));
    assert.equal(refused.permission, "payouts:approve");
    await bench.refused("permission_denied", createApiToken, caller, input(["*"]));
  });

  test("a narrow token makes no wider one, by creation or by rotation", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const wide = await create(owner, ["payouts:*"]);
    const narrow = scopedTo(bench, owner, "api-tokens:create", "api-tokens:rotate", "payouts:read");
    await bench.refused("permission_denied", createApiToken, narrow, input(["payouts:create"]));
    await bench.refused("permission_denied", rotateApiToken, narrow, { id: wide.id });
    await create(narrow, ["payouts:read"]);
    const without = scopedTo(bench, owner, "payouts:read");
    await bench.refused("insufficient_scope", createApiToken, without, input(["payouts:read"]));
  });

  test("who may make and rotate others' tokens gets no authority it lacks into its hands", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const clerk = await callerHolding(bench, tenant, ["api-tokens:*", "payouts:read"]);
    const made = await create(owner, ["payouts:approve"]);
    await bench.refused("permission_denied", rotateApiToken, clerk, { id: made.id });
    await bench.refused(
      "permission_denied",
      createApiToken,
      clerk,
      input(["payouts:approve"], { owner: refOf(owner) }),
    );
    await create(clerk, ["payouts:read"], { owner: refOf(owner) });
    assert.equal((await bench.ok(revokeApiToken, clerk, { id: made.id })).state, "revoked");
  });

  test("what is held at the root alone is not passed on, as the other's token would reach below", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const clerk = await callerHolding(bench, tenant, ["api-tokens:*", "payouts:read"], { propagation: "self" });
    await bench.refused("permission_denied", createApiToken, clerk, input(["payouts:read"], { owner: refOf(owner) }));
    await create(clerk, ["payouts:read"]);
  });

  test("an administrator of one client makes no token for somebody else, not even in its client", async () => {
    const tenant = await bench.tenant();
    const client = formatRef("clients", await bench.node(tenant, "client"));
    const admin = await callerHolding(bench, tenant, ["api-tokens:*", "payouts:*"], { ref: client });
    const owner = await bench.ownerOf(tenant);
    const refused = await bench.refused(
      "permission_denied",
      createApiToken,
      admin,
      input(["payouts:read"], { owner: refOf(owner) }),
    );
    assert.equal(refused.permission, "api-tokens:create");
  });

  test("a service account whose roles are all at one client manages tokens of its own, within that client", async () => {
    const tenant = await bench.tenant();
    const client = await bench.node(tenant, "client");
    const service = await callerHolding(bench, tenant, ["api-tokens:*", "payouts:read"], {
      ref: formatRef("clients", client),
      within_grants: ["documents:read"],
    });
    const made = await create(service, ["payouts:read", "documents:read"]);
    assert.ok(await gate.standing(made["token"]));
    await bench.refused("permission_denied", createApiToken, service, input(["payouts:create"]));
    const rotated = await bench.ok(rotateApiToken, service, { id: made.id });
    await bench.ok(getApiToken, service, { id: rotated.id });
    await bench.ok(revokeApiToken, service, { id: rotated.id });
    const entry = (await bench.audit(tenant)).at(-1);
    assert.deepEqual(entry?.target_path, [formatRef("clients", client), bench.rootRef(tenant)]);
  });

  test("where one holds it for a time counts before where one holds it for good on a condition", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const [here, there] = [await bench.node(tenant, "client"), await bench.node(tenant, "client")];
    const service = await callerHolding(bench, tenant, ["documents:read"]);
    const role = await bench.ok(createRole, owner, {
      display_name: "Tokens",
      permissions: ["api-tokens:*", "payouts:read"],
      within_grants: [],
    });
    const given = { principal: refOf(service), role: role.resource };
    const conditional = { parent: formatRef("clients", here), condition: "context.never == true" };
    await bench.ok(createRoleAssignment, owner, { ...given, ...conditional });
    await bench.refused("permission_denied", createApiToken, service, input(["payouts:read"]));
    const forAWhile = { parent: formatRef("clients", there), expire_time: later(bench, 60) };
    await bench.ok(createRoleAssignment, owner, { ...given, ...forAWhile });
    await create(service, ["payouts:read"]);
  });

  test("without api-tokens:create nobody makes a token, not even for oneself", async () => {
    const tenant = await bench.tenant();
    const viewer = await bench.callerWith(tenant, "viewer");
    await bench.refused("permission_denied", createApiToken, viewer, input(["payouts:read"]));
    assert.equal((await bench.audit(tenant)).at(-1)?.outcome, "denied");
  });

  test("a token does what its owner still may: authority is judged anew at every use", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const caller = await bench.callerWith(tenant, undefined);
    const assigned = await bench.ok(createRoleAssignment, owner, {
      parent: bench.rootRef(tenant),
      principal: refOf(caller),
      role: "viewer",
    });
    const made = await create(owner, ["payouts:read"], { owner: refOf(caller) });
    assert.equal((await gate.standing(made["token"]))?.facts.assignments.length, 1);
    await bench.ok(revokeRoleAssignment, owner, { id: assigned.id });
    assert.equal((await gate.standing(made["token"]))?.facts.assignments.length, 0);
    const refused = await bench.refused("not_admissible", rotateApiToken, owner, { id: made.id });
    assert.match(refused.detail, /payouts:read/);
  });

  test("a caller of the host makes tokens for a tenant's principals, and names the owner", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const meta = { tenant: bench.rootRef(tenant) };
    await bench.refused("not_admissible", createApiToken, bench.host, input(["payouts:read"]), meta);
    await bench.ok(createApiToken, bench.host, input(["payouts:read"], { owner: refOf(owner) }), meta);
    assert.equal((await bench.audit(tenant)).at(-1)?.bypass, true);
    const own = await bench.ok(createApiToken, bench.host, input(["*"]));
    assert.equal((await gate.standing(own["token"]))?.tenant, bench.host.tenant);
  });
});

describe("rotating", () => {
  test("the replacement revokes the previous at once, and says which", async () => {
    const tenant = await bench.tenant();
    const owner = await bench.ownerOf(tenant);
    const old = await create(owner, ["payouts:read"], { expire_time: later(bench, 10) });
    assert.ok(await gate.standing(old["token"]));
    bench.clock.ms += day;
    const made = await bench.ok(rotateApiToken, owner, { id: old.id });
    assert.equal(await gate.standing(old["token"]), undefined);
    assert.ok(await gate.standing(made["token"]));
    assert.equal(made["replaces"], old.resource);
    assert.equal(made["expire_time"], later(bench, 10));
    assert.deepEqual(made["scopes"], ["payouts:read"]);

    const read = await bench.ok(getApiToken, owner, { id: old.id });
    assert.deepEqual([read.state, read["replaced_by"]], ["revoked", made.resource]);
    const [, revoked, rotated] = await bench.events(tenant);
    assert.equal(revoked?.type, "countersign.token.revoked.v1");
    assert.deepEqual(revoked?.data, { token: old.resource, owner: refOf(owner), reason: "rotated" });
    assert.deepEqual([rotated?.type, rotated?.subject], ["countersign.api-token.rotated.v1", made.resource]);
  });

  test("of twenty rotations at once exactly one wins, and one token is alive", async () => {
    // The first round opens the connections that let the others run side by side.
    for (let round = 0; round < 3; round += 1) {
      const tenant = await bench.tenant();
      const owner = await bench.ownerOf(tenant);
      const old = await create(owner, ["payouts:read"]);
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => bench.call(rotateApiToken, owner, { id: old.id })),
      );
      assert.deepEqual(tally(answers), { ok: 1, illegal_transition: 19 });
      const alive = await bench.ok(listApiTokens, owner, { filter: 'state = "active"' });
      assert.equal(alive.items.length, 1);
      const ended = (await bench.events(tenant)).filter(({ type }) => type === "countersign.token.revoked.v1");
      assert.equal(ended.length, 1);
    }
  });

  test("rotation and revocation at once: one of them ends the token", async () => {
    const owner = await bench.ownerOf(await bench.tenant());
    for (let round = 0; round < 5; round += 1) {
      const old = await create(owner, ["payouts:read"]);
      const answers = await Promise.all(
        [rotateApiToken, revokeApiToken].map((operation) => bench.call(operation, owner, { id: old.id })),
      );
      assert.deepEqual(tally(answers), { ok: 1, illegal_transition: 1 });
    }
  });

  test("a dead token is not rotated, and If-Match is honoured where it is sent", async () => {
    const owner = await bench.ownerOf(await bench.tenant());
    const made = await create(owner, ["payouts:read"], { expire_time: later(bench, 1) });
    await bench.refused("etag_mismatch", rotateApiToken, owner, { id: made.id }, { ifMatch: "r7" });
    await bench.refused("etag_mismatch", revokeApiToken, owner, { id: made.id }, { ifMatch: "r7" });
    bench.clock.ms += 2 * day;
    await bench.refused("illegal_transition", rotateApiToken, owner, { id: made.id });
    await bench.refused("illegal_transition", revokeApiToken, owner, { id: made.id });
    const read = await bench.ok(getApiToken, owner, { id: made.id });
    assert.equal(read.state, "expired");
    assert.equal(await gate.standing(made["token"]), undefined);
  });
});

test("revoking ends a token for good, and TokenRevoked says whose and why", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const made = await create(owner, ["payouts:read"]);
  assert.ok(await gate.standing(made["token"]));
  bench.published();
  const revoked = await bench.ok(revokeApiToken, owner, { id: made.id, reason: "it was in a log" }, { ifMatch: "r1" });
  assert.equal(revoked.state, "revoked");
  assert.equal(await gate.standing(made["token"]), undefined);
  assert.deepEqual(bench.published(), [principalVersion(tenant, owner.principal.id)]);
  assert.deepEqual((await bench.events(tenant)).at(-1), {
    type: "countersign.token.revoked.v1",
    subject: made.resource,
    data: { token: made.resource, owner: refOf(owner), reason: "it was in a log" },
  });
  await bench.refused("illegal_transition", revokeApiToken, owner, { id: made.id });
});

test("a list is filtered by owner, name, state and expiry, and shows no secret", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const other = await bench.callerWith(tenant, "viewer");
  const first = await create(owner, ["payouts:read"], { display_name: "nightly", expire_time: later(bench, 5) });
  bench.clock.ms += 1_000;
  const second = await create(owner, ["payouts:read"], { owner: refOf(other), display_name: "hourly" });
  const ids = async (filter: string) =>
    (await bench.ok(listApiTokens, owner, { filter })).items.map((token) => token.id);
  assert.deepEqual(await ids(""), [first.id, second.id]);
  assert.deepEqual(await ids(`owner = "${refOf(other)}"`), [second.id]);
  assert.deepEqual(await ids('display_name : "night"'), [first.id]);
  assert.deepEqual(await ids(`expire_time < "${later(bench, 6)}"`), [first.id]);
  await bench.ok(revokeApiToken, owner, { id: first.id });
  assert.deepEqual(await ids('state = "revoked"'), [first.id]);
  const page = JSON.stringify(await bench.ok(listApiTokens, owner, {}));
  assert.equal(page.includes("cs_api_") || page.includes("hash"), false);
  await bench.refused("permission_denied", listApiTokens, other, {});
});

test("another tenant's token answers like one that never was", async () => {
  const [mine, theirs] = [await bench.tenant(), await bench.tenant()];
  const [me, them] = [await bench.ownerOf(mine), await bench.ownerOf(theirs)];
  const made = await create(them, ["payouts:read"]);
  const never = "11111111-1111-4111-8111-111111111111";
  for (const operation of [getApiToken, rotateApiToken, revokeApiToken]) {
    const one = await bench.refused("not_found", operation, me, { id: made.id });
    const other = await bench.refused("not_found", operation, me, { id: never });
    assert.equal(one.detail.replace(made.id, ""), other.detail.replace(never, ""));
  }
  assert.ok(await gate.standing(made["token"]));
});
