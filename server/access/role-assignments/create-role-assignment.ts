/**
 * Assigns a role to a principal at a perimeter, or at the host. Decided there, and never more than the grantor holds there and its token
 * carries (invariant 8): for an assignment that reaches below, what the grantor holds below too.
 */
import Type from "typebox";
import { fault, isFault, type Result } from "../../../core/faults.ts";
import { type PrincipalId, parseRef, principalKindOf, rootNode } from "../../../core/ids.ts";
import { beyondHeld, findRole, insertAssignment } from "../../authority/assignments-store.ts";
import type { Principal } from "../../authority/caller.ts";
import { readFactsIn } from "../../authority/store.ts";
import { heldThroughout } from "../../authority/held.ts";
import { strict, time } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atParent, findNodeByRef } from "../../operations/targets.ts";
import { principalVersion } from "../../platform/cache/fresh-cache.ts";
import type { Tx } from "../../platform/database/database.ts";
import { newId } from "../../platform/random.ts";
import {
  assignmentOutput,
  parent,
  principal,
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
    expire_time: Type.Optional(time),
  }),
  output: assignmentOutput,
  permission: "role-assignments:create",
  scope: "tenant",
  target: atParent,
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
    const whose = await knownPrincipal(tx, input.principal);
    if (isFault(whose)) return whose;
    const expires = input.expire_time === undefined ? null : new Date(input.expire_time);
    if (expires !== null && expires.getTime() <= now) return fault("not_admissible", "`expire_time` has passed");

    const reach = input.propagation ?? "subtree";
    const held = reach === "subtree" ? await heldThroughout(tx, node.id, context) : context.held;
    const beyond = beyondHeld(model, role, held);
    if (beyond !== undefined) return beyond;
    if (!(await holdRole(tx, role.role))) return fault("not_admissible", `\`${input.role}\` has just been deleted`);

    const at = new Date(now);
    const assignment: RoleAssignment = {
      id: newId(),
      node: { id: node.id, type: node.type },
      principal: whose,
      role: role.role,
      propagation: reach,
      expireTime: expires,
      revision: 1,
      createTime: at,
      updateTime: at,
    };
    const row = { ...assignment, node: node.id, now: at };
    await clearExpired(tx, row);
    if (!(await insertAssignment(tx, row)))
      return fault("already_exists", `\`${input.principal}\` has the role \`${role.ref}\` there already`);
    tx.touch(principalVersion(tx.tenant, whose.id));
    return render(model, assignment);
  },
});

/** A member of the tenant, or a service account of it; suspended or not, for what is given then waits. */
const knownPrincipal = async (tx: Tx, text: string): Promise<Result<Principal>> => {
  const named = parseRef(text);
  const kind = named && principalKindOf(named.collection);
  if (named === undefined || kind === undefined)
    return fault(
      "invalid_argument",
      `\`principal\` is \`${text}\`, and must be \`users/{uuid}\` or \`service-accounts/{uuid}\``,
    );
  const found: Principal = { kind, id: named.id as PrincipalId };
  const node = rootNode(tx.tenant);
  const { state } = await readFactsIn(tx, { principal: found, bound: tx.tenant, tenant: tx.tenant, node });
  return state === null || state === "deleted"
    ? fault("not_admissible", `there is no \`${text}\` in this tenant; a user has to be a member first`)
    : found;
};
