// security.md 5 over HTTP and two processes: whoever knew a cookie before a change of privilege knows nothing after it.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { sessionCookie } from "../../server/sessions/model.ts";
import { password, person, policy, totp } from "../browser/people.ts";
import { startDeployment } from "../oauth/deployment.ts";
import { authorizeKit, multiFactor } from "../oauth/authorize-kit.ts";
import { type Browser, openBrowser } from "../support/browser.ts";
import { newHuman, signIn } from "../support/human.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const { issuer } = deployment;
const acme = await deployment.tenant("Acme");
const secretOf = (browser: Browser): string => browser.cookies.get(sessionCookie) ?? "";

/** Where the account's page leads with this cookie, by each process: the account, or the sign-in page. */
const opens = async (secret: string): Promise<boolean> => {
  const seen = await Promise.all(
    [0, 1].map((on) => deployment.send("/account", { headers: { cookie: `${sessionCookie}=${secret}` } }, on)),
  );
  assert.equal(new Set(seen.map(({ status }) => status)).size, 1, "both processes agree");
  return seen[0]?.status === 200;
};
const tokenIn = (browser: Browser): string =>
  browser.forms().find(({ fields }) => fields["form_token"] !== undefined)?.fields["form_token"] ?? "";

test("signing in: a cookie that somebody planted is not taken up, and their session is not made the victim's", async () => {
  const [mallory, ada] = [await newHuman(acme), await newHuman(acme)];
  const planted = secretOf(await signIn(deployment, mallory));
  for (const value of [planted, "chosen-by-mallory", ""]) {
    const browser = openBrowser(issuer, deployment.base(1));
    if (value !== "") browser.cookies.set(sessionCookie, value);
    await browser.get("/sign-in?again=1");
    await browser.submit({ email: ada.email });
    const page = await browser.submit({ password: ada.password });
    assert.match(page.text, new RegExp(ada.email));
    assert.notEqual(secretOf(browser), value);
    assert.equal(await opens(secretOf(browser)), true);
  }
  assert.equal(await opens(planted), false, "the planted session ended when somebody else signed in over it");
});

test("signing in again, a second factor and a step-up: each gives a new cookie, and the one before opens nothing at any process", async () => {
  const globex = await deployment.tenant("Globex");
  const ada = await person(deployment, globex, "ada@globex.example");
  const browser = openBrowser(issuer);
  const seen: string[] = [];
  const changed = async (what: string): Promise<void> => {
    const secret = secretOf(browser);
    assert.ok(secret !== "" && !seen.includes(secret), `${what} gives a new secret`);
    for (const old of seen) assert.equal(await opens(old), false, `after ${what} an older cookie opens nothing`);
    seen.push(secret);
  };
  await browser.get("/sign-in");
  await browser.submit({ email: ada.email });
  await browser.submit({ password });
  await changed("a password");
  await browser.get("/sign-in?again=1");
  await browser.submit({ email: ada.email });
  await browser.submit({ password });
  await changed("the password again");

  await policy(deployment, globex, { mfa: "required" });
  await browser.get("/sign-in?again=1");
  await browser.submit({ email: ada.email });
  const enrol = await browser.submit({ password });
  await changed("half a sign-in");
  assert.equal(await opens(secretOf(browser)), false, "which is good for nothing else");
  const seed = /<code>([A-Z2-7 ]+)<\/code>/.exec(enrol.text)?.[1] ?? "";
  await browser.submit({ code: totp(seed) });
  await changed("enrolling");
  assert.equal(await opens(secretOf(browser)), true);

  await policy(deployment, globex, { mfa: "optional" });
  await browser.get("/sign-in/second-factor");
  await browser.submit({ code: totp(seed, 1) });
  await changed("a step-up");
  assert.equal(await opens(secretOf(browser)), true);
  await browser.get("/account/password");
  await browser.submit({ current: password, password: "an entirely different phrase 9" });
  await changed("a new password");
  const out = await browser.get("/sign-out");
  assert.match(out.text, /ada@globex\.example/);
  await browser.submit({}, "/sign-out");
  for (const old of seen) assert.equal(await opens(old), false);
});

test("forms of the sign-in page: the token of before signing in is none afterwards, nor the other way round", async () => {
  const ada = await newHuman(acme);
  const browser = openBrowser(issuer);
  await browser.get("/sign-in");
  const before = tokenIn(browser);
  await browser.submit({ email: ada.email });
  await browser.submit({ password: ada.password });
  await browser.get("/account/profile");
  const own = tokenIn(browser);
  const refused = await browser.post("/account/profile", { display_name: "Mallory", form_token: before });
  assert.equal(refused.status, 403);
  const fresh = openBrowser(issuer);
  await fresh.get("/sign-in");
  for (const form_token of [own, before, ""])
    assert.equal((await fresh.post("/sign-in", { email: ada.email, form_token })).status, 403);
  // Login CSRF: the attacker's own form, with the attacker's own form cookie known to nobody else's browser.
  const attacker = openBrowser(issuer);
  await attacker.get("/sign-in/password");
  const foreign = await fresh.post("/sign-in/password", {
    email: ada.email,
    password: ada.password,
    form_token: tokenIn(attacker),
  });
  assert.equal(foreign.status, 403);
  assert.equal(fresh.cookies.has(sessionCookie), false, "nobody was signed in");
});

test("an old session adds no second factor to the account: whoever does has proven who they are just now", async () => {
  const kit = authorizeKit(deployment);
  const ada = await kit.human(acme, { ageSeconds: 3_600 });
  const thief = openBrowser(issuer, deployment.base());
  const [name = "", value = ""] = ada.cookie.split("=");
  thief.cookies.set(name, value);
  const page = await thief.get("/sign-in/enrol");
  assert.doesNotMatch(page.text, /<code>[A-Z2-7 ]+<\/code>/, "no seed is shown");
  assert.equal(new URL(page.url).pathname, "/sign-in");
  const [{ count } = { count: "?" }] = await deployment.sql<{ count: string }>(
    "select count(*) from totp_devices where user_id = $1",
    [ada.id],
  );
  assert.equal(count, "0");
  // Nor by way of an application that asks for more than a password.
  const app = await kit.application();
  const sent = kit.pageOf(await kit.authorize(app, { acr_values: multiFactor }, ada));
  const there = await thief.get(`${sent.path}?request=${sent.handle}`);
  assert.doesNotMatch(there.text, /<code>[A-Z2-7 ]+<\/code>/);
});
