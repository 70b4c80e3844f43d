// Share links over real servers: opened everywhere at once, kept nowhere, ended with whoever made them.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startDeployment } from "../oauth/deployment.ts";
import { bearer } from "../oauth/http.ts";

const deployment = await startDeployment({ servers: 2, env: { COUNTERSIGN_LOG_LEVEL: "trace" } });
after(deployment.close);
const tenant = await deployment.tenant();
const owner = await tenant.account({ role: "owner" });
const ownerToken = await deployment.token(owner);
const opener = await tenant.account();
const role = await tenant.does("/v1/roles", { display_name: "Resource server", permissions: ["share-links:open"] });
await tenant.does("/v1/role-assignments", {
  parent: tenant.ref,
  principal: opener.ref,
  role: String(role["resource"]),
});
const server = await deployment.token(opener);

const later = (seconds = 3_600): string => new Date(Date.now() + seconds * 1_000).toISOString();
const folder = async (): Promise<string> =>
  String(
    (await tenant.does("/v1/resources", { type: "documents", parent: tenant.ref, display_name: "A folder" }))[
      "resource"
    ],
  );
type Made = { readonly id: string; readonly resource: string; readonly link: string; readonly state: string };
const linkTo = async (parent: string, more: object = {}, by = ownerToken, headers = {}): Promise<Made> => {
  const input = { parent, level: "viewer", display_name: "A link", expire_time: later(), ...more };
  const answer = await deployment.post("/v1/share-links", by, input, 0, headers);
  assert.equal(answer.status, 201, answer.text);
  return answer.json<Made>();
};
const open = (link: string, password?: string, on = 0) =>
  deployment.post("/v1/share-links:open", server, { link, ...(password === undefined ? {} : { password }) }, on);
const status = async (link: string, password?: string, on = 0) => (await open(link, password, on)).status;

test("invariant 3: 50 openings at once at each of two processes: a link of ten uses opens ten times, and says how often it still will", async () => {
  const made = await linkTo(await folder(), { uses_max: 10 });
  const answers = await Promise.all(Array.from({ length: 100 }, (_, nth) => open(made.link, undefined, nth % 2)));
  const opened = answers.filter((answer) => answer.status === 200);
  assert.equal(opened.length, 10);
  assert.deepEqual(
    opened.map((answer) => answer.json<{ uses_left: number }>().uses_left).toSorted((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  for (const answer of answers) if (answer.status !== 200) assert.equal(answer.status, 404, answer.text);
  const [entries] = await deployment.sql<{ done: number; failed: number }>(
    `select count(*) filter (where outcome = 'done')::int as done, count(*) filter (where outcome = 'failed')::int as failed
       from audit_entries where tenant_id = $1 and target = $2 and actor_of_record = $3`,
    [tenant.id, made.resource, opener.ref],
  );
  assert.deepEqual(entries, { done: 10, failed: 90 });
});

test("invariant 7: what its creator loses is lent by no process any more: a revoked role, a disabled creator, a revoked link", async () => {
  const parent = await folder();
  const clerk = await tenant.account();
  const assigned = await tenant.does("/v1/role-assignments", {
    parent: tenant.ref,
    principal: clerk.ref,
    role: "owner",
  });
  const made = await linkTo(parent, {}, await deployment.token(clerk));
  const everywhere = async (expected: number): Promise<void> => {
    for (const on of [0, 1]) assert.equal(await status(made.link, undefined, on), expected);
  };
  await everywhere(200);
  await tenant.does(`/v1/role-assignments/${String(assigned["id"])}:revoke`);
  await everywhere(404);
  await tenant.does("/v1/role-assignments", { parent: tenant.ref, principal: clerk.ref, role: "owner" });
  await everywhere(200);
  await tenant.does(`/v1/service-accounts/${clerk.id}:disable`);
  await everywhere(404);
  await tenant.does(`/v1/service-accounts/${clerk.id}:enable`);
  await everywhere(200);
  await tenant.does(`/v1/share-links/${made.id}:revoke`);
  await everywhere(404);
});

test("guesses at a password count together in both processes: after ten the link is locked everywhere", async () => {
  const made = await linkTo(await folder(), { password: "correct horse" });
  for (let nth = 0; nth < 10; nth += 1) assert.equal(await status(made.link, `wrong horse ${nth}`, nth % 2), 404);
  for (const on of [0, 1]) assert.equal(await status(made.link, "correct horse", on), 404);
  const seen = await deployment.get(`/v1/share-links/${made.id}`, ownerToken);
  assert.equal(seen.json<Made>().state, "locked");
  const renewed = await deployment.post(`/v1/share-links/${made.id}:renew`, ownerToken, {});
  assert.equal(renewed.status, 200, renewed.text);
  assert.equal(await status(renewed.json<Made>().link, "correct horse", 1), 200);
});

test("a share link is no credential: it proves nobody, and no token opens as one", async () => {
  const { link } = await linkTo(await folder());
  assert.equal((await deployment.get("/v1/accounts", link)).status, 401);
  assert.equal((await deployment.send("/v1/share-links:open", { method: "POST", headers: bearer(link) })).status, 401);
  assert.equal(await deployment.isActive(link), false);
  for (const token of [server, ownerToken, opener.client_secret])
    assert.ok([400, 404].includes(await status(token)), "too long to be one, or none there is");
  assert.equal((await deployment.send("/v1/share-links:open", { method: "GET", headers: bearer(server) })).status, 405);
  const unknownField = await deployment.post("/v1/share-links:open", server, { link, resource: "documents/x" });
  assert.equal(unknownField.status, 400);
});

test("another tenant's resource server opens nothing with it, and hears what it hears of one that never was", async () => {
  const { link } = await linkTo(await folder());
  const other = await deployment.tenant("Other");
  const token = await deployment.token(await other.account({ role: "owner" }));
  const said = async (text: string): Promise<string> => {
    const answer = await deployment.post("/v1/share-links:open", token, { link: text });
    assert.equal(answer.status, 404);
    const { detail, code } = answer.json<{ detail: string; code: string }>();
    return `${code}: ${detail}`;
  };
  assert.equal(await said(link), await said(`${link.slice(0, -1)}A`));
});

test("invariant 5: neither a link nor its password is in the database, the record, the events or the logs", async () => {
  const password = "a password like no other";
  const secrets = [password];
  const parent = await folder();
  const once = { "idempotency-key": "share" };
  const made = await linkTo(parent, { password, uses_max: 5 }, ownerToken, once);
  secrets.push(made.link);
  const again = await deployment.post(
    "/v1/share-links",
    ownerToken,
    { parent, level: "viewer", display_name: "A link", expire_time: later(), password, uses_max: 5 },
    0,
    once,
  );
  assert.equal(again.status, 409, "another moment is another request");
  assert.equal(await status(made.link, password), 200);
  assert.equal(await status(made.link, "a password unlike it"), 404);
  await deployment.post("/v1/share-links:open", server, { link: made.link, password }, 1, {
    "idempotency-key": "open",
  });
  await deployment.get(`/v1/share-links/${made.link}`, server);
  const renewed = await deployment.post(`/v1/share-links/${made.id}:renew`, ownerToken, { password });
  secrets.push(renewed.json<Made>().link);

  const tables = await deployment.sql<{ name: string }>(
    "select relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relkind in ('r', 'p')",
  );
  assert.ok(tables.some(({ name }) => name === "share_links"));
  const bodies = secrets.flatMap((secret) => [secret, secret.replace("cs_share_", "")]);
  for (const { name } of tables) {
    const rows = await deployment.sql<{ row: string }>(`select t::text as row from ${name} t`);
    for (const { row } of rows)
      for (const secret of bodies) {
        assert.ok(!row.includes(secret), `${name} holds a secret`);
        assert.ok(!row.includes(Buffer.from(secret).toString("hex")), `${name} holds a secret in hexadecimal`);
      }
  }
  for (const one of deployment.servers)
    for (const secret of bodies) assert.ok(!one.output().includes(secret), "a log holds a secret");
  const stored = await deployment.sql<{ hash: string; password_hash: string }>(
    "select encode(hash, 'hex') as hash, password_hash from share_links where id = $1",
    [made.id],
  );
  assert.match(stored[0]?.hash ?? "", /^[0-9a-f]{64}$/);
  assert.match(stored[0]?.password_hash ?? "", /^\$argon2id\$/);
});

test("a human who leaves takes their links along, and gets none of them back by becoming a member again", async () => {
  const client = await tenant.perimeter("clients");
  const parent = String(
    (await tenant.does("/v1/resources", { type: "documents", parent: client.ref, display_name: "A folder" }))[
      "resource"
    ],
  );
  const made = await tenant.does("/v1/users", {
    parent: client.ref,
    email: `${Date.now()}@acme.example`,
    display_name: "Ada",
    role: "owner",
  });
  const expire_time = later();
  const token = await tenant.does("/v1/api-tokens", {
    owner: String(made["resource"]),
    display_name: "A token",
    scopes: ["share-links:*", "documents:read"],
    expire_time,
  });
  const { link, id } = await linkTo(parent, {}, String(token["token"]));
  assert.equal(await status(link), 200);
  await tenant.does(`/v1/users/${String(made["id"])}:suspend`);
  assert.equal(await status(link), 404);
  await tenant.does(`/v1/users/${String(made["id"])}:resume`);
  assert.equal(await status(link), 200);
  const [membership] = await deployment.sql<{ id: string }>("select id from memberships where user_id = $1", [
    made["id"],
  ]);
  const left = await deployment.send(`/v1/memberships/${membership?.id}`, {
    method: "DELETE",
    headers: { ...bearer(deployment.host), "countersign-tenant": tenant.ref },
  });
  assert.equal(left.json<{ revoked_share_links: number }>().revoked_share_links, 1, left.text);
  await tenant.does("/v1/memberships", { parent: client.ref, user: String(made["resource"]), role: "owner" });
  assert.equal(await status(link), 404);
  const seen = await deployment.get(`/v1/share-links/${id}`, ownerToken);
  assert.equal(seen.json<Made>().state, "revoked");
});
