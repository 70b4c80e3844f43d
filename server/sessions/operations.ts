/** The operations of sessions. */
import type { Operation } from "../operations/operation.ts";
import { closeSignIn } from "./close-sign-in.ts";
import { getSession } from "./get-session.ts";
import { listSessions } from "./list-sessions.ts";
import { openSignIn } from "./open-sign-in.ts";
import { revokeSession } from "./revoke-session.ts";
import { signOutUser } from "./sign-out-user.ts";

export const sessionOperations: readonly Operation[] = [
  listSessions,
  getSession,
  revokeSession,
  signOutUser,
  closeSignIn,
  openSignIn,
];
