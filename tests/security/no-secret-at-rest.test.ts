// Invariant 5: everything secret that is ever shown, collected as it is shown, and then looked for in the database, the cache and the logs.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { credentials } from "@grpc/grpc-js";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { createClient } from "redis";
import { isFault } from "../../core/faults.ts";
import type { PrincipalId, TenantId } from "../../core/ids.ts";
import { openPasswordHasher } from "../../server/credentials/passwords/hasher.ts";
import { writePassword } from "../../server/credentials/passwords/store.ts";
import { newRecoveryCodes } from "../../server/credentials/recovery-codes/recovery-codes.ts";
import { beginTotp } from "../../server/credentials/totp/totp.ts";
import { mailRow } from "../../server/mail/queue-mail.ts";
import { openPostgres } from "../../server/platform/database/postgres.ts";
import { readSecretKey, unseal } from "../../server/platform/keys/seal.ts";
import { IdentityClient, type IssueTokenResponse } from "../../server/transport/grpc/generated/identity/v1/identity.ts";
import { assertionType } from "../../server/oauth/client-assertion.ts";
import { startDeployment } from "../oauth/deployment.ts";
import { grantsKit, type Tokens } from "../oauth/grants-kit.ts";
import { basic, bearer } from "../oauth/http.ts";

const deployment = await startDeployment({ env: { COUNTERSIGN_LOG_LEVEL: "trace" } });
after(deployment.close);

/** What was shown, and what it was. */
const shown = new Map<string, string>();
const show = (what: string, secret: unknown): string => {
  assert.ok(typeof secret === "string" && secret.length >= 20, `${what} is no secret: ${String(secret)}`);
  shown.set(secret, what);
  return secret;
};

show("the secret key", deployment.secretKey);
show("the host's access token", deployment.host);
for (const { bootstrap } of deployment.servers) {
  show("a bootstrap secret", bootstrap.client_secret);
  show("a setup link's token", bootstrap.setup_url.split("#")[1]);
}

const tenant = await deployment.tenant();
const later = () => new Date(Date.now() + 3_600_000).toISOString();
const once = (): Record<string, string> => ({
  "idempotency-key": `key ${shown.size}`,
  "countersign-tenant": tenant.ref,
});
/** By the host, under an idempotency key, and then again: what is kept to answer the repetition must not hold the secret. */
const twice = async (path: string, body: object): Promise<Record<string, unknown>> => {
  const headers = once();
  const first = await deployment.post(path, deployment.host, body, 0, headers);
  const second = await deployment.post(path, deployment.host, body, 0, headers);
  assert.equal(second.headers["idempotent-replayed"], "true", second.text);
  return first.json();
};

const pair = await generateKeyPair("ES256", { extractable: true });
const jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: "one" }] };
for (const access_token_format of ["jwt", "opaque"] as const) {
  const made = await twice("/v1/service-accounts", {
    parent: tenant.ref,
    display_name: "A service",
    access_token_format,
    jwks,
  });
  const ref = String(made["resource"]);
  await tenant.does("/v1/role-assignments", { parent: tenant.ref, principal: ref, role: "owner" });
  const client = {
    client_id: String(made["client_id"]),
    client_secret: show("a client secret", made["client_secret"]),
  };
  const token = show(`a ${access_token_format} access token`, await deployment.token(client));
  show("a JWT's or a handle's last part", token.split(".").at(-1));
  const api = await deployment.apiToken(token, ["accounts:read", "api-tokens:*"]);
  show("an API token", api.token);
  const others = await twice("/v1/api-tokens", {
    owner: ref,
    display_name: "Another's",
    scopes: ["accounts:read"],
    expire_time: later(),
  });
  show("an API token made for another", others["token"]);
  show("a rotated API token", (await twice(`/v1/api-tokens/${String(others["id"])}:rotate`, {}))["token"]);
  show(
    "a rotated client secret",
    (await twice(`/v1/service-accounts/${String(made["id"])}:rotate`, { overlap_seconds: 60 }))["client_secret"],
  );

  const seconds = Math.floor(Date.now() / 1000);
  const assertion = await new SignJWT({
    iss: client.client_id,
    sub: client.client_id,
    aud: deployment.issuer,
    jti: crypto.randomUUID(),
    exp: seconds + 60,
  })
    .setProtectedHeader({ alg: "ES256", kid: "one" })
    .sign(pair.privateKey);
  show("a client assertion", assertion);
  const granted = await deployment.form("/oauth/token", {
    grant_type: "client_credentials",
    client_assertion: assertion,
    client_assertion_type: assertionType,
  });
  show("an access token got by an assertion", granted.json()["access_token"]);

  // Used in every way there is, rightly and wrongly, so that the cache fills and the log has something to say.
  for (const secret of shown.keys()) {
    await deployment.isActive(secret);
    await deployment.get("/v1/accounts", secret.replaceAll(/[^\x21-\x7e]/g, ""));
    await deployment.form("/oauth/token", { grant_type: "client_credentials" }, basic(client.client_id, secret));
    await deployment.form("/oauth/introspect", { token: secret, client_id: secret, client_secret: secret });
  }
  await deployment.get(`/v1/accounts?access_token=${token}`, token);
  await deployment.send(`/v1/${token}`, { headers: bearer(token) });
  await deployment.send(`/oauth/introspect?token=${token}`, { method: "POST", headers: bearer(token) });
  await deployment.post("/v1/clients", token, { parent: tenant.ref, [token]: token });
  await deployment.post("/v1/clients", token, { parent: token, display_name: "x" });
  await deployment.form("/oauth/revoke", { token }, basic(client.client_id, client.client_secret));
}

// A share link is lent by a principal of the tenant; it is made, opened and renewed, rightly and wrongly.
const sharer = await deployment.token(await tenant.account({ role: "owner" }));
const shared = { "idempotency-key": "a shared folder" };
const folder = await tenant.does("/v1/resources", { type: "documents", parent: tenant.ref, display_name: "A folder" });
const lending = {
  parent: String(folder["resource"]),
  level: "viewer",
  display_name: "A link",
  expire_time: later(),
  password: show("a share link's password", "the password of one link"),
};
const lent = (await deployment.post("/v1/share-links", sharer, lending, 0, shared)).json();
const repeated = await deployment.post("/v1/share-links", sharer, lending, 0, shared);
assert.equal(repeated.headers["idempotent-replayed"], "true", repeated.text);
const opening = { link: show("a share link", lent["link"]), password: lending.password };
assert.equal((await deployment.post("/v1/share-links:open", sharer, opening)).status, 200);
for (const wrong of [{ link: opening.link }, { ...opening, password: "another one" }])
  assert.equal((await deployment.post("/v1/share-links:open", sharer, wrong)).status, 404);
const renewed = await deployment.post(`/v1/share-links/${String(lent["id"])}:renew`, sharer, {});
show("a renewed share link", renewed.json()["link"]);

const app = await twice("/v1/applications", {
  parent: tenant.ref,
  display_name: "An app",
  redirect_uris: ["https://app.example/callback"],
});
const appSecret = show("an application's secret", app["client_secret"]);
await deployment.form(
  "/oauth/token",
  { grant_type: "refresh_token", refresh_token: "x" },
  basic(String(app["client_id"]), appSecret),
);
const rotated = await twice(`/v1/applications/${String(app["id"])}:rotateSecret`, { overlap_seconds: 60 });
show("an application's rotated secret", rotated["client_secret"]);
await deployment.sql(
  "insert into sign_in_policies (tenant_id, document, revision, create_time, update_time) values ($1, $2, 1, now(), now())",
  [tenant.id, JSON.stringify({ dynamic_registration: "on" })],
);
const registration = await deployment.send(`/oauth/register?tenant=${tenant.ref}`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({
    redirect_uris: ["https://app.example/callback"],
    token_endpoint_auth_method: "client_secret_basic",
  }),
});
show("a registered client's secret", registration.json()["client_secret"]);
const registrationToken = show("a registration access token", registration.json()["registration_access_token"]);
await deployment.send(`/oauth/register?client_id=${String(registration.json()["client_id"])}`, {
  headers: bearer(registrationToken),
});

const kit = grantsKit(deployment);
const ada = await kit.human(tenant, { role: "owner" });
for (const access_token_format of ["jwt", "opaque"]) {
  const client = await kit.application({ access_token_format });
  const code = await kit.code(client, ada, { scope: "openid email accounts:read" });
  show("an authorization code", code.code);
  show("a PKCE verifier", code.verifier);
  const redeemed = (await kit.redeem(client, code)).json<Tokens>();
  const refreshed = (await kit.refresh(client, redeemed.refresh_token)).json<Tokens>();
  for (const tokens of [redeemed, refreshed]) {
    show("a human's access token", tokens.access_token);
    show("a refresh token", tokens.refresh_token);
    show("an ID token", tokens.id_token);
    await deployment.get("/oauth/userinfo", tokens.access_token);
    await kit.introspect(client, tokens.refresh_token);
  }
  await kit.redeem(client, code);
  await kit.refresh(client, redeemed.refresh_token);
  await kit.revoke(client, refreshed.refresh_token);
}
show("a session's secret", ada.cookie.slice(ada.cookie.indexOf("=") + 1));

const grpc = new IdentityClient(`127.0.0.1:${deployment.servers[0]?.grpcPort}`, credentials.createInsecure());
after(() => grpc.close());
const issued = await new Promise<IssueTokenResponse>((resolve, reject) => {
  const { client_id, client_secret } = deployment.servers[0]?.bootstrap ?? { client_id: "", client_secret: "" };
  const rest = {
    scope: "",
    resource: [],
    refreshToken: "",
    username: "",
    password: "",
    tenant: "",
    clientAssertion: "",
    clientAssertionType: "",
  };
  const request = { ...rest, grantType: "client_credentials", clientId: client_id, clientSecret: client_secret };
  grpc.issueToken(request, (error, answer) => (error === null ? resolve(answer) : reject(error)));
});
show("an access token issued over gRPC", issued.accessToken);

// What proves a human, made as the server makes it, on the server's own database and key.
const sealKey = readSecretKey(deployment.secretKey);
assert.ok(sealKey);
const user = await tenant.user("member");
const mailed = await tenant.user("member");
await tenant.does(`/v1/users/${mailed.id}:resetPassword`);
const [outbox] = await deployment.sql<{ id: string; content_sealed: Buffer }>(
  "select id, content_sealed from mail_outbox order by create_time desc limit 1",
);
assert.ok(outbox);
const mail = JSON.parse(unseal(sealKey, mailRow(outbox.id), outbox.content_sealed).toString()) as { url: string };
show("a link sent by mail", new URL(mail.url).searchParams.get("link"));
const hasher = openPasswordHasher();
const password = show("a password", "tapir moon kettle ladder");
const hashed = await hasher.hash(password);
assert.ok(typeof hashed === "string" && !isFault(await hasher.verify(hashed, password)));
await hasher.close();
const database = await openPostgres({
  url: deployment.databaseUrl,
  poolSize: 1,
  statementTimeoutMs: 10_000,
  hooks: { fence: async () => undefined, publish: async () => undefined },
});
/** Recovery codes, with their dashes and without: shorter than what is otherwise shown. */
const codes: string[] = [];
const human = { home: tenant.id as TenantId, user: user.id as PrincipalId };
await database.transaction(human.home, async (tx) => {
  const now = Date.now();
  await writePassword(tx, human.user, hashed, now);
  const names = { displayName: "A phone", accountName: "ada@acme.example", issuerName: "Acme" };
  const begun = await beginTotp(tx, sealKey, { ...human, ...names, now });
  assert.ok("secret" in begun);
  show("a TOTP seed", begun.secret);
  for (const code of await newRecoveryCodes(tx, human, now)) codes.push(code, code.replaceAll("-", ""));
});
await database.close();

const signer = await deployment.signingKey();
const privateJwk = signer.key.export({ format: "jwk" });
show("the private half of the signing key", privateJwk.d);

/** Every way a secret could have been written down: as text, as its octets, and in the alphabets of both. */
const traces = [...shown, ...codes.map((code) => [code, "a recovery code"] as const)].flatMap(([secret, what]) => {
  const text = Buffer.from(secret);
  const body = Buffer.from(secret.replace(/^cs_[a-z]+_/, ""), "base64url");
  const written = [
    secret,
    text.toString("hex"),
    text.toString("base64").replace(/=+$/, ""),
    text.toString("base64url"),
  ];
  return [
    ...written,
    ...(body.length >= 16 ? [body.toString("hex"), body.toString("base64").replace(/=+$/, "")] : []),
  ].map((trace) => ({ trace, what }));
});

const findIn = (where: string, text: string): void => {
  const lower = text.toLowerCase();
  for (const { trace, what } of traces) {
    // Hexadecimal is found in either case.
    const found = /^[0-9a-f]+$/.test(trace) ? lower.includes(trace) : text.includes(trace);
    assert.ok(!found, `${what} is in ${where}`);
  }
};

test("the story has shown every kind of secret there is", () => {
  assert.ok(shown.size >= 20, [...shown.values()].join("\n"));
});

test("invariant 5: a dump of the database, every row of every table as text, has none of them", async () => {
  const tables = await deployment.sql<{ name: string }>(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
  );
  assert.ok(tables.length >= 18);
  let rows = 0;
  for (const { name } of tables) {
    const dump = await deployment.sql<{ row: string }>(`select row_to_json(t)::text as row from ${name} t`);
    rows += dump.length;
    findIn(name, dump.map(({ row }) => row).join("\n"));
  }
  assert.ok(rows > 50, `${rows} rows are no story`);
});

test("invariant 5: what PostgreSQL remembers of statements has none of them either", async () => {
  const activity = await deployment.sql<{ query: string }>(
    "select query from pg_stat_activity where datname = current_database()",
  );
  assert.ok(activity.some(({ query }) => query !== ""));
  findIn("pg_stat_activity", activity.map(({ query }) => query).join("\n"));
});

test("invariant 5: the cache, keys and values, has none of them", async () => {
  const client = createClient({ url: deployment.cacheUrl });
  await client.connect();
  try {
    const all: string[] = [];
    for await (const keys of client.scanIterator({ COUNT: 1_000 }))
      for (const key of keys) {
        const type = await client.type(key);
        const value =
          type === "stream"
            ? JSON.stringify(await client.xRange(key, "-", "+"))
            : type === "string"
              ? await client.get(key)
              : type;
        all.push(`${key} ${value ?? ""}`);
      }
    assert.ok(all.length > 10, "an empty cache would prove nothing");
    findIn("the cache", all.join("\n"));
  } finally {
    await client.close();
  }
});

test("invariant 5: the logs, at their most talkative, have none of them", () => {
  for (const { output } of deployment.servers) {
    assert.ok(output().includes("countersign is up"), "the log has been cut, and this test would prove nothing");
    findIn("a log", output());
  }
});

test("a secret that was written down would be found: the client's public id is, everywhere it should be", async () => {
  const client_id = deployment.servers[0]?.bootstrap.client_id ?? "";
  const rows = await deployment.sql<{ row: string }>("select row_to_json(t)::text as row from service_accounts t");
  assert.ok(
    rows
      .map(({ row }) => row)
      .join()
      .includes(client_id),
  );
});
