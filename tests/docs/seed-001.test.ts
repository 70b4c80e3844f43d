/** What a seed says of humans as a whole: seed 001 has one user with different roles in different tenants. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startDeployment } from "../oauth/deployment.ts";
import { grantsKit } from "../oauth/grants-kit.ts";

const deployment = await startDeployment();
after(deployment.close);
const kit = grantsKit(deployment);
const [acme, globex] = [await deployment.tenant("Acme"), await deployment.tenant("Globex")];
const app = await kit.application({ scope: "openid accounts:*" });

test("seed 001: one user is an owner in one tenant and a viewer in another, and each token has the rights of its own tenant", async () => {
  const ada = await kit.human(acme, { role: "owner" });
  await kit.member(globex, ada);
  await globex.does("/v1/role-assignments", { parent: globex.ref, principal: ada.ref, role: "viewer" });

  const rights = async (tenant: { readonly ref: string }): Promise<readonly number[]> => {
    const { access_token } = await kit.tokens(app, ada, { tenant: tenant.ref, scope: "openid accounts:*" });
    const read = await deployment.get("/v1/accounts", access_token);
    const made = await deployment.post("/v1/accounts", access_token, { parent: tenant.ref, display_name: "Till" });
    return [read.status, made.status];
  };
  assert.deepEqual(await rights(acme), [200, 201]);
  assert.deepEqual(await rights(globex), [200, 403]);
});
