// Seed 003, enterprise-driven users: one who never signs in is nobody to every way in, and no answer tells that they are anybody.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { PrincipalId, TenantId } from "../../core/ids.ts";
import { createInvitation } from "../../server/access/invitations/create-invitation.ts";
import { createApiToken } from "../../server/credentials/create-api-token.ts";
import {
  passkeyCreationOptions,
  passkeyRequestOptions,
  registerPasskey,
} from "../../server/credentials/passkeys/passkeys.ts";
import { importPassword } from "../../server/credentials/passwords/import-password.ts";
import { resetPassword as sendReset } from "../../server/credentials/passwords/reset-password.ts";
import { rotateApiToken } from "../../server/credentials/rotate-api-token.ts";
import { getUser } from "../../server/principals/users/get-user.ts";
import { listUsers } from "../../server/principals/users/list-users.ts";
import { registerUser } from "../../server/principals/users/register-user.ts";
import { closeSignIn } from "../../server/sessions/close-sign-in.ts";
import { openSignIn } from "../../server/sessions/open-sign-in.ts";
import { acceptInvitationAsNew } from "../../server/sign-in/accept-invitation.ts";
import { changeProfile } from "../../server/sign-in/account/change-profile.ts";
import { giveSecondFactor } from "../../server/sign-in/give-second-factor.ts";
import { requestPasswordReset, resetPassword } from "../../server/sign-in/reset-password.ts";
import { selfRegister } from "../../server/sign-in/self-register.ts";
import { signInWithPasskey } from "../../server/sign-in/sign-in-with-passkey.ts";
import { verifyEmail } from "../../server/sign-in/verify-email.ts";
import { callerHolding, day, humanIn, later, openGate, refOf as callerRef } from "../operations/access-kit.ts";
import { type Ada, done, fails, linkIn, openSignInKit, password, refOf } from "./sign-in-kit.ts";
import { newAuthenticator } from "./software-authenticator.ts";

const kit = await openSignInKit();
after(kit.close);
const { bench, needs } = kit;
const { database } = bench.engine.platform;
const acme = await bench.tenant("Acme");
const owner = await bench.ownerOf(acme);
const gate = await openGate(bench);
after(() => gate.close());

let places = 0;
const somewhere = () => kit.browser(`10.7.${Math.floor((places += 1) / 250)}.${places % 250}`);
const close = (ada: Pick<Ada, "user">, tenant = acme) =>
  bench.ok(closeSignIn, bench.host, { id: ada.user }, { tenant: bench.rootRef(tenant) });
const open = (ada: Pick<Ada, "user">) =>
  bench.ok(openSignIn, bench.host, { id: ada.user }, { tenant: bench.rootRef(acme) });
const never = async (): Promise<Ada> => {
  const input = { parent: bench.rootRef(acme), email: `${crypto.randomUUID()}@acme.example`, display_name: "Grace" };
  const made = await bench.ok(registerUser, owner, { ...input, signs_in: false, role: "member" });
  assert.equal(made["signs_in"], false);
  return { home: acme, user: made.id as PrincipalId, email: input.email };
};
const mailsTo = async (tenant: TenantId, { email }: { readonly email: string }) =>
  (await kit.mails(tenant)).filter((mail) => mail.to === email);

test("a password opens nothing, and the answer is the one for nobody; the session under way is over", async () => {
  const ada = await kit.human(acme, "member");
  const browser = somewhere();
  done(await kit.signIn(browser, ada));
  const nobody = fails(await kit.signIn(somewhere(), { email: "nobody@acme.example" }), "invalid_credentials");
  const closed = await close(ada);
  assert.deepEqual([closed["signs_in"], (closed["ended_sessions"] as string[]).length], [false, 1]);
  assert.equal(await kit.session(browser), undefined);
  for (const context of [null, acme]) {
    const refused = fails(await kit.signIn(somewhere(), ada, { context }), "invalid_credentials");
    assert.deepEqual(refused, nobody);
  }
  const sent = (await bench.events(acme)).filter(({ subject }) => subject === refOf(ada)).map(({ type }) => type);
  assert.equal(sent.at(-1), "countersign.user.sign-in-closed.v1");
  // Opened again, they come in as before, by a new session.
  await open(ada);
  assert.equal(await kit.session(browser), undefined);
  done(await kit.signIn(somewhere(), ada));
});

test("who has the same address elsewhere signs in there, whoever stands here", async () => {
  const grace = await never();
  const other = await bench.tenant("Other");
  const namesake = await kit.human(other);
  await bench.sql(other, "test.address", "update users set email = $3 where tenant_id = $1 and id = $2", [
    other,
    namesake.user,
    grace.email,
  ]);
  for (const context of [null, acme, other])
    assert.equal(done(await kit.signIn(somewhere(), grace, { context })).session.user, namesake.user);
});

test("a passkey, a second factor and a step-up", async () => {
  const ada = await kit.human(acme);
  const origin = needs.issuer;
  const authenticator = newAuthenticator({ origin });
  const names = { accountName: ada.email, displayName: "Ada", serviceName: "Acme" };
  const now = bench.clock.ms;
  const made = await database.transaction(acme, async (tx) => {
    const options = done(await passkeyCreationOptions(needs, tx, { ...ada, ...names, now }));
    return registerPasskey(needs, tx, { ...ada, response: authenticator.create(options), displayName: "Key", now });
  });
  done(made);
  const asked = async () => done(await passkeyRequestOptions(needs, { now }));
  const byPasskey = async () =>
    signInWithPasskey(needs, {
      response: authenticator.get(await asked()),
      context: null,
      request: somewhere().visit(),
    });
  done(await byPasskey());
  const code = await kit.totp(ada);
  const browser = somewhere();
  const half = done(await kit.signIn(browser, ada));
  assert.equal(half.next, "second_factor");
  const second = (at: number) => ({ kind: "totp", code: code(at), remember: false, request: browser.visit() }) as const;
  const session = half.session;
  await close(ada);
  fails(await byPasskey(), "invalid_credentials");
  const over = fails(await giveSecondFactor(needs, session, second(1)), "invalid_credentials");
  assert.match(over.detail, /sign in again/);
  // Nor the account's own pages, to one whose request was on its way.
  const asking = { session: { ...session, state: "full" }, request: browser.visit() } as const;
  fails(await changeProfile(needs, asking, { displayName: "Ada", locale: "en" }), "invalid_credentials");
});

test("a forgotten password: nothing is mailed, and a link under way is a link of nobody", async () => {
  const ada = await kit.human(acme);
  const ask = (email: string) => requestPasswordReset(needs, { email, context: acme, request: somewhere().visit() });
  assert.equal(done(await ask(ada.email)), undefined);
  const [mail] = await mailsTo(acme, ada);
  await close(ada);
  const link = linkIn(mail);
  fails(
    await resetPassword(needs, { link, password: `${password} anew`, request: somewhere().visit() }),
    "link_expired",
  );
  assert.equal(done(await ask(ada.email)), undefined);
  assert.equal((await mailsTo(acme, ada)).length, 1);
  // By an administrator neither, who is told what to do.
  const told = await bench.refused("illegal_transition", sendReset, owner, { id: ada.user });
  assert.match(told.detail, /openSignIn/);
  const grace = await never();
  const hash = "$2b$04$KBCwKxOzLha2MUDgW0PjXelD/gHXb7D9VX0OyEIA0dyN.KJZRQftO";
  await bench.refused("illegal_transition", importPassword, owner, { id: grace.user, password_hash: hash });
  // Opened, the old link is as dead as it was.
  await open(ada);
  fails(
    await resetPassword(needs, { link, password: `${password} anew`, request: somewhere().visit() }),
    "link_expired",
  );
});

test("an address cannot be registered again by whoever reads its mail, by an invitation or by themselves", async () => {
  const tenant = await bench.tenant("Open");
  await kit.policy(tenant, { self_registration: "on" });
  const chief = await bench.ownerOf(tenant);
  const email = `${crypto.randomUUID()}@acme.example`;
  const input = { parent: bench.rootRef(tenant), email, display_name: "Grace", signs_in: false };
  const made = await bench.ok(registerUser, chief, input);
  // Even of nothing any more: the address is theirs.
  await bench.sql(tenant, "test.leave", "delete from memberships where tenant_id = $1 and user_id = $2", [
    tenant,
    made.id,
  ]);
  const given = { tenant, displayName: "Mallory", password, locale: "en" };
  assert.equal(done(await selfRegister(needs, { ...given, email, request: somewhere().visit() })), undefined);
  assert.deepEqual(await mailsTo(tenant, { email }), []);
  await bench.ok(createInvitation, chief, { parent: bench.rootRef(tenant), email });
  const link = linkIn((await mailsTo(tenant, { email })).at(-1));
  const refused = fails(
    await acceptInvitationAsNew(needs, { ...given, link, request: somewhere().visit() }),
    "not_admissible",
  );
  assert.match(refused.detail, /ask whoever invited you/);
  assert.equal((await bench.ok(getUser, chief, { id: made.id }))["display_name"], "Grace");

  // Who registered and has yet to prove the address: the link is dead with the account's way in.
  const pending = `${crypto.randomUUID()}@acme.example`;
  done(await selfRegister(needs, { ...given, email: pending, request: somewhere().visit() }));
  const proof = linkIn((await mailsTo(tenant, { email: pending })).at(-1));
  const [user] = await bench.sql<{ id: PrincipalId }>(
    tenant,
    "test.pending",
    "select id from users where tenant_id = $1 and email = $2",
    [tenant, pending],
  );
  assert.ok(user);
  await close({ user: user.id }, tenant);
  fails(await verifyEmail(needs, { link: proof, password, request: somewhere().visit() }), "link_expired");
});

test("an API token: none is made or renewed, and those there are end; opened again they stay ended", async () => {
  const ada = await kit.human(acme, "member");
  const asked = {
    owner: refOf(ada),
    display_name: "Hers",
    scopes: ["organizations:read"],
    expire_time: later(bench, 9),
  };
  const token = await bench.ok(createApiToken, owner, asked);
  assert.ok(await gate.standing(token["token"]));
  const closed = await close(ada);
  assert.deepEqual(closed["revoked_api_tokens"], [token.resource]);
  assert.equal(await gate.standing(token["token"]), undefined);
  await bench.refused("not_admissible", createApiToken, owner, asked);
  await bench.refused("illegal_transition", rotateApiToken, owner, { id: token.id });
  await open(ada);
  assert.equal(await gate.standing(token["token"]), undefined);
  const again = await bench.ok(createApiToken, owner, asked);
  // Made in the very moment sign-in was closed, by one who did not see it: it is accepted nowhere.
  await bench.sql(acme, "test.close", "update users set signs_in = false where tenant_id = $1 and id = $2", [
    acme,
    ada.user,
  ]);
  bench.clock.ms += day;
  assert.equal(await gate.standing(again["token"]), undefined);
  const told = await bench.refused("not_admissible", rotateApiToken, owner, { id: again.id });
  assert.match(told.detail, /does not sign in/);
});

test("closing takes the permission to suspend; opening takes it throughout the tenant, and all that the user holds", async () => {
  const client = await bench.node(acme, "client");
  const clientRef = `clients/${client}`;
  const grace = await bench.ok(registerUser, owner, {
    parent: clientRef,
    email: `${crypto.randomUUID()}@client.example`,
    display_name: "Grace",
    role: "viewer",
    signs_in: false,
  });
  const { id } = grace;
  const chief = await bench.callerWith(acme, "owner", { node: client });
  const throughout = await bench.refused("permission_denied", openSignIn, chief, { id });
  assert.match(throughout.detail, /throughout the tenant/);
  const desk = await callerHolding(bench, acme, ["users:*"]);
  const beyond = await bench.refused("permission_denied", openSignIn, desk, { id });
  assert.match(beyond.detail, /the user holds what you/);
  assert.equal((await bench.ok(openSignIn, owner, { id }))["signs_in"], true);
  await bench.refused("illegal_transition", openSignIn, owner, { id });
  const clerk = await callerHolding(bench, acme, ["users:update"]);
  await bench.refused("permission_denied", closeSignIn, clerk, { id });
  await bench.ok(closeSignIn, chief, { id });
  await bench.refused("illegal_transition", closeSignIn, chief, { id });
  const { items } = await bench.ok(listUsers, owner, { parent: clientRef, filter: 'signs_in = "false"' });
  assert.deepEqual(
    items.map((item) => item.id),
    [id],
  );
});

test("the last who can assign roles stays one who signs in, and one who does not takes nobody's place", async () => {
  const tenant = await bench.tenant();
  const chief = await bench.as(tenant, await humanIn(bench, tenant, "owner"));
  const spare = await bench.as(tenant, await humanIn(bench, tenant, "owner"));
  await bench.ok(closeSignIn, chief, { id: spare.principal.id });
  const refused = await bench.refused("illegal_transition", closeSignIn, chief, { id: chief.principal.id });
  assert.match(refused.detail, /`role-assignments:create`/);
  assert.equal((await bench.ok(getUser, chief, { id: chief.principal.id }))["signs_in"], true, callerRef(chief));
});
