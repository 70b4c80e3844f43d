/** The session a browser presents. */
import type { Platform } from "../platform/platform.ts";
import type { Tx } from "../platform/database/database.ts";
import type { WebRequest } from "../platform/web/request.ts";
import type { Session } from "./model.ts";

type Needs = { readonly platform: Platform };

/**
 * The live session of the request's cookie, in one statement; undefined where there is none: ended, idle for too long, expired, or of a
 * human or tenant that is suspended. Notes that it was seen, at most once a minute.
 */
export const findSession = async (
  _needs: Needs,
  _request: Pick<WebRequest, "headers">,
): Promise<Session | undefined> => {
  throw new Error("sessions are not found yet");
};

/** The same inside a transaction, whichever tenant that is for. */
export const findSessionIn = async (
  _tx: Tx,
  _request: Pick<WebRequest, "headers">,
  _now: number,
): Promise<Session | undefined> => {
  throw new Error("sessions are not found yet");
};

/**
 * The session by its id, in a transaction of its home, which then cannot end before the transaction does. Whoever writes what a session's
 * end must take along (a code, a token family) holds the session first.
 */
export const holdSession = async (_tx: Tx, _id: string, _now: number): Promise<Session | undefined> => {
  throw new Error("sessions are not found yet");
};
