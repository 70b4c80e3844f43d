// Sessions as administrators see and end them: decided where the user is managed, and never across a tenant.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import type { PrincipalId, TenantId } from "../../core/ids.ts";
import { defaultPolicy } from "../../server/policies/model.ts";
import { registerUser } from "../../server/principals/users/register-user.ts";
import { beginSession } from "../../server/sessions/begin-session.ts";
import { findSession } from "../../server/sessions/find-session.ts";
import { getSession } from "../../server/sessions/get-session.ts";
import { listSessions } from "../../server/sessions/list-sessions.ts";
import { revokeSession } from "../../server/sessions/revoke-session.ts";
import { signOutUser } from "../../server/sessions/sign-out-user.ts";
import { openWorkbench } from "../support/engine.ts";

const bench = await openWorkbench();
after(bench.close);
const { platform } = bench.engine;
const acme = await bench.tenant();
const owner = await bench.ownerOf(acme);

const userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

const userIn = async (tenant: TenantId, parent = bench.rootRef(tenant)): Promise<PrincipalId> => {
  const input = { parent, email: `${randomUUID()}@acme.example`, display_name: "Ada" };
  return (await bench.ok(registerUser, await bench.ownerOf(tenant), input)).id as PrincipalId;
};
const sessionOf = (home: TenantId, user: PrincipalId) =>
  platform.database.transaction(home, (tx) =>
    beginSession(tx, {
      home,
      user,
      state: "full",
      methods: ["pwd"],
      acr: "urn:countersign:acr:single-factor",
      policy: defaultPolicy,
      userAgent,
      address: "192.0.2.1",
      now: platform.clock.now(),
    }),
  );
const isLive = async (cookie: string): Promise<boolean> =>
  (await findSession({ platform }, { headers: { cookie: cookie.split(";", 1)[0] } })) !== undefined;

test("a session says whose it is, since when, and with which browser; never its secret", async () => {
  const user = await userIn(acme);
  const { session, cookie } = await sessionOf(acme, user);
  const body = await bench.ok(getSession, owner, { id: session.id });
  assert.deepEqual(
    [body["user"], body.state, body["device"], body["address"], body["methods"]],
    [`users/${user}`, "active", "Firefox on Linux", "192.0.2.1", ["pwd"]],
  );
  assert.ok(!JSON.stringify(body).includes(cookie.slice(25, 60)));
});

test("sessions are listed by user, newest last, and those of one perimeter's users alone", async () => {
  const client = await bench.node(acme, "client");
  const [ada, bob] = [await userIn(acme), await userIn(acme, `clients/${client}`)];
  const hers = [await sessionOf(acme, ada), await sessionOf(acme, ada)].map((one) => one.session.id);
  const his = (await sessionOf(acme, bob)).session.id;
  const byUser = await bench.ok(listSessions, owner, { filter: `user="users/${ada}"` });
  assert.deepEqual(new Set(byUser.items.map((one) => one.id)), new Set(hers));
  const below = await bench.ok(listSessions, owner, { parent: `clients/${client}` });
  assert.deepEqual(
    below.items.map((one) => one.id),
    [his],
  );
});

test("revoking ends the session, once, and says so in the log and the events, by whom", async () => {
  const { session, cookie } = await sessionOf(acme, await userIn(acme));
  const ended = await bench.ok(revokeSession, owner, { id: session.id });
  assert.equal(ended.state, "ended");
  assert.equal(await isLive(cookie), false);
  await bench.refused("illegal_transition", revokeSession, owner, { id: session.id });
  const told = (await bench.events(acme)).filter((one) => one.subject === `sessions/${session.id}`);
  assert.deepEqual(
    told.map((one) => one.type),
    ["countersign.session.created.v1", "countersign.session.ended.v1"],
  );
  const [entry] = (await bench.audit(acme)).filter((one) => one.action === "sessions.revoke");
  assert.deepEqual(
    [entry?.outcome, entry?.authenticated_principal],
    ["done", `service-accounts/${owner.principal.id}`],
  );
});

test("of ten revocations at once one succeeds", async () => {
  const { session } = await sessionOf(acme, await userIn(acme));
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => bench.call(revokeSession, owner, { id: session.id })),
  );
  assert.equal(answers.filter((one) => !("fault" in one)).length, 1);
});

test("signing a user out ends every session, and nobody else's", async () => {
  const [ada, bob] = [await userIn(acme), await userIn(acme)];
  const [one, two, his] = [await sessionOf(acme, ada), await sessionOf(acme, ada), await sessionOf(acme, bob)];
  const body = await bench.ok(signOutUser, owner, { id: ada });
  const ended = [one, two].map(({ session }) => `sessions/${session.id}`);
  assert.deepEqual(new Set(body["ended_sessions"] as string[]), new Set(ended));
  assert.deepEqual(await Promise.all([one, two, his].map(({ cookie }) => isLive(cookie))), [false, false, true]);
  const types = (await bench.events(acme)).filter((event) => event.data["reason"] === "administrator");
  for (const ref of ended) assert.equal(types.filter((event) => event.subject === ref).length, 1);
  assert.deepEqual((await bench.ok(signOutUser, owner, { id: ada }))["ended_sessions"], []);
});

test("invariant 2: another tenant's session and one that never was get the same answer", async () => {
  const other = await bench.tenant();
  const { session, cookie } = await sessionOf(other, await userIn(other));
  const never = randomUUID();
  for (const operation of [getSession, revokeSession]) {
    const [theirs, none] = [
      await bench.refused("not_found", operation, owner, { id: session.id }),
      await bench.refused("not_found", operation, owner, { id: never }),
    ];
    assert.equal(theirs.detail.replace(session.id, never), none.detail);
  }
  assert.equal(await isLive(cookie), true);
});

test("an administrator of one client sees and ends the sessions of its users, and of no others", async () => {
  const client = await bench.node(acme, "client");
  const admin = await bench.callerWith(acme, "owner", { node: client });
  const [inside, outside] = [
    await sessionOf(acme, await userIn(acme, `clients/${client}`)),
    await sessionOf(acme, await userIn(acme)),
  ];
  await bench.refused("permission_denied", revokeSession, admin, { id: outside.session.id });
  await bench.ok(revokeSession, admin, { id: inside.session.id });
  const nobody = await bench.callerWith(acme, undefined);
  await bench.refused("permission_denied", getSession, nobody, { id: outside.session.id });
  await bench.refused("permission_denied", listSessions, nobody, {});
});
