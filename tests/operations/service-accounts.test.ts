// Service accounts, over the whole way of an operation: what is shown once, and what is listed.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, test } from "node:test";
import { formatRef } from "../../core/ids.ts";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import { createRole } from "../../server/access/roles/create-role.ts";
import { newId } from "../../server/platform/random.ts";
import { createServiceAccount } from "../../server/principals/service-accounts/create-service-account.ts";
import { disableServiceAccount } from "../../server/principals/service-accounts/disable-service-account.ts";
import { listServiceAccounts } from "../../server/principals/service-accounts/list-service-accounts.ts";
import { serviceAccountOperations } from "../../server/principals/service-accounts/operations.ts";
import { rotateSecret } from "../../server/principals/service-accounts/rotate-secret.ts";
import { patchServiceAccount } from "../../server/principals/service-accounts/update-service-account.ts";
import { openWorkbench } from "../support/engine.ts";

const bench = await openWorkbench({ model: "b2b2x" });
after(bench.close);

test("a secret is shown once: not by a replay, not by a list, and nowhere in the database", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const input = { parent: bench.rootRef(tenant), display_name: "Treasury automation" };
  const secrets: string[] = [];
  const once = async (operation: typeof createServiceAccount, asked: object) => {
    const key = { idempotencyKey: newId<string>() };
    const { client_secret, ...shown } = await bench.ok(operation, owner, asked, key);
    assert.ok(typeof client_secret === "string");
    secrets.push(client_secret);
    assert.deepEqual(await bench.ok(operation, owner, asked, key), shown);
    return shown;
  };
  const { id } = await once(createServiceAccount, input);
  await once(rotateSecret, { id });

  const listed = JSON.stringify(await bench.ok(listServiceAccounts, owner, {}));
  const stored = JSON.stringify([
    await bench.events(tenant),
    await bench.audit(tenant),
    await bench.sql(tenant, "test.answers", "select response from idempotency_keys where tenant_id = $1", [tenant]),
  ]);
  for (const secret of secrets) assert.ok(!listed.includes(secret) && !stored.includes(secret));
});

test("service accounts are listed by state, name and perimeter, to whoever may read them there", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const client = formatRef("clients", await bench.node(tenant, "client"));
  const here = await bench.ok(createServiceAccount, owner, {
    parent: bench.rootRef(tenant),
    display_name: "Listed here",
  });
  const below = await bench.ok(createServiceAccount, owner, { parent: client, display_name: "Listed below" });
  await bench.ok(disableServiceAccount, owner, { id: below.id });
  const ids = async (input: object) => (await bench.ok(listServiceAccounts, owner, input)).items.map(({ id }) => id);
  assert.deepEqual((await ids({ filter: "display_name : listed" })).toSorted(), [here.id, below.id].toSorted());
  assert.deepEqual(await ids({ parent: client }), [below.id]);
  assert.deepEqual(await ids({ filter: "state = disabled" }), [below.id]);
  assert.deepEqual(await ids({ filter: `client_id = ${String(here["client_id"])}` }), [here.id]);
  await bench.refused("permission_denied", listServiceAccounts, await bench.callerWith(tenant, "member"), {});
});

test("another tenant's service account answers like one that never was, whatever is tried", async () => {
  const [mine, theirs] = [await bench.tenant(), await bench.tenant()];
  const owner = await bench.ownerOf(mine);
  const other = (await bench.ownerOf(theirs)).principal.id;
  const never = newId<string>();
  for (const operation of serviceAccountOperations.filter((one) => one.path.includes("{id}"))) {
    const input = (id: string) => (operation.method === "PATCH" ? { id, display_name: "No" } : { id });
    const seen = await bench.refused("not_found", operation, owner, input(other));
    const unseen = await bench.refused("not_found", operation, owner, input(never));
    assert.equal(seen.detail.replace(other, never), unseen.detail);
  }
  assert.deepEqual(await bench.audit(theirs), []);
});

test("invariant 8: nobody takes over an account that holds more than they do, by its secret or by a key", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const account = await bench.ok(createServiceAccount, owner, {
    parent: bench.rootRef(tenant),
    display_name: "Powerful",
  });
  const { id } = account;
  await bench.ok(createRoleAssignment, owner, {
    parent: bench.rootRef(tenant),
    principal: account["resource"],
    role: "owner",
  });
  const keeper = await bench.ok(createRole, owner, {
    display_name: "Keeper of accounts",
    permissions: ["service-accounts:read", "service-accounts:rotate", "service-accounts:update"],
  });
  const clerk = await bench.callerWith(tenant, undefined);
  const principal = formatRef("service-accounts", clerk.principal.id);
  await bench.ok(createRoleAssignment, owner, { parent: bench.rootRef(tenant), principal, role: keeper["resource"] });

  await bench.refused("permission_denied", rotateSecret, clerk, { id });
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwks = { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "mine" }] };
  await bench.refused("permission_denied", patchServiceAccount, clerk, { id, jwks }, { ifMatch: "r1" });
  // What gives nothing away stays allowed, and so does the same on an account that holds nothing.
  await bench.ok(patchServiceAccount, clerk, { id, display_name: "Renamed" }, { ifMatch: "r1" });
  const harmless = await bench.ok(createServiceAccount, owner, {
    parent: bench.rootRef(tenant),
    display_name: "Harmless",
  });
  await bench.ok(rotateSecret, clerk, { id: harmless["id"] });
  await bench.ok(rotateSecret, owner, { id });
});
