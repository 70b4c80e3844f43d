// security.md test 2: what may be used once, used 50 times at once over two processes on one database. Exactly one of them succeeds.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { password, person, policy, totp } from "../browser/people.ts";
import { startDeployment } from "../oauth/deployment.ts";
import { athOf, proofKey, proofOf } from "../oauth/dpop-kit.ts";
import { grantsKit } from "../oauth/grants-kit.ts";
import { type Answer, formOf } from "../oauth/http.ts";
import { linkOf, openMailbox } from "../sign-in/mailbox.ts";
import { type Browser, openBrowser } from "../support/browser.ts";

// A proxy of ours stands before it, so that each of the many comes from an address of its own: what is tested is not the limits.
const mailbox = await openMailbox();
const deployment = await startDeployment({
  servers: 2,
  env: { COUNTERSIGN_TRUSTED_PROXIES: "127.0.0.1", COUNTERSIGN_SMTP_URL: mailbox.url },
});
after(async () => {
  await deployment.close();
  await mailbox.close();
});
const mailedLink = async (to: string): Promise<string> => linkOf(await mailbox.next(to));
const kit = grantsKit(deployment);
const acme = await deployment.tenant("Acme");
const parallel = 50;
type Headers = Readonly<Record<string, string>>;

const state = { address: 0 };
const from = (): Headers => {
  state.address += 1;
  return { "x-forwarded-for": `10.7.${state.address >> 8}.${state.address & 255}` };
};
const race = (use: (on: number, nth: number) => Promise<Answer>): Promise<readonly Answer[]> =>
  Promise.all(Array.from({ length: parallel }, (_, nth) => use(nth % 2, nth)));
const one = (answers: readonly Answer[], isWon: (answer: Answer) => boolean, what: string): Answer => {
  const won = answers.filter(isWon);
  assert.equal(won.length, 1, `${what}: ${won.length} of ${answers.length} succeeded`);
  for (const { status, text } of answers) assert.ok(status < 500, `${what}: ${status} ${text.slice(0, 300)}`);
  return won[0] ?? assert.fail();
};

const cookieOf = (browser: Browser): string =>
  Array.from(browser.cookies, ([name, value]) => `${name}=${value}`).join("; ");
/** The page's form, sent as often as told, to both processes. */
const postAll = (browser: Browser, path: string, fields: (nth: number) => Readonly<Record<string, string>>) => {
  const form = browser.forms().find(({ action }) => new URL(action, deployment.issuer).pathname === path);
  assert.ok(form, `${browser.page().url} has no form for ${path}: ${browser.page().text.slice(0, 1_000)}`);
  const cookie = cookieOf(browser);
  return race((on, nth) => {
    const sent = formOf({ ...form.fields, ...fields(nth) });
    return deployment.send(path, { ...sent, headers: { ...sent.headers, ...from(), cookie } }, on);
  });
};
const isSignedIn = ({ status, headers }: Answer): boolean =>
  status === 303 && (headers["set-cookie"] ?? []).some((cookie) => cookie.startsWith("__Host-countersign=cs_"));
const count = async (sql: string, values: readonly unknown[]): Promise<number> =>
  Number((await deployment.sql<{ n: string }>(`select count(*) as n from ${sql}`, values))[0]?.n);

test("the setup link: one human, one super admin", async () => {
  const setup = deployment.servers[0]?.bootstrap.setup_url.split("#")[1] ?? "";
  const browser = openBrowser(deployment.issuer);
  await browser.get("/setup");
  const answers = await postAll(browser, "/setup", (nth) => ({
    setup,
    email: `first-${nth}@host.example`,
    display_name: "First",
    password,
  }));
  one(answers, isSignedIn, "setup");
  assert.equal(await count("users where email like $1", ["first-%@host.example"]), 1);
  assert.equal(
    await count("role_assignments a join users u on u.id = a.principal_id where u.email like $1", ["first-%"]),
    1,
  );
});

test("a link to prove an address: one membership, one session", async () => {
  await policy(deployment, acme, { self_registration: "on" });
  const email = `${randomUUID()}@acme.example`;
  const browser = openBrowser(deployment.issuer);
  await browser.get(`/register?tenant=${acme.id}`);
  await browser.submit({ email, display_name: "Grace", password });
  const link = await mailedLink(email);
  await browser.get(link);
  const answers = await postAll(browser, "/verify-email", () => ({ password }));
  one(answers, isSignedIn, "verify");
  assert.equal(await count("memberships m join users u on u.id = m.user_id where u.email = $1", [email]), 1);
});

test("a link to a new password: one password, set once", async () => {
  const ada = await person(deployment, acme, `${randomUUID()}@acme.example`);
  const browser = openBrowser(deployment.issuer);
  await browser.get("/forgot-password");
  await browser.submit({ email: ada.email });
  await browser.get(await mailedLink(ada.email));
  const answers = await postAll(browser, "/reset-password", (nth) => ({ password: `a new phrase of words ${nth}` }));
  const [{ hash: stored } = { hash: "" }] = await deployment.sql<{ hash: string }>(
    "select hash from passwords where user_id = $1",
    [ada.id],
  );
  assert.ok(stored.startsWith("$argon2id$"));
  one(answers, ({ status }) => status === 303, "reset");
  assert.equal(
    await count("mail_links where user_id = $1 and use_time is null and purpose = 'reset_password'", [ada.id]),
    0,
  );
  assert.equal(
    await count("audit_entries where action = 'sign-in.reset-password' and outcome = 'done' and tenant_id = $1", [
      acme.id,
    ]),
    1,
  );
});

test("an invitation: one user, one membership, one role", async () => {
  const email = `${randomUUID()}@elsewhere.example`;
  await acme.does("/v1/invitations", { parent: acme.ref, email, role: "member" });
  const browser = openBrowser(deployment.issuer);
  await browser.get(await mailedLink(email));
  const answers = await postAll(browser, "/invitation", (nth) => ({ display_name: `Guest ${nth}`, password }));
  one(answers, isSignedIn, "invitation");
  const user = "(select id from users where email = $1)";
  assert.equal(await count("users where email = $1", [email]), 1);
  assert.equal(await count(`memberships where user_id = ${user}`, [email]), 1);
  assert.equal(await count(`role_assignments where principal_id = ${user}`, [email]), 1);
});

/** Browsers that are known to the account, each half signed in: so that no limit does for single use what the update must do. */
const halfSignedIn = async (email: string, known: readonly Browser[]): Promise<readonly Browser[]> => {
  for (const browser of known) {
    await browser.get("/sign-in?again=1", from());
    await browser.submit({ email });
    const page = await browser.submit({ password });
    assert.match(page.url, /second-factor/);
  }
  return known;
};
const postFromAll = (browsers: readonly Browser[], fields: Readonly<Record<string, string>>) =>
  race((on, nth) => {
    const browser = browsers[nth % browsers.length];
    const form = browser?.forms().find(({ action }) => action.includes("/sign-in/second-factor"));
    assert.ok(browser && form);
    const sent = formOf({ ...form.fields, ...fields });
    return deployment.send(
      "/sign-in/second-factor",
      { ...sent, headers: { ...sent.headers, ...from(), cookie: cookieOf(browser) } },
      on,
    );
  });

test("one TOTP step, and then one recovery code: one browser gets in", async () => {
  const globex = await deployment.tenant("Globex");
  const ada = await person(deployment, globex, `${randomUUID()}@globex.example`);
  const browsers = Array.from({ length: 20 }, (_, nth) => openBrowser(deployment.issuer, deployment.base(nth % 2)));
  for (const browser of browsers) {
    await browser.get("/sign-in");
    await browser.submit({ email: ada.email });
    assert.match((await browser.submit({ password })).url, /account/);
  }
  await policy(deployment, globex, { mfa: "required" });
  const enrolling = openBrowser(deployment.issuer);
  await enrolling.get("/sign-in");
  await enrolling.submit({ email: ada.email });
  const page = await enrolling.submit({ password });
  const seed = /<code>([A-Z2-7 ]+)<\/code>/.exec(page.text)?.[1] ?? "";
  const codes = await enrolling.submit({ code: totp(seed) });
  const recovery = /<li>([A-Z0-9-]{8,})<\/li>/i.exec(codes.text)?.[1] ?? assert.fail(codes.text);

  const [forTotp, forRecovery] = [browsers.slice(0, 10), browsers.slice(10)];
  await halfSignedIn(ada.email, browsers);
  const code = totp(seed, 1);
  const answers = await postFromAll(forTotp, { code });
  one(answers, isSignedIn, "one TOTP step");
  one(await postFromAll(forRecovery, { code: recovery, with: "recovery_code" }), isSignedIn, "one recovery code");

  // Whoever got in has every attempt again; the step lies behind all the same.
  const winner = forTotp[answers.findIndex(isSignedIn) % forTotp.length];
  assert.ok(winner);
  await halfSignedIn(ada.email, [winner]);
  const late = await winner.submit({ code });
  assert.match(late.url, /second-factor/, "the step only rises");
});

test("a code, a pushed request, a device code: one set of tokens each", async () => {
  const ada = await kit.human(acme, { role: "owner" });
  const app = await kit.application();
  const code = await kit.code(app, ada);
  one(await race((on) => kit.redeem(app, code, {}, from(), on)), ({ status }) => status === 200, "a code");

  const pushed = (await kit.push(app)).json<{ request_uri: string }>();
  const visits = await race((on) => kit.visit(app, pushed.request_uri, ada, on));
  one(visits, ({ headers }) => new URL(headers.location ?? "x:").searchParams.has("code"), "a pushed request");

  const grant_type = "urn:ietf:params:oauth:grant-type:device_code";
  const television = await kit.application({
    grant_types: [grant_type],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: "none",
  });
  const begun = await deployment.form("/oauth/device_authorization", {
    client_id: television.client_id,
    scope: "openid",
  });
  const { device_code = "", user_code = "" } = begun.json<Record<string, string>>();
  const browser = openBrowser(deployment.issuer);
  const [name = "", value = ""] = ada.cookie.split("=");
  browser.cookies.set(name, value);
  await browser.get(`/device?user_code=${user_code}`);
  await browser.submit({ decision: "approve" }, "/device");
  const polls = await race((on) =>
    deployment.form("/oauth/token", { grant_type, client_id: television.client_id, device_code }, from(), on),
  );
  one(polls, ({ status }) => status === 200, "a device code");
});

test("the jti of a client assertion, and of a DPoP proof, at the token endpoint and at a resource", async () => {
  const ada = await kit.human(acme, { role: "owner" });
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const app = await kit.application({
    token_endpoint_auth_method: "private_key_jwt",
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" }] },
  });
  const claims = { iss: app.client_id, sub: app.client_id, aud: deployment.issuer, jti: randomUUID() };
  const assertion = await new SignJWT(claims)
    .setProtectedHeader({ alg: "ES256", kid: "one" })
    .setIssuedAt()
    .setExpirationTime("60s")
    .sign(privateKey);
  const proving = {
    client_assertion: assertion,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
  };
  const pushes = await race((on) => deployment.form("/oauth/par", { ...requestOf(app), ...proving }, from(), on));
  one(pushes, ({ status }) => status === 201, "an assertion");

  const bound = await kit.application({ token_endpoint_auth_method: "none", dpop_bound_access_tokens: true });
  const key = proofKey();
  const first = await kit.token(bound, { grant_type: "refresh_token", refresh_token: "x" }, kit.proof(key));
  const nonce = String(first.headers["dpop-nonce"]);
  const codes = await Promise.all(Array.from({ length: parallel }, () => kit.code(bound, ada)));
  const proof = kit.proof(key, "/oauth/token", { nonce });
  const answers = await race((on, nth) =>
    kit.redeem(bound, codes[nth] ?? assert.fail(), {}, { ...proof, ...from() }, on),
  );
  const { access_token } = one(answers, ({ status }) => status === 200, "a proof at the token endpoint").json<{
    access_token: string;
  }>();

  const use = proofOf(key, "GET", `${deployment.issuer}/oauth/userinfo`, {
    claims: { nonce, ath: athOf(access_token) },
  });
  const headers = { authorization: `DPoP ${access_token}`, dpop: use };
  one(
    await race((on) => deployment.send("/oauth/userinfo", { headers }, on)),
    ({ status }) => status === 200,
    "a proof at a resource",
  );
});

const requestOf = (app: { readonly client_id: string; readonly redirect_uris: readonly string[] }) => ({
  client_id: app.client_id,
  response_type: "code",
  redirect_uri: app.redirect_uris[0] ?? "",
  scope: "openid",
  code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
  code_challenge_method: "S256",
});
