/** What Fastify alone can do around the plugin: scopes, and routes of other plugins. */
// oxlint-disable no-async-endpoint-handlers -- that rule is about Express; Fastify waits for its handlers
import assert from "node:assert/strict";
import { test } from "node:test";
import fastify, { type RouteHandlerMethod } from "fastify";
import { countersign, route } from "../../sdk/countersign.ts";
import { callerOf, countersignPlugin } from "../../sdk/fastify.ts";
import { acme, audience, heard, issuerFor } from "./kit.ts";

const policy = route({ permission: "files:read" });
const closed = countersign({
  issuer: "http://127.0.0.1:9",
  audience,
  credentials: { clientId: "sa", clientSecret: "s" },
  platform: heard().platform,
});

test("inside another plugin it would leave out the routes beside it, so it refuses", async () => {
  const app = fastify();
  app.register(async (inner) => {
    await inner.register(countersignPlugin, { api: closed });
    inner.get("/in", { config: { policy } }, async () => "in");
  });
  app.get("/bare", async () => "bare");
  await assert.rejects(async () => app.ready(), /on the application itself/);
});

test("`open` is for routes that are there: a name nobody has keeps it from getting ready", async () => {
  const app = fastify();
  const open = { "OPTIONS /x": "preflights carry no token", "OPTION /x": "a slip" };
  await app.register(countersignPlugin, { api: closed, open });
  app.options("/x", async () => "preflight");
  await assert.rejects(async () => app.ready(), /`open` names what is no route: OPTION \/x$/);
});

test("the caller is the request's own, however many wait at once", async (t) => {
  const issuer = await issuerFor(t);
  const api = countersign({
    issuer: issuer.url,
    audience,
    credentials: issuer.credentials,
    platform: heard().platform,
  });
  const app = fastify();
  await app.register(countersignPlugin, { api });
  const gate = Promise.withResolvers<void>();
  let waiting = 0;
  const me: RouteHandlerMethod = async (request) => {
    waiting += 1;
    if (waiting === 20) gate.resolve();
    await gate.promise;
    return callerOf(request).subject;
  };
  app.get("/me", { config: { policy: route({ authenticated: "a test" }) } }, me);
  const subjects = Array.from({ length: 20 }, (_, at) => `users/${acme.slice(0, -2)}${10 + at}`);
  const answers = await Promise.all(
    subjects.map(async (subject) => {
      const authorization = `Bearer ${await issuer.mint({ tenant: acme, audience, subject })}`;
      return (await app.inject({ url: "/me", headers: { authorization } })).body;
    }),
  );
  assert.deepEqual(answers, subjects);
  await app.close();
});
