/** Ours: `decide()` on facts as the server has them after its one look-up. The reasons it gives with every answer are thrown away. */
import { decide } from "../../core/decide/decide.ts";
import type { AssignmentFact, Facts, PathNode, PrincipalFact } from "../../core/decide/types.ts";
import type { NodeId, PrincipalId } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import type { Engine, Fixture, Principal } from "./fixture.ts";

type Known = { readonly principal: PrincipalFact; readonly assignments: readonly AssignmentFact[] };

const known = (model: Model, { id, assignments }: Principal): Known => ({
  principal: { id, kind: "human", state: "active" },
  assignments: assignments.map(({ role, node, propagation }, position) => ({
    id: `${id}-${position}`,
    role,
    anchor: node,
    propagation,
    permissions: model.roles.get(role)?.permissions ?? [],
    withinGrants: model.roles.get(role)?.withinGrants ?? [],
    expiresAt: null,
  })),
});

const at = Date.UTC(2026, 10, 22);

export const buildOurs = ({ model, tenants }: Fixture): Engine => {
  const principals = new Map<PrincipalId, Known>();
  const paths = new Map<NodeId, readonly PathNode[]>();
  for (const { nodes, principals: all } of tenants) {
    const types = new Map(nodes.map(({ id, type }) => [id, type]));
    for (const { id, path } of nodes)
      paths.set(
        id,
        path.map((node) => ({ node, type: types.get(node) ?? "", state: "active" })),
      );
    for (const principal of all) principals.set(principal.id, known(model, principal));
  }
  return {
    check: ({ principal, node, permission }) => {
      const who = principals.get(principal);
      const path = paths.get(node);
      if (who === undefined || path === undefined) return false;
      const facts: Facts = { principal: who.principal, path, assignments: who.assignments, grants: [] };
      // `conditional` is authority too: that a human or an approval is asked for besides is nothing the others could say.
      return decide(model, { permission, at }, facts).effect !== "deny";
    },
  };
};
