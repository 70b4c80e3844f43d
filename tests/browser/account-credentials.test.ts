// How a human gets into their account, changed by themselves in a real browser: password, passkeys, authenticator apps, recovery codes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { onTheirAccount, said } from "./account-kit.ts";
import { openWalk, press, signIn } from "./kit.ts";
import { look } from "./looks.ts";
import { assertAt, password, totp } from "./people.ts";

const walk = await openWalk();
const { deployment } = walk;
const acme = await deployment.tenant("Acme Instruments");
const signedIn = onTheirAccount(walk, acme);
/** As if the proof were older than what changes to the account need. */
const ages = (user: string) =>
  deployment.sql("update sessions set auth_time = auth_time - interval '11 minutes' where user_id = $1", [user]);

test("a password is changed for the one there is; every other session ends, and this one stays", async () => {
  const { page, human } = await signedIn("password@acme.example");
  const other = await walk.window();
  await other.page.goto("/account");
  await signIn(other.page, human.email);
  await page.goto("/account/password");
  await look(page, "account-password");
  await page.getByLabel("Current password").fill("not the password");
  await page.getByLabel("New password").fill("tapir moon kettle ladder");
  await press(page, "Change the password");
  assert.match(await page.locator("#current-error").innerText(), /not your current password/);
  await look(page, "account-password-wrong");
  await page.getByLabel("Current password").fill(password);
  await page.getByLabel("New password").fill("password1234");
  await press(page, "Change the password");
  assert.ok(await page.locator("#password-error").isVisible());
  await page.getByLabel("Current password").fill(password);
  await page.getByLabel("New password").fill("tapir moon kettle ladder");
  await press(page, "Change the password");
  assert.match(await said({ page }), /is changed/);
  await page.reload();
  assertAt(page.url(), "/account/password");
  await other.page.reload();
  assertAt(other.page.url(), "/sign-in");
});

test("a passkey is added, named, and removed", async () => {
  const { page, context } = await signedIn("passkeys@acme.example");
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
    },
  });
  await page.goto("/account/passkeys");
  await look(page, "account-passkeys-none");
  await page.getByLabel("What to call it").fill("My phone");
  await press(page, "Add a passkey");
  await page.waitForURL(/done=passkey_added/);
  assert.match(await page.locator(".rows").innerText(), /My phone/);
  await page.locator(".rows summary").click();
  await look(page, "account-passkeys");
  await page.getByLabel("New name").fill("The blue key");
  await press(page, "Save");
  assert.match(await page.locator(".rows").innerText(), /The blue key/);
  await page.getByRole("button", { name: "Remove The blue key" }).click();
  assert.match(await said({ page }), /removed/);
});

test("an authenticator app is added with its code, recovery codes are made and shown once, and both can go", async () => {
  const { page } = await signedIn("totp@acme.example");
  await page.goto("/account/totp");
  await look(page, "account-totp-none");
  await press(page, "Add an authenticator app");
  await page.locator("summary").click();
  const secret = await page.locator("details code").innerText();
  await look(page, "account-totp-add");
  await page.getByLabel("Code", { exact: true }).fill("000000");
  await press(page, "Add it");
  assert.match(await page.locator("#code-error").innerText(), /not right/);
  await page.locator("summary").click();
  assert.equal(await page.locator("details code").innerText(), secret, "the same key, as the app has it by now");
  await page.getByLabel("Code", { exact: true }).fill(totp(secret));
  await press(page, "Add it");
  assert.match(await said({ page }), /is added/);
  await look(page, "account-totp");

  await page.goto("/account/recovery-codes");
  await look(page, "account-recovery-codes");
  await press(page, "Make new codes");
  assert.equal(await page.locator(".codes li").count(), 10);
  await look(page, "account-recovery-codes-new");
  await page.getByRole("link", { name: "I have kept them" }).click();
  assert.match(await page.locator("main").innerText(), /10 codes left/);
  await page.goto("/account");
  await look(page, "account-safe");
  await page.goto("/account/totp");
  await page.getByRole("button", { name: /^Remove/ }).click();
  assert.match(await said({ page }), /is removed/);
});

test("RFC 9470's idea on our own pages: what changes how one gets in needs a fresh proof, and comes back here", async () => {
  const { page, human } = await signedIn("stale@acme.example");
  await ages(human.id);
  await page.goto("/account/passkeys");
  assert.match(await page.locator("main").innerText(), /Confirm that it is you first/);
  assert.equal(await page.getByRole("button", { name: "Add a passkey" }).count(), 0);
  await look(page, "account-confirm");
  await page.getByRole("link", { name: "Confirm that it is you" }).click();
  assertAt(page.url(), "/sign-in");
  await signIn(page, human.email);
  assertAt(page.url(), "/account/passkeys");
  assert.equal(await page.getByRole("button", { name: "Add a passkey" }).count(), 1);
});
