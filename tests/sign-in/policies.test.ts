// Sign-in policies: a tenant's own, with defaults where none was written, and never a way to give away what one does not hold.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { hostTenant, type TenantId } from "../../core/ids.ts";
import type { Caller } from "../../server/authority/caller.ts";
import { tenantFront } from "../../server/policies/front.ts";
import { getSignInPolicy } from "../../server/policies/get-sign-in-policy.ts";
import { updateSignInPolicy } from "../../server/policies/update-sign-in-policy.ts";
import { openWorkbench, type Workbench } from "../support/engine.ts";

let bench: Workbench;
let acme: TenantId;
let owner: Caller;
before(async () => {
  bench = await openWorkbench();
  acme = await bench.tenant("Acme");
  owner = await bench.ownerOf(acme);
});
after(() => bench.close());

const newTenant = async () => {
  const id = await bench.tenant();
  return { id, owner: await bench.ownerOf(id) };
};

test("a tenant that wrote no policy has the defaults, and its first change keeps the others", async () => {
  const read = await bench.ok(getSignInPolicy, owner, { id: acme });
  assert.equal(read["mfa"], "optional");
  assert.equal(read["self_registration"], "off");
  assert.equal(read.etag, "r0");
  const changed = await bench.ok(updateSignInPolicy, owner, { id: acme, mfa: "required" }, { ifMatch: "r0" });
  assert.equal(changed["mfa"], "required");
  assert.equal(changed["password_length_min"], 12);
  assert.equal(changed.etag, "r1");
  const front = await tenantFront(bench.engine.platform.database, acme);
  assert.equal(front?.policy.mfa, "required", "and it is what people meet at the door");
});

test("a change names the revision it changes: of two at once, one is told", async () => {
  const { id, owner: who } = await newTenant();
  await bench.refused("precondition_required", updateSignInPolicy, who, { id, mfa: "off" });
  await bench.refused("etag_mismatch", updateSignInPolicy, who, { id, mfa: "off" }, { ifMatch: "r7" });
  const both = await Promise.all(
    (["off", "required"] as const).map((mfa) => bench.call(updateSignInPolicy, who, { id, mfa }, { ifMatch: "r0" })),
  );
  assert.equal(both.filter((one) => "status" in one).length, 1);
  assert.equal(both.filter((one) => "fault" in one && one.fault === "etag_mismatch").length, 1);
});

test("invariant 7: a change makes stale what is cached under the tenant", async () => {
  const { id, owner: who } = await newTenant();
  bench.published();
  await bench.ok(updateSignInPolicy, who, { id, dynamic_registration: "on" }, { ifMatch: "r0" });
  assert.ok(bench.published().includes(`{${id}}:v`));
});

test("bounds: what no session or password could be is refused", async () => {
  const { id, owner: who } = await newTenant();
  for (const wrong of [
    { password_length_min: 4 },
    { session_idle_seconds: 1 },
    { session_absolute_seconds: 400 * 86_400 },
    { session_idle_seconds: 86_400, session_absolute_seconds: 3_600 },
    { mfa: "never" },
    { unknown: true },
    { self_registration_role: "no such role" },
    {},
  ])
    await bench.refused("invalid_argument", updateSignInPolicy, who, { id, ...wrong }, { ifMatch: "r0" });
});

test("invariant 8: nobody lets strangers in with a role that gives more than they hold", async () => {
  const { id, owner: who } = await newTenant();
  const admin = await bench.callerWith(id, "admin");
  const asked = { id, self_registration: "on", self_registration_role: "owner" };
  await bench.refused("permission_denied", updateSignInPolicy, admin, asked, { ifMatch: "r0" });
  await bench.ok(updateSignInPolicy, who, { id, self_registration_role: "owner" }, { ifMatch: "r0" });
  // The role lies ready; opening the door is what gives it away.
  await bench.refused(
    "permission_denied",
    updateSignInPolicy,
    admin,
    { id, self_registration: "on" },
    { ifMatch: "r1" },
  );
});

test("invariant 2: another tenant's policy is not there, and the host's own is the host's", async () => {
  const { owner: stranger } = await newTenant();
  await bench.refused("not_found", getSignInPolicy, stranger, { id: acme });
  await bench.refused("not_found", updateSignInPolicy, stranger, { id: acme, mfa: "off" }, { ifMatch: "*" });
  await bench.refused("not_found", getSignInPolicy, stranger, { id: hostTenant });
  assert.equal((await bench.ok(getSignInPolicy, bench.host, { id: hostTenant }))["mfa"], "optional");
  assert.equal((await bench.ok(getSignInPolicy, bench.host, { id: acme }))["mfa"], "required");
});
