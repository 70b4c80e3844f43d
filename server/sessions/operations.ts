/** The operations of sessions. */
import type { Operation } from "../operations/operation.ts";
import { getSession } from "./get-session.ts";
import { listSessions } from "./list-sessions.ts";
import { revokeSession } from "./revoke-session.ts";
import { signOutUser } from "./sign-out-user.ts";

export const sessionOperations: readonly Operation[] = [listSessions, getSession, revokeSession, signOutUser];
