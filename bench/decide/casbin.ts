/**
 * casbin: one enforcer per tenant, RBAC with domains. A node is a domain, and an assignment is written out for every node it reaches,
 * which casbin looks up faster than it matches patterns; actions are compared before roles, for the same reason.
 */
import { type Enforcer, newEnforcer, newModelFromString } from "casbin";
import { type Engine, type Fixture, type Tenant, reached } from "./fixture.ts";

const rbac = `
[request_definition]
r = sub, dom, act
[policy_definition]
p = sub, act
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.act == p.act && g(r.sub, p.sub, r.dom)
`;

const enforcer = async (tenant: Tenant, roles: Fixture["roles"]): Promise<Enforcer> => {
  const built = await newEnforcer(newModelFromString(rbac));
  const held = tenant.principals.flatMap(({ id, assignments }) =>
    assignments.flatMap((assignment) => reached(tenant, assignment).map((node) => [id, assignment.role, node])),
  );
  const unique = new Map(held.map((link) => [link.join(), link]));
  await built.addPolicies(
    [...roles].flatMap(([role, permissions]) => permissions.map((permission) => [role, permission])),
  );
  await built.addGroupingPolicies([...unique.values()]);
  return built;
};

export const buildCasbin = async ({ tenants, roles }: Fixture): Promise<Engine> => {
  const enforcers: Enforcer[] = [];
  for (const tenant of tenants) enforcers.push(await enforcer(tenant, roles));
  return {
    check: ({ tenant, principal, node, permission }) =>
      enforcers[tenant]?.enforceSync(principal, node, permission) ?? false,
  };
};
