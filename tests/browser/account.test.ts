// A human's own account, in a real browser: every page looked at, and what can be done on each.
import assert from "node:assert/strict";
import { test } from "node:test";
import { onTheirAccount, said } from "./account-kit.ts";
import { heading, openWalk, press, signIn } from "./kit.ts";
import { look } from "./looks.ts";
import { assertAt, mailedLink, password, person } from "./people.ts";

const walk = await openWalk();
const { deployment } = walk;
const acme = await deployment.tenant("Acme Instruments");
const globex = await deployment.tenant("Globex");
const signedIn = onTheirAccount(walk, acme);

test("the overview says who, and how safe; the pages are a click away, and each says where one is", async () => {
  const { page } = await signedIn("overview@acme.example");
  assert.equal(await heading(page), "Your account");
  assert.match(await page.locator("main").innerText(), /A leaked password would be enough/);
  await look(page, "account");
  for (const name of await page.locator("nav a").allInnerTexts()) {
    await page.getByRole("navigation").getByRole("link", { name, exact: true }).click();
    assert.equal(await page.locator("nav a[aria-current=page]").innerText(), name);
  }
});

test("name and language are changed, and the page speaks it; the address changes by a link to the new one", async () => {
  const { page, human } = await signedIn("profile@acme.example");
  await page.goto("/account/profile");
  await look(page, "account-profile");
  await page.getByLabel("Name").fill("Ada King");
  await page.getByLabel("Language").selectOption({ label: "Deutsch" });
  await press(page, "Save");
  assert.equal(await heading(page), "Profil");
  assert.match(await said({ page }), /gespeichert/);
  assert.equal(await page.getByLabel("Name").inputValue(), "Ada King");
  await page.getByLabel("Sprache").selectOption({ label: "English" });
  await press(page, "Speichern");

  await page.getByLabel("New e-mail address").fill("new@acme.example");
  await press(page, "Send the link");
  assert.match(await said({ page }), /on its way/);
  const link = await mailedLink(deployment, "new@acme.example");
  await page.goto(link);
  assert.match(await page.locator("main").innerText(), /new@acme.example/);
  await look(page, "account-email");
  await press(page, "Use this address");
  assert.equal(await heading(page), "Your address is changed");
  await page.goto(link);
  assert.equal(await heading(page), "This link does not work any more");
  const [row] = await deployment.sql<{ email: string }>("select email from users where id = $1", [human.id]);
  assert.equal(row?.email, "new@acme.example");
});

test("sessions are listed with their browsers, and ended one by one or all others at once", async () => {
  const { page, human } = await signedIn("sessions@acme.example");
  const others = await Promise.all([walk.window(), walk.window()]);
  for (const other of others) {
    await other.page.goto("/account");
    await signIn(other.page, human.email);
  }
  await page.goto("/account/sessions");
  assert.equal(await page.locator(".rows li").count(), 3);
  assert.match(await page.locator(".rows li").first().innerText(), /this browser/);
  await look(page, "account-sessions");
  await page
    .getByRole("button", { name: /^Sign out Chrome/ })
    .first()
    .click();
  assert.match(await said({ page }), /has ended/);
  assert.equal(await page.locator(".rows li").count(), 2);
  await press(page, "Sign out everywhere else");
  assert.match(await said({ page }), /Every other session/);
  for (const other of others) {
    await other.page.reload();
    assertAt(other.page.url(), "/sign-in");
  }
});

test("organisations are listed, and left; the one that keeps the account is not", async () => {
  const { page, human } = await signedIn("tenants@acme.example");
  await deployment.sql("insert into memberships values ($1, gen_random_uuid(), $2, $3, $1, 1, now(), now())", [
    globex.id,
    human.id,
    acme.id,
  ]);
  await page.goto("/account/tenants");
  await look(page, "account-tenants");
  assert.equal(await page.getByRole("button", { name: /^Leave/ }).count(), 1);
  await page.getByRole("button", { name: "Leave Globex" }).click();
  assert.match(await said({ page }), /You have left/);
  assert.equal(await page.locator(".rows li").count(), 1);
});

test("an API token is made within one's own rights, shown once, and revoked", async () => {
  const { page, human } = await signedIn("tokens@acme.example");
  await acme.does("/v1/role-assignments", { parent: acme.ref, principal: `users/${human.id}`, role: "admin" });
  await page.goto("/account/api-tokens");
  await look(page, "account-api-tokens-none");
  await page.getByLabel("What it is for").fill("Nightly report");
  await page.getByLabel("Scopes").fill("nonsense:nothing");
  await press(page, "Create the token");
  assert.match(await page.locator("#scopes-error").innerText(), /that exist here/);
  await look(page, "account-api-tokens-wrong");
  await page.getByLabel("Scopes").fill("users:read");
  await press(page, "Create the token");
  const token = await page.locator(".secret").innerText();
  assert.match(token, /^cs_api_/);
  assert.equal(await deployment.isActive(token), true);
  await page.getByRole("link", { name: "I have copied it" }).click();
  await look(page, "account-api-tokens");
  assert.ok(!(await page.content()).includes(token));
  await page.getByRole("button", { name: "Revoke Nightly report" }).click();
  assert.match(await said({ page }), /works no more/);
  assert.equal(await deployment.isActive(token), false);
});

test("the log tells what happened to the account, and the export has it all but secrets", async () => {
  const { page } = await signedIn("log@acme.example");
  await page.goto("/account/profile");
  await page.getByLabel("Name").fill("Ada L.");
  await press(page, "Save");
  await page.goto("/account/security-log");
  const text = await page.locator("main").innerText();
  assert.match(text, /Signed in with a password/);
  assert.match(text, /Changed the profile/);
  await look(page, "account-security-log");
  await page.goto("/account/export");
  await look(page, "account-export");
  const [download] = await Promise.all([page.waitForEvent("download"), press(page, "Download")]);
  const file = await download.createReadStream();
  const chunks: Buffer[] = [];
  for await (const chunk of file) chunks.push(chunk as Buffer);
  const exported = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
  assert.equal((exported["user"] as Record<string, unknown>)["email"], "log@acme.example");
  assert.ok(!JSON.stringify(exported).includes("$argon2"));
});

test("an account is deleted with its password; nothing of it opens anything, and its address is free", async () => {
  const { page, human } = await signedIn("gone@acme.example");
  await page.goto("/account/delete");
  await look(page, "account-delete");
  await page.getByLabel("Your password").fill("not it");
  await press(page, "Delete my account");
  assert.match(await page.locator("#password-error").innerText(), /not your password/);
  await page.getByLabel("Your password").fill(password);
  await press(page, "Delete my account");
  assert.equal(await heading(page), "Your account is deleted");
  await look(page, "account-deleted");
  await page.goto("/account");
  await signIn(page, human.email);
  assert.match(await page.locator("#password-error").innerText(), /do not match/);
  const [row] = await deployment.sql<{ row: string }>("select u::text as row from users u where id = $1", [human.id]);
  assert.ok(!row?.row.includes("gone@acme.example") && !row?.row.includes("Lovelace"));
  await person(deployment, acme, "gone@acme.example");
});
