// security.md 5 and 6, on every page of the route table: what each answer forbids, and that no form is taken which the browser was not shown.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { routeTable } from "../../server/route-table.ts";
import { loadModel } from "../../server/startup/access-model.ts";
import { startDeployment } from "../oauth/deployment.ts";
import { grantsKit } from "../oauth/grants-kit.ts";
import { type Answer, formOf, send } from "../oauth/http.ts";
import { openBrowser } from "../support/browser.ts";
import { newHuman, signIn } from "../support/human.ts";

const deployment = await startDeployment();
after(deployment.close);
const { issuer } = deployment;
const { model } = loadModel("");
// The table is data; nothing of what its handlers need is touched by reading it.
const routes = routeTable({ issuer, model } as never, { model } as never, { issuer } as never);
const pages = routes.filter(
  (route) => route.kind === "page" || (route.kind === "web" && /(authorize|logout)$/.test(route.path)),
);
const isAsset = (path: string): boolean => path.startsWith("/assets/") || path.startsWith("/branding/");
const paths = (method: "GET" | "POST"): readonly string[] =>
  pages.filter((route) => route.method === method && !isAsset(route.path)).map(({ path }) => path);

const acme = await deployment.tenant();
const ada = await newHuman(acme, { role: "owner" });
const browser = await signIn(deployment, ada);
const cookieOf = (from: { readonly cookies: ReadonlyMap<string, string> }): string =>
  Array.from(from.cookies, ([name, value]) => `${name}=${value}`).join("; ");

const cookieForm =
  /^__Host-countersign[\w-]*=[\w.-]*; Path=\/; Secure; HttpOnly; SameSite=(Lax|Strict)(; Max-Age=\d+)?$/;

/** Whatever the answer is: a page, a redirect, an error. */
const holds = (answer: Answer, what: string): void => {
  const { headers, text } = answer;
  assert.ok(answer.status < 500, `${what}: ${answer.status} ${text.slice(0, 300)}`);
  assert.equal(headers["cache-control"], "no-store", what);
  assert.equal(headers["referrer-policy"], "no-referrer", what);
  for (const cookie of headers["set-cookie"] ?? []) assert.match(cookie, cookieForm, what);
  assert.equal(headers["access-control-allow-origin"], undefined, what);
  if (!String(headers["content-type"]).startsWith("text/html")) return;
  const policy = new Map(
    String(headers["content-security-policy"])
      .split("; ")
      .map((one) => [one.split(" ")[0] ?? "", one.split(" ").slice(1)] as const),
  );
  assert.deepEqual(policy.get("frame-ancestors"), ["'none'"], what);
  assert.deepEqual(policy.get("default-src"), ["'none'"], what);
  assert.deepEqual(policy.get("base-uri"), ["'none'"], what);
  assert.equal(policy.get("form-action")?.[0], "'self'", what);
  const sources = [...(policy.get("script-src") ?? []), ...(policy.get("style-src") ?? [])];
  for (const source of sources) assert.match(source, /^('none'|'self'|'nonce-[\w-]{24,}')$/, what);
  assert.ok(!policy.get("script-src")?.includes("'self'"), `${what}: a script runs by its nonce alone`);
  assert.equal(headers["x-content-type-options"], "nosniff", what);
  assert.equal(headers["x-frame-options"], "DENY", what);
  const nonce = /'nonce-([^']+)'/.exec(String(headers["content-security-policy"]))?.[1];
  for (const [tag] of text.matchAll(/<(?:script|style)\b[^>]*>/gi))
    assert.ok(tag.includes(`nonce="${nonce}"`), `${what}: ${tag}`);
  assert.doesNotMatch(text, /<[a-z][^>]*\s(on\w+|style)=/i, what);
};

test("the table has every page there is", () => {
  assert.ok(paths("GET").length >= 30 && paths("POST").length >= 20, `${paths("GET").join()} ${paths("POST").join()}`);
});

test("security.md 6: every page, signed in and not, with rubbish in its query and without, forbids framing, foreign code, keeping and referring", async () => {
  const nonces = new Set<string>();
  const queries = [
    "",
    `?request=${randomUUID()}&tenant=x&next=//evil.example&link=x&user_code=x&done=<b>`,
    "?tenant=a&tenant=b&link=a&link=b",
  ];
  for (const path of paths("GET"))
    for (const query of queries)
      for (const cookie of ["", cookieOf(browser), "__Host-countersign=x; __Host-countersign=y"]) {
        const answer = await deployment.send(path + query, { headers: cookie === "" ? {} : { cookie } });
        holds(answer, `${path}${query} as ${cookie.slice(0, 30)}`);
        const nonce = /'nonce-([^']+)'/.exec(String(answer.headers["content-security-policy"]))?.[1];
        if (nonce !== undefined) assert.ok(!nonces.has(nonce), "a nonce comes once");
        if (nonce !== undefined) nonces.add(nonce);
      }
  assert.ok(nonces.size > 100, `${nonces.size}`);
});

const watched = [
  "users",
  "passwords",
  // One is begun by looking at the page, and is nothing until it is confirmed.
  "(select * from totp_devices where confirm_time is not null)",
  "recovery_codes",
  "passkeys",
  "mail_links",
  "api_tokens",
  "token_families",
  "consents",
  "memberships",
  "invitations",
  "role_assignments",
  "device_authorizations",
  "setup_links",
  "audit_entries",
] as const;

/** All that a form could change, as one text. */
const standing = async (): Promise<string> => {
  const parts: string[] = [];
  for (const table of watched)
    parts.push(
      JSON.stringify(
        await deployment.sql(
          `select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as all from ${table} t`,
        ),
      ),
    );
  parts.push(
    JSON.stringify(await deployment.sql("select id, secret_hash, state, acr, end_time from sessions order by id")),
  );
  return parts.join();
};

/** Something for every field there is: the form would do what it is for, were it taken. */
const everything = {
  email: ada.email,
  password: ada.password,
  new_password: "a brand new password 7",
  current_password: ada.password,
  display_name: "Mallory",
  code: "123456",
  decision: "approve",
  action: "delete",
  confirm: ada.email,
  scopes: "*",
  id: randomUUID(),
  user_code: "BCDFGHJK",
  setup: deployment.servers[0]?.bootstrap.setup_url.split("#")[1] ?? "",
};

test("security.md 5: every form of every page is refused without its token, with another browser's, and with one of another session", async () => {
  const stranger = openBrowser(issuer);
  await stranger.get("/sign-in");
  const bob = await signIn(deployment, await newHuman(acme));
  await bob.get("/account/profile");
  await browser.get("/account/profile");
  const tokenOf = (from: typeof browser): string =>
    from.forms().find(({ fields }) => fields["form_token"])?.fields["form_token"] ?? "";
  const tokens = { none: "", strangers: tokenOf(stranger), "another session's": tokenOf(bob) };
  assert.ok(tokens.strangers !== "" && tokens["another session's"] !== "");
  const before = await standing();
  for (const path of paths("POST").filter((one) => !one.startsWith("/oauth/")))
    for (const [what, form_token] of Object.entries(tokens))
      for (const cookie of ["", cookieOf(browser)]) {
        const sent = formOf({ ...everything, ...(form_token === "" ? {} : { form_token }) });
        const answer = await send(deployment.base() + path, {
          ...sent,
          headers: { ...sent.headers, ...(cookie === "" ? {} : { cookie }) },
        });
        holds(answer, `${path} with the token of ${what}`);
        // The page again, saying so; where its GET leads anyway; or what is wrong with the link.
        assert.ok(
          answer.status === 303 || (answer.status >= 400 && answer.status < 500),
          `${path} with the token of ${what}: ${answer.status}`,
        );
        assert.ok(!(answer.headers["set-cookie"] ?? []).some((one) => one.startsWith("__Host-countersign=")), path);
      }
  assert.equal(await standing(), before, "nothing was changed");
  const own = await send(deployment.base() + "/account/profile", {
    ...formOf({ ...everything, form_token: tokenOf(browser) }),
    headers: { "content-type": "application/x-www-form-urlencoded", cookie: cookieOf(browser) },
  });
  assert.equal(own.status, 303, own.text.slice(0, 500));
  assert.notEqual(
    await standing(),
    before,
    "with its own token a form is taken, so the refusals above are about the token",
  );
});

test("security.md 6: no page is taken as a form of another type, which a page of another site could send without asking", async () => {
  for (const path of paths("POST").filter((one) => !one.startsWith("/oauth/")))
    for (const type of ["text/plain", "application/json", "multipart/form-data; boundary=x"]) {
      const answer = await deployment.send(path, {
        method: "POST",
        headers: { "content-type": type, cookie: cookieOf(browser) },
        body: "email=x",
      });
      assert.ok(
        answer.status === 303 || (answer.status >= 400 && answer.status < 500),
        `${path} ${type}: ${answer.status}`,
      );
    }
});

test("security.md 6: an answer by form_post, and our own error pages, are held to the same", async () => {
  const kit = grantsKit(deployment);
  const app = await kit.application();
  const human = await kit.human(acme);
  const posted = await kit.authorize(app, { response_mode: "form_post", state: '"><script>alert(1)</script>' }, human);
  assert.equal(posted.status, 200);
  assert.doesNotMatch(posted.text, /<script>alert/);
  assert.match(String(posted.headers["content-security-policy"]), /frame-ancestors 'none'/);
  assert.equal(posted.headers["referrer-policy"], "no-referrer");
  assert.equal(posted.headers["cache-control"], "no-store");
  for (const query of [
    "",
    "?client_id=<script>alert(1)</script>",
    `?client_id=${app.client_id}&redirect_uri=javascript:alert(1)`,
  ]) {
    const answer = await deployment.send(`/oauth/authorize${query}`);
    assert.equal(answer.status, 400);
    holds(answer, query);
    assert.doesNotMatch(answer.text, /<script>alert/);
  }
});
