// Passkeys in a real browser, with Chromium's own authenticator behind the DevTools protocol: WebAuthn as it is, without a finger.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { openWalk, press, signIn } from "./kit.ts";
import { assertAt, person, policy } from "./people.ts";

const walk = await openWalk();
const { deployment, issuer } = walk;
const acme = await deployment.tenant("Acme Instruments");
await policy(deployment, acme, { mfa: "required" });

const withAuthenticator = async (page: Page): Promise<void> => {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
};

test("a passkey is added where a second factor is asked for, and then signs in without a name or a password", async () => {
  const ada = await person(deployment, acme, "ada@acme.example");
  const app = await walk.application({ display_name: "Ledger" }, acme);
  const { page, context } = await walk.window();
  await withAuthenticator(page);
  await page.goto(walk.authorizeUrl(app));
  await signIn(page, ada.email);
  assertAt(page.url(), "/sign-in/enrol");
  await press(page, "Add a passkey instead");
  await page.getByRole("link", { name: "I have kept them" }).click();
  assertAt(page.url(), "/cb");

  await context.clearCookies();
  await page.goto(walk.authorizeUrl(app));
  await page.waitForURL(/\/cb/);
  assert.ok(new URL(page.url()).searchParams.get("code"), "autofill offers it, and the authenticator says yes at once");
});

test("the button asks for a passkey too; a browser that has none says so, and the password is still there", async () => {
  const { page } = await walk.window();
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
    },
  });
  await page.goto(`${issuer}/sign-in`);
  await press(page, "Sign in with a passkey");
  await page.getByText("The passkey was not accepted.").waitFor();
  assert.equal(await page.getByLabel("E-mail address").isVisible(), true);
});

test("a passkey is a second factor after the password", async () => {
  const grace = await person(deployment, acme, "grace@acme.example", "Grace Hopper");
  const app = await walk.application({ display_name: "Ledger" }, acme);
  const { page, context } = await walk.window();
  await withAuthenticator(page);
  await page.goto(walk.authorizeUrl(app));
  await signIn(page, grace.email);
  await press(page, "Add a passkey instead");
  await page.getByRole("link", { name: "I have kept them" }).click();
  await context.clearCookies();
  // Without autofill: a browser whose passkeys wait for nobody would sign in before the password is typed.
  await page.goto(`${issuer}/forgot-password?next=/device`);
  await page.getByLabel("E-mail address").fill(grace.email);
  await press(page, "Send the link");
  await page.goto(`${issuer}/sign-in/password?next=/device`);
  await page.getByLabel("Password").fill("correct horse battery staple");
  await press(page, "Sign in");
  assertAt(page.url(), "/sign-in/second-factor");
  await press(page, "Use a passkey instead");
  await page.waitForURL(/\/device/);
});
