/** The operations of roles: a tenant's own, and the list of those built in. */
import type { Operation } from "../../operations/operation.ts";
import { createRole } from "./create-role.ts";
import { deleteRole } from "./delete-role.ts";
import { getRole } from "./get-role.ts";
import { listBuiltInRoles } from "./list-built-in-roles.ts";
import { listRoles } from "./list-roles.ts";
import { updateRole } from "./update-role.ts";

export const roleOperations: readonly Operation[] = [
  createRole,
  getRole,
  listRoles,
  listBuiltInRoles,
  updateRole,
  deleteRole,
];
