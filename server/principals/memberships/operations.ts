/** The operations of memberships. */
import type { Operation } from "../../operations/operation.ts";
import { createMembership } from "./create-membership.ts";
import { deleteMembership } from "./delete-membership.ts";
import { getMembership } from "./get-membership.ts";
import { listMemberships } from "./list-memberships.ts";

export const membershipOperations: readonly Operation[] = [
  createMembership,
  getMembership,
  listMemberships,
  deleteMembership,
];
