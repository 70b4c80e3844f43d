/**
 * Nobody puts into a role what they do not hold (invariant 8).
 *
 * A role can be assigned anywhere in the tenant, and one that is assigned already reaches its holders at once, so what is added must be
 * held throughout the tenant. What a role gives within grants counts in full: a grant may follow.
 */
import { type Fault, fault } from "../../../core/faults.ts";
import { rootNode } from "../../../core/ids.ts";
import { union } from "../../../core/model/permissions.ts";
import { heldThroughout, lackingIn, namesOf } from "../../authority/held.ts";
import type { OperationContext } from "../../operations/operation.ts";
import { knownPatterns, permissionsOf } from "../../operations/patterns.ts";
import type { Tx } from "../../platform/database/database.ts";

type Patterns = { readonly permissions: readonly string[]; readonly withinGrants: readonly string[] };

/** A fault where a pattern means nothing, or where `after` gives more than `before` did and the caller holds. */
export const checkWidening = async (
  tx: Tx,
  before: Patterns,
  after: Patterns,
  context: OperationContext,
): Promise<Fault | undefined> => {
  const { model } = context;
  const unknown =
    knownPatterns(model, tx.tenant, "permissions", after.permissions) ??
    knownPatterns(model, tx.tenant, "within_grants", after.withinGrants);
  if (unknown !== undefined) return unknown;

  const set = (patterns: readonly string[]) => permissionsOf(model, tx.tenant, patterns);
  const held = await heldThroughout(tx, rootNode(tx.tenant), context);
  const had = set(before.permissions);
  // What held only within grants and now holds without is more; the other way round it is less.
  const added = [
    ...lackingIn(model, set(after.permissions), union(held, had)),
    ...lackingIn(model, set(after.withinGrants), union(held, union(had, set(before.withinGrants)))),
  ];
  const names = [...new Set(added)].toSorted();
  const [first] = names;
  if (first === undefined) return undefined;
  const detail = `the role would give ${namesOf(names)}, which you or the token you present do not have throughout the tenant`;
  return fault("permission_denied", detail, { permission: first });
};
