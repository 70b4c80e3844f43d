// Seed 003, over two servers: "the end client does not log in directly", and beside such people, on the same client, those who do.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { startDeployment } from "../oauth/deployment.ts";
import { grantsKit, refused } from "../oauth/grants-kit.ts";
import { openBrowser } from "../support/browser.ts";
import { newHuman, signIn } from "../support/human.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const kit = grantsKit(deployment);
const acme = await deployment.tenant();
const [here, there] = [0, 1];

const close = (id: string) => acme.does(`/v1/users/${id}:closeSignIn`, {}, here);

/** What server number `on` answers to the question of the host. */
const may = async (subject: string, permission: string, at: string, on: number): Promise<boolean> => {
  const [[type, id], [kind, place]] = [subject.split("/"), at.split("/")];
  const asked = {
    subject: { type, id, properties: { tenant: acme.ref } },
    action: { name: permission },
    resource: { type: kind, id: place, properties: { tenant: acme.ref } },
  };
  const answer = await deployment.post("/access/v1/evaluation", deployment.host, asked, on);
  assert.equal(answer.status, 200, answer.text);
  return answer.json<{ decision: boolean }>().decision;
};

test("invariant 7: sign-in closed in one process, and no session, token, code or refresh of the user is good in either, nor in another tenant", async () => {
  const other = await deployment.tenant("Other");
  const [app, opaque] = [await kit.application(), await kit.application({ access_token_format: "opaque" })];
  const ada = await kit.human(acme, { role: "member" });
  await kit.member(other, ada);
  await other.does("/v1/role-assignments", { parent: other.ref, principal: ada.ref, role: "member" });
  const offline = { scope: "openid offline_access accounts:read", tenant: acme.ref };
  const families = [
    { app, tokens: await kit.tokens(app, ada, { scope: "openid", tenant: acme.ref }) },
    { app, tokens: await kit.tokens(app, ada, offline) },
    { app: opaque, tokens: await kit.tokens(opaque, ada, offline) },
    { app, tokens: await kit.tokens(app, ada, { ...offline, tenant: other.ref }) },
  ];
  const code = await kit.code(app, ada, offline);
  const expire_time = new Date(Date.now() + 3_600_000).toISOString();
  const asked = { owner: ada.ref, display_name: "Hers", scopes: ["accounts:read"], expire_time };
  const apiTokens = [await acme.does("/v1/api-tokens", asked), await other.does("/v1/api-tokens", asked)];
  const texts = [...families.map(({ tokens }) => tokens.access_token), ...apiTokens.map(({ token }) => String(token))];
  // Asked before, so that there are cached answers to fall.
  for (const on of [here, there]) for (const text of texts) assert.equal(await deployment.isActive(text, on), true);

  await close(ada.id);
  for (const on of [there, here])
    for (const text of texts) assert.equal(await deployment.introspect(text, on), '{"active":false}');
  for (const { app: client, tokens } of families)
    refused(await kit.refresh(client, tokens.refresh_token, {}, {}, there), "invalid_grant");
  refused(await kit.redeem(app, code, {}, {}, there), "invalid_grant");
  const silent = await kit.authorize(app, { prompt: "none", tenant: acme.ref }, ada, there);
  assert.equal(kit.answerOf(silent)["error"], "login_required");
  assert.equal((await deployment.send("/account", { headers: { cookie: ada.cookie } }, there)).status, 303);

  // A session that somebody wrote for them all the same is none, and brings nothing.
  const forged = await kit.signIn(acme.id, ada.id);
  const again = await kit.authorize(app, { prompt: "none", tenant: acme.ref }, { ...ada, ...forged }, here);
  assert.equal(kit.answerOf(again)["error"], "login_required");
});

test("20 refreshes in one process, racing the closing in the other: afterwards nothing lives", async () => {
  const app = await kit.application();
  const ada = await kit.human(acme);
  const { refresh_token } = await kit.tokens(app, ada, { scope: "openid offline_access", tenant: acme.ref });
  const seen: string[] = [];
  const refreshing = async () => {
    let token = refresh_token;
    for (let time = 0; time < 20; time += 1) {
      const answer = await kit.refresh(app, token, {}, {}, there);
      if (answer.status !== 200) return;
      const next = answer.json<{ access_token: string; refresh_token: string }>();
      seen.push(next.access_token);
      token = next.refresh_token;
    }
  };
  await Promise.all([refreshing(), close(ada.id)]);
  for (const text of seen)
    for (const on of [here, there]) assert.equal(await deployment.introspect(text, on), '{"active":false}');
});

test("seed 003: on one client, enterprise-driven users who never sign in beside client-delegated ones who do", async () => {
  const client = await acme.perimeter("clients");
  const driven = await acme.does("/v1/users", {
    parent: client.ref,
    email: `${randomUUID()}@client.example`,
    display_name: "Grace",
    role: "admin",
    signs_in: false,
  });
  const delegated = await newHuman(acme);
  for (const [path, body] of [
    ["/v1/memberships", { parent: client.ref, user: delegated.ref }],
    ["/v1/role-assignments", { parent: client.ref, principal: delegated.ref, role: "admin" }],
  ] as const)
    await acme.does(path, body);
  // Authority is the same for both: resolved for each principal at each perimeter.
  for (const on of [here, there])
    for (const ref of [String(driven["resource"]), delegated.ref]) {
      assert.equal(await may(ref, "users:create", client.ref, on), true, ref);
      assert.equal(await may(ref, "users:create", acme.ref, on), false, ref);
    }
  const browser = await signIn(deployment, delegated, there);
  assert.equal((await browser.get("/account")).status, 200);
  // What proves a human is refused to the one, and mail is sent to nobody about it.
  const id = String(driven["id"]);
  const tried = await deployment.post(`/v1/users/${id}:resetPassword`, deployment.host, {}, there, {
    "countersign-tenant": acme.ref,
  });
  assert.equal(tried.status, 409, tried.text);
  assert.match(tried.text, /openSignIn/);
  // Closed for the other too, they are what the first is: still counted, and out.
  await close(delegated.id);
  assert.equal(await may(delegated.ref, "users:create", client.ref, there), true);
  assert.match((await browser.get("/account")).url, /\/sign-in/);
  // The pages say of them what they say of an address nobody is known by.
  const told = await Promise.all(
    [delegated.email, `${randomUUID()}@acme.example`].map(async (email) => {
      const stranger = openBrowser(deployment.issuer, deployment.base(there));
      await stranger.get("/sign-in");
      await stranger.submit({ email });
      const page = await stranger.submit({ password: delegated.password });
      return { status: page.status, words: page.text.replaceAll(email, "").match(/<main[\s\S]*?<form/)?.[0] };
    }),
  );
  assert.ok(told[0]?.words);
  assert.equal(told[0].status, 403);
  assert.deepEqual(told[0], told[1]);
});
