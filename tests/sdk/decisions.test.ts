/** Whether they may: what is asked, what an answer is taken for, and that everything but a plain yes is a no. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { hostTenant } from "../../core/ids.ts";
import { type BypassEntry, countersign, type Options, type Policy, route } from "../../sdk/countersign.ts";
import type { GivenAnswer } from "../../sdk/testing.ts";
import { bearer, send } from "../oauth/http.ts";
import { acme, adapters, audience, file, fileId, globex, heard, issuerFor } from "./kit.ts";

const start = adapters["node"];
assert.ok(start);

type Wanted = {
  readonly policy?: Policy;
  readonly answer?: GivenAnswer | (() => GivenAnswer);
  readonly options?: Partial<Options>;
};

const read = route({ permission: "files:read", resource: ({ params }) => `files/${params["id"]}` });

const served = async (t: TestContext, { policy = read, answer = true, options = {} }: Wanted = {}) => {
  const asked: {
    readonly resource: string;
    readonly tenant: string;
    readonly parent: unknown;
    readonly context: unknown;
  }[] = [];
  const issuer = await issuerFor(t, {
    decide: (question) => {
      asked.push(question);
      return typeof answer === "function" ? answer() : answer;
    },
  });
  const { platform, lines } = heard();
  const settings = { issuer: issuer.url, audience, credentials: issuer.credentials, ...options };
  const api = countersign({ ...settings, platform: { ...platform, ...options.platform } });
  const service = await start(api, [{ method: "get", path: "/files/:id", policy }]);
  t.after(() => service.close());
  const get = (token: string, path = `/files/${fileId}`) => send(service.url + path, { headers: bearer(token) });
  const as = (wanted = {}) => issuer.mint({ tenant: acme, audience, ...wanted });
  return { issuer, asked, get, as, lines };
};

const context = (effect: string, because: object, obligations: readonly object[] = []) => ({
  effect,
  because,
  obligations,
});

test("only a plain yes is one", async (t) => {
  const approval = { kind: "approval", rule: { required: 2 } };
  const cases: readonly (readonly [string, GivenAnswer, number])[] = [
    ["yes", true, 200],
    ["no", false, 403],
    ["a yes with an approval left to do", context("permit", { rule: "role" }, [approval]), 403],
    ["a condition", context("conditional", { rule: "role" }, [approval]), 403],
    ["an obligation nobody knows", context("permit", { rule: "role" }, [{ kind: "dance" }]), 403],
    ["another tenant's, or nothing", context("deny", { rule: "unknown_resource" }), 404],
    ["a token that was revoked", context("deny", { rule: "token_not_active" }), 401],
    ["scopes that do not reach", context("deny", { rule: "out_of_scope" }), 403],
    ["a step up", context("conditional", { rule: "role" }, [{ kind: "step_up", acr: "phr" }]), 401],
  ];
  for (const [name, answer, expected] of cases) {
    const { get, as } = await served(t, { answer });
    assert.equal((await get(await as())).status, expected, name);
  }
});

test("an obligation is named to whoever can meet it: approval and human as a problem, step-up as a challenge", async (t) => {
  const obligations = [{ kind: "human" }, { kind: "approval", rule: { required: 2 } }];
  const governed = await served(t, { answer: context("conditional", { rule: "role" }, obligations) });
  const problem = (await governed.get(await governed.as())).json();
  assert.deepEqual(problem["obligations"], obligations);
  assert.match(String(problem["detail"]), /a human actor of record and other humans' approval/);

  const weak = await served(t, { answer: context("conditional", { rule: "role" }, [{ kind: "step_up", acr: "phr" }]) });
  const answer = await weak.get(await weak.as());
  assert.match(
    String(answer.headers["www-authenticate"]),
    /error="insufficient_user_authentication".* acr_values="phr".* resource_metadata=/,
  );
});

test("answers that are none are 503: no connection, another status, another shape, too late, too large", async (t) => {
  const bends: Readonly<Record<string, () => Promise<Response> | Response>> = {
    "a failed connection": () => Promise.reject(new TypeError("fetch failed")),
    "500": () => Response.json({ decision: true }, { status: 500 }),
    "403, as this service may not ask": () => Response.json({ code: "permission_denied" }, { status: 403 }),
    "429": () => Response.json({}, { status: 429, headers: { "retry-after": "7" } }),
    "a text": () => new Response("yes"),
    "a decision that is a text": () => Response.json({ decision: "true" }),
    "a decision that is a number": () => Response.json({ decision: 1 }),
    nothing: () => Response.json({}),
    "a list": () => Response.json([{ decision: true }]),
    "an endless answer": () => new Response(`{"decision":true,"x":"${"x".repeat(2_000_000)}"}`),
    "201": () => Response.json({ decision: true }, { status: 201 }),
  };
  for (const [name, bend] of Object.entries(bends)) {
    const fetched: typeof fetch = async (url, init) =>
      String(url instanceof Request ? url.url : url).endsWith("/evaluation") ? bend() : fetch(url, init);
    const { get, as } = await served(t, { options: { platform: { fetch: fetched } } });
    const answer = await get(await as());
    assert.equal(answer.status, 503, `${name} was answered with ${answer.status}`);
    if (name === "429") assert.equal(answer.headers["retry-after"], "7");
  }
  const slow: typeof fetch = (url, init) =>
    String(url instanceof Request ? url.url : url).endsWith("/evaluation")
      ? new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(new Error("late"))))
      : fetch(url, init);
  const { get, as } = await served(t, { options: { timeoutMs: 200, platform: { fetch: slow } } });
  assert.equal((await get(await as())).status, 503);
});

test("a contradiction is a no: `decision: true` with an effect that is none", async (t) => {
  const fetched: typeof fetch = async (url, init) =>
    String(url instanceof Request ? url.url : url).endsWith("/evaluation")
      ? Response.json({ decision: true, context: context("deny", { rule: "no_role" }) })
      : fetch(url, init);
  const { get, as } = await served(t, { options: { platform: { fetch: fetched } } });
  assert.equal((await get(await as())).status, 403);
});

test("a resource that can't be told is denied, whatever its function does, and nothing is asked", async (t) => {
  const finders: readonly (readonly [string, () => unknown, number])[] = [
    ["undefined", () => undefined, 404],
    ["null", () => null, 404],
    ["nothing", () => "", 404],
    ["a bare id", () => fileId, 404],
    ["a collection", () => "files", 404],
    ["a star", () => "files/*", 404],
    ["an id in capitals", () => file.toUpperCase(), 404],
    ["two ids", () => `${file}/${fileId}`, 404],
    ["a path to elsewhere", () => `../users/${fileId}`, 404],
    ["a list", () => [file], 404],
    ["an object", () => ({ toString: () => file }), 404],
    [
      "a throw",
      () => {
        throw new Error("bug");
      },
      403,
    ],
    ["a rejection", () => Promise.reject(new Error("bug")), 403],
  ];
  for (const [name, finder, expected] of finders) {
    const policy = route({ permission: "files:read", resource: finder as never });
    const { get, as, asked } = await served(t, { policy });
    assert.equal((await get(await as())).status, expected, name);
    assert.deepEqual(asked, [], name);
  }
  const parent = route({ permission: "files:read", resource: () => file, parent: () => undefined });
  const orphan = await served(t, { policy: parent });
  assert.equal((await orphan.get(await orphan.as())).status, 404);
  const attributes = route({ permission: "files:read", resource: () => file, context: () => "none" as never });
  const vague = await served(t, { policy: attributes });
  assert.equal((await vague.get(await vague.as())).status, 403);
});

test("what is asked names the resource, its parent and the request's attributes; without a resource, the tenant", async (t) => {
  const folder = `files/${globex}`;
  const policy = route({
    permission: "files:read",
    resource: () => file,
    parent: () => folder,
    context: () => ({ ip: "192.0.2.1" }),
  });
  const one = await served(t, { policy });
  assert.equal((await one.get(await one.as())).status, 200);
  assert.deepEqual(
    one.asked.map(({ resource, parent, context: attributes }) => ({ resource, parent, attributes })),
    [{ resource: file, parent: folder, attributes: { ip: "192.0.2.1" } }],
  );
  const whole = await served(t, { policy: route({ permission: "files:read" }), options: { tenants: "tenants" } });
  assert.equal((await whole.get(await whole.as())).status, 200);
  assert.equal(whole.asked[0]?.resource, `tenants/${acme}`);
});

test("scopes: `flows:*` and `*` reach each, a part does not reach the whole, and a prefix is no match", async (t) => {
  const cases: readonly (readonly [readonly string[], readonly string[], number])[] = [
    [["files:read"], ["files:read"], 200],
    [["files:*"], ["files:read"], 200],
    [["*"], ["files:read"], 200],
    [["openid", "files:read"], ["files:read"], 200],
    [["files:write"], ["files:read"], 403],
    [["file:*"], ["files:read"], 403],
    [["files"], ["files:read"], 403],
    [["files:rea"], ["files:read"], 403],
    [["files:read:*"], ["files:read"], 403],
    [["files*"], ["files:read"], 403],
    [[], ["files:read"], 403],
    [["files:read"], ["files:*"], 403],
    [["files:*"], ["files:*"], 200],
    [["files:read"], ["files:read", "shares:read"], 403],
    [["files:read", "shares:*"], ["files:read", "shares:read"], 200],
  ];
  for (const [held, wanted, expected] of cases) {
    const { get, as, asked } = await served(t, { policy: route({ permission: "files:read", scopes: wanted }) });
    assert.equal((await get(await as({ scopes: held }))).status, expected, `${held.join()} for ${wanted.join()}`);
    assert.equal(asked.length, expected === 200 ? 1 : 0);
  }
});

const superAdmin = context("permit", { rule: "host_role", role: "super_admin", assignment: "a", bypass: true });
const inGlobex = route({
  permission: "files:read",
  resource: () => file,
  tenant: ({ header }) => header("acting-tenant"),
});

test("a super admin's bypass lets pass, acts in the tenant that was named, and leaves a record before the handler runs", async (t) => {
  const entries: BypassEntry[] = [];
  const audit = async (entry: BypassEntry): Promise<void> => void entries.push(entry);
  const policy = route({ permission: "files:read", resource: () => file, tenant: () => `organizations/${globex}` });
  const { get, as, asked } = await served(t, { policy, answer: superAdmin, options: { audit } });
  const answer = await get(await as({ tenant: "host", subject: `users/${acme}` }));
  assert.equal(answer.status, 200, answer.text);
  const { caller } = answer.json<{ caller: Record<string, unknown> }>();
  assert.equal(caller["bypass"], true);
  assert.equal(caller["host"], true);
  assert.equal(caller["tenant_id"], globex);
  assert.equal(asked[0]?.tenant, globex);
  const [entry] = entries;
  assert.equal(entry?.event, "super_admin_bypass");
  assert.equal(entry.principal, `users/${acme}`);
  assert.equal(entry.tenant_id, globex);
  assert.equal(entry.resource, file);
  assert.equal(entry.because["role"], "super_admin");
});

test("a bypass that can't be recorded does not happen; without an audit it is a line of JSON", async (t) => {
  for (const audit of [
    () => Promise.reject(new Error("disk full")),
    () => {
      throw new Error("disk full");
    },
  ]) {
    const { get, as } = await served(t, { policy: inGlobex, answer: superAdmin, options: { audit } });
    assert.equal((await get(await as({ tenant: "host" }))).status, 503);
  }
  const { get, as, lines } = await served(t, { policy: inGlobex, answer: superAdmin });
  assert.equal((await get(await as({ tenant: "host" }))).status, 200);
  assert.equal((JSON.parse(lines[0] ?? "") as BypassEntry).event, "super_admin_bypass");
  const plain = await served(t, { policy: inGlobex });
  assert.equal((await plain.get(await plain.as())).json<{ caller: { bypass: boolean } }>().caller.bypass, false);
  assert.deepEqual(plain.lines, []);
});

test("only the host's principals leave the tenant of their token; what they name has to be a tenant", async (t) => {
  const policy = (tenant: unknown): Policy =>
    route({ permission: "files:read", resource: () => file, tenant: () => tenant as string });
  for (const [named, expected] of [
    [`organizations/${acme}`, 200],
    [undefined, 200],
    [`organizations/${globex}`, 404],
    [`organizations/${hostTenant}`, 404],
    [`files/${acme}`, 404],
    [globex, 404],
    ["", 404],
  ] as const) {
    const { get, as, asked } = await served(t, { policy: policy(named) });
    const answer = await get(await as());
    assert.equal(answer.status, expected, `${named} was answered with ${answer.status}`);
    assert.ok(asked.every(({ tenant }) => tenant === acme));
  }
  for (const named of [globex, `files/${globex}`, "organizations/*", ""]) {
    const { get, as } = await served(t, { policy: policy(named) });
    assert.equal((await get(await as({ tenant: "host" }))).status, 404, named);
  }
  const everywhere = await served(t, { options: { tenant: () => `organizations/${globex}` } });
  assert.equal((await everywhere.get(await everywhere.as())).status, 404, "the option is held to the same rule");
});

test("the service's own token is fetched once and renewed in time; one that is refused is replaced", async (t) => {
  const clock = { now: Date.now() };
  const { issuer, get, as } = await served(t, { options: { platform: { now: () => clock.now } } });
  const token = await as({ expiresInSeconds: 3_600 });
  await Promise.all(Array.from({ length: 20 }, async () => assert.equal((await get(token)).status, 200)));
  assert.equal(issuer.asked("/oauth/token"), 1);
  clock.now += 250_000;
  assert.equal((await get(token)).status, 200);
  assert.equal(issuer.asked("/oauth/token"), 2);
});

test("with credentials that are refused every decision is 503, and the token endpoint is not hammered", async (t) => {
  const { issuer, get, as, lines } = await served(t, {
    options: { credentials: { clientId: "sa", clientSecret: "x" } },
  });
  const token = await as();
  for (let time = 0; time < 10; time += 1) assert.equal((await get(token)).status, 503);
  assert.equal(issuer.asked("/oauth/token"), 1);
  assert.equal(issuer.asked("/access/v1/evaluation"), 0);
  assert.ok(lines.length > 0);
});

test("without credentials the caller's own token asks, and one that was revoked is sent back", async (t) => {
  const issuer = await issuerFor(t, { decide: () => true });
  const { platform } = heard();
  const api = countersign({ issuer: issuer.url, audience: issuer.url, platform });
  assert.equal(api.metadata, undefined, "the issuer's audience is no URL of this service");
  const service = await start(api, [{ method: "get", path: "/files/:id", policy: read }]);
  t.after(() => service.close());
  const get = (token: string) => send(`${service.url}/files/${fileId}`, { headers: bearer(token) });
  const token = await issuer.mint({ tenant: acme });
  assert.equal((await get(token)).status, 200);
  issuer.revoke(token);
  const refused = await get(token);
  assert.equal(refused.status, 401);
  assert.match(String(refused.headers["www-authenticate"]), /error="invalid_token"/);
  assert.equal(issuer.asked("/oauth/token"), 0);
});
