// Applications that sign people in in a window of their own: they open it, and their redirect URI tells the window that opened it. In a real
// Chromium, since it is the browser that cuts windows apart (Cross-Origin-Opener-Policy).
import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import type { Page } from "playwright-core";
import type { App } from "../oauth/authorize-kit.ts";
import { heading, openWalk, press, signIn } from "./kit.ts";
import { password, person, policy, totp } from "./people.ts";

const walk = await openWalk();
const { deployment, issuer } = walk;
const acme = await deployment.tenant("Acme Instruments");

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let text = "";
  for await (const part of request) text += String(part);
  return text;
};
/** What the window with the application hears: messages of its own origin, and whether the other window still is one to it. */
const listening = `<script>
  window.heard = [];
  addEventListener("message", ({ origin, data }) => origin === location.origin && heard.push(data));
  window.start = (url) => { window.popup = window.open(url, "sign-in", "popup,width=480,height=640"); };
</script>`;
/** The redirect URI: hands the answer to who opened the window, and closes it. */
const telling = (answer: string): string => `<script>
  if (window.opener) { window.opener.postMessage(${JSON.stringify(answer)}, location.origin); window.close(); }
</script>`;
const application = createServer((request, response) => {
  const answer = async (): Promise<void> => {
    const { pathname, search } = new URL(request.url ?? "/", "http://127.0.0.1");
    const said = request.method === "POST" ? `?${await bodyOf(request)}` : search;
    const policyOfApp = pathname === "/strict" ? { "cross-origin-opener-policy": "same-origin-allow-popups" } : {};
    response.writeHead(200, { "content-type": "text/html", connection: "close", ...policyOfApp });
    response.end(
      `<!doctype html><html lang="en"><title>The application</title>${pathname === "/cb" ? telling(said) : listening}<h1>The application</h1>`,
    );
  };
  void answer();
});
await new Promise<void>((resolve) => void application.listen(0, "127.0.0.1", resolve));
after(() => application.close());
const origin = `http://127.0.0.1:${(application.address() as AddressInfo).port}`;
const redirect_uri = `${origin}/cb`;

/** The application's own window, and the one it opens. */
const opened = async (page: Page, url: string, from = "/"): Promise<Page> => {
  await page.goto(origin + from);
  const [popup] = await Promise.all([page.waitForEvent("popup"), page.evaluate(`start(${JSON.stringify(url)})`)]);
  await popup.waitForLoadState();
  return popup;
};
const heardBy = async (page: Page): Promise<URLSearchParams> => {
  await page.waitForFunction("heard.length > 0");
  return new URLSearchParams(await page.evaluate<string>("heard[0]"));
};
const closedTo = (page: Page): Promise<boolean> => page.evaluate<boolean>("popup.closed");
const registered = (metadata: Readonly<Record<string, unknown>> = {}): Promise<App> =>
  walk.application({ redirect_uris: [redirect_uri], ...metadata });
const url = (app: App, more: Readonly<Record<string, string>> = {}): string =>
  walk.authorizeUrl(app, { redirect_uri, state: "of-the-opener", ...more });

for (const response_mode of ["query", "form_post"])
  for (const from of ["/", "/strict"])
    test(`a sign-in in a popup ends, and the window that opened it hears of it: ${response_mode}, from ${from === "/" ? "a page without a policy" : "a page that keeps its popups"}`, async () => {
      const ada = await person(deployment, acme, `${response_mode}-${from.length}@acme.example`);
      const app = await registered();
      const { page } = await walk.window();
      const popup = await opened(page, url(app, { response_mode }), from);
      assert.equal(await heading(popup), "Sign in");
      const closing = popup.waitForEvent("close");
      await signIn(popup, ada.email);
      const told = await heardBy(page);
      assert.equal(told.get("state"), "of-the-opener");
      assert.equal(told.get("iss"), issuer);
      assert.ok(told.get("code"));
      await closing;
      assert.equal(await closedTo(page), true);
    });

test("every page on the way keeps the opener: a wrong password, enrolling, the choice of a tenant, consent", async () => {
  const globex = await deployment.tenant("Globex");
  await policy(deployment, globex, { mfa: "required" });
  const ada = await person(deployment, globex, "all-the-way@globex.example");
  await deployment.sql(
    `insert into memberships (tenant_id, id, user_id, home_tenant_id, node_id, create_time, update_time)
     values ($1, gen_random_uuid(), $2, $3, $1, now(), now())`,
    [acme.id, ada.id, globex.id],
  );
  const app = await registered({ first_party: false, display_name: "Field notes" });
  const { page } = await walk.window();
  const popup = await opened(page, url(app, { scope: "openid accounts:read" }));
  await signIn(popup, ada.email, "a wrong password");
  await popup.getByLabel("Password").fill(password);
  await press(popup, "Sign in");
  const seen: string[] = [];
  const passing = async (): Promise<void> => {
    seen.push(new URL(popup.url()).pathname);
    assert.equal(await closedTo(page), false, seen.join());
  };
  await passing();
  await popup.locator("summary").click();
  const secret = await popup.locator("details code").innerText();
  await popup.getByLabel("Code", { exact: true }).fill(totp(secret));
  await press(popup, "Continue");
  assert.equal(await heading(popup), "Keep your recovery codes");
  await passing();
  await popup.getByRole("link", { name: "I have kept them" }).click();
  await popup.waitForURL(/\/tenants/);
  await passing();
  await popup.getByRole("button", { name: /Globex/ }).click();
  await popup.waitForURL(/\/consent/);
  await passing();
  await press(popup, "Allow");
  assert.ok((await heardBy(page)).get("code"));
  assert.deepEqual(seen, ["/sign-in/enrol", "/sign-in/enrol", "/tenants", "/consent"]);
});

test("who says no is heard too", async () => {
  const ada = await person(deployment, acme, "no@acme.example");
  const app = await registered({ first_party: false });
  const { page } = await walk.window();
  const popup = await opened(page, url(app));
  await signIn(popup, ada.email);
  await press(popup, "Do not allow");
  assert.equal((await heardBy(page)).get("error"), "access_denied");
});

test("a page that is opened without a request is alone: whoever opened it can neither lead it elsewhere nor watch where it goes", async () => {
  const ada = await person(deployment, acme, "alone@acme.example");
  const { page } = await walk.window();
  for (const path of ["/account", "/sign-in", "/sign-out", `/oauth/authorize?client_id=nobody`]) {
    const popup = await opened(page, issuer + path);
    await page.waitForFunction("popup.closed");
    assert.equal(await popup.evaluate("window.opener"), null, path);
    await page.evaluate(`popup.location = ${JSON.stringify(`${origin}/evil`)}`);
    if (path === "/account") await signIn(popup, ada.email);
    assert.ok(popup.url().startsWith(issuer), popup.url());
    await popup.close();
  }
});
