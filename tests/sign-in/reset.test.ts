// A forgotten password: a link that is used once, and ends everything that the old password opened.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { isFault } from "../../core/faults.ts";
import { principalVersion } from "../../server/platform/cache/fresh-cache.ts";
import { checkResetLink, requestPasswordReset, resetPassword } from "../../server/sign-in/reset-password.ts";
import { reset_link_minutes } from "../../server/credentials/mail-links/mail-links.ts";
import { giveSecondFactor } from "../../server/sign-in/give-second-factor.ts";
import { type Ada, done, fails, linkIn, openSignInKit } from "./sign-in-kit.ts";

const kit = await openSignInKit();
after(kit.close);
const { bench, needs } = kit;
const acme = await bench.tenant();
const fresh = "a password nobody has thought of";

let places = 0;
const somewhere = () => kit.browser(`10.1.${Math.floor((places += 1) / 250)}.${places % 250}`);
const ask = (email: string) => requestPasswordReset(needs, { email, context: null, request: somewhere().visit() });
const use = (link: string, password = fresh) => resetPassword(needs, { link, password, request: somewhere().visit() });
const linkFor = async (ada: Ada): Promise<string> => {
  done(await ask(ada.email));
  const mails = (await kit.mails(ada.home)).filter(
    (mail) => mail.to === ada.email && mail.template === "reset_password",
  );
  return linkIn(mails.at(-1));
};

test("the link sets the password, proves the address, ends every session and token, and tells the human", async () => {
  const ada = await kit.human(acme);
  const code = await kit.totp(ada);
  const browser = kit.browser();
  const { session } = done(await kit.signIn(browser, ada));
  const given = { kind: "totp", code: code(1), remember: true, request: browser.visit() } as const;
  browser.take(done(await giveSecondFactor(needs, session, given)).cookies);
  const application = randomUUID();
  await bench.sql(
    acme,
    "test.family",
    `insert into token_families (tenant_id, id, user_id, session_id, offline, client_tenant_id, application_id, client_id, bound_tenant_id,
       scopes, audience, acr, methods, auth_time, create_time, use_time, expire_time)
     values ($1, gen_random_uuid(), $2, null, true, $1, $3, 'x', $1, '{}', '{}', 'x', '{}', now(), now(), now(), now() + '1 day')`,
    [acme, ada.user, application],
  );
  const link = await linkFor(ada);
  assert.equal(done(await checkResetLink(needs, { link, request: somewhere().visit() })).email, ada.email);
  assert.equal(done(await use(link)).email, ada.email);
  assert.equal(await kit.session(browser), undefined);
  const sql = "select revoke_reason as reason from token_families where tenant_id = $1 and application_id = $2";
  assert.deepEqual(await bench.sql(acme, "test.reason", sql, [acme, application]), [{ reason: "password_reset" }]);
  fails(await kit.signIn(somewhere(), ada), "invalid_credentials");
  // The browser that was remembered is asked again, too.
  assert.equal(done(await kit.signIn(browser, ada, { password: fresh })).next, "second_factor");
  const told = (await kit.mails(acme)).filter((mail) => mail.to === ada.email).map((mail) => mail.template);
  assert.ok(told.includes("password_reset"));
});

test("recovery ends the API tokens of whoever had the account, in every tenant, and no service account's", async () => {
  const ada = await kit.human(acme);
  const globex = await bench.tenant("Globex");
  await bench.sql(
    globex,
    "test.member",
    `insert into memberships (tenant_id, id, user_id, home_tenant_id, node_id, create_time, update_time)
     values ($1, gen_random_uuid(), $2, $3, $1, now(), now())`,
    [globex, ada.user, acme],
  );
  const robot = (await bench.callerWith(acme, undefined)).principal;
  const make =
    "insert into api_tokens (tenant_id, id, owner_kind, owner_id, display_name, hash, key_id, scopes, create_time, expire_time)";
  const tokenOf = async (tenant: typeof acme, kind: string, owner: string): Promise<string> => {
    const id = randomUUID();
    await bench.sql(
      tenant,
      "test.token",
      `${make} values ($1, $2, $3, $4, 'A token', sha256(gen_random_uuid()::text::bytea), 'x', '{accounts:read}', $5, $6)`,
      [tenant, id, kind, owner, new Date(bench.clock.ms), new Date(bench.clock.ms + 3_600_000)],
    );
    return id;
  };
  const [atHome, abroad] = [await tokenOf(acme, "human", ada.user), await tokenOf(globex, "human", ada.user)];
  const robots = await tokenOf(acme, "service", robot.id);
  bench.published();
  done(await use(await linkFor(ada)));
  const published = bench.published();
  for (const tenant of [acme, globex])
    assert.ok(published.includes(principalVersion(tenant, ada.user)), "what is cached of them falls in both");
  const alive = async (tenant: typeof acme) =>
    (
      await bench.sql<{ id: string }>(
        tenant,
        "test.alive",
        "select id from api_tokens where tenant_id = $1 and revoke_time is null",
        [tenant],
      )
    ).map(({ id }) => id);
  assert.deepEqual([await alive(acme), await alive(globex)], [[robots], []]);
  for (const [tenant, token] of [
    [acme, atHome],
    [globex, abroad],
  ] as const) {
    const [event] = (await bench.events(tenant)).filter(({ type }) => type === "countersign.token.revoked.v1");
    assert.equal(event?.subject, `api-tokens/${token}`);
    const [entry] = (await bench.audit(tenant)).filter(({ action }) => action === "sign-in.end-api-tokens");
    assert.equal(entry?.actor_of_record, `users/${ada.user}`);
  }
});

test("security test 2: of 50 uses of one reset link at once, one sets the password", async () => {
  const ada = await kit.human(acme);
  const link = await linkFor(ada);
  const passwords = Array.from({ length: 50 }, (_, at) => `the new password number ${at}`);
  const answers = await Promise.all(passwords.map((password) => use(link, password)));
  const won = answers.flatMap((answer, at) => (isFault(answer) ? [] : [at]));
  assert.equal(won.length, 1);
  for (const answer of answers) if (isFault(answer)) fails(answer, "link_expired");
  done(await kit.signIn(somewhere(), ada, { password: passwords[won[0] ?? 0] ?? "" }));
});

test("a link is good for its time, for one purpose, and until a newer password was chosen", async () => {
  const ada = await kit.human(acme);
  const [one, two] = [await linkFor(ada), await linkFor(ada)];
  done(await use(two));
  fails(await use(one), "link_expired");
  const late = await linkFor(ada);
  bench.clock.ms += reset_link_minutes * 60_000 + 1;
  fails(await checkResetLink(needs, { link: late, request: somewhere().visit() }), "link_expired");
  fails(await use(late), "link_expired");
  for (const wrong of ["", "cs_link_x", late.slice(0, -2), late.replace("cs_link_", "cs_ses_")])
    fails(await use(wrong), "link_expired");
});

test("a password that is refused leaves the link as it is", async () => {
  const ada = await kit.human(acme);
  const link = await linkFor(ada);
  const { errors } = fails(await use(link, "password1234"), "invalid_argument");
  assert.equal(errors?.[0]?.path, "password");
  done(await use(link));
});

test("a link proves the address it was sent to, and nothing once the account has another", async () => {
  const ada = await kit.human(acme);
  const link = await linkFor(ada);
  await bench.sql(acme, "test.move", "update users set email = 'moved@acme.example' where tenant_id = $1 and id = $2", [
    acme,
    ada.user,
  ]);
  fails(await use(link), "link_expired");
});

test("security test 3: asked for an address that nobody has, the answer is the same, and nothing is sent", async () => {
  const ada = await kit.human(acme);
  const before = (await kit.mails(acme)).length;
  assert.deepEqual(await ask("nobody@acme.example"), await ask(ada.email));
  assert.equal((await kit.mails(acme)).length, before + 1);
  assert.equal(await ask("x".repeat(1_000)), undefined);
});

test("no letter box is filled by strangers, and one address cannot ask for many", async () => {
  const ada = await kit.human(acme);
  for (let time = 0; time < 12; time += 1) assert.equal(await ask(ada.email), undefined);
  const sent = (await kit.mails(acme)).filter((mail) => mail.to === ada.email);
  assert.ok(sent.length > 0 && sent.length <= 5, String(sent.length));
  const one = kit.browser("10.9.9.9");
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, at) =>
      requestPasswordReset(needs, { email: `a${at}@acme.example`, context: null, request: one.visit() }),
    ),
  );
  assert.ok(answers.some((answer) => isFault(answer) && answer.fault === "rate_limited"));
});
