/** What an operator is told when a service can't do its work: what is wrong, where, and what to do. A caller is told none of it, nor is a token. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { countersign, type Options, route } from "../../sdk/countersign.ts";
import type { TestIssuerOptions } from "../../sdk/testing.ts";
import { bearer, send } from "../oauth/http.ts";
import { freePort } from "../support/redis.ts";
import { acme, adapters, audience, issuerFor, usual } from "./kit.ts";

const start = adapters["node"];
assert.ok(start);

const served = async (t: TestContext, options: Partial<Options> = {}, answers: TestIssuerOptions = {}) => {
  const issuer = await issuerFor(t, answers);
  const lines: string[] = [];
  const report = (message: string, error?: unknown): void =>
    void lines.push(`${message} ${error instanceof Error ? error.message : ""}`);
  const settings = { issuer: issuer.url, audience, credentials: issuer.credentials, ...options };
  const api = countersign({ ...settings, platform: { report, ...options.platform } });
  const service = await start(api, usual);
  t.after(() => service.close());
  const token = await issuer.mint({ tenant: acme, audience });
  const get = async () => (await send(`${service.url}/files/${acme}`, { headers: bearer(token) })).status;
  const said = (): string => {
    assert.ok(!lines.join("\n").includes(token));
    return lines.join("\n");
  };
  return { issuer, api, get, said };
};

/** The issuer as it would be with another answer at one path. */
const bent =
  (path: string, answer: () => Promise<Response> | Response): typeof fetch =>
  async (url, init) =>
    String(url instanceof Request ? url.url : url).endsWith(path) ? answer() : fetch(url, init);

test("`ready` resolves where the service can work, and says what is wrong where it can't", async (t) => {
  const { api, issuer } = await served(t);
  await api.ready();
  assert.deepEqual([issuer.asked("/oauth/jwks"), issuer.asked("/oauth/token")], [1, 1]);

  const wrong = await served(t, { credentials: { clientId: "sa", clientSecret: "not it" } });
  await assert.rejects(wrong.api.ready(), /the token endpoint refused this service's credentials: 401, invalid_client/);
  await wrong.issuer.close();
  const gone = await served(t, { issuer: wrong.issuer.url });
  await assert.rejects(gone.api.ready(), /well-known\/oauth-authorization-server did not answer: .*ECONNREFUSED/);
});

test("an issuer under another name than its own is told by both names", async (t) => {
  const other = await issuerFor(t);
  const byName = other.url.replace("127.0.0.1", "localhost");
  const { api, get, said } = await served(t, { issuer: byName });
  await assert.rejects(
    api.ready(),
    new RegExp(`the issuer at ${byName} says that it is "${other.url}": .* to the octet`),
  );
  assert.equal(await get(), 503);
  assert.match(said(), new RegExp(`says that it is "${other.url}"`));
});

test("what did not answer is named with the reason: refused, too slow, another status", async (t) => {
  const slow = () =>
    new Promise<Response>((_, reject) => setTimeout(reject, 60, new DOMException("late", "TimeoutError")));
  const cases: readonly (readonly [Partial<Options>, RegExp])[] = [
    [
      { platform: { fetch: bent("/evaluation", slow) }, timeoutMs: 50 },
      /\/access\/v1\/evaluation did not answer: not within 50 ms/,
    ],
    [
      { platform: { fetch: bent("/jwks", () => new Response("<html>", { status: 502 })) } },
      /no key set at .*\/oauth\/jwks: 502/,
    ],
    [{ issuer: `http://127.0.0.1:${await freePort()}` }, /did not answer: .*ECONNREFUSED/],
    [
      {
        platform: {
          fetch: bent("/evaluation", () => Response.json({ detail: "`access:check` is missing" }, { status: 403 })),
        },
      },
      /gave no decision \(403, `access:check` is missing\); the role of this service's account needs `access:check`/,
    ],
    [
      { verify: "introspection", platform: { fetch: bent("/introspect", () => Response.json({}, { status: 403 })) } },
      /introspection was answered with 403; the role of this service's account needs `tokens:introspect`/,
    ],
  ];
  for (const [options, expected] of cases) {
    const { get, said } = await served(t, options);
    assert.equal(await get(), 503, String(expected));
    assert.match(said(), expected);
  }
});

test("a permission the access model does not have is told to whoever wrote the route", async (t) => {
  const because = { rule: "unknown_permission", permission: "files:read" };
  const { get, said } = await served(t, {}, { decide: () => ({ effect: "deny", because, obligations: [] }) });
  assert.equal(await get(), 403);
  assert.match(said(), /the access model has no permission `files:read`, which a route asks for/);
});

test("a key that could not be looked for is looked for again, and is no word about the token", async (t) => {
  const issuer = await issuerFor(t);
  const clock = { now: Date.now() };
  let broken = false;
  const fetched: typeof fetch = (url, init) => (broken ? Promise.reject(new Error("gone")) : fetch(url, init));
  const platform = { now: () => clock.now, fetch: fetched, report: () => undefined };
  const api = countersign({ issuer: issuer.url, audience, credentials: issuer.credentials, platform });
  const service = await start(api, [{ method: "get", path: "/me", policy: route({ authenticated: "a test" }) }]);
  t.after(() => service.close());
  const me = async (token: string) => (await send(`${service.url}/me`, { headers: bearer(token) })).status;
  assert.equal(await me(await issuer.mint({ tenant: acme, audience })), 200);
  await issuer.rotate();
  const token = await issuer.mint({ tenant: acme, audience });
  broken = true;
  assert.equal(await me(token), 503);
  broken = false;
  clock.now += 1_001;
  assert.equal(await me(token), 200, "not half a minute later");
});
