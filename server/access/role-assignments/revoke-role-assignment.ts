/**
 * Ends a role assignment. One may take away more than one holds: the permission to revoke is enough. When the answer is sent, nobody
 * says yes because of it any more (invariant 7).
 *
 * The last one in a tenant who can assign roles stays, or nobody inside could ever give authority again.
 */
import { fault, isFault } from "../../../core/faults.ts";
import { rootNode } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import { readFactsIn } from "../../authority/store.ts";
import { expectRevision } from "../../operations/etag.ts";
import { operation } from "../../operations/operation.ts";
import type { Tx } from "../../platform/database/database.ts";
import { endBinding, revokeInput } from "../bindings.ts";
import { atAssignment, knownAssignment } from "./find.ts";
import { assigning, givers } from "./last-to-assign.ts";
import { assignmentOutput, assignmentRef, type RoleAssignment, render, told } from "./model.ts";
import { holdAssignmentsAtRoot } from "./store.ts";

export const revokeRoleAssignment = operation({
  name: "role-assignments.revoke",
  summary: "Revoke a role assignment",
  kind: "change",
  method: "POST",
  path: "/v1/role-assignments/{id}:revoke",
  status: 200,
  input: revokeInput,
  output: assignmentOutput,
  permission: "role-assignments:revoke",
  scope: "tenant",
  target: atAssignment,
  impact: ({ id: assignment }) => [{ assignment }],
  event: (assignment, { reason }) => ({
    type: "role-assignment.revoked",
    subject: assignment.resource,
    data: { ...told(assignment), reason: reason ?? null },
  }),
  run: async (tx, input, { model, caller, now, ifMatch }) => {
    const assignment = await knownAssignment(tx, input.id);
    if (isFault(assignment)) return assignment;
    const expected = expectRevision(ifMatch, assignment.revision, "optional");
    if (isFault(expected)) return expected;
    // Who stands above the tenant can always appoint another.
    if (caller.tenant === tx.tenant && (await isLastToAssign(tx, model, assignment, now)))
      return fault(
        "illegal_transition",
        `it is the last active assignment at the root that gives \`${assigning}\`; assign such a role to somebody else first`,
      );
    const named = assignmentRef(assignment.id);
    const gone = await endBinding(tx, "role_assignments", assignment, expected.revision, named);
    return gone ?? render(model, assignment);
  },
});

/** Whether no active principal could assign roles at the root any more, if this one were gone. */
const isLastToAssign = async (
  tx: Tx,
  model: Model,
  { id: ending, node }: RoleAssignment,
  now: number,
): Promise<boolean> => {
  const root = rootNode(tx.tenant);
  if (node.id !== root) return false;
  const giving = givers(tx, model, await holdAssignmentsAtRoot(tx), now);
  if (!giving.some(({ stored: [assignment] }) => assignment === ending)) return false;
  for (const { principal, stored } of giving) {
    if (stored[0] === ending) continue;
    const { state } = await readFactsIn(tx, { principal, bound: tx.tenant, tenant: tx.tenant, node: root });
    if (state === "active") return false;
  }
  return true;
};
