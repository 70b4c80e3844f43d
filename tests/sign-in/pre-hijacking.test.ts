/**
 * Somebody has an account made in your name before you come: in a tenant of theirs, or by registering with your address. Whoever proves an
 * address later is who signs in with it, and nobody bars their way.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import type { PrincipalId, TenantId } from "../../core/ids.ts";
import { newId } from "../../server/platform/random.ts";
import { createMembership } from "../../server/principals/memberships/create-membership.ts";
import { deleteMembership } from "../../server/principals/memberships/delete-membership.ts";
import { verifyEmail } from "../../server/sign-in/verify-email.ts";
import { known, openImpostorKit } from "./impostor-kit.ts";
import { type Ada, done, fails, linkIn, password } from "./sign-in-kit.ts";

const kit = await openImpostorKit();
after(kit.close);
const {
  bench,
  needs,
  clock,
  somewhere,
  address,
  registered,
  prove,
  proven,
  open,
  register,
  tick,
  entersAs,
  whose,
  resetLinkOf,
  reset,
  joinElsewhere,
} = kit;

test("an older account nobody has proven, in a tenant of the attacker's, is not who signs in or resets: the proven one is", async () => {
  const [evil, acme] = [await bench.tenant("Evil"), await bench.tenant("Acme")];
  const email = address();
  await registered(evil, email, "attacker");
  tick();
  const ada = await proven(acme, email);
  await entersAs(ada);
  fails(await kit.signIn(somewhere(), ada, { password: known }), "invalid_credentials");
  await reset(await resetLinkOf(email, null, acme));
  assert.equal((await kit.mails(evil)).length, 0);
});

test("a crowd of accounts that strangers have registered hides neither the proven one, nor one an administrator made, nor a tenant's own at its door", async () => {
  const crowd = await Promise.all(Array.from({ length: 45 }, open));
  // Whatever order they are looked at in, some of them come before.
  const acme = (await Promise.all(Array.from({ length: 3 }, () => bench.tenant()))).toSorted().at(-1) as TenantId;
  const [first, second] = [address(), address()];
  for (const email of [first, second])
    for (const tenant of crowd) {
      const user = newId<PrincipalId>();
      await bench.sql(
        tenant,
        "test.stranger",
        `insert into users (tenant_id, id, node_id, email, display_name, state, identity_source, create_time, update_time)
         values ($1, $2, $1, $3, 'A stranger', 'active', 'platform', $4, $4)`,
        [tenant, user, email, new Date(clock.now())],
      );
    }
  tick();
  await entersAs(await proven(acme, first));
  const imported = await registered(acme, second, "owner");
  await entersAs(imported);
  await entersAs(imported, acme);
});

test("forty tenants of an attacker, each with a member of that address, do not keep a tenant's own from its own door", async () => {
  const email = address();
  for (let round = 0; round < 40; round += 1) await registered(await bench.tenant("Evil"), email, "attacker");
  tick();
  const acme = await bench.tenant();
  await entersAs(await registered(acme, email, "owner"), acme);
  const umbrella = await bench.tenant();
  const ada = await proven(umbrella, email);
  await entersAs(ada);
  await joinElsewhere(acme, ada);
});

test("who cannot sign in keeps nobody else out: an older account that is suspended, or whose tenant is", async () => {
  const [left, closed, acme] = [await bench.tenant(), await bench.tenant(), await bench.tenant()];
  const email = address();
  const [former, other] = [await proven(left, email), await proven(closed, email)];
  await bench.sql(left, "test.suspend", "update users set state = 'suspended' where tenant_id = $1 and id = $2", [
    left,
    former.user,
  ]);
  await bench.sql(closed, "test.close", "update nodes set state = 'suspended' where tenant_id = $1 and id = $1", [
    closed,
  ]);
  tick();
  await entersAs(await proven(acme, email));
  assert.notEqual(await whose(email), other.user);
  // At the door it is suspended at, too, it is the one that can.
  assert.notEqual(await whose(email, left), former.user);
});

test("registering at a tenant's door with the address of one of its members from elsewhere bars nobody's way there", async () => {
  const [home, acme] = [await bench.tenant(), await open()];
  const email = address();
  done(await register(acme, email));
  tick();
  const ada = await proven(home, email);
  await joinElsewhere(acme, ada);
  await entersAs(ada, acme);
  fails(await kit.signIn(somewhere(), ada, { context: acme, password: known }), "invalid_credentials");
});

test("nor does the administrator of one client there, who registers that address in their own corner", async () => {
  const [home, acme] = [await bench.tenant(), await bench.tenant()];
  const email = address();
  const corner = await bench.node(acme, "client");
  await registered(acme, email, "attacker", `clients/${corner}`);
  tick();
  const ada = await proven(home, email);
  await joinElsewhere(acme, ada);
  await entersAs(ada, acme);
  await entersAs(ada);
});

test("of accounts nobody has proven, the one in the tenant that owns the address's domain comes before older ones", async () => {
  const [evil, acme] = [await bench.tenant("Evil"), await bench.tenant("Acme")];
  const domain = `${randomUUID()}.example`;
  const email = `Ada@${domain.toUpperCase()}`;
  await registered(evil, email, "attacker");
  tick();
  await bench.sql(acme, "test.domain", "insert into verified_domains (name, tenant_id) values ($2, $1)", [
    acme,
    domain,
  ]);
  await entersAs(await registered(acme, email, "owner"));
  // But not before one that was proven.
  tick();
  const home = await bench.tenant();
  await entersAs(await proven(home, email));
});

test("of several that were proven it is the one that was proven first, however old the others are", async () => {
  const [early, acme] = [await bench.tenant(), await bench.tenant()];
  const email = address();
  const claimed = await registered(early, email, "attacker");
  tick();
  const ada = await proven(acme, email);
  tick();
  await prove(claimed);
  await entersAs(ada);
});

test("trojan identifier: a membership that was meant for the address's owner opens nothing to whoever registered with it", async () => {
  const acme = await open();
  const email = address();
  done(await register(acme, email));
  const user = (await whose(email, acme)) as PrincipalId;
  tick();
  const attacker: Ada = { home: acme, user, email };
  const give = { parent: bench.rootRef(acme), user: `users/${user}`, role: "owner" };
  const membership = await bench.ok(createMembership, await bench.ownerOf(acme), give);
  for (const context of [null, acme])
    fails(await kit.signIn(somewhere(), attacker, { context, password: known }), "not_admissible");
  // Not by being made one twice, either.
  await bench.ok(deleteMembership, await bench.ownerOf(acme), { id: membership.id });
  await bench.ok(createMembership, await bench.ownerOf(acme), give);
  fails(await kit.signIn(somewhere(), attacker, { password: known }), "not_admissible");
  done(await reset(await resetLinkOf(email, null, acme)));
  await entersAs(attacker);
  fails(await kit.signIn(somewhere(), attacker, { password: known }), "invalid_credentials");
});

test("who has registered honestly and is made a member before opening the mail opens it, and is in", async () => {
  const acme = await open();
  const email = address();
  done(await register(acme, email, password));
  const link = linkIn((await kit.mails(acme)).find((mail) => mail.to === email));
  const user = (await whose(email, acme)) as PrincipalId;
  tick();
  await bench.ok(createMembership, await bench.ownerOf(acme), { parent: bench.rootRef(acme), user: `users/${user}` });
  const ada: Ada = { home: acme, user, email };
  fails(await kit.signIn(somewhere(), ada), "not_admissible");
  done(await verifyEmail(needs, { link, password, request: somewhere().visit() }));
  await entersAs(ada);
});

test("who was imported by an administrator needs no mail: the password came after the membership", async () => {
  const acme = await bench.tenant();
  await entersAs(await registered(acme, address(), "owner"));
});
