// Invariant 7 over two processes: a session ended in one opens nothing in the other, nor does any token that came of it.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startDeployment } from "../oauth/deployment.ts";
import { grantsKit, refused } from "../oauth/grants-kit.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const kit = grantsKit(deployment);
const acme = await deployment.tenant();
const other = await deployment.tenant("Other");
const here = 0;
const there = 1;

const hostEnds = (path: string, tenant = acme, on = here) => tenant.does(path, {}, on);

test("a session revoked in one process: in the other its access token, refresh token and cookie are dead at once", async () => {
  const app = await kit.application();
  const ada = await kit.human(acme, { role: "member" });
  await kit.member(other, ada);
  const tokens = await kit.tokens(app, ada, { scope: "openid", tenant: acme.ref });
  // Asked before, so that there is a cached answer to fall.
  for (const on of [here, there]) assert.equal(await deployment.isActive(tokens.access_token, on), true);
  await hostEnds(`/v1/sessions/${ada.session}:revoke`);
  assert.equal(await deployment.introspect(tokens.access_token, there), '{"active":false}');
  assert.equal(await deployment.introspect(tokens.access_token, here), '{"active":false}');
  refused(await kit.refresh(app, tokens.refresh_token, {}, {}, there), "invalid_grant");
  const again = await kit.authorize(app, { prompt: "none", tenant: acme.ref }, ada, there);
  assert.equal(kit.answerOf(again)["error"], "login_required");
});

test("a code of a session that was ended meanwhile is redeemed by nobody", async () => {
  const app = await kit.application();
  const ada = await kit.human(acme);
  const code = await kit.code(app, ada, { tenant: acme.ref });
  await hostEnds(`/v1/sessions/${ada.session}:revoke`);
  refused(await kit.redeem(app, code, {}, {}, there), "invalid_grant");
});

test("what was granted to outlive the session outlives it, and ends when the human is signed out everywhere", async () => {
  const app = await kit.application();
  const ada = await kit.human(acme);
  const tokens = await kit.tokens(app, ada, { scope: "openid offline_access", tenant: acme.ref });
  assert.equal(await deployment.isActive(tokens.access_token, there), true);
  await hostEnds(`/v1/sessions/${ada.session}:revoke`);
  assert.equal(await deployment.isActive(tokens.access_token, there), true);
  await hostEnds(`/v1/users/${ada.id}:signOut`);
  assert.equal(await deployment.introspect(tokens.access_token, there), '{"active":false}');
  refused(await kit.refresh(app, tokens.refresh_token, {}, {}, there), "invalid_grant");
});

test("20 refreshes in one process, racing the revocation in the other: afterwards nothing lives", async () => {
  const app = await kit.application();
  const ada = await kit.human(acme);
  const { refresh_token } = await kit.tokens(app, ada, { tenant: acme.ref });
  const seen: string[] = [];
  const refreshing = async () => {
    let token = refresh_token;
    for (let time = 0; time < 20; time += 1) {
      const answer = await kit.refresh(app, token, {}, {}, there);
      if (answer.status !== 200) return;
      const next = answer.json<{ access_token: string; refresh_token: string }>();
      seen.push(next.access_token);
      token = next.refresh_token;
    }
  };
  const running = refreshing();
  await hostEnds(`/v1/sessions/${ada.session}:revoke`);
  await running;
  for (const token of seen) assert.equal(await deployment.isActive(token, there), false);
});

test("twelve codes redeemed while their session is ended: afterwards nothing lives", async () => {
  const app = await kit.application();
  const ada = await kit.human(acme);
  const codes = await Promise.all(Array.from({ length: 12 }, () => kit.code(app, ada, { tenant: acme.ref })));
  const [answers] = await Promise.all([
    Promise.all(codes.map((code, at) => kit.redeem(app, code, {}, {}, at % 2))),
    hostEnds(`/v1/sessions/${ada.session}:revoke`),
  ]);
  for (const answer of answers)
    if (answer.status === 200)
      assert.equal(await deployment.isActive(answer.json<{ access_token: string }>().access_token, there), false);
});
