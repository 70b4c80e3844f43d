// Sessions: their secret changes with every privilege, their age is bounded, and their end takes along everything that came of them.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { rootNode, type TenantId } from "../../core/ids.ts";
import type { Tx } from "../../server/platform/database/database.ts";
import { principalVersion } from "../../server/platform/cache/fresh-cache.ts";
import { defaultPolicy } from "../../server/policies/model.ts";
import { suspendUser } from "../../server/principals/users/suspend-user.ts";
import { beginSession, elevateSession, partial_session_seconds } from "../../server/sessions/begin-session.ts";
import { endSession, endSessionsOf } from "../../server/sessions/end-session.ts";
import { findSession, findSessionIn } from "../../server/sessions/find-session.ts";
import type { Session } from "../../server/sessions/model.ts";
import { type Ada, openSignInKit } from "./sign-in-kit.ts";

const kit = await openSignInKit();
after(kit.close);
const { bench } = kit;
const { database } = bench.engine.platform;
const clock = bench.engine.platform.clock;
const needs = { platform: bench.engine.platform };

const headersOf = (cookie: string) => ({ headers: { cookie: cookie.split(";", 1)[0] } });
const single = "urn:countersign:acr:single-factor";

const begin = (ada: Ada, state: Session["state"] = "full", policy = defaultPolicy) =>
  database.transaction(ada.home, (tx) =>
    beginSession(tx, {
      ...ada,
      state,
      methods: ["pwd"],
      acr: single,
      policy,
      userAgent: "x",
      address: "::1",
      now: clock.now(),
    }),
  );
const inHome = <T>(ada: Ada, work: (tx: Tx) => Promise<T>) => database.transaction(ada.home, work);
const ending = {
  reason: "signed_out",
  get now() {
    return clock.now();
  },
} as const;

/** A family of the session, as a grant opens one. */
const family = async (ada: Ada, session: string | null, offline = false, bound = ada.home): Promise<string> => {
  const id = randomUUID();
  await bench.sql(
    ada.home,
    "test.family",
    `insert into token_families (tenant_id, id, user_id, session_id, offline, client_tenant_id, application_id, client_id, bound_tenant_id,
       scopes, audience, acr, methods, auth_time, create_time, use_time, expire_time)
     values ($1, $2, $3, $4, $5, $1, $6, 'x', $7, '{}', '{}', 'x', '{}', now(), now(), now(), now() + '1 day')`,
    [ada.home, id, ada.user, session, offline, await application(ada.home), bound],
  );
  return id;
};
const applications = new Map<TenantId, string>();
const application = async (tenant: TenantId): Promise<string> => {
  const id = applications.get(tenant) ?? randomUUID();
  if (!applications.has(tenant))
    await bench.sql(
      tenant,
      "test.application",
      `insert into applications (tenant_id, id, node_id, client_id, display_name, state, source, first_party, metadata, create_time, update_time)
       values ($1, $2, $1, 'x', 'x', 'active', 'managed', true, '{"backchannel_logout_uri":"https://app.example/logout"}', now(), now())`,
      [tenant, id],
    );
  applications.set(tenant, id);
  return id;
};
const revoked = async (ada: Ada, id: string): Promise<string | null> => {
  const sql = "select revoke_reason as reason from token_families where tenant_id = $1 and id = $2";
  return (await bench.sql<{ reason: string | null }>(ada.home, "test.revoked", sql, [ada.home, id]))[0]?.reason ?? null;
};

const acme = await bench.tenant();

test("security test 5: a change of privilege keeps the session's id and gives it a new secret; the old one opens nothing", async () => {
  const ada = await kit.human(acme);
  const begun = await begin(ada, "partial");
  const to = {
    state: "full",
    methods: ["pwd", "otp", "mfa"],
    acr: "urn:countersign:acr:multi-factor",
    policy: defaultPolicy,
  } as const;
  const elevated = await inHome(ada, (tx) => elevateSession(tx, begun.session, { ...to, now: clock.now() }));
  assert.ok(elevated);
  assert.equal(elevated.session.id, begun.session.id);
  assert.notEqual(elevated.cookie, begun.cookie);
  assert.equal(await findSession(needs, headersOf(begun.cookie)), undefined);
  assert.deepEqual(await findSession(needs, headersOf(elevated.cookie)), elevated.session);
  // Whoever still holds the session as it was cannot change it once more.
  assert.equal(await inHome(ada, (tx) => elevateSession(tx, begun.session, { ...to, now: clock.now() })), undefined);
});

test("security test 6: the cookie is __Host-, Secure, HttpOnly and SameSite, and the secret in it is not in the database", async () => {
  const { cookie } = await begin(await kit.human(acme));
  assert.match(cookie, /^__Host-countersign=cs_ses_[\w-]+; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=2592000$/);
});

test("a cookie that is another kind of secret, mistyped, or sent twice is no session", async () => {
  const ada = await kit.human(acme);
  const { cookie } = await begin(ada);
  const value = headersOf(cookie).headers.cookie ?? "";
  for (const wrong of [
    "",
    value.slice(0, -1),
    value.replace("cs_ses_", "cs_rt_"),
    `${value}; ${value}`,
    `${value}x`,
    `other=${value}`,
  ])
    assert.equal(await findSession(needs, { headers: { cookie: wrong } }), undefined, wrong);
});

test("a session ends when it is idle for too long, and at its absolute age however busy it is", async () => {
  const ada = await kit.human(acme);
  const policy = { ...defaultPolicy, session_idle_seconds: 600, session_absolute_seconds: 1800 };
  const idle = await begin(ada, "full", policy);
  const busy = await begin(ada, "full", policy);
  bench.clock.ms += 590_000;
  assert.ok(await findSession(needs, headersOf(busy.cookie)));
  bench.clock.ms += 20_000;
  assert.equal(await findSession(needs, headersOf(idle.cookie)), undefined);
  bench.clock.ms += 560_000;
  assert.ok(await findSession(needs, headersOf(busy.cookie)));
  bench.clock.ms += 590_000;
  assert.ok(await findSession(needs, headersOf(busy.cookie)));
  bench.clock.ms += 50_000;
  assert.equal(await findSession(needs, headersOf(busy.cookie)), undefined);
});

test("a session with only the first factor lives for minutes", async () => {
  const { cookie } = await begin(await kit.human(acme), "partial");
  bench.clock.ms += partial_session_seconds * 1000 + 1;
  assert.equal(await findSession(needs, headersOf(cookie)), undefined);
});

test("that a session was seen is written once a minute at most", async () => {
  const ada = await kit.human(acme);
  const { session, cookie } = await begin(ada);
  const seen = async () => {
    const sql = "select seen_time from sessions where tenant_id = $1 and id = $2";
    return (await bench.sql<{ seen_time: Date }>(acme, "test.seen", sql, [acme, session.id]))[0]?.seen_time.getTime();
  };
  const first = await seen();
  bench.clock.ms += 59_000;
  await findSession(needs, headersOf(cookie));
  assert.equal(await seen(), first);
  bench.clock.ms += 2_000;
  await findSession(needs, headersOf(cookie));
  assert.equal(await seen(), clock.now());
});

test("the session of a suspended human, or of a human of a suspended tenant, opens nothing", async () => {
  const home = await bench.tenant();
  const ada = await kit.human(home);
  const bob = await kit.human(home);
  const [hers, his] = [await begin(ada), await begin(bob)];
  await bench.ok(suspendUser, await bench.ownerOf(home), { id: ada.user });
  assert.equal(await findSession(needs, headersOf(hers.cookie)), undefined);
  assert.ok(await findSession(needs, headersOf(his.cookie)));
  await bench.sql(home, "test.suspend", "update nodes set state = 'suspended' where tenant_id = $1 and id = $1", [
    home,
  ]);
  assert.equal(await findSession(needs, headersOf(his.cookie)), undefined);
});

test("invariant 2: a session is found from any tenant's transaction, which stays in its own", async () => {
  const ada = await kit.human(acme);
  const other = await bench.tenant();
  const { session, cookie } = await begin(ada);
  await database.transaction(other, async (tx) => {
    assert.deepEqual(await findSessionIn(tx, headersOf(cookie), clock.now()), session);
    const sql = "select current_setting('countersign.tenant') as tenant";
    assert.deepEqual(await tx.query("test.where", sql, []), [{ tenant: other }]);
  });
});

test("invariant 7: a session's end takes its families along, but for offline ones, and makes every cached answer stale", async () => {
  const ada = await kit.human(acme);
  const other = await bench.tenant();
  await bench.sql(
    other,
    "test.member",
    `insert into memberships (tenant_id, id, user_id, home_tenant_id, node_id, create_time, update_time)
     values ($1, gen_random_uuid(), $2, $3, $4, now(), now())`,
    [other, ada.user, acme, rootNode(other)],
  );
  const { session, cookie } = await begin(ada);
  const online = await family(ada, session.id);
  const elsewhere = await family(ada, session.id, false, other);
  const offline = await family(ada, session.id, true);
  const device = await family(ada, null);
  bench.published();
  assert.equal(await inHome(ada, (tx) => endSession(tx, session.id, ending)), true);
  assert.equal(await findSession(needs, headersOf(cookie)), undefined);
  for (const id of [online, elsewhere]) assert.equal(await revoked(ada, id), "session_ended");
  for (const id of [offline, device]) assert.equal(await revoked(ada, id), null);
  const published = bench.published();
  for (const tenant of [acme, other]) assert.ok(published.includes(principalVersion(tenant, ada.user)), tenant);
});

test("signing out everywhere ends every family, those included that outlive sessions; but not those of the session that is kept", async () => {
  const ada = await kit.human(acme);
  const [kept, other] = [await begin(ada), await begin(ada)];
  const families = [
    await family(ada, kept.session.id),
    await family(ada, other.session.id),
    await family(ada, other.session.id, true),
    await family(ada, null),
  ] as const;
  const except = kept.session.id;
  assert.equal(await inHome(ada, (tx) => endSessionsOf(tx, ada.user, { ...ending, except, offline: true })), 1);
  assert.ok(await findSession(needs, headersOf(kept.cookie)));
  assert.equal(await revoked(ada, families[0]), null);
  for (const id of families.slice(1)) assert.notEqual(await revoked(ada, id), null);
});

test("codes that were not redeemed end with their session", async () => {
  const ada = await kit.human(acme);
  const { session } = await begin(ada);
  await bench.sql(
    acme,
    "test.code",
    `insert into authorization_codes (tenant_id, id, hash, user_id, session_id, client_tenant_id, application_id, client_id,
       bound_tenant_id, redirect_uri, redirect_uri_given, scopes, audience, acr, methods, auth_time, create_time, expire_time)
     values ($1, gen_random_uuid(), $2, $3, $4, $1, $5, 'x', $1, 'x', true, '{}', '{}', 'x', '{}', now(), now(), now() + '1 minute')`,
    [acme, Buffer.from(randomUUID()), ada.user, session.id, await application(acme)],
  );
  await inHome(ada, (tx) => endSession(tx, session.id, ending));
  const sql = "select 1 from authorization_codes where tenant_id = $1 and session_id = $2";
  assert.deepEqual(await bench.sql(acme, "test.codes", sql, [acme, session.id]), []);
});

test("OpenID Connect Back-Channel Logout §2.3: every client that takes part and wants to know is to be told, once", async () => {
  const ada = await kit.human(acme);
  const { session } = await begin(ada);
  await family(ada, session.id);
  await family(ada, session.id, true);
  await inHome(ada, (tx) => endSession(tx, session.id, ending));
  const sql = "select application_id as application from logout_notices where tenant_id = $1 and session_id = $2";
  assert.deepEqual(await bench.sql(acme, "test.notices", sql, [acme, session.id]), [
    { application: await application(acme) },
  ]);
});

test("a session ends once, however many end it at once; that is what the log and the events say", async () => {
  const ada = await kit.human(acme);
  const { session } = await begin(ada);
  const ends = await Promise.all(
    Array.from({ length: 20 }, () => inHome(ada, (tx) => endSession(tx, session.id, ending))),
  );
  assert.equal(ends.filter(Boolean).length, 1);
  const told = (await bench.events(acme))
    .filter((one) => one.subject === `sessions/${session.id}`)
    .map((one) => one.type);
  assert.deepEqual(told, ["countersign.session.created.v1", "countersign.session.ended.v1"]);
  const logged = (await bench.audit(acme)).filter((one) => one.target === `sessions/${session.id}`);
  assert.deepEqual(
    logged.map((one) => [one.action, one.authenticated_principal, one.detail]),
    [["session.end", `users/${ada.user}`, { reason: "signed_out" }]],
  );
});
