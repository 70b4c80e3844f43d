// RFC 9470: an operation whose permission asks for a class of sign-in, over HTTP and with real tokens.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Human, multiFactor, singleFactor } from "../oauth/authorize-kit.ts";
import { type Deployment, startDeployment, type Tenant } from "../oauth/deployment.ts";
import { grantsKit } from "../oauth/grants-kit.ts";
import { bearer } from "../oauth/http.ts";

const folder = await mkdtemp(join(tmpdir(), "countersign-step-up-"));
const path = join(folder, "model.yaml");
const shipped = await readFile(new URL("../../models/default.yaml", import.meta.url), "utf8");
await writeFile(
  path,
  shipped.replace(/^governance:\n/m, `governance:\n  clients:create: { class: human, acr: "${multiFactor}" }\n`),
);

let deployment: Deployment;
let acme: Tenant;
let kit: ReturnType<typeof grantsKit>;
let app: Awaited<ReturnType<typeof kit.application>>;

before(async () => {
  deployment = await startDeployment({ env: { COUNTERSIGN_MODEL: path } });
  acme = await deployment.tenant();
  kit = grantsKit(deployment);
  app = await kit.application({ scope: "openid offline_access clients:create clients:read" });
});
after(async () => {
  await deployment.close();
  await rm(folder, { recursive: true, force: true });
});

const create = (token: string) =>
  deployment.send("/v1/clients", {
    method: "POST",
    headers: { ...bearer(token), "content-type": "application/json" },
    body: JSON.stringify({ parent: acme.ref, display_name: "A client" }),
  });

const scope = "openid clients:create clients:read";
const tokenOf = async (human: Human): Promise<string> => (await kit.tokens(app, human, { scope })).access_token;

test("a sign-in that is too weak is answered with the one that would do, and nothing happens", async () => {
  const ada = await kit.human(acme, { role: "owner", acr: singleFactor });
  const nodes = await deployment.sql("select id from nodes where tenant_id = $1", [acme.id]);
  const refused = await create(await tokenOf(ada));
  assert.equal(refused.status, 401, refused.text);
  assert.equal(refused.json<{ code: string }>().code, "insufficient_user_authentication");
  const challenge = refused.headers["www-authenticate"] ?? "";
  assert.match(challenge, /^Bearer .*error="insufficient_user_authentication"/);
  assert.ok(challenge.includes(`acr_values="${multiFactor}"`), challenge);
  assert.deepEqual(await deployment.sql("select id from nodes where tenant_id = $1", [acme.id]), nodes);

  const [entry] = await deployment.sql<{ outcome: string; detail: { fault: string } }>(
    "select outcome, detail from audit_entries where tenant_id = $1 and action = 'clients.create' order by time desc limit 1",
    [acme.id],
  );
  assert.equal(entry?.outcome, "denied");
  assert.equal(entry.detail.fault, "insufficient_user_authentication");
});

test("whoever signs in as the challenge asks is let through, and a stronger class does as well", async () => {
  const ada = await kit.human(acme, { role: "owner", acr: singleFactor });
  const challenge = (await create(await tokenOf(ada))).headers["www-authenticate"] ?? "";
  const acr_values = /acr_values="([^"]+)"/.exec(challenge)?.[1];
  const sent = await kit.authorize(app, { scope, acr_values }, ada);
  assert.equal(sent.status, 303);
  assert.ok(!(sent.headers.location ?? "").startsWith(app.redirect_uris[0] ?? ""), "the second factor is asked for");

  for (const acr of [multiFactor, "phr"] as const) {
    const session = await kit.signIn(acme.id, ada.id, { acr });
    const answer = await create(await tokenOf({ ...ada, ...session }));
    assert.equal(answer.status, 201, answer.text);
  }
});

test("reading asks for no more than it did", async () => {
  const ada = await kit.human(acme, { role: "owner", acr: singleFactor });
  assert.equal((await deployment.get("/v1/clients", await tokenOf(ada))).status, 200);
});

test("a service is not sent to sign in: it lacks a human", async () => {
  const service = await acme.account({ role: "owner" });
  const answer = await create(await deployment.token(service));
  assert.equal(answer.status, 403, answer.text);
  assert.match(answer.text, /a human actor of record is needed/);
  assert.equal(answer.headers["www-authenticate"], undefined);
});

test("who lacks the permission is told so, and not to sign in again", async () => {
  const bob = await kit.human(acme, { role: "member", acr: singleFactor });
  const answer = await create(await tokenOf(bob));
  assert.equal(answer.status, 403, answer.text);
});

test("an API token of a human says nothing of a sign-in, and meets no demand", async () => {
  const ada = await kit.human(acme, { role: "owner", acr: "phr" });
  const everything = await kit.application({ scope: "openid *" });
  const { access_token } = await kit.tokens(everything, ada, { scope: "openid *" });
  const { token } = await deployment.apiToken(access_token, ["clients:create"]);
  assert.equal((await create(token)).status, 401);
});
