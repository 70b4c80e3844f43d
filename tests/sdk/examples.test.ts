/** The examples do what they say, beside a real server on the access model each was written for. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { root } from "../readme/page.ts";
import { startExample } from "./example-kit.ts";

const vault = await startExample("examples/file-sharing.mjs", "models/bitvault.yaml", "tenants", [
  "access:check",
  "share-links:open",
]);
after(() => vault.close());
const runner = await startExample("examples/flow-runner.mjs", "models/aico.yaml", "organizations", ["access:check"]);
after(() => runner.close());

test("file sharing (seed 001): a share says where, a role says what; both are needed, and a share taken back is gone", async () => {
  const acme = await vault.tenant();
  const issuer = vault.deployment.issuer;
  const admin = await vault.token(await acme.member("admin"), issuer);
  const [ada, bob] = [await acme.member("member"), await acme.member("viewer")];
  const [adas, bobs] = [await vault.token(ada), await vault.token(bob)];

  const made = await vault.request("POST", "/folders", admin, { parent: acme.ref, name: "Plans" });
  assert.equal(made.status, 200, made.text);
  const id = String(made.json()["folder"]).slice("files/".length);
  const put = (token: string | undefined, name: string) =>
    vault.request("PUT", `/folders/${id}/files/${name}`, token, { text: `the text of ${name}` });
  const first = await put(admin, "one");
  assert.equal(first.status, 200, first.text);
  const file = String(first.json()["file"]);

  assert.equal((await vault.request("GET", `/${file}`)).status, 401);
  assert.equal((await vault.request("GET", `/${file}`, adas)).status, 403, "a role is not enough");
  const share = (principal: string, level: string, token = admin) =>
    vault.request("POST", `/folders/${id}/shares`, token, { principal, level });
  assert.equal((await share(ada.ref, "editor", adas)).status, 403, "a member shares nothing");
  const shared = await share(ada.ref, "editor");
  assert.equal(shared.status, 200, shared.text);
  assert.equal((await share(bob.ref, "editor")).status, 200);

  assert.equal((await vault.request("GET", `/${file}`, adas)).text, "the text of one");
  assert.equal((await put(adas, "two")).status, 200);
  assert.equal((await vault.request("DELETE", `/${file}`, adas)).status, 403, "an editor deletes nothing");
  assert.equal((await vault.request("GET", `/${file}`, bobs)).status, 200);
  assert.equal((await put(bobs, "three")).status, 403, "a viewer's role is the ceiling of what is shared");

  const revoke = `/v1/${String(shared.json()["resource"])}:revoke`;
  const revoked = await vault.deployment.post(revoke, admin, {});
  assert.equal(revoked.status, 200, revoked.text);
  assert.equal((await vault.request("GET", `/${file}`, adas)).status, 403, "by the next request");
});

test("file sharing: a link opens its folder to whoever has it, as often as it says; another tenant sees nothing of any of it", async () => {
  const [acme, globex] = [await vault.tenant(), await vault.tenant()];
  const issuer = vault.deployment.issuer;
  const admin = await vault.token(await acme.member("admin"), issuer);
  const stranger = await vault.token(await globex.member("owner"), issuer);
  const made = await vault.request("POST", "/folders", admin, { parent: acme.ref, name: "Plans" });
  const id = String(made.json()["folder"]).slice("files/".length);
  const put = await vault.request("PUT", `/folders/${id}/files/one`, admin, { text: "hello" });
  const file = String(put.json()["file"]);

  const expire_time = new Date(Date.now() + 3_600_000).toISOString();
  const wanted = { level: "viewer", expire_time, uses_max: 1 };
  const linked = await vault.request("POST", `/folders/${id}/links`, admin, wanted);
  assert.equal(linked.status, 200, linked.text);
  const open = (tenant: string) =>
    vault.request("POST", `/links/${tenant}/open`, undefined, { link: linked.json()["link"] });
  assert.equal((await open(globex.id)).status, 404, "another tenant's link is none");
  const opened = await open(acme.id);
  assert.equal(opened.status, 200, opened.text);
  assert.deepEqual(JSON.parse(opened.text), [{ name: "one", text: "hello" }]);
  assert.equal((await open(acme.id)).status, 404, "it was for once");

  for (const [method, path, body] of [
    ["GET", `/${file}`, undefined],
    ["DELETE", `/${file}`, undefined],
    ["PUT", `/folders/${id}/files/x`, { text: "x" }],
    ["POST", `/folders/${id}/shares`, { principal: globex.ref, level: "viewer" }],
    ["POST", `/folders/${id}/links`, wanted],
    ["POST", "/folders", { parent: `files/${id}`, name: "x" }],
  ] as const)
    assert.equal((await vault.request(method, path, stranger, body)).status, 404, `${method} ${path}`);
});

test("flow runner (seed 002): roles, wildcard scopes, and a flow that is refused before a worker is sent", async () => {
  const acme = await runner.tenant();
  const admin = await runner.token(await acme.member("admin"));
  const member = await runner.token(await acme.member("member"));
  const booking = await runner.token(await acme.member("booking_manager"));
  const saved = await runner.request("POST", "/flows", member, { name: "Greet", providers: ["speech", "telephony"] });
  assert.equal(saved.status, 201, saved.text);
  const { id } = saved.json<{ id: string }>();
  assert.equal((await runner.request("GET", "/flows", booking)).status, 403);
  assert.equal((await runner.request("PUT", "/secrets", member, { SPEECH_KEY: "k" })).status, 403);

  const early = await runner.request("POST", `/flows/${id}/trigger`, member);
  assert.equal(early.status, 412);
  assert.equal(early.headers["content-type"], "application/problem+json");
  const problem = early.json();
  assert.equal(problem["type"], "urn:countersign:problem:missing_provider_secrets");
  assert.deepEqual(problem["missing"], [
    { provider: "speech", secret: "SPEECH_KEY" },
    { provider: "telephony", secret: "SIP_USER" },
    { provider: "telephony", secret: "SIP_PASSWORD" },
  ]);
  const secrets = { SPEECH_KEY: "not-to-be-seen", SIP_USER: "u", SIP_PASSWORD: "p" };
  const set = await runner.request("PUT", "/secrets", admin, secrets);
  assert.equal(set.status, 200, set.text);
  assert.ok(!set.text.includes("not-to-be-seen"));
  assert.equal((await runner.request("POST", `/flows/${id}/trigger`, member)).status, 202);

  const scoped = async (scope: string) => {
    const { client_id, client_secret } = await acme.member("admin");
    const fields = { resource: "https://example.example.com", scope };
    return runner.deployment.token({ client_id, client_secret }, fields);
  };
  const flows = await scoped("flows:*");
  assert.equal((await runner.request("GET", "/flows", flows)).status, 200);
  assert.equal((await runner.request("POST", `/flows/${id}/trigger`, flows)).status, 202);
  const narrow = await runner.request("GET", "/calls", flows);
  assert.equal(narrow.status, 403);
  assert.match(String(narrow.headers["www-authenticate"]), /error="insufficient_scope".* scope="monitoring:read"/);
  assert.equal((await runner.request("GET", "/calls", admin)).json<readonly unknown[]>().length, 2);
});

test("flow runner: organizations are apart; a super admin alone switches between them and has the operator's controls, on record", async () => {
  const [acme, globex] = [await runner.tenant(), await runner.tenant()];
  const owner = await runner.token(await acme.member("owner"));
  await runner.request("POST", "/flows", owner, { name: "Greet", providers: ["speech"] });
  const other = await runner.token(await globex.member("owner"));
  assert.equal((await runner.request("GET", "/flows", other)).text, "[]");
  const switching = { "active-organization": acme.ref };
  assert.equal((await runner.request("GET", "/flows", other, undefined, switching)).status, 404);
  assert.equal((await runner.request("POST", "/gpus", owner)).status, 403, "an owner's `*` is the organization's");
  assert.ok(!runner.output().includes("super_admin_bypass"));

  const [server] = runner.deployment.servers;
  assert.ok(server);
  const admin = await runner.token(server.bootstrap);
  const seen = await runner.request("GET", "/flows", admin, undefined, switching);
  assert.equal(seen.status, 200, seen.text);
  assert.equal(seen.json<readonly unknown[]>().length, 1);
  const allocated = await runner.request("POST", "/gpus", admin);
  assert.equal(allocated.status, 200, allocated.text);
  assert.deepEqual(allocated.json(), { gpus: 1, bypass: true });
  const entries = runner
    .output()
    .split("\n")
    .filter((line) => line.includes("super_admin_bypass"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    entries.map(({ permission, tenant_id }) => [permission, tenant_id]),
    [
      ["flows:read", acme.id],
      ["gpus:allocate", "00000000-0000-4000-8000-000000000000"],
    ],
  );
});

test("an example is short enough to be read", () => {
  for (const name of ["protect-an-api", "file-sharing", "flow-runner"])
    assert.ok(readFileSync(join(root, `examples/${name}.mjs`), "utf8").split("\n").length <= 130, name);
});
