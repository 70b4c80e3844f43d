/** Which tenant a token is for: the `tenant` parameter, the client's own, the only one, or the human's choice. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { formatRef, hostTenant, type PrincipalId, type TenantId } from "../../core/ids.ts";
import { tenantsOfHuman } from "../../server/oauth/authorize/tenants.ts";
import { openPostgres } from "../../server/platform/database/postgres.ts";
import type { Database } from "../../server/platform/database/database.ts";
import { type App, authorizeKit, type Human, multiFactor } from "./authorize-kit.ts";
import { type Deployment, startDeployment, type Tenant } from "./deployment.ts";

let deployment: Deployment;
let kit: ReturnType<typeof authorizeKit>;
let database: Database;
let acme: Tenant;
let beta: Tenant;
let app: App;
/** At home in acme, and a member of beta. */
let ada: Human;
/** Of acme alone. */
let bob: Human;

before(async () => {
  deployment = await startDeployment();
  kit = authorizeKit(deployment);
  const nothing = async () => undefined;
  database = await openPostgres({
    url: deployment.databaseUrl,
    poolSize: 2,
    statementTimeoutMs: 10_000,
    hooks: { fence: nothing, publish: nothing },
  });
  [acme, beta] = [await deployment.tenant("Acme"), await deployment.tenant("Beta")];
  app = await kit.application();
  [ada, bob] = [await kit.human(acme), await kit.human(acme)];
  await kit.member(beta, ada);
});
after(async () => {
  await database.close();
  await deployment.close();
});

const boundTo = async (nonce: string): Promise<string | undefined> =>
  (
    await deployment.sql<{ bound_tenant_id: string }>(
      "select bound_tenant_id from authorization_codes where nonce = $1",
      [nonce],
    )
  )[0]?.bound_tenant_id;

describe("a token is bound to one tenant", () => {
  test("the one the request names, without a new sign-in, each time another", async () => {
    for (const tenant of [acme, beta, acme]) {
      const nonce = `${tenant.id}-${Math.random()}`;
      assert.ok(kit.answerOf(await kit.authorize(app, { tenant: tenant.ref, nonce }, ada))["code"]);
      assert.equal(await boundTo(nonce), tenant.id);
    }
  });

  test("the only one there is, where none is named", async () => {
    assert.ok(kit.answerOf(await kit.authorize(app, { nonce: "only" }, bob))["code"]);
    assert.equal(await boundTo("only"), acme.id);
  });

  test("the human's choice, where there are several", async () => {
    assert.equal(kit.pageOf(await kit.authorize(app, {}, ada)).path, "/tenants");
    assert.equal(kit.answerOf(await kit.authorize(app, { prompt: "none" }, ada))["error"], "interaction_required");
  });

  test("a tenant the human does not belong to, and one there never was, are the same access_denied", async () => {
    const never = formatRef("organizations", "99999999-9999-4999-8999-999999999999");
    const told = [beta.ref, never].map(async (tenant) =>
      kit.answerOf(await kit.authorize(app, { tenant, state: "s" }, bob)),
    );
    const [foreign, unknown] = await Promise.all(told);
    assert.equal(foreign?.["error"], "access_denied");
    assert.deepEqual(foreign, unknown);
  });

  test("an application of a tenant is for that tenant alone", async () => {
    const own = await kit.application({}, beta);
    assert.ok(kit.answerOf(await kit.authorize(own, { nonce: "own" }, ada))["code"]);
    assert.equal(await boundTo("own"), beta.id);
    assert.equal(kit.answerOf(await kit.authorize(own, { tenant: acme.ref }, ada))["error"], "invalid_request");
    assert.equal(kit.answerOf(await kit.authorize(own, {}, bob))["error"], "access_denied");
  });

  test("a suspended tenant is no tenant of anybody's, and the other one is then the only one", async () => {
    const gone = await deployment.tenant("Gone");
    const eve = await kit.human(acme);
    await kit.member(gone, eve);
    assert.equal(kit.pageOf(await kit.authorize(app, {}, eve)).path, "/tenants");
    await deployment.sql("update nodes set state = 'suspended' where tenant_id = $1 and id = $1", [gone.id]);
    assert.equal(kit.answerOf(await kit.authorize(app, { tenant: gone.ref }, eve))["error"], "access_denied");
    assert.ok(kit.answerOf(await kit.authorize(app, { nonce: "rest" }, eve))["code"]);
    assert.equal(await boundTo("rest"), acme.id);
  });

  test("a human who is suspended, or whose home is, has no session any more", async () => {
    const sam = await kit.human(acme);
    await deployment.sql("update users set state = 'suspended' where id = $1", [sam.id]);
    assert.equal(kit.pageOf(await kit.authorize(app, {}, sam)).path, "/sign-in");
  });

  test("the host's own people are bound to the host", async () => {
    const user = "77777777-7777-4777-8777-777777777777";
    await deployment.sql(
      `insert into users (tenant_id, id, node_id, email, display_name, state, identity_source, create_time, update_time)
       values ($1, $2, $1, 'root@host.example', 'Root', 'active', 'platform', now(), now())`,
      [hostTenant, user],
    );
    await kit.member({ id: hostTenant }, { id: user, home: hostTenant });
    const root = await kit.signIn(hostTenant, user);
    assert.ok(kit.answerOf(await kit.authorize(app, { nonce: "host" }, root))["code"]);
    assert.equal(await boundTo("host"), hostTenant);
    assert.ok(kit.answerOf(await kit.authorize(app, { tenant: "host" }, root))["code"]);
  });
});

describe("the bound tenant's policy is kept, whatever the client asks", () => {
  const policy = (tenant: Tenant, document: object) =>
    deployment.sql(
      `insert into sign_in_policies (tenant_id, document, revision, create_time, update_time) values ($1, $2, 1, now(), now())
       on conflict (tenant_id) do update set document = excluded.document`,
      [tenant.id, JSON.stringify(document)],
    );

  test("mfa: required enrols, or asks, on the way into that tenant, and not on the way into another", async () => {
    const strict = await deployment.tenant("Strict");
    await kit.member(strict, bob);
    await policy(strict, { mfa: "required" });
    assert.equal(kit.pageOf(await kit.authorize(app, { tenant: strict.ref }, bob)).path, "/sign-in/enrol");
    assert.ok(kit.answerOf(await kit.authorize(app, { tenant: acme.ref }, bob))["code"]);
    const strong = await kit.signIn(bob.home, bob.id, { acr: multiFactor, methods: ["pwd", "otp", "mfa"] });
    assert.ok(kit.answerOf(await kit.authorize(app, { tenant: strict.ref }, strong))["code"]);
    await deployment.sql("delete from memberships where tenant_id = $1", [strict.id]);
  });

  test("reauthenticate_seconds asks for a newer sign-in", async () => {
    const careful = await deployment.tenant("Careful");
    await kit.member(careful, bob);
    await policy(careful, { reauthenticate_seconds: 60 });
    const old = await kit.signIn(bob.home, bob.id, { ageSeconds: 120 });
    assert.equal(kit.pageOf(await kit.authorize(app, { tenant: careful.ref }, old)).path, "/sign-in");
    assert.ok(kit.answerOf(await kit.authorize(app, { tenant: acme.ref }, old))["code"]);
    await deployment.sql("delete from memberships where tenant_id = $1", [careful.id]);
  });
});

describe("what the picker shows", () => {
  const of = (human: Human, search?: string) =>
    tenantsOfHuman(database, { home: human.home as TenantId, user: human.id as PrincipalId }, search);

  test("active tenants, last used first, found by name", async () => {
    assert.deepEqual(
      (await of(ada)).map(({ displayName }) => displayName),
      ["Acme", "Beta"],
    );
    await deployment.sql(
      `insert into token_families (tenant_id, id, user_id, offline, client_tenant_id, application_id, client_id, bound_tenant_id, scopes,
         audience, acr, methods, auth_time, create_time, use_time, expire_time)
       select $1, gen_random_uuid(), $2, false, $4, $5, $6, $3, '{}', '{}', 'x', '{}', now(), now(), now(), now() + interval '1 day'`,
      [ada.home, ada.id, beta.id, hostTenant, app.id, app.client_id],
    );
    const found = await of(ada);
    assert.deepEqual(
      found.map(({ tenant }) => tenant),
      [beta.id, acme.id],
    );
    assert.ok(Math.abs((found[0]?.lastUsed ?? 0) - Date.now()) < 60_000);
    assert.equal(found[1]?.lastUsed, null);
    assert.deepEqual(
      (await of(ada, "bET")).map(({ displayName }) => displayName),
      ["Beta"],
    );
    assert.deepEqual(await of(ada, "%"), []);
    assert.deepEqual(
      (await of(bob)).map(({ displayName }) => displayName),
      ["Acme"],
    );
  });

  test("nobody else's: another human of the same home has their own", async () => {
    const stranger = { ...bob, home: beta.id };
    assert.deepEqual(await of(stranger), []);
  });
});
