/** Roles belong to the tenant as a whole: every operation on one is decided at its root. */
import { isFault, type Result } from "../../../core/faults.ts";
import { rootNode } from "../../../core/ids.ts";
import type { Target } from "../../operations/operation.ts";
import type { Tx } from "../../platform/database/database.ts";
import { knownIn } from "../at-node.ts";
import { collection, roleRef } from "./model.ts";
import { findRole } from "./store.ts";

export const knownRole = knownIn(collection, findRole);

export const atRole = async (tx: Tx, input: { readonly id: string }): Promise<Result<Target>> => {
  const role = await knownRole(tx, input.id);
  return isFault(role) ? role : { node: rootNode(tx.tenant), ref: roleRef(role.id) };
};
