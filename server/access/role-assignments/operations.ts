/** The operations of role assignments. */
import type { Operation } from "../../operations/operation.ts";
import { createRoleAssignment } from "./create-role-assignment.ts";
import { getRoleAssignment } from "./get-role-assignment.ts";
import { listRoleAssignments } from "./list-role-assignments.ts";
import { revokeRoleAssignment } from "./revoke-role-assignment.ts";

export const roleAssignmentOperations: readonly Operation[] = [
  createRoleAssignment,
  getRoleAssignment,
  listRoleAssignments,
  revokeRoleAssignment,
];
