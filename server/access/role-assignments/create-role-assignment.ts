/**
 * Assigns a role to a principal at a perimeter, or at the host. Decided there, and never more than the grantor holds there and its token
 * carries (invariant 8): for an assignment that reaches below, what the grantor holds below too.
 */
import Type from "typebox";
import { fault, isFault } from "../../../core/faults.ts";
import { beyondHeld, findRole, insertAssignment } from "../../authority/assignments-store.ts";
import { touchBeneficiary } from "../../authority/beneficiaries.ts";
import { heldThroughout } from "../../authority/held.ts";
import { strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atParent, findNodeByRef } from "../../operations/targets.ts";
import { newId } from "../../platform/random.ts";
import { newBinding, principal, termsInput } from "../bindings.ts";
import {
  assignmentOutput,
  parent,
  propagation,
  type RoleAssignment,
  render,
  role as roleField,
  told,
} from "./model.ts";
import { clearExpired, holdRole } from "./store.ts";

export const createRoleAssignment = operation({
  name: "role-assignments.create",
  summary: "Assign a role to a principal at a perimeter",
  kind: "change",
  method: "POST",
  path: "/v1/role-assignments",
  status: 201,
  input: strict({
    parent,
    principal,
    role: roleField,
    propagation: Type.Optional(propagation),
    ...termsInput,
  }),
  output: assignmentOutput,
  permission: "role-assignments:create",
  scope: "tenant",
  target: atParent,
  impact: (_, made) => (made === undefined ? [] : [{ assignment: made.id }]),
  event: (assignment) => ({
    type: "role-assignment.created",
    subject: assignment.resource,
    data: told(assignment),
  }),
  run: async (tx, input, context) => {
    const { model, now } = context;
    const node = await findNodeByRef(tx, model, input.parent);
    if (isFault(node)) return node;
    const role = await findRole(tx, model, input.role);
    if (isFault(role)) return role;
    const binding = await newBinding(tx, node, input, now);
    if (isFault(binding)) return binding;

    const reach = input.propagation ?? "subtree";
    const held = reach === "subtree" ? await heldThroughout(tx, node.id, context) : context.held;
    const beyond = beyondHeld(model, role, held);
    if (beyond !== undefined) return beyond;
    if (!(await holdRole(tx, role.role))) return fault("not_admissible", `\`${input.role}\` has just been deleted`);

    const assignment: RoleAssignment = { ...binding, id: newId(), role: role.role, propagation: reach };
    const row = { ...assignment, node: node.id, now: assignment.createTime };
    await clearExpired(tx, row);
    if (!(await insertAssignment(tx, row)))
      return fault("already_exists", `\`${input.principal}\` has the role \`${role.ref}\` there already`);
    await touchBeneficiary(tx, assignment.principal);
    return render(model, assignment);
  },
});
