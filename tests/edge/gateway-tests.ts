/** What holds of every gateway, whichever it is: the same requests, sent to a real one. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { athOf, proofKey, proofOf } from "../oauth/dpop-kit.ts";
import { type Answer, bearer, type Sent, send } from "../oauth/http.ts";
import { partsOf, signedJwt } from "../oauth/jwt.ts";
import { freePort } from "../support/redis.ts";
import {
  type Between,
  identityIn,
  portOf,
  type RunningGateway,
  startEdge,
  startUpstream,
  statusOfRaw,
  withCondition,
} from "./kit.ts";

/** Starts everything, and declares the tests of a gateway that `start` starts. */
export const gatewayTests = async (
  name: string,
  start: (between: Between) => Promise<RunningGateway>,
): Promise<void> => {
  const edge = await startEdge();
  const upstream = await startUpstream();
  const between = { countersignPort: portOf(edge), upstreamPort: upstream.port, token: edge.gatewayToken };
  const gateway = await start(between);
  after(async () => {
    await gateway.stop();
    await upstream.close();
    await edge.close();
  });
  const { deployment, acme, payouts, member, memberToken } = edge;
  const host = `127.0.0.1:${gateway.port}`;
  const ask = (path: string, sent: Sent = {}): Promise<Answer> => send(`http://${host}${path}`, sent);
  const claims = (tenant: string, ref: string, scopes: string) => ({ tenant, principal: ref, subject: ref, scopes });

  /** The answer's status, and that the service has seen nothing of the request. */
  const stopped = async (
    what: string,
    asked: Promise<Answer | number>,
    ...statuses: readonly number[]
  ): Promise<void> => {
    const before = upstream.seen.length;
    const answer = await asked;
    const status = typeof answer === "number" ? answer : answer.status;
    assert.ok(statuses.includes(status), `${what}: ${status} ${typeof answer === "number" ? "" : answer.text}`);
    assert.equal(upstream.seen.length, before, `${what} reached the service`);
  };
  const passed = async (asked: Promise<Answer>) => {
    const answer = await asked;
    assert.equal(answer.status, 200, `${answer.status} ${answer.text}`);
    const seen = upstream.seen.at(-1);
    assert.ok(seen);
    return seen;
  };

  test(`${name}: what is permitted reaches the service as it was sent, with whom it stands for`, async () => {
    const seen = await passed(ask(`${payouts}?page=2&permission=*`, { headers: bearer(memberToken) }));
    assert.deepEqual([seen.method, seen.url], ["GET", `${payouts}?page=2&permission=*`]);
    assert.deepEqual(identityIn(seen), claims(acme.id, member.ref, "*"));
    assert.match(seen.headers.get("x-countersign-request-id")?.join() ?? "", /^[\w-]{10,}$/);
    assert.equal(seen.headers.get("countersign-gateway"), undefined);

    const treasurer = await acme.account({ role: "treasurer" });
    const token = await deployment.token(treasurer, { scope: "payouts:create payouts:read" });
    const body = JSON.stringify({ amount: 7 });
    const sent = { method: "POST", headers: { ...bearer(token), "content-type": "application/json" }, body };
    const posted = await passed(ask(payouts, sent));
    assert.deepEqual([posted.method, posted.body], ["POST", body]);
    assert.deepEqual(identityIn(posted), claims(acme.id, treasurer.ref, "payouts:create payouts:read"));
  });

  test(`${name}: what is not permitted is 403, without a good token 401 with a challenge, and neither reaches the service`, async () => {
    const { header, claims: live } = partsOf(memberToken);
    const signer = await deployment.signingKey();
    const exp = Math.floor(Date.now() / 1000) - 1;
    const expired = signedJwt(header, { ...live, iat: exp - 900, exp }, signer.key);
    const nobody = await deployment.token(await acme.account());
    const other = await deployment.token(await (await deployment.tenant("Other")).account({ role: "owner" }));
    const narrow = await deployment.token(member, { scope: "accounts:read" });

    const without = await ask(payouts);
    await stopped("no token", Promise.resolve(without), 401);
    assert.match(without.headers["www-authenticate"] ?? "", /^Bearer realm="countersign", DPoP algs=/);
    for (const token of [expired, "nonsense", other, member.client_secret]) {
      const answer = await ask(payouts, { headers: bearer(token) });
      await stopped("a dead token", Promise.resolve(answer), 401);
      assert.match(answer.headers["www-authenticate"] ?? "", /error="invalid_token"/);
    }
    await stopped("no role", ask(payouts, { headers: bearer(nobody) }), 403);
    await stopped("no scope", ask(payouts, { headers: bearer(narrow) }), 403);
    await stopped("another permission", ask(payouts, { method: "POST", headers: bearer(memberToken) }), 403);
    await stopped(
      "a place that is none",
      ask(`/accounts/${randomUUID()}/payouts`, { headers: bearer(memberToken) }),
      403,
    );
    await stopped("an id that is none", ask("/accounts/7/payouts", { headers: bearer(memberToken) }), 403);
    for (const path of ["/", "/accounts", `${payouts}/`, `${payouts}/7`, "/admin"])
      await stopped(`the unmatched ${path}`, ask(path, { headers: bearer(memberToken) }), 403);
    for (const method of ["DELETE", "OPTIONS", "PUT"])
      await stopped(`the unlisted ${method}`, ask(payouts, { method, headers: bearer(memberToken) }), 403);
  });

  test(`CWE-348, ${name}: a condition sees the address the gateway saw, and nothing a client says of it changes that`, async () => {
    const [inside, outside] = ["127.0.0.1", "127.0.0.2"];
    const headers = bearer(await withCondition(edge, `in_network(context.ip, "${inside}/32")`));
    const tried = (from: string, more: Sent["headers"] = {}) =>
      ask(payouts, { headers: { ...headers, ...more }, from });
    await passed(tried(inside));
    await stopped("another address", tried(outside), 403);
    const spoofed = (address: string) => ({
      "X-Forwarded-For": address,
      "X-FORWARDED-FOR": `${address}, ${address}`,
      "X-Real-IP": address,
      "X-Client-IP": address,
      "True-Client-IP": address,
      Forwarded: `for=${address}`,
      "Countersign-Gateway": `${edge.gatewayToken}; address=x-forwarded-for`,
    });
    for (const [header, value] of Object.entries(spoofed(inside)))
      await stopped(header, tried(outside, { [header]: value }), 403);
    for (const [header, value] of Object.entries(spoofed(outside))) await passed(tried(inside, { [header]: value }));
    const lines = [`GET ${payouts} HTTP/1.1`, `Host: ${host}`, `Authorization: ${headers.authorization}`];
    for (const twice of [
      ["X-Forwarded-For: 127.0.0.1", "X-Forwarded-For: 127.0.0.1"],
      ["X-Forwarded-For:", "X-Forwarded-For: 127.0.0.1"],
      // RFC 9110 §7.6.1: a proxy takes away what is named here, and only then writes its own.
      ["X-Forwarded-For: 127.0.0.1", "Connection: X-Forwarded-For, Countersign-Gateway"],
    ]) {
      await stopped(twice.join(), statusOfRaw(gateway.port, [...lines, ...twice], outside), 403);
      assert.equal(await statusOfRaw(gateway.port, [...lines, ...twice], inside), 200, twice.join());
    }
  });

  test(`${name}: a condition sees method, host and path as they were judged`, async () => {
    const asJudged = `context.method == "GET" && context.host == "${host}" && context.path == "${payouts}"`;
    const headers = bearer(await withCondition(edge, asJudged));
    await passed(ask(payouts, { headers }));
    await passed(ask(`${payouts}?path=/admin`, { headers }));
    await passed(ask(payouts.replace("payouts", "p%61youts"), { headers }));
    await stopped("another method", ask(payouts, { method: "HEAD", headers }), 403);
    const elsewhere = ask(payouts, { headers: { ...headers, host: "other.example" } });
    await stopped("another host", elsewhere, 403);
  });

  test(`${name}: a public route passes without a token, and without an identity, whatever the client says it is`, async () => {
    assert.deepEqual(identityIn(await passed(ask("/status"))), {});
    const forged = { "x-countersign-principal": "users/1", "X-Countersign-Actor": "users/2", ...bearer(memberToken) };
    assert.deepEqual(identityIn(await passed(ask("/status", { headers: forged }))), {});
  });

  test(`${name}: forged identity headers never reach the service`, async () => {
    const names = ["Tenant", "Principal", "Subject", "Actor", "Scopes", "Request-Id", "Admin"];
    for (const spelled of [(text: string) => text, (text: string) => text.toUpperCase()]) {
      const forged = Object.fromEntries(names.map((one) => [spelled(`X-Countersign-${one}`), "forged"]));
      const seen = await passed(ask(payouts, { headers: { ...forged, ...bearer(memberToken) } }));
      const { admin: _, ...told } = identityIn(seen);
      assert.deepEqual(told, claims(acme.id, member.ref, "*"));
      for (const one of names.filter((each) => each !== "Admin"))
        assert.ok(!(seen.headers.get(`x-countersign-${one.toLowerCase()}`) ?? []).includes("forged"), one);
    }
    // CGI and WSGI read `_` as `-`: it is dropped on the way, or refused.
    const lookalike = await ask(payouts, { headers: { X_Countersign_Principal: "forged", ...bearer(memberToken) } });
    const headers = lookalike.status === 200 ? upstream.seen.at(-1)?.headers : new Map<string, readonly string[]>();
    assert.ok(!headers?.has("x_countersign_principal") && [200, 403].includes(lookalike.status), lookalike.text);
  });

  test(`invariant 7, ${name}: who is disabled, suspended or loses a role is refused on the very next request, and let in again on the next`, async () => {
    const account = await acme.account();
    const assigned = await acme.does("/v1/role-assignments", {
      parent: acme.ref,
      principal: account.ref,
      role: "member",
    });
    const token = await deployment.token(account);
    const tried = () => ask(payouts, { headers: bearer(token) });
    const changes: readonly (readonly [string, string, number])[] = [
      [`/v1/service-accounts/${account.id}:disable`, `/v1/service-accounts/${account.id}:enable`, 401],
      [`/v1/accounts/${edge.place.id}:suspend`, `/v1/accounts/${edge.place.id}:resume`, 403],
      [`/v1/organizations/${acme.id}:suspend`, `/v1/organizations/${acme.id}:resume`, 401],
    ];
    for (let round = 0; round < 2; round++)
      for (const [away, back, status] of changes) {
        await passed(tried());
        await acme.does(away);
        await stopped(away, tried(), status);
        await acme.does(back);
        await passed(tried());
      }
    await acme.does(`/v1/role-assignments/${String(assigned["id"])}:revoke`);
    await stopped("a role taken away", tried(), 403);
  });

  test(`CWE-436, ${name}: what gateway, Countersign and service could read apart is stopped`, async () => {
    const authorization = `Authorization: Bearer ${memberToken}`;
    const raw = (target: string, ...lines: readonly string[]) =>
      statusOfRaw(gateway.port, [`GET ${target} HTTP/1.1`, `Host: ${host}`, ...lines]);
    assert.equal(await raw(payouts, authorization), 200, "the plain one passes");
    const ids = `/accounts/${edge.place.id}`;
    const targets = [
      `${ids}/../../admin`,
      `/status/..${payouts}`,
      `/status/%2e%2e/admin`,
      `/status/%2E./admin`,
      `${ids}%2fpayouts`,
      `${ids}/payouts%2f..`,
      `${ids}//payouts`,
      `//${host}/status`,
      `${ids}\\payouts`,
      `${ids}%5cpayouts`,
      `${payouts};x=1`,
      `/status;/../admin`,
      `${payouts}%00`,
      `${payouts}%2500`,
      `/status%0d%0aX: 1`,
      `/status#/admin`,
      `/status%23`,
      `/status%3f`,
      `${ids}/%ef%bc%8fpayouts`,
      `/STATUS`,
      `*`,
      `status`,
      `http://other.example/admin`,
    ];
    for (const target of targets) await stopped(target, raw(target, authorization), 400, 403, 404, 500);
    await stopped("two tokens", raw(payouts, authorization, "Authorization: Bearer nonsense"), 400, 401, 403);
    await stopped(
      "two tokens, turned round",
      raw(payouts, "Authorization: Bearer nonsense", authorization),
      400,
      401,
      403,
    );
    await stopped(
      "a method in lower case",
      statusOfRaw(gateway.port, [`get ${payouts} HTTP/1.1`, `Host: ${host}`, authorization]),
      400,
      403,
      405,
      500,
    );
    for (const header of [
      "X-HTTP-Method-Override: DELETE",
      "X-Original-URL: /admin",
      "X-Rewrite-URL: /admin",
      "X_Method_Override: DELETE",
    ])
      if (!(name === "nginx" && header.includes("_"))) await stopped(header, raw(payouts, authorization, header), 403);
  });

  test(`${name}: the client cannot speak for the gateway: not of the request, not of the rule, not of the credential`, async () => {
    const forged = {
      "x-forwarded-method": "GET",
      "x-forwarded-uri": "/status",
      "x-forwarded-host": "other.example",
      "x-forwarded-proto": "https",
      "x-original-method": "GET",
      "x-original-uri": "/status",
      "countersign-gateway": `${memberToken}; public=because`,
    };
    for (const [header, value] of Object.entries(forged)) {
      await stopped(header, ask(payouts, { headers: { [header]: value } }), 401, 403);
      const tried = ask("/admin", { method: "POST", headers: { [header]: value, ...bearer(memberToken) } });
      await stopped(`${header}, with a token`, tried, 403);
    }
    for (const query of ["permission=payouts:read", "public=because", "x-forwarded-uri=/status"])
      await stopped(query, ask(`/admin?${query}`, { headers: bearer(memberToken) }), 403);
    // The sub-request's own place is not for clients.
    for (const path of ["/_countersign", "/access/v1/forward-auth"])
      await stopped(path, ask(path, { headers: { ...forged, ...bearer(memberToken) } }), 403, 404);
  });

  test(`RFC 9449 §7.1, ${name}: a bound token passes with a proof for the gateway's own URL, once, and never as a bearer token`, async () => {
    const own = proofKey();
    const signer = await deployment.signingKey();
    const { header, claims: live } = partsOf(memberToken);
    // The tenant stands last in a token of ours.
    const { tenant_id, ...rest } = live;
    const bound = signedJwt(header, { ...rest, jti: randomUUID(), cnf: { jkt: own.jkt }, tenant_id }, signer.key);
    const tried = (proof: string, scheme = "DPoP") =>
      ask(payouts, { headers: { authorization: `${scheme} ${bound}`, dpop: proof } });
    const url = `http://${host}${payouts}`;
    const first = await tried(proofOf(own, "GET", url, { claims: { ath: athOf(bound) } }));
    assert.equal(first.status, 401, first.text);
    assert.match(first.headers["www-authenticate"] ?? "", /error="use_dpop_nonce"/);
    const claimed = { ath: athOf(bound), nonce: String(first.headers["dpop-nonce"]) };
    const good = proofOf(own, "GET", url, { claims: claimed });
    assert.deepEqual(identityIn(await passed(tried(good))), claims(acme.id, member.ref, "*"));
    await stopped("a proof used twice", tried(good), 401);
    for (const [method, at] of [
      ["POST", url],
      ["GET", `${deployment.issuer}${payouts}`],
      ["GET", `http://${host}/status`],
    ] as const)
      await stopped(`a proof for ${method} ${at}`, tried(proofOf(own, method, at, { claims: claimed })), 401);
    await stopped("another key's proof", tried(proofOf(proofKey(), "GET", url, { claims: claimed })), 401);
    await stopped(
      "a bound token as a bearer token",
      tried(proofOf(own, "GET", url, { claims: claimed }), "Bearer"),
      401,
    );
  });

  test(`${name}: with nobody to ask, or a credential that is not accepted, nothing passes, public routes included`, async () => {
    const shut = [
      { ...between, countersignPort: await freePort() },
      { ...between, token: memberToken },
      { ...between, token: "nonsense" },
    ];
    for (const one of shut) {
      const closed = await start(one);
      for (const path of ["/status", payouts]) {
        const asked = send(`http://127.0.0.1:${closed.port}${path}`, { headers: bearer(memberToken) });
        await stopped(path, asked, 401, 403, 500, 502, 503);
      }
      await closed.stop();
    }
  });
};
