/** The operations of users. */
import type { Operation } from "../../operations/operation.ts";
import { getUser } from "./get-user.ts";
import { listUsers } from "./list-users.ts";
import { registerUser } from "./register-user.ts";
import { resumeUser, suspendUser } from "./suspend-user.ts";
import { patchUser } from "./update-user.ts";

export const userOperations: readonly Operation[] = [
  registerUser,
  getUser,
  listUsers,
  patchUser,
  suspendUser,
  resumeUser,
];
