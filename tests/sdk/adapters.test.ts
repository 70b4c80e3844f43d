/** What every adapter does alike, over real HTTP with the real frameworks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { countersign } from "../../sdk/countersign.ts";
import { bearer, send } from "../oauth/http.ts";
import { acme, adapters, audience, file, fileId, heard, issuerFor, usual } from "./kit.ts";

type Said = { readonly caller: Readonly<Record<string, unknown>> | null };

for (const [name, start] of Object.entries(adapters)) {
  const served = async (t: Parameters<typeof issuerFor>[0], decide = () => true) => {
    const asked: { readonly permission: string; readonly resource: string; readonly tenant: string }[] = [];
    const issuer = await issuerFor(t, {
      decide: (question) => {
        asked.push(question);
        return decide();
      },
    });
    const { platform } = heard();
    const api = countersign({ issuer: issuer.url, audience, credentials: issuer.credentials, platform });
    const service = await start(api, usual);
    t.after(() => service.close());
    return { issuer, service, asked };
  };

  test(`${name}: a caller who is permitted is let in, and the handler knows who it is`, async (t) => {
    const { issuer, service, asked } = await served(t);
    const token = await issuer.mint({ tenant: acme, audience, scopes: ["files:*"], acr: "phr", authTime: 1 });
    const answer = await send(`${service.url}/files/${fileId}?version=2`, { headers: bearer(token) });
    assert.equal(answer.status, 200, answer.text);
    const { caller } = answer.json<Said>();
    assert.equal(caller?.tenant_id, acme);
    assert.equal(caller?.principal, caller?.subject);
    assert.deepEqual(caller?.scopes, ["files:*"]);
    assert.equal(caller?.actor, null);
    assert.equal(caller?.bypass, false);
    assert.equal(caller?.kind, "human");
    assert.deepEqual(
      asked.map(({ permission, resource, tenant }) => ({ permission, resource, tenant })),
      [{ permission: "files:read", resource: file, tenant: acme }],
    );
  });

  test(`${name}: nobody else is let in, and each is told what they lack`, async (t) => {
    const { issuer, service } = await served(t, () => false);
    const at = `${service.url}/files/${fileId}`;
    const metadata = 'resource_metadata="https://files.example.com/.well-known/oauth-protected-resource/api"';

    const nobody = await send(at);
    assert.equal(nobody.status, 401);
    const challenge = String(nobody.headers["www-authenticate"]);
    assert.match(challenge, /^Bearer realm="countersign", resource_metadata=/);
    assert.ok(challenge.includes(metadata) && !challenge.includes("error="), "RFC 6750 §3.1: and no error code");

    const bad = await send(at, { headers: bearer("nonsense") });
    assert.equal(bad.status, 401);
    assert.match(String(bad.headers["www-authenticate"]), /error="invalid_token".*resource_metadata=/);

    const narrow = await issuer.mint({ tenant: acme, audience, scopes: ["flows:*"] });
    const scope = await send(at, { headers: bearer(narrow) });
    assert.equal(scope.status, 403);
    assert.match(String(scope.headers["www-authenticate"]), /error="insufficient_scope".* scope="files:read"/);

    const right = await issuer.mint({ tenant: acme, audience });
    const denied = await send(at, { headers: bearer(right) });
    assert.equal(denied.status, 403);
    assert.equal(denied.headers["www-authenticate"], undefined);
    assert.match(String(denied.headers["content-type"]), /^application\/problem\+json/);
    assert.equal(denied.headers["cache-control"], "no-store");
    assert.equal(denied.json()["permission"], "files:read");
  });

  test(`${name}: a token in the URL, two headers and two methods are 400 invalid_request`, async (t) => {
    const { issuer, service } = await served(t);
    const token = await issuer.mint({ tenant: acme, audience });
    const twice = { authorization: [`Bearer ${token}`, `Bearer ${token}`] } as unknown as Record<string, string>;
    const wrong = [
      await send(`${service.url}/me?access_token=${token}`),
      await send(`${service.url}/me?access_token=${token}`, { headers: bearer(token) }),
      await send(`${service.url}/me`, { headers: twice }),
      await send(`${service.url}/me`, { headers: { authorization: `Bearer ${token}, Bearer ${token}` } }),
      await send(`${service.url}/me`, { headers: { authorization: "Bearer" } }),
      await send(`${service.url}/me`, { headers: { authorization: `Bearer ${token} ${token}` } }),
    ];
    for (const [at, answer] of wrong.entries()) {
      assert.equal(answer.status, 400, `${at}: ${answer.text}`);
      assert.match(String(answer.headers["www-authenticate"]), /error="invalid_request"/);
    }
    const other = await send(`${service.url}/me`, { headers: { authorization: "Basic YTpi" } });
    assert.equal(other.status, 401, "another scheme is no token");
  });

  test(`${name}: public routes ask nobody, and the metadata is where challenges say it is`, async (t) => {
    const { issuer, service, asked } = await served(t);
    const open = await send(`${service.url}/health`, { headers: bearer("nonsense") });
    assert.deepEqual(open.json<Said>(), { caller: null });
    const metadata = await send(`${service.url}/.well-known/oauth-protected-resource/api`);
    assert.equal(metadata.status, 200);
    assert.equal(metadata.json()["resource"], audience);
    assert.deepEqual(metadata.json()["authorization_servers"], [issuer.url]);
    assert.deepEqual(asked, []);
  });

  test(`${name}: HEAD is guarded as its GET is, and what has no route is nobody's`, async (t) => {
    const { issuer, service } = await served(t, () => false);
    const headers = bearer(await issuer.mint({ tenant: acme, audience }));
    assert.equal((await send(`${service.url}/files/${fileId}`, { method: "HEAD" })).status, 401);
    assert.equal((await send(`${service.url}/files/${fileId}`, { method: "HEAD", headers })).status, 403);
    assert.equal((await send(`${service.url}/nothing`, { headers })).status, 404);
    const options = await send(`${service.url}/files/${fileId}`, { method: "OPTIONS" });
    assert.ok(!options.text.includes("caller"), "no handler has run");
  });

  test(`${name}: a resource may be found in the body, and the sender is known before`, async (t) => {
    const { issuer, service, asked } = await served(t);
    const body = JSON.stringify({ parent: file });
    const json = { "content-type": "application/json" };
    assert.equal((await send(`${service.url}/files`, { method: "POST", headers: json, body })).status, 401);
    assert.equal(asked.length, 0);
    const headers = { ...json, ...bearer(await issuer.mint({ tenant: acme, audience })) };
    assert.equal((await send(`${service.url}/files`, { method: "POST", headers, body })).status, 200);
    assert.equal(asked[0]?.resource, file);
    const without = await send(`${service.url}/files`, { method: "POST", headers, body: "{}" });
    assert.equal(without.status, 404, without.text);
    assert.equal(asked.length, 1, "nothing was asked about");
  });
}
