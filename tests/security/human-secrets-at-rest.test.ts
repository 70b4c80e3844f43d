// Invariant 5 for people who sign in: every secret that signing in shows, collected as it is shown over HTTP, and then looked for in the
// database, the cache, the logs and the mail that waits; and what is sealed opens for its own row alone.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { createClient } from "redis";
import { readSecretKey, unseal } from "../../server/platform/keys/seal.ts";
import { password, person, policy, totp } from "../browser/people.ts";
import { type Deployment, startDeployment } from "../oauth/deployment.ts";
import { proofKey } from "../oauth/dpop-kit.ts";
import { grantsKit } from "../oauth/grants-kit.ts";
import { bearer } from "../oauth/http.ts";
import { linkOf, openMailbox } from "../sign-in/mailbox.ts";
import { openBrowser } from "../support/browser.ts";

const mailbox = await openMailbox();
const deployment: Deployment = await startDeployment({
  env: { COUNTERSIGN_LOG_LEVEL: "trace", COUNTERSIGN_SMTP_URL: mailbox.url },
});
after(async () => {
  await deployment.close();
  await mailbox.close();
});
const kit = grantsKit(deployment);
const acme = await deployment.tenant();

/** What was shown, and what it was. */
const shown = new Map<string, string>();
const show = (what: string, secret: unknown, lengthMin = 20): string => {
  assert.ok(typeof secret === "string" && secret.length >= lengthMin, `${what} is no secret: ${String(secret)}`);
  shown.set(secret, what);
  return secret;
};

// ── what is shown ──

await policy(deployment, acme, {
  self_registration: "on",
  mfa: "optional",
  dynamic_registration: "on",
  remembered_device_days: 30,
});
const browser = openBrowser(deployment.issuer);
const cookies = (): void => {
  for (const [name, value] of browser.cookies) if (value.length >= 20) show(`the cookie ${name}`, value);
};

const email = `${randomUUID()}@acme.example`;
const first = show("a password chosen at registration", "tapir moon kettle ladder");
await browser.get(`/register?tenant=${acme.id}`);
cookies();
await browser.submit({ email, display_name: "Grace", password: first });
const verify = linkOf(await mailbox.next(email));
show("a link that proves an address", new URL(verify).searchParams.get("link"));
await browser.get(verify);
await browser.submit({ password: first });
cookies();

await browser.get("/sign-in/enrol");
const seed = /<code>([A-Z2-7 ]+)<\/code>/.exec(browser.page().text)?.[1]?.replaceAll(" ", "") ?? "";
show("a TOTP seed", seed);
const codesPage = await browser.submit({ code: totp(seed) });
const recovery = [...codesPage.text.matchAll(/<li>([A-Z0-9-]{8,})<\/li>/gi)].map(([, code]) => code ?? "");
assert.equal(recovery.length, 10);
for (const code of recovery) show("a recovery code", code, 12);
cookies();
await browser.get("/sign-out");
await browser.submit({}, "/sign-out");
await browser.get("/sign-in");
await browser.submit({ email });
await browser.submit({ password: first });
cookies();
await browser.submit({ code: totp(seed, 1), remember: "on" }, "/sign-in/second-factor");
cookies();

await openBrowser(deployment.issuer).get("/forgot-password");
const forgetful = openBrowser(deployment.issuer);
await forgetful.get("/forgot-password");
await forgetful.submit({ email });
const reset = linkOf(await mailbox.next(email));
show("a link to a new password", new URL(reset).searchParams.get("link"));
await forgetful.get(reset);
const second = show("a new password", "walnut orbit sleeve anchor");
await forgetful.submit({ password: second });

const guest = `${randomUUID()}@elsewhere.example`;
await acme.does("/v1/invitations", { parent: acme.ref, email: guest, role: "member" });
show("an invitation", new URL(linkOf(await mailbox.next(guest))).searchParams.get("link"));

const ada = await kit.human(acme, { role: "owner" });
show("a session", ada.cookie.split("=")[1]);
for (const more of [{}, { access_token_format: "opaque" }]) {
  const app = await kit.application(more);
  show("an application's secret", app.client_secret);
  const rotated = await deployment.post(`/v1/applications/${app.id}:rotateSecret`, deployment.host, {});
  const client = { ...app, client_secret: show("a rotated secret", rotated.json()["client_secret"]) };
  const pushed = await kit.push(client);
  show("a pushed request's handle", String(pushed.json()["request_uri"]).split(":").at(-1));
  const page = kit.pageOf(await kit.authorize(client));
  show("the handle of a request under way", page.handle);
  show("a code nobody redeems", (await kit.code(client, ada)).code);
  const code = await kit.code(client, ada, { scope: "openid offline_access accounts:read" });
  show("a code", code.code);
  const tokens = (await kit.redeem(client, code)).json<Record<string, string>>();
  show("an access token", tokens["access_token"]);
  show("an ID token", tokens["id_token"]);
  const spent = show("a refresh token that is used", tokens["refresh_token"]);
  const next = (await kit.refresh(client, spent)).json<Record<string, string>>();
  show("a refresh token", next["refresh_token"]);
  show("a refreshed access token", next["access_token"]);
  await deployment.isActive(next["access_token"] ?? "");
  await deployment.get("/v1/accounts", next["access_token"] ?? "");
  await deployment.get("/oauth/userinfo", next["access_token"] ?? "");
  // Wrongly too, so that refusals have something to say.
  for (const secret of [...shown.keys()].slice(-8)) {
    await kit.refresh(client, secret);
    await deployment.send("/account", { headers: { cookie: `__Host-countersign=${secret}` } });
    await deployment.send(`/oauth/authorize?client_id=${secret}&request_uri=${secret}`);
    await deployment.send("/oauth/userinfo", { headers: bearer(secret) });
  }
  await kit.refresh(client, spent);
}
const grant = "urn:ietf:params:oauth:grant-type:device_code";
const device = await kit.application({
  grant_types: [grant],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: "none",
});
const begun = await deployment.form("/oauth/device_authorization", { client_id: device.client_id, scope: "openid" });
show("a device code", begun.json()["device_code"]);
show("a user code", begun.json()["user_code"], 9);
const registration = await deployment.send(`/oauth/register?tenant=${acme.ref}`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({
    redirect_uris: ["https://app.example/cb"],
    token_endpoint_auth_method: "client_secret_basic",
  }),
});
show("a registered client's secret", registration.json()["client_secret"]);
show("a registration token", registration.json()["registration_access_token"]);
const bound = await kit.application({ token_endpoint_auth_method: "none", dpop_bound_access_tokens: true });
const key = proofKey();
const nonceless = await kit.token(bound, { grant_type: "refresh_token", refresh_token: "x" }, kit.proof(key));
const proof = kit.proof(key, "/oauth/token", { nonce: String(nonceless.headers["dpop-nonce"]) });
const bindings = await kit.redeem(bound, await kit.code(bound, ada), {}, proof);
show("a bound access token", bindings.json()["access_token"]);
show("a bound refresh token", bindings.json()["refresh_token"]);
show("a DPoP proof", proof.dpop);

// Mail that waits, since nobody takes it: the link in it is a secret at rest.
await mailbox.kill();
const waiting = await person(deployment, acme, `${randomUUID()}@acme.example`);
await acme.does(`/v1/users/${waiting.id}:resetPassword`);
const sealKey = readSecretKey(deployment.secretKey) ?? assert.fail();
type Row = { readonly id: string; readonly content_sealed: Buffer };
const outbox = await deployment.sql<Row>("select id, content_sealed from mail_outbox order by create_time");
for (const { id, content_sealed } of outbox) {
  const mail = JSON.parse(unseal(sealKey, `mail_outbox/${id}`, content_sealed).toString()) as { url?: string };
  const link = mail.url === undefined ? null : new URL(mail.url).searchParams.get("link");
  if (link !== null) show("a link that waits in the outbox", link);
}
show("a password that was imported", password);

// ── where it is looked for ──

/** As text, as octets, and in the alphabets of both; recovery codes and user codes also without their dashes. */
const traces = [...shown].flatMap(([secret, what]) =>
  [...new Set([secret, secret.replaceAll("-", "")])].flatMap((text) => {
    const octets = Buffer.from(text);
    const body = Buffer.from(text.replace(/^cs_[a-z]+_/, ""), "base64url");
    const written = [text, octets.toString("hex"), octets.toString("base64").replace(/=+$/, "")];
    return [
      ...written,
      ...(body.length >= 16 ? [body.toString("hex"), body.toString("base64").replace(/=+$/, "")] : []),
    ].map((trace) => ({ trace, what }));
  }),
);
const findIn = (where: string, text: string): void => {
  const lower = text.toLowerCase();
  for (const { trace, what } of traces)
    assert.ok(!(/^[0-9a-f]+$/.test(trace) ? lower.includes(trace) : text.includes(trace)), `${what} is in ${where}`);
};

test("the story has shown every kind of secret that signing in has", () => {
  assert.ok(shown.size >= 45, [...shown.values()].join("\n"));
  const kinds = new Set(shown.values());
  for (const kind of [
    "a code",
    "a refresh token",
    "the cookie __Host-countersign",
    "a device code",
    "a pushed request's handle",
    "a registration token",
    "a link to a new password",
    "an invitation",
    "a TOTP seed",
    "a recovery code",
    "an application's secret",
    "a new password",
    "a link that waits in the outbox",
    "the cookie __Host-countersign-device",
  ])
    assert.ok(kinds.has(kind), `${kind}: ${[...kinds].join(", ")}`);
});

test("security.md 10: every row of every table as text has none of them", async () => {
  const tables = await deployment.sql<{ name: string }>(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
  );
  let rows = 0;
  for (const { name } of tables) {
    const dump = await deployment.sql<{ row: string }>(`select row_to_json(t)::text as row from ${name} t`);
    rows += dump.length;
    findIn(name, dump.map(({ row }) => row).join("\n"));
  }
  assert.ok(rows > 100, `${rows} rows are no story`);
});

test("security.md 10: the cache has none of them, keys and values", async () => {
  const client = createClient({ url: deployment.cacheUrl });
  await client.connect();
  try {
    const all: string[] = [];
    for await (const keys of client.scanIterator({ COUNT: 1_000 }))
      for (const name of keys) {
        const type = await client.type(name);
        const value =
          type === "stream"
            ? JSON.stringify(await client.xRange(name, "-", "+"))
            : type === "string"
              ? await client.get(name)
              : "";
        all.push(`${name} ${value ?? ""}`);
      }
    assert.ok(all.length > 10, "an empty cache would prove nothing");
    findIn("the cache", all.join("\n"));
  } finally {
    await client.close();
  }
});

test("security.md 10: the logs at their most talkative have none of them, and neither do statements", async () => {
  for (const { output } of deployment.servers) {
    assert.ok(output().includes("countersign is up"), "the log has been cut, and this test would prove nothing");
    findIn("a log", output());
  }
  const activity = await deployment.sql<{ query: string }>(
    "select query from pg_stat_activity where datname = current_database()",
  );
  findIn("pg_stat_activity", activity.map(({ query }) => query).join("\n"));
});

test("security.md 10: what is sealed opens for its own row and key alone: outbox, TOTP seeds, signing keys", async () => {
  const sealed = [
    ...outbox.map(({ id, content_sealed }) => ({ row: `mail_outbox/${id}`, octets: content_sealed })),
    ...(
      await deployment.sql<{ tenant_id: string; id: string; secret_sealed: Buffer }>(
        "select tenant_id, id, secret_sealed from totp_devices",
      )
    ).map(({ tenant_id, id, secret_sealed }) => ({ row: `totp_devices/${tenant_id}/${id}`, octets: secret_sealed })),
    ...(
      await deployment.sql<{ kid: string; private_sealed: Buffer }>("select kid, private_sealed from signing_keys")
    ).map(({ kid, private_sealed }) => ({ row: `signing_keys/${kid}`, octets: private_sealed })),
  ];
  assert.ok(new Set(sealed.map(({ row }) => row.split("/")[0])).size === 3 && sealed.length >= 4);
  const foreign = { octets: Buffer.alloc(32, 7) };
  for (const { row, octets } of sealed) {
    assert.ok(unseal(sealKey, row, octets).length > 0, row);
    assert.throws(() => unseal(foreign, row, octets));
    for (const other of sealed)
      if (other.row !== row) assert.throws(() => unseal(sealKey, other.row, octets), `${row} as ${other.row}`);
    const bent = Buffer.from(octets);
    bent[bent.length - 1] = (bent.at(-1) ?? 0) ^ 1;
    assert.throws(() => unseal(sealKey, row, bent));
  }
});

test("security.md 10: a seed that was put into another's row proves nobody", async () => {
  const [mine] = await deployment.sql<{ id: string; user_id: string; tenant_id: string }>(
    "select id, user_id, tenant_id from totp_devices where confirm_time is not null",
  );
  assert.ok(mine);
  const victim = await person(deployment, acme, `${randomUUID()}@acme.example`);
  await deployment.sql(
    `insert into totp_devices (tenant_id, id, user_id, display_name, secret_sealed, create_time, confirm_time)
     select tenant_id, gen_random_uuid(), $2, 'Theirs', secret_sealed, now(), now() from totp_devices where id = $1`,
    [mine.id, victim.id],
  );
  const thief = openBrowser(deployment.issuer);
  await thief.get("/sign-in");
  await thief.submit({ email: victim.email });
  await thief.submit({ password });
  const answer = await thief.submit({ code: totp(seed, 0) });
  assert.doesNotMatch(answer.url, /\/account/);
});
