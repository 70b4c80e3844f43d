// What strangers and administrators may write is text wherever people read it: pages, headers, mail (CWE-79, CWE-93, CWE-601).
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { startDeployment } from "../oauth/deployment.ts";
import { grantsKit } from "../oauth/grants-kit.ts";
import { linkOf, openMailbox } from "../sign-in/mailbox.ts";
import { openBrowser } from "../support/browser.ts";
import { newHuman, signIn } from "../support/human.ts";

const mailbox = await openMailbox();
const deployment = await startDeployment({ env: { COUNTERSIGN_SMTP_URL: mailbox.url } });
after(async () => {
  await deployment.close();
  await mailbox.close();
});
const kit = grantsKit(deployment);
const hostile = `"><img src=x onerror=alert(1)>{{7*7}}\${7*7}</title><script>alert(1)</script>&lt;'`;
const acme = await deployment.tenant(hostile);

const isText = (text: string, where: string): void => {
  assert.doesNotMatch(text, /<img src=x/i, where);
  assert.doesNotMatch(text, /<script>alert/i, where);
  assert.doesNotMatch(text, /\s(?:href|src|action)="\s*(?:javascript|data|vbscript):/i, where);
};

test("names of tenants, applications, people and devices are text on consent, picker, account, invitation and device pages", async () => {
  const ada = await newHuman(acme, { role: "owner" });
  await deployment.sql("update users set display_name = $2 where id = $1", [ada.id, hostile]);
  const app = await kit.application({
    display_name: hostile,
    first_party: false,
    grant_types: ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
  });
  const browser = await signIn(deployment, ada);
  const query = new URLSearchParams(
    Object.entries(kit.requestOf(app, { login_hint: hostile, state: hostile })).flatMap(([name, value]) =>
      typeof value === "string" ? [[name, value]] : [],
    ),
  );
  const consent = await browser.get(`/oauth/authorize?${query.toString()}`);
  assert.equal(new URL(consent.url).pathname, "/consent");
  assert.match(consent.text, /&lt;img src=x onerror/, "it is shown, as text");
  isText(consent.text, "consent");
  const signInPage = openBrowser(deployment.issuer);
  isText((await signInPage.get(`/oauth/authorize?${query.toString()}`)).text, "sign-in");
  const { user_code = "" } = (
    await deployment.form(
      "/oauth/device_authorization",
      { client_id: app.client_id, scope: "openid" },
      kit.asClient(app).headers,
    )
  ).json<Record<string, string>>();
  isText((await browser.get(`/device?user_code=${user_code}`)).text, "device");
  for (const path of [
    "/account",
    "/account/profile",
    "/account/sessions",
    "/account/tenants",
    "/account/applications",
    "/account/security-log",
    "/account/delete",
    "/sign-out",
  ]) {
    const page = await browser.get(path, { "user-agent": hostile });
    assert.equal(page.status, 200, path);
    isText(page.text, path);
  }
  const guest = `${randomUUID()}@guest.example`;
  await acme.does("/v1/invitations", { parent: acme.ref, email: guest, role: "member", display_name: hostile });
  const mail = await mailbox.next(guest);
  assert.doesNotMatch(mail.raw.split("\r\n\r\n", 1)[0] ?? "", /^(?:bcc|cc|x-evil):/im);
  const part = /Content-Type: text\/html[^]*?\r\n\r\n([^]*?)\r\n--/i.exec(mail.raw)?.[1] ?? "";
  const markup = part.replaceAll(/=\r\n/g, "").replaceAll("=3D", "=");
  assert.match(markup, /&lt;img src=x/, "the mail shows it, as text");
  isText(markup, "the invitation's mail");
  isText((await openBrowser(deployment.issuer).get(linkOf(mail))).text, "the invitation");
});

test("line breaks make no header and no recipient: names and addresses that have them are refused", async () => {
  for (const display_name of ["A\r\nBcc: evil@evil.example", "A\nX-Evil: 1", "A\u0000B"]) {
    const answer = await deployment.post(
      "/v1/users",
      deployment.host,
      { parent: acme.ref, email: `${randomUUID()}@acme.example`, display_name },
      0,
      { "countersign-tenant": acme.ref },
    );
    assert.ok([400, 422].includes(answer.status), answer.text);
  }
  for (const email of [
    "ada@acme.example\r\nBcc: evil@evil.example",
    "ada@acme.example,evil@evil.example",
    "<ada@acme.example>, evil@evil.example",
    '"a\nb"@acme.example',
  ]) {
    const answer = await deployment.post("/v1/invitations", deployment.host, { parent: acme.ref, email }, 0, {
      "countersign-tenant": acme.ref,
    });
    assert.ok([400, 422].includes(answer.status), `${email}: ${answer.text}`);
  }
});

test("the Host header and its relatives are in no link, no redirect and no document: the issuer is the one that was set", async () => {
  const ada = await newHuman(acme);
  const forged = {
    host: "evil.example",
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "https",
    forwarded: "host=evil.example",
    "x-original-url": "/account",
    "x-rewrite-url": "/account",
  };
  for (const path of [
    "/",
    "/sign-in",
    "/account",
    "/oauth/authorize",
    "/.well-known/openid-configuration",
    "/oauth/logout",
    "/v1/users",
  ]) {
    const answer = await deployment.send(path, { headers: forged });
    assert.doesNotMatch(`${JSON.stringify(answer.headers)} ${answer.text}`, /evil\.example/, path);
  }
  const browser = openBrowser(deployment.issuer);
  await browser.get("/forgot-password", forged);
  await browser.submit({ email: ada.email });
  assert.ok(linkOf(await mailbox.next(ada.email)).startsWith(`${deployment.issuer}/reset-password?`));
});

test("CWE-601: no parameter sends anybody elsewhere: next, request, tenant, redirect URIs and logout", async () => {
  const ada = await newHuman(acme);
  const browser = await signIn(deployment, ada);
  const app = await kit.application({ post_logout_redirect_uris: ["https://app.example/out"] });
  const elsewhere = [
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%2f/evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "/account//evil.example",
    "/account?x=https://evil.example\r\nlocation: https://evil.example",
    "\t//evil.example",
    "/account/..//evil.example",
  ];
  const paths = elsewhere.flatMap((to) => {
    const e = encodeURIComponent(to);
    return [
      `/sign-in?next=${e}`,
      `/sign-in?again=1&next=${e}`,
      `/?next=${e}`,
      `/sign-out?next=${e}`,
      `/signed-out?next=${e}&post_logout_redirect_uri=${e}`,
      `/tenants?request=${e}`,
      `/oauth/authorize?client_id=${app.client_id}&response_type=code&redirect_uri=${e}`,
      `/oauth/logout?client_id=${app.client_id}&post_logout_redirect_uri=${e}`,
      `/device?next=${e}`,
    ];
  });
  for (const path of paths) {
    const answer = await deployment.send(path, {
      headers: { cookie: Array.from(browser.cookies, ([name, value]) => `${name}=${value}`).join("; ") },
    });
    const { location } = answer.headers;
    if (location !== undefined)
      assert.equal(
        new URL(location, deployment.issuer).origin,
        new URL(deployment.issuer).origin,
        `${path} leads to ${location}`,
      );
    for (const [, href = ""] of answer.text.matchAll(/\s(?:href|action)="([^"]*)"/g))
      assert.equal(
        new URL(href.replaceAll("&amp;", "&"), deployment.issuer).origin,
        new URL(deployment.issuer).origin,
        `${path} links to ${href}`,
      );
  }
});
