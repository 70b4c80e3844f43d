/** Turns stored facts into the ones `decide()` reads: role names and patterns become permission sets of the model in force. */
import type { AssignmentFact, Facts } from "../../core/decide/types.ts";
import { hostTenant } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import { expand } from "../../core/model/permissions.ts";
import type { FactsKey, StoredAssignment, StoredFacts } from "./store.ts";

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
    grants: [],
  };
};

const assignmentFact = (model: Model, stored: StoredAssignment): AssignmentFact => {
  const [id, name, customId, permissions, withinGrants, node, propagation, expiresAt] = stored;
  const anchor = node ?? "host";
  const rest = { id, anchor, propagation, expiresAt } as const;
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
  facts.assignments.reduce(
    (nearest, one) => Math.min(nearest, one.expiresAt ?? Number.POSITIVE_INFINITY),
    Number.POSITIVE_INFINITY,
  );
