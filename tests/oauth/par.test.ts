/** Pushed authorization requests over real HTTP, on two servers (RFC 9126). */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { type App, authorizeKit, type Fields, type Human, redirectUri } from "./authorize-kit.ts";
import { type Deployment, startDeployment, type Tenant } from "./deployment.ts";
import { proofKey, proofOf } from "./dpop-kit.ts";
import { type Answer, basic } from "./http.ts";

let deployment: Deployment;
let kit: ReturnType<typeof authorizeKit>;
let acme: Tenant;
let app: App;
let ada: Human;

before(async () => {
  deployment = await startDeployment({ servers: 2 });
  kit = authorizeKit(deployment);
  acme = await deployment.tenant();
  app = await kit.application();
  ada = await kit.human(acme);
});
after(() => deployment.close());

const pushed = async (of: App, fields: Fields = {}, on = 0): Promise<string> => {
  const answer = await kit.push(of, fields, {}, on);
  assert.equal(answer.status, 201, answer.text);
  return answer.json<{ request_uri: string }>().request_uri;
};
const refused = (answer: Answer, status: number, error: string): void => {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json()["error"], error, answer.text);
  assert.equal(answer.headers["cache-control"], "no-store");
};

describe("pushing", () => {
  test("RFC 9126 §2.2: 201 with request_uri and expires_in, not cached", async () => {
    const answer = await kit.push(app, { state: "s" });
    assert.equal(answer.status, 201);
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.match(answer.headers["content-type"] ?? "", /^application\/json/);
    const body = answer.json<{ request_uri: string; expires_in: number }>();
    assert.deepEqual(Object.keys(body).toSorted(), ["expires_in", "request_uri"]);
    assert.match(body.request_uri, /^urn:ietf:params:oauth:request_uri:cs_req_/);
    assert.ok(body.expires_in > 5 && body.expires_in < 600);
    const [row] = await deployment.sql<{ row: string }>(
      "select authorization_requests::text as row from authorization_requests order by create_time desc limit 1",
    );
    assert.ok(!row?.row.includes(body.request_uri.slice(-40)), "the reference is kept as a hash");
  });

  test("RFC 9126 §2: the client authenticates as at the token endpoint", async () => {
    const body = Object.fromEntries(
      Object.entries(kit.requestOf(app, {})).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
    );
    const wrong = await deployment.form("/oauth/par", body, basic(app.client_id, "cs_app_wrong"));
    refused(wrong, 401, "invalid_client");
    assert.match(String(wrong.headers["www-authenticate"]), /^Basic/);
    refused(await deployment.form("/oauth/par", body), 401, "invalid_client");
    refused(await deployment.form("/oauth/par", { ...body, client_id: "app_live_nobody" }), 401, "invalid_client");
    const other = await kit.application();
    refused(
      await deployment.form(
        "/oauth/par",
        { ...body, client_id: other.client_id },
        basic(app.client_id, app.client_secret),
      ),
      401,
      "invalid_client",
    );
    const open = await kit.application({ token_endpoint_auth_method: "none" });
    assert.ok(await pushed(open));
  });

  test("RFC 9126 §2.3: every mistake is the client's to see, at once", async () => {
    const cases: readonly (readonly [Fields, string])[] = [
      [{ redirect_uri: "https://evil.example/cb" }, "invalid_request"],
      [{ response_type: "token" }, "unsupported_response_type"],
      [{ scope: "openid nothing:read" }, "invalid_scope"],
      [{ code_challenge: undefined, code_challenge_method: undefined }, "invalid_request"],
      [{ prompt: "none login" }, "invalid_request"],
      [{ resource: "#" }, "invalid_target"],
      [{ scope: ["openid", "email"] }, "invalid_request"],
      [{ authorization_details: '[{"type":"unknown"}]' }, "invalid_authorization_details"],
      // §2.1
      [{ request_uri: "urn:ietf:params:oauth:request_uri:x" }, "invalid_request"],
    ];
    for (const [fields, error] of cases) refused(await kit.push(app, fields), 400, error);
  });

  test("RFC 9126 §2.3: other methods are answered 405", async () => {
    for (const method of ["GET", "PUT", "DELETE", "PATCH"])
      assert.equal((await deployment.send("/oauth/par", { method })).status, 405, method);
  });

  test("Fetch: a public client in a browser may push from its own page", async () => {
    const open = await kit.application({ token_endpoint_auth_method: "none" });
    const answer = await kit.push(open, {}, { origin: "https://app.example" });
    assert.equal(answer.headers["access-control-allow-origin"], "*");
  });
});

describe("what was pushed", () => {
  test("RFC 9126 §4: is what counts; parameters beside the reference do not", async () => {
    const request_uri = await pushed(app, { state: "pushed", scope: "openid email" });
    const answer = await kit.browse(
      { client_id: app.client_id, request_uri, state: "outer", redirect_uri: "https://evil.example/", scope: "openid" },
      ada,
    );
    const told = kit.answerOf(answer);
    assert.ok(answer.headers.location?.startsWith(`${redirectUri}?`));
    assert.equal(told["state"], "pushed");
    assert.equal(told["iss"], deployment.issuer);
    const [row] = await deployment.sql<{ scopes: string[] }>(
      "select scopes from authorization_codes where user_id = $1 order by create_time desc limit 1",
      [ada.id],
    );
    assert.deepEqual(row?.scopes, ["openid", "email"]);
  });

  test("RFC 9126 §7.3: loading the page does not consume the request, finishing does", async () => {
    const request_uri = await pushed(app, { prompt: "login" });
    for (let visit = 0; visit < 3; visit += 1)
      assert.equal(kit.pageOf(await kit.visit(app, request_uri, undefined, visit % 2)).path, "/sign-in");
    const fresh = await kit.signIn(ada.home, ada.id, { ageSeconds: -1 });
    assert.ok(kit.answerOf(await kit.visit(app, request_uri, fresh))["code"]);
    const again = await kit.visit(app, request_uri, fresh, 1);
    assert.equal(again.status, 400);
    assert.equal(again.headers.location, undefined);
  });

  test("an error is an answer too: the request has had its one", async () => {
    const request_uri = await pushed(app, { prompt: "none" });
    assert.equal(kit.answerOf(await kit.visit(app, request_uri))["error"], "login_required");
    assert.equal((await kit.visit(app, request_uri, ada)).status, 400);
  });

  test("RFC 9126 §2.2: another client's reference, an expired one and one that never was get the same page", async () => {
    const request_uri = await pushed(app);
    const other = await kit.application();
    const strange = await kit.visit(other, request_uri, ada);
    const never = await kit.visit(app, `${request_uri.slice(0, -8)}AAAAAAAA`, ada);
    await deployment.sql("update authorization_requests set expire_time = now() - interval '1 second'");
    const expired = await kit.visit(app, request_uri, ada);
    // Nonces and the request's number are each answer's own.
    const bare = ({ text }: Answer): string =>
      text.replaceAll(/<code>[^<]*<\/code>/g, "").replaceAll(/nonce="[^"]*"/g, "");
    for (const answer of [strange, never, expired]) {
      assert.equal(answer.status, 400);
      assert.equal(answer.headers.location, undefined);
      assert.equal(bare(answer), bare(strange));
    }
  });

  test("a redirect URI, or a client, that was withdrawn meanwhile is not redirected to", async () => {
    const moving = await kit.application();
    const request_uri = await pushed(moving);
    await deployment.sql(
      "update applications set metadata = jsonb_set(metadata, '{redirect_uris}', '[\"https://app.example/new\"]') where id = $1",
      [moving.id],
    );
    const answer = await kit.push(moving);
    if (answer.status === 201) {
      // What is cached of a client falls with its tenant's version, which an operation touches, and this update did not.
      const etag = (await deployment.get(`/v1/${moving.ref}`, deployment.host)).headers.etag ?? "*";
      await deployment.post(`/v1/${moving.ref}:rotateSecret`, deployment.host, {}, 0, { "if-match": etag });
    }
    assert.equal((await kit.visit(moving, request_uri, ada)).status, 400);
  });

  test("RFC 9126 §5: a client that is registered to push is refused otherwise, and told so", async () => {
    const strict = await kit.application({ require_pushed_authorization_requests: true });
    assert.equal(kit.answerOf(await kit.authorize(strict, {}, ada))["error"], "invalid_request");
    const request_uri = await pushed(strict);
    assert.ok(kit.answerOf(await kit.visit(strict, request_uri, ada))["code"]);
    // A request that has waited for its human is no way around it, and none of them is closed to it.
    const waiting = kit.pageOf(await kit.visit(strict, await pushed(strict)));
    const back = await kit.visit(strict, `urn:ietf:params:oauth:request_uri:${waiting.handle}`, ada);
    assert.ok(kit.answerOf(back)["code"]);
  });

  test("OIDC Core §6.2: a request_uri of somebody else's is not fetched", async () => {
    const told = kit.answerOf(await kit.authorize(app, { request_uri: "https://evil.example/request.jwt" }, ada));
    assert.equal(told["error"], "request_uri_not_supported");
  });
});

describe("single use (invariant 3), across two processes", () => {
  test("50 visits at once of one request end in one code", async () => {
    const request_uri = await pushed(app);
    const had = await codes(app);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => kit.visit(app, request_uri, ada, at % 2)));
    const won = answers.filter((answer) => answer.headers.location?.includes("code="));
    assert.equal(won.length, 1);
    for (const answer of answers) if (answer !== won[0]) assert.equal(answer.status, 400);
    assert.equal((await codes(app)) - had, 1);
  });

  test("the same where the client lives in the human's own tenant", async () => {
    const own = await kit.application({}, acme);
    const request_uri = await pushed(own);
    const had = await codes(own);
    const answers = await Promise.all(Array.from({ length: 30 }, (_, at) => kit.visit(own, request_uri, ada, at % 2)));
    assert.equal(answers.filter((answer) => answer.headers.location?.includes("code=")).length, 1);
    assert.equal((await codes(own)) - had, 1);
  });

  const codes = async (of: App): Promise<number> => {
    const [row] = await deployment.sql<{ count: number }>(
      "select count(*)::int as count from authorization_codes where client_id = $1",
      [of.client_id],
    );
    return row?.count ?? 0;
  };

  test("a session that ends while the code is being made leaves no code behind", async () => {
    const quick = await kit.human(acme);
    const visits = Array.from({ length: 20 }, (_, at) => kit.authorize(app, {}, quick, at % 2));
    const ending = deployment.sql("update sessions set state = 'ended', end_time = now() where id = $1", [
      quick.session,
    ]);
    const [answers] = await Promise.all([Promise.all(visits), ending]);
    assert.equal(kit.pageOf(await kit.authorize(app, {}, quick)).path, "/sign-in");
    for (const answer of answers) assert.equal(answer.status, 303);
  });
});

describe("RFC 9449 §10: a pushed request bound to a key", () => {
  test("a proof binds the code as dpop_jkt does, and must not say otherwise", async () => {
    const key = proofKey();
    const unaware = await kit.push(app, {}, { dpop: proofOf(key, "POST", `${deployment.issuer}/oauth/par`) });
    refused(unaware, 400, "use_dpop_nonce");
    const nonce = unaware.headers["dpop-nonce"];
    assert.ok(nonce);
    const proof = (method = "POST") => proofOf(key, method, `${deployment.issuer}/oauth/par`, { claims: { nonce } });

    const answer = await kit.push(app, { nonce: "par-bound" }, { dpop: proof() });
    assert.equal(answer.status, 201, answer.text);
    const { request_uri } = answer.json<{ request_uri: string }>();
    assert.ok(kit.answerOf(await kit.visit(app, request_uri, ada))["code"]);
    const [row] = await deployment.sql<{ dpop_jkt: string }>(
      "select dpop_jkt from authorization_codes where nonce = 'par-bound'",
    );
    assert.equal(row?.dpop_jkt, key.jkt);

    const other = randomBytes(32).toString("base64url");
    refused(await kit.push(app, { dpop_jkt: other }, { dpop: proof() }), 400, "invalid_dpop_proof");
    assert.equal((await kit.push(app, { dpop_jkt: key.jkt }, { dpop: proof() })).status, 201);
    refused(await kit.push(app, {}, { dpop: proof("GET") }), 400, "invalid_dpop_proof");
  });
});
