/** Signed request objects over real HTTP (RFC 9101). */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { type App, authorizeKit, type Human, redirectUri } from "./authorize-kit.ts";
import { type Deployment, startDeployment } from "./deployment.ts";
import type { Answer } from "./http.ts";

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

let deployment: Deployment;
let kit: ReturnType<typeof authorizeKit>;
let app: App;
let ada: Human;
let pair: Pair;

before(async () => {
  deployment = await startDeployment();
  kit = authorizeKit(deployment);
  pair = await generateKeyPair("ES256");
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: "signing", alg: "ES256", use: "sig" };
  app = await kit.application({ jwks: { keys: [jwk] }, token_endpoint_auth_method: "private_key_jwt" });
  ada = await kit.human(await deployment.tenant());
});
after(() => deployment.close());

const claims = (more: JWTPayload = {}): JWTPayload => ({
  ...(kit.requestOf(app, {}) as JWTPayload),
  iss: app.client_id,
  aud: deployment.issuer,
  exp: Math.floor(Date.now() / 1000) + 60,
  state: "signed",
  ...more,
});
const signed = (more: JWTPayload = {}, header: object = {}, key = pair.privateKey): Promise<string> =>
  new SignJWT(claims(more)).setProtectedHeader({ alg: "ES256", kid: "signing", ...header }).sign(key);

const present = async (request: string, beside: object = {}): Promise<Answer> =>
  kit.browse({ client_id: app.client_id, redirect_uri: redirectUri, request, state: "outer", ...beside }, ada);
const refused = async (request: string): Promise<void> => {
  const told = kit.answerOf(await present(request));
  assert.equal(told["error"], "invalid_request_object", JSON.stringify(told));
  assert.equal(told["code"], undefined);
};

describe("RFC 9101", () => {
  test("§6.3: what the object says replaces the parameters beside it", async () => {
    const told = kit.answerOf(await present(await signed(), { scope: "openid nothing:read", response_type: "token" }));
    assert.ok(told["code"], JSON.stringify(told));
    assert.equal(told["state"], "signed");
    const page = await kit.browse({ client_id: app.client_id, request: await signed({ typ: "x" }) }, ada);
    assert.ok(kit.answerOf(page)["code"], "nothing has to stand beside it but the client_id");
  });

  test("§5: a redirect URI that is only beside the object is not the request's", async () => {
    const answer = await present(await signed({ redirect_uri: "https://evil.example/" }));
    assert.equal(answer.status, 400);
    assert.equal(answer.headers.location, undefined);
  });

  test("§4: JSON members come as themselves", async () => {
    const request = await signed({
      max_age: 3600,
      claims: { id_token: { email: null } },
      resource: ["https://api.example/"],
    });
    assert.ok(kit.answerOf(await present(request))["code"]);
    await refused(await signed({ scope: ["openid"] }));
    await refused(await signed({ state: 7 }));
  });

  test("§10.2: alg none is refused, and so is every key but the client's own", async () => {
    await refused(new UnsecuredJWT(claims()).encode());
    const other = await generateKeyPair("ES256");
    await refused(await signed({}, {}, other.privateKey));
    await refused(await signed({}, { kid: "unknown" }));
    const octets = new TextEncoder().encode(JSON.stringify(await exportJWK(pair.publicKey)).padEnd(64));
    await refused(await new SignJWT(claims()).setProtectedHeader({ alg: "HS256", kid: "signing" }).sign(octets));
    const jwk = await exportJWK(other.publicKey);
    await refused(await new SignJWT(claims()).setProtectedHeader({ alg: "ES256", jwk }).sign(other.privateKey));
    const critical = new SignJWT(claims()).setProtectedHeader({ alg: "ES256", kid: "signing", crit: ["exp"], exp: 1 });
    await refused(await critical.sign(pair.privateKey, { crit: { exp: true } }));
    const text = await signed();
    await refused(`${text.slice(0, -4)}AAAA`);
    await refused("no.jwt.atall");
    await refused("x".repeat(20_000).slice(0, 4_000));
  });

  test("§6.3: iss is the client, aud is this server, and exp is near", async () => {
    const now = Math.floor(Date.now() / 1000);
    await refused(await signed({ iss: "somebody" }));
    await refused(await signed({ aud: "https://other.example" }));
    await refused(await signed({ aud: undefined as never }));
    await refused(await signed({ exp: now - 60 }));
    await refused(await signed({ exp: now + 7200 }));
    await refused(await signed({ exp: undefined as never }));
    await refused(await signed({ nbf: now + 600 }));
    await refused(await signed({ client_id: "another" }));
    assert.ok(
      kit.answerOf(await present(await signed({ aud: [deployment.issuer, "https://x.example"] as never })))["code"],
    );
  });

  test("§10.8: another kind of token is no request object, nor the other way round", async () => {
    await refused(await signed({}, { typ: "at+jwt" }));
    await refused(await signed({}, { typ: "dpop+jwt" }));
    await refused(await signed({ sub: app.client_id }));
    assert.ok(kit.answerOf(await present(await signed({}, { typ: "oauth-authz-req+jwt" })))["code"]);
  });

  test("§4: an object within the object is refused", async () => {
    await refused(await signed({ request: await signed() }));
    await refused(await signed({ request_uri: "urn:ietf:params:oauth:request_uri:x" }));
    const both = await present(await signed(), { request_uri: "https://app.example/request.jwt" });
    assert.equal(kit.answerOf(both)["error"], "invalid_request");
  });

  test("§5: without a client that is known there is nobody to answer", async () => {
    const answer = await kit.browse({ request: await signed() }, ada);
    assert.equal(answer.status, 400);
    const other = await kit.application();
    assert.equal(
      kit.answerOf(await kit.browse({ client_id: other.client_id, request: await signed() }, ada))["error"],
      "invalid_request_object",
    );
  });

  test("§10.5: a client that is registered to sign is refused otherwise, pushed or not", async () => {
    const jwk = { ...(await exportJWK(pair.publicKey)), kid: "signing" };
    const strict = await kit.application({
      jwks: { keys: [jwk] },
      require_signed_request_object: true,
      request_object_signing_alg: "ES256",
    });
    assert.equal(kit.answerOf(await kit.authorize(strict, {}, ada))["error"], "invalid_request");
    const bare = await kit.push(strict);
    assert.equal(bare.status, 400);
    assert.equal(bare.json()["error"], "invalid_request");
    const request = await new SignJWT({ ...claims(), iss: strict.client_id, client_id: strict.client_id })
      .setProtectedHeader({ alg: "ES256", kid: "signing" })
      .sign(pair.privateKey);
    const pushed = await kit.push(strict, { request });
    assert.equal(pushed.status, 201, pushed.text);
    const { request_uri } = pushed.json<{ request_uri: string }>();
    assert.equal(kit.answerOf(await kit.visit(strict, request_uri, ada))["state"], "signed");
    const broken = await kit.push(strict, { request: `${request}x` });
    assert.equal(broken.json()["error"], "invalid_request_object");
  });
});
