// What came of one authorization, as a whole: introspected, revoked (RFC 7662, RFC 7009), opaque or signed, and ended at once.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startDeployment } from "./deployment.ts";
import { proofKey } from "./dpop-kit.ts";
import { grantsKit, publicClient, refused, type Tokens } from "./grants-kit.ts";
import { partsOf } from "./jwt.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const kit = grantsKit(deployment);
const acme = await deployment.tenant();
const ada = await kit.human(acme, { role: "owner" });
const app = await kit.application();
const opaque = await kit.application({ access_token_format: "opaque" });
const spa = await kit.application(publicClient);

const read = async (token: string, on = 0) =>
  JSON.parse(await deployment.introspect(token, on)) as Record<string, unknown>;

test("RFC 7662 §2.2, RFC 9470 §6.2: a human's token is told with who, where, how and when; signed and opaque alike", async () => {
  for (const client of [app, opaque]) {
    const { access_token, expires_in } = await kit.tokens(client, ada, { scope: "openid accounts:read" });
    const { iat, exp, jti, auth_time, ...said } = await read(access_token);
    assert.deepEqual(said, {
      active: true,
      iss: deployment.issuer,
      sub: ada.ref,
      aud: deployment.issuer,
      client_id: client.client_id,
      scope: "openid accounts:read",
      token_type: "Bearer",
      acr: "urn:countersign:acr:single-factor",
      amr: ["pwd"],
      tenant_id: acme.id,
    });
    assert.equal(Number(exp) - Number(iat), expires_in);
    assert.equal(typeof jti, "string");
    assert.equal(typeof auth_time, "number");
    assert.equal((await deployment.get("/v1/accounts", access_token, 1)).status, 200);
  }
});

test("RFC 9449 §6.2, RFC 9396 §9.2: introspection says cnf, token_type DPoP and the details; signed and opaque alike", async () => {
  const detail = { type: "countersign_permissions", actions: ["accounts:read"] };
  for (const access_token_format of ["jwt", "opaque"]) {
    const client = await kit.application({ access_token_format, authorization_details_types: [detail.type] });
    const key = proofKey();
    const nonce = { nonce: String((await kit.refresh(client, "x", {}, kit.proof(key))).headers["dpop-nonce"]) };
    const tokens = await kit.tokens(
      client,
      ada,
      { authorization_details: JSON.stringify([detail]) },
      kit.proof(key, "/oauth/token", nonce),
    );
    const said = await read(tokens.access_token);
    assert.deepEqual(said["cnf"], { jkt: key.jkt });
    assert.equal(said["token_type"], "DPoP");
    assert.deepEqual(said["authorization_details"], [detail]);
    assert.equal((await deployment.get("/v1/accounts", tokens.access_token)).status, 401, "RFC 9449 §7.1");
  }
});

test("RFC 7662 §2.1: an application learns of its own tokens; of another's, and of none, the same answer to the octet", async () => {
  const tokens = await kit.tokens(app, ada);
  const own = await kit.introspect(app, tokens.access_token);
  assert.equal(own.json<{ active: boolean }>().active, true);
  const refresh = (await kit.introspect(app, tokens.refresh_token)).json();
  assert.equal(refresh["active"], true);
  assert.equal(refresh["sub"], ada.ref);
  for (const text of [tokens.access_token, tokens.refresh_token, "x"])
    assert.equal((await kit.introspect(opaque, text)).text, '{"active":false}');
  assert.equal((await kit.introspect(app, deployment.host)).text, '{"active":false}');
  const used = await kit.refresh(app, tokens.refresh_token);
  assert.equal(used.status, 200);
  assert.equal((await kit.introspect(app, tokens.refresh_token)).text, '{"active":false}');
});

test("RFC 7662 §2.1: who does not authenticate is 401; a public client cannot", async () => {
  const tokens = await kit.tokens(spa, ada);
  refused(await kit.introspect(spa, tokens.access_token), "invalid_client", 401);
  refused(await kit.introspect({ ...app, client_secret: `${app.client_secret}x` }, "x"), "invalid_client", 401);
  const tokenless = await deployment.form("/oauth/introspect", {}, kit.asClient(app).headers);
  refused(tokenless, "invalid_request");
});

test("RFC 7009 §2.1: revoking a refresh token kills its family, on every process, whatever the hint", async () => {
  for (const client of [app, opaque, spa]) {
    const tokens = await kit.tokens(client, ada);
    const next = (await kit.refresh(client, tokens.refresh_token)).json<Tokens>();
    for (const on of [0, 1]) assert.ok(await deployment.isActive(next.access_token, on));
    const answer = await kit.revoke(client, next.refresh_token, { token_type_hint: "access_token" });
    assert.deepEqual([answer.status, answer.text], [200, ""]);
    for (const on of [0, 1])
      for (const { access_token } of [tokens, next]) assert.equal(await deployment.isActive(access_token, on), false);
    refused(await kit.refresh(client, next.refresh_token, {}, {}, 1), "invalid_grant");
    assert.equal((await kit.revoke(client, next.refresh_token)).status, 200, "§2.2: twice is no error");
  }
});

test("RFC 7009 §2.1: revoking an access token ends it and no more", async () => {
  for (const client of [app, opaque]) {
    const tokens = await kit.tokens(client, ada);
    assert.equal((await kit.revoke(client, tokens.access_token, { token_type_hint: "refresh_token" })).status, 200);
    for (const on of [0, 1]) assert.equal(await deployment.isActive(tokens.access_token, on), false);
    assert.equal((await kit.refresh(client, tokens.refresh_token)).status, 200);
  }
});

test("RFC 7009 §2.1, §2.2: another client's token is refused and lives on; unknown is 200; missing 400; unauthenticated 401", async () => {
  const tokens = await kit.tokens(app, ada);
  for (const text of [tokens.access_token, tokens.refresh_token])
    refused(await kit.revoke(spa, text), "unauthorized_client");
  assert.ok(await deployment.isActive(tokens.access_token));
  for (const text of ["x", `${tokens.refresh_token}x`, "cs_rt_"])
    assert.equal((await kit.revoke(app, text)).status, 200);
  refused(await deployment.form("/oauth/revoke", {}, kit.asClient(app).headers), "invalid_request");
  refused(await kit.revoke({ ...app, client_secret: "cs_app_x" }, tokens.access_token), "invalid_client", 401);
  assert.equal((await kit.refresh(app, tokens.refresh_token)).status, 200);
});

test("RFC 7009 §2.1: whoever holds `tokens:revoke` in the tenant ends a human's family there, and in no other tenant", async () => {
  const globex = await deployment.tenant();
  const [here, there] = [await acme.account({ role: "owner" }), await globex.account({ role: "owner" })];
  const tokens = await kit.tokens(app, ada);
  const revoke = async (as: typeof here) =>
    deployment.form(
      "/oauth/revoke",
      { token: tokens.refresh_token },
      {
        authorization: `Bearer ${await deployment.token(as)}`,
      },
    );
  assert.equal((await revoke(there)).status, 200, "a foreign token is none");
  assert.ok(await deployment.isActive(tokens.access_token));
  assert.equal((await revoke(here)).status, 200);
  assert.equal(await deployment.isActive(tokens.access_token, 1), false);
});

test("invariant 7: a family falls with its session on every process; what goes back to another session lives on", async () => {
  const [one, two] = [
    { ...ada, ...(await kit.signIn(acme.id, ada.id)) },
    { ...ada, ...(await kit.signIn(acme.id, ada.id)) },
  ];
  const [mine, other] = [await kit.tokens(app, one), await kit.tokens(opaque, two)];
  for (const on of [0, 1]) assert.ok(await deployment.isActive(mine.access_token, on));
  await acme.does(`/v1/sessions/${one.session}:revoke`);
  for (const on of [0, 1]) assert.equal(await deployment.isActive(mine.access_token, on), false);
  refused(await kit.refresh(app, mine.refresh_token), "invalid_grant");
  assert.ok(await deployment.isActive(other.access_token));
  assert.equal((await kit.refresh(opaque, other.refresh_token)).status, 200);
});

test("invariant 2: a human's token for one tenant opens nothing in another of theirs", async () => {
  const globex = await deployment.tenant();
  const cleo = await kit.human(acme, { role: "owner" });
  await kit.member(globex, cleo);
  for (const client of [app, opaque]) {
    const bound = await kit.tokens(client, cleo, { tenant: globex.ref, scope: "openid accounts:read" });
    assert.equal((await read(bound.access_token))["tenant_id"], globex.id);
    assert.equal((await deployment.get(`/v1/users/${cleo.id}`, bound.access_token)).status, 404);
    const next = (await kit.refresh(client, bound.refresh_token)).json<Tokens>();
    assert.equal((await read(next.access_token, 1))["tenant_id"], globex.id, "a refresh changes no tenant");
  }
});

test("invariant 9: what a human does by a token is written with session, client, identity source and credential", async () => {
  const { access_token } = await kit.tokens(app, ada, { scope: "accounts:read accounts:update" });
  const { claims } = partsOf(access_token);
  const [entry] = await deployment.sql<Record<string, unknown>>(
    `select authenticated_principal, subject, actor_of_record, identity_source, credential, client_id, session_id, target
       from audit_entries where tenant_id = $1 and id = $2`,
    [acme.id, claims.jti],
  );
  assert.match(String(entry?.["credential"]), /^authorization_code\//);
  assert.deepEqual(
    { ...entry, credential: undefined },
    {
      authenticated_principal: ada.ref,
      subject: ada.ref,
      actor_of_record: ada.ref,
      identity_source: "platform",
      credential: undefined,
      client_id: app.client_id,
      session_id: ada.session,
      target: ada.ref,
    },
  );
  const wide = await kit.application({ scope: "accounts:*" });
  const owner = await kit.tokens(wide, ada, { scope: "accounts:*" });
  const made = await deployment.post("/v1/accounts", owner.access_token, { parent: acme.ref, display_name: "Mine" });
  assert.equal(made.status, 201, made.text);
  const [change] = await deployment.sql<Record<string, unknown>>(
    "select session_id, client_id, identity_source from audit_entries where tenant_id = $1 and action = 'accounts.create'",
    [acme.id],
  );
  assert.deepEqual(change, { session_id: ada.session, client_id: wide.client_id, identity_source: "platform" });
});

test("RFC 6749 §3.3: OpenID's scopes give no permission, and a token never carries more than its human may", async () => {
  const bare = await kit.tokens(app, ada, { scope: "openid profile email" });
  assert.equal((await deployment.get("/v1/accounts", bare.access_token)).status, 403);
  const bob = await kit.human(acme);
  const tokens = await kit.tokens(app, bob, { scope: "openid accounts:read" });
  assert.equal(
    (await deployment.get("/v1/accounts", tokens.access_token)).status,
    403,
    "a scope narrows, and gives nothing",
  );
});
