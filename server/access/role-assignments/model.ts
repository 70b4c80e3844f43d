/**
 * Role assignments: role × principal × perimeter. They are the only thing that gives authority inside a tenant, beside resource grants;
 * they add up, and nothing below takes away what is inherited.
 */
import Type from "typebox";
import { type AssignmentId, beneficiaryRef, formatRef } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import { type Propagation, type RoleName, roleRef } from "../../authority/assignments-store.ts";
import { id, ref, strict } from "../../operations/fields.ts";
import { nodeRef } from "../../operations/targets.ts";
import { type Binding, principal, renderTerms, termsOutput } from "../bindings.ts";

export type RoleAssignment = Binding & {
  readonly id: AssignmentId;
  readonly role: RoleName;
  readonly propagation: Propagation;
};

export const collection = "role-assignments";

export const assignmentRef = (assignment: AssignmentId): string => formatRef(collection, assignment);

export const parent = ref("the perimeter it is anchored at");
export const role = Type.String({
  maxLength: 100,
  pattern: "^(roles/[0-9a-f-]{36}|[a-z][a-z0-9_-]*)$",
  description: "a built-in role's name, or roles/{uuid}",
});
export const propagation = Type.Union([Type.Literal("subtree"), Type.Literal("self")], {
  description: "subtree, the perimeter and all below it, or self, the perimeter alone",
});

export const assignmentOutput = strict({
  id,
  resource: ref("role-assignments/{uuid}"),
  parent,
  principal,
  role,
  propagation,
  ...termsOutput,
});

export const render = (model: Model, assignment: RoleAssignment) => ({
  id: assignment.id as string,
  resource: assignmentRef(assignment.id),
  parent: nodeRef(model, assignment.node),
  principal: beneficiaryRef(assignment.principal.kind, assignment.principal.id),
  role: roleRef(assignment.role),
  propagation: assignment.propagation,
  ...renderTerms(assignment),
});

type Rendered = ReturnType<typeof render>;

/** What an event about an assignment tells. */
export const told = (assignment: Rendered) => ({
  parent: assignment.parent,
  principal: assignment.principal,
  role: assignment.role,
  propagation: assignment.propagation,
  condition: assignment.condition,
  expire_time: assignment.expire_time,
});
