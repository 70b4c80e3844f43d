/** Ours: `decide()` on the facts a user has at a node, groups flattened as they are when their members are written. */
import { decide } from "../../../core/decide/decide.ts";
import type { Facts, PathNode } from "../../../core/decide/types.ts";
import type { NodeId, PrincipalId } from "../../../core/ids.ts";
import { readModel } from "../../../core/model/read-model.ts";
import { type Beneficiary, type Decider, type Fixture, modelText, type Node } from "./shared-fixture.ts";

const read = readModel(modelText, "shared.yaml");
if (!("model" in read)) throw new Error(JSON.stringify(read));
const { model } = read;

const emptySet: readonly number[] = [];

export const ours = (fixture: Fixture): Decider => {
  const byId = new Map(fixture.nodes.map((node) => [node.id, node]));
  const pathOf = (node: Node | undefined): readonly PathNode[] =>
    node === undefined
      ? []
      : [{ node: node.id as NodeId, type: node.type, state: "active" }, ...pathOf(byId.get(node.parent ?? ""))];
  const standingFor = (member: Beneficiary): readonly Beneficiary[] => [
    member,
    ...fixture.groups.filter(({ members }) => members.includes(member)).flatMap(({ id }) => standingFor(id)),
  ];

  const factsOf = (user: string, node: string): Facts => {
    const mine = new Set(standingFor(user));
    const through = (to: Beneficiary) => (to === user ? {} : { via: to });
    return {
      principal: { id: user as PrincipalId, kind: "human", state: "active" },
      path: pathOf(byId.get(node)),
      assignments: fixture.assignments
        .filter(({ to }) => mine.has(to))
        .map(({ id, to, role, at, propagation }) => ({
          id,
          role,
          anchor: at as NodeId,
          propagation,
          permissions: model.roles.get(role)?.permissions ?? emptySet,
          withinGrants: model.roles.get(role)?.withinGrants ?? emptySet,
          expiresAt: null,
          ...through(to),
        })),
      grants: fixture.grants
        .filter(({ to }) => mine.has(to))
        .map(({ id, to, level, on }) => {
          const found = model.resources.get("documents")?.levels.get(level);
          const { permissions, sufficient } = found ?? { permissions: emptySet, sufficient: false };
          const resource = on as NodeId;
          return { id, resource, level, permissions, sufficient, expiresAt: null, ...through(to) };
        }),
    };
  };
  return {
    allows: (questions) =>
      Promise.resolve(
        questions.map(
          ({ user, node, permission }) => decide(model, { permission, at: 0 }, factsOf(user, node)).effect === "permit",
        ),
      ),
  };
};
