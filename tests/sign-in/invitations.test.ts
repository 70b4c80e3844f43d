// Invitations: a link by mail, used once, that never gives more than its inviter holds, when it is sent and when it is accepted.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { hostTenant, type PrincipalId, type TenantId } from "../../core/ids.ts";
import type { Caller } from "../../server/authority/caller.ts";
import { createInvitation } from "../../server/access/invitations/create-invitation.ts";
import { fulfilInvitation } from "../../server/access/invitations/fulfil-invitation.ts";
import { getInvitation } from "../../server/access/invitations/get-invitation.ts";
import { listInvitations } from "../../server/access/invitations/list-invitations.ts";
import { resendInvitation } from "../../server/access/invitations/resend-invitation.ts";
import { revokeInvitation } from "../../server/access/invitations/revoke-invitation.ts";
import { findInvitation } from "../../server/access/invitations/store.ts";
import { disableServiceAccount } from "../../server/principals/service-accounts/disable-service-account.ts";
import { registerUser } from "../../server/principals/users/register-user.ts";
import { type Mailer, openMailer } from "../../server/mail/mailer.ts";
import { newId } from "../../server/platform/random.ts";
import { readSecret } from "../../server/tokens/secret-text.ts";
import { openWorkbench, type Workbench } from "../support/engine.ts";
import { linkOf, type Mailbox, openMailbox, textOf } from "./mailbox.ts";

let bench: Workbench;
let mailbox: Mailbox;
let mailer: Mailer;
let acme: TenantId;
let owner: Caller;

before(async () => {
  [bench, mailbox] = await Promise.all([openWorkbench(), openMailbox()]);
  const { platform, sealKey: secretKey, issuer } = bench.engine;
  mailer = openMailer({ ...platform, secretKey, smtpUrl: mailbox.url, from: "", dataDir: "", issuer });
  acme = await bench.tenant("Acme");
  owner = await bench.ownerOf(acme);
});
after(async () => {
  await mailer.close();
  await mailbox.close();
  await bench.close();
});

const tokenIn = async (email: string): Promise<string> => {
  await mailer.idle();
  return new URL(linkOf(await mailbox.next(email))).searchParams.get("link") ?? "";
};
const hashOf = (token: string): Buffer => createHash("sha256").update(token).digest();
const invite = (input: object, who = owner) =>
  bench.ok(createInvitation, who, { parent: bench.rootRef(acme), ...input });

/** What accepting does inside the tenant: finds the invitation by its link, and fulfils it for a user of this tenant. */
const accept = (token: string, user = newId<PrincipalId>()) =>
  bench.engine.platform.database.transaction(acme, async (tx) => {
    const invitation = await findInvitation(tx, hashOf(token));
    if (invitation === undefined) return undefined;
    return fulfilInvitation(tx, bench.model, invitation, { user, home: acme }, bench.clock.ms);
  });
const rolesOf = async (user: PrincipalId): Promise<readonly string[]> =>
  (
    await bench.sql<{ role_name: string }>(
      acme,
      "test.roles_of",
      "select role_name from role_assignments where tenant_id = $1 and principal_id = $2",
      [acme, user],
    )
  ).map((row) => row.role_name);
const somebody = async (email: string): Promise<PrincipalId> =>
  (await bench.ok(registerUser, owner, { parent: bench.rootRef(acme), email, display_name: "Grace" }))
    .id as PrincipalId;

test("the link goes to the address alone, says its tenant and invitation, and is in no answer and no event", async () => {
  const made = await invite({ email: "ada@acme.example", role: "viewer" });
  assert.equal(made.state, "pending");
  const token = await tokenIn("ada@acme.example");
  const read = readSecret(token, ["invitation"]);
  assert.equal(read?.tenant, acme);
  assert.equal(read?.principal, made.id);
  assert.ok(!JSON.stringify([made, await bench.events(acme), await bench.audit(acme)]).includes(token));
  const events = JSON.stringify(await bench.events(acme));
  assert.ok(!events.includes("ada@acme.example"), "nor the address in what is kept in streams");
  const stored = await bench.sql<{ row: string }>(acme, "test.inv", "select i::text as row from invitations i", []);
  assert.ok(!JSON.stringify(stored).includes(token), "invariant 5: what is kept is its hash");
});

test("invariant 3: of many that accept one invitation at once, one does", async () => {
  await invite({ email: "race@acme.example", role: "viewer" });
  const token = await tokenIn("race@acme.example");
  const users = await Promise.all(["r1@acme.example", "r2@acme.example", "r3@acme.example"].map(somebody));
  const outcomes = await Promise.all(users.map((user) => accept(token, user)));
  assert.equal(outcomes.filter((one) => one !== undefined).length, 1);
  const roles = await Promise.all(users.map(rolesOf));
  assert.equal(roles.flat().length, 1);
  assert.equal(await accept(token, users[0]), undefined, "nor later");
});

test("invariant 7: whoever joins is seen at once", async () => {
  await invite({ email: "seen@acme.example" });
  const token = await tokenIn("seen@acme.example");
  const user = await somebody("seen@acme.example");
  bench.published();
  await accept(token, user);
  assert.ok(bench.published().includes(`{${acme}}:p:${user}`));
});

test("invariant 8: nobody invites with a role that gives more than they hold, nor without the right to assign", async () => {
  const admin = await bench.callerWith(acme, "admin");
  await bench.refused("permission_denied", createInvitation, admin, {
    parent: bench.rootRef(acme),
    email: "big@acme.example",
    role: "owner",
  });
  const viewer = await bench.callerWith(acme, "viewer");
  await bench.refused("permission_denied", createInvitation, viewer, {
    parent: bench.rootRef(acme),
    email: "big@acme.example",
  });
});

test("invariant 8: what the inviter has lost since is not given when the link is used; the membership is", async () => {
  const passing = await bench.ownerOf(acme);
  await invite({ email: "late@acme.example", role: "owner" }, passing);
  const token = await tokenIn("late@acme.example");
  const user = await somebody("late@acme.example");
  await bench.ok(disableServiceAccount, owner, { id: passing.principal.id });
  const outcome = await accept(token, user);
  assert.equal(outcome?.role, null);
  assert.deepEqual(await rolesOf(user), []);
});

test("an invitation of the host's gives what the host may give", async () => {
  const made = await bench.ok(createInvitation, bench.host, {
    parent: bench.rootRef(acme),
    email: "first@acme.example",
    role: "owner",
  });
  assert.equal(made["role"], "owner");
  const token = await tokenIn("first@acme.example");
  const user = await somebody("first@acme.example");
  assert.equal((await accept(token, user))?.role, "owner");
  assert.notEqual(acme, hostTenant);
});

test("sent again, an invitation has a new link, and the old one is worthless; not more than once a minute", async () => {
  const made = await invite({ email: "again@acme.example", role: "viewer" });
  const first = await tokenIn("again@acme.example");
  const early = await bench.refused("rate_limited", resendInvitation, owner, { id: made.id });
  assert.ok((early.retryAfterSeconds ?? 0) > 0);
  bench.clock.ms += 61_000;
  await bench.ok(resendInvitation, owner, { id: made.id });
  const second = await tokenIn("again@acme.example");
  assert.notEqual(first, second);
  assert.equal(await accept(first), undefined);
  assert.notEqual(await accept(second, await somebody("again@acme.example")), undefined);
});

test("revoked or expired, a link does nothing; expired, it can be sent again", async () => {
  const revoked = await invite({ email: "revoked@acme.example" });
  const dead = await tokenIn("revoked@acme.example");
  await bench.ok(revokeInvitation, owner, { id: revoked.id });
  await bench.refused("illegal_transition", revokeInvitation, owner, { id: revoked.id });
  await bench.refused("illegal_transition", resendInvitation, owner, { id: revoked.id });
  assert.equal(await accept(dead), undefined);

  const expiring = await invite({ email: "expired@acme.example" });
  const late = await tokenIn("expired@acme.example");
  await bench.refused("already_exists", createInvitation, owner, {
    parent: bench.rootRef(acme),
    email: "Expired@acme.example",
  });
  bench.clock.ms += 8 * 24 * 3_600_000;
  assert.equal((await bench.ok(getInvitation, owner, { id: expiring.id })).state, "expired");
  assert.equal(await accept(late), undefined);
  await invite({ email: "expired@acme.example" });
});

test("invariant 2: another tenant sees none of it", async () => {
  const made = await invite({ email: "hidden@acme.example" });
  const stranger = await bench.ownerOf(await bench.tenant("Rival"));
  for (const operation of [getInvitation, revokeInvitation, resendInvitation])
    await bench.refused("not_found", operation, stranger, { id: made.id });
  assert.deepEqual((await bench.ok(listInvitations, stranger, {})).items, []);
  assert.ok((await bench.ok(listInvitations, owner, { filter: 'email = "hidden@acme.example"' })).items.length === 1);
  assert.match(textOf(await mailbox.next("hidden@acme.example")), /Acme/);
});
