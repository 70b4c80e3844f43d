/**
 * Ends sessions, and in the same transaction everything that came of them: codes not yet redeemed, and the token families with every
 * access and refresh token. When it has returned, no process says yes to any of them (invariant 7).
 */
import type { PrincipalId } from "../../core/ids.ts";
import type { Tx } from "../platform/database/database.ts";

export type EndReason =
  | "signed_out"
  | "revoked"
  | "replaced"
  | "password_reset"
  | "password_changed"
  | "second_factors_reset"
  | "administrator"
  | "user_deleted";

export type Ending = {
  readonly reason: EndReason;
  readonly now: number;
  readonly requestId?: string;
};

/** In a transaction of the session's home tenant. False where it has ended already. Families with `offline_access` live on. */
export const endSession = async (_tx: Tx, _id: string, _ending: Ending): Promise<boolean> => {
  throw new Error("sessions are not ended yet");
};

/**
 * Every session of the user but `except`; returns how many. `offline` ends the families that outlive sessions too, and those that never
 * had one: after a reset password, and for "sign out everywhere".
 */
export const endSessionsOf = async (
  _tx: Tx,
  _user: PrincipalId,
  _ending: Ending & { readonly except?: string; readonly offline: boolean },
): Promise<number> => {
  throw new Error("sessions are not ended yet");
};
