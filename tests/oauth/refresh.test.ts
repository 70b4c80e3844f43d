// refresh_token at the token endpoint: every use rotates, a reused one ends its family, and nothing widens.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, test } from "node:test";
import { startDeployment } from "./deployment.ts";
import { proofKey } from "./dpop-kit.ts";
import { grantsKit, publicClient, refused, type Tokens, withRefresh } from "./grants-kit.ts";
import { encoded, es256, partsOf } from "./jwt.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const kit = grantsKit(deployment);
const acme = await deployment.tenant();
const ada = await kit.human(acme, { role: "owner" });
const app = await kit.application();
const spa = await kit.application(publicClient);

const refreshed = async (...args: Parameters<typeof kit.refresh>): Promise<Tokens> => {
  const answer = await kit.refresh(...args);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers["cache-control"], "no-store");
  return answer.json<Tokens>();
};

test("RFC 6749 §6, RFC 9700 §4.14.2: every use gives a new refresh token, and the chain goes on across processes", async () => {
  for (const client of [app, spa]) {
    let last = await kit.tokens(client, ada, { scope: "openid accounts:read" });
    for (const on of [0, 1, 0]) {
      const next = await refreshed(client, last.refresh_token, {}, {}, on);
      assert.notEqual(next.refresh_token, last.refresh_token);
      assert.notEqual(next.access_token, last.access_token);
      assert.equal(next.scope, "openid accounts:read");
      assert.ok(await deployment.isActive(next.access_token, 1 - on));
      last = next;
    }
  }
});

test("RFC 9700 §4.14.2: a reused refresh token ends the family: the newest one and every access token with it", async () => {
  const first = await kit.tokens(app, ada);
  const second = await refreshed(app, first.refresh_token);
  assert.ok(await deployment.isActive(second.access_token, 1));
  refused(await kit.refresh(app, first.refresh_token, {}, {}, 1), "invalid_grant");
  for (const on of [0, 1]) {
    for (const token of [first.access_token, second.access_token])
      assert.equal(await deployment.isActive(token, on), false);
    refused(await kit.refresh(app, second.refresh_token, {}, {}, on), "invalid_grant");
  }
  const [family] = await deployment.sql<{ revoke_reason: string }>(
    "select revoke_reason from token_families where user_id = $1 and revoke_time is not null order by revoke_time desc limit 1",
    [ada.id],
  );
  assert.equal(family?.revoke_reason, "refresh_token_reused");
  const entries = await deployment.sql<{ outcome: string }>(
    "select outcome from audit_entries where tenant_id = $1 and because ->> 'rule' = 'refresh_token_reused'",
    [acme.id],
  );
  assert.deepEqual(entries, [{ outcome: "denied" }]);
});

test("RFC 6749 §5.2: another client's refresh token is invalid_grant, and neither spent nor taken for a reuse", async () => {
  const tokens = await kit.tokens(app, ada);
  const next = await refreshed(app, tokens.refresh_token);
  refused(await kit.refresh(spa, next.refresh_token), "invalid_grant");
  refused(await kit.refresh(spa, tokens.refresh_token), "invalid_grant");
  assert.ok(await deployment.isActive(next.access_token));
  await refreshed(app, next.refresh_token);
});

test("RFC 6749 §6: text that is no refresh token is invalid_grant, none at all invalid_request, two invalid_request", async () => {
  const tokens = await kit.tokens(app, ada);
  for (const text of [
    "x",
    tokens.access_token,
    `${tokens.refresh_token}x`,
    tokens.refresh_token.slice(0, -2),
    "cs_rt_",
  ])
    refused(await kit.refresh(app, text), "invalid_grant");
  refused(await kit.token(app, { grant_type: "refresh_token" }), "invalid_request");
  refused(
    await kit.token(app, { grant_type: "refresh_token", refresh_token: [tokens.refresh_token, "x"] }),
    "invalid_request",
  );
  await refreshed(app, tokens.refresh_token);
});

test("RFC 6749 §6: less scope is given for one token, more is invalid_scope, and the rotated token keeps the whole", async () => {
  const wide = await kit.application({ scope: "openid offline_access accounts:*" });
  const tokens = await kit.tokens(wide, ada, { scope: "openid accounts:*" });
  for (const scope of ["openid accounts:* users:read", "users:read", "offline_access", "nothing:here", "*", " "])
    refused(await kit.refresh(wide, tokens.refresh_token, { scope }), "invalid_scope");
  const narrow = await refreshed(wide, tokens.refresh_token, { scope: "accounts:read" });
  assert.equal(narrow.scope, "accounts:read");
  assert.equal(partsOf(narrow.access_token).claims.scope, "accounts:read");
  const whole = await refreshed(wide, narrow.refresh_token);
  assert.equal(whole.scope, "openid accounts:*");
});

test("RFC 8707 §2.2: resources are among those granted, else invalid_target; the rotated token keeps them all", async () => {
  const resource = ["https://one.example/", "https://two.example/"];
  const tokens = await kit.tokens(app, ada, { resource });
  refused(await kit.refresh(app, tokens.refresh_token, { resource: "https://three.example/" }), "invalid_target");
  const one = await refreshed(app, tokens.refresh_token, { resource: resource[0] });
  assert.equal(partsOf(one.access_token).claims.aud, resource[0]);
  const both = await refreshed(app, one.refresh_token);
  assert.deepEqual(partsOf(both.access_token).claims.aud, resource);
});

test("RFC 9396 §6, §7: granted details are echoed, and a refresh gets part of them at most", async () => {
  const client = await kit.application({ authorization_details_types: ["countersign_permissions"] });
  const detail = { type: "countersign_permissions", actions: ["accounts:read", "accounts:update"] };
  const tokens = await kit.tokens(client, ada, { authorization_details: JSON.stringify([detail]) });
  assert.deepEqual(tokens.authorization_details, [detail]);
  assert.deepEqual(partsOf(tokens.access_token).claims.authorization_details, [detail]);
  const more = JSON.stringify([{ ...detail, actions: ["users:read"] }]);
  refused(
    await kit.refresh(client, tokens.refresh_token, { authorization_details: more }),
    "invalid_authorization_details",
  );
  const less = { ...detail, actions: ["accounts:read"] };
  const part = await refreshed(client, tokens.refresh_token, { authorization_details: JSON.stringify([less]) });
  assert.deepEqual(part.authorization_details, [less]);
  assert.deepEqual((await refreshed(client, part.refresh_token)).authorization_details, [detail]);
});

test("RFC 9449 §5: a public client's refresh token is bound to its key; with another, or none, it is invalid_grant", async () => {
  const [key, other] = [proofKey(), proofKey()];
  const asked = await kit.refresh(spa, "x", {}, kit.proof(key));
  const nonce = { nonce: String(asked.headers["dpop-nonce"]) };
  const proven = (by = key) => kit.proof(by, "/oauth/token", nonce);
  const tokens = await kit.tokens(spa, ada, {}, proven());
  refused(await kit.refresh(spa, tokens.refresh_token), "invalid_grant");
  refused(await kit.refresh(spa, tokens.refresh_token, {}, proven(other)), "invalid_grant");
  const next = await refreshed(spa, tokens.refresh_token, {}, proven());
  assert.equal(next.token_type, "DPoP");
  assert.deepEqual(partsOf(next.access_token).claims.cnf, { jkt: key.jkt });
  // A thief without the key cannot even end the family with a token that has been used.
  refused(await kit.refresh(spa, tokens.refresh_token, {}, proven(other)), "invalid_grant");
  await refreshed(spa, next.refresh_token, {}, proven());
});

test("RFC 9449 §5: a confidential client's refresh token goes with its authentication; the access token with the proof of the day", async () => {
  const [key, other] = [proofKey(), proofKey()];
  const nonce = { nonce: String((await kit.refresh(app, "x", {}, kit.proof(key))).headers["dpop-nonce"]) };
  const tokens = await kit.tokens(app, ada, {}, kit.proof(key, "/oauth/token", nonce));
  const next = await refreshed(app, tokens.refresh_token, {}, kit.proof(other, "/oauth/token", nonce));
  assert.deepEqual(partsOf(next.access_token).claims.cnf, { jkt: other.jkt });
});

test("RFC 9449 §5.2: a client registered for bound tokens gets none without a proof", async () => {
  const client = await kit.application({ dpop_bound_access_tokens: true });
  refused(await kit.redeem(client, await kit.code(client, ada)), "invalid_dpop_proof");
});

test("FAPI 2.0 §5.3.2.1: a confidential client with sender-constrained tokens may keep a fixed refresh token, which then is no reuse", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const client = await kit.application({
    ...withRefresh,
    token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_signing_alg: "ES256",
    jwks: { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "one", alg: "ES256", use: "sig" }] },
    dpop_bound_access_tokens: true,
    refresh_token_rotation: "fixed",
  });
  const assertion = () => {
    const claims = {
      iss: client.client_id,
      sub: client.client_id,
      aud: deployment.issuer,
      jti: crypto.randomUUID(),
      exp: Math.floor(Date.now() / 1000) + 60,
    };
    const input = `${encoded({ alg: "ES256", kid: "one" })}.${encoded(claims)}`;
    return {
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: `${input}.${es256(input, privateKey)}`,
    };
  };
  const key = proofKey();
  const asked = await kit.token(
    client,
    { grant_type: "refresh_token", refresh_token: "x", ...assertion() },
    kit.proof(key),
  );
  const nonce = { nonce: String(asked.headers["dpop-nonce"]) };
  const answer = await kit.redeem(
    client,
    await kit.code(client, ada),
    assertion(),
    kit.proof(key, "/oauth/token", nonce),
  );
  assert.equal(answer.status, 200, answer.text);
  const { refresh_token } = answer.json<Tokens>();
  for (const on of [0, 1, 0]) {
    const next = await refreshed(client, refresh_token, assertion(), kit.proof(key, "/oauth/token", nonce), on);
    assert.equal(next.refresh_token, undefined);
    assert.ok(await deployment.isActive(next.access_token, on));
  }
});

test("design §8: without offline_access the family ends with its session; with it, it lives on", async () => {
  for (const offline of [false, true]) {
    const brief = { ...ada, ...(await kit.signIn(acme.id, ada.id)) };
    const scope = offline ? "openid offline_access" : "openid";
    const tokens = await kit.tokens(app, brief, { scope });
    await deployment.sql("update sessions set state = 'ended', end_time = now() where id = $1", [brief.session]);
    if (offline) await refreshed(app, tokens.refresh_token);
    else refused(await kit.refresh(app, tokens.refresh_token), "invalid_grant");
  }
});

test("invariant 7: who is suspended, or no member any more, gets no token; who is resumed goes on with the same one", async () => {
  const bob = await kit.human(acme, { role: "member" });
  const tokens = await kit.tokens(app, bob, { scope: "openid offline_access accounts:read" });
  await acme.does(`/v1/users/${bob.id}:suspend`);
  for (const on of [0, 1]) assert.equal(await deployment.isActive(tokens.access_token, on), false);
  refused(await kit.refresh(app, tokens.refresh_token), "invalid_grant");
  await acme.does(`/v1/users/${bob.id}:resume`);
  const next = await refreshed(app, tokens.refresh_token);
  assert.ok(await deployment.isActive(next.access_token));

  const other = await deployment.tenant();
  await kit.member(other, bob);
  const bound = await kit.tokens(app, bob, { scope: "openid offline_access", tenant: other.ref });
  assert.equal(partsOf(bound.access_token).claims.tenant_id, other.id);
  await deployment.post(`/v1/${acme.ref}:suspend`, deployment.host, {});
  refused(await kit.refresh(app, bound.refresh_token), "invalid_grant");
  await deployment.post(`/v1/${acme.ref}:resume`, deployment.host, {});
  await deployment.sql("delete from memberships where tenant_id = $1 and user_id = $2", [other.id, bob.id]);
  refused(await kit.refresh(app, bound.refresh_token), "invalid_grant");
  await refreshed(app, next.refresh_token);
});

test("invariant 7: a disabled client gets no token and its tokens stop, and an expired refresh token is none", async () => {
  const brief = await kit.application();
  const tokens = await kit.tokens(brief, ada);
  assert.ok(await deployment.isActive(tokens.access_token, 1));
  const disabled = await deployment.post(`/v1/applications/${brief.id}:disable`, deployment.host, {});
  assert.equal(disabled.status, 200, disabled.text);
  for (const on of [0, 1]) assert.equal(await deployment.isActive(tokens.access_token, on), false);
  refused(await kit.refresh(brief, tokens.refresh_token), "invalid_client", 401);
  const late = await kit.tokens(app, ada);
  await deployment.sql("update refresh_tokens set expire_time = now() - interval '1 second'");
  refused(await kit.refresh(app, late.refresh_token), "invalid_grant");
  assert.ok(await deployment.isActive(late.access_token), "an expired one is no reuse");
});
