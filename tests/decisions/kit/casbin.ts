/**
 * casbin: who is in which group and what is below what are role links, which it follows itself; each assignment and each grant is a policy.
 * A policy stands alone in casbin, so that "a role within a grant" is two questions of it.
 */
import { newEnforcer, newModelFromString } from "casbin";
import { type Decider, type Fixture, levels, roles } from "./shared-fixture.ts";

const text = `
[request_definition]
r = sub, node, act, kind
[policy_definition]
p = sub, node, how, act, kind
[role_definition]
g = _, _
g2 = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.kind == p.kind && r.act == p.act && g(r.sub, p.sub) && (r.node == p.node || (p.how == "subtree" && g2(r.node, p.node)))
`;

const policiesOf = ({ assignments, grants }: Fixture): readonly string[][] => [
  ...assignments.flatMap(({ to, role, at, propagation }) => [
    ...(roles[role]?.permissions ?? []).map((act) => [to, at, propagation, act, "role"]),
    ...(roles[role]?.withinGrants ?? []).map((act) => [to, at, propagation, act, "ceiling"]),
  ]),
  ...grants.flatMap(({ to, level, on }) => {
    const { permissions = [], sufficient = false } = levels[level] ?? {};
    return permissions.flatMap((act) => [
      [to, on, "subtree", act, "granted"],
      ...(sufficient ? [[to, on, "subtree", act, "role"]] : []),
    ]);
  }),
];

export const casbin = async (fixture: Fixture): Promise<Decider> => {
  const enforcer = await newEnforcer(newModelFromString(text));
  const unique = new Map(policiesOf(fixture).map((policy) => [policy.join(), policy]));
  await enforcer.addPolicies([...unique.values()]);
  await enforcer.addNamedGroupingPolicies(
    "g",
    fixture.groups.flatMap(({ id, members }) => members.map((member) => [member, id])),
  );
  await enforcer.addNamedGroupingPolicies(
    "g2",
    fixture.nodes.flatMap(({ id, parent }) => (parent === undefined ? [] : [[id, parent]])),
  );
  const has = (kind: string, user: string, node: string, act: string): boolean =>
    enforcer.enforceSync(user, node, act, kind);
  return {
    allows: (questions) =>
      Promise.resolve(
        questions.map(
          ({ user, node, permission }) =>
            has("role", user, node, permission) ||
            (has("ceiling", user, node, permission) && has("granted", user, node, permission)),
        ),
      ),
  };
};
