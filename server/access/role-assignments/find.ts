/** Finding an assignment is finding the perimeter it is anchored at, where its operations are decided. */
import { isFault, type Result } from "../../../core/faults.ts";
import { type AssignmentId, formatRef } from "../../../core/ids.ts";
import type { Target } from "../../operations/operation.ts";
import { noSuch } from "../../operations/targets.ts";
import type { Tx } from "../../platform/database/database.ts";
import { assignmentRef, collection, type RoleAssignment } from "./model.ts";
import { findAssignment } from "./store.ts";

export const knownAssignment = async (tx: Tx, id: string): Promise<Result<RoleAssignment>> =>
  (await findAssignment(tx, id as AssignmentId)) ?? noSuch(formatRef(collection, id));

export const atAssignment = async (tx: Tx, input: { readonly id: string }): Promise<Result<Target>> => {
  const assignment = await knownAssignment(tx, input.id);
  return isFault(assignment) ? assignment : { node: assignment.node.id, ref: assignmentRef(assignment.id) };
};
