// AuthZEN 1.0 over real HTTP: one test for each thing the specification binds a decision point to. Its certification scenario's requests
// are among them, with our ids in the place of its names.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { startDeployment } from "../oauth/deployment.ts";
import { bearer } from "../oauth/http.ts";

const deployment = await startDeployment();
after(deployment.close);
const acme = await deployment.tenant();
const gateway = await acme.account({ role: "owner" });
const token = await deployment.token(gateway);
const alice = await acme.user();
const bob = await acme.user();
const record = await acme.perimeter("accounts");
const archived = await acme.perimeter("accounts");
const assign = (principal: string, role: string, more: object = {}) =>
  acme.does("/v1/role-assignments", { parent: acme.ref, principal, role, ...more });

const role = (display_name: string, permission: string) =>
  acme.does("/v1/roles", { display_name, permissions: [permission] });
const reader = await role("Reader", "accounts:read");
const writer = await role("Writer", "accounts:update");
const deleter = await role("Deleter", "accounts:delete");
await assign(alice.ref, String(reader["resource"]));
await assign(bob.ref, String(reader["resource"]));
// The properties a caller sends along decide, where an assignment's condition says so.
await assign(alice.ref, String(writer["resource"]), {
  condition: "!has(resource.properties.status) || resource.properties.status != 'archived'",
});
await assign(bob.ref, String(writer["resource"]), {
  condition: "has(subject.properties.role) && subject.properties.role == 'admin'",
});
await assign(alice.ref, String(deleter["resource"]), { condition: "context.action.soft == true" });

type Json = Readonly<Record<string, unknown>>;
const ask = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}, as = token) =>
  deployment.send(`/access/v1/${path}`, {
    method: "POST",
    headers: { ...bearer(as), "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
const ok = async <Body = Json>(path: string, body: unknown): Promise<Body> => {
  const answer = await ask(path, body);
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.headers["content-type"] ?? "", /^application\/json/);
  assert.doesNotMatch(answer.text, /[:,[]null\b/, "§11.5: what is absent is left out");
  return answer.json<Body>();
};
const user = (one: { readonly id: string }, properties?: Json) => ({
  type: "user",
  id: one.id,
  ...(properties === undefined ? {} : { properties }),
});
const account = (one: { readonly id: string }, properties?: Json) => ({ ...user(one, properties), type: "accounts" });
const name = (text: string, properties?: Json) => ({ name: text, ...(properties === undefined ? {} : { properties }) });
const read = { subject: user(alice), action: name("read"), resource: account(record) };
const decided = async (body: unknown): Promise<unknown> => (await ok("evaluation", body))["decision"];
type Decisions = { readonly evaluations: readonly { readonly decision: unknown; readonly context?: Json }[] };
const decisions = async (body: unknown): Promise<readonly unknown[]> =>
  (await ok<Decisions>("evaluations", body)).evaluations.map(({ decision }) => decision);
type Results = {
  readonly results: readonly { readonly type?: string; readonly id?: string; readonly name?: string }[];
  readonly page: { readonly next_token: string; readonly count: number };
};

test("AuthZEN §6.2: an evaluation is answered with a boolean `decision`, and nothing else is a yes", async () => {
  assert.equal(await decided(read), true);
  assert.equal(await decided({ ...read, subject: user(bob), action: name("update") }), false);
  assert.equal(await decided({ ...read, action: name("accounts:read") }), true);
  assert.equal(await decided({ ...read, action: name("no-such-thing") }), false);
});

test("AuthZEN §5.4, §6.1: `context` and `properties` are optional, and accepted wherever they may stand", async () => {
  assert.equal(await decided({ ...read, context: { time: "2025-06-27T18:03-07:00", ip: "192.168.1.1" } }), true);
  const full = {
    subject: user(alice, { department: "Sales", role: "manager" }),
    action: name("read", { method: "GET" }),
    resource: account(record, { status: "active", owner: "bob" }),
  };
  assert.equal(await decided(full), true);
});

test("AuthZEN §5.1.1, §5.2.1, §5.3.1: properties of subject, resource and action reach the decision", async () => {
  const write = { ...read, action: name("update") };
  assert.equal(await decided(write), true);
  assert.equal(await decided({ ...write, resource: account(archived, { status: "archived" }) }), false);
  const admin = { ...write, subject: user(bob, { role: "admin" }) };
  assert.equal(await decided({ ...admin, resource: account(archived, { status: "archived" }) }), true);
  assert.equal(await decided({ ...read, action: name("delete", { soft: true }) }), true);
  assert.equal(await decided({ ...read, action: name("delete", { soft: false }) }), false);
});

test("AuthZEN §10.1.1: fields this version does not know are ignored, and change nothing", async () => {
  const more = { foo: "bar", futureField: { nested: true } };
  assert.equal(await decided({ ...read, ...more }), true);
  assert.equal(
    await decided({ ...read, subject: { ...read.subject, ...more }, action: { ...read.action, ...more } }),
    true,
  );
  assert.deepEqual(await decisions({ ...read, ...more, options: { another: 1 }, evaluations: [{ ...more }] }), [true]);
});

test("AuthZEN §5.1: a subject or resource this server has no name for is denied, and no error", async () => {
  assert.equal(await decided({ ...read, subject: { type: "user", id: "alice@acmecorp.com" } }), false);
  assert.equal(await decided({ ...read, subject: { type: "spaceship", id: "x" } }), false);
  assert.equal(await decided({ ...read, resource: { type: "record", id: "record-1" } }), false);
  assert.equal(await decided({ ...read, resource: account({ id: randomUUID() }) }), false);
});

test("AuthZEN §7.1: evaluations are answered in their order, as many as there were", async () => {
  const write = { action: name("update") };
  assert.deepEqual(await decisions({ ...read, subject: user(bob), evaluations: [{}, write, {}] }), [true, false, true]);
  assert.deepEqual(await decisions({ evaluations: [read, { ...read, subject: user(bob), ...write }] }), [true, false]);
  const answer = await ok("evaluations", { ...read, evaluations: [{}] });
  assert.equal(answer["decision"], undefined, "no `decision` beside them");
});

test("AuthZEN §7.1: without evaluations, or with none of them, it is one evaluation and answered as one", async () => {
  assert.equal((await ok("evaluations", read))["decision"], true);
  assert.equal((await ok("evaluations", { ...read, evaluations: [] }))["decision"], true);
  assert.equal((await ask("evaluations", { evaluations: [] })).status, 400);
});

test("AuthZEN §7.1.1: what stands at the top is the default; an evaluation's own takes its place whole, and type and id fall back", async () => {
  const write = { subject: user(alice), action: name("update") };
  assert.deepEqual(
    await decisions({
      ...write,
      resource: { type: "accounts", properties: { status: "archived" } },
      evaluations: [
        { resource: { id: record.id, properties: { status: "active" } } },
        { resource: { id: record.id } },
        { resource: account(archived, { status: "archived" }) },
      ],
    }),
    [true, true, false],
  );
  assert.deepEqual(
    await decisions({
      action: name("update"),
      resource: account(archived, { status: "archived" }),
      evaluations: [{ subject: user(alice) }, { subject: user(bob, { role: "admin" }) }],
    }),
    [false, true],
  );
  const soft = { ...read, action: name("delete"), context: { action: { soft: true } } };
  assert.deepEqual(await decisions({ ...soft, evaluations: [{}, { context: { action: { soft: false } } }] }), [
    true,
    false,
  ]);
});

test("AuthZEN §7.1.2.1: the semantics stop at the first denial and at the first permit; the one that stopped is answered, the rest is not", async () => {
  const [yes, no] = [{}, { subject: user(bob), action: name("update") }];
  const by = (semantic: string, evaluations: readonly object[]) =>
    decisions({ ...read, evaluations, options: { evaluations_semantic: semantic } });
  assert.deepEqual(await by("execute_all", [yes, no, yes]), [true, false, true]);
  assert.deepEqual(await by("deny_on_first_deny", [yes, no, yes]), [true, false]);
  assert.deepEqual(await by("permit_on_first_permit", [no, yes, no]), [false, true]);
  assert.deepEqual(
    await by("deny_on_first_deny", [yes, { action: {}, resource: 1 }, yes]),
    [true, false],
    "an error is a denial",
  );
  assert.equal(
    (await ask("evaluations", { ...read, evaluations: [yes], options: { evaluations_semantic: "x" } })).status,
    400,
  );
});

test("AuthZEN §7.2.1: one evaluation that can't be decided is `false` with its error, and the others are answered", async () => {
  const { resource: _, ...incomplete } = read;
  const whole = { resource: read.resource };
  const wrong = [{}, { resource: 7 }, { ...whole, context: [] }, { ...whole, context: null }, 7, null, "x", [whole]];
  const { evaluations } = await ok<Decisions>("evaluations", { ...incomplete, evaluations: [whole, ...wrong, whole] });
  assert.deepEqual(
    evaluations.map(({ decision }) => decision),
    [true, ...wrong.map(() => false), true],
  );
  assert.deepEqual(await decisions({ ...read, evaluations: [7, []] }), [false, false], "whatever stands at the top");
  assert.equal((await ask("evaluations", { ...read, context: [], evaluations: [whole] })).status, 400);
  const error = evaluations[1]?.context?.["error"] as Json;
  assert.equal(error["status"], 400);
  assert.match(String(error["message"]), /resource/);
});

test("a hundred evaluations are the most there may be", async () => {
  const many = (count: number) => ({ ...read, evaluations: Array.from({ length: count }, () => ({})) });
  assert.equal((await decisions(many(100))).length, 100);
  assert.equal((await ask("evaluations", many(101))).status, 400);
});

test("AuthZEN §8.1, §8.4: a subject search finds everyone an evaluation permits, and no one else; a subject's id is not looked at", async () => {
  const search = { subject: { type: "user" }, action: name("read"), resource: account(record) };
  for (const subject of [{ type: "user" }, { type: "user", id: "ignored" }, { type: "user", id: 7 }]) {
    const { results } = await ok<Results>("search/subject", { ...search, subject });
    assert.deepEqual(results.map(({ id }) => String(id)).toSorted(), [alice.id, bob.id].toSorted());
    assert.ok(results.every(({ type }) => type === "user"));
  }
  const write = { ...search, action: name("update"), resource: account(archived, { status: "archived" }) };
  assert.deepEqual((await ok<Results>("search/subject", write)).results, []);
  const asAdmin = { ...write, subject: { type: "user", properties: { role: "admin" } }, context: {} };
  assert.deepEqual((await ok<Results>("search/subject", asAdmin)).results, [{ type: "user", id: bob.id }]);
});

test("AuthZEN §8.1, §8.5: a resource search finds everything an evaluation permits, and nothing else; a resource's id is not looked at", async () => {
  const search = { subject: user(alice), action: name("read"), resource: { type: "accounts" } };
  for (const resource of [{ type: "accounts" }, { type: "accounts", id: "ignored" }]) {
    const { results } = await ok<Results>("search/resource", { ...search, resource });
    assert.deepEqual(results.map(({ id }) => String(id)).toSorted(), [record.id, archived.id].toSorted());
    for (const one of results) assert.equal(await decided({ ...read, resource: one }), true);
  }
});

test("AuthZEN §8.6: an action search finds the names an evaluation permits", async () => {
  const { results } = await ok<Results>("search/action", { subject: user(alice), resource: account(record) });
  assert.deepEqual(results, [{ name: "read" }, { name: "update" }]);
  for (const action of results) assert.equal(await decided({ ...read, action }), true);
  const shut = { subject: user(alice), resource: account(archived, { status: "archived" }), context: {} };
  assert.deepEqual((await ok<Results>("search/action", shut)).results, [{ name: "read" }]);
});

test("AuthZEN §8.2: pages follow one another by `next_token`, which is empty on the last", async () => {
  for (const [path, body] of [
    ["search/subject", { subject: { type: "user" }, action: name("read"), resource: account(record) }],
    ["search/resource", { subject: user(alice), action: name("read"), resource: { type: "accounts" } }],
    ["search/action", { subject: user(alice), resource: account(record) }],
  ] as const) {
    const whole = await ok<Results>(path, body);
    assert.equal(whole.page.next_token, "");
    assert.equal(whole.page.count, 2);
    const seen: unknown[] = [];
    let next = "";
    do {
      const page = { limit: 1, ...(next === "" ? {} : { token: next }), properties: { unknown: 1 } };
      const answer = await ok<Results>(path, { ...body, page });
      assert.ok(answer.results.length <= 1);
      seen.push(...answer.results);
      next = answer.page.next_token;
    } while (next !== "");
    const texts = (all: readonly unknown[]) => all.map((one) => JSON.stringify(one)).toSorted();
    assert.deepEqual(texts(seen), texts(whole.results), path);
    const none = await ok<Results>(path, { ...body, page: { limit: 0 } });
    assert.deepEqual(none.results, []);
  }
});

test("AuthZEN §8.2: a page token is good for the request it was given for, whole; where anything of it has changed it is 400", async () => {
  const { action, subject } = read;
  const resource = { type: "accounts" };
  const context = { ip: "192.0.2.1" };
  const body = { subject, action, resource, context };
  const asked = { limit: 1, properties: { sort: "id" } };
  const { page } = await ok<Results>("search/resource", { ...body, page: asked });
  const { next_token } = page;
  const next = (of: object, more: object = {}) =>
    ask("search/resource", { ...body, ...of, page: { ...asked, token: next_token, ...more } });
  assert.equal((await next({})).status, 200);
  assert.equal(
    (await next({ future: 1, resource: { id: "ignored", ...resource } })).status,
    200,
    "nothing it looks at",
  );
  const turned = `{"resource":{"type":"accounts"},"context":{"b":1e999,"a":1},"action":{"name":"read"},"page":{"limit":1},"subject":`;
  assert.equal(
    (await ask("search/resource", `${turned}${JSON.stringify(subject)}}`)).status,
    200,
    "numbers that are none",
  );
  const { limit: _, ...unlimited } = asked;
  const rest = await ok<Results>("search/resource", { ...body, page: { ...unlimited, token: next_token } });
  assert.equal(
    rest.results.length,
    1,
    "as many as on the first page, where it is left out, as in the specification's example",
  );
  for (const changed of [
    { subject: user(bob) },
    { subject: user(alice, { role: "admin" }) },
    { action: name("update") },
    { action: name("read", { soft: true }) },
    { resource: { type: "accounts", properties: { status: "archived" } } },
    { context: { ip: "192.0.2.2" } },
    { context: { ip: "192.0.2.1", number: Number.MAX_VALUE } },
    { context: undefined },
  ])
    assert.equal((await next(changed)).status, 400, JSON.stringify(changed));
  for (const changed of [
    { limit: 2 },
    { properties: { sort: "name" } },
    { properties: undefined },
    { token: `${next_token}A` },
    { token: next_token.slice(1) },
    { token: next_token.replace(".1.", ".2.") },
    { token: next_token.split(".")[0] },
    { token: "x".repeat(9_000) },
    { limit: -1 },
    { limit: 1.5 },
  ]) {
    const answer = await next({}, changed);
    assert.equal(answer.status, 400, JSON.stringify(changed));
  }
  const actions = { subject, resource: account(record), page: { limit: 1 } };
  const { page: first } = await ok<Results>("search/action", actions);
  const context_added = { ...actions, context, page: { token: first.next_token } };
  assert.equal((await ask("search/action", context_added)).status, 400);
});

test("AuthZEN §8.3: `page` stands first in the answer, with how many results there are and never without `next_token`", async () => {
  for (const [path, body] of [
    ["search/subject", { ...read, subject: { type: "user" } }],
    ["search/resource", { ...read, resource: { type: "accounts" }, page: { limit: 1 } }],
    ["search/action", read],
    ["search/action", { ...read, page: { limit: 0 } }],
  ] as const) {
    const { text } = await ask(path, body);
    const found = JSON.parse(text) as Results;
    assert.deepEqual(Object.keys(found), ["page", "results"], path);
    assert.equal(found.page.count, found.results.length);
    assert.equal(typeof found.page.next_token, "string");
  }
});

test("AuthZEN §8: who and what this server has no name for is an empty list; what is missing is 400", async () => {
  const empty = async (path: string, body: object) =>
    assert.deepEqual((await ok<Results>(path, body)).results, [], `${path} ${JSON.stringify(body)}`);
  const { action, resource, subject } = read;
  await empty("search/subject", { subject: { type: "spaceship" }, action, resource });
  await empty("search/subject", { subject: { type: "user" }, action, resource: { type: "record", id: "record-1" } });
  await empty("search/resource", { subject: { type: "user", id: "nonexistent-user" }, action, resource });
  await empty("search/resource", { subject, action, resource: { type: "record" } });
  await empty("search/action", { subject: { type: "user", id: "nonexistent-user" }, resource });
  await empty("search/action", { subject, resource: { type: "record", id: "record-1" } });
  for (const [path, body] of [
    ["search/subject", { subject, resource }],
    ["search/resource", { action, resource }],
    ["search/action", { subject }],
    ["search/subject", { subject, action, resource: { type: "accounts" } }],
    ["search/resource", { subject: { type: "user" }, action, resource }],
  ] as const)
    assert.equal((await ask(path, body)).status, 400, path);
});

test("another tenant's subjects and resources are nobody and nothing, in decisions, explanations and lists", async () => {
  const other = await deployment.tenant();
  const stranger = await deployment.token(await other.account({ role: "owner" }));
  const evaluation = await ask("evaluation", read, {}, stranger);
  assert.equal(evaluation.json<{ decision: boolean }>().decision, false);
  const explained = (await ask("explain", read, {}, stranger)).json<Json>();
  assert.deepEqual([explained["decision"], explained["considered"], explained["missing"]], [false, [], []]);
  for (const path of ["search/subject", "search/resource", "search/action"])
    assert.deepEqual((await ask(path, read, {}, stranger)).json<Results>().results, [], path);
});

test("the host asks about a tenant it names, and about nobody without one", async () => {
  const subject = { type: "user", properties: { tenant: acme.ref } };
  const search = { subject, action: name("read"), resource: account(record) };
  const found = (await ask("search/subject", search, {}, deployment.host)).json<Results>();
  assert.equal(found.results.length, 2);
  const reached = { ...read, subject: user(alice, { tenant: acme.ref }) };
  assert.equal((await ask("search/resource", reached, {}, deployment.host)).json<Results>().results.length, 2);
  assert.deepEqual((await ask("search/resource", read, {}, deployment.host)).json<Results>().results, []);
});

test("a consistency token comes with an answer, and an answer can be demanded that is no older", async () => {
  const { context } = await ok<{ context: Json }>("evaluation", read);
  const at_least = String(context["consistency_token"]);
  assert.match(at_least, /^s\d/);
  assert.equal(await decided({ ...read, context: { at_least } }), true);
  assert.equal(await decided({ ...read, context: { consistency_token: at_least } }), true);
  assert.equal((await ask("evaluation", { ...read, context: { at_least: "nonsense" } })).status, 400);
  assert.equal((await ask("evaluation", { ...read, context: { at_least: 7 } })).status, 400);
  const future = await ask("evaluation", { ...read, context: { at_least: "w9000000000000" } });
  assert.ok(future.status >= 400, "what the database does not know of is not answered");
  const revoked = await assign(bob.ref, String(writer["resource"]));
  const write = { ...read, subject: user(bob), action: name("update") };
  assert.equal(await decided(write), true);
  const tenant = { "countersign-tenant": acme.ref };
  const removed = await deployment.post(`/v1/${String(revoked["resource"])}:revoke`, deployment.host, {}, 0, tenant);
  assert.ok(removed.status < 300, removed.text);
  const after_removal = String(removed.headers["countersign-consistency"]);
  assert.equal(await decided({ ...write, context: { at_least: after_removal } }), false);
});
