// Forward authentication asked directly: by a gateway as Traefik documents its headers, by one that is not set up well, and by who is none.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { bearer } from "../oauth/http.ts";
import { gatewayRoutes } from "../security/exemptions.ts";
import { gatewayTokenOf, startEdge, statusOfRaw } from "./kit.ts";

const edge = await startEdge({
  routes: `
routes:
  - { methods: [GET], path: "/accounts/{id}/payouts", permission: payouts:read, resource: "accounts/{id}" }
  - { host: admin.example.com, methods: [GET], path: /, permission: settings:read }
  - { methods: [GET], path: /narrow, permission: payouts:read, scopes: [accounts:read] }
  - { methods: [GET], path: /elsewhere, permission: payouts:read, audience: [https://api.example.com] }
  - { methods: [POST], path: "/accounts/{id}/payouts:approve", permission: payouts:approve, resource: "accounts/{id}" }
  - { methods: [GET], path: /status, public: load balancers look here }
`,
});
after(edge.close);
const { deployment, acme, payouts, gatewayToken, member, memberToken } = edge;

type Headers = Readonly<Record<string, string>>;
/** As Traefik's ForwardAuth sends them, with the request's own headers beside. */
const traefik = (uri: string, method = "GET", host = "api.example.com"): Headers => ({
  "X-Forwarded-For": "203.0.113.7",
  "X-Forwarded-Method": method,
  "X-Forwarded-Proto": "https",
  "X-Forwarded-Host": host,
  "X-Forwarded-Uri": uri,
});
const path = "/access/v1/forward-auth";
const ask = (headers: Headers, gateway: string | undefined = gatewayToken, method = "GET", query = "") =>
  deployment.send(path + query, {
    method,
    headers: { ...headers, ...(gateway === undefined ? {} : { "Countersign-Gateway": gateway }) },
  });
const statusOf = async (...asked: Parameters<typeof ask>): Promise<number> => (await ask(...asked)).status;

test("the headers Traefik sends are understood, and its answer has every identity header", async () => {
  const answer = await ask({ ...traefik(`${payouts}?page=2`), ...bearer(memberToken) });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.text, "");
  assert.equal(answer.headers["cache-control"], "no-store");
  const { "x-countersign-request-id": requestId, ...told } = Object.fromEntries(
    Object.entries(answer.headers).filter(([name]) => name.startsWith("x-countersign-")),
  );
  assert.deepEqual(told, {
    "x-countersign-tenant": acme.id,
    "x-countersign-principal": member.ref,
    "x-countersign-subject": member.ref,
    "x-countersign-actor": "",
    "x-countersign-scopes": "*",
  });
  assert.equal(requestId, answer.headers["request-id"]);
  for (const method of ["HEAD", "POST", "PUT", "PATCH", "DELETE"])
    assert.equal(await statusOf({ ...traefik(payouts), ...bearer(memberToken) }, gatewayToken, method), 200, method);
  assert.equal(await statusOf({ ...traefik(payouts, "POST"), ...bearer(memberToken) }), 403);
});

test("whoever reaches the endpoint without a gateway's credential gets 401, and learns nothing of tokens or routes", async () => {
  const answers = new Set<string>();
  for (const headers of [
    traefik(payouts),
    traefik("/status"),
    traefik("/none"),
    { ...traefik(payouts), ...bearer(memberToken) },
    { ...traefik(payouts), ...bearer("garbage") },
    {},
  ])
    for (const gateway of [undefined, "garbage", member.client_secret]) {
      const answer = await deployment.send(path, {
        headers: { ...headers, ...(gateway === undefined ? {} : { "Countersign-Gateway": gateway }) },
      });
      assert.equal(answer.status, 401);
      assert.equal(answer.headers["www-authenticate"], 'Countersign-Gateway realm="countersign"');
      answers.add(`${gateway} ${answer.text.replace(/"request_id":"[^"]*"/, "")}`);
    }
  assert.equal(answers.size, 3, "the answer depends on the gateway's credential alone");
});

test("a caller's own token is no gateway's credential: 403 for who may not ask about others, whatever is asked", async () => {
  for (const uri of [payouts, "/status", "/none"]) {
    const answer = await ask({ ...traefik(uri), ...bearer(memberToken) }, memberToken);
    assert.equal(answer.status, 403);
    assert.equal(answer.json<{ permission: string }>().permission, "access:check");
    assert.equal(answer.headers["www-authenticate"], undefined);
  }
  const half = await acme.does("/v1/roles", { display_name: "Half a gateway", permissions: ["access:check"] });
  const token = await deployment.token(await acme.account({ role: String(half["resource"]) }));
  const answer = await ask({ ...traefik("/status") }, token);
  assert.equal(answer.json<{ permission: string }>().permission, "tokens:introspect");
});

test("invariant 10: on every method a gateway's credential that is dead, disabled or twice there is 401, and one that may not ask 403", async () => {
  const account = await acme.account({ role: "owner" });
  const ofDisabled = await deployment.token(account);
  assert.equal(await statusOf(traefik("/status"), ofDisabled), 200);
  await acme.does(`/v1/service-accounts/${account.id}:disable`);
  for (const method of gatewayRoutes.map((name) => name.split(" ")[0] ?? "")) {
    for (const token of [ofDisabled, "garbage", `${gatewayToken}, ${gatewayToken}`, `Bearer ${gatewayToken}`])
      assert.equal(await statusOf(traefik("/status"), token, method), 401, `${method} ${token}`);
    assert.equal(await statusOf(traefik("/status"), memberToken, method), 403, method);
    assert.equal(await statusOf(traefik("/status"), gatewayToken, method), 200, method);
  }
});

test("invariant 2: another tenant's gateway takes no token of this one, and the host's takes any", async () => {
  const other = await deployment.tenant("Other");
  const foreign = await gatewayTokenOf(other);
  const refused = await ask({ ...traefik(payouts), ...bearer(memberToken) }, foreign);
  assert.equal(refused.status, 401);
  const unknown = await ask({ ...traefik(payouts), ...bearer("garbage") }, foreign);
  const told = (text: string) => text.replace(/"request_id":"[^"]*"/, "");
  assert.equal(told(refused.text), told(unknown.text), "a foreign token is as one that never was");
  assert.equal(await statusOf({ ...traefik(payouts), ...bearer(memberToken) }, deployment.host), 200);
  const owner = await deployment.token(await other.account({ role: "owner" }));
  assert.equal(await statusOf({ ...traefik(payouts), ...bearer(owner) }, deployment.host), 403);
});

test("CWE-807: a gateway that does not say everything itself, or a client that says it too, is refused", async () => {
  const good = { ...traefik(payouts), ...bearer(memberToken) };
  for (const missing of ["X-Forwarded-Method", "X-Forwarded-Uri", "X-Forwarded-Host", "X-Forwarded-Proto"]) {
    const { [missing as keyof typeof good]: _, ...rest } = good;
    const answer = await ask(rest);
    assert.equal(answer.status, 403, missing);
    assert.match(answer.text, /the gateway is not set up/);
  }
  for (const extra of ["X-Original-Method", "X-Original-URI"])
    assert.equal(await statusOf({ ...good, [extra]: "/status" }), 403, extra);
  const lines = Object.entries({ ...good, "Countersign-Gateway": gatewayToken }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  const port = Number(new URL(deployment.base()).port);
  const raw = (...more: readonly string[]) => statusOfRaw(port, [`GET ${path} HTTP/1.1`, "Host: a", ...lines, ...more]);
  assert.equal(await raw(), 200);
  for (const twice of [
    "X-Forwarded-Uri: /status",
    "X-Forwarded-Host: a",
    `Authorization: Bearer ${memberToken}`,
    "X_Countersign_Tenant: forged",
    "X-Http-Method: GET",
  ])
    assert.equal(await raw(twice), 403, twice);
  assert.equal(await raw(`Countersign-Gateway: ${gatewayToken}`), 401);
  // In absolute form it is no path of ours to the door, nor to the router.
  const absolute = await statusOfRaw(port, [`GET http://a${path} HTTP/1.1`, "Host: a", ...lines]);
  assert.ok(absolute === 404 || absolute === 400, String(absolute));
});

test("a rule may stand beside the gateway's credential, and nowhere else", async () => {
  const rule = (fields: string) => `${gatewayToken}; ${fields}`;
  const asked = (fields: string, uri = payouts) => statusOf({ ...traefik(uri), ...bearer(memberToken) }, rule(fields));
  const at = "path=/accounts/{id}/payouts";
  assert.equal(await asked(`permission=payouts:read; resource=accounts/{id}; ${at}`), 200);
  assert.equal(await asked(`permission=payouts:read; resource=${edge.place.ref}`, "/anything"), 200);
  assert.equal(await asked("permission=payouts:read", "/anything"), 200, "at the tenant as a whole");
  assert.equal(await asked("public=for a reason", "/anything"), 200);
  for (const fields of [
    `permission=payouts:create; resource=accounts/{id}; ${at}`,
    `permission=payouts:read; resource=accounts/{id}; path=/other/{id}`,
    `permission=payouts:raed`,
    `permission=payouts:read; resource=accounts/{id}`,
    `permission=payouts:read; permission=payouts:read`,
    `permission=payouts:read; scopes=payouts:create documents:read; audience=https://nobody.example`,
    `permission=`,
    `nonsense`,
    ``,
  ])
    assert.equal(await asked(fields), 403 - (fields.includes("audience") ? 2 : 0), fields);
  const query = "?permission=payouts:read&public=because";
  assert.equal(await statusOf({ ...traefik("/none"), ...bearer(memberToken) }, gatewayToken, "GET", query), 403);
});

test("host, scopes and audience of a route narrow it", async () => {
  const owner = await acme.account({ role: "owner" });
  const token = await deployment.token(owner);
  assert.equal(await statusOf({ ...traefik("/", "GET", "admin.example.com"), ...bearer(token) }), 200);
  assert.equal(await statusOf({ ...traefik("/", "GET", "Admin.Example.com:443"), ...bearer(token) }), 200);
  assert.equal(await statusOf({ ...traefik("/", "GET", "admin.example.com.evil.example"), ...bearer(token) }), 403);
  assert.equal(await statusOf({ ...traefik("/"), ...bearer(token) }), 403);

  const narrow = await ask({
    ...traefik("/narrow"),
    ...bearer(await deployment.token(owner, { scope: "payouts:read" })),
  });
  assert.equal(narrow.status, 403);
  assert.match(narrow.headers["www-authenticate"] ?? "", /error="insufficient_scope", scope="accounts:read"/);
  for (const scope of ["payouts:read accounts:read", "payouts:read accounts:*"])
    assert.equal(
      await statusOf({ ...traefik("/narrow"), ...bearer(await deployment.token(owner, { scope })) }),
      200,
      scope,
    );

  const elsewhere = await deployment.token(owner, { resource: "https://api.example.com" });
  assert.equal(await statusOf({ ...traefik("/elsewhere"), ...bearer(elsewhere) }), 200);
  assert.equal(await statusOf({ ...traefik("/elsewhere"), ...bearer(token) }), 401, "RFC 9068 §4");
  assert.equal(await statusOf({ ...traefik(payouts), ...bearer(elsewhere) }), 401, "RFC 9068 §4");
});

test("what needs a human is refused to a machine that has the permission", async () => {
  const token = await deployment.token(await acme.account({ role: "treasurer" }));
  const answer = await ask({ ...traefik(`${payouts}:approve`, "POST"), ...bearer(token) });
  assert.equal(answer.status, 403);
  assert.match(answer.text, /a human who initiates it/);
});

test("invariant 1: what cannot be decided is 503, on public routes too, and nothing is let through until the database is back", async () => {
  const fresh = await Promise.all([1, 2, 3].map(() => deployment.token(member)));
  const unseen = await gatewayTokenOf(await deployment.tenant("Third"));
  await edge.database.cut();
  for (const token of fresh) {
    const answer = await ask({ ...traefik(payouts), ...bearer(token) });
    assert.equal(answer.status, 503, answer.text);
    assert.equal(answer.headers["x-countersign-principal"], undefined);
  }
  assert.equal(await statusOf(traefik("/status"), unseen), 503);
  await edge.database.restore();
  const until = Date.now() + 10_000;
  while ((await statusOf({ ...traefik(payouts), ...bearer(fresh[0] ?? "") })) !== 200)
    assert.ok(Date.now() < until, "it does not come back");
});
