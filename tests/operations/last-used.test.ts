/** When API tokens were last used: noted on the verify path, written apart from it. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { TenantId } from "../../core/ids.ts";
import type { Caller } from "../../server/authority/caller.ts";
import { createApiToken } from "../../server/credentials/create-api-token.ts";
import { getApiToken } from "../../server/credentials/get-api-token.ts";
import { openLastUsed } from "../../server/credentials/last-used.ts";
import { silentLog } from "../../server/platform/log.ts";
import { openWorkbench } from "../support/engine.ts";
import { later, openGate } from "./access-kit.ts";

const bench = await openWorkbench();
after(bench.close);
const { database } = bench.engine.platform;
const clock = { now: () => bench.clock.ms };

const create = (caller: Caller) =>
  bench.ok(createApiToken, caller, { display_name: "CI", scopes: ["payouts:read"], expire_time: later(bench, 30) });
const lastUsed = async (owner: Caller, id: string) => (await bench.ok(getApiToken, owner, { id }))["last_used_time"];

test("uses are written together, per tenant, and a time never goes back", async () => {
  const notes = openLastUsed({ database, clock, log: silentLog });
  const watched = await openGate(bench, notes.note);
  const [one, two] = [await bench.tenant(), await bench.tenant()];
  const made = await Promise.all(
    [one, two].map(async (tenant) => {
      const owner = await bench.ownerOf(tenant);
      return { owner, token: await create(owner) };
    }),
  );
  for (const { token } of made) assert.ok(await watched.standing(token["token"]));
  const at = new Date(bench.clock.ms).toISOString();
  await notes.flush();
  for (const { owner, token } of made) assert.equal(await lastUsed(owner, token.id), at);

  const [{ owner, token }] = made as [(typeof made)[0]];
  bench.clock.ms -= 60_000;
  notes.note(one, token.id);
  await notes.flush();
  assert.equal(await lastUsed(owner, token.id), at);
  bench.clock.ms += 120_000;
  notes.note(one, token.id);
  await notes.close();
  assert.equal(await lastUsed(owner, token.id), new Date(bench.clock.ms).toISOString());
  watched.close();
});

test("a database that is away costs nobody anything, and is written to when it is back", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const token = await create(owner);
  const away = { now: true };
  const flaky = {
    ...database,
    transaction: <T>(of: TenantId, work: (tx: never) => Promise<T>) =>
      away.now ? Promise.reject(new Error("away")) : database.transaction(of, work as never),
  } as typeof database;
  const notes = openLastUsed({ database: flaky, clock, log: silentLog });
  notes.note(tenant, token.id);
  await notes.flush();
  assert.equal(await lastUsed(owner, token.id), null);
  away.now = false;
  await notes.close();
  assert.equal(await lastUsed(owner, token.id), new Date(bench.clock.ms).toISOString());
});
