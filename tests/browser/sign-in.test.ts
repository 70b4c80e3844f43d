// People sign in, in a real browser: e-mail, password, second factor, tenant, consent, and back at the application.
import assert from "node:assert/strict";
import { test } from "node:test";
import { heading, openWalk, press, signIn } from "./kit.ts";
import { look } from "./looks.ts";
import { assertAt, password, person, policy, totp } from "./people.ts";

const walk = await openWalk();
const { deployment, issuer } = walk;
const acme = await deployment.tenant("Acme Instruments");
const globex = await deployment.tenant("Globex");
const ada = await person(deployment, acme, "ada@acme.example");

test("e-mail first, then the password, then back at the application that asked", async () => {
  const { page } = await walk.window();
  const app = await walk.application({ display_name: "Ledger" }, acme);
  await page.goto(walk.authorizeUrl(app));
  assertAt(page.url(), "/sign-in");
  assert.match(await page.locator("main").innerText(), /to continue to Ledger/);
  await look(page, "sign-in");
  await page.getByLabel("E-mail address").fill("ada@acme");
  await press(page, "Continue");
  assert.match(await page.locator("#email-error").innerText(), /Enter an e-mail address/);
  await look(page, "sign-in-wrong-address");
  await page.getByLabel("E-mail address").fill(ada.email);
  await press(page, "Continue");
  assertAt(page.url(), "/sign-in/password");
  assert.ok(!page.url().includes("ada"), "an address in a URL is an address in a log");
  await look(page, "password");
  await page.getByLabel("Password").fill("not the password");
  await press(page, "Sign in");
  assert.match(await page.locator("#password-error").innerText(), /do not match an account/);
  await look(page, "password-wrong");
  await page.getByLabel("Password").fill(password);
  await press(page, "Sign in");
  assertAt(page.url(), "/cb");
  assert.equal(new URL(page.url()).searchParams.get("state"), "s");
});

test("with the keyboard alone: tab and enter, and the focus is always seen", async () => {
  const { page } = await walk.window();
  const app = await walk.application({}, acme);
  await page.goto(walk.authorizeUrl(app));
  const focused = () => page.evaluate<string>("document.activeElement?.id ?? ''");
  assert.equal(await focused(), "email");
  await page.keyboard.press("Shift+Tab");
  assert.equal(await page.evaluate("document.activeElement?.className"), "skip");
  const outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle");
  assert.equal(outline, "solid");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "email");
  await page.keyboard.type(ada.email);
  await page.keyboard.press("Enter");
  await page.waitForURL(/password/);
  assert.equal(await focused(), "password");
  await page.keyboard.type(password);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate("document.activeElement?.tagName"), "BUTTON");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/cb/);
});

test("a tenant that asks for a second factor has it set up on the way, and its recovery codes shown once", async () => {
  await policy(deployment, globex, { mfa: "required" });
  const grace = await person(deployment, globex, "grace@globex.example", "Grace Hopper");
  const { page } = await walk.window();
  const app = await walk.application({ display_name: "Orders" }, globex);
  await page.goto(walk.authorizeUrl(app));
  await signIn(page, grace.email);
  assertAt(page.url(), "/sign-in/enrol");
  await page.locator("summary").click();
  const secret = await page.locator("details code").innerText();
  await look(page, "enrol");
  await page.getByLabel("Code", { exact: true }).fill("000000");
  await press(page, "Continue");
  assert.match(await page.locator("#code-error").innerText(), /not right/);
  await page.locator("summary").click();
  assert.equal(
    await page.locator("details code").innerText(),
    secret,
    "the same key, so the app need not be told again",
  );
  await page.getByLabel("Code", { exact: true }).fill(totp(secret));
  await press(page, "Continue");
  assert.equal(await heading(page), "Keep your recovery codes");
  const codes = await page.locator(".codes li").allInnerTexts();
  assert.equal(codes.length, 10);
  await look(page, "recovery-codes");
  await page.getByRole("link", { name: "I have kept them" }).click();
  assertAt(page.url(), "/cb");

  const elsewhere = await walk.window();
  await elsewhere.page.goto(walk.authorizeUrl(app));
  await signIn(elsewhere.page, grace.email);
  assertAt(elsewhere.page.url(), "/sign-in/second-factor");
  await look(elsewhere.page, "second-factor");
  await elsewhere.page.getByRole("link", { name: "Use a recovery code instead" }).click();
  await look(elsewhere.page, "recovery-code");
  await elsewhere.page.getByLabel("Recovery code").fill(codes[0] ?? "");
  await elsewhere.page.getByLabel("Do not ask again on this device").check();
  await press(elsewhere.page, "Continue");
  assertAt(elsewhere.page.url(), "/cb");
});

test("errors are pages a person can act on", async () => {
  const { page } = await walk.window();
  await page.goto(`${issuer}/oauth/authorize?client_id=nobody`);
  assert.equal(await heading(page), "This request cannot be answered");
  await look(page, "error");
  await page.goto(`${issuer}/sign-in?request=cs_req_nothing`);
  assert.match(await heading(page), /nothing here|too long/);
});

test("signing out is asked, done, and said", async () => {
  const { page } = await walk.window();
  await page.goto(`${issuer}/sign-in?next=/device`);
  await signIn(page, ada.email);
  assertAt(page.url(), "/device");
  await page.goto(`${issuer}/sign-out`);
  await look(page, "sign-out");
  await press(page, "Sign out");
  assertAt(page.url(), "/signed-out");
  await look(page, "signed-out");
  await page.goto(`${issuer}/device`);
  assertAt(page.url(), "/sign-in");
});
