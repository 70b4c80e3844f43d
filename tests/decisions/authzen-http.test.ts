// AuthZEN 1.0's HTTPS binding (§10), its metadata (§9) and who may ask (§11), over real HTTP, at an issuer that has a path of its own.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startDeployment } from "../oauth/deployment.ts";
import { bearer, send } from "../oauth/http.ts";

const deployment = await startDeployment({ issuerPath: "/identity" });
after(deployment.close);
const acme = await deployment.tenant();
const token = await deployment.token(await acme.account({ role: "owner" }));
const weak = await deployment.token(await acme.account());
const alice = await acme.user();
const record = await acme.perimeter("accounts");

const subject = { type: "user", id: alice.id };
const action = { name: "read" };
const resource = { type: "accounts", id: record.id };
const read = { subject, action, resource };
const endpoints = ["evaluation", "evaluations", "search/subject", "search/resource", "search/action"];

type Headers = Readonly<Record<string, string>>;
const json: Headers = { "content-type": "application/json" };
const ask = (path: string, body: unknown, headers: Headers = {}, as: string | undefined = token) =>
  deployment.send(`/access/v1/${path}`, {
    method: "POST",
    headers: { ...(as === "" ? {} : bearer(as)), ...json, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

test("AuthZEN §10.1: every endpoint takes a JSON object by POST, and answers 200 with one", async () => {
  for (const path of endpoints) {
    for (const type of ["application/json", "application/json; charset=utf-8"]) {
      const answer = await ask(path, read, { "content-type": type });
      assert.equal(answer.status, 200, `${path} ${answer.text}`);
      assert.match(answer.headers["content-type"] ?? "", /^application\/json/);
      assert.equal(Object.getPrototypeOf(answer.json()), Object.prototype);
    }
    const got = await deployment.send(`/access/v1/${path}`, { headers: bearer(token) });
    assert.equal(got.status, 405, path);
    assert.equal(got.headers["allow"], "POST");
  }
});

test("AuthZEN §10.1.1: members may stand in any order", async () => {
  const turned = { resource: { id: record.id, type: "accounts" }, subject: { id: alice.id, type: "user" }, action };
  const told = (text: string) => (JSON.parse(text) as { readonly decision: unknown }).decision;
  assert.equal(told((await ask("evaluation", turned)).text), told((await ask("evaluation", read)).text));
});

test("AuthZEN §10.1.2: what is required and left out, or is of another type, is 400, at every endpoint", async () => {
  const { type } = resource;
  const wrong: readonly (readonly [string, unknown, string])[] = [
    ...(["evaluation", "evaluations"] as const).flatMap((path) => [
      [path, { action, resource }, "subject"] as const,
      [path, { subject, resource }, "action"] as const,
      [path, { subject, action }, "resource"] as const,
      [path, { ...read, subject: { id: alice.id } }, "subject.type"] as const,
      [path, { ...read, subject: { type: "user" } }, "subject.id"] as const,
      [path, { ...read, action: {} }, "action.name"] as const,
      [path, { ...read, resource: { id: record.id } }, "resource.type"] as const,
      [path, { ...read, resource: { type } }, "resource.id"] as const,
      [path, { ...read, subject: "alice" }, "a text for a subject"] as const,
      [path, { ...read, action: { name: 123 } }, "a number for a name"] as const,
      [path, { ...read, subject: { ...subject, properties: [] } }, "a list for properties"] as const,
      [path, { ...read, context: [] }, "a list for a context"] as const,
    ]),
    ["search/subject", { action, resource }, "subject"],
    ["search/subject", { ...read, subject: {} }, "subject.type"],
    ["search/subject", { subject, resource }, "action"],
    ["search/subject", { subject, action }, "resource"],
    ["search/subject", { ...read, resource: { type } }, "resource.id"],
    ["search/resource", { action, resource }, "subject"],
    ["search/resource", { ...read, subject: { type: "user" } }, "subject.id"],
    ["search/resource", { subject, resource }, "action"],
    ["search/resource", { ...read, resource: {} }, "resource.type"],
    ["search/action", { resource }, "subject"],
    ["search/action", { subject }, "resource"],
    ["search/action", { subject, resource: { type } }, "resource.id"],
    ["search/action", { ...read, page: { limit: "1" } }, "a text for a limit"],
    ["search/action", { ...read, page: [] }, "a list for a page"],
    ...endpoints.flatMap((path) =>
      ["{", "", "[]", "7", '"read"', "null"].map((body) => [path, body, `\`${body}\` for an object`] as const),
    ),
  ];
  for (const [path, body, of] of wrong) {
    const answer = await ask(path, body);
    assert.equal(answer.status, 400, `${path}: ${of}: ${answer.text}`);
    assert.ok(String(answer.json()["detail"]).length > 0, "it says what is wrong");
  }
  for (const path of endpoints) {
    const other = await ask(path, JSON.stringify(read), { "content-type": "text/plain" });
    assert.equal(other.status, 400, `${path}: another content type`);
  }
});

test("AuthZEN §10.1.2, §11.3: without credentials 401 with a challenge, without the permission to ask 403; a denial is neither", async () => {
  for (const path of [...endpoints, "explain"]) {
    for (const as of ["", "garbage"]) {
      const unknown = await ask(path, read, {}, as);
      assert.equal(unknown.status, 401, path);
      assert.match(unknown.headers["www-authenticate"] ?? "", /^Bearer realm="/);
      assert.doesNotMatch(unknown.text, /"decision"|"results"/);
    }
    const refused = await ask(path, read, {}, weak);
    assert.equal(refused.status, 403, path);
    assert.doesNotMatch(refused.text, /"decision"|"results"/);
  }
  const denied = await ask("evaluation", read);
  assert.deepEqual([denied.status, denied.json()["decision"]], [200, false]);
});

test("AuthZEN §10.1.3: a request's `X-Request-ID` is on its answer, whatever the answer is; without one nothing fails", async () => {
  const sent = "bfe9eb29-ab87-4ca3-be83-a1d5d8305716; anything";
  const with_id = { "x-request-id": sent };
  for (const path of endpoints)
    for (const answer of [
      await ask(path, read, with_id),
      await ask(path, {}, with_id),
      await ask(path, "{", with_id),
      await ask(path, read, { ...with_id, "content-type": "text/plain" }),
      await ask(path, read, with_id, weak),
      await ask(path, read, with_id, ""),
      await ask(path, { ...read, context: { long: "x".repeat(2_000_000) } }, with_id),
      await deployment.send(`/access/v1/${path}`, { headers: with_id }),
    ])
      assert.equal(answer.headers["x-request-id"], sent, `${path} ${answer.status}`);
  assert.equal((await ask("evaluations", { ...read, evaluations: [{}] }, with_id)).headers["x-request-id"], sent);
  assert.equal((await ask("evaluation", read)).headers["x-request-id"], undefined);
});

test("AuthZEN §9: the metadata names the decision point and its endpoints, each of which answers", async () => {
  // §9.2: the well-known part stands between the host and the identifier's path.
  const answer = await send(new URL("/.well-known/authzen-configuration/identity", deployment.base()).href);
  assert.equal(answer.status, 200);
  assert.match(answer.headers["content-type"] ?? "", /^application\/json/);
  assert.match(answer.headers["cache-control"] ?? "", /max-age=\d+/, "§11.9");
  const { policy_decision_point, ...named } = answer.json<Record<string, string>>();
  assert.equal(policy_decision_point, deployment.issuer, "§9.2.3");
  assert.deepEqual(Object.keys(named).toSorted(), [
    "access_evaluation_endpoint",
    "access_evaluations_endpoint",
    "search_action_endpoint",
    "search_resource_endpoint",
    "search_subject_endpoint",
  ]);
  for (const url of Object.values(named)) {
    assert.ok(url.startsWith(`${deployment.issuer}/access/v1/`), url);
    assert.equal((await ask(url.slice(`${deployment.issuer}/access/v1/`.length), read)).status, 200, url);
  }
});
