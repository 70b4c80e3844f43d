// What people answer on the way to an application, in a real browser: which tenant, whether to allow it, and whether a device is theirs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { heading, openWalk, press, signIn } from "./kit.ts";
import { look } from "./looks.ts";
import { assertAt, pathOf, person } from "./people.ts";

const walk = await openWalk();
const { deployment, issuer } = walk;
const acme = await deployment.tenant("Acme Instruments");
const globex = await deployment.tenant("Globex");
const ada = await person(deployment, acme, "ada@acme.example");

test("who belongs to several tenants chooses one, and searches where there are many", async () => {
  const human = await person(deployment, acme, "many@acme.example", "Mary Many");
  const others = await Promise.all(Array.from({ length: 9 }, (_, at) => deployment.tenant(`Works ${at + 1}`)));
  for (const other of others)
    await deployment.sql(
      `insert into memberships (tenant_id, id, node_id, user_id, home_tenant_id, create_time, update_time)
       values ($1, gen_random_uuid(), $1, $2, $3, now(), now())`,
      [other.id, human.id, acme.id],
    );
  const { page } = await walk.window();
  const app = await walk.application({ display_name: "Ledger" });
  await page.goto(walk.authorizeUrl(app));
  await signIn(page, human.email);
  assertAt(page.url(), "/tenants");
  await look(page, "tenants");
  await page.getByLabel("Search").fill("works 7");
  await press(page, "Search");
  assert.equal(await page.locator(".picks button").count(), 1);
  await page.getByLabel("Search").fill("nowhere");
  await press(page, "Search");
  assert.match(await page.locator("main").innerText(), /None of yours/);
  await page.getByLabel("Search").fill("works 7");
  await press(page, "Search");
  await page.locator(".picks button").click();
  assertAt(page.url(), "/cb");
});

test("an application that is nobody's here asks, and is told yes or no", async () => {
  const app = await walk.application(
    {
      display_name: "Trip Planner",
      first_party: false,
      scope: "openid profile email offline_access accounts:read accounts:update",
    },
    acme,
  );
  const { page } = await walk.window();
  const scope = "openid profile offline_access accounts:read";
  await page.goto(walk.authorizeUrl(app, { scope }));
  await signIn(page, ada.email);
  assertAt(page.url(), "/consent");
  const said = await page.locator("main").innerText();
  for (const word of ["Trip Planner", "Acme Instruments", ada.email, "Know that it is you", "accounts", "127.0.0.1"])
    assert.ok(said.includes(word), `the page does not say ${word}: ${said}`);
  await look(page, "consent");
  await press(page, "Do not allow");
  assertAt(page.url(), "/cb");
  assert.equal(new URL(page.url()).searchParams.get("error"), "access_denied");
  await page.goto(walk.authorizeUrl(app, { scope }));
  assertAt(page.url(), "/consent");
  await press(page, "Allow");
  assert.ok(new URL(page.url()).searchParams.get("code"), page.url());
  await page.goto(walk.authorizeUrl(app, { scope }));
  assert.ok(new URL(page.url()).searchParams.get("code"), "what was agreed to is not asked again");

  // By the keyboard: some of it is left out, and stays so.
  await page.goto(walk.authorizeUrl(app, { scope, prompt: "consent" }));
  assert.equal(await page.getByRole("checkbox").count(), 3, "who one is cannot be left out of signing in");
  await page.getByLabel("Stay connected while you are away").focus();
  await page.keyboard.press("Space");
  await press(page, "Allow");
  assertAt(page.url(), "/cb");
  await page.goto(walk.authorizeUrl(app, { scope, prompt: "consent" }));
  assert.equal(await page.getByLabel("Stay connected while you are away").isChecked(), false);
  assert.equal(await page.getByLabel("See accounts").isChecked(), true);
});

test("a device's code is confirmed, and approved or denied", async () => {
  const app = await walk.application(
    {
      display_name: "Living-room TV",
      first_party: false,
      grant_types: ["urn:ietf:params:oauth:grant-type:device_code"],
      token_endpoint_auth_method: "none",
      scope: "openid profile",
    },
    acme,
  );
  const begin = async (): Promise<string> => {
    const answer = await deployment.form("/oauth/device_authorization", {
      client_id: app.client_id,
      scope: "openid profile",
    });
    assert.equal(answer.status, 200, answer.text);
    return answer.json<{ user_code: string }>().user_code;
  };
  const { page } = await walk.window();
  await page.goto(`${issuer}/device`);
  await signIn(page, ada.email);
  await look(page, "device");
  await page.getByLabel("Code", { exact: true }).fill("BBBB-BBBB");
  await press(page, "Continue");
  assert.match(await page.locator("#user_code-error").innerText(), /no device waiting/);
  await page.getByLabel("Code", { exact: true }).fill((await begin()).toLowerCase().replace("-", " "));
  await press(page, "Continue");
  assert.equal(await heading(page), "Is this your device?");
  await look(page, "device-confirm");
  await press(page, "Yes, connect it");
  assert.equal(await heading(page), "Your device is connected");
  await look(page, "device-done");
  await page.goto(`${issuer}/device?user_code=${await begin()}`);
  assert.equal(await heading(page), "Is this your device?", "the complete URI still asks (RFC 8628 §3.3.1)");
  await press(page, "No, refuse");
  assert.equal(await heading(page), "Refused");
});

test("in German for who reads German, and in the tenant's colour", async () => {
  await deployment.sql(
    `insert into brandings (tenant_id, display_name, accent_color, revision, create_time, update_time)
     values ($1, 'Globex Werke', '#ffd400', 1, now(), now())`,
    [globex.id],
  );
  const { page } = await walk.window({ locale: "de-AT" });
  const app = await walk.application({ display_name: "Bestellungen" }, globex);
  await page.goto(walk.authorizeUrl(app));
  assert.equal(await heading(page), "Anmelden");
  assert.equal(await page.locator("html").getAttribute("lang"), "de");
  assert.equal(await page.locator(".brand .name").innerText(), "Globex Werke");
  await look(page, "sign-in-branded");
  assert.equal(pathOf(page.url()), "/sign-in");
});
