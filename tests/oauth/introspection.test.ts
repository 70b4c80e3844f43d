// Token introspection (RFC 7662) and revocation (RFC 7009): who may ask, what is told, and that what is dead stays dead.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { startDeployment } from "./deployment.ts";
import { type Answer, basic, bearer } from "./http.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const tenant = await deployment.tenant("Acme");
const other = await deployment.tenant("Other");
const gateway = await tenant.account({ role: "admin" });
const asker = await deployment.token(gateway);
const inactive = '{"active":false}';

type Fields = Readonly<Record<string, string | readonly string[]>>;
const introspect = (fields: Fields, headers: Readonly<Record<string, string>> = bearer(asker), on = 0) =>
  deployment.form("/oauth/introspect", fields, headers, on);
const revoke = (fields: Fields, headers: Readonly<Record<string, string>>, on = 0) =>
  deployment.form("/oauth/revoke", fields, headers, on);

const refused = (answer: Answer, status: number, error: string, challenge?: RegExp): void => {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json<{ error: string }>().error, error);
  assert.equal(answer.headers["cache-control"], "no-store");
  if (challenge === undefined) assert.equal(answer.headers["www-authenticate"], undefined);
  else assert.match(answer.headers["www-authenticate"] ?? "", challenge);
};

for (const path of ["/oauth/introspect", "/oauth/revoke"]) {
  test(`RFC 7662 §2.1, RFC 7009 §2.1: at ${path} the caller is authenticated, else 401 with the challenge of what it tried`, async () => {
    const token = await deployment.token(gateway);
    const ask = (headers: Readonly<Record<string, string>>, more: Fields = {}) =>
      deployment.form(path, { token, ...more }, headers);
    refused(await ask({}), 401, "invalid_client");
    refused(await ask(basic(gateway.client_id, "cs_secret_wrong")), 401, "invalid_client", /^Basic/);
    refused(await ask(bearer("garbage")), 401, "invalid_token", /^Bearer .*error="invalid_token"/);
    refused(await ask({}, { client_id: gateway.client_id, client_secret: "wrong" }), 401, "invalid_client");
    refused(await ask(bearer(gateway.client_secret)), 401, "invalid_token", /^Bearer/);
    assert.equal(await deployment.isActive(token), true);
  });

  test(`RFC 6750 §2: at ${path} two ways at once are invalid_request, a token in the URL is refused, and only POST is answered`, async () => {
    const token = await deployment.token(gateway);
    refused(
      await deployment.form(
        path,
        { token, client_id: gateway.client_id, client_secret: gateway.client_secret },
        bearer(asker),
      ),
      400,
      "invalid_request",
    );
    refused(await deployment.form(path, { token: [token, token] }, bearer(asker)), 400, "invalid_request");
    assert.equal((await deployment.form(`${path}?access_token=${asker}`, { token })).status, 400);
    assert.equal(
      (await deployment.send(`${path}?token=${token}`, { method: "POST", headers: bearer(asker) })).status,
      400,
    );
    assert.equal((await deployment.get(`${path}?token=${token}`, asker)).status, 405);
    assert.equal(await deployment.isActive(token), true);
  });

  test(`RFC 7662 §2.1, RFC 7009 §2.1: at ${path} a missing token is invalid_request`, async () => {
    for (const fields of [{}, { token: "" }, { token_type_hint: "access_token" }])
      refused(await deployment.form(path, fields, bearer(asker)), 400, "invalid_request");
  });
}

test("RFC 7662 §2.2: an active token is told with everything a resource server needs, alike for JWT, opaque and API token", async () => {
  const opaque = await tenant.account({ role: "admin", access_token_format: "opaque" });
  const jwt = await deployment.token(gateway, { scope: "accounts:read clients:read" });
  const handle = await deployment.token(opaque, { scope: "accounts:read clients:read" });
  const api = await deployment.apiToken(asker, ["accounts:read", "clients:read"]);
  const cases = [
    [jwt, gateway, gateway.client_id],
    [handle, opaque, opaque.client_id],
    [api.token, gateway, undefined],
  ] as const;
  for (const [token, account, clientId] of cases)
    for (const on of [0, 1]) {
      const { iat, exp, jti, ...told } = JSON.parse(await deployment.introspect(token, on, asker)) as Record<
        string,
        unknown
      >;
      assert.deepEqual(told, {
        active: true,
        iss: deployment.issuer,
        sub: account.ref,
        aud: deployment.issuer,
        scope: "accounts:read clients:read",
        token_type: "Bearer",
        tenant_id: tenant.id,
        ...(clientId === undefined ? {} : { client_id: clientId }),
      });
      assert.ok(
        Number.isInteger(iat) && Number.isInteger(exp) && Number(exp) > Number(iat),
        `${String(iat)} ${String(exp)}`,
      );
      assert.match(String(jti), /^[0-9a-f-]{36}$/);
    }
});

test("RFC 7662 §2.2: foreign, malformed, unknown, revoked and expired tokens, and a client secret, get the same answer to the octet", async () => {
  const foreign = await deployment.token(await other.account({ role: "owner" }));
  const foreignHandle = await deployment.token(await other.account({ role: "owner", access_token_format: "opaque" }));
  const hosts = await deployment.token(deployment.servers[0]?.bootstrap ?? gateway);
  const revoked = await deployment.token(gateway);
  await revoke({ token: revoked }, bearer(asker));
  const expired = await deployment.apiToken(asker, ["accounts:read"]);
  await deployment.sql(
    "update api_tokens set create_time = now() - interval '2 days', expire_time = now() - interval '1 day' where id = $1",
    [expired.ref.split("/")[1]],
  );
  const known = await deployment.apiToken(asker, ["accounts:read"]);
  const oneOff = `${known.token.slice(0, 20)}${known.token[20] === "A" ? "B" : "A"}${known.token.slice(21)}`;
  const dead = [
    foreign,
    foreignHandle,
    hosts,
    revoked,
    expired.token,
    oneOff,
    gateway.client_secret,
    "x",
    "..",
    "a.b.c",
    "cs_at_",
    "cs_api_",
    "é",
    "x".repeat(5_000),
    randomUUID(),
  ];
  for (const on of [0, 1])
    for (const token of dead) {
      const answer = await introspect({ token }, bearer(asker), on);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.text, inactive, token);
      assert.match(answer.headers["content-type"] ?? "", /^application\/json/);
      assert.equal(answer.headers["cache-control"], "no-store");
    }
  const lengths = new Set(
    await Promise.all(dead.map(async (token) => (await introspect({ token })).headers["content-length"])),
  );
  assert.deepEqual([...lengths], [String(inactive.length)]);
});

test("RFC 7662 §2.1: a token_type_hint that is wrong or unknown changes nothing", async () => {
  const token = await deployment.token(gateway);
  for (const token_type_hint of ["refresh_token", "api_token", "nonsense"]) {
    const answer = await introspect({ token, token_type_hint });
    assert.equal(answer.json<{ active: boolean }>().active, true);
  }
});

test("RFC 7662 §2.1: who may not introspect others' tokens is refused alike for one that lives and one that never was", async () => {
  const plain = await tenant.account({ role: "viewer" });
  const caller = basic(plain.client_id, plain.client_secret);
  const own = await deployment.token(plain);
  assert.equal((await introspect({ token: own }, caller)).json<{ active: boolean }>().active, true);
  const seen = await introspect({ token: asker }, caller);
  const foreign = await introspect({ token: await deployment.token(await other.account()) }, caller);
  const never = await introspect({ token: "cs_at_never" }, caller);
  for (const answer of [seen, foreign, never]) assert.equal(answer.status, 403, answer.text);
  assert.equal(seen.text, never.text);
  assert.equal(foreign.text, never.text);
});

test("RFC 7662 §2.1: a caller's token that lacks the scope is refused with insufficient_scope (RFC 6750 §3.1)", async () => {
  const narrow = await deployment.token(gateway, { scope: "accounts:read" });
  const anothers = await deployment.token(await tenant.account());
  refused(
    await introspect({ token: anothers }, bearer(narrow)),
    403,
    "insufficient_scope",
    /^Bearer .*error="insufficient_scope"/,
  );
});

for (const format of ["jwt", "opaque"] as const) {
  test(`RFC 7009 §2: a client revokes its own ${format} token, no process accepts it, and doing so again is no error`, async () => {
    const account = await tenant.account({ role: "viewer", access_token_format: format });
    const token = await deployment.token(account);
    for (const on of [0, 1]) assert.equal(await deployment.isActive(token, on), true);
    for (const token_type_hint of ["refresh_token", "nonsense"]) {
      const answer = await revoke({ token, token_type_hint }, basic(account.client_id, account.client_secret), 1);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.text, "");
      for (const on of [0, 1]) assert.equal(await deployment.introspect(token, on), inactive);
      assert.equal((await deployment.get("/v1/accounts", token)).status, 401);
    }
  });

  test(`RFC 7009 §2.1: another client's ${format} token is refused and lives on; another tenant's is told nothing of`, async () => {
    const account = await tenant.account({ role: "viewer", access_token_format: format });
    const token = await deployment.token(account);
    const peer = await tenant.account({ role: "viewer" });
    refused(await revoke({ token }, basic(peer.client_id, peer.client_secret)), 400, "unauthorized_client");
    const stranger = await other.account({ role: "owner" });
    const theirs = await revoke({ token }, basic(stranger.client_id, stranger.client_secret), 1);
    const never = await revoke({ token: "cs_at_never" }, basic(stranger.client_id, stranger.client_secret), 1);
    assert.deepEqual([theirs.status, theirs.text], [never.status, never.text]);
    for (const on of [0, 1]) assert.equal(await deployment.isActive(token, on), true);
    assert.equal((await revoke({ token }, bearer(asker))).status, 200, "who holds tokens:revoke may");
    for (const on of [0, 1]) assert.equal(await deployment.introspect(token, on), inactive);
  });

  test(`RFC 7009 §2: a ${format} token revoked while its tenant is suspended is still dead when the tenant is resumed`, async () => {
    const asleep = await deployment.tenant("Asleep");
    const account = await asleep.account({ role: "owner", access_token_format: format });
    const [token, untouched] = [await deployment.token(account), await deployment.token(account)];
    assert.equal(await deployment.isActive(token, 1), true);
    await asleep.does(`/v1/organizations/${asleep.id}:suspend`);
    for (const one of [token, untouched]) assert.equal(await deployment.introspect(one, 1), inactive);
    assert.equal((await revoke({ token }, bearer(deployment.host), 1)).status, 200);
    await asleep.does(`/v1/organizations/${asleep.id}:resume`);
    for (const on of [0, 1]) {
      assert.equal(await deployment.introspect(token, on), inactive);
      assert.equal(await deployment.isActive(untouched, on), true);
    }
  });
}

test("RFC 7009 §2.2: an unknown or malformed token is answered 200: there is nothing left to revoke", async () => {
  for (const token of ["x", "a.b.c", "cs_at_unknown", "cs_api_unknown", "é", "x".repeat(5_000)]) {
    const answer = await revoke({ token }, bearer(asker));
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.text, "");
    assert.equal(answer.headers["cache-control"], "no-store");
  }
});

test("RFC 7009 §2.1: revoking a client secret does nothing: a secret is no token", async () => {
  const account = await tenant.account();
  assert.equal(
    (await revoke({ token: account.client_secret }, basic(account.client_id, account.client_secret))).status,
    200,
  );
  assert.ok(await deployment.token(account));
});

test("invariant 9: a revocation by the host in a tenant is written to that tenant's audit log, as a bypass", async () => {
  const token = await deployment.token(gateway);
  const { jti } = JSON.parse(await deployment.introspect(token)) as { jti: string };
  assert.equal((await revoke({ token }, bearer(deployment.host))).status, 200);
  const rows = await deployment.sql(
    "select action, outcome, bypass from audit_entries where tenant_id = $1 and target = $2",
    [tenant.id, `access-tokens/${jti}`],
  );
  assert.deepEqual(rows, [{ action: "oauth.revoke", outcome: "done", bypass: true }]);
  const events = await deployment.sql("select type from events where tenant_id = $1 and subject = $2", [
    tenant.id,
    `access-tokens/${jti}`,
  ]);
  assert.deepEqual(events, [{ type: "countersign.token.revoked.v1" }]);
});
