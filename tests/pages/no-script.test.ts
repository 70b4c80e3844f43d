// The same forms by plain HTTP: no script, no browser. What a page needs of a script is passkeys and nothing else.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { assetNames, assetOctets } from "../../server/pages/assets.ts";
import { mailedLink, password, person, policy, totp } from "../browser/people.ts";
import { authorizeKit, pkce, queryOf } from "../oauth/authorize-kit.ts";
import { startDeployment } from "../oauth/deployment.ts";
import { openBrowser } from "../support/browser.ts";

const deployment = await startDeployment();
after(() => deployment.close());
const { issuer } = deployment;
const acme = await deployment.tenant("Acme Instruments");
const kit = authorizeKit(deployment);
const redirectUri = "https://app.example/cb";

const authorizePath = (clientId: string, scope = "openid"): string =>
  `/oauth/authorize?${queryOf({
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope,
    code_challenge: pkce().code_challenge,
    code_challenge_method: "S256",
  })}`;

test("sign in, set up TOTP, keep the codes, allow the application: forms alone", async () => {
  await policy(deployment, acme, { mfa: "required" });
  const ada = await person(deployment, acme, "ada@acme.example");
  const app = await kit.application({ display_name: "Trip Planner", first_party: false }, acme);
  const browser = openBrowser(issuer);
  await browser.get(authorizePath(app.client_id));
  await browser.submit({ email: ada.email });
  const enrol = await browser.submit({ password });
  const secret = /<code>([A-Z2-7 ]+)<\/code>/.exec(enrol.text)?.[1] ?? "";
  const codes = await browser.submit({ code: totp(secret) });
  assert.equal(codes.text.match(/<li>/g)?.length, 10);
  const onwards = /class="button primary" href="([^"]+)"/.exec(codes.text)?.[1]?.replaceAll("&amp;", "&") ?? "";
  const consent = await browser.get(onwards);
  assert.match(consent.text, /Trip Planner/);
  const done = await browser.submit({ decision: "allow" }, "/consent");
  assert.match(done.leftFor ?? "", /^https:\/\/app\.example\/cb\?.*code=/);
});

test("the session's secret changes with every factor, and a consent form that says something else is asked again (security.md 5)", async () => {
  const lin = await person(deployment, acme, "lin@acme.example", "Lin");
  const app = await kit.application({ display_name: "Trip Planner", first_party: false }, acme);
  const browser = openBrowser(issuer);
  const secrets: string[] = [];
  const keep = (): unknown => secrets.push(browser.cookies.get("__Host-countersign") ?? "");
  await browser.get(authorizePath(app.client_id, "openid profile"));
  keep();
  await browser.submit({ email: lin.email });
  const enrol = await browser.submit({ password });
  keep();
  const codes = await browser.submit({ code: totp(/<code>([A-Z2-7 ]+)<\/code>/.exec(enrol.text)?.[1] ?? "") });
  keep();
  assert.equal(new Set(secrets).size, 3);
  await browser.get(/class="button primary" href="([^"]+)"/.exec(codes.text)?.[1]?.replaceAll("&amp;", "&") ?? "");
  const fields = browser.forms().find(({ action }) => action.includes("/consent"))?.fields ?? {};
  assert.equal(fields["shown_scopes"], "openid profile");
  assert.equal(fields["shown_tenant"], acme.id);
  for (const other of [
    { shown_scopes: "openid" },
    { shown_scopes: "openid profile accounts:read" },
    { shown_scopes: "" },
    { shown_tenant: randomUUID() },
  ]) {
    const again = await browser.post("/consent", { ...fields, ...other, decision: "allow" });
    assert.equal(again.leftFor, undefined, JSON.stringify(other));
    assert.match(again.text, /Allow access\?/);
  }
});

test("a form that this browser was not shown changes nothing (security.md 5)", async () => {
  const browser = openBrowser(issuer);
  const other = openBrowser(issuer);
  await browser.get("/sign-in");
  await other.get("/sign-in");
  const foreign = other.forms()[0]?.fields["form_token"] ?? "";
  for (const form_token of ["", "x", foreign]) {
    const answer = await browser.post("/sign-in", { email: "ada@acme.example", form_token });
    assert.equal(answer.status, 403);
    assert.match(answer.text, /Nothing was changed/);
  }
});

test("opening a mail's link uses nothing up: mail scanners open links, and fill in no forms", async () => {
  const grace = await person(deployment, acme, "grace@acme.example");
  const browser = openBrowser(issuer);
  await browser.get("/forgot-password");
  await browser.submit({ email: grace.email });
  const link = await mailedLink(deployment, grace.email);
  for (let opened = 0; opened < 3; opened += 1) assert.equal((await openBrowser(issuer).get(link)).status, 200);
  const page = await browser.get(link);
  assert.equal(page.status, 200);
  const done = await browser.submit({ password: "quite another passphrase" });
  assert.match(done.text, /Your password is changed/);
  assert.equal((await browser.get(link)).status, 410);
});

test("setup without a script: the key is pasted", async () => {
  const browser = openBrowser(issuer);
  await browser.get("/setup");
  const setup = deployment.servers[0]?.bootstrap.setup_url ?? "";
  const page = await browser.submit({ setup, email: "root@example.com", display_name: "Root", password });
  assert.equal(new URL(page.url).pathname, "/account", page.text.slice(0, 2_000));
});

test("CWE-601: signing in leads to pages of ours alone", async () => {
  const hopper = await person(deployment, await deployment.tenant("Globex"), "hopper@globex.example");
  for (const next of [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "/account/../../x",
    "javascript:1",
    "/oauth/authorize",
  ]) {
    const browser = openBrowser(issuer);
    await browser.get(`/sign-in?${new URLSearchParams({ next }).toString()}`);
    await browser.submit({ email: hopper.email });
    const page = await browser.submit({ password });
    assert.equal(page.leftFor, undefined, next);
    assert.equal(new URL(page.url).pathname, "/account", next);
  }
});

test("every page forbids framing, foreign code, keeping and referring (security.md 6)", async () => {
  for (const path of [
    "/sign-in",
    "/sign-in/password",
    "/setup",
    "/register",
    "/forgot-password",
    "/signed-out",
    "/verify-email",
    "/reset-password",
    "/invitation",
    "/oauth/authorize",
  ]) {
    const { headers, text } = await openBrowser(issuer).get(path);
    const policyText = String(headers["content-security-policy"]);
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"])
      assert.ok(policyText.includes(part), `${path}: ${policyText}`);
    assert.doesNotMatch(policyText, /unsafe/);
    assert.equal(headers["referrer-policy"], "no-referrer");
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(headers["cross-origin-opener-policy"], "same-origin");
    const nonce = /'nonce-([^']+)'/.exec(policyText)?.[1] ?? "";
    for (const [tag] of text.matchAll(/<(?:script|style)\b[^>]*>/g)) assert.ok(tag.includes(`nonce="${nonce}"`), tag);
    assert.doesNotMatch(text, /\son\w+=|style="|javascript:/);
    for (const cookie of headers["set-cookie"] ?? [])
      assert.match(cookie, /^__Host-[\w-]+=[^;]*; Path=\/; Secure; HttpOnly; SameSite=(Lax|Strict)/);
  }
});

test("what a page was asked comes back as text, whatever it says (CWE-79)", async () => {
  const browser = openBrowser(issuer);
  await browser.get("/sign-in");
  const evil = `"><script>alert(1)</script>@x`;
  const page = await browser.submit({ email: evil });
  assert.ok(!page.text.includes("<script>alert"));
  assert.ok(page.text.includes("&quot;&gt;&lt;script&gt;"));
  const said = await openBrowser(issuer).get(
    `/oauth/authorize?client_id=${encodeURIComponent("<img src=x onerror=alert(1)>")}`,
  );
  assert.ok(!said.text.includes("<img src=x"));
});

test("RFC 9110 §9.1: the pages answer HEAD as GET, and other methods with which ones they have", async () => {
  assert.equal((await deployment.send("/sign-in", { method: "HEAD" })).status, 200);
  const refused = await deployment.send("/sign-in", { method: "DELETE" });
  assert.equal(refused.status, 405);
  assert.equal(refused.headers.allow, "GET, POST");
});

test("all scripts together stay under 15 kB, and assets are kept for good under names that change with them", async () => {
  const scripts = assetNames.filter((name) => name.endsWith(".js"));
  const octets = scripts.reduce((sum, name) => sum + assetOctets(name), 0);
  assert.ok(octets < 15_000, `${octets} octets`);
  const page = await openBrowser(issuer).get("/sign-in");
  const href = /href="([^"]*style\.css[^"]*)"/.exec(page.text)?.[1] ?? "";
  const style = await openBrowser(issuer).get(href);
  assert.match(style.headers["cache-control"] ?? "", /immutable/);
  assert.match((await openBrowser(issuer).get("/assets/style.css")).headers["cache-control"] ?? "", /max-age=300$/);
});

test("the sign-in page says the same of every address", async () => {
  const seen = await Promise.all(
    ["hopper@globex.example", "nobody@globex.example"].map(async (email) => {
      const browser = openBrowser(issuer);
      await browser.get("/sign-in");
      const second = await browser.submit({ email });
      const wrong = await browser.submit({ password: "not the password" });
      return [second, wrong].map(({ status, text }) => [
        status,
        text.replaceAll(email, "").replaceAll(/(nonce|value|nonce-)="[^"]*"/g, ""),
      ]);
    }),
  );
  assert.deepEqual(seen[0], seen[1]);
});
