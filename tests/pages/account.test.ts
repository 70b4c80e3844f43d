// The account's pages by plain HTTP, as somebody who means harm asks them: whose they are, what a form may do, and what is over when it ends.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { mailedLink } from "../browser/people.ts";
import { startDeployment, type Tenant } from "../oauth/deployment.ts";
import { grantsKit } from "../oauth/grants-kit.ts";
import { type Browser, openBrowser } from "../support/browser.ts";
import { type Human, newHuman, signIn } from "../support/human.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const kit = grantsKit(deployment);
const acme = await deployment.tenant("Acme");
// Somebody stays who can give roles, so that others may go.
await acme.user("owner");

const pages = [
  "",
  "/profile",
  "/password",
  "/passkeys",
  "/totp",
  "/recovery-codes",
  "/sessions",
  "/applications",
  "/tenants",
  "/api-tokens",
  "/security-log",
  "/export",
  "/delete",
].map((one) => `/account${one}`);

const ada = await newHuman(acme);
const browser = await signIn(deployment, ada);
const sessionOf = async (human: Pick<Human, "id">): Promise<string> =>
  (await deployment.sql<{ id: string }>("select id from sessions where user_id = $1 and state = 'full'", [human.id]))[0]
    ?.id ?? "";
const member = (tenant: Tenant, human: Pick<Human, "id">, home = acme) =>
  deployment.sql(
    "insert into memberships (tenant_id, id, user_id, home_tenant_id, node_id, create_time, update_time) values ($1, $2, $3, $4, $1, now(), now())",
    [tenant.id, randomUUID(), human.id, home.id],
  );
/** The hidden token of the page's forms. */
const tokenOf = (from: Browser): string =>
  from.forms().find((form) => form.fields["form_token"] !== undefined)?.fields["form_token"] ?? "";

test("security.md 6: every page is the session's own: framed by nobody, kept by nothing, and without scripts but the passkeys'", async () => {
  for (const path of pages) {
    const page = await browser.get(path);
    assert.equal(page.status, 200, `${path}: ${page.text.slice(0, 500)}`);
    assert.equal(page.headers["cache-control"], "no-store", path);
    assert.equal(page.headers["referrer-policy"], "no-referrer", path);
    const policy = String(page.headers["content-security-policy"]);
    assert.match(policy, /frame-ancestors 'none'/, path);
    if (path !== "/account/passkeys") assert.match(policy, /script-src 'none'/, path);
  }
});

test("without a session, or with half of one, every page leads to the sign-in page, and back", async () => {
  const half = openBrowser(deployment.issuer);
  const user = await acme.user();
  const { cookie } = await kit.signIn(acme.id, user.id, { state: "partial" });
  half.cookies.set("__Host-countersign", cookie.split("=")[1] ?? "");
  for (const asking of [openBrowser(deployment.issuer), half])
    for (const path of pages) {
      const page = await asking.get(path);
      const at = new URL(page.url);
      assert.equal(at.pathname, "/sign-in", path);
      assert.equal(at.searchParams.get("next"), path);
    }
});

test("security.md 5: a form without this session's token changes nothing, whoever's token it has", async () => {
  const eve = await signIn(deployment, await newHuman(acme));
  await eve.get("/account/profile");
  const before = await deployment.sql("select display_name from users where id = $1", [ada.id]);
  for (const form_token of ["", "x", tokenOf(eve)]) {
    const page = await browser.post("/account/profile", { form_token, display_name: "Mallory", locale: "en" });
    assert.equal(page.status, 403, form_token);
  }
  assert.deepEqual(await deployment.sql("select display_name from users where id = $1", [ada.id]), before);
});

test("invariant 2: another's session, passkey, authenticator app or token is not there, whatever the form says", async () => {
  const victim = await newHuman(acme, { role: "admin" });
  await signIn(deployment, victim);
  const session = await sessionOf(victim);
  const token = await acme.does("/v1/api-tokens", {
    owner: victim.ref,
    display_name: "Theirs",
    scopes: ["users:read"],
    expire_time: new Date(Date.now() + 3_600_000).toISOString(),
  });
  const attacker = await signIn(deployment, await newHuman(acme));
  await attacker.get("/account/profile");
  const form_token = tokenOf(attacker);
  assert.equal((await attacker.post("/account/sessions", { form_token, session })).status, 404);
  assert.equal(await sessionOf(victim), session, "it lives");
  for (const [path, fields] of [
    ["/account/passkeys", { do: "remove", passkey: randomUUID() }],
    ["/account/totp", { do: "remove", device: randomUUID() }],
    ["/account/applications", { client: "app_live_x", bound: acme.id }],
    ["/account/tenants", { leave: randomUUID() }],
  ] as const)
    assert.equal((await attacker.post(path, { form_token, ...fields })).status, 404, path);
  if (token !== undefined) {
    const revoked = await attacker.post("/account/api-tokens", {
      form_token,
      at: acme.id,
      revoke: String(token["id"]),
    });
    assert.equal(revoked.status, 404);
    assert.equal(await deployment.isActive(String(token["token"])), true);
  }
});

test("what changes how the account is entered is refused with an old proof, whatever the page showed", async () => {
  const human = await newHuman(acme);
  const stale = await signIn(deployment, human);
  await stale.get("/account/profile");
  const form_token = tokenOf(stale);
  await deployment.sql("update sessions set auth_time = auth_time - interval '11 minutes' where user_id = $1", [
    human.id,
  ]);
  for (const [path, fields] of [
    ["/account/profile", { do: "email", email: "new@acme.example" }],
    ["/account/passkeys", { display_name: "Mine", response: "{}" }],
    ["/account/totp", { do: "begin" }],
    ["/account/recovery-codes", {}],
    ["/account/export", {}],
    ["/account/api-tokens", { display_name: "Mine", scopes: "users:read", days: "7" }],
  ] as const) {
    const page = await stale.post(path, { form_token, ...fields });
    assert.equal(new URL(page.url).pathname, "/sign-in", path);
    assert.equal(new URL(page.url).searchParams.get("next"), path);
  }
  assert.deepEqual(await deployment.sql("select 1 from recovery_codes where user_id = $1", [human.id]), []);
  assert.deepEqual(await deployment.sql("select 1 from totp_devices where user_id = $1", [human.id]), []);
});

test("security.md 4: the current password is guessed as often as at the door, and no oftener", async () => {
  const human = await newHuman(acme);
  const guessing = await signIn(deployment, human);
  await guessing.get("/account/password");
  const statuses: number[] = [];
  for (let guess = 0; guess < 12; guess += 1) {
    const page = await guessing.post("/account/password", {
      form_token: tokenOf(guessing),
      current: `guess ${guess}`,
      password: "tapir moon kettle ladder",
    });
    statuses.push(page.status);
  }
  assert.ok(statuses.includes(429), statuses.join());
});

test("security.md 5: changing the password gives this session a new secret, and ends every other at every process", async () => {
  const human = await newHuman(acme);
  const here = await signIn(deployment, human);
  const there = await signIn(deployment, human, 1);
  const old = here.cookies.get("__Host-countersign");
  await here.get("/account/password");
  const page = await here.submit({ current: human.password, password: "tapir moon kettle ladder" });
  assert.match(page.text, /is changed/);
  assert.notEqual(here.cookies.get("__Host-countersign"), old);
  assert.equal(new URL((await there.get("/account")).url).pathname, "/sign-in");
  const replayed = openBrowser(deployment.issuer);
  replayed.cookies.set("__Host-countersign", old ?? "");
  assert.equal(new URL((await replayed.get("/account")).url).pathname, "/sign-in", "the old secret opens nothing");
});

test("a new address: the answer is the same whether it is somebody's, and the link does not take it from them", async () => {
  const holder = await newHuman(acme);
  const human = await newHuman(acme);
  const asking = await signIn(deployment, human);
  const free = `${randomUUID()}@acme.example`;
  const answers: string[] = [];
  for (const email of [free, holder.email]) {
    await asking.get("/account/profile");
    const page = await asking.post("/account/profile", { form_token: tokenOf(asking), do: "email", email });
    answers.push(page.text.replaceAll(/nonce="[^"]*"/g, ""));
  }
  assert.equal(answers[0], answers[1]);
  const link = (await mailedLink(deployment, holder.email)).replace(deployment.issuer, "");
  await asking.get(link);
  assert.match((await asking.submit({}, "/account/email")).text, /does not work any more/);
  const emails = await deployment.sql<{ email: string }>("select email from users where id = any($1)", [
    [holder.id, human.id],
  ]);
  assert.deepEqual(emails.map((one) => one.email).toSorted(), [holder.email, human.email].toSorted());
});

test("invariant 3: the link to a new address is used once, by one of many that use it at once", async () => {
  const human = await newHuman(acme);
  const asking = await signIn(deployment, human);
  await asking.get("/account/profile");
  const email = `${randomUUID()}@acme.example`;
  await asking.post("/account/profile", { form_token: tokenOf(asking), do: "email", email });
  const link = new URL(await mailedLink(deployment, email));
  const browsers = await Promise.all(
    [0, 1, 0, 1, 0].map(async (on) => {
      const one = await signIn(deployment, human, on);
      await one.get(link.pathname + link.search);
      return one;
    }),
  );
  const used = await Promise.all(browsers.map((one) => one.submit({}, "/account/email")));
  assert.equal(used.filter((page) => page.text.includes("is changed")).length, 1);
});

test("the link to a new address is for the account that asked: others are led to sign in, and a reader who is signed in gives it nothing", async () => {
  const [human, reader] = [await newHuman(acme), await newHuman(acme)];
  const asking = await signIn(deployment, human);
  await asking.get("/account/profile");
  const email = `${randomUUID()}@acme.example`;
  await asking.post("/account/profile", { form_token: tokenOf(asking), do: "email", email });
  const link = (await mailedLink(deployment, email)).replace(deployment.issuer, "");
  const theirs = await signIn(deployment, reader);
  const page = await theirs.get(link);
  assert.equal(page.status, 403);
  assert.match(page.text, /for another account/);
  await theirs.get("/account/profile");
  const form = { form_token: tokenOf(theirs), link: new URL(link, deployment.issuer).searchParams.get("link") ?? "" };
  assert.equal((await theirs.post("/account/email", form)).status, 403);
  // In another browser of one's own: sign in first, and on with it.
  const phone = openBrowser(deployment.issuer);
  assert.match((await phone.get(link)).url, /\/sign-in\?/);
  await phone.submit({ email: human.email });
  const shown = await phone.submit({ password: human.password });
  assert.match(shown.text, new RegExp(email));
  assert.match((await phone.submit({}, "/account/email")).text, /is changed/);
});

test("invariant 7: an application that was disconnected has nothing any more, at any process", async () => {
  const human = await kit.human(acme);
  const app = await kit.application({ grant_types: ["authorization_code", "refresh_token"] }, acme);
  const tokens = await kit.tokens(app, human);
  assert.equal(await deployment.isActive(tokens.access_token, 1), true);
  const own = openBrowser(deployment.issuer);
  own.cookies.set("__Host-countersign", human.cookie.split("=")[1] ?? "");
  const page = await own.get("/account/applications");
  assert.match(page.text, /Disconnect/);
  await own.submit({ client: app.client_id, bound: acme.id });
  assert.match(own.page().text, /is disconnected/);
  for (const on of [0, 1]) assert.equal(await deployment.isActive(tokens.access_token, on), false);
  assert.equal((await kit.refresh(app, tokens.refresh_token)).status, 400);
});

test("who can give roles as the last one in a tenant can neither leave it nor delete the account; nothing is half done", async () => {
  const lonely = await deployment.tenant("Lonely");
  const human = await newHuman(acme);
  await member(lonely, human);
  await lonely.does("/v1/role-assignments", { parent: lonely.ref, principal: human.ref, role: "owner" });
  const last = await signIn(deployment, human);
  await last.get("/account/tenants");
  const stays = await last.submit({ leave: lonely.id });
  assert.equal(stays.status, 422);
  assert.match(stays.text, /last one there/);
  await last.get("/account/delete");
  const kept = await last.submit({ password: human.password });
  assert.equal(kept.status, 422);
  assert.match(kept.text, /last one who can give roles/);
  assert.equal((await last.get("/account")).status, 200, "the session was not ended on the way");
  const [left] = await deployment.sql<{ n: string }>("select count(*) as n from memberships where user_id = $1", [
    human.id,
  ]);
  assert.equal(Number(left?.n), 2);

  const second = await lonely.user("owner");
  assert.ok(second.id);
  await last.get("/account/tenants");
  assert.match((await last.submit({ leave: lonely.id })).text, /You have left/);
});

test("invariant 7: a deleted account's sessions, tokens and memberships are over everywhere; what it is called is gone", async () => {
  const elsewhere = await deployment.tenant("Elsewhere");
  await elsewhere.user("owner");
  const human = await newHuman(acme, { role: "admin" });
  await member(elsewhere, human);
  await elsewhere.does("/v1/role-assignments", { parent: elsewhere.ref, principal: human.ref, role: "admin" });
  const leaving = await signIn(deployment, human);
  await leaving.get("/account/api-tokens");
  const tokens: string[] = [];
  for (const at of [acme.id, elsewhere.id]) {
    const page = await leaving.post("/account/api-tokens", {
      form_token: tokenOf(leaving),
      at,
      display_name: "Mine",
      scopes: "users:read",
      days: "7",
    });
    tokens.push(/cs_api_[\w-]+/.exec(page.text)?.[0] ?? assert.fail(page.text.slice(0, 3_000)));
    await leaving.get("/account/api-tokens");
  }
  for (const token of tokens) for (const on of [0, 1]) assert.equal(await deployment.isActive(token, on), true);
  await leaving.get("/account/delete");
  assert.match((await leaving.submit({ password: human.password })).text, /is deleted/);
  for (const token of tokens) for (const on of [0, 1]) assert.equal(await deployment.isActive(token, on), false);
  assert.equal(new URL((await leaving.get("/account")).url).pathname, "/sign-in");
  for (const table of ["memberships", "passwords", "passkeys", "totp_devices", "mail_links", "login_directory"])
    assert.deepEqual(await deployment.sql(`select 1 from ${table} where user_id = $1`, [human.id]), [], table);
  assert.deepEqual(await deployment.sql("select 1 from role_assignments where principal_id = $1", [human.id]), []);
  const [row] = await deployment.sql<{ row: string }>("select u::text as row from users u where id = $1", [human.id]);
  assert.ok(!row?.row.includes(human.email) && !row?.row.includes("Ada"));
});

test("the export holds what is kept about its human, and nothing that proves them", async () => {
  await browser.get("/account/recovery-codes");
  const shown = await browser.submit({}, "/account/recovery-codes");
  const codes = [...shown.text.matchAll(/<li>([0-9a-z-]{19})<\/li>/g)].map(([, code = ""]) => code);
  assert.equal(codes.length, 10);
  await browser.get("/account/export");
  const file = await browser.submit({}, "/account/export");
  assert.equal(file.headers["content-disposition"], 'attachment; filename="account.json"');
  const exported = file.json<Record<string, { email?: string; length?: number }>>();
  assert.equal(exported["user"]?.email, ada.email);
  assert.ok((exported["sessions"]?.length ?? 0) > 0 && (exported["security_log"]?.length ?? 0) > 0);
  for (const secret of [ada.password, "$argon2", browser.cookies.get("__Host-countersign") ?? "?", ...codes])
    assert.ok(!file.text.includes(secret), "a secret is in the export");
});
