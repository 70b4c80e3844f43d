/** The session a browser presents. */
import type { Tx } from "../platform/database/database.ts";
import type { Platform } from "../platform/platform.ts";
import { readCookie } from "../platform/web/cookies.ts";
import type { WebRequest } from "../platform/web/request.ts";
import { digestOctets } from "../tokens/digest.ts";
import { readSecret } from "../tokens/secret-text.ts";
import { type Session, sessionCookie } from "./model.ts";
import { readSession, readSessionIn, type SessionKey } from "./store.ts";

type Needs = { readonly platform: Pick<Platform, "database" | "clock"> };
type Asking = Pick<WebRequest, "headers">;

/** Where the request's cookie says its session lives; undefined where it says nothing of the kind. */
export const sessionKeyOf = ({ headers }: Asking): SessionKey | undefined => {
  const presented = readSecret(readCookie(headers, sessionCookie) ?? "", ["session"]);
  return presented && { home: presented.tenant, user: presented.principal, hash: digestOctets(presented.digest) };
};

/**
 * The live session of the request's cookie, in one statement; undefined where there is none: ended, idle for too long, expired, or of a
 * human or tenant that is suspended. Notes that it was seen, at most once a minute.
 */
export const findSession = async ({ platform }: Needs, request: Asking): Promise<Session | undefined> => {
  const key = sessionKeyOf(request);
  return key && readSession(platform.database, key, platform.clock.now());
};

/** The same inside a transaction, whichever tenant that is for. */
export const findSessionIn = async (tx: Tx, request: Asking, now: number): Promise<Session | undefined> => {
  const key = sessionKeyOf(request);
  return key && readSessionIn(tx, key, now);
};
