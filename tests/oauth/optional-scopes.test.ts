// A human leaves out some of what an application asks for (RFC 6749 §3.3): it gets the rest, is told so, and asks no more about it.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { sessionCookie } from "../../server/sessions/model.ts";
import { type Browser, openBrowser, type Page } from "../support/browser.ts";
import { type App, type Fields, type Human, pkce, queryOf } from "./authorize-kit.ts";
import { startDeployment } from "./deployment.ts";
import { grantsKit, type Tokens } from "./grants-kit.ts";
import { bearer } from "./http.ts";

const deployment = await startDeployment();
after(deployment.close);
const kit = grantsKit(deployment);
const acme = await deployment.tenant("Acme");
const app = await kit.application({
  first_party: false,
  scope: "openid profile email offline_access accounts:* documents:read",
});

const signedIn = (human: Pick<Human, "cookie">): Browser => {
  const browser = openBrowser(deployment.issuer);
  browser.cookies.set(sessionCookie, human.cookie.slice(sessionCookie.length + 1));
  return browser;
};
const { verifier, ...challenge } = pkce();
const start = (browser: Browser, scope: string, fields: Fields = {}, of: App = app): Promise<Page> =>
  browser.get(`/oauth/authorize?${queryOf(kit.requestOf(of, { ...challenge, scope, ...fields }))}`);
const pathOf = ({ url }: Page): string => new URL(url).pathname;
const told = ({ leftFor, text }: Page): Readonly<Record<string, string>> => {
  assert.ok(leftFor, text.slice(0, 2_000));
  return Object.fromEntries(new URL(leftFor).searchParams);
};
const consentForm = (browser: Browser) => {
  const form = browser.forms().find((one) => one.action.includes("/consent"));
  assert.ok(form, browser.page().text.slice(0, 2_000));
  return form;
};
/** The scopes whose boxes are ticked. */
const ticked = (browser: Browser): readonly string[] =>
  Object.entries(consentForm(browser).fields).flatMap(([name, value]) => (name.startsWith("scope_") ? [value] : []));
/** Allows, with these boxes unticked; or with more fields, as a form never has. */
const allowBut = (browser: Browser, without: readonly string[], more: Readonly<Record<string, string>> = {}) => {
  const { action, fields } = consentForm(browser);
  const kept = Object.entries(fields).filter(([name, value]) => !name.startsWith("scope_") || !without.includes(value));
  return browser.post(action, { ...Object.fromEntries(kept), ...more, decision: "allow" });
};
const tokensOf = async (page: Page): Promise<Tokens> => {
  const answer = await kit.redeem(app, { code: told(page)["code"] ?? "", verifier });
  assert.equal(answer.status, 200, answer.text);
  return answer.json<Tokens>();
};
const scopes = ({ scope }: Tokens): readonly string[] => scope.split(" ").toSorted();

test("RFC 6749 §3.3, §5.1: what is unticked is not given, and the token's `scope` says what is; whoever signs in is told of, always", async () => {
  const browser = signedIn(await kit.human(acme));
  await start(browser, "openid email offline_access accounts:read");
  assert.deepEqual(ticked(browser), ["email", "offline_access", "accounts:read"]);
  const tokens = await tokensOf(await allowBut(browser, ["email", "offline_access"]));
  assert.deepEqual(scopes(tokens), ["accounts:read", "openid"]);
  const about = (await deployment.send("/oauth/userinfo", { headers: bearer(tokens.access_token) })).json<object>();
  assert.ok(!("email" in about), "no address");
});

test("what was left out is not asked for again, by a page or by prompt=none; it is not given either", async () => {
  const browser = signedIn(await kit.human(acme));
  await start(browser, "openid email accounts:read");
  told(await allowBut(browser, ["email"]));
  for (const fields of [{}, { prompt: "none" }])
    assert.deepEqual(scopes(await tokensOf(await start(browser, "openid email accounts:read", fields))), [
      "accounts:read",
      "openid",
    ]);
  // For more than that the page comes back, with what was left out still left out.
  assert.equal(pathOf(await start(browser, "openid email accounts:read documents:read")), "/consent");
  assert.deepEqual(ticked(browser), ["accounts:read", "documents:read"]);
});

test("with prompt=consent a human may think again, both ways: what was agreed to before is taken back, patterns included", async () => {
  const browser = signedIn(await kit.human(acme));
  await start(browser, "openid email accounts:*");
  told(await allowBut(browser, ["email"]));
  await start(browser, "openid email accounts:read", { prompt: "consent" });
  assert.deepEqual(ticked(browser), ["accounts:read"]);
  const { action, fields } = consentForm(browser);
  const thoughtAgain = { ...fields, scope_1: "email", scope_2: "", decision: "allow" };
  assert.deepEqual(scopes(await tokensOf(await browser.post(action, thoughtAgain))), ["email", "openid"]);
  assert.deepEqual(scopes(await tokensOf(await start(browser, "openid email accounts:read"))), ["email", "openid"]);
  assert.equal(pathOf(await start(browser, "openid accounts:update")), "/consent", "the pattern is gone as well");
});

test("RFC 6749 §10.12: no form gives what was not asked for, or more than the page showed", async () => {
  const ada = await kit.human(acme);
  const browser = signedIn(ada);
  await start(browser, "openid accounts:read");
  const more = { scope_0: "openid", scope_2: "documents:read", scope_9: "*", scope_3: "email" };
  assert.deepEqual(scopes(await tokensOf(await allowBut(browser, [], more))), ["accounts:read", "openid"]);
});

test("where nothing is left to allow, saying yes is no answer: allow something, or deny", async () => {
  const browser = signedIn(await kit.human(acme));
  await start(browser, "accounts:read");
  const page = await allowBut(browser, ["accounts:read"]);
  assert.equal(page.leftFor, undefined);
  assert.equal(page.status, 400);
  assert.equal(pathOf(page), "/consent");
  assert.ok(told(await allowBut(browser, []))["code"]);
});

test("an application that is disconnected asks as if for the first time", async () => {
  const browser = signedIn(await kit.human(acme));
  await start(browser, "openid email");
  told(await allowBut(browser, ["email"]));
  await browser.get("/account/applications");
  await browser.submit({ client: app.client_id, bound: acme.id });
  assert.equal(pathOf(await start(browser, "openid email")), "/consent");
  assert.deepEqual(ticked(browser), ["email"]);
});
