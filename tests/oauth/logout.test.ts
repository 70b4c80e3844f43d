// Signing out where an application asks for it (RP-Initiated Logout 1.0), and telling the others (Back-Channel Logout 1.0).
import assert from "node:assert/strict";
import { createPrivateKey, sign } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { after, test } from "node:test";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { openBrowser } from "../support/browser.ts";
import { type App, authorizeKit, type Human, pkce, redirectUri } from "./authorize-kit.ts";
import { type Json, startDeployment } from "./deployment.ts";
import { type Answer, basic } from "./http.ts";
import { readSecretKey, unseal } from "../../server/platform/keys/seal.ts";
import { encoded, type Fields, partsOf } from "./jwt.ts";

/** An application's ear: what it was told, and what it answers. */
const heard: URLSearchParams[] = [];
const ear = { status: 200, wake: (): void => undefined };
const readBody = async (request: IncomingMessage): Promise<string> => {
  let text = "";
  for await (const part of request) text += String(part);
  return text;
};
const hear = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const text = await readBody(request);
  assert.equal(request.method, "POST");
  assert.match(request.headers["content-type"] ?? "", /^application\/x-www-form-urlencoded/);
  heard.push(new URLSearchParams(text));
  response.writeHead(ear.status).end();
  ear.wake();
};
const listener = createServer((request, response) => {
  void hear(request, response);
});
listener.listen(0, "127.0.0.1");
await once(listener, "listening");
const earPort = (listener.address() as AddressInfo).port;
/** The next thing it is told. */
const hearing = async (from: number): Promise<string> => {
  while (heard.length <= from)
    await new Promise<void>((resolve) => {
      ear.wake = resolve;
    });
  return heard[from]?.get("logout_token") ?? "";
};

const deployment = await startDeployment({
  servers: 2,
  env: { COUNTERSIGN_OUTBOUND_ALLOW: `127.0.0.1:${earPort}` },
});
after(async () => {
  listener.closeAllConnections();
  listener.close();
  await deployment.close();
});
const { issuer } = deployment;
const kit = authorizeKit(deployment);
const acme = await deployment.tenant("Acme");
const bye = "https://app.example/bye";
const app = await kit.application({ post_logout_redirect_uris: [bye] });
const eared = (more: Json = {}) =>
  kit.application({ backchannel_logout_uri: `http://127.0.0.1:${earPort}/logout`, ...more });

/** A code flow to its end; the ID token is what an application keeps. */
const tokensFor = async (of: App, who: Human, scope = "openid"): Promise<Readonly<Record<string, string>>> => {
  const { verifier, ...challenge } = pkce();
  const { code = "" } = kit.answerOf(await kit.authorize(of, { scope, ...challenge }, who));
  const answer = await deployment.form(
    "/oauth/token",
    { grant_type: "authorization_code", code, redirect_uri: redirectUri, code_verifier: verifier },
    basic(of.client_id, of.client_secret),
  );
  assert.equal(answer.status, 200, answer.text);
  return answer.json<Record<string, string>>();
};
const hintFor = async (of: App, who: Human): Promise<string> => (await tokensFor(of, who))["id_token"] ?? "";

const logout = (fields: Readonly<Record<string, string>>, who?: Pick<Human, "cookie">): Promise<Answer> =>
  deployment.send(`/oauth/logout?${new URLSearchParams(fields).toString()}`, {
    headers: who === undefined ? {} : { cookie: who.cookie },
  });
/** Signs as the server does, with the key the header names: what it would have said at another time. */
const signedAgain = async (header: Fields, claims: Fields): Promise<string> => {
  const [row] = await deployment.sql<{ private_sealed: Buffer }>(
    "select private_sealed from signing_keys where kid = $1",
    [header["kid"]],
  );
  const secretKey = readSecretKey(deployment.secretKey);
  assert.ok(row && secretKey);
  const der = unseal(secretKey, `signing_keys/${String(header["kid"])}`, row.private_sealed);
  const input = `${encoded(header)}.${encoded(claims)}`;
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return `${input}.${sign("sha256", Buffer.from(input), key).toString("base64url")}`;
};
const livesOn = async (who: Human): Promise<boolean> => {
  const [row] = await deployment.sql<{ state: string }>("select state from sessions where id = $1", [who.session]);
  return row?.state === "full";
};
const goes = (answer: Answer, to: string): void => {
  assert.equal(answer.status, 303, answer.text);
  assert.equal(answer.headers.location, to);
};

test("RP-Initiated Logout §2, §3: with a hint for the human at the browser the session ends, and the browser goes back", async () => {
  const ada = await kit.human(acme);
  const tokens = await tokensFor(app, ada);
  const answer = await logout(
    { id_token_hint: tokens["id_token"] ?? "", post_logout_redirect_uri: bye, state: "a b&c" },
    ada,
  );
  goes(answer, `${bye}?state=a+b%26c`);
  assert.match(String(answer.headers["set-cookie"]), /^__Host-countersign=; .*Max-Age=0/);
  assert.ok(!(await livesOn(ada)));
  assert.ok(!(await deployment.isActive(tokens["access_token"] ?? "", 1)), "its tokens are dead, for every process");
});

test("RP-Initiated Logout §2: by POST too; one that comes without our cookie is made a navigation, which has it", async () => {
  const ada = await kit.human(acme);
  const fields = { id_token_hint: await hintFor(app, ada), post_logout_redirect_uri: bye, client_id: app.client_id };
  const crossSite = await deployment.form("/oauth/logout", fields);
  assert.equal(crossSite.status, 303);
  assert.ok(await livesOn(ada));
  assert.ok(crossSite.headers.location?.startsWith(`${issuer}/oauth/logout?`));
  const { search } = new URL(crossSite.headers.location ?? "");
  goes(await deployment.send(`/oauth/logout${search}`, { headers: { cookie: ada.cookie } }), bye);
  assert.ok(!(await livesOn(ada)));
  const bob = await kit.human(acme);
  const own = { ...fields, id_token_hint: await hintFor(app, bob) };
  goes(await deployment.form("/oauth/logout", own, { cookie: bob.cookie }), bye);
  assert.ok(!(await livesOn(bob)));
});

test("RP-Initiated Logout §2: a link alone signs nobody out; a page asks, and nobody is sent anywhere", async () => {
  const ada = await kit.human(acme);
  const bob = await kit.human(acme);
  const hint = await hintFor(app, ada);
  const { header, claims } = partsOf(hint);
  const [, , signature = ""] = hint.split(".");
  const { access_token = "" } = await tokensFor(app, ada);
  const forged: Readonly<Record<string, string>> = {
    "no signature": `${encoded({ ...header, alg: "none" })}.${encoded(claims)}.`,
    "another's claims under the signature": `${encoded(header)}.${encoded({ ...claims, sid: "x" })}.${signature}`,
    "an access token": access_token,
    "no JWT": "nonsense",
    "another human's": await hintFor(app, bob),
  };
  for (const [what, id_token_hint] of Object.entries(forged)) {
    const answer = await logout({ id_token_hint, post_logout_redirect_uri: bye }, ada);
    goes(answer, `${issuer}/sign-out`);
    assert.ok(await livesOn(ada), what);
  }
  const other = await kit.application();
  for (const fields of [{}, { client_id: app.client_id }, { id_token_hint: hint, client_id: other.client_id }]) {
    goes(await logout({ post_logout_redirect_uri: bye, ...fields }, ada), `${issuer}/sign-out`);
    assert.ok(await livesOn(ada));
  }
  const browser = openBrowser(issuer);
  const [name = "", value = ""] = ada.cookie.split("=");
  browser.cookies.set(name, value);
  await browser.get("/oauth/logout?ui_locales=de");
  await browser.submit({}, "/sign-out");
  assert.ok(!(await livesOn(ada)));
});

test("RP-Initiated Logout §2: an expired hint will do, and one for a session that has ended", async () => {
  const ada = await kit.human(acme);
  const hint = await hintFor(app, ada);
  const { header, claims } = partsOf(hint);
  assert.equal(header["typ"], "JWT");
  const old = await signedAgain(header, { ...claims, iat: 1, exp: 2 });
  goes(await logout({ id_token_hint: old, post_logout_redirect_uri: bye }, ada), bye);
  assert.ok(!(await livesOn(ada)));
  goes(await logout({ id_token_hint: hint, post_logout_redirect_uri: bye }), bye);
});

test("RP-Initiated Logout §3: only an address that is registered, to the octet, is gone to; the session ends all the same", async () => {
  for (const uri of [`${bye}/`, `${bye}?x`, "https://evil.example/", "javascript:alert(1)", redirectUri]) {
    const ada = await kit.human(acme);
    const answer = await logout({ id_token_hint: await hintFor(app, ada), post_logout_redirect_uri: uri }, ada);
    goes(answer, `${issuer}/signed-out`);
    assert.ok(!(await livesOn(ada)));
  }
  goes(await logout({ post_logout_redirect_uri: bye, client_id: app.client_id }), `${issuer}/signed-out`);
});

test("RFC 6749 §3.1: a parameter that comes twice, or is too long, gets our own page", async () => {
  for (const query of ["id_token_hint=a&id_token_hint=b", `state=${"x".repeat(8_200)}`]) {
    const answer = await deployment.send(`/oauth/logout?${query}`);
    assert.equal(answer.status, 400, answer.text.slice(0, 200));
    assert.match(answer.headers["content-type"] ?? "", /^text\/html/);
  }
});

const keySet = async () => createLocalJWKSet((await deployment.send("/oauth/jwks")).json<JSONWebKeySet>());

test("Back-Channel Logout §2.4, §2.5: whoever had tokens of the session is told, by a token that is good for nothing else", async () => {
  const [first, second] = [await eared(), await eared({ id_token_signed_response_alg: "ES256" })];
  const silent = await eared();
  const ada = await kit.human(acme);
  const { access_token = "" } = await tokensFor(first, ada);
  await tokensFor(second, ada);
  const from = heard.length;
  await logout({ id_token_hint: await hintFor(app, ada) }, ada);
  assert.ok(!(await deployment.isActive(access_token)));
  const texts = [await hearing(from), await hearing(from + 1)];
  const told = new Map(texts.map((text) => [String(partsOf(text).claims["aud"]), text]));
  assert.deepEqual([...told.keys()].toSorted(), [first.client_id, second.client_id].toSorted());
  assert.ok(!told.has(silent.client_id));
  for (const [of, alg] of [
    [first, "RS256"],
    [second, "ES256"],
  ] as const) {
    const { payload, protectedHeader } = await jwtVerify(told.get(of.client_id) ?? "", await keySet(), {
      issuer,
      audience: of.client_id,
      typ: "logout+jwt",
      algorithms: [alg],
    });
    assert.equal(protectedHeader.alg, alg);
    assert.equal(payload.sub, ada.ref);
    assert.equal(payload["sid"], ada.session);
    assert.deepEqual(payload["events"], { "http://schemas.openid.net/event/backchannel-logout": {} });
    assert.ok(payload.jti && payload.iat && payload.exp);
    assert.ok(payload.exp - payload.iat <= 120);
    assert.ok(!("nonce" in payload));
  }
  // It is no hint, and no access token.
  const bob = await kit.human(acme);
  goes(await logout({ id_token_hint: texts[0] ?? "" }, bob), `${issuer}/sign-out`);
  assert.equal((await deployment.get("/v1/users", texts[0] ?? "")).status, 401);
});

const waiting = async (of: App): Promise<number> => {
  const [row] = await deployment.sql<{ count: number }>(
    "select count(*)::int as count from logout_notices where application_id = $1",
    [of.id],
  );
  return row?.count ?? 0;
};
const due = (of: App) =>
  deployment.sql("update logout_notices set next_attempt_time = now() where application_id = $1", [of.id]);
const settled = async (of: App): Promise<void> => {
  while ((await waiting(of)) > 0) await new Promise((resolve) => setImmediate(resolve));
};

test("Back-Channel Logout §2.8: who does not answer is told again, later and not for ever; who refuses is not", async () => {
  const of = await eared();
  const ada = await kit.human(acme);
  await tokensFor(of, ada);
  const from = heard.length;
  ear.status = 503;
  await logout({ id_token_hint: await hintFor(app, ada) }, ada);
  const first = partsOf(await hearing(from));
  assert.equal(await waiting(of), 1, "it waits for its next attempt");
  ear.status = 200;
  await due(of);
  const second = partsOf(await hearing(from + 1));
  assert.equal(second.claims["sid"], first.claims["sid"]);
  assert.notEqual(second.claims["jti"], first.claims["jti"]);
  await settled(of);
  assert.equal(heard.length, from + 2);

  const bob = await kit.human(acme);
  await tokensFor(of, bob);
  ear.status = 503;
  await logout({ id_token_hint: await hintFor(app, bob) }, bob);
  await hearing(from + 2);
  await deployment.sql("update logout_notices set attempts = 7 where application_id = $1", [of.id]);
  await due(of);
  await hearing(from + 3);
  await settled(of);

  const eve = await kit.human(acme);
  await tokensFor(of, eve);
  ear.status = 400;
  await logout({ id_token_hint: await hintFor(app, eve) }, eve);
  await hearing(from + 4);
  await settled(of);
  ear.status = 200;
});

test("security.md 9: an application's private address is never reached, and holds nobody up", async () => {
  const of = await eared({ backchannel_logout_uri: "https://127.0.0.1/logout" });
  const told = await eared();
  const ada = await kit.human(acme);
  await tokensFor(of, ada);
  await tokensFor(told, ada);
  const from = heard.length;
  await logout({ id_token_hint: await hintFor(app, ada) }, ada);
  await hearing(from);
  const tried = async () => {
    const [row] = await deployment.sql<{ attempts: number }>(
      "select attempts from logout_notices where application_id = $1",
      [of.id],
    );
    return row?.attempts;
  };
  while ((await tried()) === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await tried(), 1, "it was tried, and waits");
});
