// Client ID Metadata Documents: a client that is a URL. A real server with a certificate of its own publishes them.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { hostTenant } from "../../core/ids.ts";
import { openBrowser } from "../support/browser.ts";
import { authorizeKit } from "./authorize-kit.ts";
import { startDeployment } from "./deployment.ts";

const folder = mkdtempSync(join(tmpdir(), "countersign-documents-"));
const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
execFileSync(
  "openssl",
  [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "2",
    "-subj",
    "/CN=localhost",
    "-addext",
    "subjectAltName=DNS:localhost",
    "-keyout",
    keyFile,
    "-out",
    certFile,
  ],
  { stdio: "ignore" },
);

/** What is published, by path. */
const published = new Map<string, RequestListener>();
const asked: string[] = [];
const web = createServer({ key: readFileSync(keyFile), cert: readFileSync(certFile) }, (request, response) => {
  asked.push(request.url ?? "");
  const listener = published.get(request.url ?? "");
  if (listener === undefined) response.writeHead(404).end();
  else listener(request, response);
});
await new Promise<void>((done) => web.listen(0, "127.0.0.1", done));
const { port } = web.address() as AddressInfo;
const origin = `https://localhost:${port}`;

const deployment = await startDeployment({
  servers: 2,
  env: { COUNTERSIGN_OUTBOUND_ALLOW: `localhost:${port}`, NODE_EXTRA_CA_CERTS: certFile },
});
after(async () => {
  await deployment.close();
  web.closeAllConnections();
  web.close();
  rmSync(folder, { recursive: true });
});

const turn = (client_id_metadata_documents: "on" | "off") =>
  deployment.sql(
    `insert into sign_in_policies (tenant_id, document, revision, create_time, update_time) values ($1, $2, 1, now(), now())
     on conflict (tenant_id) do update set document = excluded.document`,
    [hostTenant, JSON.stringify({ client_id_metadata_documents })],
  );

const redirect_uri = "http://127.0.0.1/callback";
const documentOf = (path: string, more: object = {}): object => ({
  client_id: `${origin}${path}`,
  client_name: "An agent",
  redirect_uris: [redirect_uri],
  token_endpoint_auth_method: "none",
  ...more,
});
const json: Readonly<Record<string, string>> = { "content-type": "application/json" };
const publish = (path: string, body: unknown, headers = json, status = 200): void => {
  published.set(path, (_request, response) =>
    response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body)),
  );
};
const push = (client_id: string, on = 0) =>
  deployment.form(
    "/oauth/par",
    {
      client_id,
      response_type: "code",
      redirect_uri,
      scope: "openid",
      code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
      code_challenge_method: "S256",
    },
    {},
    on,
  );
const accepted = async (path: string, on = 0): Promise<void> => {
  const answer = await push(origin + path, on);
  assert.equal(answer.status, 201, `${path}: ${answer.text}`);
};
const authorizing = (path: string, on = 0) => {
  const asking = new URLSearchParams({ client_id: origin + path, redirect_uri, response_type: "code" });
  return deployment.send(`/oauth/authorize?${asking.toString()}`, {}, on);
};
const refused = async (clientId: string, why = clientId): Promise<void> => {
  const answer = await push(clientId);
  assert.equal(answer.status, 401, `${why}: ${answer.text}`);
  assert.equal(answer.json<{ error: string }>().error, "invalid_client");
};

test("documents are read only where the host's policy has them on", async () => {
  publish("/first", documentOf("/first"));
  await refused(`${origin}/first`);
  assert.deepEqual(asked, []);
  await turn("on");
  await accepted("/first");
  await accepted("/first", 1);
  assert.deepEqual(asked, ["/first"], "what one process has read, another knows");
  const [row] = await deployment.sql(
    "select tenant_id, source, first_party, display_name from applications where client_id = $1",
    [`${origin}/first`],
  );
  assert.deepEqual(row, {
    tenant_id: hostTenant,
    source: "metadata_document",
    first_party: false,
    display_name: "An agent",
  });
  await turn("off");
  assert.equal((await authorizing("/first")).status, 400, "off again, it is no client to begin with");
  await turn("on");
});

test("the URL is https with a path, as a parser would write it, without query, fragment, credentials or dot segments", async () => {
  const before = asked.length;
  for (const url of [
    origin,
    `${origin}/`,
    `http://localhost:${port}/first`,
    `${origin}/first#x`,
    `${origin}/first?x=y`,
    `${origin}/first?`,
    `${origin}/a/../first`,
    `${origin}/a/%2e%2e/first`,
    `${origin}/./first`,
    `https://user@localhost:${port}/first`,
    `https://user:pass@localhost:${port}/first`,
    `HTTPS://localhost:${port}/first`,
    `https://LOCALHOST:${port}/first`,
    `https:/localhost:${port}/first`,
    `${origin}\\first`,
    `${origin}/${"x".repeat(500)}`,
    "https://",
  ])
    await refused(url);
  assert.equal(asked.length, before, "nobody was asked");
});

test("the document is answered with 200, in JSON, small, and says its own URL and no shared secret", async () => {
  const wrong: readonly (readonly [string, () => void])[] = [
    ["/absent", () => undefined],
    ["/error", () => publish("/error", documentOf("/error"), json, 500)],
    ["/created", () => publish("/created", documentOf("/created"), json, 201)],
    ["/redirect", () => publish("/redirect", "", { location: `${origin}/first` }, 302)],
    ["/html", () => publish("/html", documentOf("/html"), { "content-type": "text/html" })],
    ["/garbage", () => publish("/garbage", "not json")],
    ["/array", () => publish("/array", "[]")],
    ["/large", () => publish("/large", documentOf("/large", { padding: "x".repeat(10_000) }))],
    ["/another", () => publish("/another", documentOf("/first"))],
    ["/unnamed", () => publish("/unnamed", { redirect_uris: [redirect_uri] })],
    ["/secret", () => publish("/secret", documentOf("/secret", { client_secret: "x" }))],
    ["/expiry", () => publish("/expiry", documentOf("/expiry", { client_secret_expires_at: 0 }))],
    ["/basic", () => publish("/basic", documentOf("/basic", { token_endpoint_auth_method: "client_secret_basic" }))],
    [
      "/symmetric",
      () => publish("/symmetric", documentOf("/symmetric", { jwks: { keys: [{ kty: "oct", k: "x", kid: "x" }] } })),
    ],
    ["/script", () => publish("/script", documentOf("/script", { redirect_uris: ["javascript:alert(1)"] }))],
    ["/nowhere", () => publish("/nowhere", documentOf("/nowhere", { redirect_uris: [] }))],
    ["/nul", () => publish("/nul", documentOf("/nul", { contacts: ["a\0b"] }))],
    ["/half", () => publish("/half", documentOf("/half", { logo_uri: "https://client.example/\ud800" }))],
    ["/name", () => publish("/name", documentOf("/name", { client_name: "turned \u202e round" }))],
  ];
  for (const [path, prepare] of wrong) {
    prepare();
    await refused(origin + path);
  }
  const paths = wrong.map(([path]) => origin + path);
  assert.deepEqual(await deployment.sql("select client_id from applications where client_id = any($1)", [paths]), []);
});

test("an error is not remembered: what is put right is accepted the next time", async () => {
  publish("/repaired", "", json, 500);
  await refused(`${origin}/repaired`);
  publish("/repaired", documentOf("/repaired"), { "content-type": "application/json; charset=utf-8" });
  await accepted("/repaired");
});

test("many who come at once with a new document have it fetched once", async () => {
  publish("/busy", documentOf("/busy"));
  const answers = await Promise.all(Array.from({ length: 10 }, () => push(`${origin}/busy`)));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [201]);
  assert.equal(asked.filter((path) => path === "/busy").length, 1);
});

test("security.md 9: special-use addresses are not asked, exceptions apart", async () => {
  for (const url of [
    "https://127.0.0.1/client",
    `https://127.0.0.1:${port}/first`,
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/client",
    "https://[::ffff:7f00:1]/client",
    "https://10.0.0.1/client",
    `https://localhost:${port + 1}/first`,
  ])
    await refused(url);
});

/** As if it had last been read so long ago; a change at the host has what is cached of it fall. */
const aged = async (path: string, hours: number): Promise<void> => {
  const sql = "update applications set update_time = now() - make_interval(hours => $2) where client_id = $1";
  await deployment.sql(sql, [origin + path, hours]);
  const other = await deployment.post("/v1/applications", deployment.host, {
    parent: `host/${hostTenant}`,
    display_name: "Another",
    redirect_uris: [redirect_uri],
  });
  const { id } = other.json<{ id: string }>();
  assert.equal((await deployment.post(`/v1/applications/${id}:rotateSecret`, deployment.host, {})).status, 200);
};
const stored = (path: string) =>
  deployment.sql("select display_name, revision::int from applications where client_id = $1", [origin + path]);

test("a document that has grown old is read again, and what it says then holds", async () => {
  publish("/changing", documentOf("/changing"), { ...json, "cache-control": "max-age=60" });
  await accepted("/changing");
  const next = documentOf("/changing", { client_name: "Renamed", redirect_uris: ["https://elsewhere.example/"] });
  publish("/changing", next);
  await accepted("/changing");
  assert.equal(asked.filter((path) => path === "/changing").length, 1, "it is fresh for five minutes at least");
  // The other process knows of it only what is stored.
  await aged("/changing", 2);
  const answer = await push(`${origin}/changing`, 1);
  assert.equal(answer.status, 400, answer.text);
  assert.deepEqual(await stored("/changing"), [{ display_name: "Renamed", revision: 2 }]);
});

test("a document that cannot be read again is believed for a day and no longer", async () => {
  publish("/fading", documentOf("/fading"));
  await accepted("/fading");
  published.delete("/fading");
  await aged("/fading", 23);
  await accepted("/fading", 1);
  await aged("/fading", 25);
  assert.equal((await authorizing("/fading", 1)).status, 400);
  publish("/fading", documentOf("/fading"));
  await accepted("/fading", 1);
  assert.deepEqual(await stored("/fading"), [{ display_name: "An agent", revision: 1 }]);
});

test("an application made of a document is disabled, and deleted for good, like any other; nobody edits it", async () => {
  publish("/barred", documentOf("/barred"));
  await accepted("/barred");
  const [row] = await deployment.sql<{ id: string }>("select id from applications where client_id = $1", [
    `${origin}/barred`,
  ]);
  const call = (method: string, path: string, body?: object) =>
    deployment.send(`/v1/applications/${row?.id}${path}`, {
      method,
      headers: { authorization: `Bearer ${deployment.host}`, "content-type": "application/json", "if-match": "*" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  assert.equal((await call("PATCH", "", { display_name: "Ours" })).status, 409);
  assert.equal((await call("POST", ":disable", {})).status, 200);
  await refused(`${origin}/barred`);
  assert.equal((await call("POST", ":enable", {})).status, 200);
  await accepted("/barred");
  assert.equal((await call("DELETE", "")).status, 200);
  await refused(`${origin}/barred`);
  await refused(`${origin}/barred`, "it is not read again");
});

test("the human who is asked for consent sees the host the client is of, which is all that is known of it", async () => {
  await turn("on");
  const acme = await deployment.tenant("Acme");
  await deployment.sql(
    `insert into sign_in_policies (tenant_id, document, revision, create_time, update_time)
     values ($1, '{"client_id_metadata_documents":"on"}', 1, now(), now())`,
    [acme.id],
  );
  const ada = await authorizeKit(deployment).human(acme, { role: "owner" });
  publish("/consent", documentOf("/consent", { client_name: "Your bank" }));
  const browser = openBrowser(deployment.issuer, deployment.base());
  const [name = "", value = ""] = ada.cookie.split("=");
  browser.cookies.set(name, value);
  const asking = new URLSearchParams({
    client_id: `${origin}/consent`,
    redirect_uri,
    response_type: "code",
    scope: "openid",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256",
  });
  const page = await browser.get(`/oauth/authorize?${asking.toString()}`);
  assert.match(page.url, /\/consent\?/);
  assert.ok(page.text.includes("Your bank") && page.text.includes(`localhost:${port}`), page.text);
});
