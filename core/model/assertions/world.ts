/** Facts about a principal at a target, out of what a file of assertions gives: what the server would have found in its database. */
import type { AssignmentFact, Bound, Facts, GrantFact } from "../../decide/types.ts";
import { type NodeId, type PrincipalId, principalKindOf } from "../../ids.ts";
import { hostPlace, type Model, type PermissionSet } from "../model.ts";
import { emptySet, expand } from "../permissions.ts";
import type { AssertionsDocument, Given, GivenLevel, GivenRole } from "./document.ts";
import { partsOf, typeOf, wayUp } from "./places.ts";

/** Before every time a test can name. */
const longAgo = Number.MIN_SAFE_INTEGER;

export const factsIn = (
  model: Model,
  document: AssertionsDocument,
  more: readonly Given[],
  principal: string,
  target: string,
): Facts => {
  const [collection, name] = partsOf(principal);
  const whose = new Map([
    [principal, undefined],
    ...groupsOf(document, principal).map((group) => [group, group] as const),
  ]);
  const held = [...document.given, ...more].flatMap((given, at) =>
    whose.has(given.principal) ? [{ given, id: String(at), via: whose.get(given.principal) }] : [],
  );
  const node = document.world.get(target);
  const resource = {
    ...(node?.owner === undefined ? {} : { owner: node.owner }),
    ...(node?.attributes === undefined ? {} : { attributes: node.attributes }),
  };
  return {
    principal: {
      id: name as PrincipalId,
      kind: principalKindOf(collection) ?? "human",
      state: document.principals.get(principal)?.state ?? "active",
    },
    path:
      target === hostPlace
        ? []
        : wayUp(document.world, target).map((ref) => ({
            node: nodeId(ref),
            type: typeOf(model, ref) ?? "",
            state: document.world.get(ref)?.state ?? "",
          })),
    assignments: held.flatMap(({ given, ...rest }) =>
      given.kind === "role" ? [assignmentFact(model, document, given, rest)] : [],
    ),
    grants: held.flatMap(({ given, ...rest }) => (given.kind === "grant" ? [grantFact(model, given, rest)] : [])),
    ...(Object.keys(resource).length === 0 ? {} : { resource }),
  };
};

const nodeId = (ref: string): NodeId => partsOf(ref)[1] as NodeId;

/** Every group somebody is in, directly or through another. */
const groupsOf = ({ principals }: AssertionsDocument, principal: string): readonly string[] => {
  const found = new Set<string>();
  const climb = (member: string): void => {
    for (const [group, { members }] of principals)
      if (members.includes(member) && !found.has(group)) {
        found.add(group);
        climb(group);
      }
  };
  climb(principal);
  return [...found];
};

type Held = { readonly id: string; readonly via: string | undefined };

const boundOf = ({ condition }: Given, { via }: Held): Bound => ({
  ...(condition === undefined ? {} : { condition }),
  ...(via === undefined ? {} : { via }),
});

const assignmentFact = (model: Model, document: AssertionsDocument, given: GivenRole, held: Held): AssignmentFact => ({
  id: held.id,
  role: given.role,
  anchor: given.at === hostPlace ? hostPlace : nodeId(given.at),
  propagation: given.propagation,
  ...setsOf(model, document, given),
  expiresAt: given.expired ? longAgo : null,
  ...boundOf(given, held),
});

type Sets = { readonly permissions: PermissionSet; readonly withinGrants: PermissionSet };

const setsOf = (model: Model, { roles }: AssertionsDocument, { role, at }: GivenRole): Sets => {
  const reach = at === hostPlace ? "host" : "tenant";
  const own = roles.get(partsOf(role)[1]);
  if (role.startsWith("roles/") && own !== undefined)
    return {
      permissions: expand(model, own.permissions, reach).set,
      withinGrants: expand(model, own.withinGrants, reach).set,
    };
  const found = (reach === "host" ? model.hostRoles : model.roles).get(role);
  return { permissions: found?.permissions ?? emptySet, withinGrants: found?.withinGrants ?? emptySet };
};

const grantFact = (model: Model, given: GivenLevel, held: Held): GrantFact => {
  const level = model.resources.get(typeOf(model, given.on) ?? "")?.levels.get(given.level);
  return {
    id: held.id,
    resource: nodeId(given.on),
    level: given.level,
    permissions: level?.permissions ?? emptySet,
    sufficient: level?.sufficient ?? false,
    expiresAt: given.expired ? longAgo : null,
    ...boundOf(given, held),
  };
};
