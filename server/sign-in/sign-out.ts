/** Signing out: of this browser, or everywhere. */
import { dropCookie } from "../platform/web/cookies.ts";
import { endSession, endSessionsOf } from "../sessions/end-session.ts";
import { type Session, sessionCookie } from "../sessions/model.ts";
import type { SignIn, Visit } from "./needs.ts";
import { record } from "./record.ts";
import { forgetDevices } from "./store.ts";

/** Ends the session and what came of it; the cookies take it out of the browser. */
export const signOut = async (
  { platform }: Pick<SignIn, "platform">,
  session: Session,
  { requestId }: Pick<Visit, "requestId">,
): Promise<{ readonly cookies: readonly string[] }> => {
  const ending = { reason: "signed_out", now: platform.clock.now(), requestId } as const;
  await platform.database.transaction(session.home, (tx) => endSession(tx, session.id, ending));
  return { cookies: [dropCookie(sessionCookie)] };
};

/**
 * Ends every session of the human, or every other one, with all tokens, those included that outlive sessions, and forgets the devices
 * that may leave out the second factor. Returns how many sessions.
 */
export const signOutEverywhere = async (
  { platform }: Pick<SignIn, "platform">,
  session: Session,
  { keepThis, request }: { readonly keepThis: boolean; readonly request: Visit },
): Promise<number> => {
  const now = platform.clock.now();
  const { requestId } = request;
  return platform.database.transaction(session.home, async (tx) => {
    await forgetDevices(tx, session.user);
    const ending = { reason: "signed_out", now, requestId, offline: true } as const;
    const sessions = await endSessionsOf(tx, session.user, keepThis ? { ...ending, except: session.id } : ending);
    const detail = { sessions, kept_this: keepThis };
    const action = "sign-in.sign-out-everywhere";
    await record(tx, { action, outcome: "done", human: session, session: session.id, request, now, detail });
    return sessions;
  });
};
