/** Lists role assignments: the tenant's, or those at a perimeter and below it, where the permission must then hold. */
import { hostPlace } from "../../../core/model/model.ts";
import { strict } from "../../operations/fields.ts";
import { below, listInputBelow, pageOutput, pagingOf, rendered } from "../../operations/listing/page-output.ts";
import { operation } from "../../operations/operation.ts";
import { atParentOrTenant } from "../../operations/targets.ts";
import { assignmentOutput, collection, render } from "./model.ts";
import { listAssignments } from "./store.ts";

export const listRoleAssignments = operation({
  name: "role-assignments.list",
  summary: "List role assignments",
  kind: "read",
  method: "GET",
  path: "/v1/role-assignments",
  status: 200,
  input: strict(listInputBelow),
  output: pageOutput(assignmentOutput),
  permission: "role-assignments:read",
  scope: "tenant",
  target: atParentOrTenant(collection),
  run: async (tx, input, context) => {
    const { model } = context;
    const stretch = {
      below: below(input),
      places: [...model.collections.keys(), ...model.resources.keys(), hostPlace],
    };
    const page = await listAssignments(tx, stretch, input, pagingOf(tx, context, collection, input));
    return rendered(page, (assignment) => render(model, assignment));
  },
});
