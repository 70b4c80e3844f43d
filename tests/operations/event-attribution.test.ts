// Events say who stands behind them, as audit entries do.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { unattributed } from "../../core/attribution.ts";
import { formatRef } from "../../core/ids.ts";
import type { CloudEvent } from "../../server/events/model.ts";
import { openRelay } from "../../server/events/relay.ts";
import { createServiceAccount } from "../../server/principals/service-accounts/create-service-account.ts";
import { listEvents } from "../../server/record/list-events.ts";
import { openWorkbench } from "../support/engine.ts";

const bench = await openWorkbench();
after(bench.close);
const relay = openRelay({ ...bench.engine.platform, issuer: bench.engine.issuer });
after(relay.close);

test("invariant 9: the event of an operation names who stands behind it, every party or null", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const named = { parent: bench.rootRef(tenant), display_name: "Attributed" };
  await bench.ok(createServiceAccount, owner, named, { requestId: "request-1" });
  relay.kick();
  await relay.idle();
  const [event] = (await bench.ok(listEvents, owner, {}))["events"] as readonly CloudEvent[];
  const who = formatRef("service-accounts", owner.principal.id);
  assert.ok(event);
  assert.deepEqual((event.data as { attribution: unknown }).attribution, {
    ...unattributed,
    authenticated_principal: who,
    subject: who,
    actor_of_record: who,
    credential: `${owner.credential.kind}/${owner.credential.id}`,
    request_id: "request-1",
  });
});
