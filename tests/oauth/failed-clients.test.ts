// A client that does not prove who it is: told little, counted, and written where those read whose secret is being tried.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { hostTenant } from "../../core/ids.ts";
import { startDeployment } from "./deployment.ts";
import { type Answer, basic } from "./http.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const acme = await deployment.tenant("Acme");
const account = await acme.account({ role: "viewer" });
const application = await acme.does("/v1/applications", {
  parent: acme.ref,
  display_name: "Web",
  redirect_uris: ["https://app.example/cb"],
});
const applicationId = String(application["client_id"]);
const wrong = account.client_secret.replace(/.$/, (last) => (last === "A" ? "B" : "A"));

const ask = (path: string, id: string, on = 0): Promise<Answer> =>
  deployment.form(path, { grant_type: "client_credentials", token: "x" }, basic(id, wrong), on);

type Entry = { readonly tenant_id: string; readonly target: string | null; readonly detail: { client_id?: string } };
const recorded = (): Promise<readonly Entry[]> =>
  deployment.sql<Entry>(
    "select tenant_id, target, detail from audit_entries where action = 'oauth.client-authentication' and outcome = 'denied' order by time",
  );

test("a failed client authentication is in the record of the tenant whose client was named, wherever it was tried", async () => {
  for (const path of ["/oauth/token", "/oauth/introspect", "/oauth/revoke"]) {
    const before = await recorded();
    for (const id of [account.client_id, applicationId]) assert.equal((await ask(path, id)).status, 401, path);
    const fresh = (await recorded()).slice(before.length);
    assert.deepEqual(
      fresh.map(({ tenant_id, target, detail }) => [tenant_id, target, detail.client_id]),
      [
        [acme.id, account.ref, account.client_id],
        [acme.id, application["resource"], applicationId],
      ],
      path,
    );
  }
});

test("a client that never was is in the host's record, and what was typed as its name is not", async () => {
  assert.equal((await ask("/oauth/token", "nobody-with-a-secret-in-the-wrong-field")).status, 401);
  const last = (await recorded()).at(-1);
  assert.deepEqual([last?.tenant_id, last?.target, last?.detail.client_id], [hostTenant, null, undefined]);
});

test("security.md 4: failures of one client from one address are counted together by all processes, then refused, and recorded no more", async () => {
  const answers: Answer[] = [];
  for (let nth = 0; answers.at(-1)?.status !== 429; nth += 1) {
    assert.ok(nth < 100, "never refused");
    answers.push(await ask("/oauth/token", account.client_id, nth % 2));
  }
  const refused = answers.at(-1);
  assert.ok(Number(refused?.headers["retry-after"]) > 0, "it says how long to wait");
  const before = (await recorded()).length;
  assert.equal((await ask("/oauth/token", account.client_id, 0)).status, 429);
  assert.equal((await recorded()).length, before);
  // Who has the right secret is not kept out by those who have not.
  assert.ok(await deployment.token(account));
});
