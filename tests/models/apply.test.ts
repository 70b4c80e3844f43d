/** Another access model over a database that is in use: what is said of it, for whom, and what it takes to put it in force. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startDeployment } from "../oauth/deployment.ts";
import { type CliRun, runCli, startServer } from "../support/server-process.ts";
import { openFolder, type Parts } from "./kit.ts";

const folder = await openFolder();
const first = await folder.model("first");
const deployment = await startDeployment({ env: { COUNTERSIGN_MODEL: first } });
after(async () => {
  await deployment.close();
  await folder.remove();
});

const acme = await deployment.tenant("Acme");
const other = await deployment.tenant("Other");
const clerk = await acme.account({ role: "clerk" });
const human = await acme.user("clerk");
const guard = await other.account({ role: "guard", scopes: ["notes:write", "clients:*"] });
const custom = await acme.does("/v1/roles", {
  display_name: "Note taker",
  description: "",
  permissions: ["notes:*"],
});
const taker = await acme.account({ role: String(custom["resource"]) });

const run = (...args: readonly string[]): Promise<CliRun> => runCli(["model", ...args], deployment.env);
let number = 0;
const variant = (parts: Parts): Promise<string> => folder.model(`variant-${(number += 1)}`, parts);

const inForce = async (): Promise<string> =>
  (await deployment.sql<{ version: string }>("select version from model_versions where active"))[0]?.version ?? "";

test("a role that gains a permission is refused, with the tenants and the principals who would gain it", async () => {
  const wider = await variant({ clerk: '{ permissions: ["clients:read", "notes:read", "accounts:read"] }' });
  const before = await inForce();
  const { code, stdout, stderr } = await run("apply", wider);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^the model is not put in force:$/m);
  assert.match(stderr, /^widens +roles\.clerk\.permissions gains `accounts:read`$/m);
  assert.ok(stderr.includes(`${acme.ref}: 2 principals with \`clerk\``), stderr);
  for (const { ref } of [clerk, human]) assert.ok(stderr.includes(ref), stderr);
  for (const { ref } of [other, guard, taker]) assert.ok(!stderr.includes(ref), stderr);
  assert.match(stderr, /say so: --allow-widening$/m);
  assert.equal(await inForce(), before);
  const diff = await run("diff", wider);
  assert.equal(diff.code, 1);
  assert.match(diff.stdout, /put it in force with: countersign model apply .* --allow-widening$/m);
});

test("a pattern in a tenant's own role that means more names the role and who has it", async () => {
  const more = await variant({ notes: "[read, write, burn]" });
  const { code, stdout } = await run("diff", more, "--json");
  assert.equal(code, 1);
  const said = JSON.parse(stdout) as {
    readonly harmless: boolean;
    readonly changes: readonly {
      readonly path: string;
      readonly permissions: readonly string[];
      readonly tenants: readonly { readonly tenant: string; readonly uses: readonly object[] }[];
    }[];
  };
  assert.equal(said.harmless, false);
  const change = said.changes.find(({ path }) => path === "patterns.notes:*");
  assert.deepEqual(change?.permissions, ["notes:burn"]);
  assert.deepEqual(change?.tenants, [
    {
      tenant: acme.ref,
      uses: [
        { kind: "patterns", name: "notes:*", of: "principals", count: 1, refs: [taker.ref] },
        { kind: "patterns", name: "notes:*", of: "roles", count: 1, refs: [custom["resource"]] },
      ],
    },
  ]);
});

test("a role that is gone strands those who have it, and a permission that is gone the clients and roles that name it", async () => {
  const less = await variant({
    extraRoles: "",
    notes: "[read]",
    levels: "{ viewer: [read] }",
    governance: "  notes:read: { class: machine }\n",
  });
  const { code, stderr } = await run("apply", less);
  assert.equal(code, 1);
  assert.match(stderr, /^strands +roles\.guard is gone$/m);
  assert.ok(stderr.includes(`${other.ref}: 1 principal with \`guard\` (${guard.ref})`), stderr);
  assert.match(stderr, /^strands +patterns\.notes:write matches nothing any more$/m);
  assert.ok(stderr.includes(`${other.ref}: 1 client or token with \`notes:write\` (${guard.ref})`), stderr);
  assert.match(stderr, /say so: --allow-stranding$/m);
});

test("governance that asks for less names everybody who may do it, by role and by pattern", async () => {
  const looser = await variant({
    governance: "  notes:write: { class: human, approvals: { required: 1, expires_in: 1h } }\n",
  });
  const { code, stderr } = await run("apply", looser);
  assert.equal(code, 1);
  assert.match(stderr, /^widens +governance\.notes:write\.approvals\.required needs one approval instead of 2$/m);
  assert.ok(stderr.includes(taker.ref), stderr);
  assert.ok(!stderr.includes(human.ref), stderr);
});

test("a type of node that is gone, and a place that is no longer one, name the nodes that stand there", async () => {
  const client = await acme.perimeter("clients");
  const account = await acme.perimeter("accounts", client.ref);
  const gone = await folder.file(
    "gone.yaml",
    `title: Gone
perimeters:
  organization: { collection: organizations }
  client: { collection: clients, in: [organization] }
resources:
  notes: { in: [organization, client, notes], actions: [read, write], levels: { viewer: [read], editor: [read, write] } }
roles:
  owner: { title: Owner, permissions: ["*"] }
  clerk: { permissions: ["clients:read", "notes:read"] }
  guard: { permissions: ["organizations:read"] }
governance:
  notes:write: { class: human, approvals: { required: 2, expires_in: 1h } }
`,
  );
  const { code, stderr } = await run("apply", gone);
  assert.equal(code, 1);
  assert.match(stderr, /^strands +perimeters\.account is gone$/m);
  assert.ok(stderr.includes(`${acme.ref}: 1 node with \`account\` (${account.ref})`), stderr);
});

test("what was allowed aloud is put in force, once by two at a time, and the host's log and events say what it did to whom", async () => {
  const from = await inForce();
  const wider = await variant({ clerk: '{ permissions: ["clients:read", "notes:read", "accounts:read"] }' });
  const both = await Promise.all([run("apply", wider, "--allow-widening"), run("apply", wider, "--allow-widening")]);
  assert.deepEqual(
    both.map(({ code }) => code),
    [0, 0],
  );
  const said = both.map(({ stdout }) => stdout).join("\n");
  assert.match(said, /is in force, and was [0-9a-f]{16} until now/);
  assert.match(said, /is in force already/);
  const to = await inForce();
  const detail = {
    from,
    to,
    title: "Notes",
    widens: [{ path: "roles.clerk.permissions", what: "gains `accounts:read`", tenants: 1, principals: 2 }],
    narrows: [],
    strands: [],
  };
  const entries = await deployment.sql<{
    target: string;
    because: object;
    detail: Record<string, unknown>;
    actor_of_record: null;
  }>(
    "select target, because, detail, actor_of_record from audit_entries where action = 'host.apply-model' order by time desc limit 1",
  );
  const { start_until: until, ...rest } = entries[0]?.detail ?? {};
  assert.ok(Date.parse(String(until)) > Date.now());
  assert.deepEqual(
    { ...entries[0], detail: rest },
    {
      target: `models/${to}`,
      because: { rule: "operator" },
      detail,
      actor_of_record: null,
    },
  );
  const events = await deployment.sql<{ subject: string }>(
    "select subject from events where type = 'countersign.model.applied.v1' and subject = $1",
    [`models/${to}`],
  );
  assert.deepEqual(events, [{ subject: `models/${to}` }]);
  // Once: the other found it in force.
  const count = await deployment.sql("select id from audit_entries where action = 'host.apply-model' and target = $1", [
    `models/${to}`,
  ]);
  assert.equal(count.length, 1);

  const server = await startServer({ env: { ...deployment.env, COUNTERSIGN_MODEL: wider } });
  assert.doesNotMatch(server.output(), /in force before/);
  assert.equal(await server.stop(), 0);
});

test("a file with mistakes, a missing one, and a wrong option are said, and nothing is printed as if it were an answer", async () => {
  const broken = await folder.file(
    "broken.yaml",
    "perimeters: {}\nroles: { owner: { permissions: ['nothing:read'] } }\n",
  );
  for (const [args, why] of [
    [["diff", broken], /broken\.yaml:1: perimeters: has no root type/],
    [["apply", "/nowhere/model.yaml"], /`\/nowhere\/model\.yaml`, which cannot be read/],
    [["apply", first, "--overlap-seconds", "-1"], /must be a whole number from 0 to 604800/],
    [["apply"], /missing required argument 'file'/],
  ] as const) {
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, why);
  }
});

test("on the embedded database of a server that runs, it is said who has it", async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const { code, stderr } = await runCli(["model", "diff", first], server.env);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`another countersign \\(pid ${server.pid}\\)`));
  assert.match(stderr, /stop the server, and run this again/);
});
