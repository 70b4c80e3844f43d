/** Where a human is signed in, and signing out there. Ending a session takes away access, so it needs no fresh proof. */
import { fault, type Result } from "../../../core/faults.ts";
import { endSession, endSessionsOf } from "../../sessions/end-session.ts";
import { liveSessionsOf } from "../../sessions/list-store.ts";
import type { Session } from "../../sessions/model.ts";
import type { ListedSession } from "../../sessions/operation-model.ts";
import type { SignIn } from "../needs.ts";
import { forgetDevices } from "../store.ts";
import { ownsSession } from "./store.ts";
import { type Asking, note, withAccount } from "./visit.ts";

export const ownSessions = (needs: SignIn, session: Session): Promise<Result<readonly ListedSession[]>> =>
  withAccount(needs, { session }, (tx, { user }, now) => liveSessionsOf(tx, user, now));

/** One's own, and nobody else's: another's is not there. */
export const endOwnSession = (needs: SignIn, asking: Asking, id: string): Promise<Result<void>> =>
  withAccount<void>(needs, asking, async (tx, { user }, now) => {
    if (!(await ownsSession(tx, user, id))) return fault("not_found", "there is no such session");
    await endSession(tx, id, { reason: "revoked", now, requestId: asking.request.requestId });
    return undefined;
  });

/** Every other session, what applications hold without one, and every remembered device. */
export const endOtherSessions = (needs: SignIn, asking: Asking): Promise<Result<number>> =>
  withAccount(needs, asking, async (tx, { user }, now) => {
    const { session, request } = asking;
    const ending = { reason: "revoked", now, requestId: request.requestId, offline: true, except: session.id } as const;
    const ended = await endSessionsOf(tx, user, ending);
    await forgetDevices(tx, user);
    await note(tx, asking, "sign-out-elsewhere", now, { sessions: ended });
    return ended;
  });
