/** Consent and the picker, by the forms people fill in, and past them (OIDC Core §3.1.2.4, RFC 6749 §10.2, §10.12). */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sessionCookie } from "../../server/sessions/model.ts";
import { type Browser, openBrowser, type Page } from "../support/browser.ts";
import { type App, authorizeKit, type Fields, type Human, queryOf } from "./authorize-kit.ts";
import { type Deployment, startDeployment, type Tenant } from "./deployment.ts";

let deployment: Deployment;
let kit: ReturnType<typeof authorizeKit>;
let acme: Tenant;
let beta: Tenant;
/** Not the deployment's own. */
let app: App;

before(async () => {
  deployment = await startDeployment();
  kit = authorizeKit(deployment);
  [acme, beta] = [await deployment.tenant("Acme"), await deployment.tenant("Beta")];
  app = await kit.application({ first_party: false, display_name: "Ledger <b>" });
});
after(() => deployment.close());

const signedIn = (human: Pick<Human, "cookie">): Browser => {
  const browser = openBrowser(deployment.issuer);
  browser.cookies.set(sessionCookie, human.cookie.slice(sessionCookie.length + 1));
  return browser;
};
const start = (browser: Browser, fields: Fields = {}, of = app): Promise<Page> =>
  browser.get(`/oauth/authorize?${queryOf(kit.requestOf(of, { state: "s", ...fields }))}`);
const pathOf = ({ url }: Page): string => new URL(url).pathname;
const told = ({ leftFor, text }: Page): Readonly<Record<string, string>> => {
  assert.ok(leftFor, text.slice(0, 2_000));
  return Object.fromEntries(new URL(leftFor).searchParams);
};
const allow = (browser: Browser): Promise<Page> => browser.submit({ decision: "allow" }, "/consent");
const deny = (browser: Browser): Promise<Page> => browser.submit({ decision: "deny" }, "/consent");
const handleOf = ({ url }: Page): string => new URL(url).searchParams.get("request") ?? "";
const scopesOfLastCode = async (human: Human): Promise<readonly string[] | undefined> =>
  (
    await deployment.sql<{ scopes: string[] }>(
      "select scopes from authorization_codes where user_id = $1 order by create_time desc limit 1",
      [human.id],
    )
  )[0]?.scopes;

describe("consent", () => {
  test("OIDC Core §3.1.2.4: a client that is not our own asks, naming itself, the tenant and what it wants; a yes is a code", async () => {
    const ada = await kit.human(acme);
    const browser = signedIn(ada);
    const page = await start(browser, { scope: "openid email" });
    assert.equal(pathOf(page), "/consent");
    assert.match(page.text, /Ledger &lt;b&gt;/);
    assert.match(page.text, /Acme/);
    assert.match(page.text, /e-mail address/);
    const answer = told(await allow(browser));
    assert.match(answer["code"] ?? "", /^cs_code_/);
    assert.equal(answer["state"], "s");
    assert.equal(answer["iss"], deployment.issuer);
    assert.deepEqual(await scopesOfLastCode(ada), ["openid", "email"]);
  });

  test("is remembered for what it covers; for more, the human is asked again", async () => {
    const browser = signedIn(await kit.human(acme));
    await start(browser, { scope: "openid accounts:read" });
    assert.ok(told(await allow(browser))["code"]);
    assert.ok(told(await start(browser, { scope: "openid accounts:read" }))["code"]);
    assert.ok(told(await start(browser, { scope: "openid" }))["code"]);
    assert.ok(told(await start(browser, { prompt: "none", scope: "openid" }))["code"]);
    assert.equal(pathOf(await start(browser, { scope: "openid accounts:update" })), "/consent");
    assert.equal(told(await start(browser, { prompt: "none", scope: "openid email" }))["error"], "consent_required");
    assert.equal(pathOf(await start(browser, { prompt: "consent", scope: "openid" })), "/consent");
    assert.ok(told(await allow(browser))["code"]);
  });

  test("RFC 6749 §4.1.2.1: a no is an access_denied, and the request has had its answer", async () => {
    const browser = signedIn(await kit.human(acme));
    const page = await start(browser);
    const answer = told(await deny(browser));
    assert.equal(answer["error"], "access_denied");
    assert.equal(answer["state"], "s");
    assert.equal(answer["iss"], deployment.issuer);
    const again = await browser.get(
      `/oauth/authorize?${queryOf({ client_id: app.client_id, request_uri: `urn:ietf:params:oauth:request_uri:${handleOf(page)}` })}`,
    );
    assert.equal(again.status, 400);
  });

  test("Form Post Response Mode: a no is told in the way that was asked for", async () => {
    const browser = signedIn(await kit.human(acme));
    await start(browser, { response_mode: "form_post" });
    const page = await deny(browser);
    assert.match(page.text, /name="error" value="access_denied"/);
  });

  test("is for one tenant: what was agreed to for one is asked again for another", async () => {
    const ada = await kit.human(acme);
    await kit.member(beta, ada);
    const browser = signedIn(ada);
    await start(browser, { tenant: acme.ref });
    assert.ok(told(await allow(browser))["code"]);
    assert.ok(told(await start(browser, { tenant: acme.ref }))["code"]);
    const other = await start(browser, { tenant: beta.ref });
    assert.equal(pathOf(other), "/consent");
    assert.match(other.text, /Beta/);
  });

  test("RFC 6749 §10.12: a forged form agrees to nothing", async () => {
    const ada = await kit.human(acme);
    const browser = signedIn(ada);
    const page = await start(browser);
    const forged = await browser.post("/consent", { request: handleOf(page), decision: "allow", form_token: "forged" });
    assert.equal(forged.leftFor, undefined);
    assert.equal(pathOf(await start(browser)), "/consent");
  });

  test("consent belongs to the session it was given in: another human's browser gets nothing of it", async () => {
    const [ada, eve] = [await kit.human(acme), await kit.human(acme)];
    const page = await start(signedIn(ada));
    const theirs = signedIn(eve);
    // Eve opens Ada's page. What she agrees to is her own.
    await theirs.get(`/consent?request=${handleOf(page)}`);
    const answered = await allow(theirs);
    assert.equal(answered.leftFor, undefined, "the request was shown to Ada, so Eve's yes says nothing");
    const [row] = await deployment.sql<{ count: number }>(
      "select count(*)::int as count from authorization_codes where user_id = any($1)",
      [[ada.id, eve.id]],
    );
    assert.equal(row?.count, 0);
  });

  test("what is shown is what is issued: a page that showed another tenant agrees to nothing", async () => {
    const ada = await kit.human(acme);
    await kit.member(beta, ada);
    const browser = signedIn(ada);
    await start(browser);
    await browser.submit({ chosen: acme.id }, "/tenants");
    const page = browser.page();
    assert.equal(pathOf(page), "/consent");
    assert.match(page.text, /Acme/);
    const form = browser.forms().find((one) => one.action.includes("/consent"));
    assert.ok(form);
    // In another tab of the same browser the human chooses another tenant for the same request.
    await browser.get(`/tenants?request=${handleOf(page)}`);
    await browser.submit({ chosen: beta.id }, "/tenants");
    const answered = await browser.post(form.action, { ...form.fields, decision: "allow" });
    assert.equal(answered.leftFor, undefined);
    assert.equal(await scopesOfLastCode(ada), undefined);
  });

  test("10 clicks on allow at once are one code", async () => {
    const ada = await kit.human(acme);
    const browser = signedIn(ada);
    const page = await start(browser);
    const form = browser.forms().find((one) => one.action.includes("/consent"));
    assert.ok(form);
    const browsers = Array.from({ length: 10 }, () => {
      const tab = openBrowser(deployment.issuer);
      for (const [name, value] of browser.cookies) tab.cookies.set(name, value);
      return tab;
    });
    const action = new URL(form.action, page.url);
    const answers = await Promise.all(
      browsers.map((tab) => tab.post(action.pathname + action.search, { ...form.fields, decision: "allow" })),
    );
    assert.equal(answers.filter(({ leftFor }) => leftFor?.includes("code=")).length, 1);
    const [row] = await deployment.sql<{ count: number }>(
      "select count(*)::int as count from authorization_codes where user_id = $1",
      [ada.id],
    );
    assert.equal(row?.count, 1);
  });

  test("RFC 9396 §6: details are shown and agreed to with the scopes", async () => {
    const rich = await kit.application({
      first_party: false,
      authorization_details_types: ["countersign_permissions"],
    });
    const browser = signedIn(await kit.human(acme));
    const details = (action: string) => ({
      scope: "openid",
      authorization_details: JSON.stringify([{ type: "countersign_permissions", actions: [action] }]),
    });
    assert.equal(pathOf(await start(browser, details("accounts:read"), rich)), "/consent");
    assert.ok(told(await allow(browser))["code"]);
    assert.ok(told(await start(browser, details("accounts:read"), rich))["code"]);
    assert.equal(pathOf(await start(browser, details("accounts:update"), rich)), "/consent");
  });

  test("the bound tenant's audit log has the yes", async () => {
    const ada = await kit.human(acme);
    const browser = signedIn(ada);
    await start(browser);
    await allow(browser);
    const [entry] = await deployment.sql<Record<string, unknown>>(
      "select * from audit_entries where action = 'oauth.consent' and authenticated_principal = $1",
      [ada.ref],
    );
    assert.equal(entry?.["tenant_id"], acme.id);
    assert.equal(entry?.["client_id"], app.client_id);
    assert.equal(entry?.["session_id"], ada.session);
  });
});

describe("the picker", () => {
  test("shows the human's own tenants, and what is chosen is what the code is for", async () => {
    const ada = await kit.human(acme);
    await kit.member(beta, ada);
    const own = await kit.application();
    const browser = signedIn(ada);
    const page = await start(browser, {}, own);
    assert.equal(pathOf(page), "/tenants");
    assert.match(page.text, /Acme/);
    assert.match(page.text, /Beta/);
    assert.ok(told(await browser.submit({ chosen: beta.id }, "/tenants"))["code"]);
    const [row] = await deployment.sql<{ bound_tenant_id: string }>(
      "select bound_tenant_id from authorization_codes where user_id = $1",
      [ada.id],
    );
    assert.equal(row?.bound_tenant_id, beta.id);
  });

  test("a tenant the human does not belong to cannot be chosen, nor told from one that never was", async () => {
    const gamma = await deployment.tenant("Gamma");
    const ada = await kit.human(acme);
    await kit.member(beta, ada);
    const own = await kit.application();
    const browser = signedIn(ada);
    await start(browser, {}, own);
    const foreign = await browser.submit({ chosen: gamma.id }, "/tenants");
    assert.equal(foreign.leftFor, undefined);
    assert.equal(foreign.status, 404);
    assert.ok(!foreign.text.includes("Gamma"));
    const never = await browser.submit({ chosen: "99999999-9999-4999-8999-999999999999" }, "/tenants");
    assert.equal(never.status, 404);
  });

  test("OIDC Core §3.1.2.1: prompt=select_account shows it, also to who has only one tenant", async () => {
    const own = await kit.application();
    const browser = signedIn(await kit.human(acme));
    assert.equal(pathOf(await start(browser, { prompt: "select_account" }, own)), "/tenants");
    assert.ok(told(await browser.submit({ chosen: acme.id }, "/tenants"))["code"]);
  });
});
