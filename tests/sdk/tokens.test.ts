/** Which tokens open a service, and which do not, whatever is signed beneath them. RFC 9068 §4, RFC 8725, RFC 6750. */
import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync } from "node:crypto";
import { test, type TestContext } from "node:test";
import { exportJWK, generateKeyPair } from "jose";
import { countersign, type Options, route } from "../../sdk/countersign.ts";
import type { TestIssuer } from "../../sdk/testing.ts";
import { bearer, send } from "../oauth/http.ts";
import { encoded } from "../oauth/jwt.ts";
import { acme, adapters, audience, globex, heard, issuerFor, usual } from "./kit.ts";

const start = adapters["node"];
assert.ok(start);

const served = async (t: TestContext, issuer: TestIssuer, options: Partial<Options> = {}) => {
  const { platform, lines } = heard();
  const settings = { issuer: issuer.url, audience, credentials: issuer.credentials, ...options };
  const service = await start(countersign({ ...settings, platform: { ...platform, ...options.platform } }), usual);
  t.after(() => service.close());
  const me = async (token: string) => send(`${service.url}/me`, { headers: bearer(token) });
  return { service, me, lines };
};

/** A JWT with any header and claims, signed by a function or left unsigned. */
const forged = (header: object, claims: object, signature: (input: string) => string = () => ""): string => {
  const input = `${encoded(header)}.${encoded(claims)}`;
  return `${input}.${signature(input)}`;
};

test("a right token opens, and every way of bending one does not", async (t) => {
  const issuer = await issuerFor(t);
  const other = await issuerFor(t);
  const { me } = await served(t, issuer);
  const right = { tenant: acme, audience };
  assert.equal((await me(await issuer.mint(right))).status, 200);
  assert.equal(
    (await me(await issuer.mint({ ...right, audience: ["https://else.example.com", audience] }))).status,
    200,
  );

  const now = Math.floor(Date.now() / 1000);
  const good = {
    iss: issuer.url,
    sub: `users/${acme}`,
    aud: audience,
    client_id: "c",
    iat: now,
    exp: now + 60,
    jti: acme,
    scope: "*",
    tenant_id: acme,
  };
  const { kid = "" } = issuer.publicJwk();
  const hmac = (secret: string) => (input: string) => createHmac("sha256", secret).update(input).digest("base64url");
  const stranger = await generateKeyPair("ES256", { extractable: true });
  const pem = JSON.stringify(issuer.publicJwk());
  const wrong: Readonly<Record<string, string>> = {
    "of another audience": await issuer.mint({ ...right, audience: "https://else.example.com" }),
    "of the issuer's own audience": await issuer.mint({ tenant: acme }),
    "without an audience": await issuer.mint({ ...right, claims: { aud: undefined } }),
    "with an audience that only begins like ours": await issuer.mint({ ...right, audience: `${audience}/more` }),
    "of another issuer": await other.mint(right),
    "that names another issuer": await issuer.mint({ ...right, claims: { iss: other.url } }),
    "that has expired": await issuer.mint({ ...right, expiresInSeconds: -1 }),
    "that never expires": await issuer.mint({ ...right, claims: { exp: undefined } }),
    "whose expiry is a text": await issuer.mint({ ...right, claims: { exp: "99999999999" } }),
    "that is not valid yet": await issuer.mint({ ...right, claims: { nbf: now + 60 } }),
    "that is an ID token": await issuer.mint({ ...right, header: { typ: "JWT" } }),
    "without a type": await issuer.mint({ ...right, header: { typ: undefined } }),
    "that is a logout token": await issuer.mint({ ...right, header: { typ: "logout+jwt" } }),
    "without a key id": await issuer.mint({ ...right, header: { kid: undefined } }),
    "of a key nobody knows": await issuer.sign(good, { kid: "unknown" }),
    "signed by a stranger under our key's id": await issuer.sign(good, {}, stranger.privateKey),
    "that brings its own key": await issuer.sign(
      good,
      { kid: "x", jwk: await exportJWK(stranger.publicKey) },
      stranger.privateKey,
    ),
    "that points to its own keys": await issuer.sign(good, { jku: `${other.url}/oauth/jwks` }, stranger.privateKey),
    "with alg none": forged({ alg: "none", typ: "at+jwt", kid }, good),
    "with alg none and a signature": forged({ alg: "none", typ: "at+jwt", kid }, good, hmac("x")),
    "with HS256 and the public key as the secret": forged({ alg: "HS256", typ: "at+jwt", kid }, good, hmac(pem)),
    "with HS256 and an empty secret": forged({ alg: "HS256", typ: "at+jwt", kid }, good, hmac("")),
    "without a tenant": await issuer.mint({ ...right, claims: { tenant_id: undefined } }),
    "of a tenant that is no id": await issuer.mint({ ...right, claims: { tenant_id: "*" } }),
    "of no principal": await issuer.mint({ ...right, claims: { sub: "robots/1" } }),
    "without a client": await issuer.mint({ ...right, claims: { client_id: undefined } }),
    "without an id": await issuer.mint({ ...right, claims: { jti: undefined } }),
    "whose scope is a list": await issuer.mint({ ...right, claims: { scope: ["*"] } }),
    "whose actor can't be read": await issuer.mint({ ...right, claims: { act: "somebody" } }),
    "whose confirmation is not understood": await issuer.mint({ ...right, claims: { cnf: { "x5t#S256": "abc" } } }),
    "with a critical extension": forged(
      { alg: "ES256", typ: "at+jwt", kid, crit: ["b64"], b64: false },
      good,
      hmac("x"),
    ),
    "cut short": (await issuer.mint(right)).slice(0, -2),
    "that is opaque": "cs_access_abcdef",
    "that is too long": await issuer.mint({ ...right, claims: { padding: "x".repeat(10_000) } }),
  };
  for (const [name, token] of Object.entries(wrong)) {
    const answer = await me(token);
    assert.equal(answer.status, 401, `a token ${name} was answered with ${answer.status}: ${answer.text}`);
    assert.match(String(answer.headers["www-authenticate"]), /error="invalid_token"/, name);
  }
});

test("an algorithm is accepted where the service allows it, and its key is of the issuer's", async (t) => {
  const issuer = await issuerFor(t);
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const { me } = await served(t, issuer, { algorithms: ["PS256"] });
  assert.equal((await me(await issuer.mint({ tenant: acme, audience }))).status, 401, "ES256 is not allowed here");
  const foreign = await issuer.sign({ aud: audience }, { alg: "PS256" }, rsa.privateKey as never);
  assert.equal((await me(foreign)).status, 401);
});

test("warm, a token is verified without a call; unknown keys are asked for at most twice a minute, however many name one", async (t) => {
  const issuer = await issuerFor(t);
  const clock = { now: Date.now() };
  const { me } = await served(t, issuer, { platform: { now: () => clock.now } });
  const token = await issuer.mint({ tenant: acme, audience });
  await Promise.all(Array.from({ length: 20 }, async () => assert.equal((await me(token)).status, 200)));
  assert.equal(issuer.asked("/oauth/jwks"), 1);
  assert.equal(issuer.asked("/.well-known/oauth-authorization-server"), 1);

  const unknown = await issuer.mint({ tenant: acme, audience, header: { kid: "nobody's" } });
  for (let time = 0; time < 50; time += 1) assert.equal((await me(unknown)).status, 401);
  assert.equal(issuer.asked("/oauth/jwks"), 2);
  clock.now += 31_000;
  for (let time = 0; time < 50; time += 1) assert.equal((await me(unknown)).status, 401);
  assert.equal(issuer.asked("/oauth/jwks"), 3);
});

test("keys rotate: a new one is found at once, and one that was taken away is believed ten minutes at most", async (t) => {
  const issuer = await issuerFor(t);
  const clock = { now: Date.now() };
  const { me } = await served(t, issuer, { platform: { now: () => clock.now } });
  const old = await issuer.mint({ tenant: acme, audience, expiresInSeconds: 3_600 });
  assert.equal((await me(old)).status, 200);
  await issuer.rotate({ forget: true });
  assert.equal((await me(await issuer.mint({ tenant: acme, audience }))).status, 200);
  assert.equal((await me(old)).status, 401, "the set that was fetched has no such key any more");

  const kept = await issuer.mint({ tenant: acme, audience, expiresInSeconds: 3_600 });
  assert.equal((await me(kept)).status, 200);
  await issuer.rotate({ forget: true });
  assert.equal((await me(kept)).status, 200, "nothing has told us");
  clock.now += 10 * 60_000 + 1;
  assert.equal((await me(kept)).status, 401);
});

test("without the issuer nothing can be verified, and that is 503, not a yes and not the caller's fault", async (t) => {
  const issuer = await issuerFor(t);
  const { me, lines } = await served(t, issuer);
  const token = await issuer.mint({ tenant: acme, audience });
  await issuer.close();
  const answer = await me(token);
  assert.equal(answer.status, 503);
  assert.equal(answer.headers["retry-after"], "1");
  assert.ok(
    lines.some((line) => line.includes("keys")),
    "and the operator is told",
  );
  assert.ok(!lines.join("").includes(token));
});

test("metadata of another issuer, or with endpoints elsewhere, is not believed", async (t) => {
  const issuer = await issuerFor(t);
  const token = await issuer.mint({ tenant: acme, audience });
  for (const bend of [
    { issuer: "https://evil.example" },
    { jwks_uri: "https://evil.example/jwks" },
    { token_endpoint: "x" },
  ]) {
    const asked: string[] = [];
    const fetched: typeof fetch = async (url, init) => {
      asked.push(String(url instanceof Request ? url.url : url));
      const answer = await fetch(url, init);
      return Response.json({ ...((await answer.json()) as object), ...bend });
    };
    const { me } = await served(t, issuer, { platform: { fetch: fetched } });
    assert.equal((await me(token)).status, 503);
    assert.deepEqual(asked, [`${issuer.url}/.well-known/oauth-authorization-server`]);
  }
});

test("introspection: opaque tokens open, a revocation is seen at once, and the answer is held to the same rules", async (t) => {
  const issuer = await issuerFor(t);
  const { me } = await served(t, issuer, { verify: "introspection" });
  const token = await issuer.mint({ tenant: acme, audience });
  assert.equal((await me(token)).status, 200);
  issuer.revoke(token);
  assert.equal((await me(token)).status, 401);
  for (const wrong of [
    { audience: "https://else.example.com" },
    { expiresInSeconds: -1 },
    { claims: { iss: "https://evil.example" } },
    { claims: { tenant_id: undefined } },
    { claims: { cnf: { jkt: 7 } } },
  ])
    assert.equal(
      (await me(await issuer.mint({ tenant: acme, audience, ...wrong }))).status,
      401,
      JSON.stringify(wrong),
    );
  const asked = issuer.asked("/oauth/introspect");
  assert.equal((await me("a token with spaces")).status, 400);
  assert.equal((await me(await issuer.mint({ tenant: acme, audience }))).status, 200);
  assert.equal(issuer.asked("/oauth/introspect"), asked + 1, "nothing is kept, and rubbish is not passed on");
});

test("introspection with credentials that are refused is 503, and says so to the operator alone", async (t) => {
  const issuer = await issuerFor(t);
  const credentials = { clientId: "sa", clientSecret: "wrong" };
  const { me, lines } = await served(t, issuer, { verify: "introspection", credentials });
  const answer = await me(await issuer.mint({ tenant: acme, audience }));
  assert.equal(answer.status, 503);
  assert.ok(!answer.text.includes("credentials"));
  assert.match(lines.join("\n"), /answered with 401/);
});

test("RFC 9470: a sign-in that is too weak or too old is sent back with what would do", async (t) => {
  const issuer = await issuerFor(t);
  const { platform } = heard();
  const multi = "urn:countersign:acr:multi-factor";
  const api = countersign({ issuer: issuer.url, audience, credentials: issuer.credentials, platform });
  const service = await start(api, [
    { method: "get", path: "/strong", policy: route({ permission: "files:read", acr: multi, maxAge: 300 }) },
  ]);
  t.after(() => service.close());
  const now = Math.floor(Date.now() / 1000);
  const status = async (wanted: { acr?: string; authTime?: number; kind?: "service" }) => {
    const token = await issuer.mint({ tenant: acme, audience, ...wanted });
    return send(`${service.url}/strong`, { headers: bearer(token) });
  };
  assert.equal((await status({ acr: multi, authTime: now })).status, 200);
  assert.equal((await status({ acr: "phr", authTime: now - 200 })).status, 200, "stronger is enough");
  const refusals = [
    await status({ authTime: now }),
    await status({ acr: "urn:countersign:acr:single-factor", authTime: now }),
    await status({ acr: "made-up", authTime: now }),
    await status({ acr: multi, authTime: now - 400 }),
    await status({ acr: multi }),
    await status({ kind: "service" }),
  ];
  for (const answer of refusals) {
    assert.equal(answer.status, 401, answer.text);
    assert.match(
      String(answer.headers["www-authenticate"]),
      /error="insufficient_user_authentication".* acr_values="urn:countersign:acr:multi-factor", max_age="300"/,
    );
  }
});

test("a delegated call has the human as its subject and the service as its principal", async (t) => {
  const issuer = await issuerFor(t);
  const { me } = await served(t, issuer);
  const robot = `service-accounts/${globex}`;
  const token = await issuer.mint({ tenant: acme, audience, subject: `users/${acme}`, actor: robot });
  const { caller } = (await me(token)).json<{ caller: Record<string, unknown> }>();
  assert.equal(caller["principal"], robot);
  assert.equal(caller["subject"], `users/${acme}`);
  assert.deepEqual(caller["actor"], { principal: robot, act: null });
});
