/** What Hono alone can do around a guard: applications in applications, and applications that are another's other name. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Hono } from "hono";
import { countersign, route } from "../../sdk/countersign.ts";
import { assertPolicies, callerOf, protect } from "../../sdk/hono.ts";
import { MissingPolicies } from "../../sdk/missing-policies.ts";
import { bearer } from "../oauth/http.ts";
import { acme, audience, heard, issuerFor } from "./kit.ts";

const policy = route({ permission: "files:read" });
const metadataPath = "/.well-known/oauth-protected-resource/api";

const served = async (t: Parameters<typeof issuerFor>[0]) => {
  const issuer = await issuerFor(t);
  const { platform, lines } = heard();
  const api = countersign({ issuer: issuer.url, audience, credentials: issuer.credentials, platform });
  const headers = bearer(await issuer.mint({ tenant: acme, audience }));
  const get = (app: { fetch: Hono["fetch"] }, path: string, method = "GET") =>
    app.fetch(new Request(`http://localhost${path}`, { method, headers }));
  return { api, get, lines };
};

test("the metadata is where challenges say it is, whatever path the application's routes begin with", async (t) => {
  const { api, get } = await served(t);
  const app = new Hono().basePath("/v1");
  const guard = protect(app, api);
  app.get("/x", guard(policy), (c) => c.text(callerOf(c).tenant_id));
  assert.equal(await (await get(app, "/v1/x")).text(), acme);
  const metadata = await get(app, metadataPath);
  assert.equal(metadata.status, 200);
  assert.equal(((await metadata.json()) as { resource: string }).resource, audience);
  assert.equal(metadata.headers.get("access-control-allow-origin"), "*", "a page of any origin looks for it");
  assert.equal(await (await get(app, metadataPath, "HEAD")).text(), "");
  assert.equal((await get(app, metadataPath, "POST")).status, 404);
});

test("`basePath` gives the application another name, not a way around", async (t) => {
  const { api, get } = await served(t);
  const app = new Hono();
  const guard = protect(app, api);
  const v1 = app.basePath("/v1");
  v1.get("/x", guard(policy), (c) => c.text("x"));
  const deep = v1.basePath("/deep");
  deep.get("/y", guard(policy), (c) => c.text("y"));
  for (const one of [app, v1, deep]) assert.equal((await get(one, "/v1/deep/y")).status, 200);

  const other = new Hono();
  protect(other, api);
  const based = other.basePath("/v1").basePath("/deep");
  based.get("/bare", (c) => c.text("bare"));
  for (const one of [other, other.basePath("/v1"), based])
    assert.throws(() => get(one, "/v1/deep/bare"), MissingPolicies);
});

test("a guard in an application that nobody checks is shut: it is the outermost one that `protect` is for", async (t) => {
  const { api, get, lines } = await served(t);
  const inner = new Hono();
  const guard = protect(inner, api);
  inner.get("/x", guard(policy), (c) => c.text("x"));
  const outer = new Hono().route("/in", inner);
  assert.equal((await get(outer, "/in/x")).status, 500);
  assert.match(lines.join("\n"), /`GET \/in\/x` was reached without a policy that was checked[^]*`protect\(\)`/);
  assert.equal((await get(assertPolicies(outer), "/in/x")).status, 200, "looked at by hand");
});
