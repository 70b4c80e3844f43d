// An issuer with a path of its own: everything below it, the way back included, and nothing beside it.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { mailedLink, password, person } from "../browser/people.ts";
import { pkce, queryOf } from "../oauth/authorize-kit.ts";
import { startDeployment } from "../oauth/deployment.ts";
import { grantsKit } from "../oauth/grants-kit.ts";
import { type Browser, openBrowser } from "../support/browser.ts";

const deployment = await startDeployment({ issuerPath: "/auth" });
after(deployment.close);
const { issuer } = deployment;
const { origin } = new URL(issuer);
const kit = grantsKit(deployment);
const acme = await deployment.tenant("Acme Instruments");
const ada = await person(deployment, acme, "ada@acme.example");

const open = (): Browser => openBrowser(issuer, new URL(deployment.base()).origin);

/** Every address a page names is below the issuer: its links, forms, images, scripts and styles. */
const staysBelow = ({ text, url }: { readonly text: string; readonly url: string }): void => {
  assert.ok(url.startsWith(`${issuer}/`), url);
  for (const [, name] of text.matchAll(/\s(?:href|src|action)="([^"]*)"/g)) {
    const at = new URL((name ?? "").replaceAll("&amp;", "&"), url);
    if (at.origin === origin) assert.ok(at.pathname.startsWith("/auth/") || name?.startsWith("#"), `${name} on ${url}`);
  }
};

const signInAt = async (browser: Browser): Promise<void> => {
  staysBelow(browser.page());
  staysBelow(await browser.submit({ email: ada.email }));
  await browser.submit({ password });
};

test("what asks for a session leads to the sign-in page below the path, and from there back, query and all", async () => {
  for (const path of ["/account/profile", "/account", "/device?user_code=BCDF-GHJK"]) {
    const browser = open();
    const asked = await browser.get(`/auth${path}`);
    assert.equal(new URL(asked.url).pathname, "/auth/sign-in");
    await signInAt(browser);
    const { pathname, search } = new URL(browser.page().url);
    assert.equal(pathname + search, `/auth${path}`);
    staysBelow(browser.page());
  }
});

test("every page of the account, and what it names, is below the path and answers there", async () => {
  const browser = open();
  await browser.get("/auth/account");
  await signInAt(browser);
  const paths = [...browser.page().text.matchAll(/href="(\/[^"?#]*)"/g)].map(([, path]) => path ?? "");
  assert.ok(paths.filter((path) => path.startsWith("/auth/account/")).length >= 10, paths.join());
  for (const path of new Set(paths)) {
    const page = await browser.get(path);
    assert.equal(page.status, 200, path);
    if (String(page.headers["content-type"]).startsWith("text/html")) staysBelow(page);
  }
  for (const path of ["/account", "/sign-in", "/oauth/token", "/v1/users"])
    assert.equal((await browser.get(path)).status, 404, `${path} is somebody else's`);
});

test("fresh proof is asked for, and leads back to the page that wanted it", async () => {
  const browser = open();
  await browser.get("/auth/sign-in?again=1&next=/account/totp");
  await signInAt(browser);
  assert.equal(new URL(browser.page().url).pathname, "/auth/account/totp");
});

test("authorize, sign in, consent, code, tokens, refresh, userinfo and logout: one flow under the path", async () => {
  const app = await kit.application({ display_name: "Trip Planner", first_party: false });
  const browser = open();
  const { verifier, code_challenge } = pkce();
  await browser.get(`/auth/oauth/authorize?${queryOf(kit.requestOf(app, { code_challenge, state: "s" }))}`);
  await signInAt(browser);
  assert.equal(new URL(browser.page().url).pathname, "/auth/consent");
  staysBelow(browser.page());
  const done = await browser.submit({ decision: "allow" }, "/consent");
  const answer = Object.fromEntries(new URL(done.leftFor ?? "").searchParams);
  assert.equal(answer["iss"], issuer);
  const redeemed = await kit.redeem(app, { code: answer["code"] ?? "", verifier });
  assert.equal(redeemed.status, 200, redeemed.text);
  const tokens = redeemed.json<{ access_token: string; refresh_token: string }>();
  assert.equal((await deployment.get("/oauth/userinfo", tokens.access_token)).status, 200);
  assert.equal((await kit.refresh(app, tokens.refresh_token)).status, 200);
  const out = await browser.get("/auth/oauth/logout");
  staysBelow(out);
});

test("a device's human is sent to the page below the path, signs in on the way, and comes back to the question", async () => {
  const app = await kit.application({
    grant_types: ["urn:ietf:params:oauth:grant-type:device_code"],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: "none",
  });
  const begun = await deployment.form("/oauth/device_authorization", { client_id: app.client_id, scope: "openid" });
  const { device_code, verification_uri_complete } = begun.json<Record<string, string>>();
  assert.ok(verification_uri_complete?.startsWith(`${issuer}/device?`));
  const browser = open();
  await browser.get(verification_uri_complete ?? "");
  await signInAt(browser);
  const { pathname, searchParams } = new URL(browser.page().url);
  assert.equal(pathname, "/auth/device");
  assert.ok(searchParams.get("user_code"), "the code came along");
  const approved = await browser.submit({ decision: "approve" }, "/device");
  staysBelow(approved);
  const grant_type = "urn:ietf:params:oauth:grant-type:device_code";
  const fields = { grant_type, client_id: app.client_id, device_code: device_code ?? "" };
  const polled = await deployment.form("/oauth/token", fields);
  assert.equal(polled.status, 200, polled.text);
});

test("links of mails lead below the path", async () => {
  const browser = open();
  await browser.get("/auth/forgot-password");
  await browser.submit({ email: ada.email });
  const link = await mailedLink(deployment, ada.email);
  assert.ok(link.startsWith(`${issuer}/reset-password?link=`), link);
  staysBelow(await browser.get(link));
});
