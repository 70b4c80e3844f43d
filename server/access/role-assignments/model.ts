/**
 * Role assignments: role × principal × perimeter. They are the only thing that gives authority inside a tenant, beside resource grants;
 * they add up, and nothing below takes away what is inherited.
 */
import Type from "typebox";
import { type AssignmentId, beneficiaryRef, formatRef, type NodeId } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import { type Propagation, type RoleName, roleRef } from "../../authority/assignments-store.ts";
import type { Beneficiary } from "../../authority/beneficiaries.ts";
import { etagOf } from "../../operations/etag.ts";
import { etag, id, ref, strict, time } from "../../operations/fields.ts";
import { nodeRef } from "../../operations/targets.ts";
import { conditionOutput } from "../condition.ts";

export type RoleAssignment = {
  readonly id: AssignmentId;
  readonly node: { readonly id: NodeId; readonly type: string };
  readonly principal: Beneficiary;
  readonly role: RoleName;
  readonly propagation: Propagation;
  /** CEL; null holds always. */
  readonly condition: string | null;
  readonly expireTime: Date | null;
  readonly revision: number;
  readonly createTime: Date;
  readonly updateTime: Date;
};

export const collection = "role-assignments";

export const assignmentRef = (assignment: AssignmentId): string => formatRef(collection, assignment);

export const parent = ref("the perimeter it is anchored at");
export const principal = ref("users/{uuid}, service-accounts/{uuid} or groups/{uuid}");
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
  condition: conditionOutput,
  expire_time: Type.Union([time, Type.Null()], { description: "null where it does not expire" }),
  etag,
  create_time: time,
  update_time: time,
});

export const render = (model: Model, assignment: RoleAssignment) => ({
  id: assignment.id as string,
  resource: assignmentRef(assignment.id),
  parent: nodeRef(model, assignment.node),
  principal: beneficiaryRef(assignment.principal.kind, assignment.principal.id),
  role: roleRef(assignment.role),
  propagation: assignment.propagation,
  condition: assignment.condition,
  expire_time: assignment.expireTime?.toISOString() ?? null,
  etag: etagOf(assignment.revision),
  create_time: assignment.createTime.toISOString(),
  update_time: assignment.updateTime.toISOString(),
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
