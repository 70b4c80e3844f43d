// gRPC callers that prove themselves by a client certificate: the whole way, from the handshake to the decision.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { callJson } from "../../cli/grpc-json.ts";
import { newId } from "../../server/platform/random.ts";
import { startServer } from "../support/server-process.ts";

const folder = mkdtempSync(join(tmpdir(), "countersign-mtls-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const openssl = (...args: readonly string[]): void => {
  execFileSync("openssl", [...args], { stdio: "ignore" });
};

openssl(
  "req",
  "-x509",
  "-newkey",
  "ec",
  "-pkeyopt",
  "ec_paramgen_curve:P-256",
  "-nodes",
  "-keyout",
  at("ca.key"),
  "-out",
  at("ca.pem"),
  "-days",
  "2",
  "-subj",
  "/CN=Test authority",
);

/** A certificate of the test's authority with the alternative names given. */
const certificate = (name: string, altName: string, usage: string): { readonly cert: Buffer; readonly key: Buffer } => {
  const extensions = at(`${name}.ext`);
  execFileSync("sh", [
    "-c",
    `printf '%s\\n' "subjectAltName=${altName}" "extendedKeyUsage=${usage}" > "${extensions}"`,
  ]);
  openssl(
    "req",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-keyout",
    at(`${name}.key`),
    "-out",
    at(`${name}.csr`),
    "-subj",
    `/CN=${name}`,
  );
  openssl(
    "x509",
    "-req",
    "-in",
    at(`${name}.csr`),
    "-CA",
    at("ca.pem"),
    "-CAkey",
    at("ca.key"),
    "-CAcreateserial",
    "-days",
    "2",
    "-extfile",
    extensions,
    "-out",
    at(`${name}.pem`),
  );
  return { cert: readFileSync(at(`${name}.pem`)), key: readFileSync(at(`${name}.key`)) };
};

certificate("server", "DNS:localhost,IP:127.0.0.1", "serverAuth");

const server = await startServer({
  env: {
    COUNTERSIGN_GRPC_TLS_CERT: at("server.pem"),
    COUNTERSIGN_GRPC_TLS_KEY: at("server.key"),
    COUNTERSIGN_GRPC_CLIENT_CA: at("ca.pem"),
  },
});
after(() => server.stop());

const rest = async (path: string, body: object, tenant?: string): Promise<Readonly<Record<string, string>>> => {
  const answer = await fetch(`${server.issuer}${path}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      ...(tenant === undefined ? {} : { "countersign-tenant": tenant }),
    },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, text);
  return JSON.parse(text) as Readonly<Record<string, string>>;
};

const { client_id, client_secret } = server.bootstrap;
const granted = await fetch(`${server.issuer}/oauth/token`, {
  method: "POST",
  headers: { authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString("base64")}` },
  body: new URLSearchParams({ grant_type: "client_credentials" }),
});
const { access_token: token } = (await granted.json()) as { access_token: string };

const { resource: tenant = "" } = await rest("/v1/organizations", { display_name: "Acme" });
const account = await rest("/v1/service-accounts", { parent: tenant, display_name: "Gateway" });
await rest("/v1/role-assignments", { parent: tenant, principal: account["resource"], role: "owner" }, tenant);

const ask = (named: { readonly cert: Buffer; readonly key: Buffer } | undefined) =>
  callJson({
    address: `localhost:${server.grpcPort}`,
    method: "identity.v1.Identity/CheckPermission",
    json: { principal: account["resource"], permission: "accounts:read" },
    tls: { ca: readFileSync(at("ca.pem")), ...named },
  });

const spiffe = (ref: string, id: string): string => `URI:spiffe://prod.example/${ref}/service-accounts/${id}`;

test("a certificate that names a service account is that account, and what it may do follows from its roles", async () => {
  const answer = await ask(certificate("gateway", spiffe(tenant, String(account["id"])), "clientAuth"));
  assert.ok("ok" in answer, JSON.stringify(answer));
  assert.equal((answer.ok as { allowed?: boolean }).allowed, true);
});

test("a certificate of the right authority that names nobody we know opens nothing", async () => {
  for (const altName of [
    spiffe(tenant, newId()),
    spiffe(`organizations/${newId()}`, String(account["id"])),
    "DNS:gateway.example",
    `${spiffe(tenant, String(account["id"]))},${spiffe(tenant, newId())}`,
  ]) {
    const answer = await ask(certificate(`stranger-${newId()}`, altName, "clientAuth"));
    assert.ok(!("ok" in answer), altName);
    assert.equal(answer.status, "UNAUTHENTICATED", altName);
  }
});

test("Envoy may prove itself by its certificate, and decides for its own tenant then; a stranger's decides nothing", async () => {
  const http = {
    method: "GET",
    path: "/",
    host: "api.example",
    scheme: "https",
    headers: { authorization: "Bearer never" },
  };
  const check = (named: ReturnType<typeof certificate>) =>
    callJson({
      address: `localhost:${server.grpcPort}`,
      method: "envoy.service.auth.v3.Authorization/Check",
      json: { attributes: { request: { http }, contextExtensions: { permission: "accounts:read" } } },
      tls: { ca: readFileSync(at("ca.pem")), ...named },
    });
  const answer = await check(certificate("envoy", spiffe(tenant, String(account["id"])), "clientAuth"));
  assert.ok("ok" in answer, JSON.stringify(answer));
  assert.match(JSON.stringify(answer.ok), /"code":401.*invalid_token/);
  const refused = await check(certificate("no-envoy", spiffe(tenant, newId()), "clientAuth"));
  assert.ok(!("ok" in refused) && refused.status === "UNAUTHENTICATED", JSON.stringify(refused));
});

test("without a certificate and without a token nobody is let in", async () => {
  const answer = await ask(undefined);
  assert.ok(!("ok" in answer));
  assert.equal(answer.status, "UNAUTHENTICATED");
});

test("a disabled service account's certificate is refused at once", async () => {
  const mine = certificate("disabled", spiffe(tenant, String(account["id"])), "clientAuth");
  assert.ok("ok" in (await ask(mine)));
  await rest(`/v1/service-accounts/${account["id"]}:disable`, {}, tenant);
  const answer = await ask(mine);
  assert.ok(!("ok" in answer));
  assert.equal(answer.status, "UNAUTHENTICATED");
});
