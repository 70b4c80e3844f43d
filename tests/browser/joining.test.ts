// How people get in for the first time, or again, in a real browser: setup, registration, invitation, a new password.
import assert from "node:assert/strict";
import { test } from "node:test";
import { heading, openWalk, press, signIn } from "./kit.ts";
import { look } from "./looks.ts";
import { assertAt, mailedLink, password, person, policy } from "./people.ts";

const walk = await openWalk();
const { deployment, issuer } = walk;
const acme = await deployment.tenant("Acme Instruments");

test("the setup link makes the first human, and its secret leaves the address bar", async () => {
  const { page } = await walk.window();
  await page.goto(deployment.servers[0]?.bootstrap.setup_url ?? "");
  assert.equal(page.url(), `${issuer}/setup`);
  assert.equal(await page.getByLabel("Setup key").isVisible(), false);
  await look(page, "setup");
  await page.getByLabel("E-mail address").fill("root@example.com");
  await page.getByLabel("Your name").fill("Root");
  await page.getByLabel("Choose a password").fill("short");
  await press(page, "Create the first account");
  assert.match(await page.locator("#password-error").innerText(), /Too short/);
  await look(page, "setup-wrong");
  await page.getByLabel("Choose a password").fill(password);
  await press(page, "Create the first account");
  assertAt(page.url(), "/account");

  const again = await walk.window();
  await again.page.goto(deployment.servers[0]?.bootstrap.setup_url ?? "");
  await again.page.getByLabel("E-mail address").fill("second@example.com");
  await again.page.getByLabel("Your name").fill("Second");
  await again.page.getByLabel("Choose a password").fill(password);
  await press(again.page, "Create the first account");
  assert.match(await again.page.locator("#setup-error").innerText(), /does not work/);
});

test("a stranger registers, reads the mail, and is in", async () => {
  const { page } = await walk.window();
  await page.goto(`${issuer}/register?tenant=${acme.id}`);
  assert.equal(await heading(page), "Registration is closed");
  await look(page, "register-closed");
  await policy(deployment, acme, { self_registration: "on" });
  const app = await walk.application({ display_name: "Ledger" }, acme);
  await page.goto(walk.authorizeUrl(app));
  await page.getByRole("link", { name: "Create one" }).click();
  assertAt(page.url(), "/register");
  await look(page, "register");
  await page.getByLabel("E-mail address").fill("linus@elsewhere.example");
  await page.getByLabel("Your name").fill("Linus");
  await page.getByLabel("Choose a password").fill("password1234");
  await press(page, "Create account");
  assert.match(await page.locator("#password-error").innerText(), /guessed first/);
  assert.equal(await page.getByLabel("Your name").inputValue(), "Linus");
  await page.getByLabel("Choose a password").fill(password);
  await press(page, "Create account");
  assert.equal(await heading(page), "Look into your mail");
  await look(page, "register-sent");
  const link = await mailedLink(deployment, "linus@elsewhere.example");
  await page.goto(link);
  await page.goto(link);
  await look(page, "verify-email");
  await page.getByLabel("Password").fill(password);
  await press(page, "Confirm and sign in");
  assertAt(page.url(), "/cb");
  await page.goto(link);
  assert.equal(await heading(page), "This link does not work any more", "opening it twice did nothing; using it did");
  await look(page, "link-expired");
});

test("a forgotten password is replaced through the mail", async () => {
  const ada = await person(deployment, acme, "ada@acme.example");
  const { page } = await walk.window();
  await page.goto(`${issuer}/sign-in`);
  await page.getByLabel("E-mail address").fill(ada.email);
  await press(page, "Continue");
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await look(page, "forgot-password");
  await press(page, "Send the link");
  assert.equal(await heading(page), "Look into your mail");
  const known = await page.locator("main").innerText();
  await page.goto(await mailedLink(deployment, ada.email));
  await look(page, "reset-password");
  await page.getByLabel("New password").fill("another horse battery staple");
  await press(page, "Save the password");
  assert.equal(await heading(page), "Your password is changed");
  await page.getByRole("link", { name: "Sign in" }).click();
  await signIn(page, ada.email, "another horse battery staple");
  assertAt(page.url(), "/account");

  const stranger = await walk.window();
  await stranger.page.goto(`${issuer}/forgot-password`);
  await stranger.page.getByLabel("E-mail address").fill("nobody@acme.example");
  await press(stranger.page, "Send the link");
  const unknown = await stranger.page.locator("main").innerText();
  assert.equal(unknown.replace("nobody@", "ada@"), known, "the page says the same of an address nobody has");
});

test("an invitation is accepted by somebody new, and by somebody known", async () => {
  const globex = await deployment.tenant("Globex");
  const invite = async (email: string): Promise<string> => {
    await globex.does("/v1/invitations", { parent: globex.ref, email, role: "member" });
    return mailedLink(deployment, email);
  };
  const { page } = await walk.window();
  await page.goto(await invite("new@globex.example"));
  assert.match(await page.locator("main").innerText(), /Globex/);
  await look(page, "invitation");
  await page.getByLabel("Your name").fill("New Comer");
  await page.getByLabel("Choose a password").fill(password);
  await press(page, "Accept the invitation");
  assertAt(page.url(), "/account");

  const known = await person(deployment, acme, "known@acme.example", "Known");
  const second = await walk.window();
  await second.page.goto(await invite(known.email));
  await look(second.page, "invitation-known");
  await second.page.getByRole("link", { name: "Sign in and accept" }).click();
  await signIn(second.page, known.email);
  assertAt(second.page.url(), "/invitation");
  await look(second.page, "invitation-accept");
  await press(second.page, "Accept the invitation");
  assertAt(second.page.url(), "/account");
});
