// Signing in: a password or a passkey, the second factor where one is asked for, and what each makes of the session.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, test } from "node:test";
import { hash } from "@node-rs/bcrypt";
import { writePassword } from "../../server/credentials/passwords/store.ts";
import { newRecoveryCodes } from "../../server/credentials/recovery-codes/recovery-codes.ts";
import { suspendUser } from "../../server/principals/users/suspend-user.ts";
import { beginPasskeyEnrolment, beginTotpEnrolment, enrolTotp } from "../../server/sign-in/enrol.ts";
import { giveSecondFactor } from "../../server/sign-in/give-second-factor.ts";
import { signInWithPasskey } from "../../server/sign-in/sign-in-with-passkey.ts";
import { signOut, signOutEverywhere } from "../../server/sign-in/sign-out.ts";
import { codeAt, stepAt } from "../../server/credentials/totp/code.ts";
import { type Ada, type Browser, done, fails, openSignInKit, password, refOf, seedOf } from "./sign-in-kit.ts";

const kit = await openSignInKit();
after(kit.close);
const { bench, needs } = kit;
const { database, clock } = bench.engine.platform;
const acme = await bench.tenant();

const give = async (browser: Browser, code: string, kind: "totp" | "recovery_code" = "totp", remember = false) => {
  const session = await kit.session(browser);
  assert.ok(session);
  const answer = await giveSecondFactor(needs, session, { kind, code, remember, request: browser.visit() });
  if ("cookies" in answer) browser.take(answer.cookies);
  return answer;
};
const logOf = async (ada: Ada, action: string) =>
  (await bench.audit(ada.home)).filter((one) => one.action === action && one.target === refOf(ada));

test("the right password makes a full session, says so in the log, and whose it is", async () => {
  const ada = await kit.human(acme);
  const browser = kit.browser();
  const { session, next } = done(await kit.signIn(browser, ada));
  assert.equal(next, "done");
  assert.deepEqual(
    [session.user, session.home, session.state, session.acr, session.methods],
    [ada.user, acme, "full", "urn:countersign:acr:single-factor", ["pwd"]],
  );
  assert.deepEqual(await kit.session(browser), session);
  const [entry] = await logOf(ada, "sign-in.password");
  assert.deepEqual(
    [entry?.outcome, entry?.authenticated_principal, entry?.detail?.["device"]],
    ["done", refOf(ada), "Firefox on Linux"],
  );
});

test("the address is one whatever its case; a password is what was typed", async () => {
  const ada = await kit.human(acme);
  done(await kit.signIn(kit.browser(), { email: ` ${ada.email.toUpperCase()} ` }));
  fails(await kit.signIn(kit.browser(), ada, { password: password.toUpperCase() }), "invalid_credentials");
});

test("security test 3: every way of being wrong has one answer, and the log tells which it was without naming strangers", async () => {
  const [ada, bob] = [await kit.human(acme), await kit.human(acme)];
  await bench.ok(suspendUser, await bench.ownerOf(acme), { id: bob.user });
  const nobody = "nobody-at-all@acme.example";
  const answers = [
    await kit.signIn(kit.browser(), ada, { password: "wrong" }),
    await kit.signIn(kit.browser(), bob),
    await kit.signIn(kit.browser(), { email: nobody }),
    await kit.signIn(kit.browser(), { email: "no address" }),
    await kit.signIn(kit.browser(), { email: "x".repeat(1_000) }),
    await kit.signIn(kit.browser(), { email: "a\0b@acme.example" }),
  ];
  assert.equal(new Set(answers.map((one) => JSON.stringify(one))).size, 1, JSON.stringify(answers));
  fails(answers[0], "invalid_credentials");
  const [hers, his] = [await logOf(ada, "sign-in.password"), await logOf(bob, "sign-in.password")];
  assert.deepEqual(
    hers.map((one) => [one.outcome, one.detail?.["reason"], one.authenticated_principal]),
    [["failed", "wrong password", null]],
  );
  assert.deepEqual(
    his.map((one) => one.detail?.["reason"]),
    ["suspended"],
  );
  const host = (await bench.audit(bench.host.tenant)).filter((one) => one.action === "sign-in.password");
  assert.ok(host.some((one) => one.detail?.["reason"] === "unknown account"));
  const digest = createHash("sha256").update(nobody).digest("hex");
  assert.doesNotMatch(JSON.stringify(host), new RegExp(`${nobody}|${digest}`));
});

test("an imported hash is replaced at the first sign-in", async () => {
  const ada = await kit.human(acme);
  const old = await hash(password, { cost: 4 });
  await database.transaction(acme, (tx) => writePassword(tx, ada.user, old, clock.now()));
  done(await kit.signIn(kit.browser(), ada));
  const sql = "select hash from passwords where tenant_id = $1 and user_id = $2";
  const [row] = await bench.sql<{ hash: string }>(acme, "test.hash", sql, [acme, ada.user]);
  assert.match(row?.hash ?? "", /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  done(await kit.signIn(kit.browser(), ada));
});

test("a second factor is asked for where there is one; until it is given, the session is good for nothing else", async () => {
  const ada = await kit.human(acme);
  const code = await kit.totp(ada);
  const browser = kit.browser();
  const first = done(await kit.signIn(browser, ada));
  assert.deepEqual([first.next, first.session.state], ["second_factor", "partial"]);
  const before = browser.cookie("__Host-countersign");
  const wrong = fails(await give(browser, "000000"), "invalid_credentials");
  assert.equal((await kit.session(browser))?.state, "partial");
  const second = done(await give(browser, code(1)));
  assert.deepEqual(
    [second.next, second.session.state, second.session.acr, second.session.methods, second.session.id],
    ["done", "full", "urn:countersign:acr:multi-factor", ["pwd", "otp", "mfa"], first.session.id],
  );
  assert.notEqual(browser.cookie("__Host-countersign"), before);
  // RFC 6238 §5.2: a code that was taken is refused like a wrong one.
  assert.deepEqual(await give(browser, code(1)), wrong);
  assert.deepEqual(
    (await logOf(ada, "sign-in.second-factor")).map((one) => one.outcome),
    ["failed", "done", "failed"],
  );
});

test("security test 2: of five uses of one code at once, one is taken", async () => {
  const ada = await kit.human(acme);
  const code = (await kit.totp(ada))(1);
  const browsers = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const browser = kit.browser();
      done(await kit.signIn(browser, ada));
      return browser;
    }),
  );
  const answers = await Promise.all(browsers.map((browser) => give(browser, code)));
  assert.equal(answers.filter((answer) => "session" in answer).length, 1);
});

test("a remembered browser leaves the second factor out, as long as the policy says, and no other human's does", async () => {
  const home = await bench.tenant();
  await kit.policy(home, { remembered_device_days: 7 });
  const [ada, bob] = [await kit.human(home), await kit.human(home)];
  const [hers, his] = [await kit.totp(ada), await kit.totp(bob)];
  const browser = kit.browser();
  done(await kit.signIn(browser, ada));
  done(await give(browser, hers(1), "totp", true));
  assert.equal(done(await kit.signIn(browser, ada)).next, "done");
  assert.equal(done(await kit.signIn(browser, bob)).next, "second_factor");
  assert.ok(his(0));
  assert.equal(done(await kit.signIn(kit.browser(), ada)).next, "second_factor");
  await kit.policy(home, { remembered_device_days: 0 });
  assert.equal(done(await kit.signIn(browser, ada)).next, "second_factor");
  await kit.policy(home, { remembered_device_days: 7 });
  bench.clock.ms += 7 * 24 * 3_600_000 + 1;
  assert.equal(done(await kit.signIn(browser, ada)).next, "second_factor");
});

test("a recovery code stands in for the second factor, once, and its owner is told", async () => {
  const ada = await kit.human(acme);
  await kit.totp(ada);
  const [code = ""] = await database.transaction(acme, (tx) => newRecoveryCodes(tx, ada, clock.now()));
  const [one, other] = [kit.browser(), kit.browser()];
  done(await kit.signIn(one, ada));
  done(await kit.signIn(other, ada));
  done(await give(one, code, "recovery_code"));
  fails(await give(other, code, "recovery_code"), "invalid_credentials");
  const mails = (await kit.mails(acme)).filter((mail) => mail.to === ada.email);
  assert.ok(mails.some((mail) => mail.template === "second_factor_changed" && mail.change === "recovery_code_used"));
});

test("where the tenant requires a second factor, who has none enrols before anything else", async () => {
  const home = await bench.tenant();
  await kit.policy(home, { mfa: "required" });
  const ada = await kit.human(home);
  const browser = kit.browser();
  const first = done(await kit.signIn(browser, ada));
  assert.deepEqual([first.next, first.session.state], ["enrol", "partial"]);
  const asked = { serviceName: "Acme", deviceName: "Phone", request: browser.visit() };
  const begun = done(await beginTotpEnrolment(needs, first.session, asked));
  const code = codeAt(seedOf(begun.secret), stepAt(clock.now()));
  const given = { device: begun.id, request: browser.visit() };
  fails(await enrolTotp(needs, first.session, { ...given, code: "000000" }), "invalid_credentials");
  const enrolled = done(await enrolTotp(needs, first.session, { ...given, code }));
  assert.deepEqual([enrolled.next, enrolled.session.state], ["done", "full"]);
  browser.take(enrolled.cookies);
  assert.equal(done(await kit.signIn(kit.browser(), ada)).next, "second_factor");
});

test("a session with only the first factor cannot enrol another second one instead of giving the one there is", async () => {
  const ada = await kit.human(acme);
  await kit.totp(ada);
  const browser = kit.browser();
  const { session } = done(await kit.signIn(browser, ada));
  const asked = { serviceName: "Acme", deviceName: "Mine", request: browser.visit() };
  fails(await beginTotpEnrolment(needs, session, asked), "illegal_transition");
  fails(await beginPasskeyEnrolment(needs, session, asked), "illegal_transition");
});

test("the tenant that is signed in to may ask for more than the home does", async () => {
  const [home, strict] = [await bench.tenant(), await bench.tenant()];
  await kit.policy(home, { mfa: "off" });
  await kit.policy(strict, { mfa: "required" });
  const ada = await kit.human(home);
  assert.equal(done(await kit.signIn(kit.browser(), ada, { context: home })).next, "done");
  assert.equal(done(await kit.signIn(kit.browser(), ada, { context: strict })).next, "enrol");
});

test("security test 5: signing in again renews the session under its id; another human's ends", async () => {
  const elsewhere = await bench.tenant();
  const [ada, bob, eve] = [await kit.human(acme), await kit.human(acme), await kit.human(elsewhere)];
  const browser = kit.browser();
  const first = done(await kit.signIn(browser, ada));
  const stale = kit.browser();
  stale.take([`__Host-countersign=${browser.cookie("__Host-countersign")}`]);
  bench.clock.ms += 1_000;
  const again = done(await kit.signIn(browser, ada, { current: first.session }));
  assert.equal(again.session.id, first.session.id);
  assert.equal(again.session.authTime, clock.now());
  assert.equal(await kit.session(stale), undefined);
  const his = done(await kit.signIn(browser, bob, { current: again.session }));
  assert.notEqual(his.session.id, again.session.id);
  const hers = done(await kit.signIn(browser, eve, { current: his.session }));
  const ended = (await bench.events(acme)).filter((one) => one.type === "countersign.session.ended.v1");
  for (const { session } of [again, his])
    assert.ok(ended.some((one) => one.subject === `sessions/${session.id}` && one.data["reason"] === "replaced"));
  assert.deepEqual(await kit.session(browser), hers.session);
});

test("stepping up adds a factor, and is no way to look freshly signed in", async () => {
  const home = await bench.tenant();
  await kit.policy(home, { mfa: "off" });
  const ada = await kit.human(home);
  const code = await kit.totp(ada);
  const browser = kit.browser();
  const { session } = done(await kit.signIn(browser, ada));
  bench.clock.ms += 60_000;
  const up = done(await give(browser, code(0)));
  assert.equal(up.session.acr, "urn:countersign:acr:multi-factor");
  assert.equal(up.session.authTime, session.authTime);
});

test("what answers as a passkey and is none is refused, whatever it says", async () => {
  const given = { context: null, request: kit.browser().visit() };
  for (const response of [null, 1, "x", {}, { id: "AAAA", rawId: "AAAA", type: "public-key", response: {} }])
    fails(await signInWithPasskey(needs, { ...given, response }), "invalid_credentials");
});

test("a sign-in from a browser that was never seen is told to its human, and the first of all is not", async () => {
  const ada = await kit.human(acme);
  const home = kit.browser();
  done(await kit.signIn(home, ada));
  done(await kit.signIn(home, ada));
  const told = async () =>
    (await kit.mails(acme)).filter((mail) => mail.to === ada.email && mail.template === "new_sign_in");
  assert.deepEqual(await told(), []);
  done(await kit.signIn(kit.browser("198.51.100.7"), ada));
  const [mail] = await told();
  assert.ok(mail?.template === "new_sign_in");
  assert.deepEqual([mail.device, mail.address], ["Firefox on Linux", "198.51.100.7"]);
});

test("signing out ends this session; signing out everywhere ends all others, and forgets remembered browsers", async () => {
  const ada = await kit.human(acme);
  const code = await kit.totp(ada);
  const [one, two, three] = [kit.browser(), kit.browser(), kit.browser()];
  done(await kit.signIn(one, ada));
  const { session } = done(await give(one, code(1), "totp", true));
  done(await kit.signIn(two, ada));
  done(await kit.signIn(three, ada));
  assert.equal(await signOutEverywhere(needs, session, { keepThis: true, request: one.visit() }), 2);
  assert.deepEqual([await kit.session(two), await kit.session(three)], [undefined, undefined]);
  assert.ok(await kit.session(one));
  one.take((await signOut(needs, session, one.visit())).cookies);
  assert.equal(one.cookie("__Host-countersign"), undefined);
  assert.equal(done(await kit.signIn(one, ada)).next, "second_factor");
});
