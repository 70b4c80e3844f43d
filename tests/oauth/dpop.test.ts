// DPoP where tokens are used (RFC 9449 §7): our own management and decision APIs, asked with proofs that are right but for one thing.
import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, randomUUID } from "node:crypto";
import { after, test } from "node:test";
import * as client from "openid-client";
import { startDeployment } from "./deployment.ts";
import { athOf, proofKey, proofOf, type ProofParts } from "./dpop-kit.ts";
import { type Answer, basic, bearer } from "./http.ts";
import { encoded, type Fields, signedJwt } from "./jwt.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const tenant = await deployment.tenant();
const owner = await tenant.account({ role: "owner" });
const ours = await deployment.signingKey();
const own = proofKey();
const path = "/v1/service-accounts";
const htu = deployment.issuer + path;
const now = () => Math.floor(Date.now() / 1000);

/** A token of the owner's as the server would make one, bound to a key. */
const tokenOf = (more: Fields = { cnf: { jkt: own.jkt } }): string =>
  signedJwt(
    { alg: "ES256", typ: "at+jwt", kid: ours.kid },
    {
      iss: deployment.issuer,
      sub: owner.ref,
      aud: deployment.issuer,
      client_id: owner.client_id,
      iat: now(),
      exp: now() + 300,
      jti: randomUUID(),
      scope: "*",
      ...more,
      tenant_id: tenant.id,
    },
    ours.key,
  );
const token = tokenOf();

const ask = (proof: string | undefined, as = token, on = 0, at = path): Promise<Answer> =>
  deployment.send(
    at,
    { headers: proof === undefined ? { authorization: `DPoP ${as}` } : { authorization: `DPoP ${as}`, dpop: proof } },
    on,
  );
const nonceOf = (answer: Answer): string => String(answer.headers["dpop-nonce"]);
const nonce = nonceOf(await ask(proofOf(own, "GET", htu)));
const ath = athOf(token);

/** A proof that is right but for what is said. */
const proof = (parts: ProofParts = {}, uri = htu): string =>
  proofOf(own, "GET", uri, { ...parts, claims: { nonce, ath, ...parts.claims } });

const refused = (answer: Answer, error: string, what = "it"): void => {
  assert.equal(answer.status, 401, `${what}: ${answer.text}`);
  const challenge = answer.headers["www-authenticate"] ?? "";
  assert.match(challenge, new RegExp(`^DPoP realm="countersign", error="${error}", .*algs="ES256 `), what);
  assert.match(challenge, /resource_metadata="/, what);
};

test("RFC 9449 §7.1: a bound token with the proof of its key is accepted, by every process", async () => {
  for (const on of [0, 1]) {
    const answer = await ask(proof(), token, on);
    assert.equal(answer.status, 200, answer.text);
    assert.match(nonceOf(answer), /^[\w-]{22}$/);
  }
});

test("RFC 9449 §7.1: a bound token is refused as a bearer token, whether a proof comes with it or not", async () => {
  for (const headers of [bearer(token), { ...bearer(token), dpop: proof() }]) {
    const answer = await deployment.send(path, { headers });
    refused(answer, "invalid_token");
  }
  const answer = await deployment.form("/oauth/introspect", { token: deployment.host }, bearer(token));
  assert.equal(answer.status, 401, answer.text);
});

test("RFC 9449 §7.1: a token that is bound to no key, or to another, is refused under the DPoP scheme", async () => {
  for (const other of [tokenOf({}), tokenOf({ cnf: { jkt: proofKey().jkt } })])
    refused(await ask(proof({ claims: { ath: athOf(other) } }), other), "invalid_token");
  refused(await ask(proof(), "nonsense"), "invalid_token");
});

test("RFC 9449 §9: without our nonce, or with another, the answer is 401 use_dpop_nonce and brings one", async () => {
  const old = createHmac("sha256", "a key").update("dpop nonce 1").digest().subarray(0, 16).toString("base64url");
  for (const given of [undefined, "", old, 7]) {
    const answer = await ask(proof({ claims: { nonce: given } }));
    refused(answer, "use_dpop_nonce");
    assert.equal((await ask(proof({ claims: { nonce: nonceOf(answer) } }))).status, 200);
  }
});

test("RFC 9449 §4.3: a proof that is wrong in any one thing is refused", async () => {
  const other = proofKey();
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });
  const secret = { kty: "oct", k: encoded("secret") };
  const wrong: Readonly<Record<string, string | undefined>> = {
    "no proof": undefined,
    "no JWT": "nonsense",
    "two proofs in one header": `${proof()}, ${proof()}`,
    "another typ": proof({ header: { typ: "JWT" } }),
    "no typ": proof({ header: { typ: undefined } }),
    "alg none": proof({ header: { alg: "none" } }),
    "a symmetric key": proof({ header: { alg: "HS256", jwk: secret } }),
    RS256: proof({ header: { alg: "RS256", jwk: rsa } }),
    "an alg of another key kind": proof({ header: { alg: "PS256" } }),
    "an alg of another curve": proof({ header: { alg: "ES384" } }),
    "an alg that is a property of every object": proof({ header: { alg: "constructor" } }),
    "no jwk": proof({ header: { jwk: undefined } }),
    "a private jwk": proof({ header: { jwk: own.key.export({ format: "jwk" }) } }),
    "a jwk that is no point of the curve": proof({ header: { jwk: { ...own.jwk, y: own.jwk["x"] } } }),
    "an unknown critical header": proof({ header: { crit: ["exp"], exp: 1 } }),
    "another key's signature": proof({ signedWith: other.key }),
    "another method": proofOf(own, "POST", htu, { claims: { nonce, ath } }),
    "a method in lower case": proofOf(own, "get", htu, { claims: { nonce, ath } }),
    "another path": proof({}, `${deployment.issuer}/v1/users`),
    "another host": proof({}, `http://evil.example${path}`),
    "another scheme": proof({}, htu.replace("http:", "https:")),
    "a userinfo": proof({}, htu.replace("//", "//user@")),
    "no jti": proof({ claims: { jti: undefined } }),
    "a jti that is too long": proof({ claims: { jti: "x".repeat(201) } }),
    "no iat": proof({ claims: { iat: undefined } }),
    "an iat that is text": proof({ claims: { iat: String(now()) } }),
    "an iat of more than 60 s ago": proof({ claims: { iat: now() - 62 } }),
    "an iat of more than 10 s ahead": proof({ claims: { iat: now() + 13 } }),
    "no ath": proof({ claims: { ath: undefined } }),
    "another token's ath": proof({ claims: { ath: athOf(tokenOf()) } }),
    "a proof that is too long": proof({ claims: { more: "x".repeat(4_000) } }),
  };
  for (const [what, text] of Object.entries(wrong)) refused(await ask(text), "invalid_dpop_proof", what);
});

test("RFC 9449 §11.1: an iat of up to 60 s ago, and of up to 10 s ahead, is accepted", async () => {
  for (const iat of [now() - 55, now() + 8]) assert.equal((await ask(proof({ claims: { iat } }))).status, 200);
});

test("RFC 9449 §4.3 check 9: htu is compared without query and fragment, and normalised as RFC 3986 says", async () => {
  const { port } = new URL(deployment.issuer);
  for (const uri of [
    `${htu}?page_size=1`,
    `${htu}#there`,
    `HTTP://LOCALHOST:${port}${path}`,
    `http://localhost:${port}/v1/%73ervice%2Daccounts`,
    `http://localhost:${port}/v1/../v1/./service-accounts`,
  ])
    assert.equal((await ask(proof({}, uri))).status, 200, uri);
  // What the query says is nobody's business here.
  assert.equal((await ask(proof(), token, 0, `${path}?page_size=1`)).status, 200);
});

test("RFC 9449 §11.1, invariant 3: of 20 uses of one proof at once, across two processes, one succeeds", async () => {
  const once = proof();
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(once, token, n % 2)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  refused(await ask(once), "invalid_dpop_proof");
  const kept = await deployment.sql<{ count: number }>(
    "select count(*)::int as count from spent_once where purpose = 'dpop' and expire_time < now() + interval '90 seconds'",
  );
  assert.ok((kept[0]?.count ?? 0) > 0, "a spent proof is remembered, and no longer than it could be used");
});

test("RFC 9449 §7: the decision API takes bound tokens with their proofs, and in no other way", async () => {
  const decide = "/access/v1/evaluation";
  const body = JSON.stringify({
    subject: { type: "service-accounts", id: owner.id },
    action: { name: "service-accounts:read" },
    resource: { type: "organizations", id: tenant.id },
  });
  const post = (headers: Readonly<Record<string, string>>) =>
    deployment.send(decide, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
  const right = proofOf(own, "POST", deployment.issuer + decide, { claims: { nonce, ath } });
  const answer = await post({ authorization: `DPoP ${token}`, dpop: right });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json<{ decision: boolean }>().decision, true);
  refused(await post({ authorization: `DPoP ${token}`, dpop: right }), "invalid_dpop_proof", "twice");
  refused(await post({ authorization: `DPoP ${token}` }), "invalid_dpop_proof", "no proof");
  refused(await post(bearer(token)), "invalid_token", "as a bearer token");
});

test("RFC 9449 §5: a machine's token is bound to the key it proved when it asked, whatever its format", async () => {
  const at = `${deployment.issuer}/oauth/token`;
  for (const access_token_format of ["jwt", "opaque"] as const) {
    const machine = await tenant.account({ role: "owner", access_token_format });
    const request = (dpop: string) =>
      deployment.form(
        "/oauth/token",
        { grant_type: "client_credentials" },
        { ...basic(machine.client_id, machine.client_secret), dpop },
      );
    const first = await request(proofOf(own, "POST", at));
    assert.equal(first.status, 400, first.text);
    assert.equal(first.json<{ error: string }>().error, "use_dpop_nonce");
    const given = nonceOf(first);
    const right = proofOf(own, "POST", at, { claims: { nonce: given } });
    const answer = await request(right);
    assert.equal(answer.status, 200, answer.text);
    const made = answer.json<{ access_token: string; token_type: string }>();
    assert.equal(made.token_type, "DPoP");
    const again = await request(right);
    assert.equal(again.status, 400, again.text);
    assert.equal(again.json<{ error: string }>().error, "invalid_dpop_proof");
    const seen = JSON.parse(await deployment.introspect(made.access_token)) as Fields;
    assert.deepEqual(seen["cnf"], { jkt: own.jkt });
    assert.equal(seen["token_type"], "DPoP");
    refused(await deployment.send(path, { headers: bearer(made.access_token) }), "invalid_token");
    const used = proof({ claims: { ath: athOf(made.access_token) } });
    assert.equal((await ask(used, made.access_token)).status, 200);
  }
});

test("openid-client, RFC 9449 §8: a client that knows no nonce yet is told one, and goes on by itself", async () => {
  const machine = await tenant.account({ role: "owner" });
  const config = await client.discovery(
    new URL(deployment.issuer),
    machine.client_id,
    undefined,
    client.ClientSecretBasic(machine.client_secret),
    { execute: [client.allowInsecureRequests] },
  );
  for (const alg of ["ES256", "PS256", "Ed25519"]) {
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair(alg));
    const tokens = await client.clientCredentialsGrant(config, undefined, { DPoP });
    assert.equal(tokens.token_type, "dpop");
    const answer = await client.fetchProtectedResource(
      config,
      tokens.access_token,
      new URL(htu),
      "GET",
      undefined,
      undefined,
      { DPoP },
    );
    assert.equal(answer.status, 200, alg);
  }
});

test("RFC 9449 §11.1: a used proof stays used however the path of its request is written", async () => {
  const used = proof();
  assert.equal((await ask(used)).status, 200);
  for (const at of [path, `${path}?page_size=1`, path.replace("service", "%73ervice")])
    refused(await ask(used, token, 0, at), "invalid_dpop_proof", at);
});

test("RFC 9449 §7.1: introspection and revocation take a machine's bound token with its proof, and in no other way", async () => {
  const subject = await deployment.token(await tenant.account());
  for (const at of ["/oauth/introspect", "/oauth/revoke"]) {
    const post = (headers: Readonly<Record<string, string>>) => deployment.form(at, { token: subject }, headers);
    const fresh = (claims: Fields = {}) =>
      proofOf(own, "POST", deployment.issuer + at, { claims: { nonce, ath, ...claims } });
    const answers = {
      "as a bearer token": await post(bearer(token)),
      "no proof": await post({ authorization: `DPoP ${token}` }),
      "another's key": await post({
        authorization: `DPoP ${token}`,
        dpop: proofOf(proofKey(), "POST", deployment.issuer + at, { claims: { nonce, ath } }),
      }),
      "another token's proof": await post({ authorization: `DPoP ${token}`, dpop: fresh({ ath: athOf("other") }) }),
      "a token nobody made": await post({ authorization: "DPoP nothing", dpop: fresh() }),
      "a client's secret": await post({ authorization: `DPoP ${owner.client_secret}`, dpop: fresh() }),
    };
    for (const [what, answer] of Object.entries(answers)) {
      assert.equal(answer.status, 401, `${at}, ${what}: ${answer.text}`);
      assert.ok(!answer.text.includes('"active"'), `${at}, ${what}`);
    }
    const without = await post({ authorization: `DPoP ${token}`, dpop: fresh({ nonce: undefined }) });
    assert.equal(without.json<{ error: string }>().error, "use_dpop_nonce", at);
    assert.ok(nonceOf(without), at);
    assert.equal(await deployment.isActive(subject), true, at);
    const right = fresh();
    const answer = await post({ authorization: `DPoP ${token}`, dpop: right });
    assert.equal(answer.status, 200, `${at}: ${answer.text}`);
    if (at === "/oauth/introspect") assert.equal(answer.json<{ active: boolean }>().active, true);
    const again = await post({ authorization: `DPoP ${token}`, dpop: right });
    assert.equal(again.status, 401, `${at}, twice: ${again.text}`);
    assert.match(again.headers["www-authenticate"] ?? "", /^DPoP realm="countersign", error="invalid_dpop_proof"/);
  }
  assert.equal(await deployment.isActive(subject), false);
});
