/** What Express alone can do around a guard: errors that skip it, parameters that are loaded before it, applications that are mounted. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test, type TestContext } from "node:test";
import express, { type NextFunction, type Request, type Response } from "express";
import { countersign, route, type RouteRequest } from "../../sdk/countersign.ts";
import { assertPolicies, callerOf, type Guard, middleware, protect } from "../../sdk/express.ts";
import { MissingPolicies } from "../../sdk/missing-policies.ts";
import { bearer, send } from "../oauth/http.ts";
import { acme, audience, file, heard, issuerFor, listening } from "./kit.ts";

const closed = countersign({
  issuer: "http://127.0.0.1:9",
  audience,
  credentials: { clientId: "sa", clientSecret: "s" },
  platform: heard().platform,
});
const policy = route({ permission: "files:read" });
const hello = (_: Request, response: Response): void => void response.send("hello");
const swallow = (_error: Error, _: Request, _response: Response, next: NextFunction): void => next();
const json = () => middleware("parses JSON", express.json());

const declared = (declare: (app: express.Express, guard: Guard) => void): void => {
  const app = express();
  declare(app, protect(app, closed));
  assertPolicies(app);
};
const lacks = (expected: readonly string[]) => (error: unknown) => {
  assert.ok(error instanceof MissingPolicies, String(error));
  assert.deepEqual(error.routes.toSorted(), expected.toSorted());
  return true;
};

test("an error skips a guard: what follows an error handler that may go on with the request is not covered by it", () => {
  const skipped = "(its guard is skipped where an error handler goes on)";
  assert.throws(
    () => declared((app, guard) => app.use(json(), guard(policy), swallow).post("/secret", hello)),
    lacks([`POST /secret ${skipped}`]),
  );
  assert.throws(
    () => declared((app, guard) => app.post("/secret", json(), guard(policy), swallow, hello)),
    lacks(["POST /secret"]),
  );
  assert.throws(
    () => declared((app, guard) => app.get("/:id", guard(policy), hello).use(guard(policy), swallow, hello)),
    lacks([`use / (hello) ${skipped}`]),
  );
  const inner = () => express.Router().use(json(), swallow).get("/x", hello);
  assert.doesNotThrow(
    () => declared((app, guard) => app.use(json(), guard(policy), inner())),
    "past the guard already",
  );
  assert.doesNotThrow(() => declared((app, guard) => app.use(guard(policy), json(), swallow).post("/secret", hello)));
  assert.doesNotThrow(() => declared((app, guard) => app.use(json(), swallow).post("/secret", guard(policy), hello)));
  assert.doesNotThrow(() =>
    declared((app, guard) =>
      app.use(json(), guard(policy), middleware("answers every error", swallow)).post("/secret", hello),
    ),
  );
});

test("no request that fails before a guard reaches the handler behind it", async (t) => {
  const app = express();
  const guard = protect(app, closed);
  app.use(guard(policy), json(), swallow);
  app.all("/secret", hello);
  const service = await listening(createServer(app));
  t.after(() => service.close());
  const headers = { "content-type": "application/json" };
  for (const path of ["/secret", "/secret?x=%ff", "/%ff/../secret"]) {
    const answer = await send(service.url + path, { method: "POST", headers, body: "{bad" });
    assert.ok(answer.status === 401 || answer.status === 404, `${path}: ${answer.text}`);
  }
});

test("what `app.param` declares runs before a route's guard, and is a route without a policy", () => {
  const load = (_: Request, response: Response, _next: NextFunction, id: string): void => void response.send(id);
  const without = lacks(["param :id (load)"]);
  assert.throws(
    () => declared((app, guard) => void app.param("id", load).get("/files/:id", guard(policy), hello)),
    without,
  );
  assert.throws(
    () => declared((app, guard) => void app.param("id", load).use("/files/:id", guard(policy), hello)),
    without,
  );
  const inner = () => {
    const router = express.Router();
    router.param("id", load);
    return router.get("/:id", hello);
  };
  assert.throws(
    () => declared((app) => app.use("/files", inner())),
    lacks(["GET /files/:id", "param /files:id (load)"].map((one) => one.replace("/files:id", "/files:id"))),
  );
  assert.doesNotThrow(() => declared((app, guard) => app.use("/files", guard(policy), inner())));
  assert.doesNotThrow(() =>
    declared((app, guard) => void app.param("id", load).use(guard(policy)).get("/files/:id", hello)),
  );
  const harmless = middleware("looks at its shape only", load);
  assert.doesNotThrow(() =>
    declared((app, guard) => void app.param("id", harmless).get("/files/:id", guard(policy), hello)),
  );
});

test("a parser may stand before the guard within a route, where it is declared", () => {
  assert.doesNotThrow(() => declared((app, guard) => app.post("/files", json(), guard(policy), hello)));
  assert.throws(
    () => declared((app, guard) => app.post("/files", express.json(), guard(policy), hello)),
    lacks(["POST /files"]),
  );
  assert.throws(() => declared((app) => app.post("/files", json(), hello)), lacks(["POST /files"]));
});

test("a guard in `use` covers what has the same path with parameters in it, and nothing else", () => {
  const router = () => express.Router().get("/files", hello);
  assert.doesNotThrow(() => declared((app, guard) => app.use("/tenants/:id", guard(policy), router())));
  assert.throws(
    () => declared((app, guard) => app.use("/tenants/:id", guard(policy)).use("/tenants/:tenant", router())),
    lacks(["GET /tenants/:tenant/files"]),
  );
  assert.throws(
    () => declared((app, guard) => app.use(/^\/admin/, guard(policy)).get("/^\\/admin/", hello)),
    lacks(["GET /^\\/admin/"]),
  );
});

const served = async (t: TestContext) => {
  const asked: string[] = [];
  const issuer = await issuerFor(t, { decide: ({ resource }) => asked.push(resource) > 0 });
  const { platform, lines } = heard();
  const api = countersign({ issuer: issuer.url, audience, credentials: issuer.credentials, platform });
  const headers = bearer(await issuer.mint({ tenant: acme, audience }));
  return { api, asked, headers, lines };
};

test("a mounted application has its own guards: its routes are looked at from outside, and closed", async (t) => {
  const { api, headers } = await served(t);
  const whole = (declare: (sub: express.Express, guard: Guard) => void) => {
    const app = express();
    protect(app, api);
    const sub = express();
    declare(sub, protect(sub, api));
    app.use("/sub", sub);
    return { app, sub };
  };
  const bare = whole((sub) => sub.get("/bare", hello));
  assert.throws(() => assertPolicies(bare.app), lacks(["GET /sub/bare"]));

  const { app, sub } = whole((one, guard) =>
    one.get("/x", guard(policy), (request, response) => void response.send(callerOf(request).tenant_id)),
  );
  const service = await listening(createServer(app));
  t.after(() => service.close());
  assert.equal((await send(`${service.url}/sub/x`)).status, 401);
  assert.equal((await send(`${service.url}/sub/x`, { headers })).text, acme);
  assert.throws(() => sub.get("/late", hello), /after the policies were checked/);
  assert.throws(() => sub.param("id", () => undefined), /after the policies were checked/);
});

test("a guard in an application that was not given to `protect` is shut: nobody has looked at its neighbours", async (t) => {
  const { api, headers, lines } = await served(t);
  const guard = protect(express(), api);
  const app = express();
  app.get("/x", guard(policy), hello);
  const service = await listening(createServer(app));
  t.after(() => service.close());
  const answer = await send(`${service.url}/x`, { headers });
  assert.equal(answer.status, 500);
  assert.match(lines.join("\n"), /`GET \/x` was reached without a policy that was checked[^]*`protect\(\)`/);
});

test("a wildcard's parameter is what it matched, as in every framework", async (t) => {
  const { api, headers, asked } = await served(t);
  const app = express();
  const guard = protect(app, api);
  const seen: unknown[] = [];
  const resource = ({ params }: RouteRequest): string => {
    seen.push(params["path"]);
    return file;
  };
  app.get("/tree/*path", guard(route({ permission: "files:read", resource })), hello);
  const service = await listening(createServer(app));
  t.after(() => service.close());
  assert.equal((await send(`${service.url}/tree/a/b%2fc/d`, { headers })).status, 200);
  assert.deepEqual([seen, asked], [["a/b/c/d"], [file]]);
});
