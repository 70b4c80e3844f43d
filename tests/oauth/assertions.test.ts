// private_key_jwt (RFC 7523): an assertion is accepted for exactly what it says, by exactly the key registered, exactly once.
import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { base64url, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { assertionType } from "../../server/oauth/client-assertion.ts";
import { type Account, startDeployment } from "./deployment.ts";

// Each request comes from an address of its own, so that what is refused is refused for what it is, and not for being one of many.
const deployment = await startDeployment({ servers: 2, env: { COUNTERSIGN_TRUSTED_PROXIES: "127.0.0.1" } });
after(deployment.close);
const { issuer } = deployment;
const tenant = await deployment.tenant();
const pair = await generateKeyPair("ES256", { extractable: true });
const stranger = await generateKeyPair("ES256");
const jwk = { ...(await exportJWK(pair.publicKey)), kid: "one" };
const jwks = { keys: [jwk] };
const account = await tenant.account({ jwks });

const seconds = (): number => Math.floor(Date.now() / 1000);
const claimsOf = ({ client_id }: Account): JWTPayload => ({
  iss: client_id,
  sub: client_id,
  aud: issuer,
  jti: randomUUID(),
  iat: seconds(),
  exp: seconds() + 60,
});
const signed = (claims: JWTPayload, key = pair.privateKey, header: object = {}): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "one", ...header }).sign(key);

let callers = 0;
const elsewhere = (): Readonly<Record<string, string>> => {
  callers += 1;
  return { "x-forwarded-for": `198.18.${Math.floor(callers / 250)}.${(callers % 250) + 1}` };
};

type Fields = Readonly<Record<string, string | readonly string[]>>;
const present = (client_assertion: string, more: Fields = {}, on = 0) =>
  deployment.form(
    "/oauth/token",
    { grant_type: "client_credentials", client_assertion, client_assertion_type: assertionType, ...more },
    elsewhere(),
    on,
  );

/** RFC 7523 §3.2 with RFC 6749 §5.2: as client authentication, whatever is wrong with an assertion is invalid_client. */
const refused = async (assertion: string, more: Fields = {}): Promise<void> => {
  const answer = await present(assertion, more);
  assert.equal(answer.status, 401, answer.text);
  assert.equal(answer.json<{ error: string }>().error, "invalid_client");
  assert.equal(answer.headers["www-authenticate"], undefined);
  assert.equal(answer.headers["cache-control"], "no-store");
};

test("RFC 7523 §2.2: an assertion that says everything right is accepted, with and without client_id", async () => {
  assert.equal((await present(await signed(claimsOf(account)))).status, 200);
  assert.equal((await present(await signed(claimsOf(account)), { client_id: account.client_id })).status, 200);
});

test("RFC 7523 §3: iss and sub must both be the client, and client_id no other", async () => {
  const other = await tenant.account({ jwks });
  const claims = () => claimsOf(account);
  const { iss: _iss, ...withoutIssuer } = claims();
  const { sub: _sub, ...withoutSubject } = claims();
  for (const wrong of [
    { ...claims(), iss: other.client_id },
    { ...claims(), sub: other.client_id },
    { ...claims(), sub: account.ref, iss: account.ref },
    { ...claims(), sub: "", iss: "" },
    withoutIssuer,
    withoutSubject,
  ])
    await refused(await signed(wrong));
  await refused(await signed(claims()), { client_id: other.client_id });
});

test("RFC 7523 §3: aud must be the issuer, as one string; the token endpoint, a list or a near miss is refused", async () => {
  const { aud: _aud, ...without } = claimsOf(account);
  await refused(await signed(without));
  for (const aud of [
    `${issuer}/oauth/token`,
    `${issuer}/`,
    issuer.toUpperCase(),
    "https://elsewhere.example",
    [issuer],
    [issuer, "https://elsewhere.example"],
    "",
  ])
    await refused(await signed({ ...claimsOf(account), aud }));
});

test("RFC 7523 §3: exp is required, near, and not passed; nbf is kept", async () => {
  const { exp: _exp, ...without } = claimsOf(account);
  await refused(await signed(without));
  for (const exp of [seconds() - 60, 0, -1, seconds() + 3600, Number.MAX_SAFE_INTEGER])
    await refused(await signed({ ...claimsOf(account), exp }));
  await refused(await signed({ ...claimsOf(account), exp: "soon" as never }));
  await refused(await signed({ ...claimsOf(account), nbf: seconds() + 3600 }));
});

test("RFC 7523 §3: jti is required, a string, and of bounded length", async () => {
  const { jti: _jti, ...without } = claimsOf(account);
  await refused(await signed(without));
  for (const jti of ["", "x".repeat(201), 7 as never, null as never])
    await refused(await signed({ ...claimsOf(account), jti }));
});

test("RFC 7523 §3: an assertion is used once; what failed has used nothing up", async () => {
  const claims = claimsOf(account);
  await refused(await signed(claims, stranger.privateKey));
  const assertion = await signed(claims);
  assert.equal((await present(assertion)).status, 200);
  await refused(assertion);
  await refused(await signed({ ...claims, exp: seconds() + 120 }));
  const other = await tenant.account({ jwks });
  assert.equal(
    (await present(await signed({ ...claimsOf(other), jti: claims.jti as string }))).status,
    200,
    "another client has its own",
  );
});

test("invariant 3: one assertion sent 30 times at once, to two processes, is accepted exactly once", async () => {
  for (let round = 0; round < 5; round += 1) {
    const assertion = await signed(claimsOf(account));
    const answers = await Promise.all(Array.from({ length: 30 }, (_, n) => present(assertion, {}, n % 2)));
    const statuses = answers.map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 200).length, 1, statuses.join());
    assert.equal(statuses.filter((status) => status === 401).length, 29, statuses.join());
  }
});

test("invariant 3: also at introspection and revocation a used assertion proves nothing", async () => {
  const token = await deployment.token(account);
  const prove = async () => ({
    client_assertion: await signed(claimsOf(account)),
    client_assertion_type: assertionType,
  });
  const proof = await prove();
  assert.equal((await deployment.form("/oauth/introspect", { token, ...proof }, elsewhere())).status, 200);
  for (const path of ["/oauth/introspect", "/oauth/revoke", "/oauth/token"])
    assert.equal(
      (await deployment.form(path, { token, grant_type: "client_credentials", ...proof }, elsewhere(), 1)).status,
      401,
      path,
    );
  assert.equal((await deployment.form("/oauth/revoke", { token, ...(await prove()) }, elsewhere(), 1)).status, 200);
  assert.equal(await deployment.isActive(token), false);
});

test("RFC 8725 §3.1: no key but the one registered verifies an assertion, by no algorithm but the key's", async () => {
  await refused(await signed(claimsOf(account), stranger.privateKey));
  await refused(await signed(claimsOf(account), pair.privateKey, { kid: "another" }));
  await refused(await signed(claimsOf(account), pair.privateKey, { kid: "../one" }));
  await refused(
    await signed(claimsOf(account), pair.privateKey, { crit: ["exp"], exp: 1 }).catch(() =>
      unsigned(claimsOf(account), { alg: "ES256", crit: ["exp"] }),
    ),
  );
  const rsa = await generateKeyPair("RS256", { extractable: true });
  const byRsa = await tenant.account({ jwks: { keys: [{ ...(await exportJWK(rsa.publicKey)), kid: "rsa" }] } });
  const rs256 = await new SignJWT(claimsOf(byRsa))
    .setProtectedHeader({ alg: "RS256", kid: "rsa" })
    .sign(rsa.privateKey);
  await refused(rs256);
  for (const header of [{ alg: "none" }, { alg: "None" }, { alg: "HS256", kid: "one" }])
    await refused(unsigned(claimsOf(account), header));
  const embedded = {
    jwk: await exportJWK(stranger.publicKey),
    jku: "https://elsewhere.example/jwks",
    x5u: "https://elsewhere.example/x5u",
  };
  await refused(await signed(claimsOf(account), stranger.privateKey, embedded));
});

/** Three parts; the third an HMAC with what an attacker knows, the public key. */
const unsigned = (claims: JWTPayload, header: object): string => {
  const input = `${base64url.encode(JSON.stringify(header))}.${base64url.encode(JSON.stringify(claims))}`;
  return `${input}.${createHmac("sha256", JSON.stringify(jwk)).update(input).digest("base64url")}`;
};

test("RFC 7521 §4.2: text that is no assertion is refused like a wrong one, and never an error of ours", async () => {
  const assertion = await signed(claimsOf(account));
  const [head = "", body = "", signature = ""] = assertion.split(".");
  for (const text of [
    "x",
    "..",
    "a.b.c",
    `${head}.${body}`,
    `${head}.${body}.`,
    `${head}..${signature}`,
    `.${body}.${signature}`,
    `${assertion}.x`,
    "x".repeat(5_000),
    "é.ü.ß",
    "[]",
    "null",
  ])
    await refused(text);
  const answer = await present(assertion, { client_assertion_type: "urn:something:else" });
  assert.ok(answer.status === 400 || answer.status === 401, answer.text);
});

test("RFC 7523 §3: a client without registered keys, and one that is disabled, have no assertion that is accepted", async () => {
  await refused(await signed(claimsOf(await tenant.account())));
  const closed = await tenant.account({ jwks });
  await tenant.does(`/v1/service-accounts/${closed.id}:disable`);
  await refused(await signed(claimsOf(closed)));
});
