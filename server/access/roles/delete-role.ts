/** Deletes a custom role that nobody has. Whose authority would end with it is somebody's decision, never a by-product. */
import { fault, isFault } from "../../../core/faults.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { deleteAtRevision } from "../at-node-store.ts";
import { atRole, knownRole } from "./find.ts";
import { render, roleOutput } from "./model.ts";
import { countAssignments } from "./store.ts";

export const deleteRole = operation({
  name: "roles.delete",
  summary: "Delete a custom role that is not assigned",
  kind: "change",
  method: "DELETE",
  path: "/v1/roles/{id}",
  status: 200,
  input: strict({ id }),
  output: roleOutput,
  permission: "roles:delete",
  scope: "tenant",
  target: atRole,
  impact: ({ id: role }) => [{ role }],
  event: (role) => ({ type: "role.deleted", subject: role.resource, data: { display_name: role.display_name } }),
  run: async (tx, input, { ifMatch }) => {
    const role = await knownRole(tx, input.id);
    if (isFault(role)) return role;
    const expected = expectRevision(ifMatch, role.revision, "optional");
    if (isFault(expected)) return expected;
    const assigned = await countAssignments(tx, role.id);
    if (assigned > 0)
      return fault("illegal_transition", `the role is assigned (${assigned} times); revoke the assignments first`);
    return (await deleteAtRevision(tx, "roles", role.id, expected.revision)) ? render(role) : overtaken();
  },
});
