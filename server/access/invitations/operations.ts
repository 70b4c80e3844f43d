/** The operations of invitations. */
import type { Operation } from "../../operations/operation.ts";
import { createInvitation } from "./create-invitation.ts";
import { getInvitation } from "./get-invitation.ts";
import { listInvitations } from "./list-invitations.ts";
import { resendInvitation } from "./resend-invitation.ts";
import { revokeInvitation } from "./revoke-invitation.ts";

export const invitationOperations: readonly Operation[] = [
  createInvitation,
  getInvitation,
  listInvitations,
  revokeInvitation,
  resendInvitation,
];
