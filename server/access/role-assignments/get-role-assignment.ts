/** Reads one role assignment. */
import { isFault } from "../../../core/faults.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atAssignment, knownAssignment } from "./find.ts";
import { assignmentOutput, render } from "./model.ts";

export const getRoleAssignment = operation({
  name: "role-assignments.get",
  summary: "Read a role assignment",
  kind: "read",
  method: "GET",
  path: "/v1/role-assignments/{id}",
  status: 200,
  input: strict({ id }),
  output: assignmentOutput,
  permission: "role-assignments:read",
  scope: "tenant",
  target: atAssignment,
  run: async (tx, input, { model }) => {
    const assignment = await knownAssignment(tx, input.id);
    return isFault(assignment) ? assignment : render(model, assignment);
  },
});
