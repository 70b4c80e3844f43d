/** The operations of authority: roles, a tenant's own and those built in, their assignments, groups, resources, and grants on them. */
import type { Operation } from "../operations/operation.ts";
import { groupOperations } from "./groups/operations.ts";
import { createResourceGrant } from "./resource-grants/create-resource-grant.ts";
import { getResourceGrant } from "./resource-grants/get-resource-grant.ts";
import { listResourceGrants } from "./resource-grants/list-resource-grants.ts";
import { revokeResourceGrant } from "./resource-grants/revoke-resource-grant.ts";
import { resourceOperations } from "./resources/operations.ts";
import { createRoleAssignment } from "./role-assignments/create-role-assignment.ts";
import { getRoleAssignment } from "./role-assignments/get-role-assignment.ts";
import { listRoleAssignments } from "./role-assignments/list-role-assignments.ts";
import { revokeRoleAssignment } from "./role-assignments/revoke-role-assignment.ts";
import { createRole } from "./roles/create-role.ts";
import { deleteRole } from "./roles/delete-role.ts";
import { getRole } from "./roles/get-role.ts";
import { listBuiltInRoles } from "./roles/list-built-in-roles.ts";
import { listRoles } from "./roles/list-roles.ts";
import { updateRole } from "./roles/update-role.ts";

export const accessOperations: readonly Operation[] = [
  createRole,
  getRole,
  listRoles,
  listBuiltInRoles,
  updateRole,
  deleteRole,
  createRoleAssignment,
  getRoleAssignment,
  listRoleAssignments,
  revokeRoleAssignment,
  createResourceGrant,
  getResourceGrant,
  listResourceGrants,
  revokeResourceGrant,
  ...groupOperations,
  ...resourceOperations,
];
