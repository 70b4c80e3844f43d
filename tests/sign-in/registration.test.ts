// Registering by oneself: who is let in, what the answer does not tell, and what proves an address.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { hostTenant, type TenantId } from "../../core/ids.ts";
import { tenantsOf } from "../../server/principals/memberships/store.ts";
import { acceptInvitation, acceptInvitationAsNew, readInvitation } from "../../server/sign-in/accept-invitation.ts";
import { selfRegister } from "../../server/sign-in/self-register.ts";
import { checkVerifyLink, verifyEmail } from "../../server/sign-in/verify-email.ts";
import { newSecret } from "../../server/tokens/secret-text.ts";
import { findAccount } from "../../server/sign-in/store.ts";
import { newId } from "../../server/platform/random.ts";
import { done, fails, linkIn, openSignInKit, password } from "./sign-in-kit.ts";

const kit = await openSignInKit();
after(kit.close);
const { bench, needs } = kit;
const { database, clock } = bench.engine.platform;

/** Each from an address of its own, so that no test is another's limit. */
let places = 0;
const somewhere = () => kit.browser(`10.0.${Math.floor((places += 1) / 250)}.${places % 250}`);

const open = async (policy = {}): Promise<TenantId> => {
  const tenant = await bench.tenant();
  await kit.policy(tenant, { self_registration: "on", ...policy });
  return tenant;
};
const register = (tenant: TenantId, email: string, more: object = {}) =>
  selfRegister(needs, {
    tenant,
    email,
    displayName: "Grace Hopper",
    password,
    locale: "de",
    request: somewhere().visit(),
    ...more,
  });
const accountOf = (tenant: TenantId, email: string) => findAccount(database, hostTenant, email, tenant);
const rolesOf = async (tenant: TenantId, user: string) => {
  const sql = "select role_name as role from role_assignments where tenant_id = $1 and principal_id = $2";
  return (await bench.sql<{ role: string }>(tenant, "test.roles", sql, [tenant, user])).map((one) => one.role);
};

test("link and password together make the account: a member, with the policy's role, signed in", async () => {
  const tenant = await open({ self_registration_role: "member" });
  const email = "grace@elsewhere.example";
  done(await register(tenant, email));
  const [mail] = await kit.mails(tenant);
  assert.deepEqual([mail?.template, mail?.to, mail?.locale], ["verify_email", email, "de"]);
  const link = linkIn(mail);
  assert.equal(done(await checkVerifyLink(needs, { link, request: somewhere().visit() })).email, email);
  const browser = somewhere();
  const signedIn = done(await verifyEmail(needs, { link, password, request: browser.visit() }));
  assert.equal(signedIn.next, "done");
  const account = await accountOf(tenant, email);
  assert.equal(account?.verified, true);
  assert.deepEqual(await rolesOf(tenant, signedIn.session.user), ["member"]);
  const tenants = await database.transaction(tenant, (tx) => tenantsOf(tx, signedIn.session.user));
  assert.deepEqual(tenants, [tenant]);
  assert.equal(done(await kit.signIn(somewhere(), { email })).next, "done");
  fails(await verifyEmail(needs, { link, password, request: browser.visit() }), "link_expired");
});

test("until the address is proven, the account is nobody's: no membership, and no way in", async () => {
  const tenant = await open();
  const email = "early@elsewhere.example";
  done(await register(tenant, email));
  fails(await kit.signIn(somewhere(), { email }), "not_admissible");
  const account = await accountOf(tenant, email);
  assert.ok(account);
  assert.deepEqual(await database.transaction(tenant, (tx) => tenantsOf(tx, account.user)), []);
});

test("a link is worth nothing without the password it was asked with: whoever registers another's address gets no account of theirs", async () => {
  const tenant = await open();
  const email = "victim@elsewhere.example";
  done(await register(tenant, email, { password: "the attacker's own password" }));
  const theirs = linkIn((await kit.mails(tenant))[0]);
  fails(await verifyEmail(needs, { link: theirs, password, request: somewhere().visit() }), "invalid_credentials");
  // The owner of the address registers as well: the last one counts, and the first link is dead.
  done(await register(tenant, email));
  fails(await verifyEmail(needs, { link: theirs, password, request: somewhere().visit() }), "link_expired");
  const mine = linkIn((await kit.mails(tenant))[1]);
  done(await verifyEmail(needs, { link: mine, password, request: somewhere().visit() }));
  fails(await kit.signIn(somewhere(), { email }, { password: "the attacker's own password" }), "invalid_credentials");
});

test("security test 3: an address that has an account is answered like one that has none; a mail tells its owner", async () => {
  const tenant = await open();
  const ada = await kit.human(tenant);
  assert.deepEqual(await register(tenant, ada.email), await register(tenant, "new@elsewhere.example"));
  const mails = await kit.mails(tenant);
  assert.deepEqual(
    mails.map((mail) => [mail.template, mail.to]),
    [
      ["account_exists", ada.email],
      ["verify_email", "new@elsewhere.example"],
    ],
  );
  done(await kit.signIn(somewhere(), ada));
});

test("the tenant's policy says who may: nobody, addresses of its proven domains, or anybody", async () => {
  const [closed, domains] = [await bench.tenant(), await open({ self_registration: "verified_domains" })];
  fails(await register(closed, "x@acme.example"), "not_admissible");
  fails(await register(domains, "x@acme.example"), "not_admissible");
  const claim = "insert into verified_domains (name, tenant_id) values ('acme.example', $1)";
  await bench.sql(domains, "test.domain", claim, [domains]);
  done(await register(domains, "x@ACME.example"));
  for (const near of [
    "x@acme.example.evil.example",
    "x@notacme.example",
    "x@sub.acme.example",
    "x@acme.example@evil.example",
  ])
    assert.ok((await register(domains, near)) !== undefined, near);
  await kit.policy(domains, { self_registration: "off" });
  const link = linkIn((await kit.mails(domains))[0]);
  fails(await verifyEmail(needs, { link, password, request: somewhere().visit() }), "not_admissible");
  await kit.policy(domains, { self_registration: "on" });
  done(await verifyEmail(needs, { link, password, request: somewhere().visit() }));
});

test("what was filled in is judged before anything is done, and by the tenant's own rule", async () => {
  const tenant = await open({ password_length_min: 20 });
  const long = "x".repeat(300);
  for (const [more, path] of [
    [{ email: "no address" }, "email"],
    [{ email: `${long}@acme.example` }, "email"],
    [{ displayName: "" }, "display_name"],
    [{ displayName: long }, "display_name"],
    [{ password: "nineteen characters" }, "password"],
  ] as const) {
    const { errors } = fails(await register(tenant, "ok@acme.example", more), "invalid_argument");
    assert.equal(errors?.[0]?.path, path);
  }
  assert.deepEqual(await kit.mails(tenant), []);
});

test("security test 2: of eight uses of one link at once, one makes the member", async () => {
  const tenant = await open();
  done(await register(tenant, "race@elsewhere.example"));
  const link = linkIn((await kit.mails(tenant))[0]);
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => verifyEmail(needs, { link, password, request: somewhere().visit() })),
  );
  assert.equal(answers.filter((answer) => "session" in answer).length, 1);
});

test("no letter box is filled by strangers: past the limit the answer stays, and no mail is sent", async () => {
  const tenant = await open();
  const email = "flooded@elsewhere.example";
  const answers = await Promise.all(Array.from({ length: 12 }, () => register(tenant, email)));
  assert.deepEqual(new Set(answers), new Set([undefined]));
  assert.ok((await kit.mails(tenant)).length <= 5);
});

const invite = async (tenant: TenantId, email: string, role: string | null, invitedBy: string): Promise<string> => {
  const id = newId<string>();
  const secret = newSecret("invitation", tenant, id as never);
  await bench.sql(
    tenant,
    "test.invite",
    `insert into invitations (tenant_id, id, node_id, email, role_name, invited_by, hash, state, create_time, update_time, expire_time)
     values ($1, $2, $1, $3, $4, $5, $6, 'pending', $7, $7, $8)`,
    [tenant, id, email, role, invitedBy, secret.hash, new Date(clock.now()), new Date(clock.now() + 3_600_000)],
  );
  return secret.text;
};
const asNew = (link: string) =>
  acceptInvitationAsNew(needs, { link, displayName: "Grace", password, locale: "en", request: somewhere().visit() });

test("an invitation makes its reader a user with a proven address, a member, with the role", async () => {
  const tenant = await bench.tenant();
  const owner = await bench.ownerOf(tenant);
  const link = await invite(tenant, "invited@elsewhere.example", "member", `service-accounts/${owner.principal.id}`);
  const shown = done(await readInvitation(needs, { link, request: somewhere().visit() }));
  assert.deepEqual([shown.email, shown.tenantName, shown.hasAccount], ["invited@elsewhere.example", "Acme", false]);
  const { session } = done(await asNew(link));
  assert.deepEqual(await rolesOf(tenant, session.user), ["member"]);
  assert.equal((await accountOf(tenant, "invited@elsewhere.example"))?.verified, true);
  fails(await asNew(link), "link_expired");
  fails(await readInvitation(needs, { link, request: somewhere().visit() }), "link_expired");
});

test("invariant 8: what an inviter has lost since is not given; the membership stands", async () => {
  const tenant = await bench.tenant();
  const former = await bench.callerWith(tenant, undefined);
  const link = await invite(tenant, "late@elsewhere.example", "owner", `service-accounts/${former.principal.id}`);
  const { session } = done(await asNew(link));
  assert.deepEqual(await rolesOf(tenant, session.user), []);
  assert.deepEqual(await database.transaction(tenant, (tx) => tenantsOf(tx, session.user)), [tenant]);
});

test("a human of another tenant accepts with the session there is, and belongs to both", async () => {
  const [home, tenant] = [await bench.tenant(), await bench.tenant()];
  const ada = await kit.human(home);
  const owner = await bench.ownerOf(tenant);
  const link = await invite(tenant, ada.email, "member", `service-accounts/${owner.principal.id}`);
  const { session } = done(await kit.signIn(somewhere(), ada));
  const accepted = await Promise.all(
    Array.from({ length: 8 }, () => acceptInvitation(needs, session, { link, request: somewhere().visit() })),
  );
  assert.equal(accepted.filter((one) => "tenant" in one).length, 1);
  const tenants = await database.transaction(home, (tx) => tenantsOf(tx, ada.user));
  assert.deepEqual(new Set(tenants), new Set([home, tenant]));
});

test("an address that has an account in the tenant accepts by signing in; the invitation is still there for that", async () => {
  const tenant = await bench.tenant();
  const ada = await kit.human(tenant);
  const owner = await bench.ownerOf(tenant);
  const link = await invite(tenant, ada.email, "owner", `service-accounts/${owner.principal.id}`);
  fails(await asNew(link), "already_exists");
  const { session } = done(await kit.signIn(somewhere(), ada));
  fails(
    await acceptInvitation(needs, { ...session, state: "partial" }, { link, request: somewhere().visit() }),
    "link_expired",
  );
  done(await acceptInvitation(needs, session, { link, request: somewhere().visit() }));
  assert.deepEqual(await rolesOf(tenant, ada.user), ["owner"]);
});
