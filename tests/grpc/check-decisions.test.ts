// The decisions of identity.v1 against a whole server: batches, explanations, lists, and what comes along with a question.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { callJson } from "../../cli/grpc-json.ts";
import { startDeployment } from "../oauth/deployment.ts";

const deployment = await startDeployment();
after(deployment.close);
const acme = await deployment.tenant();
const gateway = await deployment.token(await acme.account({ role: "owner" }));
const robot = await acme.account();
const client = await acme.perimeter("clients");
const accounts = [await acme.perimeter("accounts", client.ref), await acme.perimeter("accounts", client.ref)];
const [account] = accounts;
assert.ok(account);
const assigned = await acme.does("/v1/role-assignments", { parent: client.ref, principal: robot.ref, role: "viewer" });
await acme.does("/v1/role-assignments", {
  parent: acme.ref,
  principal: robot.ref,
  role: "treasurer",
  condition: "context.office == true && resource.properties.amount < 100",
});

type Fields = Readonly<Record<string, unknown>>;
const call = (method: string, json: Fields, token = gateway) =>
  callJson({
    address: `127.0.0.1:${deployment.servers[0]?.grpcPort}`,
    method: `identity.v1.Identity/${method}`,
    json,
    metadata: { authorization: `Bearer ${token}` },
  });
const ok = async (method: string, json: Fields, token?: string): Promise<Fields> => {
  const answer = await call(method, json, token);
  assert.ok("ok" in answer, JSON.stringify(answer));
  return answer.ok as Fields;
};
const refused = async (status: string, method: string, json: Fields, token?: string): Promise<void> => {
  const answer = await call(method, json, token);
  assert.ok(!("ok" in answer) && answer.status === status, JSON.stringify(answer));
};

const principal = robot.ref;
const may = { principal, permission: "accounts:read", resource: account.ref };
const pay = { principal, permission: "payouts:create", resource: account.ref };

test("a batch stops where its mode says, and a question that is none counts as a denial", async () => {
  const no = { ...may, permission: "accounts:delete" };
  const wrong = { ...may, principal: "nobody" };
  const count = async (mode: string, checks: readonly Fields[]) =>
    ((await ok("BatchCheckPermissions", { checks, mode }))["results"] as readonly Fields[]).length;
  assert.equal(await count("BATCH_MODE_EVALUATE_ALL", [no, may, wrong]), 3);
  assert.equal(await count("BATCH_MODE_DENY_ON_FIRST_DENY", [may, wrong, may]), 2);
  assert.equal(await count("BATCH_MODE_PERMIT_ON_FIRST_PERMIT", [no, wrong, may, no]), 3);
});

test("context and attributes reach the conditions, and what is no JSON object is refused", async () => {
  const allowed = async (more: Fields) => (await ok("CheckPermission", { ...pay, ...more }))["allowed"] === true;
  const attributes = (office: unknown, amount: unknown) =>
    JSON.stringify({ context: { office }, resource: { amount } });
  assert.equal(await allowed({}), false);
  assert.equal(await allowed({ attributesJson: attributes(true, 50) }), true);
  assert.equal(await allowed({ attributesJson: attributes(true, 500) }), false);
  assert.equal(await allowed({ attributesJson: attributes("true", 50) }), false);
  // The texts of `context` add to it, and a text is no boolean.
  assert.equal(await allowed({ attributesJson: attributes(true, 50), context: { office: "true" } }), false);
  for (const attributesJson of [
    "[]",
    "{",
    '{"subject": 1}',
    '{"other": {}}',
    JSON.stringify({ context: { x: "y".repeat(40_000) } }),
  ])
    await refused("INVALID_ARGUMENT", "CheckPermission", { ...pay, attributesJson });
});

test("an answer says which version it was decided at, and one can be demanded that is no older", async () => {
  const { decidedAtVersion } = await ok("CheckPermission", may);
  assert.match(String(decidedAtVersion), /^s\d/);
  assert.equal((await ok("CheckPermission", { ...may, atLeastAsFresh: decidedAtVersion }))["allowed"], true);
  await refused("INVALID_ARGUMENT", "CheckPermission", { ...may, atLeastAsFresh: "yesterday" });
});

test("ExplainPermission: everything that was looked at, and the steps that are missing; it takes access:explain even about oneself", async () => {
  const yes = await ok("ExplainPermission", { check: may });
  const considered = yes["considered"] as readonly Fields[];
  assert.deepEqual(considered.map(({ binding, outcome }) => [binding, outcome]).at(0), [
    assigned["resource"],
    "permits",
  ]);
  const no = await ok("ExplainPermission", { check: pay });
  const steps = (no["missing"] as readonly Fields[]).map(({ missing }) => missing);
  assert.ok(steps.includes("condition") && steps.includes("role"), JSON.stringify(steps));
  const elsewhere = await ok("ExplainPermission", {
    check: { ...may, resource: acme.ref, permission: "clients:read" },
  });
  assert.ok((elsewhere["considered"] as readonly Fields[]).some(({ outcome }) => outcome === "out_of_reach"));
  const own = await deployment.token(robot);
  await refused("PERMISSION_DENIED", "ExplainPermission", { check: may }, own);
  await refused("INVALID_ARGUMENT", "ExplainPermission", {});
});

test("ListResources, ListSubjects and ListActions: what checks would say, a page at a time", async () => {
  const search = { principal, permission: "accounts:read", type: "accounts" };
  const seen: string[] = [];
  let pageToken = "";
  do {
    const page = await ok("ListResources", { ...search, pageSize: 1, pageToken });
    seen.push(...((page["resources"] ?? []) as readonly string[]));
    pageToken = (page["nextPageToken"] as string | undefined) ?? "";
  } while (pageToken !== "");
  assert.deepEqual(seen.toSorted(), accounts.map(({ ref }) => ref).toSorted());

  const subjects = await ok("ListSubjects", {
    kind: "service-accounts",
    permission: "accounts:read",
    resource: account.ref,
  });
  assert.ok((subjects["subjects"] as readonly unknown[]).includes(robot.ref));
  const actions = await ok("ListActions", { principal, resource: account.ref });
  assert.deepEqual(actions["permissions"], ["accounts:read", "clients:read", "organizations:read", "payouts:read"]);
  const attributesJson = JSON.stringify({ context: { office: true }, resource: { amount: 1 } });
  const more = await ok("ListActions", { principal, resource: account.ref, attributesJson });
  assert.ok((more["permissions"] as readonly unknown[]).includes("payouts:create"));
  await refused("INVALID_ARGUMENT", "ListResources", { ...search, pageSize: 1_001 });
  await refused("INVALID_ARGUMENT", "ListResources", { ...search, pageToken: "x" });
});

test("whoever holds no access:search lists its own resources and actions, and nobody else's", async () => {
  const own = await deployment.token(robot);
  const mine = await ok("ListResources", { token: own, permission: "accounts:read", type: "accounts" }, own);
  assert.equal((mine["resources"] as readonly unknown[]).length, 2);
  assert.ok((await ok("ListActions", { principal, resource: account.ref }, own))["permissions"]);
  const other = await acme.account();
  await refused(
    "PERMISSION_DENIED",
    "ListResources",
    { principal: other.ref, permission: "accounts:read", type: "accounts" },
    own,
  );
  await refused("PERMISSION_DENIED", "ListActions", { principal: other.ref, resource: account.ref }, own);
  await refused(
    "PERMISSION_DENIED",
    "ListSubjects",
    { kind: "users", permission: "accounts:read", resource: account.ref },
    own,
  );
});

test("a token's scopes narrow a list as they narrow a check, and a token that is not active reaches nothing", async () => {
  const narrow = await deployment.token(robot, { scope: "clients:read" });
  const search = { token: narrow, type: "accounts", permission: "accounts:read" };
  assert.equal((await ok("ListResources", search))["resources"], undefined);
  assert.equal(
    (
      (await ok("ListResources", { ...search, type: "clients", permission: "clients:read" }))[
        "resources"
      ] as readonly unknown[]
    ).length,
    1,
  );
  assert.equal((await ok("ListResources", { ...search, token: `${narrow}x` }))["resources"], undefined);
});
