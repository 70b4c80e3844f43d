/**
 * Ends a role assignment. One may take away more than one holds: the permission to revoke is enough. When the answer is sent, nobody
 * says yes because of it any more (invariant 7).
 *
 * The last one in a tenant who can assign roles stays. That takes an assignment at its root, so no other has to wait for its turn.
 */
import { isFault } from "../../../core/faults.ts";
import { rootNode } from "../../../core/ids.ts";
import { keepingAssignerFrom } from "../../authority/keep-assigner.ts";
import { expectRevision } from "../../operations/etag.ts";
import { operation } from "../../operations/operation.ts";
import { endBinding, revokeInput } from "../bindings.ts";
import { atAssignment, knownAssignment } from "./find.ts";
import { assignmentOutput, assignmentRef, render, told } from "./model.ts";

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
  run: async (tx, input, context) => {
    const { model, ifMatch } = context;
    const assignment = await knownAssignment(tx, input.id);
    if (isFault(assignment)) return assignment;
    const expected = expectRevision(ifMatch, assignment.revision, "optional");
    if (isFault(expected)) return expected;
    const named = assignmentRef(assignment.id);
    const end = async () => {
      const gone = await endBinding(tx, "role_assignments", assignment, expected.revision, named);
      return gone ?? render(model, assignment);
    };
    return assignment.node.id === rootNode(tx.tenant) ? keepingAssignerFrom(tx, context, end) : end();
  },
});
