// How an application proves itself (RFC 6749 §2.3, RFC 7523): in the way it is registered with, and in no other.
import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { base64url, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { assertionType } from "../../server/tokens/client-assertion.ts";
import { startDeployment } from "./deployment.ts";
import { type Answer, basic } from "./http.ts";

/** What the clients publish their keys with. */
const keyServer: { answer: RequestListener } = { answer: (_request, response) => response.end() };
const http = createServer((request, response) => keyServer.answer(request, response));
await new Promise<void>((done) => http.listen(0, "127.0.0.1", done));
const keyPort = (http.address() as AddressInfo).port;
const jwks_uri = (path: string) => `http://127.0.0.1:${keyPort}/${path}`;

const deployment = await startDeployment({
  servers: 2,
  env: { COUNTERSIGN_OUTBOUND_ALLOW: `127.0.0.1:${keyPort}` },
});
after(async () => {
  await deployment.close();
  http.closeAllConnections();
  http.close();
});
const { issuer } = deployment;
const tenant = await deployment.tenant();

type Made = { readonly id: string; readonly client_id: string; readonly client_secret: string };
const application = async (more: object = {}): Promise<Made> =>
  (await tenant.does("/v1/applications", {
    parent: tenant.ref,
    display_name: "An app",
    redirect_uris: ["https://app.example/callback"],
    grant_types: ["authorization_code", "refresh_token"],
    ...more,
  })) as unknown as Made;

type Fields = Readonly<Record<string, string>>;
/** A grant that nobody was given: what is answered to it says whether the client proved itself. */
const present = (fields: Fields, headers: Fields = {}, on = 0) =>
  deployment.form("/oauth/token", { grant_type: "refresh_token", refresh_token: "garbage", ...fields }, headers, on);
const proven = (answer: Answer): void => {
  assert.equal(answer.status, 400, answer.text);
  assert.equal(answer.json<{ error: string }>().error, "invalid_grant", answer.text);
};
const refused = (answer: Answer, challenge: boolean): void => {
  assert.equal(answer.status, 401, answer.text);
  assert.equal(answer.json<{ error: string }>().error, "invalid_client");
  assert.equal(answer.headers["cache-control"], "no-store");
  if (challenge) assert.match(String(answer.headers["www-authenticate"]), /^Basic realm=/);
  else assert.equal(answer.headers["www-authenticate"], undefined);
};

test("RFC 6749 §2.3: each method is accepted from whom it is registered for, and from nobody else", async () => {
  const of = {
    none: await application({ token_endpoint_auth_method: "none" }),
    client_secret_basic: await application(),
    client_secret_post: await application({ token_endpoint_auth_method: "client_secret_post" }),
  };
  const ways: Readonly<Record<string, (made: Made, secret: string) => Promise<Answer>>> = {
    none: ({ client_id }) => present({ client_id }),
    client_secret_basic: ({ client_id }, secret) => present({}, basic(client_id, secret)),
    client_secret_post: ({ client_id }, client_secret) => present({ client_id, client_secret }),
  };
  for (const [registered, made] of Object.entries(of))
    for (const [way, ask] of Object.entries(ways)) {
      const answer = await ask(made, made.client_secret ?? of.client_secret_basic.client_secret);
      if (way === registered) proven(answer);
      else refused(answer, way === "client_secret_basic");
    }
});

test("RFC 6749 §2.3.1: a wrong secret is 401 invalid_client, with a challenge where a header was used", async () => {
  const [app, other] = [await application(), await application()];
  const post = await application({ token_endpoint_auth_method: "client_secret_post" });
  const account = await tenant.account();
  for (const secret of [
    "",
    "x",
    other.client_secret,
    post.client_secret,
    account.client_secret,
    `${app.client_secret}x`,
    app.client_secret.slice(0, -1),
  ]) {
    refused(await present({}, basic(app.client_id, secret)), true);
    refused(
      await present({ client_id: post.client_id, client_secret: secret === post.client_secret ? "x" : secret }),
      false,
    );
  }
  refused(await present({}, basic("app_live_unknown", app.client_secret)), true);
  refused(await present({}, basic(`app_live_${"A".repeat(38)}`, app.client_secret)), true);
  refused(await present({}, { authorization: "Basic !!!" }), true);
  // RFC 6749 §2.3.1: both halves are form-urlencoded.
  const encoded = [app.client_id, app.client_secret].map((text) => text.replaceAll("_", "%5F")).join(":");
  proven(await present({}, { authorization: `basic ${Buffer.from(encoded).toString("base64")}` }));
  proven(await present({ client_id: app.client_id }, basic(app.client_id, app.client_secret)));
  refused(await present({ client_id: other.client_id }, basic(app.client_id, app.client_secret)), true);
});

test("RFC 6749 §2.3: two methods at once are refused, and so is a parameter that came twice", async () => {
  const { client_id, client_secret } = await application();
  const both = await present({ client_id, client_secret }, basic(client_id, client_secret));
  assert.deepEqual([both.status, both.json<{ error: string }>().error], [400, "invalid_request"]);
  const twice = await deployment.form("/oauth/token", {
    grant_type: "refresh_token",
    refresh_token: "garbage",
    client_id: [client_id, client_id],
    client_secret,
  });
  assert.equal(twice.status, 400, twice.text);
  const three = await present({
    client_id,
    client_secret,
    client_assertion: "a.b.c",
    client_assertion_type: assertionType,
  });
  assert.equal(three.status, 400, three.text);
});

test("invariant 7: a rotated secret, a disabled and a deleted client are refused at every process at once", async () => {
  const app = await application();
  const ask = (secret: string, on: number) => present({}, basic(app.client_id, secret), on);
  for (const on of [0, 1]) proven(await ask(app.client_secret, on));
  const overlapping = await tenant.does(`/v1/applications/${app.id}:rotateSecret`, { overlap_seconds: 60 });
  const second = String(overlapping["client_secret"]);
  for (const on of [0, 1]) for (const secret of [app.client_secret, second]) proven(await ask(secret, on));
  const third = String((await tenant.does(`/v1/applications/${app.id}:rotateSecret`))["client_secret"]);
  for (const on of [0, 1]) {
    for (const secret of [app.client_secret, second]) refused(await ask(secret, on), true);
    proven(await ask(third, on));
  }
  await tenant.does(`/v1/applications/${app.id}:disable`, {}, 1);
  for (const on of [0, 1]) refused(await ask(third, on), true);
  await tenant.does(`/v1/applications/${app.id}:enable`);
  for (const on of [0, 1]) proven(await ask(third, on));
  await deployment.send(`/v1/applications/${app.id}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${deployment.host}`, "countersign-tenant": tenant.ref },
  });
  for (const on of [0, 1]) refused(await ask(third, on), true);
});

const seconds = (): number => Math.floor(Date.now() / 1000);
const claimsOf = ({ client_id }: Made): JWTPayload => ({
  iss: client_id,
  sub: client_id,
  aud: issuer,
  jti: randomUUID(),
  iat: seconds(),
  exp: seconds() + 60,
});
type Key = Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];
const signed = (claims: JWTPayload, key: Key, alg: string, kid = "one"): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(key);
const asserting = (client_assertion: string, more: Fields = {}, on = 0) =>
  present({ client_assertion, client_assertion_type: assertionType, ...more }, {}, on);
const keyOf = async (alg: string, kid = "one") => {
  const pair = await generateKeyPair(alg, { extractable: true });
  return { ...pair, jwk: { ...(await exportJWK(pair.publicKey)), kid } };
};

test("RFC 7523 §3: an assertion proves its client once, by the algorithms of its key or the one registered", async () => {
  for (const alg of ["ES256", "PS256", "EdDSA"]) {
    const { privateKey, jwk } = await keyOf(alg);
    const app = await application({ token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [jwk] } });
    const assertion = await signed(claimsOf(app), privateKey, alg);
    proven(await asserting(assertion));
    refused(await asserting(assertion, {}, 1), false);
    proven(await asserting(await signed(claimsOf(app), privateKey, alg), { client_id: app.client_id }, 1));
    refused(await present({ client_id: app.client_id }), false);
  }
  const { privateKey, jwk } = await keyOf("RS256");
  const keys = { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [jwk] } };
  const [bare, registered] = [
    await application(keys),
    await application({ ...keys, token_endpoint_auth_signing_alg: "RS256" }),
  ];
  refused(await asserting(await signed(claimsOf(bare), privateKey, "RS256")), false);
  proven(await asserting(await signed(claimsOf(registered), privateKey, "RS256")));
  refused(await asserting(await signed(claimsOf(registered), privateKey, "PS256").catch(() => "a.b.c")), false);
});

test("RFC 7523 §3: iss, sub, aud, exp and jti are what they must be, and no other key, client or algorithm will do", async () => {
  const { privateKey, jwk } = await keyOf("ES256");
  const stranger = await keyOf("ES256");
  const register = () => application({ token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [jwk] } });
  const [app, other] = [await register(), await register()];
  const { exp: _exp, ...endless } = claimsOf(app);
  const { jti: _jti, ...nameless } = claimsOf(app);
  const wrong: readonly JWTPayload[] = [
    { ...claimsOf(app), iss: other.client_id },
    { ...claimsOf(app), sub: other.client_id },
    { ...claimsOf(app), aud: `${issuer}/oauth/token` },
    { ...claimsOf(app), aud: [issuer] },
    { ...claimsOf(app), exp: seconds() - 60 },
    { ...claimsOf(app), exp: seconds() + 3600 },
    { ...claimsOf(app), nbf: seconds() + 3600 },
    endless,
    nameless,
  ];
  for (const claims of wrong) refused(await asserting(await signed(claims, privateKey, "ES256")), false);
  refused(await asserting(await signed(claimsOf(app), stranger.privateKey, "ES256")), false);
  refused(await asserting(await signed(claimsOf(app), privateKey, "ES256", "another")), false);
  refused(await asserting(await signed(claimsOf(app), privateKey, "ES256"), { client_id: other.client_id }), false);
  const forged = (header: object): string => {
    const input = `${base64url.encode(JSON.stringify(header))}.${base64url.encode(JSON.stringify(claimsOf(app)))}`;
    return `${input}.${createHmac("sha256", JSON.stringify(jwk)).update(input).digest("base64url")}`;
  };
  for (const header of [{ alg: "none" }, { alg: "HS256", kid: "one" }, { alg: "ES256", kid: "one" }])
    refused(await asserting(forged(header)), false);
  proven(await asserting(await signed(claimsOf(app), privateKey, "ES256")));
});

test("invariant 3: one assertion of an application sent 30 times at once, to two processes, is accepted exactly once", async () => {
  const { privateKey, jwk } = await keyOf("ES256");
  const app = await application({ token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [jwk] } });
  const assertion = await signed(claimsOf(app), privateKey, "ES256");
  const answers = await Promise.all(Array.from({ length: 30 }, (_, n) => asserting(assertion, {}, n % 2)));
  assert.equal(answers.filter(({ status }) => status === 400).length, 1);
  assert.equal(answers.filter(({ status }) => status === 401).length, 29);
});

test("RFC 7591 §2 jwks_uri: keys are fetched when they are needed, kept, and fetched again for a new key id, throttled", async () => {
  const [first, second] = [await keyOf("ES256", "first"), await keyOf("ES256", "second")];
  const published = { keys: [first.jwk as object], fetched: 0, up: true };
  keyServer.answer = (_request, response) => {
    published.fetched += 1;
    if (!published.up) return void response.writeHead(500).end();
    response
      .writeHead(200, { "content-type": "application/jwk-set+json" })
      .end(JSON.stringify({ keys: published.keys }));
  };
  const app = await application({ token_endpoint_auth_method: "private_key_jwt", jwks_uri: jwks_uri("keys") });
  const ask = async (key: typeof first, kid: string) =>
    asserting(await signed(claimsOf(app), key.privateKey, "ES256", kid));
  const all = await Promise.all(Array.from({ length: 10 }, () => ask(first, "first")));
  for (const answer of all) proven(answer);
  assert.equal(published.fetched, 1, "one fetch serves all who wait for it");
  // The key is new, and the set has just been fetched: a stranger with made-up key ids would make us fetch for ever.
  published.keys.push(second.jwk);
  for (let n = 0; n < 5; n += 1) refused(await ask(second, "second"), false);
  assert.equal(published.fetched, 1);
  published.up = false;
  proven(await ask(first, "first"));
});

test("security.md 9: a jwks_uri in a private network, with a redirect, or without a key set, proves nobody", async () => {
  const { privateKey, jwk } = await keyOf("ES256");
  const set = JSON.stringify({ keys: [jwk] });
  keyServer.answer = (request, response) => {
    if (request.url === "/redirect") return void response.writeHead(302, { location: jwks_uri("set") }).end();
    if (request.url === "/long") return void response.end(`{"keys":[],"x":"${"x".repeat(100_000)}"}`);
    if (request.url === "/private") return void response.end(JSON.stringify({ keys: [{ ...jwk, d: "x" }] }));
    if (request.url === "/set") return void response.end(set);
    response.end("[]");
  };
  const ask = async (uri: string) => {
    const app = await application({ token_endpoint_auth_method: "private_key_jwt", jwks_uri: uri });
    return asserting(await signed(claimsOf(app), privateKey, "ES256"));
  };
  proven(await ask(jwks_uri("set")));
  for (const path of ["redirect", "long", "private", "empty"]) refused(await ask(jwks_uri(path)), false);
  refused(await ask(`http://localhost:${keyPort}/set`), false);
  refused(await ask(`https://127.0.0.1:${keyPort}/set`), false);
  refused(await ask("https://10.0.0.1/set"), false);
});
