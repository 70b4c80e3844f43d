/** The audit log as its tenant reads it. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createRole } from "../../server/access/roles/create-role.ts";
import { getRole } from "../../server/access/roles/get-role.ts";
import type { Caller } from "../../server/authority/caller.ts";
import { createApiToken } from "../../server/credentials/create-api-token.ts";
import { listAuditEntries } from "../../server/record/list-audit-entries.ts";
import { openWorkbench } from "../support/engine.ts";
import { later, refOf } from "./access-kit.ts";

const bench = await openWorkbench();
after(bench.close);

const actions = async (caller: Caller, input: object = {}, meta = {}) =>
  (await bench.ok(listAuditEntries, caller, input, meta)).items.map((entry) => [entry["action"], entry["outcome"]]);

test("entries come newest first, page by page, with every party of the attribution named or null", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  for (const display_name of ["A", "B", "C"]) {
    bench.clock.ms += 1_000;
    await bench.ok(createRole, owner, { display_name, permissions: [] });
  }
  const first = await bench.ok(listAuditEntries, owner, { page_size: 2 });
  assert.equal(first.items.length, 2);
  const rest = await bench.ok(listAuditEntries, owner, { page_size: 2, page_token: first.next_page_token });
  assert.equal(rest.next_page_token, "");
  const times = [...first.items, ...rest.items].map((entry) => String(entry["time"]));
  assert.equal(times.length, 3);
  assert.deepEqual(times, times.toSorted().toReversed());

  const [entry] = first.items;
  assert.deepEqual(
    { ...entry, id: "", request_id: "", credential: "", because: null },
    {
      id: "",
      time: new Date(bench.clock.ms).toISOString(),
      action: "roles.create",
      outcome: "done",
      authenticated_principal: refOf(owner),
      subject: refOf(owner),
      actor: null,
      actor_of_record: refOf(owner),
      approvers: null,
      identity_source: null,
      credential: "",
      client_id: null,
      session_id: null,
      request_id: "",
      trace_id: null,
      target: "roles",
      target_path: [bench.rootRef(tenant)],
      permission: "roles:create",
      bypass: false,
      because: null,
      detail: null,
    },
  );
});

test("entries are filtered by action, outcome, who, target and time", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const viewer = await bench.callerWith(tenant, "viewer");
  const role = await bench.ok(createRole, owner, { display_name: "A", permissions: [] });
  bench.clock.ms += 60_000;
  const between = new Date(bench.clock.ms).toISOString();
  bench.clock.ms += 60_000;
  await bench.refused("permission_denied", getRole, viewer, { id: role.id });
  await bench.refused("not_admissible", createApiToken, owner, {
    display_name: "CI",
    scopes: ["payouts:read"],
    expire_time: later(bench, -1),
  });
  assert.deepEqual(await actions(owner, { filter: 'action = "roles.create"' }), [["roles.create", "done"]]);
  assert.deepEqual(await actions(owner, { filter: 'outcome = "denied"' }), [["roles.get", "denied"]]);
  assert.deepEqual(await actions(owner, { filter: 'outcome = "failed"' }), [["api-tokens.create", "failed"]]);
  assert.deepEqual(await actions(owner, { filter: `actor_of_record = "${refOf(viewer)}"` }), [["roles.get", "denied"]]);
  assert.deepEqual(await actions(owner, { filter: `target = "${role.resource}"` }), [["roles.get", "denied"]]);
  assert.deepEqual(await actions(owner, { filter: `time < "${between}"` }), [["roles.create", "done"]]);
  const by = `authenticated_principal = "${refOf(owner)}" AND time > "${between}"`;
  assert.deepEqual(await actions(owner, { filter: by }), [["api-tokens.create", "failed"]]);
  await bench.refused("invalid_argument", listAuditEntries, owner, { filter: 'secret = "x"' });
});

test("a tenant reads its own log only, with audit:read; what the host did in it is in it, as a bypass", async () => {
  const [mine, theirs] = [await bench.tenant(), await bench.tenant()];
  const [me, auditor] = [await bench.ownerOf(mine), await bench.callerWith(mine, "auditor")];
  const meta = { tenant: bench.rootRef(mine) };
  await bench.ok(createRole, bench.host, { display_name: "By the host", permissions: [] }, meta);
  const [entry] = (await bench.ok(listAuditEntries, auditor, { filter: "bypass = true" })).items;
  assert.equal(entry?.["authenticated_principal"], refOf(bench.host));
  assert.deepEqual(await actions(await bench.ownerOf(theirs)), []);
  await bench.refused("not_found", listAuditEntries, await bench.ownerOf(theirs), {}, meta);
  assert.deepEqual(await actions(bench.host, {}, meta), [["roles.create", "done"]]);
  bench.clock.ms += 1_000;
  await bench.refused("permission_denied", listAuditEntries, await bench.callerWith(mine, "member"), {});
  assert.deepEqual((await actions(me))[0], ["audit.list", "denied"]);
});
