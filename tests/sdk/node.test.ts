/** What the table for plain node:http answers by itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { countersign, route } from "../../sdk/countersign.ts";
import { callerOf, routes } from "../../sdk/node.ts";
import { bearer, send } from "../oauth/http.ts";
import { acme, audience, heard, issuerFor, listenerOf } from "./kit.ts";

const served = async (t: Parameters<typeof issuerFor>[0]) => {
  const issuer = await issuerFor(t);
  const api = countersign({
    issuer: issuer.url,
    audience,
    credentials: issuer.credentials,
    platform: heard().platform,
  });
  const open = route({ public: "a test" });
  const service = await listenerOf(
    routes(api, {
      "POST /echo": [open, async (_, response, { json }) => void response.end(JSON.stringify(await json()))],
      "GET /files/:id": [
        route({ authenticated: "a test" }),
        (request, response) => void response.end(callerOf(request).subject),
      ],
      "POST /files/:id": [open, (request, response) => void response.end(callerOf(request).subject)],
    }),
  );
  t.after(() => service.close());
  const headers = bearer(await issuer.mint({ tenant: acme, audience }));
  return { service, headers };
};

test("a body that is no JSON is its sender's mistake, 400, and one that is too large 413", async (t) => {
  const { service } = await served(t);
  const post = (body: string) => send(`${service.url}/echo`, { method: "POST", body });
  assert.equal((await post('{"a":1}')).text, '{"a":1}');
  for (const body of ["", "{bad", "undefined", '{"a":1}}']) {
    const answer = await post(body);
    assert.equal(answer.status, 400, body);
    assert.equal(answer.json()["code"], "invalid_argument");
  }
  const large = await post(JSON.stringify("x".repeat(3_000_000)));
  assert.equal(large.status, 413);
  assert.equal(large.json()["code"], "payload_too_large");
});

test("a path is matched as it is, and what is encoded in it stays inside its segment", async (t) => {
  const { service, headers } = await served(t);
  const status = async (path: string, method = "GET") => (await send(service.url + path, { method, headers })).status;
  for (const path of ["/files/x", "/files/x%2fy", "/files/x?id=y"]) assert.equal(await status(path), 200, path);
  for (const path of [
    "/files",
    "/files/",
    "/files/x/",
    "/Files/x",
    "//files/x",
    "/files//x",
    "/files/x/y",
    "/files/%ff",
    "/files/%",
  ])
    assert.equal(await status(path), 404, path);
  const options = await send(`${service.url}/files/x`, { method: "OPTIONS" });
  assert.equal(options.status, 405);
  assert.equal(options.headers["allow"], "GET, HEAD, POST");
  assert.equal(
    (await send(`${service.url}/files/x`, { method: "POST" })).status,
    500,
    "nobody was asked on a public route",
  );
});
