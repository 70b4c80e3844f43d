/** Turns stored facts into the ones `decide()` reads: role names and patterns become permission sets of the model in force. */
import type { AssignmentFact, Bound, Facts, GrantFact } from "../../core/decide/types.ts";
import { beneficiaryRef, type GroupId, hostTenant } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import { expand } from "../../core/model/permissions.ts";
import type { FactsKey, StoredAssignment, StoredFacts, StoredGrant } from "./store.ts";

/** A principal that does not exist has this state: a denial like any other word but `active`. */
export const unknownState = "unknown";

/** Undefined where the target does not exist in that tenant. */
export const factsOf = (model: Model, key: FactsKey, stored: StoredFacts): Facts | undefined => {
  if (stored.path === null) return undefined;
  const atHost = key.tenant === hostTenant;
  return {
    principal: { id: key.principal.id, kind: key.principal.kind, state: stored.state ?? unknownState },
    // The host is above every tree: decide() knows it as the empty path.
    path: atHost ? [] : stored.path.map(([node, type, state]) => ({ node, type, state })),
    assignments: stored.assignments.map((assignment) => assignmentFact(model, assignment)),
    grants: stored.grants.map((grant) => grantFact(model, typeOf(stored.path ?? [], grant), grant)),
    ...(stored.resource === null ? {} : { resource: stored.resource }),
  };
};

/** Absent where there is none: facts are cached, and most have neither. */
const boundOf = (condition: string | null, group: GroupId | null): Bound => ({
  ...(condition === null ? {} : { condition }),
  ...(group === null ? {} : { via: beneficiaryRef("group", group) }),
});

const typeOf = (path: NonNullable<StoredFacts["path"]>, [, resource]: StoredGrant): string =>
  path.find(([node]) => node === resource)?.[1] ?? "";

/** What a grant on a node of this type gives. */
export const grantFact = (model: Model, type: string, stored: StoredGrant): GrantFact => {
  const [id, resource, level, expiresAt, condition, group] = stored;
  // A level the model in force no longer has gives nothing: fail closed.
  const found = model.resources.get(type)?.levels.get(level);
  const { permissions, sufficient } = found ?? { permissions: [], sufficient: false };
  return { id, resource, level, permissions, sufficient, expiresAt, ...boundOf(condition, group) };
};

/** What an assignment gives under the model in force. */
export const assignmentFact = (model: Model, stored: StoredAssignment): AssignmentFact => {
  const [id, name, customId, permissions, withinGrants, node, propagation, expiresAt, condition, group] = stored;
  const anchor = node ?? "host";
  const rest = { id, anchor, propagation, expiresAt, ...boundOf(condition, group) } as const;
  if (name !== null) {
    // A role the model in force no longer has gives nothing: fail closed.
    const role = (anchor === "host" ? model.hostRoles : model.roles).get(name);
    return { ...rest, role: name, permissions: role?.permissions ?? [], withinGrants: role?.withinGrants ?? [] };
  }
  return {
    ...rest,
    role: `roles/${customId}`,
    permissions: expand(model, permissions ?? [], anchor === "host" ? "host" : "tenant").set,
    withinGrants: expand(model, withinGrants ?? [], anchor === "host" ? "host" : "tenant").set,
  };
};

/** When the first of the facts stops being true, in ms since the epoch; Infinity when none does. */
export const nearestExpiry = (facts: Facts): number =>
  [...facts.assignments, ...facts.grants].reduce(
    (nearest, one) => Math.min(nearest, one.expiresAt ?? Number.POSITIVE_INFINITY),
    Number.POSITIVE_INFINITY,
  );
