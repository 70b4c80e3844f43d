// What ends with an application: its secrets, and every code and token it was given, in every tenant, at every process.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { App } from "./authorize-kit.ts";
import { startDeployment, type Tenant } from "./deployment.ts";
import { grantsKit, publicClient, refused, type Tokens } from "./grants-kit.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const kit = grantsKit(deployment);
const [acme, other] = [await deployment.tenant("Acme"), await deployment.tenant("Other")];
const ada = await kit.human(acme, { role: "owner" });
const ben = await kit.human(other, { role: "owner" });

const scope = "openid offline_access accounts:read";
const headersAt = (tenant: Tenant | undefined) => (tenant === undefined ? {} : { "countersign-tenant": tenant.ref });
const act = async (app: App, verb: "disable" | "enable" | "delete", tenant?: Tenant): Promise<void> => {
  const answer =
    verb === "delete"
      ? await deployment.send(`/v1/applications/${app.id}`, {
          method: "DELETE",
          headers: { authorization: `Bearer ${deployment.host}`, ...headersAt(tenant) },
        })
      : await deployment.post(`/v1/applications/${app.id}:${verb}`, deployment.host, {}, 0, headersAt(tenant));
  assert.equal(answer.status, 200, answer.text);
};

/** Alive at both processes, and so in their cache. */
const lives = async (token: string): Promise<void> => {
  for (const on of [0, 1]) assert.equal(await deployment.isActive(token, on), true);
};
const isDead = async (app: App, tokens: Tokens, error: string, status: number): Promise<void> => {
  for (const on of [0, 1]) {
    assert.equal(await deployment.isActive(tokens.access_token, on), false);
    assert.equal((await deployment.get("/v1/accounts", tokens.access_token, on)).status, 401);
    refused(await kit.refresh(app, tokens.refresh_token, {}, {}, on), error, status);
  }
};

for (const access_token_format of ["jwt", "opaque"])
  test(`invariant 7: a deleted application's tokens are dead at once, whosever, and its codes too (${access_token_format})`, async () => {
    const app = await kit.application({ access_token_format });
    const [adas, bens] = [await kit.tokens(app, ada, { scope }), await kit.tokens(app, ben, { scope })];
    const code = await kit.code(app, ada, { scope });
    for (const { access_token } of [adas, bens]) await lives(access_token);
    await act(app, "delete");
    for (const tokens of [adas, bens]) await isDead(app, tokens, "invalid_client", 401);
    refused(await kit.redeem(app, code), "invalid_client", 401);
    assert.equal((await kit.authorize(app, { scope }, ada, 1)).status, 400);
    refused(await kit.push(app), "invalid_client", 401);
  });

test("invariant 7: what a disabled application was given does not come back when it is enabled again", async () => {
  const app = await kit.application(publicClient, acme);
  const tokens = await kit.tokens(app, ada, { scope });
  await lives(tokens.access_token);
  await act(app, "disable", acme);
  await isDead(app, tokens, "invalid_client", 401);
  await act(app, "enable", acme);
  await isDead(app, tokens, "invalid_grant", 400);
  await lives((await kit.tokens(app, ada, { scope })).access_token);
});

test("invariant 7: below a suspended perimeter an application is none, and its tokens sleep until it is resumed", async () => {
  const place = await acme.perimeter("clients");
  const made = await acme.does("/v1/applications", {
    ...publicClient,
    parent: place.ref,
    display_name: "Below",
    first_party: true,
    redirect_uris: ["https://app.example/cb"],
    scope,
  });
  const app = { ...(made as unknown as App), client_secret: "" };
  const tokens = await kit.tokens(app, ada, { scope });
  await lives(tokens.access_token);
  await acme.does(`/v1/clients/${place.id}:suspend`);
  for (const on of [0, 1]) assert.equal(await deployment.isActive(tokens.access_token, on), false);
  refused(await kit.refresh(app, tokens.refresh_token), "invalid_client", 401);
  await acme.does(`/v1/clients/${place.id}:resume`);
  assert.equal((await kit.refresh(app, tokens.refresh_token)).status, 200);
});

test("RFC 7592 §2.3: a client that deletes its registration takes its grants along", async () => {
  await deployment.sql(
    "insert into sign_in_policies (tenant_id, document, revision, create_time, update_time) values ($1, $2, 1, now(), now())",
    [acme.id, JSON.stringify({ dynamic_registration: "on" })],
  );
  const answer = await deployment.send(`/oauth/register?tenant=${acme.ref}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...publicClient, redirect_uris: ["https://app.example/cb"], scope }),
  });
  assert.equal(answer.status, 201, answer.text);
  const made = answer.json<Record<string, string>>();
  const app: App = {
    ref: "",
    id: "",
    client_id: made["client_id"] ?? "",
    client_secret: "",
    redirect_uris: ["https://app.example/cb"],
  };
  // What Ada would say at the consent page.
  await deployment.sql(
    `insert into consents (tenant_id, user_id, client_id, bound_tenant_id, scopes, create_time, update_time)
     values ($1, $2, $3, $1, $4, now(), now())`,
    [acme.id, ada.id, app.client_id, scope.split(" ")],
  );
  const tokens = await kit.tokens(app, ada, { scope });
  await lives(tokens.access_token);
  const gone = await deployment.send(`/oauth/register?client_id=${app.client_id}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${made["registration_access_token"]}` },
  });
  assert.equal(gone.status, 204);
  await isDead(app, tokens, "invalid_client", 401);
});
