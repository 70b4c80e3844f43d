// What a client says beforehand about who will sign in, and in which language: it fills in a form, and decides nothing.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { openBrowser } from "../support/browser.ts";
import { authorizeKit, pkce, queryOf, redirectUri } from "./authorize-kit.ts";
import { startDeployment } from "./deployment.ts";

const deployment = await startDeployment();
after(deployment.close);
const app = await authorizeKit(deployment).application();

const pageFor = (hints: Readonly<Record<string, string>>, headers = {}) => {
  const { verifier: _verifier, ...challenge } = pkce();
  const fields = { client_id: app.client_id, response_type: "code", redirect_uri: redirectUri, scope: "openid" };
  return openBrowser(deployment.issuer, deployment.base()).get(
    `/oauth/authorize?${queryOf({ ...fields, ...challenge, ...hints })}`,
    headers,
  );
};

test("OIDC Core §3.1.2.1: login_hint fills in the address, as text and nothing more", async () => {
  const page = await pageFor({ login_hint: "ada@acme.example" });
  assert.match(page.text, /<input[^>]*name="email"[^>]*value="ada@acme\.example"/);
  const hostile = await pageFor({ login_hint: '"><script>alert(1)</script>@x' });
  assert.ok(!hostile.text.includes("<script>alert"), "a hint is escaped");
});

test("OIDC Core §3.1.2.1: ui_locales chooses the language, before what the browser asks for; one nobody has is passed over", async () => {
  const german = await pageFor({ ui_locales: "de-AT en" }, { "accept-language": "en" });
  assert.match(german.text, /<html lang="de"/);
  assert.equal(german.headers["content-language"], "de");
  const other = await pageFor({ ui_locales: "tlh" }, { "accept-language": "de;q=0.9" });
  assert.match(other.text, /<html lang="de"/);
  assert.match((await pageFor({})).text, /<html lang="en"/);
});
