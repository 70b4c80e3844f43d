// A bearer token at our own API (RFC 6750, RFC 9068 §4), and every forgery of one that is known (RFC 8725; security.md, 7).
import assert from "node:assert/strict";
import { createHmac, createPublicKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { after, test } from "node:test";
import { principalCollections } from "../../core/ids.ts";
import { startDeployment } from "./deployment.ts";
import { type Answer, bearer } from "./http.ts";
import { encoded, es256, type Fields, partsOf } from "./jwt.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const tenant = await deployment.tenant("Acme");
const other = await deployment.tenant("Other");
const owner = await tenant.account({ role: "owner" });
const stranger = await other.account({ role: "owner" });
const good = await deployment.token(owner);
const [goodHead = "", goodBody = "", goodSignature = ""] = good.split(".");
const ours = await deployment.signingKey();
const theirs = generateKeyPairSync("ec", { namedCurve: "P-256" });
const place = "/v1/service-accounts";

const refused = (answer: Answer, status: number, code: string, challenge: RegExp | undefined): void => {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json<{ code: string }>().code, code);
  assert.match(answer.headers["content-type"] ?? "", /^application\/problem\+json/);
  assert.equal(answer.headers["cache-control"], "no-store");
  if (challenge === undefined) assert.equal(answer.headers["www-authenticate"], undefined);
  else assert.match(answer.headers["www-authenticate"] ?? "", challenge);
};

test("RFC 6750 §3: without a token the answer is 401 with a challenge and no error code", async () => {
  const body = JSON.stringify({
    subject: { type: "users", id: "x" },
    action: { name: "accounts:read" },
    resource: { type: "accounts", id: "x" },
  });
  for (const sent of [{}, { headers: { authorization: "" } }, { headers: { authorization: "Basic eDp5" } }]) {
    refused(
      await deployment.send(place, sent),
      401,
      "unauthenticated",
      /^Bearer realm="countersign", resource_metadata="[^"]+", DPoP /,
    );
    const headers = { ...sent.headers, "content-type": "application/json" };
    refused(
      await deployment.send("/access/v1/evaluation", { method: "POST", headers, body }),
      401,
      "unauthenticated",
      /^Bearer realm="countersign", resource_metadata="[^"]+", DPoP /,
    );
  }
});

test("RFC 6750 §3.1: a token that is not accepted is 401 invalid_token", async () => {
  for (const token of ["garbage", "a.b.c", "cs_api_x", owner.client_secret, `${good}x`, "", "a b"])
    refused(await deployment.get(place, token), 401, token === "" ? "unauthenticated" : "invalid_token", /^Bearer/);
  const answer = await deployment.get(place, "garbage");
  assert.match(
    answer.headers["www-authenticate"] ?? "",
    /^Bearer realm="countersign", error="invalid_token", resource_metadata="[^"]+"$/,
  );
});

test("RFC 6750 §3.1: a token whose scopes do not reach is 403 insufficient_scope, and names the scope it lacks", async () => {
  const narrow = await deployment.token(owner, { scope: "accounts:read" });
  refused(
    await deployment.get(place, narrow),
    403,
    "insufficient_scope",
    /^Bearer .*error="insufficient_scope", scope="service-accounts:read", resource_metadata="[^"]+"$/,
  );
});

test("RFC 6750 §3.1: an authority that lacks is 403 permission_denied, and says nothing of scopes", async () => {
  const viewer = await deployment.token(await tenant.account({ role: "viewer" }));
  refused(await deployment.get(place, viewer), 403, "permission_denied", undefined);
});

test("RFC 6750 §2: a token in the URL is refused everywhere, beside a header or alone, and one in a form body is not read", async () => {
  const evaluation = `/access/v1/evaluation?access_token=${good}`;
  const body = {
    subject: { type: "users", id: randomUUID() },
    action: { name: "accounts:read" },
    resource: { type: "organizations", id: tenant.id },
  };
  for (const on of [0, 1]) {
    assert.equal((await deployment.send(`${place}?access_token=${good}`, {}, on)).status, 400);
    assert.equal((await deployment.get(`${place}?access_token=${good}`, good, on)).status, 400);
    assert.equal((await deployment.post(evaluation, good, body, on)).status, 400);
  }
  const inForm = await deployment.form("/v1/clients", {
    access_token: good,
    parent: tenant.ref,
    display_name: "Sneaked in",
  });
  assert.ok(inForm.status === 401 || inForm.status === 415, inForm.text);
  const twice = await deployment.form(
    "/v1/clients",
    { access_token: good, parent: tenant.ref, display_name: "Sneaked in" },
    bearer(good),
  );
  assert.ok(twice.status === 400 || twice.status === 415, twice.text);
  assert.deepEqual((await deployment.get("/v1/clients", good)).json<{ items: unknown[] }>().items, []);
});

test("RFC 6750 §2.1: the scheme's case does not matter (RFC 9110 §11.1)", async () => {
  for (const scheme of ["bearer", "BEARER"])
    assert.equal((await deployment.send(place, { headers: { authorization: `${scheme} ${good}` } })).status, 200);
});

// ── forgeries ──

const { header, claims } = partsOf(good);
const soon = Number(claims["exp"]);

const hmac = (input: string, key: string | Buffer): string =>
  createHmac("sha256", key).update(input).digest("base64url");

/** A token that says this. Signed by the server's own key unless said otherwise: then only what it says can be what is wrong. */
const forged = (
  changedHeader: Fields,
  changedClaims: Fields | string,
  by: (input: string) => string = (input) => es256(input, ours.key),
): string => {
  const input = `${encoded({ ...header, ...changedHeader })}.${encoded(typeof changedClaims === "string" ? changedClaims : { ...claims, ...changedClaims })}`;
  return `${input}.${by(input)}`;
};
const byThem = (input: string): string => es256(input, theirs.privateKey);
const claimText = (from: string, to: string): string => JSON.stringify(claims).replace(from, to);
const publicPem = createPublicKey(ours.key).export({ format: "pem", type: "spki" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const tampered = (change: Fields): string => `${goodHead}.${encoded({ ...claims, ...change })}.${goodSignature}`;

const forgeries: Readonly<Record<string, readonly string[]>> = {
  "alg none, in every spelling, with and without a signature": ["none", "None", "NONE", "nOnE"].flatMap((alg) => [
    forged({ alg }, {}, () => ""),
    forged({ alg }, {}, () => goodSignature),
    forged({ alg }, {}),
    `${encoded({ alg })}.${goodBody}.`,
  ]),
  "HS256 with the public key as its secret": [
    forged({ alg: "HS256" }, {}, (input) => hmac(input, publicPem)),
    forged({ alg: "HS256" }, {}, (input) => hmac(input, JSON.stringify(ours.publicJwk))),
    forged({ alg: "HS256" }, {}, (input) => hmac(input, String(ours.publicJwk["x"]))),
    forged({ alg: "HS256" }, {}, (input) => hmac(input, Buffer.from(String(ours.publicJwk["x"]), "base64url"))),
    forged({ alg: "HS256" }, {}),
  ],
  "another algorithm or curve than the key's": [
    forged({ alg: "ES384" }, {}),
    forged({ alg: "RS256" }, {}),
    forged({ alg: "ES256K" }, {}),
    forged({ alg: ["ES256"] }, {}),
    forged({}, {}, (input) => es256(input, p384.privateKey)),
    forged({ alg: "RS256" }, {}, (input) => sign("sha256", Buffer.from(input), rsa.privateKey).toString("base64url")),
  ],
  "another key under our kid, and its own key along with it": [
    forged({}, {}, byThem),
    forged({ jwk: theirs.publicKey.export({ format: "jwk" }) }, {}, byThem),
    forged({ jku: "https://elsewhere.example/jwks" }, {}, byThem),
    forged({ x5u: "https://elsewhere.example/cert" }, {}, byThem),
    forged({ x5c: ["MIIB"] }, {}, byThem),
  ],
  "a header that says more than ours, though our own key signed it": [
    forged({ jwk: ours.publicJwk }, {}),
    forged({ jku: `${deployment.issuer}/oauth/jwks` }, {}),
    forged({ x5u: "https://elsewhere.example/cert" }, {}),
    forged({ crit: ["exp"] }, {}),
    forged({ crit: ["b64"], b64: false }, {}),
    forged({ zip: "DEF" }, {}),
    forged({ cty: "JWT" }, {}),
  ],
  "a kid that is a path, a statement, a control character, or nothing we know": [
    ...[
      "../../../../dev/null",
      "/dev/null",
      "x' or '1'='1",
      "x\u0000",
      "",
      randomUUID(),
      header["kid"] + " ",
      "__proto__",
      "constructor",
    ].flatMap((kid) => [
      forged({ kid }, {}),
      forged({ kid }, {}, byThem),
      forged({ kid }, {}, (input) => hmac(input, "")),
    ]),
    forged({ kid: [header["kid"]] }, {}),
    forged({ kid: null }, {}),
    `${encoded({ alg: "ES256", typ: "at+jwt" })}.${goodBody}.${goodSignature}`,
  ],
  "an exp that is missing, no number, or past, though our own key signed it": [
    forged({}, { exp: undefined }),
    forged({}, { exp: null }),
    forged({}, { exp: String(soon) }),
    forged({}, claimText(`"exp":${soon}`, '"exp":NaN')),
    forged({}, claimText(`"exp":${soon}`, '"exp":1e999')),
    forged({}, claimText(`"exp":${soon}`, '"exp":-1')),
    forged({}, { exp: { valueOf: soon } }),
    forged({}, { exp: Math.floor(Date.now() / 1000) - 1 }),
    forged({}, { exp: 0 }),
  ],
  "another typ, an ID token's among them (RFC 9068 §4), though our own key signed it": [
    forged({ typ: "JWT" }, {}),
    forged({ typ: "logout+jwt" }, {}),
    forged({ typ: undefined }, {}),
    forged({ typ: "at+JWT " }, {}),
    forged({ typ: "JWT" }, { aud: owner.client_id, nonce: "n" }),
  ],
  "claims that are missing, malformed, or another issuer's, though our own key signed it": [
    forged({}, { iss: "https://elsewhere.example" }),
    forged({}, { iss: `${deployment.issuer}/` }),
    forged({}, { sub: undefined }),
    forged({}, { sub: tenant.ref }),
    forged({}, { sub: "service-accounts/../users/1" }),
    forged({}, { jti: "not-a-uuid" }),
    forged({}, { jti: undefined }),
    forged({}, { aud: undefined }),
    forged({}, { aud: [] }),
    forged({}, { tenant_id: undefined }),
    forged({}, { tenant_id: "x' or '1'='1" }),
    forged({}, "[]"),
    forged({}, "null"),
    forged({}, "{"),
  ],
  "a principal that is not of that tenant, though our own key signed it": [
    forged({}, { tenant_id: other.id }),
    forged({}, { sub: stranger.ref }),
    forged({}, { sub: `service-accounts/${randomUUID()}` }),
    forged({}, { sub: `${principalCollections.human}/${owner.id}` }),
    forged({}, { tenant_id: randomUUID() }),
    forged({}, { tenant_id: "00000000-0000-4000-8000-000000000000" }),
  ],
  "a payload changed under the signature": [
    tampered({ tenant_id: other.id }),
    tampered({ tenant_id: other.id, sub: stranger.ref }),
    tampered({ sub: stranger.ref }),
    tampered({ scope: "* *" }),
    tampered({ exp: soon + 86_400 }),
    tampered({ jti: randomUUID() }),
  ],
  "a token cut short, grown, or put together wrongly": [
    `${goodHead}.${goodBody}`,
    `${goodHead}.${goodBody}.`,
    `${goodHead}..${goodSignature}`,
    `.${goodBody}.${goodSignature}`,
    `${goodBody}.${goodHead}.${goodSignature}`,
    good.slice(0, -1),
    good.slice(1),
    `${good}A`,
    `${good}.`,
    `${good}.${goodSignature}`,
    `${goodHead}=.${goodBody}.${goodSignature}`,
    good.replaceAll(".", ".."),
    `${goodHead}.${goodBody}.${"A".repeat(86)}`,
    `${goodHead}.${encoded({ ...claims, pad: "x".repeat(5_000) })}.${goodSignature}`,
  ],
};

test("the forgeries would be tokens, were they not forged: what our key signs unchanged is accepted", async () => {
  const own = forged({}, { jti: randomUUID() });
  for (const on of [0, 1]) {
    assert.equal((await deployment.get(place, own, on)).status, 200);
    assert.equal(await deployment.isActive(own, on), true);
  }
});

for (const [what, tokens] of Object.entries(forgeries)) {
  test(`RFC 8725: refused as a bearer, inactive to introspection, and no subject of a decision: ${what}`, async () => {
    for (const [index, token] of tokens.entries()) {
      const on = index % 2;
      const title = `${index}: ${token.slice(0, 200)}`;
      // Not every forgery can be written into a header; what cannot is no threat there.
      if (/^[\x21-\x7e]+$/.test(token))
        refused(await deployment.get(place, token, on), 401, "invalid_token", /^Bearer .*error="invalid_token"/);
      assert.equal(await deployment.introspect(token, on), '{"active":false}', title);
      const asked = await deployment.post(
        "/access/v1/evaluation",
        deployment.host,
        {
          subject: { type: "access_token", id: token.slice(0, 4_096) },
          action: { name: "organizations:read" },
          resource: { type: "organizations", id: tenant.id },
        },
        on,
      );
      assert.equal(asked.json<{ decision?: boolean }>().decision, false, `${title} ${asked.text}`);
    }
  });
}
