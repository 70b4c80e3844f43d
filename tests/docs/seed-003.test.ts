/** The one exchange that a seed spells out: seed 003 creates a service account, and shows the request and the response. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startServer } from "../support/server-process.ts";

const model = fileURLToPath(new URL("../../models/b2b2x.yaml", import.meta.url));
const server = await startServer({ env: { COUNTERSIGN_MODEL: model } });
after(() => server.stop());

const { client_id, client_secret } = server.bootstrap;
const granted = await fetch(`${server.issuer}/oauth/token`, {
  method: "POST",
  headers: { authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString("base64")}` },
  body: new URLSearchParams({ grant_type: "client_credentials" }),
});
const { access_token } = (await granted.json()) as { access_token: string };

const post = async (path: string, body: object) => {
  const headers = { authorization: `Bearer ${access_token}`, "content-type": "application/json" };
  const answer = await fetch(`${server.issuer}/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as Readonly<Record<string, string>> };
};

test("seed 003: POST /service-accounts takes the request as it stands there, and answers with the same fields", async () => {
  const { resource: parent = "" } = (await post("/enterprises", { display_name: "Acme" })).body;
  assert.match(parent, /^enterprises\/[0-9a-f-]{36}$/);
  const { status, body } = await post("/service-accounts", { parent, display_name: "Treasury automation" });
  assert.equal(status, 201);
  assert.deepEqual(Object.keys(body), ["id", "resource", "parent", "display_name", "client_id", "client_secret"]);
  assert.deepEqual([body["parent"], body["display_name"]], [parent, "Treasury automation"]);
  assert.match(body["id"] ?? "", /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.equal(body["resource"], `service-accounts/${body["id"]}`);
  assert.match(body["client_id"] ?? "", /^sa_live_[0-9a-z]{20}$/);
  assert.match(body["client_secret"] ?? "", /^cs_secret_/);
});
