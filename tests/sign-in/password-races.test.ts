// A password that is being replaced, and somebody who is on the way in with the old one: one of the two comes first.
import { after, test } from "node:test";
import type { TenantId } from "../../core/ids.ts";
import { writePassword } from "../../server/credentials/passwords/store.ts";
import type { Tx } from "../../server/platform/database/database.ts";
import { changePassword } from "../../server/sign-in/account/change-password.ts";
import { markEmailVerified } from "../../server/sign-in/store.ts";
import { openImpostorKit } from "./impostor-kit.ts";
import { done, fails, password } from "./sign-in-kit.ts";

const kit = await openImpostorKit();
after(kit.close);
const { bench, needs, database, clock, hashes, somewhere, address, proven } = kit;

const waiting = async (tenant: TenantId): Promise<number> => {
  const sql = "select pid from pg_locks where not granted and pid <> pg_backend_pid() and $1::uuid is not null";
  return (await bench.sql(tenant, "test.waiting", sql, [tenant])).length;
};
const until = async (tenant: TenantId, count: number): Promise<void> => {
  while ((await waiting(tenant)) < count) await new Promise((resolve) => setImmediate(resolve));
};
/** A transaction that has done this, and does not end before it is let go. */
const halted = async (tenant: TenantId, work: (tx: Tx) => Promise<unknown>) => {
  const [there, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const ended = database.transaction(tenant, async (tx) => {
    await work(tx);
    there.resolve();
    await go.promise;
  });
  await there.promise;
  return async (): Promise<void> => {
    go.resolve();
    await ended;
  };
};

test("a password that is being reset lets nobody in who was on the way with the old one", async () => {
  const acme = await bench.tenant();
  const ada = await proven(acme, address());
  const finish = await halted(acme, async (tx) => {
    await markEmailVerified(tx, ada.user, ada.email, new Date(clock.now()));
    await writePassword(tx, ada.user, hashes.attacker, clock.now());
  });
  const signingIn = kit.signIn(somewhere(), ada);
  await until(acme, 1);
  await finish();
  fails(await signingIn, "invalid_credentials");
});

test("a password that its human is changing lets nobody in who was on the way with the old one", async () => {
  const acme = await bench.tenant();
  const ada = await proven(acme, address());
  const browser = somewhere();
  const { session } = done(await kit.signIn(browser, ada));
  // The change has begun, and waits to write the password.
  const finish = await halted(acme, (tx) =>
    tx.query("test.hold", "select 1 from passwords where tenant_id = $1 and user_id = $2 for update", [acme, ada.user]),
  );
  const asking = { session, request: browser.visit() };
  const changing = changePassword(needs, asking, { current: password, next: "a phrase the thief has not" });
  await until(acme, 1);
  const signingIn = kit.signIn(somewhere(), ada);
  await Promise.race([until(acme, 2), signingIn]);
  await finish();
  done(await changing);
  fails(await signingIn, "invalid_credentials");
});
