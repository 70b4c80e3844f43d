// Two administrators who take each other's authority away at the same moment, at two servers on one PostgreSQL: one of them stays.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { startDeployment, type Tenant } from "../oauth/deployment.ts";
import type { Answer } from "../oauth/http.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);

/** An owner of the tenant who is a human, by an API token of theirs. */
type Owner = { readonly id: string; readonly ref: string; readonly membership: string; readonly token: string };

const ownerOf = async (tenant: Tenant): Promise<Owner> => {
  const made = await tenant.does("/v1/users", {
    parent: tenant.ref,
    email: `${randomUUID()}@acme.example`,
    display_name: "Ada",
    role: "owner",
  });
  const expire_time = new Date(Date.now() + 3_600_000).toISOString();
  const owner = String(made["resource"]);
  const asked = { owner, display_name: "Hers", scopes: ["*"], expire_time };
  const { token } = await tenant.does("/v1/api-tokens", asked);
  const membership = String(made["membership"]).slice("memberships/".length);
  return { id: String(made["id"]), ref: owner, membership, token: String(token) };
};

type Way = (by: Owner, of: Owner, on: number, tenant: Tenant) => Promise<Answer>;

const ways: Readonly<Record<string, Way>> = {
  "suspend the user": (by, of, on) => deployment.post(`/v1/users/${of.id}:suspend`, by.token, {}, on),
  "end the membership": (by, of, on) =>
    deployment.send(
      `/v1/memberships/${of.membership}`,
      { method: "DELETE", headers: { authorization: `Bearer ${by.token}` } },
      on,
    ),
};

const names = Object.keys(ways);
for (const [nth, one] of names.entries())
  for (const other of names.slice(nth))
    test(`of the last two who can assign roles, one process is to ${one} and the other to ${other}: one stays`, async () => {
      for (let turn = 0; turn < 5; turn += 1) {
        const tenant = await deployment.tenant("Two");
        const [first, second] = [await ownerOf(tenant), await ownerOf(tenant)];
        const answers = await Promise.all([
          ways[one]?.(first, second, 0, tenant),
          ways[other]?.(second, first, 1, tenant),
        ]);
        const told = answers.map((answer) => answer?.text).join("\n");
        assert.equal(answers.filter((answer) => answer?.status === 200).length, 1, told);
        // Who was refused was told why: by the rule, or because the other was faster and they are not let in any more.
        for (const answer of answers) assert.ok([200, 401, 403, 404, 409].includes(answer?.status ?? 0), told);
        const left = await Promise.all(
          [first, second].map(
            async ({ token }) => (await deployment.get("/v1/role-assignments", token, turn % 2)).status,
          ),
        );
        assert.equal(left.filter((status) => status === 200).length, 1, left.join());
      }
    });

test("the last of a tenant's own stays, and the host may take them all", async () => {
  const tenant = await deployment.tenant("One");
  const last = await ownerOf(tenant);
  const refused = await deployment.post(`/v1/users/${last.id}:suspend`, last.token, {}, 1);
  assert.equal(refused.status, 409, refused.text);
  const problem = refused.json<{ code: string; detail: string }>();
  assert.equal(problem.code, "illegal_transition");
  assert.match(problem.detail, /assign such a role to somebody else first/);
  assert.equal((await deployment.get("/v1/role-assignments", last.token)).status, 200, "nothing has happened");
  await tenant.does(`/v1/users/${last.id}:suspend`);
  assert.equal((await deployment.get("/v1/role-assignments", last.token)).status, 401);
});
