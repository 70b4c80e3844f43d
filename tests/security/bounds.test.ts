// What bad input gets (security.md, 14): a problem document with a stable code, at once, and nothing half-written.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, test } from "node:test";
import { startDeployment } from "../oauth/deployment.ts";
import { type Answer, bearer } from "../oauth/http.ts";

const deployment = await startDeployment();
after(deployment.close);
const tenant = await deployment.tenant();
const token = await deployment.token(await tenant.account({ role: "owner" }));
const json = { ...bearer(token), "content-type": "application/json" };
const create = (body: string, headers: Readonly<Record<string, string>> = json) =>
  deployment.send("/v1/clients", { method: "POST", headers, body });
const valid = { parent: tenant.ref, display_name: "A client" };

const refused = (answer: Answer, status: number, code: string): void => {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.headers["content-type"] ?? "", /^application\/problem\+json/);
  const problem = answer.json<Record<string, unknown>>();
  assert.equal(problem["code"], code, answer.text);
  assert.equal(problem["type"], `urn:countersign:problem:${code}`);
  assert.equal(problem["status"], status);
  assert.match(String(problem["request_id"]), /^[\w-]{8,64}$/);
  assert.match(String(problem["detail"]), /[^.]$/);
  assert.doesNotMatch(answer.text, /node:|\.ts\b|select |insert /, "nothing of our inside");
};

/** Sends octets as they are, and reads until the server hangs up or has answered. */
const raw = (text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(deployment.servers[0]?.env["COUNTERSIGN_PORT"]), "127.0.0.1");
    let heard = "";
    socket.setEncoding("utf8").on("data", (part: string) => {
      heard += part;
      if (heard.includes("\r\n\r\n")) socket.end();
    });
    socket
      .once("error", (error) => (heard === "" ? reject(error) : resolve(heard)))
      .once("close", () => resolve(heard));
    socket.write(text);
  });

test("a body over 64 KiB is 413, whether its length is announced or not, and on OAuth endpoints as well", async () => {
  const large = JSON.stringify({ ...valid, display_name: "x".repeat(70_000) });
  refused(await create(large), 413, "payload_too_large");
  assert.equal((await deployment.form("/oauth/introspect", { token: "x".repeat(70_000) }, bearer(token))).status, 413);
  assert.equal((await deployment.form("/oauth/token", { x: "x".repeat(70_000) })).status, 413);
  const head = `POST /v1/clients HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n`;
  const chunk = "x".repeat(0x4000);
  const chunks = Array.from({ length: 5 }, () => `4000\r\n${chunk}\r\n`).join("");
  assert.match(await raw(`${head}transfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`), /^HTTP\/1\.1 413 /);
  assert.match(await raw(`${head}content-length: 99999999\r\n\r\n`), /^HTTP\/1\.1 413 /);
  const form = head
    .replace("application/json", "application/x-www-form-urlencoded")
    .replace("/v1/clients", "/oauth/introspect");
  assert.match(await raw(`${form}transfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`), /^HTTP\/1\.1 413 /);
});

test("headers over 16 KiB are 431 (RFC 6585 §5), one large or many small, and a request line that is too long is refused", async () => {
  const line = "GET /v1/clients HTTP/1.1\r\nhost: x\r\n";
  assert.match(await raw(`${line}x-large: ${"x".repeat(17_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
  const many = Array.from({ length: 2_000 }, (_, n) => `x-${n}: y\r\n`).join("");
  assert.match(await raw(`${line}${many}\r\n`), /^HTTP\/1\.1 431 /);
  assert.match(await raw(`GET /${"x".repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`), /^HTTP\/1\.1 (?:414|431) /);
});

test("what is no HTTP, or could be read in two ways (RFC 9112 §6.3), is 400 and ends the connection", async () => {
  for (const text of [
    "nonsense\r\n\r\n",
    "POST /oauth/token HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /oauth/token HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    "GET /v1/clients HTTP/1.1\r\nhost: x\r\nbad header: y\r\n\r\n",
    "GET /v1/clients HTTP/1.1\r\n\r\n",
  ])
    assert.match(await raw(text), /^HTTP\/1\.1 400 /, text.slice(0, 100));
});

test("a path that is too long, not decodable or unknown is refused with a problem document of bounded size, and never an error of ours", async () => {
  for (const path of [
    `/v1/clients/${"x".repeat(2_000)}`,
    "/v1/clients/%00",
    "/v1/clients/%zz",
    "/v1/nothing",
    "/V1/clients",
    "/v1//clients",
    "/v1/clients/",
    "/__proto__",
    "/v1/constructor",
  ]) {
    const answer = await deployment.get(path, token);
    assert.ok([400, 404, 414].includes(answer.status), `${path}: ${answer.status} ${answer.text}`);
    assert.match(answer.headers["content-type"] ?? "", /^application\/problem\+json/, path);
  }
});

test("a path parameter that is no UUID is refused before anything is looked up", async () => {
  for (const id of [
    "x",
    "1",
    "x' or '1'='1",
    "00000000-0000-4000-8000-00000000000G",
    tenant.id.toUpperCase(),
    "{id}",
  ]) {
    const answer = await deployment.get(`/v1/clients/${encodeURIComponent(id)}`, token);
    assert.ok(answer.status === 400 || answer.status === 404, `${id}: ${answer.text}`);
  }
  refused(await deployment.post(`/v1/clients/${tenant.id}:explode`, token, {}), 404, "not_found");
});

test("JSON nested deeper than 16 is invalid_argument, however it is nested, and within a string it does not count", async () => {
  refused(await create(`${"[".repeat(17)}${"]".repeat(17)}`), 400, "invalid_argument");
  refused(await create(`{"parent":${'{"a":'.repeat(20)}1${"}".repeat(20)}}`), 400, "invalid_argument");
  refused(await create("[".repeat(60_000)), 400, "invalid_argument");
  const answer = await create(JSON.stringify({ ...valid, display_name: "[".repeat(50) }));
  assert.equal(answer.status, 201, answer.text);
});

test("malformed JSON is invalid_argument: cut short, grown, not JSON at all, not an object", async () => {
  for (const body of [
    "{",
    '{"parent":',
    '{"a":1}}',
    "{'a':1}",
    "NaN",
    "undefined",
    '{"a":01}',
    "\u0000",
    "[]",
    '"text"',
    "1",
    "null",
    "true",
  ])
    refused(await create(body), 400, "invalid_argument");
});

test("unknown fields are refused by name, at the top, within, in the query, and when they are written twice", async () => {
  const answer = await create(JSON.stringify({ ...valid, unknown_field: 1, another: 2 }));
  refused(answer, 400, "invalid_argument");
  const { errors } = answer.json<{ errors: { path: string }[] }>();
  assert.deepEqual(errors.map(({ path }) => path).toSorted(), ["another", "unknown_field"]);
  refused(await deployment.get("/v1/clients?unknown_field=1", token), 400, "invalid_argument");
  refused(await deployment.get("/v1/clients?page_size=1&page_size=2", token), 400, "invalid_argument");
  refused(await deployment.post("/v1/clients?display_name=x", token, valid), 400, "invalid_argument");
  refused(
    await create(JSON.stringify({ ...valid, id: tenant.id, tenant_id: tenant.id, state: "active" })),
    400,
    "invalid_argument",
  );
  const id = (await tenant.perimeter("clients")).id;
  refused(
    await deployment.send(`/v1/clients/${id}`, {
      method: "PATCH",
      headers: json,
      body: JSON.stringify({ id, display_name: "x" }),
    }),
    400,
    "invalid_argument",
  );
});

test("`__proto__`, `constructor` and `prototype` are fields like any other unknown one, at every depth", async () => {
  for (const name of ["__proto__", "constructor", "prototype", "toString"]) {
    refused(await create(`{"parent":"${tenant.ref}","display_name":"x","${name}":{"x":1}}`), 400, "invalid_argument");
    const jwk = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k"}`;
    const nested = await deployment.send("/v1/service-accounts", {
      method: "POST",
      headers: json,
      body: `{"parent":"${tenant.ref}","display_name":"x","jwks":{"keys":[${jwk}],"${name}":{"x":1}}}`,
    });
    refused(nested, 400, "invalid_argument");
  }
  assert.equal((await deployment.get("/v1/clients?__proto__=x", token)).status, 400);
  const evaluation =
    '{"subject":{"type":"users","id":"x","__proto__":{"y":1}},"action":{"name":"a:b"},"resource":{"type":"x","id":"y"}}';
  const asked = await deployment.send("/access/v1/evaluation", { method: "POST", headers: json, body: evaluation });
  assert.equal(asked.status, 400, asked.text);
  const form = await deployment.send("/oauth/token", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "__proto__=x&constructor=x&__proto__[client_id]=x",
  });
  assert.equal(form.status, 401, "nobody has authenticated, whatever the names");
});

test("a body of another type than JSON is 415, and a form is no exception", async () => {
  for (const type of [
    "text/plain",
    "application/xml",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "application/jsonx",
  ])
    refused(
      await create(JSON.stringify(valid), { ...bearer(token), "content-type": type }),
      415,
      "unsupported_media_type",
    );
  const before = (await deployment.get("/v1/clients", token)).json<{ items: unknown[] }>().items.length;
  const form = await deployment.form("/v1/clients", { parent: tenant.ref, display_name: "Sneaked in" }, bearer(token));
  refused(form, 415, "unsupported_media_type");
  assert.equal((await deployment.get("/v1/clients", token)).json<{ items: unknown[] }>().items.length, before);
  assert.equal(
    (await create(JSON.stringify(valid), { ...bearer(token), "content-type": "application/json; charset=utf-8" }))
      .status,
    201,
  );
});

test("a page holds 1 to 1,000 items: any other size, and a page token or filter that is not ours, is invalid_argument", async () => {
  for (const size of ["0", "-1", "1001", "1.5", "x", "", "1e3", "9007199254740993"])
    refused(await deployment.get(`/v1/clients?page_size=${size}`, token), 400, "invalid_argument");
  for (const size of ["1", "1000"])
    assert.equal((await deployment.get(`/v1/clients?page_size=${size}`, token)).status, 200);
  for (const query of [
    "page_token=x",
    "page_token=..",
    `filter=${"x".repeat(5_000)}`,
    "filter=((((",
    "filter=nothing%20%3D%201",
    "filter=display_name%20%3D%20'%20or%201%3D1",
  ])
    refused(await deployment.get(`/v1/clients?${query}`, token), 400, "invalid_argument");
  const { next_page_token } = (await deployment.get("/v1/clients?page_size=1", token)).json<{
    next_page_token: string;
  }>();
  assert.notEqual(next_page_token, "");
  refused(await deployment.get(`/v1/accounts?page_token=${next_page_token}`, token), 400, "invalid_argument");
  const other = await deployment.token(await (await deployment.tenant()).account({ role: "owner" }));
  refused(await deployment.get(`/v1/clients?page_token=${next_page_token}`, other), 400, "invalid_argument");
});

test("RFC 9110 §15.5.6: a method a path does not answer is 405, and Allow says which it does", async () => {
  const cases = [
    ["PUT", "/v1/clients", "POST, GET"],
    ["DELETE", "/v1/clients", "POST, GET"],
    ["PUT", `/v1/clients/${tenant.id}`, "GET, PATCH, DELETE, POST"],
    ["GET", "/oauth/token", "POST"],
    ["GET", "/access/v1/evaluation", "POST"],
    ["POST", "/oauth/jwks", "GET"],
    ["DELETE", "/.well-known/openid-configuration", "GET"],
  ] as const;
  for (const [method, path, allow] of cases) {
    const answer = await deployment.send(path, { method, headers: bearer(token) });
    refused(answer, 405, "method_not_allowed");
    const methods = (answer.headers["allow"] ?? "").split(", ");
    assert.deepEqual(methods.toSorted(), allow.split(", ").toSorted(), path);
  }
});

test("an Idempotency-Key is 1 to 255 characters", async () => {
  for (const key of ["", "x".repeat(256)])
    refused(await deployment.post("/v1/clients", token, valid, 0, { "idempotency-key": key }), 400, "invalid_argument");
  assert.equal(
    (await deployment.post("/v1/clients", token, valid, 0, { "idempotency-key": "x".repeat(255) })).status,
    201,
  );
});

test("a Countersign-Tenant that names no tenant is refused, and repeated headers are not joined into one", async () => {
  for (const name of ["x", "organizations/x", `clients/${tenant.id}`, `${tenant.ref}, ${tenant.ref}`])
    refused(
      await deployment.post("/v1/clients", deployment.host, valid, 0, { "countersign-tenant": name }),
      400,
      "invalid_argument",
    );
});

test("names are bounded and printable, addresses are addresses, lists of scopes are not endless", async () => {
  for (const display_name of ["", "x".repeat(201), "two\nlines", "nul\u0000", 7, null, ["x"]])
    refused(await create(JSON.stringify({ ...valid, display_name })), 400, "invalid_argument");
  for (const email of ["x", "@", "a b@c.example", `${"x".repeat(250)}@acme.example`, "a@b\n.example"])
    refused(
      await deployment.post("/v1/users", token, { parent: tenant.ref, email, display_name: "x" }),
      400,
      "invalid_argument",
    );
  const scopes = Array.from({ length: 501 }, (_, n) => `accounts:a${n}`);
  refused(
    await deployment.post("/v1/service-accounts", token, { parent: tenant.ref, display_name: "x", scopes }),
    400,
    "invalid_argument",
  );
});

test("invariant 4: all of that has left no half of anything: each client is one that was answered 201, with its event and entry", async () => {
  const [counts] = await deployment.sql(
    `select (select count(*)::int from nodes where tenant_id = $1 and type = 'client') as clients,
            (select count(*)::int from events where tenant_id = $1 and type = 'countersign.perimeter.created.v1') as events,
            (select count(*)::int from audit_entries where tenant_id = $1 and action = 'clients.create' and outcome = 'done') as entries,
            (select count(*)::int from service_accounts where tenant_id = $1) as accounts,
            (select count(*)::int from users where tenant_id = $1) as users`,
    [tenant.id],
  );
  assert.deepEqual(counts, { clients: 4, events: 4, entries: 4, accounts: 1, users: 0 });
});

// A text that the database cannot hold would fail the statement it is asked in, and others' questions are in that one too.
test("what no text may hold, in whatever an OAuth endpoint is sent, is an error of whoever sends it", async () => {
  for (const odd of [
    "\u0000",
    "\ud800",
    "https://client.example/\u0000",
    "https://client.example/\ud800",
    "https://\u00fc.example/a",
  ])
    for (const field of [
      "client_id",
      "client_secret",
      "token",
      "code",
      "refresh_token",
      "username",
      "scope",
      "device_code",
    ])
      for (const path of ["token", "introspect", "revoke", "par", "device_authorization"]) {
        const form = {
          grant_type:
            field === "code" ? "authorization_code" : field === "refresh_token" ? field : "client_credentials",
          client_id: "app_live_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
          [field]: odd,
        };
        const { status, text } = await deployment.form(`/oauth/${path}`, form);
        assert.ok(status >= 400 && status < 500, `${path} with ${JSON.stringify(form)}: ${status} ${text}`);
      }
  for (const pair of ["\u0000:x", "a:\u0000", "%00:x", "a:%00", "https://client.example/%00:x"]) {
    const basic = { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
    const { status, text } = await deployment.form("/oauth/token", { grant_type: "client_credentials" }, basic);
    assert.equal(status, 401, `${JSON.stringify(pair)}: ${text}`);
  }
  for (const sub of ["\u0000", "https://client.example/\u0000", "app_live_\u0000"]) {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const assertion = {
      grant_type: "client_credentials",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: `${part({ alg: "ES256" })}.${part({ iss: sub, sub, aud: deployment.issuer, exp: 4e9, jti: "1" })}.AAAA`,
    };
    for (const path of ["token", "introspect", "par"]) {
      const { status, text } = await deployment.form(`/oauth/${path}`, assertion);
      assert.equal(status, 401, `${path} with ${JSON.stringify(sub)}: ${text}`);
    }
  }
  for (const odd of ["%00", "https://client.example/%00", "https://client.example/%ED%A0%80"])
    for (const field of [
      "client_id",
      "redirect_uri",
      "request_uri",
      "login_hint",
      "id_token_hint",
      "post_logout_redirect_uri",
    ])
      for (const path of ["authorize", "logout"]) {
        const { status, text } = await deployment.send(`/oauth/${path}?response_type=code&${field}=${odd}`, {
          method: "GET",
        });
        assert.ok(status < 500, `${path} with ${field}=${odd}: ${status} ${text}`);
      }
});
