/** The authorization endpoint and whoever is at the browser: sessions, their age and their strength (OIDC Core §3.1.2, RFC 9470). */
import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { type App, authorizeKit, type Fields, type Human } from "./authorize-kit.ts";
import { type Deployment, startDeployment, type Tenant } from "./deployment.ts";
import { encoded, es256 } from "./jwt.ts";

let deployment: Deployment;
let kit: ReturnType<typeof authorizeKit>;
let acme: Tenant;
let app: App;
let ada: Human;

before(async () => {
  deployment = await startDeployment();
  kit = authorizeKit(deployment);
  acme = await deployment.tenant();
  app = await kit.application();
  ada = await kit.human(acme);
});
after(() => deployment.close());

const errorOf = async (fields: Fields, who: Pick<Human, "cookie"> = ada): Promise<string | undefined> =>
  kit.answerOf(await kit.authorize(app, fields, who))["error"];

describe("who is at the browser", () => {
  test("without a session the human is sent to sign in, and comes back to a code", async () => {
    const page = kit.pageOf(await kit.authorize(app, { state: "later" }));
    assert.equal(page.path, "/sign-in");
    const back = await kit.visit(app, `urn:ietf:params:oauth:request_uri:${page.handle}`, ada);
    assert.ok(kit.answerOf(back)["code"]);
    assert.equal(kit.answerOf(back)["state"], "later");
  });

  test("a cookie that is forged, or of a session that has ended, is no session", async () => {
    const bea = await kit.human(acme);
    await deployment.sql("update sessions set state = 'ended', end_time = now() where id = $1", [bea.session]);
    assert.equal(kit.pageOf(await kit.authorize(app, {}, bea)).path, "/sign-in");
    assert.equal(kit.pageOf(await kit.authorize(app, {}, { cookie: `${ada.cookie}x` })).path, "/sign-in");
    assert.equal(kit.pageOf(await kit.authorize(app, {}, { cookie: `${ada.cookie}; ${ada.cookie}` })).path, "/sign-in");
  });

  test("a session with half a sign-in gets no code", async () => {
    const half = await kit.human(acme, { state: "partial" });
    assert.match(kit.pageOf(await kit.authorize(app, {}, half)).path, /^\/sign-in\//);
    assert.equal(kit.answerOf(await kit.authorize(app, { prompt: "none" }, half))["error"], "login_required");
  });

  test("OIDC Core §3.1.2.6: prompt=none never shows a page", async () => {
    assert.equal(kit.answerOf(await kit.authorize(app, { prompt: "none", state: "s" }))["error"], "login_required");
    assert.equal(kit.answerOf(await kit.authorize(app, { prompt: "none", state: "s" }))["state"], "s");
    assert.ok(kit.answerOf(await kit.authorize(app, { prompt: "none" }, ada))["code"]);
  });

  test("OIDC Core §3.1.2.1: prompt=login is satisfied by a sign-in that came after the request, and by nothing else", async () => {
    const first = kit.pageOf(await kit.authorize(app, { prompt: "login" }, ada));
    assert.equal(first.path, "/sign-in");
    const uri = `urn:ietf:params:oauth:request_uri:${first.handle}`;
    assert.equal(kit.pageOf(await kit.visit(app, uri, ada)).path, "/sign-in");
    await deployment.sql("update sessions set auth_time = now() + interval '1 second' where id = $1", [ada.session]);
    assert.ok(kit.answerOf(await kit.visit(app, uri, ada))["code"]);
    await deployment.sql("update sessions set auth_time = now() where id = $1", [ada.session]);
  });

  test("OIDC Core §3.1.2.1: max_age asks for a new sign-in once the last one is older", async () => {
    const old = await kit.human(acme, { ageSeconds: 600 });
    assert.ok(kit.answerOf(await kit.authorize(app, { max_age: "3600" }, old))["code"]);
    assert.equal(kit.pageOf(await kit.authorize(app, { max_age: "300" }, old)).path, "/sign-in");
    assert.equal(
      kit.answerOf(await kit.authorize(app, { max_age: "300", prompt: "none" }, old))["error"],
      "login_required",
    );
    const daily = await kit.application({ default_max_age: 60 });
    assert.equal(kit.pageOf(await kit.authorize(daily, {}, old)).path, "/sign-in");
  });

  test("RFC 9470 §4, OIDC Core §5.5.1.1: a stronger class is stepped up to; one nobody knows is essential or is passed over", async () => {
    const multi = "urn:countersign:acr:multi-factor";
    const essential = (value: string) => ({
      claims: JSON.stringify({ id_token: { acr: { essential: true, value } } }),
    });
    assert.equal(kit.pageOf(await kit.authorize(app, { acr_values: multi }, ada)).path, "/sign-in/enrol");
    await deployment.sql(
      `insert into totp_devices (tenant_id, id, user_id, display_name, secret_sealed, create_time, confirm_time)
       values ($1, gen_random_uuid(), $2, 'phone', ''::bytea, now(), now())`,
      [ada.home, ada.id],
    );
    const strong = await kit.signIn(ada.home, ada.id, { acr: multi, methods: ["pwd", "otp", "mfa"] });
    assert.equal(kit.pageOf(await kit.authorize(app, { acr_values: multi }, ada)).path, "/sign-in/second-factor");
    assert.equal(
      kit.answerOf(await kit.authorize(app, { acr_values: multi, prompt: "none" }, ada))["error"],
      "login_required",
    );
    assert.ok(kit.answerOf(await kit.authorize(app, { acr_values: multi }, strong))["code"]);
    assert.ok(kit.answerOf(await kit.authorize(app, essential(multi), strong))["code"]);
    assert.ok(kit.answerOf(await kit.authorize(app, { acr_values: "urn:of:others" }, strong))["code"]);
    assert.equal(await errorOf(essential("urn:of:others")), "unmet_authentication_requirements");
    await deployment.sql("delete from totp_devices where user_id = $1", [ada.id]);
  });

  test("OIDC Core §5.5.1: a `sub` that is another human's is a login_required, and a sign-in where one can be asked for", async () => {
    const other = await kit.human(acme);
    const claims = JSON.stringify({ id_token: { sub: { value: other.ref } } });
    assert.equal(kit.answerOf(await kit.authorize(app, { claims, prompt: "none" }, ada))["error"], "login_required");
    assert.equal(kit.pageOf(await kit.authorize(app, { claims }, ada)).path, "/sign-in");
    assert.ok(kit.answerOf(await kit.authorize(app, { claims, prompt: "none" }, other))["code"]);
  });

  describe("OIDC Core §3.1.2.1: id_token_hint", () => {
    const hint = async (claims: object = {}, header: object = {}, sign = true): Promise<string> => {
      const { kid, key } = await deployment.signingKey();
      const now = Math.floor(Date.now() / 1000);
      const input = `${encoded({ alg: "ES256", kid, typ: "JWT", ...header })}.${encoded({
        iss: deployment.issuer,
        sub: ada.ref,
        aud: app.client_id,
        iat: now - 7200,
        exp: now - 3600,
        ...claims,
      })}`;
      return `${input}.${sign ? es256(input, key) : createHash("sha512").update(randomUUID()).digest("base64url")}`;
    };

    test("an expired one of ours will do, and another human's is a login_required", async () => {
      const other = await kit.human(acme);
      const id_token_hint = await hint();
      assert.ok(kit.answerOf(await kit.authorize(app, { id_token_hint, prompt: "none" }, ada))["code"]);
      assert.equal(await errorOf({ id_token_hint, prompt: "none" }, other), "login_required");
      assert.equal(kit.pageOf(await kit.authorize(app, { id_token_hint }, other)).path, "/sign-in");
    });

    test("a forged one, another client's, another issuer's and another kind of token are invalid_requests", async () => {
      for (const id_token_hint of [
        await hint({}, {}, false),
        await hint({ aud: "another" }),
        await hint({ iss: "https://other.example" }),
        await hint({ sub: "service-accounts/11111111-1111-4111-8111-111111111111" }),
        await hint({}, { typ: "at+jwt" }),
        await hint({}, { typ: "logout+jwt" }),
        await hint({}, { kid: "unknown" }),
        await hint({}, { alg: "none" }),
        await hint({}, { alg: "HS256" }),
      ])
        assert.equal(await errorOf({ id_token_hint }), "invalid_request");
    });
  });
});
