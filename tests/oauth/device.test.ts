// The device flow (RFC 8628): a device that polls, a human who decides at the page, and what neither may do.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as client from "openid-client";
import { openBrowser } from "../support/browser.ts";
import { type App, authorizeKit, type Human, multiFactor } from "./authorize-kit.ts";
import { startDeployment } from "./deployment.ts";
import { proofKey, proofOf } from "./dpop-kit.ts";
import { type Answer, basic } from "./http.ts";

const grant = "urn:ietf:params:oauth:grant-type:device_code";
const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const kit = authorizeKit(deployment);
const acme = await deployment.tenant("Acme");
const television = {
  grant_types: [grant, "refresh_token"],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: "none",
};
const app = await kit.application({ ...television, first_party: false });
const ada = await kit.human(acme, { role: "owner" });

type Codes = {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
  readonly expires_in: number;
  readonly interval: number;
};

type Fields = Readonly<Record<string, string>>;
const secretOf = (of: App) => (of.client_secret === "" ? {} : basic(of.client_id, of.client_secret));
const ask = (of: App, fields: Fields = {}, headers: Fields = {}): Promise<Answer> =>
  deployment.form(
    "/oauth/device_authorization",
    { client_id: of.client_id, ...fields },
    { ...secretOf(of), ...headers },
  );
const begin = async (of: App = app, fields: Fields = {}): Promise<Codes> => {
  const answer = await ask(of, { scope: "openid accounts:read", ...fields });
  assert.equal(answer.status, 200, answer.text);
  return answer.json<Codes>();
};
const poll = (of: App, device_code: string, headers: Fields = {}, on = 0): Promise<Answer> =>
  deployment.form(
    "/oauth/token",
    { grant_type: grant, client_id: of.client_id, device_code },
    { ...secretOf(of), ...headers },
    on,
  );
const refused = (answer: Answer, error: string, status = 400): void => {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json<{ error: string }>().error, error, answer.text);
};

const browserOf = (human: Human) => {
  const browser = openBrowser(deployment.issuer);
  const [name = "", value = ""] = human.cookie.split("=");
  browser.cookies.set(name, value);
  return browser;
};
/** At the page, as a human does it: the code is typed, and the question answered. */
const decide = async (userCode: string, decision: "approve" | "deny", human = ada) => {
  const browser = browserOf(human);
  await browser.get("/device");
  await browser.submit({ user_code: userCode });
  return browser.submit({ decision }, "/device");
};

test("RFC 8628 §3.1, §3.2: a device is given its codes, and where its human goes", async () => {
  const codes = await begin();
  assert.match(codes.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  assert.equal(codes.verification_uri, `${deployment.issuer}/device`);
  assert.equal(codes.verification_uri_complete, `${deployment.issuer}/device?user_code=${codes.user_code}`);
  assert.equal(codes.interval, 5);
  assert.equal(codes.expires_in, 600);
});

test("RFC 8628 §3.5: pending until the human has decided, and then tokens for that human, once", async () => {
  const codes = await begin();
  refused(await poll(app, codes.device_code), "authorization_pending");
  const page = await decide(codes.user_code.toLowerCase().replace("-", " "), "approve");
  assert.equal(page.status, 200, page.text);
  const answer = await poll(app, codes.device_code);
  assert.equal(answer.status, 200, answer.text);
  const tokens = answer.json<{ access_token: string; refresh_token: string; id_token: string; scope: string }>();
  assert.equal(tokens.scope, "openid accounts:read");
  assert.ok(tokens.refresh_token && tokens.id_token);
  const seen = JSON.parse(await deployment.introspect(tokens.access_token)) as Record<string, unknown>;
  assert.equal(seen["sub"], ada.ref);
  assert.equal(seen["tenant_id"], acme.id);
  assert.equal(seen["client_id"], app.client_id);
  refused(await poll(app, codes.device_code), "invalid_grant");
});

test("RFC 8628 §3.5: who asks again too soon is told slow_down, and has to wait five seconds longer each time", async () => {
  const codes = await begin();
  refused(await poll(app, codes.device_code), "authorization_pending");
  refused(await poll(app, codes.device_code), "slow_down");
  refused(await poll(app, codes.device_code), "slow_down");
  const rows = await deployment.sql<{ interval_seconds: number }>(
    "select interval_seconds from device_authorizations order by create_time desc limit 1",
  );
  assert.equal(rows[0]?.interval_seconds, 15);
  await deployment.sql("update device_authorizations set poll_time = poll_time - interval '14 seconds'");
  refused(await poll(app, codes.device_code), "slow_down");
  await deployment.sql("update device_authorizations set poll_time = poll_time - interval '21 seconds'");
  refused(await poll(app, codes.device_code), "authorization_pending");
});

test("RFC 8628 §3.5: of two polls at once one is too soon, whichever processes they reach", async () => {
  const codes = await begin();
  const answers = await Promise.all([0, 1].map((on) => poll(app, codes.device_code, {}, on)));
  const errors = answers.map((answer) => answer.json<{ error: string }>().error).toSorted();
  assert.deepEqual(errors, ["authorization_pending", "slow_down"]);
});

test("RFC 8628 §3.5: a human who says no is access_denied; a code whose time is over is expired_token", async () => {
  const denied = await begin();
  await decide(denied.user_code, "deny");
  refused(await poll(app, denied.device_code), "access_denied");
  const late = await begin();
  await deployment.sql(
    "update device_authorizations set expire_time = now() - interval '1 second' where state = 'pending' and create_time > now() - interval '1 minute'",
  );
  refused(await poll(app, late.device_code), "expired_token");
  const browser = browserOf(ada);
  await browser.get("/device");
  const page = await browser.submit({ user_code: late.user_code });
  assert.ok(!page.text.includes('name="decision"'), "an expired code is as unknown as any");
});

test("RFC 8628 §3.4, §5.2: a device code is the client's it was given to, and nothing else is one", async () => {
  const other = await kit.application(television);
  const codes = await begin();
  refused(await poll(other, codes.device_code), "invalid_grant");
  refused(await poll(app, codes.device_code.slice(0, -1)), "invalid_grant");
  refused(await poll(app, codes.user_code), "invalid_grant");
  refused(await deployment.form("/oauth/token", { grant_type: grant, client_id: app.client_id }), "invalid_request");
  await decide(codes.user_code, "approve");
  refused(await poll(other, codes.device_code), "invalid_grant");
  assert.equal((await poll(app, codes.device_code)).status, 200);
});

test("RFC 8628 §3.1: a client that is not registered for the flow is unauthorized_client, at both endpoints", async () => {
  const plain = await kit.application();
  refused(await ask(plain), "unauthorized_client");
  const codes = await begin();
  refused(await poll(plain, codes.device_code), "unauthorized_client");
  refused(await ask({ ...app, client_id: `${app.client_id.slice(0, -4)}AAAA` }), "invalid_client", 401);
  refused(await ask(app, { scope: "openid users:read" }), "invalid_scope");
  refused(await ask(app, { resource: "nowhere" }), "invalid_target");
  refused(await ask(app, { authorization_details: "[{}]" }), "invalid_authorization_details");
  refused(await ask(app, { tenant: "nowhere" }), "invalid_request");
});

test("invariant 3: of 50 polls at once, across two processes, one gets the tokens of an approved code", async () => {
  const codes = await begin();
  await decide(codes.user_code, "approve");
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => poll(app, codes.device_code, {}, n % 2)));
  const won = answers.filter(({ status }) => status === 200);
  assert.equal(won.length, 1);
  for (const answer of answers) if (answer.status !== 200) refused(answer, "invalid_grant");
  assert.ok(await deployment.isActive(won[0]?.json<{ access_token: string }>().access_token ?? ""));
});

test("invariant 3: of an approval and a denial at once one is made", async () => {
  const codes = await begin();
  const browsers = await Promise.all(
    (["approve", "deny"] as const).map(async (decision) => {
      const browser = browserOf(ada);
      await browser.get(`/device?user_code=${codes.user_code}`);
      return () => browser.submit({ decision }, "/device");
    }),
  );
  await Promise.all(browsers.map((submit) => submit()));
  const rows = await deployment.sql<{ action: string }>(
    "select action from audit_entries where action like 'device.%' order by time desc, id desc limit 1",
  );
  const answer = await poll(app, codes.device_code);
  if (rows[0]?.action === "device.approve") assert.equal(answer.status, 200, answer.text);
  else refused(answer, "access_denied");
});

test("RFC 8628 §3.3.1, §5.4: a link with the code in it still asks, and says whose device it is", async () => {
  const codes = await begin();
  const browser = browserOf(ada);
  const page = await browser.get(
    new URL(codes.verification_uri_complete).pathname + new URL(codes.verification_uri_complete).search,
  );
  assert.ok(page.text.includes(codes.user_code) && page.text.includes("An application"));
  refused(await poll(app, codes.device_code), "authorization_pending");
  const stranger = openBrowser(deployment.issuer);
  await stranger.get(`/device?user_code=${codes.user_code}`);
  assert.ok(!stranger.page().text.includes("An application"), "who has not signed in is told nothing");
});

test("RFC 8628 §5.1: whoever tries user codes is soon stopped, and right ones are not counted", async () => {
  const mallory = await kit.human(acme);
  const browser = browserOf(mallory);
  const codes = await begin();
  for (let n = 0; n < 30; n += 1) {
    const page = await browser.get(`/device?user_code=${codes.user_code}`);
    assert.ok(page.text.includes('name="decision"'), `the right code, for the ${n}th time`);
  }
  const statuses = new Set<number>();
  for (let n = 0; n < 12; n += 1) statuses.add((await browser.get("/device?user_code=BBBB-BBBB")).status);
  assert.ok(statuses.has(429), `answered ${[...statuses].join(", ")}`);
  // It is the guesser who is stopped, the right code included; nobody else is.
  assert.ok(!(await browser.get(`/device?user_code=${codes.user_code}`)).text.includes('name="decision"'));
  await decide(codes.user_code, "approve");
  assert.equal((await poll(app, codes.device_code)).status, 200);
});

test("a device's token falls with the session that approved it, and is never given once that has ended", async () => {
  const bob = await kit.human(acme);
  const codes = await begin();
  await decide(codes.user_code, "approve", bob);
  const answer = await poll(app, codes.device_code);
  const { access_token } = answer.json<{ access_token: string }>();
  const later = await begin();
  await decide(later.user_code, "approve", bob);
  const browser = browserOf(bob);
  await browser.get("/sign-out");
  await browser.submit({}, "/sign-out");
  assert.ok(!(await deployment.isActive(access_token)));
  refused(await poll(app, later.device_code), "invalid_grant");
});

test("a tenant's own rules hold for devices too: without a second factor nobody approves where one is required", async () => {
  const strict = await deployment.tenant("Strict");
  await deployment.sql(
    `insert into sign_in_policies (tenant_id, document, revision, create_time, update_time)
     values ($1, '{"mfa":"required"}', 1, now(), now())`,
    [strict.id],
  );
  const weak = await kit.human(strict);
  const codes = await begin();
  const page = await decide(codes.user_code, "approve", weak);
  assert.equal(new URL(page.url).pathname, "/sign-in/enrol", page.text.slice(0, 500));
  refused(await poll(app, codes.device_code), "authorization_pending");
  const strong = { ...weak, ...(await kit.signIn(strict.id, weak.id, { acr: multiFactor, methods: ["pwd", "otp"] })) };
  await decide(codes.user_code, "approve", strong);
  await deployment.sql("update device_authorizations set poll_time = poll_time - interval '20 seconds'");
  assert.equal((await poll(app, codes.device_code)).status, 200);
});

test("RFC 9449: a request that proves a key is redeemed with that key, and its tokens are bound to it", async () => {
  const own = proofKey();
  const at = `${deployment.issuer}/oauth/device_authorization`;
  const first = await ask(app, {}, { dpop: proofOf(own, "POST", at) });
  refused(first, "use_dpop_nonce");
  const nonce = String(first.headers["dpop-nonce"]);
  const begun = await ask(app, { scope: "openid" }, { dpop: proofOf(own, "POST", at, { claims: { nonce } }) });
  assert.equal(begun.status, 200, begun.text);
  const codes = begun.json<Codes>();
  await decide(codes.user_code, "approve");
  const token = `${deployment.issuer}/oauth/token`;
  const proof = (key = own) => ({ dpop: proofOf(key, "POST", token, { claims: { nonce } }) });
  refused(await poll(app, codes.device_code), "invalid_dpop_proof");
  refused(await poll(app, codes.device_code, proof(proofKey())), "invalid_dpop_proof");
  const answer = await poll(app, codes.device_code, proof());
  assert.equal(answer.status, 200, answer.text);
  const { access_token, token_type } = answer.json<{ access_token: string; token_type: string }>();
  assert.equal(token_type, "DPoP");
  const seen = JSON.parse(await deployment.introspect(access_token)) as { cnf?: { jkt: string } };
  assert.equal(seen.cnf?.jkt, own.jkt);
});

test("openid-client polls a device through to its tokens", async () => {
  const config = await client.discovery(new URL(deployment.issuer), app.client_id, undefined, client.None(), {
    execute: [client.allowInsecureRequests],
  });
  const begun = await client.initiateDeviceAuthorization(config, { scope: "openid offline_access" });
  await decide(begun.user_code, "approve");
  const tokens = await client.pollDeviceAuthorizationGrant(config, begun);
  assert.equal(tokens.claims()?.sub, ada.ref);
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
  assert.ok(renewed.access_token);
});
