// Text that is none: NUL, which PostgreSQL's text has no place for, and half of a surrogate pair, which its JSON refuses. Whoever sends them is told.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { startDeployment } from "../oauth/deployment.ts";
import { type Answer, bearer } from "../oauth/http.ts";

const deployment = await startDeployment();
after(deployment.close);
const tenant = await deployment.tenant();
const token = await deployment.token(await tenant.account({ role: "owner" }));
const account = await tenant.account({ role: "viewer" });
const json = { ...bearer(token), "content-type": "application/json" };
const expire_time = new Date(Date.now() + 3_600_000).toISOString();

const notOurs = ({ status, text }: Answer, what: string): void => {
  assert.ok(status < 500, `${what}: ${status} ${text}`);
  assert.doesNotMatch(text, /nothing is served/, what);
  if (status >= 400) assert.doesNotMatch(text, /"internal"|server_error/, what);
};

/** As it stands between the quotes of a JSON string. Nothing of it is valid JSON for more than data. */
const odd = ["\\u0000", "\\ud800", "a\\udc00b", "\\ud800\\u0041"];

/** What takes text, with the text in all of its places. */
const bodies = (text: string): Readonly<Record<string, string>> => {
  const [parent, subject] = [tenant.ref, account.ref];
  const named = `"display_name":"x${text}"`;
  return {
    "/v1/clients": `{"parent":"${parent}",${named}}`,
    "/v1/resources": `{"parent":"${parent}","type":"documents",${named},"attributes":{"a":"${text}"}}`,
    "/v1/resources ": `{"parent":"${parent}","type":"documents","display_name":"x","attributes":{"a":"${text}"}}`,
    "/v1/resources  ": `{"parent":"${parent}","type":"documents","display_name":"x","attributes":{"a${text}":"b"}}`,
    "/v1/roles": `{${named},"permissions":["accounts:read"]}`,
    "/v1/roles ": `{"display_name":"x","permissions":["accounts:read"],"description":"${text}"}`,
    "/v1/users": `{"parent":"${parent}","email":"ada${text}@acme.example",${named}}`,
    "/v1/groups": `{${named}}`,
    "/v1/role-assignments": `{"parent":"${parent}","principal":"${subject}","role":"viewer","condition":"context.a == '${text}'"}`,
    "/v1/role-assignments ": `{"parent":"${parent}","principal":"${subject}","role":"${text}"}`,
    "/v1/resource-grants": `{"parent":"${parent}","principal":"${subject}","level":"viewer","condition":"context.a == '${text}'"}`,
    "/v1/api-tokens": `{${named},"scopes":["accounts:read"],"expire_time":"${expire_time}"}`,
    "/v1/share-links": `{"parent":"${parent}","level":"viewer",${named},"expire_time":"${expire_time}"}`,
    "/v1/share-links ": `{"parent":"${parent}","level":"viewer","display_name":"x","password":"long enough ${text}","expire_time":"${expire_time}"}`,
    "/v1/share-links:open": `{"link":"${text}","password":"${text}"}`,
    "/v1/invitations": `{"parent":"${parent}","email":"bob${text}@acme.example","role":"viewer"}`,
    "/v1/applications": `{${named},"redirect_uris":["https://app.example/${text}"]}`,
    "/access/v1/evaluation ": `{"subject":{"type":"service-accounts","id":"${account.id}","properties":{"a":"${text}"}},"action":{"name":"accounts:read"},"resource":{"type":"organizations","id":"${tenant.id}"},"context":{"a":"${text}"}}`,
    "/access/v1/explain": `{"subject":{"type":"service-accounts","id":"${account.id}"},"action":{"name":"${text}"},"resource":{"type":"organizations","id":"${text}"}}`,
    "/access/v1/evaluation": `{"subject":{"type":"service-accounts","id":"${text}"},"action":{"name":"${text}"},"resource":{"type":"${text}","id":"${text}"}}`,
    "/access/v1/search/resource": `{"subject":{"type":"service-accounts","id":"${account.id}"},"action":{"name":"accounts:read"},"resource":{"type":"${text}"},"page":{"token":"${text}"}}`,
  };
};

test("in a body: a refusal, or text like any other, and never an error of ours", async () => {
  for (const text of odd)
    for (const [path, body] of Object.entries(bodies(text))) {
      const headers = { ...json, "idempotency-key": randomUUID() };
      notOurs(await deployment.send(path.trim(), { method: "POST", headers, body }), `${path} ${body}`);
    }
});

test("half of a surrogate pair is refused wherever it stands, and a whole pair is a character", async () => {
  const create = (name: string): Promise<Answer> =>
    deployment.send("/v1/clients", {
      method: "POST",
      headers: json,
      body: `{"parent":"${tenant.ref}","display_name":"${name}"}`,
    });
  for (const half of ["\\ud800", "\\uDFFF", "\\udc00\\ud800", "x\\uD83Dx"]) {
    const answer = await create(half);
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.text, /surrogate/);
  }
  const whole = await create("\\ud83d\\ude00");
  assert.equal(whole.status, 201, whole.text);
  assert.equal(whole.json<{ display_name: string }>().display_name, "😀");
  assert.equal((await create("\\\\ud800")).status, 201, "a backslash and letters");
});

test("in a query, and in a path", async () => {
  const collections = [
    "clients",
    "users",
    "roles",
    "role-assignments",
    "share-links",
    "audit-entries",
    "events",
    "resources",
  ];
  for (const text of ["%00", "%ED%A0%80", "%5Cu0000", "%5Cud800"]) {
    for (const collection of collections)
      for (const query of [
        `filter=display_name%20%3D%20%22${text}%22`,
        `filter=state%20%3D%20%22${text}%22`,
        `page_token=${text}`,
        `parent=${text}`,
        `${text}=x`,
      ])
        notOurs(await deployment.get(`/v1/${collection}?${query}`, token), `${collection}?${query}`);
    notOurs(await deployment.get(`/v1/clients/${text}`, token), `a path with ${text}`);
  }
});

test("in what a client registers itself with, which may have a member called `fault`", async () => {
  const register = (body: string): Promise<Answer> =>
    deployment.send("/oauth/register", { method: "POST", headers: { "content-type": "application/json" }, body });
  for (const text of odd) {
    const metadata = `"client_name":"x${text}","contacts":["${text}"],"software_id":"${text}"`;
    notOurs(await register(`{${metadata},"redirect_uris":["https://app.example/${text}"]}`), text);
  }
  for (const body of ['{"fault":"not_found","detail":"x"}', '{"fault":"no_such_code"}', '{"fault":1}']) {
    const answer = await register(body);
    assert.ok(answer.status >= 400 && answer.status < 500, answer.text);
    assert.doesNotMatch(answer.text, /not_found/);
  }
});
