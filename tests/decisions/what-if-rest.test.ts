// What a change would do, over REST: said in the URL, and answered in the place of the change.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startDeployment } from "../oauth/deployment.ts";

const deployment = await startDeployment();
after(deployment.close);
const acme = await deployment.tenant();
const token = await deployment.token(await acme.account({ role: "owner" }));
type Json = Readonly<Record<string, unknown>>;

/** Whether the account may read the tenant itself. */
const mayRead = async (account: { readonly id: string }): Promise<boolean> => {
  const answer = await deployment.post("/access/v1/evaluation", token, {
    subject: { type: "service-accounts", id: account.id },
    action: { name: "read" },
    resource: { type: "organizations", id: acme.id },
  });
  return answer.json<{ decision: boolean }>().decision;
};

test("`validate_only` over REST: who would gain what, and nothing is done; only for changes, and only as true or false", async () => {
  const robot = await acme.account();
  const body = { parent: acme.ref, principal: robot.ref, role: "viewer" };
  const send = (path: string, as = token) => deployment.post(path, as, body);
  const foreseen = await send("/v1/role-assignments?validate_only=true");
  assert.equal(foreseen.status, 200, foreseen.text);
  const { validate_only, result, access } = foreseen.json<{
    validate_only: boolean;
    result: Json;
    access: { gains: readonly Json[]; loses: readonly Json[]; truncated: boolean };
  }>();
  assert.equal(validate_only, true);
  assert.equal(result["principal"], robot.ref);
  assert.ok(access.gains.length > 0 && access.gains.every(({ principal }) => principal === robot.ref));
  assert.deepEqual([access.loses, access.truncated], [[], false]);
  assert.equal(foreseen.headers["countersign-consistency"], undefined, "there is no change to know of");
  assert.equal(await mayRead(robot), false);
  assert.equal((await send("/v1/role-assignments?validate_only=yes")).status, 400);
  assert.equal((await send("/v1/roles?validate_only=true")).status, 400, "it can't be told what a new role would do");
  assert.equal((await deployment.get("/v1/roles?validate_only=true", token)).status, 400, "reading changes nothing");
  const other = await deployment.token(await (await deployment.tenant()).account({ role: "owner" }));
  assert.equal((await send("/v1/role-assignments?validate_only=true", other)).status, 404);
  assert.equal((await send("/v1/role-assignments?validate_only=false")).status, 201);
  assert.equal(await mayRead(robot), true);
});
