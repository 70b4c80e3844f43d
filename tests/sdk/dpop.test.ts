/** DPoP at a resource server (RFC 9449 §4.3, §7): a bound token is used with the proof of its key, once, here, now, or not at all. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test, type TestContext } from "node:test";
import { countersign, memoryReplays, type Options } from "../../sdk/countersign.ts";
import { athOf, type ProofParts, proofKey, proofOf } from "../oauth/dpop-kit.ts";
import { bearer, send } from "../oauth/http.ts";
import { acme, adapters, audience, heard, issuerFor, usual } from "./kit.ts";

/** Where clients reach the service, whatever address the test reaches it at. */
const outside = "https://files.example.com";

const served = async (t: TestContext, options: Partial<Options> = {}, name = "node") => {
  const issuer = await issuerFor(t);
  const { platform, lines } = heard();
  const settings = { issuer: issuer.url, audience, credentials: issuer.credentials, ...options };
  const start = adapters[name];
  assert.ok(start);
  const service = await start(countersign({ ...settings, platform: { ...platform, ...options.platform } }), usual);
  t.after(() => service.close());
  const own = proofKey();
  const token = await issuer.mint({ tenant: acme, audience, boundTo: own.jkt });
  const me = async (proof: string | undefined, authorization = `DPoP ${token}`, path = "/me", method = "GET") =>
    send(service.url + path, { method, headers: { authorization, ...(proof === undefined ? {} : { dpop: proof }) } });
  const proof = (parts: ProofParts = {}, htm = "GET", htu = `${outside}/me`) =>
    proofOf(own, htm, htu, { ...parts, claims: { ath: athOf(token), ...parts.claims } });
  return { issuer, service, own, token, me, proof, lines };
};

for (const name of Object.keys(adapters))
  test(`${name}: a bound token opens with its proof, and as a bearer token it does not`, async (t) => {
    const { service, token, me, proof } = await served(t, {}, name);
    const answer = await me(proof());
    assert.equal(answer.status, 200, answer.text);
    const stolen = await send(`${service.url}/me`, { headers: bearer(token) });
    assert.equal(stolen.status, 401);
    assert.match(String(stolen.headers["www-authenticate"]), /^DPoP .*error="invalid_token".* algs="ES256 /);
    const used = proof();
    assert.equal((await me(used)).status, 200);
    const again = await me(used);
    assert.equal(again.status, 401, "a proof is good once");
    assert.match(String(again.headers["www-authenticate"]), /error="invalid_dpop_proof"/);
  });

test("a proof that is not of this token, this key, this request and this minute is refused", async (t) => {
  const { issuer, own, token, me, proof } = await served(t);
  const now = Math.floor(Date.now() / 1000);
  const stranger = proofKey();
  const wrong: Readonly<Record<string, string | undefined>> = {
    "that is missing": undefined,
    "that is empty": "",
    "that is no JWT": "nonsense",
    "that is two": `${proof()},${proof()}`,
    "of another token": proof({ claims: { ath: athOf(`${token}x`) } }),
    "without a token's hash": proof({ claims: { ath: undefined } }),
    "of another method": proof({}, "POST"),
    "of another path": proof({}, "GET", `${outside}/you`),
    "of another host": proof({}, "GET", "https://evil.example/me"),
    "of the address the request went to, which is not the service's name": proof({}, "GET", "http://127.0.0.1/me"),
    "from another scheme": proof({}, "GET", "http://files.example.com/me"),
    "of yesterday": proof({ claims: { iat: now - 61 - 5 } }),
    "of tomorrow": proof({ claims: { iat: now + 60 } }),
    "without a time": proof({ claims: { iat: undefined } }),
    "without an id": proof({ claims: { jti: undefined } }),
    "signed by another key than it names": proof({ signedWith: stranger.key }),
    "with another type": proof({ header: { typ: "JWT" } }),
    "with alg none": `${proof({ header: { alg: "none" } })
      .split(".")
      .slice(0, 2)
      .join(".")}.`,
    "with a shared key's algorithm": proof({ header: { alg: "HS256" } }),
    "whose key is not its algorithm's": proof({ header: { alg: "EdDSA" } }),
    "that shows its private key": proof({ header: { jwk: { ...own.jwk, d: "x" } } }),
    "without a key": proof({ header: { jwk: undefined } }),
  };
  for (const [name, text] of Object.entries(wrong)) {
    const answer = await me(text);
    assert.equal(answer.status, 401, `a proof ${name} was answered with ${answer.status}: ${answer.text}`);
    assert.match(String(answer.headers["www-authenticate"]), /^DPoP .*error="invalid_dpop_proof"/, name);
  }
  const ofStranger = proofOf(stranger, "GET", `${outside}/me`, { claims: { ath: athOf(token) } });
  const another = await me(ofStranger);
  assert.equal(another.status, 401);
  assert.match(String(another.headers["www-authenticate"]), /error="invalid_token"/, "RFC 9449 §7.1");

  const unbound = await issuer.mint({ tenant: acme, audience });
  const dressed = await me(
    proofOf(own, "GET", `${outside}/me`, { claims: { ath: athOf(unbound) } }),
    `DPoP ${unbound}`,
  );
  assert.equal(dressed.status, 401, "a bearer token under the DPoP scheme");
  assert.equal((await me(proof(), "DPoP nonsense")).status, 401);
});

test("a used proof stays used however its path is written, and whichever way the request is repeated", async (t) => {
  const { me, proof, token } = await served(t);
  const used = proof();
  assert.equal((await me(used, `DPoP ${token}`, "/me?one=1")).status, 200, "query and fragment are no part of it");
  for (const path of ["/me", "/%6De", "/me?two=2", "/me?access=%20"])
    assert.equal((await me(used, `DPoP ${token}`, path)).status, 401, path);
});

test("fifty requests with one proof at once: one is answered", async (t) => {
  const { me, proof } = await served(t);
  const used = proof();
  const answers = await Promise.all(Array.from({ length: 50 }, () => me(used)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
});

test("with a nonce required, a proof is sent back once with ours, and then accepted", async (t) => {
  const clock = { now: Date.now() };
  const dpop = { nonceSecret: randomBytes(32) };
  const { me, proof } = await served(t, { dpop, platform: { now: () => clock.now } });
  const first = await me(proof());
  assert.equal(first.status, 401);
  assert.match(String(first.headers["www-authenticate"]), /error="use_dpop_nonce"/);
  const nonce = String(first.headers["dpop-nonce"]);
  assert.equal((await me(proof({ claims: { nonce } }))).status, 200);
  for (const wrong of ["", "made-up", 7, nonce.slice(0, -1)])
    assert.equal((await me(proof({ claims: { nonce: wrong } }))).status, 401);
  clock.now += 10 * 60_000;
  const late = proof({ claims: { nonce, iat: Math.floor(clock.now / 1000) } });
  assert.match(String((await me(late)).headers["www-authenticate"]), /use_dpop_nonce|invalid_token/);
});

test("a replay store that fails, or is full, is a no", async (t) => {
  const failing = await served(t, { dpop: { replays: { spend: () => Promise.reject(new Error("gone")) } } });
  assert.equal((await failing.me(failing.proof())).status, 503);
  const vague = await served(t, { dpop: { replays: { spend: () => "OK" as unknown as boolean } } });
  assert.equal((await vague.me(vague.proof())).status, 401, "only `true` is a yes");
  const full = await served(t, { dpop: { replays: memoryReplays({ now: () => Date.now() }, 1) } });
  assert.equal((await full.me(full.proof())).status, 200);
  assert.equal((await full.me(full.proof())).status, 503);
});

test("a service that does not know its own URL takes no bound token", async (t) => {
  const { issuer, own, me } = await served(t, { audience: "urn:example:files" });
  const token = await issuer.mint({ tenant: acme, audience: "urn:example:files", boundTo: own.jkt });
  const proof = proofOf(own, "GET", `${outside}/me`, { claims: { ath: athOf(token) } });
  const answer = await me(proof, `DPoP ${token}`);
  assert.equal(answer.status, 401);
  assert.match(answer.text, /does not know its own URL/);
});
