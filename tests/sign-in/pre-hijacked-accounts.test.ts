/**
 * What somebody has left in an account before its owner comes: a session, another way of signing in, a link that changes the address. The
 * attacks are those of "Pre-hijacked accounts" (Sudhodanan and Paverd, USENIX Security 2022).
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { hostTenant, type TenantId } from "../../core/ids.ts";
import { newId } from "../../server/platform/random.ts";
import { acceptInvitationAsNew, readInvitation } from "../../server/sign-in/accept-invitation.ts";
import { askForEmailChange, changeEmailByLink, readEmailChange } from "../../server/sign-in/account/change-email.ts";
import { findAccount } from "../../server/sign-in/store.ts";
import { verifyEmail } from "../../server/sign-in/verify-email.ts";
import { newSecret } from "../../server/tokens/secret-text.ts";
import { known, openImpostorKit } from "./impostor-kit.ts";
import { type Ada, done, fails, linkIn, password } from "./sign-in-kit.ts";

const kit = await openImpostorKit();
after(kit.close);
const {
  bench,
  needs,
  database,
  clock,
  somewhere,
  address,
  registered,
  proven,
  open,
  register,
  tick,
  entersAs,
  whose,
  resetLinkOf,
  reset,
  federate,
} = kit;

/** An account that somebody used without ever proving its address, and that belongs to nothing any more. */
const leftBehind = async (tenant: TenantId, email: string) => {
  const attacker = await registered(tenant, email, "attacker");
  const browser = somewhere();
  const code = await kit.totp(attacker);
  assert.ok(code());
  await bench.sql(
    tenant,
    "test.passkey",
    `insert into passkeys (tenant_id, id, user_id, credential_id, public_key, counter, transports, backed_up, display_name, create_time)
     values ($1, gen_random_uuid(), $2, '\\x01', '\\x02', 0, '{}', false, 'The attacker''s', now())`,
    [tenant, attacker.user],
  );
  await bench.sql(
    tenant,
    "test.token",
    `insert into api_tokens (tenant_id, id, owner_kind, owner_id, display_name, hash, key_id, scopes,
       create_time, expire_time) values ($1, gen_random_uuid(), 'human', $2, 'x', sha256(gen_random_uuid()::text::bytea), 'x', '{accounts:read}', $3, $4)`,
    [tenant, attacker.user, new Date(clock.now()), new Date(clock.now() + 3_600_000)],
  );
  done(await kit.signIn(browser, attacker, { password: known }));
  assert.ok(await kit.session(browser));
  await bench.sql(tenant, "test.leave", "delete from memberships where tenant_id = $1 and user_id = $2", [
    tenant,
    attacker.user,
  ]);
  return { attacker, browser };
};
const leftOf = async ({ home, user }: Ada): Promise<number> => {
  const [row] = await bench.sql<{ left: number }>(
    home,
    "test.left",
    `select ((select count(*) from passkeys where tenant_id = $1 and user_id = $2)
       + (select count(*) from totp_devices where tenant_id = $1 and user_id = $2)
       + (select count(*) from api_tokens where tenant_id = $1 and owner_id = $2 and revoke_time is null))::integer as left`,
    [home, user],
  );
  return row?.left ?? -1;
};
const invite = async (tenant: TenantId, email: string): Promise<string> => {
  const id = newId<string>();
  const secret = newSecret("invitation", tenant, id as never);
  const owner = await bench.ownerOf(tenant);
  await bench.sql(
    tenant,
    "test.invite",
    `insert into invitations (tenant_id, id, node_id, email, role_name, invited_by, hash, state, create_time, update_time, expire_time)
     values ($1, $2, $1, $3, 'member', $4, $5, 'pending', $6, $6, $7)`,
    [
      tenant,
      id,
      email,
      `service-accounts/${owner.principal.id}`,
      secret.hash,
      new Date(clock.now()),
      new Date(clock.now() + 3_600_000),
    ],
  );
  return secret.text;
};
const accept = (link: string) =>
  acceptInvitationAsNew(needs, { link, displayName: "Ada", password, locale: "en", request: somewhere().visit() });

test("unexpired session, trojan identifier: who accepts an invitation shares the account with nobody who had it before without proof", async () => {
  const acme = await bench.tenant();
  const email = address();
  const { attacker, browser } = await leftBehind(acme, email);
  assert.equal(await leftOf(attacker), 3);
  done(await accept(await invite(acme, email)));
  assert.equal(await kit.session(browser), undefined);
  assert.equal(await leftOf(attacker), 0);
  await entersAs(attacker);
});

test("nor does who registers there, and proves the address", async () => {
  const acme = await open();
  const email = address();
  const { attacker, browser } = await leftBehind(acme, email);
  done(await register(acme, email, password));
  const link = linkIn((await kit.mails(acme)).findLast((mail) => mail.template === "verify_email"));
  assert.ok(await kit.session(browser), "registering alone ends nothing: it proves nothing");
  const owner = somewhere();
  const signedIn = done(await verifyEmail(needs, { link, password, request: owner.visit() }));
  owner.take(signedIn.cookies);
  assert.equal(await kit.session(browser), undefined);
  assert.equal((await kit.session(owner))?.id, signedIn.session.id);
  assert.equal(await leftOf(attacker), 0);
});

test("an invitation leads nobody to an account that was made in their name elsewhere: they get one of their own, here", async () => {
  const [evil, acme] = [await bench.tenant("Evil"), await bench.tenant("Acme")];
  const email = address();
  await registered(evil, email, "attacker");
  tick();
  const link = await invite(acme, email);
  assert.equal(done(await readInvitation(needs, { link, request: somewhere().visit() })).hasAccount, false);
  const { session } = done(await accept(link));
  assert.equal(session.home, acme);
  await entersAs({ home: acme, user: session.user, email });
  // One that is theirs is offered.
  const other = await bench.tenant();
  const again = await invite(other, email);
  assert.equal(done(await readInvitation(needs, { link: again, request: somewhere().visit() })).hasAccount, true);
});

test("unexpired e-mail change: a link gives no account the address of a reader who has not asked for it", async () => {
  const [evil, acme] = [await bench.tenant("Evil"), await bench.tenant("Acme")];
  const email = address();
  const mallory = await kit.human(evil);
  const browser = somewhere();
  const { session } = done(await kit.signIn(browser, mallory));
  done(await askForEmailChange(needs, { session, request: browser.visit() }, email));
  const link = linkIn((await kit.mails(evil)).find((mail) => mail.template === "change_email"));
  // The owner of the address presses every button there is.
  const ada = await proven(acme, email);
  const hers = somewhere();
  const own = done(await kit.signIn(hers, ada)).session;
  const reader = { link, session: own, request: hers.visit() };
  fails(await readEmailChange(needs, reader), "permission_denied");
  fails(await changeEmailByLink(needs, reader), "permission_denied");
  assert.equal(await whose(email), ada.user);
  // It is used up by nobody else either, and still good for who asked, should the address be theirs.
  assert.equal(done(await readEmailChange(needs, { ...reader, session })).email, email);
  fails(await changeEmailByLink(needs, { ...reader, session: { ...session, state: "partial" } }), "permission_denied");
  done(await changeEmailByLink(needs, { ...reader, session }));
  fails(await changeEmailByLink(needs, { ...reader, session }), "link_expired");
});

test("classic and federated are never merged by address: who registers, or is invited, takes over no account a provider vouches for", async () => {
  const acme = await open();
  const email = address();
  const federated = await registered(acme, email, "owner");
  await federate(federated);
  await bench.sql(acme, "test.no_password", "delete from passwords where tenant_id = $1 and user_id = $2", [
    acme,
    federated.user,
  ]);
  await bench.sql(acme, "test.leave", "delete from memberships where tenant_id = $1 and user_id = $2", [
    acme,
    federated.user,
  ]);
  done(await register(acme, email));
  assert.deepEqual(
    (await kit.mails(acme)).map(({ template }) => template),
    ["account_exists"],
  );
  assert.equal((await findAccount(database, hostTenant, email, acme))?.password, null);
  fails(await accept(await invite(acme, email)), "already_exists");
  assert.equal((await findAccount(database, hostTenant, email, acme))?.password, null);
});

test("non-verifying provider: an address that a provider only claims is not in front of the one that was proven", async () => {
  const [evil, acme] = [await bench.tenant("Evil"), await bench.tenant("Acme")];
  const email = address();
  const claimed = await registered(evil, email, "attacker");
  await federate(claimed);
  tick();
  const ada = await proven(acme, email);
  await entersAs(ada);
  done(await reset(await resetLinkOf(email, null, acme)));
});
