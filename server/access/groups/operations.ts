/** The operations of groups. */
import type { Operation } from "../../operations/operation.ts";
import { addMembers } from "./add-members.ts";
import { createGroup } from "./create-group.ts";
import { deleteGroup } from "./delete-group.ts";
import { getGroup } from "./get-group.ts";
import { listGroups } from "./list-groups.ts";
import { listMembers } from "./list-members.ts";
import { removeMembers } from "./remove-members.ts";
import { updateGroup } from "./update-group.ts";

export const groupOperations: readonly Operation[] = [
  createGroup,
  getGroup,
  listGroups,
  updateGroup,
  deleteGroup,
  listMembers,
  addMembers,
  removeMembers,
];
