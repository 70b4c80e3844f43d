/**
 * Cedar, in WebAssembly: groups and the tree are its entities' parents, and each assignment is a policy. What a role has within grants is
 * one policy for each grant, which holds where both reach.
 */
import { preparsePolicySet, statefulIsAuthorized } from "@cedar-policy/cedar-wasm/nodejs";
import { type Decider, type Fixture, isGroup, levels, type Permission, roles } from "./shared-fixture.ts";

const entity = (type: string, id: string): string => `${type}::"${id}"`;
const typeOf = (beneficiary: string): string => (isGroup(beneficiary) ? "Group" : "User");
const isOne = (to: string): string => `principal in ${entity(typeOf(to), to)}`;
const actionsIn = (all: readonly Permission[]): string =>
  `action in [${all.map((one) => entity("Action", one)).join(", ")}]`;

const policiesOf = ({ assignments, grants }: Fixture): readonly string[] => [
  ...assignments.flatMap(({ to, role, at, propagation }) => {
    const { permissions = [], withinGrants = [] } = roles[role] ?? {};
    const where = `resource ${propagation === "subtree" ? "in" : "=="} ${entity("Node", at)}`;
    const together = grants.map((grant): string => {
      const both = withinGrants.filter((one) => levels[grant.level]?.permissions.includes(one));
      const reached = `${isOne(grant.to)} && resource in ${entity("Node", grant.on)}`;
      return both.length === 0 ? "" : `permit (${isOne(to)}, ${actionsIn(both)}, ${where}) when { ${reached} };`;
    });
    return [permissions.length === 0 ? "" : `permit (${isOne(to)}, ${actionsIn(permissions)}, ${where});`, ...together];
  }),
  ...grants.map(({ to, level, on }) => {
    const { permissions = [], sufficient = false } = levels[level] ?? {};
    return sufficient ? `permit (${isOne(to)}, ${actionsIn(permissions)}, resource in ${entity("Node", on)});` : "";
  }),
];

type Uid = { readonly type: string; readonly id: string };
type Entity = { readonly uid: Uid; readonly attrs: Record<string, never>; readonly parents: Uid[] };

export const cedar = (fixture: Fixture): Decider => {
  const parsed = preparsePolicySet("differential", { staticPolicies: policiesOf(fixture).join("\n") });
  if (parsed.type !== "success") throw new Error(`cedar refuses the policies: ${JSON.stringify(parsed)}`);
  const groupsOf = (member: string) =>
    fixture.groups.filter(({ members }) => members.includes(member)).map(({ id }) => ({ type: "Group", id }));
  const people: readonly Entity[] = [...fixture.users, ...fixture.groups.map(({ id }) => id)].map((id) => ({
    uid: { type: typeOf(id), id },
    attrs: {},
    parents: groupsOf(id),
  }));
  const places: readonly Entity[] = fixture.nodes.map(({ id, parent }) => ({
    uid: { type: "Node", id },
    attrs: {},
    parents: parent === undefined ? [] : [{ type: "Node", id: parent }],
  }));
  const all = new Map([...people, ...places].map((one) => [one.uid.id, one]));
  // It keeps no entities between calls, so each is sent those it can come across.
  const upFrom = (id: string): readonly Entity[] => {
    const one = all.get(id);
    return one === undefined ? [] : [one, ...one.parents.flatMap((parent) => upFrom(parent.id))];
  };
  const allows = (user: string, node: string, permission: Permission): boolean => {
    const answer = statefulIsAuthorized({
      principal: { type: "User", id: user },
      action: { type: "Action", id: permission },
      resource: { type: "Node", id: node },
      context: {},
      preparsedPolicySetId: "differential",
      entities: [...new Set([...upFrom(user), ...upFrom(node)])],
    });
    if (answer.type !== "success" || answer.response.diagnostics.errors.length > 0)
      throw new Error(`cedar cannot decide: ${JSON.stringify(answer)}`);
    return answer.response.decision === "allow";
  };
  return {
    allows: (questions) =>
      Promise.resolve(questions.map(({ user, node, permission }) => allows(user, node, permission))),
  };
};
