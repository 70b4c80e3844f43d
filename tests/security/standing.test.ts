// The seams between people, tenants, applications and sessions: what was given under one standing is worth nothing once that has ended, at
// either process, whichever of the many things it was (invariants 2 and 7; security.md 5).
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { sessionCookie } from "../../server/sessions/model.ts";
import { startDeployment, type Tenant } from "../oauth/deployment.ts";
import type { App, Human } from "../oauth/authorize-kit.ts";
import { grantsKit, publicClient, refused, type Tokens } from "../oauth/grants-kit.ts";
import { bearer } from "../oauth/http.ts";
import { linkOf, openMailbox } from "../sign-in/mailbox.ts";
import { openBrowser } from "../support/browser.ts";

const mailbox = await openMailbox();
const deployment = await startDeployment({ servers: 2, env: { COUNTERSIGN_SMTP_URL: mailbox.url } });
after(async () => {
  await deployment.close();
  await mailbox.close();
});
const kit = grantsKit(deployment);

type Given = {
  readonly tenant: Tenant;
  readonly app: App;
  readonly human: Human;
  readonly tokens: Tokens;
  readonly offline: Tokens;
  readonly code: Awaited<ReturnType<typeof kit.code>>;
  readonly handle: string;
};
/** Everything a human and an application may have of each other, used once at each process so that nothing is unknown to its cache. */
const give = async (metadata: object = {}): Promise<Given> => {
  const tenant = await deployment.tenant();
  const human = await kit.human(tenant, { role: "owner" });
  const app = await kit.application({ ...metadata }, tenant);
  const given: Given = {
    tenant,
    app,
    human,
    tokens: await kit.tokens(app, human, { scope: "openid accounts:read" }),
    offline: await kit.tokens(app, human, { scope: "openid offline_access accounts:read" }),
    code: await kit.code(app, human),
    handle: (await kit.push(app)).json<{ request_uri: string }>().request_uri,
  };
  for (const on of [0, 1])
    for (const { access_token } of [given.tokens, given.offline]) {
      assert.equal((await deployment.get("/v1/accounts", access_token, on)).status, 200);
      assert.equal(await deployment.isActive(access_token, on), true);
    }
  return given;
};

type Over = { readonly session: boolean; readonly offline: boolean; readonly client?: true };
const isOver = async ({ app, human, tokens, offline, code, handle }: Given, over: Over): Promise<void> => {
  for (const on of [0, 1]) {
    for (const [each, ends] of [
      [tokens, true],
      [offline, over.offline],
    ] as const) {
      const status = ends ? 401 : 200;
      assert.equal((await deployment.get("/v1/accounts", each.access_token, on)).status, status, "the API");
      assert.equal((await deployment.get("/oauth/userinfo", each.access_token, on)).status, status, "userinfo");
      assert.equal(await deployment.isActive(each.access_token, on), !ends, "introspection");
    }
    const cookie = { cookie: human.cookie };
    assert.equal(
      (await deployment.send("/account", { headers: cookie }, on)).status,
      over.session ? 303 : 200,
      "the account",
    );
    const visit = await kit.visit(app, handle, human, on);
    assert.ok(!(visit.headers.location ?? "").includes("code="), `a pushed request: ${visit.headers.location}`);
  }
  const [error, status] = over.client === true ? (["invalid_client", 401] as const) : (["invalid_grant", 400] as const);
  refused(await kit.redeem(app, code, {}, {}, 1), error, status);
  refused(await kit.refresh(app, tokens.refresh_token, {}, {}, 1), error, status);
  if (over.offline) refused(await kit.refresh(app, offline.refresh_token, {}, {}, 1), error, status);
};

const ends: Readonly<Record<string, { readonly end: (given: Given) => Promise<unknown>; readonly over: Over }>> = {
  "the human is suspended": {
    end: ({ tenant, human }) => tenant.does(`/v1/users/${human.id}:suspend`),
    over: { session: true, offline: true },
  },
  "the human is signed out everywhere": {
    end: ({ tenant, human }) => tenant.does(`/v1/users/${human.id}:signOut`),
    over: { session: true, offline: true },
  },
  "the session is revoked": {
    end: ({ tenant, human }) => tenant.does(`/v1/sessions/${human.session}:revoke`),
    over: { session: true, offline: false },
  },
  "the tenant is suspended": {
    end: ({ tenant }) => tenant.does(`/v1/organizations/${tenant.id}:suspend`),
    over: { session: true, offline: true, client: true },
  },
  "the application is disabled": {
    end: ({ tenant, app }) => tenant.does(`/v1/applications/${app.id}:disable`),
    over: { session: false, offline: true, client: true },
  },
  "the application is deleted": {
    end: async ({ tenant, app }) => {
      const answer = await deployment.send(`/v1/applications/${app.id}`, {
        method: "DELETE",
        headers: { ...bearer(deployment.host), "countersign-tenant": tenant.ref },
      });
      assert.equal(answer.status, 200, answer.text);
    },
    over: { session: false, offline: true, client: true },
  },
};

for (const [what, { end, over }] of Object.entries(ends))
  test(`invariant 7: ${what}: token, refresh token, code, pushed request and cookie are worth nothing at either process`, async () => {
    const given = await give();
    await end(given);
    await isOver(given, over);
  });

test("invariant 7: a membership that ends between authorize and token ends the code, the tokens, and the choice of that tenant", async () => {
  const [home, other] = [await deployment.tenant("Home"), await deployment.tenant("Other")];
  const ada = await kit.human(home);
  await kit.member(other, ada);
  const app = await kit.application();
  const fields = { tenant: other.ref, scope: "openid offline_access" };
  const [code, tokens] = [await kit.code(app, ada, fields), await kit.tokens(app, ada, fields)];
  const own = await kit.tokens(app, ada, { tenant: home.ref });
  const [membership] = await deployment.sql<{ id: string }>(
    "select id from memberships where tenant_id = $1 and user_id = $2",
    [other.id, ada.id],
  );
  const answer = await deployment.send(`/v1/memberships/${membership?.id}`, {
    method: "DELETE",
    headers: { ...bearer(deployment.host), "countersign-tenant": other.ref },
  });
  assert.equal(answer.status, 200, answer.text);
  refused(await kit.redeem(app, code, {}, {}, 1), "invalid_grant");
  refused(await kit.refresh(app, tokens.refresh_token, {}, {}, 1), "invalid_grant");
  for (const on of [0, 1]) {
    assert.equal(await deployment.isActive(tokens.access_token, on), false);
    assert.equal(await deployment.isActive(own.access_token, on), true, "the other tenant is another matter");
  }
  assert.equal(kit.answerOf(await kit.authorize(app, fields, ada))["error"], "access_denied");
});

test("invariant 2: an application of one tenant signs nobody in to another, by parameter, by picker, or by a code of its own", async () => {
  const [acme, globex] = [await deployment.tenant("Acme"), await deployment.tenant("Globex")];
  const eve = await kit.human(globex, { role: "owner" });
  const app = await kit.application({}, acme);
  for (const fields of [{ tenant: globex.ref }, { tenant: globex.id }, {}]) {
    const answer = await kit.authorize(app, fields, eve);
    assert.ok(!(answer.headers.location ?? "").includes("code="), String(answer.headers.location));
  }
  // Her session, and the form of the picker, with a tenant she does not belong to.
  const host = await kit.application();
  const both = await kit.human(acme);
  await kit.member(globex, both);
  const { path, handle } = kit.pageOf(await kit.authorize(host, {}, both));
  assert.equal(path, "/tenants");
  const stolen = await deployment.send(`/tenants?request=${handle}`, { headers: { cookie: eve.cookie } });
  const form_token = /name="form_token" value="([^"]+)"/.exec(stolen.text)?.[1] ?? "";
  const chosen = await deployment.form(
    "/tenants",
    { request: handle, tenant: acme.id, choice: acme.id, for_tenant: acme.id, form_token },
    { cookie: eve.cookie },
  );
  assert.ok(chosen.status >= 400 || !(chosen.headers.location ?? "").includes("code="));
  const [row] = await deployment.sql<{ bound_tenant_id: string | null }>(
    "select bound_tenant_id from authorization_requests order by create_time desc limit 1",
  );
  assert.equal(row?.bound_tenant_id ?? null, null, "nothing was chosen for her");
});

test("client confusion: code, refresh token, pushed request and registration of one client are nothing in another's hands, and stay good in their own", async () => {
  const tenant = await deployment.tenant();
  const ada = await kit.human(tenant);
  const [app, other, spa] = [
    await kit.application({}, tenant),
    await kit.application({}, tenant),
    await kit.application(publicClient, tenant),
  ];
  const [code, tokens] = [await kit.code(app, ada), await kit.tokens(app, ada)];
  const handle = (await kit.push(app)).json<{ request_uri: string }>().request_uri;
  for (const thief of [other, spa]) {
    refused(await kit.redeem(thief, code), "invalid_grant");
    refused(await kit.refresh(thief, tokens.refresh_token), "invalid_grant");
    const visit = await kit.visit(thief, handle, ada);
    assert.equal(visit.status, 400, String(visit.headers.location));
    assert.equal((await kit.introspect(other, tokens.access_token)).text, '{"active":false}');
    await kit.revoke(thief, tokens.refresh_token);
  }
  assert.equal((await kit.redeem(app, code)).status, 200);
  assert.equal((await kit.refresh(app, tokens.refresh_token)).status, 200);
  assert.ok((await kit.visit(app, handle, ada)).headers.location?.includes("code="));
});

test("security.md 7: nothing else is a bearer token: cookie, form token, handles, device and user codes, registration token, logout hint", async () => {
  const tenant = await deployment.tenant();
  await deployment.sql("insert into sign_in_policies values ($1, $2, 1, now(), now())", [
    tenant.id,
    JSON.stringify({ dynamic_registration: "on" }),
  ]);
  const ada = await kit.human(tenant, { role: "owner" });
  const app = await kit.application({}, tenant);
  const tokens = await kit.tokens(app, ada);
  const registered = await deployment.send(`/oauth/register?tenant=${tenant.ref}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ redirect_uris: ["https://app.example/cb"] }),
  });
  const device = await kit.application({
    grant_types: ["urn:ietf:params:oauth:grant-type:device_code"],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: "none",
  });
  const begun = (await deployment.form("/oauth/device_authorization", { client_id: device.client_id })).json<
    Record<string, string>
  >();
  const page = await deployment.send("/account/profile", { headers: { cookie: ada.cookie } });
  const others: Readonly<Record<string, string>> = {
    cookie: ada.cookie.split("=")[1] ?? "",
    form: /name="form_token" value="([^"]+)"/.exec(page.text)?.[1] ?? "",
    pushed: (await kit.push(app)).json<{ request_uri: string }>().request_uri.split(":").at(-1) ?? "",
    page: kit.pageOf(await kit.authorize(app)).handle,
    device: begun["device_code"] ?? "",
    user: begun["user_code"] ?? "",
    registration: String(registered.json()["registration_access_token"]),
    code: (await kit.code(app, ada)).code,
    refresh: tokens.refresh_token,
    id: tokens.id_token,
    secret: app.client_secret,
    session: ada.session,
  };
  for (const [kind, text] of Object.entries(others)) {
    assert.ok(text.length >= 8, kind);
    for (const path of ["/v1/accounts", "/oauth/userinfo"])
      assert.equal((await deployment.get(path, text)).status, 401, `${kind} at ${path}`);
    assert.equal(await deployment.introspect(text), '{"active":false}', kind);
    const asCookie = await deployment.send("/account", { headers: { cookie: `${sessionCookie}=${text}` } });
    assert.equal(asCookie.status, kind === "cookie" ? 200 : 303, `${kind} as a cookie`);
    if (kind !== "refresh") refused(await kit.refresh(app, text), "invalid_grant");
    const link = await deployment.send(`/reset-password?link=${encodeURIComponent(text)}`);
    assert.ok(link.status >= 400, `${kind} as a mail's link`);
    const read = await deployment.send(`/oauth/register?client_id=${String(registered.json()["client_id"])}`, {
      headers: bearer(text),
    });
    assert.equal(read.status, kind === "registration" ? 200 : 401, `${kind} as a registration token`);
  }
  // An access token is no hint: it neither names a human to sign in nor ends a session without asking.
  const hinted = await kit.authorize(app, { id_token_hint: tokens.access_token }, ada);
  assert.ok(!(hinted.headers.location ?? "").includes("code="), String(hinted.headers.location));
  const out = await deployment.send(`/oauth/logout?id_token_hint=${tokens.access_token}`, {
    headers: { cookie: ada.cookie },
  });
  assert.equal(
    (await deployment.send("/account", { headers: { cookie: ada.cookie } })).status,
    200,
    `${out.status}: still signed in`,
  );
});

test("invariant 8: an invitation gives nothing its inviter does not hold any more: demoted, suspended, or gone", async () => {
  for (const how of ["suspended", "demoted"] as const) {
    const tenant = await deployment.tenant();
    const inviter = await kit.human(tenant, { role: "owner" });
    const app = await kit.application({ scope: "openid *" }, tenant);
    const { access_token } = await kit.tokens(app, inviter, { scope: "openid *" });
    const email = `${randomUUID()}@guest.example`;
    const made = await deployment.post("/v1/invitations", access_token, { parent: tenant.ref, email, role: "owner" });
    assert.ok(made.status < 300, made.text);
    if (how === "suspended") await tenant.does(`/v1/users/${inviter.id}:suspend`);
    else {
      const [assigned] = await deployment.sql<{ id: string }>(
        "select id from role_assignments where principal_id = $1",
        [inviter.id],
      );
      await tenant.does(`/v1/role-assignments/${assigned?.id}:revoke`);
    }
    const browser = openBrowser(deployment.issuer);
    await browser.get(linkOf(await mailbox.next(email)));
    await browser.submit({ display_name: "Guest", password: "a guest of the house" });
    const [user] = await deployment.sql<{ id: string }>("select id from users where email = $1", [email]);
    assert.ok(user, "the guest is in");
    assert.equal(
      (await deployment.sql("select 1 from role_assignments where principal_id = $1", [user.id])).length,
      0,
      how,
    );
  }
});
