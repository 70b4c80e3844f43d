/** A service with a route that has no policy does not start, and says which, all of them at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createServer } from "node:http";
import { inspect } from "node:util";
import express, { type NextFunction, type Request, type Response } from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { countersign, type Policy, route } from "../../sdk/countersign.ts";
import * as onExpress from "../../sdk/express.ts";
import { countersignPlugin } from "../../sdk/fastify.ts";
import * as onHono from "../../sdk/hono.ts";
import { MissingPolicies } from "../../sdk/missing-policies.ts";
import { routes as nodeRoutes } from "../../sdk/node.ts";
import { send } from "../oauth/http.ts";
import { audience, heard, listening } from "./kit.ts";

const issuer = "http://127.0.0.1:9";
const api = countersign({
  issuer,
  audience,
  credentials: { clientId: "sa", clientSecret: "s" },
  platform: heard().platform,
});
const policy = route({ permission: "files:read" });
const open = route({ public: "a test" });
const none = undefined as unknown as Policy;
const hello = (_: Request, response: Response): void => void response.send("hello");
const names = (expected: readonly string[]) => (error: unknown) => {
  assert.ok(error instanceof MissingPolicies, String(error));
  assert.deepEqual(error.routes.toSorted(), expected.toSorted());
  for (const name of expected) assert.ok(error.message.includes(name));
  return true;
};

test("fastify: routes without a policy keep it from getting ready, those of encapsulated plugins and other methods too", async () => {
  const app = fastify();
  await app.register(countersignPlugin, { api });
  app.get("/good", { config: { policy } }, async () => "good");
  app.get("/bare", async () => "bare");
  app.options("/good", async () => "options");
  app.route({ method: ["PUT", "DELETE"], url: "/many", handler: async () => "many" });
  await app.register(
    async (inner) => {
      inner.get("/inner", async () => "inner");
      await inner.register(async (innermost) => void innermost.get("/*", async () => "wild"), { prefix: "/deep" });
    },
    { prefix: "/v1" },
  );
  app.get("/forged", { config: { policy: { permission: "files:read" } as Policy } }, async () => "forged");
  await assert.rejects(
    async () => app.ready(),
    names([
      "GET /bare",
      "HEAD /bare",
      "OPTIONS /good",
      "PUT /many",
      "DELETE /many",
      "GET /v1/inner",
      "HEAD /v1/inner",
      "GET /v1/deep/*",
      "HEAD /v1/deep/*",
      "GET /forged",
      "HEAD /forged",
    ]),
  );
  await app.close();
});

test("fastify: a route after it is ready is refused, and so is one before the plugin", async () => {
  const late = fastify();
  await late.register(countersignPlugin, { api });
  await late.ready();
  assert.throws(() => late.get("/late", async () => "late"), /already/);
  await late.close();

  const early = fastify();
  early.get("/early", async () => "early");
  await assert.rejects(async () => early.register(countersignPlugin, { api }), /before any route[^]*early/);
});

test("fastify: another plugin's route is opened by name and reason, and a not-found handler only with one", async (t) => {
  const app = fastify();
  await app.register(countersignPlugin, { api, open: { "OPTIONS /x": "preflights carry no token" } });
  app.options("/x", async () => "preflight");
  app.setNotFoundHandler(async () => "everything is here");
  t.after(() => app.close());
  assert.equal((await app.inject({ method: "OPTIONS", url: "/x" })).body, "preflight");
  assert.equal((await app.inject("/elsewhere")).statusCode, 404);
});

test("express: a nested router's routes, handlers in `use`, other methods and mounted applications are found", () => {
  const app = express();
  const guard = onExpress.protect(app, api);
  app.use(onExpress.middleware("parses JSON", express.json()));
  app.use(function logger(_request: Request, _response: Response, next: NextFunction) {
    next();
  });
  app.get("/good", guard(policy), hello);
  app.get("/bare", hello);
  app.all("/any", hello);
  app.route("/mixed").get(guard(policy), hello).post(hello);
  app.get("/late-guard", hello, guard(policy));
  app.get("/nothing", guard(none), hello);
  const inner = express.Router();
  inner.get("/inner", hello);
  inner.get("/fine", guard(policy), hello);
  const middle = express.Router();
  middle.use("/deep", inner);
  app.use("/v1", middle);
  app.use("/sub", express().get("/x", hello));
  app.use((_error: Error, _request: Request, response: Response, _next: NextFunction) => void response.send("oops"));
  assert.throws(
    () => app.listen(0),
    names([
      "use / (logger)",
      "GET /bare",
      "ALL /any",
      "POST /mixed",
      "GET /late-guard",
      "GET /nothing",
      "GET /v1/deep/inner",
      "use /sub (mounted_app)",
    ]),
  );
});

test("express: a guard in `use` covers what follows it at its path, and nothing else", () => {
  const guarded = (declare: (app: express.Express, guard: onExpress.Guard) => void): void => {
    const app = express();
    declare(app, onExpress.protect(app, api));
    onExpress.assertPolicies(app);
  };
  const admin = () => express.Router().get("/users", hello);
  assert.doesNotThrow(() => guarded((app, guard) => app.use(guard(policy)).get("/x", hello).use("/y", admin())));
  assert.doesNotThrow(() => guarded((app, guard) => app.use("/admin", guard(policy), admin())));
  assert.doesNotThrow(() => guarded((app, guard) => app.use("/admin", guard(policy)).get("/admin/x", hello)));
  assert.throws(
    () => guarded((app, guard) => app.use("/admin", guard(policy)).get("/administer", hello)),
    names(["GET /administer"]),
  );
  assert.throws(() => guarded((app, guard) => app.get("/before", hello).use(guard(policy))), names(["GET /before"]));
  assert.throws(
    () => guarded((app, guard) => app.use("/:tenant", guard(policy)).get("/x/y", hello)),
    names(["GET /x/y"]),
  );
  assert.throws(
    () => guarded((app, guard) => app.use("/v1", express.Router().use(guard(policy))).get("/v1/x", hello)),
    names(["GET /v1/x"]),
  );
});

test("express: served by other means than `listen` it answers nothing; and once it listens, no route can be added", async (t) => {
  const bare = express();
  onExpress.protect(bare, api);
  bare.get("/bare", hello);
  bare.use(
    onExpress.middleware(
      "tells of errors",
      (_error: Error, _: Request, response: Response, _next: NextFunction) => void response.end(),
    ),
  );
  const unguarded = await listening(
    createServer((request, response) => {
      try {
        bare(request, response);
      } catch (error) {
        response.writeHead(500).end(String(error));
      }
    }),
  );
  t.after(() => unguarded.close());
  const answer = await send(`${unguarded.url}/bare`);
  assert.equal(answer.status, 500);
  assert.match(answer.text, /GET \/bare/);

  const app = express();
  const guard = onExpress.protect(app, api);
  const router = express.Router();
  app.use(router);
  router.get("/health", guard(open), hello);
  const server = app.listen(0);
  t.after(() => server.close());
  assert.throws(() => app.get("/late", hello), /after the policies were checked/);
  assert.throws(() => router.get("/late", hello), /after the policies were checked/);
  assert.throws(() => app.use(hello), /after the policies were checked/);
});

test("hono: middleware, wildcard routes, nested and mounted applications without a guard are found", async () => {
  const app = new Hono();
  const guard = onHono.protect(app, api);
  app.use(onHono.middleware("counts requests", async (_, next) => next()));
  app.use("/logged/*", async (_, next) => next());
  app.get("/good", guard(policy), (c) => c.text("good"));
  app.get("/bare", (c) => c.text("bare"));
  app.get("/wild/*", (c) => c.text("wild"));
  app.use("/guarded/*", guard(policy));
  app.get("/guarded/x", (c) => c.text("x"));
  app.get("/guarded", (c) => c.text("guarded"));
  app.get("/guardedly", (c) => c.text("not quite"));
  app.get("/nothing", guard(none), (c) => c.text("nothing"));
  app.on(["PUT", "DELETE"], "/many", (c) => c.text("many"));
  const inner = new Hono().get("/inner", (c) => c.text("inner")).get("/fine", guard(policy), (c) => c.text("fine"));
  app.route("/v1", inner);
  app.route(
    "/v2",
    new Hono().onError((_, c) => c.text("oops")).get("/fine", guard(policy), (c) => c.text("fine")),
  );
  app.mount("/mounted", () => new Response("mounted"));
  const expected = names(
    [
      "ALL /logged/*",
      "GET /bare",
      "GET /wild/*",
      "GET /guardedly",
      "ALL /nothing (a guard without a policy)",
      "GET /nothing",
      "PUT /many",
      "DELETE /many",
      "GET /v1/inner",
      "ALL /mounted/*",
    ].map((one) => (one.startsWith("ALL /nothing") ? "GET /nothing (a guard without a policy)" : one)),
  );
  assert.throws(() => onHono.assertPolicies(app), expected);
  assert.throws(() => app.fetch(new Request("http://localhost/good")), expected);
});

test("hono: a guard covers its wildcard from the first segment to the last, as the router matches it", async () => {
  const app = new Hono();
  const guard = onHono.protect(app, api);
  app.use("/guarded/*", guard(policy));
  for (const path of ["/guarded", "/guarded/x", "/guarded/:a/:b", "/guarded/y/*"]) app.get(path, (c) => c.text("in"));
  onHono.assertPolicies(app);
  for (const path of ["/guarded", "/guarded/x", "/guarded/a/b", "/guarded/y/z/w", "/guarded/%78", "/guarded//x"]) {
    const answer = await app.request(path);
    assert.ok(answer.status === 401 || answer.status === 404, `${path} answered ${answer.status}`);
  }
});

test("hono: a route that was added later is looked at before any is reached", async () => {
  const app = new Hono();
  const guard = onHono.protect(app, api);
  app.get("/health", guard(open), (c) => c.text("well"));
  onHono.assertPolicies(app);
  app.get("/late", (c) => c.text("late"));
  assert.throws(() => app.fetch(new Request("http://localhost/health")), names(["GET /late"]));
});

test("node: a table with rows that have no policy is no table", () => {
  const handler = () => undefined;
  const table = {
    "GET /good": [policy, handler],
    "GET /bare": handler,
    "GET /nothing": [undefined, handler],
    "GET /forged": [{ public: "trust me" }, handler],
  };
  assert.throws(() => nodeRoutes(api, table as never), names(["GET /bare", "GET /nothing", "GET /forged"]));
  assert.throws(() => nodeRoutes(api, { "get /x": [policy, handler] }), /is not `METHOD \/path`/);
});

test("a policy says what it means, or is none", () => {
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /is an object/],
    [{}, /has one of/],
    [{ scopes: ["files:read"] }, /has one of/],
    [{ public: "" }, /says why/],
    [{ public: true }, /says why/],
    [{ authenticated: " " }, /says why/],
    [{ public: "x", permission: "files:read" }, /has one of/],
    [{ public: "x", scopes: ["files:read"] }, /no meaning beside `public`/],
    [{ authenticated: "x", resource: () => "files/1" }, /no meaning beside `authenticated`/],
    [{ authenticated: "x", tenant: () => "organizations/1" }, /no meaning beside `authenticated`/],
    [{ permission: "files:*" }, /`resource:action`/],
    [{ permission: "files" }, /`resource:action`/],
    [{ permission: "files:read", ressource: () => "files/1" }, /`ressource` has no meaning/],
    [{ permission: "files:read", resource: "files/1" }, /function of the request/],
    [{ permission: "files:read", scopes: [] }, /list of scopes/],
    [{ permission: "files:read", scopes: "files:read" }, /list of scopes/],
    [{ permission: "files:read", maxAge: "60" }, /number of seconds/],
    [{ permission: "files:read", acr: [] }, /names one class/],
    [{ permission: "files:read", acr: "phr phrh" }, /names one class/],
    [{ permission: "files:read", parent: () => "files/1" }, /`parent` is of what `resource` finds/],
    ["files:read", /is an object.*route\(\{ permission: "files:read"/],
  ];
  for (const [rule, expected] of wrong) assert.throws(() => route(rule as never), expected, JSON.stringify(rule));
});

test("a service that leaves its audience open, or its issuer to anybody, does not start", () => {
  const credentials = { clientId: "sa", clientSecret: "s" };
  const right = { issuer: "https://id.example.com", audience, credentials };
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ audience: undefined }, /`audience` is missing/],
    [{ audience: "" }, /`audience` is missing/],
    [{ audience: [] }, /`audience` is missing/],
    [{ audience: [audience, " "] }, /`audience` is missing/],
    [{ issuer: "id.example.com" }, /`issuer` is/],
    [{ issuer: "https://id.example.com/" }, /trailing slash/],
    [{ issuer: "http://id.example.com" }, /plain http/],
    [{ credentials: undefined }, /`credentials` is missing/],
    [{ credentials: undefined, verify: "introspection", audience: "https://id.example.com" }, /needs `credentials`/],
    [{ credentials: { clientId: "", clientSecret: "s" } }, /`clientId`/],
    [{ algorithms: ["HS256"] }, /`algorithms`/],
    [{ algorithms: ["none"] }, /`algorithms`/],
    [{ algorithms: [] }, /`algorithms`/],
    [{ verify: "no" }, /`verify`/],
    [{ dpop: { nonceSecret: new Uint8Array(8) } }, /32 octets/],
    [{ url: "api.example.com" }, /`url`/],
    [{ url: "https://user:word@api.example.com" }, /`url`/],
    // What would only be noticed by every request, or by nobody.
    [{ audiance: audience }, /`audiance` is no option/],
    [{ replays: { spend: () => true } }, /`replays` is no option/],
    [{ dpop: { replay: { spend: () => true } } }, /`dpop.replay` is no option/],
    [{ dpop: { replays: "redis://localhost" } }, /`dpop.replays` has a function `spend/],
    [{ dpop: { replays: {} } }, /`dpop.replays` has a function `spend/],
    [{ dpop: "on" }, /`dpop` is an object/],
    [{ audience: ` ${audience}` }, /`audience` .* to the octet/],
    [{ issuer: undefined }, /`issuer` is missing/],
    [{ issuer: "https://user:word@id.example.com" }, /`issuer` is an http\(s\) URL without/],
    [{ issuer: "https://id.example.com/.well-known/openid-configuration" }, /`https:\/\/id.example.com`/],
    [{ issuer: "https://id.example.com/" }, /: write `https:\/\/id.example.com`/],
    [{ issuer: "http://id.example.com" }, /insecureIssuer/],
    [{ credentials: { clientId: "sa", clientSecret: undefined } }, /`clientSecret` is missing/],
    [{ credentials: "sa:s" }, /`credentials`/],
    [{ algorithms: "ES256" }, /`algorithms` is a list/],
    [{ tenants: "" }, /`tenants` is the name of a collection/],
    [{ tenants: "organizations/" }, /`tenants` is the name of a collection/],
    [{ tenant: "organizations/x" }, /`tenant` is a function/],
    [{ audit: "log" }, /`audit` is a function/],
    [{ timeoutMs: 1e12 }, /`timeoutMs`/],
    [{ timeoutMs: 0.5 }, /`timeoutMs`/],
    [{ metadata: { resource: "https://else.example.com" } }, /`metadata.resource`/],
    [{ metadata: { authorization_servers: [] } }, /`metadata.authorization_servers`/],
    [{ metadata: { max: 1n } }, /`metadata` is an object that can be written as JSON/],
    [{ metadata: "x" }, /`metadata` is an object/],
  ];
  assert.ok(countersign(right));
  assert.ok(
    countersign({ ...right, url: undefined, verify: undefined, dpop: undefined } as never),
    "undefined is none",
  );
  for (const [part, expected] of wrong)
    assert.throws(() => countersign({ ...right, ...part }), expected, inspect(part));
});
