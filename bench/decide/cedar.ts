/**
 * Cedar, in WebAssembly: one policy per role, parsed beforehand. The principal's entity lists where each role is held; a question carries
 * that entity and the node's ancestors, as cedar-wasm keeps no entities between calls.
 */
import { preparsePolicySet, statefulIsAuthorized } from "@cedar-policy/cedar-wasm/nodejs";
import type { NodeId, PrincipalId } from "../../core/ids.ts";
import type { Assignment, Engine, Fixture, Node, Principal } from "./fixture.ts";

const set = "bench";

const policy = (role: string, permissions: readonly string[]): string => {
  const actions = permissions.map((permission) => `Action::"${permission}"`).join(", ");
  return `permit (principal, action in [${actions}], resource)
    when { resource in principal["${role} subtree"] || principal["${role} self"].contains(resource) };`;
};

const uid = (type: string, id: string) => ({ type, id });

/** Every role has both its lists, empty where it is not held: an attribute that is missing is an error in Cedar, not a no. */
const principalEntity = ({ id, assignments }: Principal, roles: readonly string[]) => {
  const held = (role: string, propagation: Assignment["propagation"]) =>
    assignments
      .filter((each) => each.role === role && each.propagation === propagation)
      .map(({ node }) => ({ __entity: uid("Node", node) }));
  const attrs = Object.fromEntries(
    roles.flatMap((role) => [
      [`${role} subtree`, held(role, "subtree")],
      [`${role} self`, held(role, "self")],
    ]),
  );
  return { uid: uid("Principal", id), attrs, parents: [] };
};

const pathEntities = ({ path }: Node) =>
  path.map((id, at) => ({
    uid: uid("Node", id),
    attrs: {},
    parents: path.slice(at + 1, at + 2).map((parent) => uid("Node", parent)),
  }));

export const buildCedar = ({ tenants, roles }: Fixture): Engine => {
  const assignable = [...roles].filter(([, permissions]) => permissions.length > 0);
  const names = assignable.map(([role]) => role);
  const parsed = preparsePolicySet(set, {
    staticPolicies: assignable.map(([role, permissions]) => policy(role, permissions)).join("\n"),
  });
  if (parsed.type !== "success") throw new Error(`cedar refuses the policies: ${JSON.stringify(parsed)}`);
  const principals = new Map<PrincipalId, ReturnType<typeof principalEntity>>();
  const paths = new Map<NodeId, ReturnType<typeof pathEntities>>();
  for (const tenant of tenants) {
    for (const node of tenant.nodes) paths.set(node.id, pathEntities(node));
    for (const principal of tenant.principals) principals.set(principal.id, principalEntity(principal, names));
  }
  return {
    check: ({ principal, node, permission }) => {
      const who = principals.get(principal);
      const path = paths.get(node);
      if (who === undefined || path === undefined) return false;
      const answer = statefulIsAuthorized({
        principal: uid("Principal", principal),
        action: uid("Action", permission),
        resource: uid("Node", node),
        context: {},
        preparsedPolicySetId: set,
        entities: [who, ...path],
      });
      if (answer.type !== "success") throw new Error(`cedar cannot decide: ${JSON.stringify(answer)}`);
      return answer.response.decision === "allow";
    },
  };
};
