/** Signing out: of this browser, or everywhere. */
import type { Session } from "../sessions/model.ts";
import type { SignIn, Visit } from "./needs.ts";

/** Ends the session and what came of it; the cookies take it out of the browser. */
export const signOut = async (
  _needs: Pick<SignIn, "platform">,
  _session: Session,
  _request: Visit,
): Promise<{ readonly cookies: readonly string[] }> => {
  throw new Error("nobody can sign out yet");
};

/** Ends every other session of the human, or every one, with all tokens, and forgets remembered devices. Returns how many. */
export const signOutEverywhere = async (
  _needs: Pick<SignIn, "platform">,
  _session: Session,
  _given: { readonly keepThis: boolean; readonly request: Visit },
): Promise<number> => {
  throw new Error("nobody can sign out yet");
};
