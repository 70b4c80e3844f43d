/**
 * Ends sessions, and in the same transaction everything that came of them: codes not yet redeemed, and the token families with every
 * access and refresh token. When it has returned, no process says yes to any of them (invariant 7).
 */
import { type PrincipalId, principalRef } from "../../core/ids.ts";
import { appendInTransaction } from "../audit/store.ts";
import { endMailLinks } from "../credentials/mail-links/mail-links.ts";
import { emit } from "../events/store.ts";
import { principalVersion } from "../platform/cache/fresh-cache.ts";
import type { Tx } from "../platform/database/database.ts";
import { newId } from "../platform/random.ts";
import { tenantsOf } from "../principals/memberships/store.ts";
import { ownAttribution } from "./attribution.ts";
import {
  closeSessions,
  dropCodes,
  insertLogoutNotice,
  listenersAmong,
  participantsOf,
  revokeAllFamilies,
  revokeFamiliesOf,
} from "./store.ts";

export type EndReason =
  | "signed_out"
  | "revoked"
  | "replaced"
  | "password_reset"
  | "password_changed"
  | "second_factors_reset"
  | "administrator"
  | "sign_in_closed"
  | "user_deleted"
  | "address_proven";

export type Ending = {
  readonly reason: EndReason;
  /** Ms since the epoch. */
  readonly now: number;
  readonly requestId?: string;
  /** An operation ends it, whose own machinery writes the events and the log; the human itself unless said so. */
  readonly byOperation?: true;
};

/** A client that cannot be told within this time is not told. */
const noticeLifetimeMs = 2 * 3600 * 1000;

/** In a transaction of the session's home tenant. False where it has ended already. Families with `offline_access` live on. */
export const endSession = async (tx: Tx, id: string, ending: Ending): Promise<boolean> => {
  const [ended] = await closeSessions(tx, { id }, new Date(ending.now));
  if (ended === undefined) return false;
  await endWhatCame(tx, ended.user, [ended.id], ending);
  return true;
};

/**
 * Every session of the user but `except`; returns how many. `offline` ends the families that outlive sessions too, and those that never
 * had one: after a reset password, and for "sign out everywhere".
 */
export const endSessionsOf = async (tx: Tx, user: PrincipalId, ending: EndingAll): Promise<number> =>
  (await endAllOf(tx, user, ending)).length;

export type EndingAll = Ending & { readonly except?: string; readonly offline: boolean };

/** The same; returns which. */
export const endAllOf = async (tx: Tx, user: PrincipalId, ending: EndingAll): Promise<readonly string[]> => {
  const at = new Date(ending.now);
  const except = ending.except ?? null;
  const ended = await closeSessions(tx, { user, except }, at);
  const ids = ended.map((one) => one.id);
  await endWhatCame(tx, user, ids, ending);
  if (ending.offline) {
    await revokeAllFamilies(tx, user, except, ending.reason, at);
    if (except === null) await dropCodes(tx, user, null);
    // Whoever had a session may have asked for another address: the link would bring them back once they are out.
    await endMailLinks(tx, { home: tx.tenant, user }, "change_email", ending.now);
    await touchEverywhere(tx, user);
  }
  return ids;
};

const endWhatCame = async (tx: Tx, user: PrincipalId, sessions: readonly string[], ending: Ending): Promise<void> => {
  if (sessions.length === 0) return;
  const at = new Date(ending.now);
  await dropCodes(tx, user, sessions);
  const listeners = await listenersAmong(tx, await participantsOf(tx, user, sessions));
  await revokeFamiliesOf(tx, user, sessions, "session_ended", at);
  const expireTime = new Date(ending.now + noticeLifetimeMs);
  for (const listener of listeners)
    await insertLogoutNotice(tx, { ...listener, id: newId(), user, now: at, expireTime });
  if (ending.byOperation !== true) for (const id of sessions) await tell(tx, user, id, ending);
  await touchEverywhere(tx, user);
};

/** Cached answers about the human fall in every tenant a token of theirs may be bound to. */
const touchEverywhere = async (tx: Tx, user: PrincipalId): Promise<void> => {
  const tenants = new Set([tx.tenant, ...(await tenantsOf(tx, user))]);
  tx.touch(...[...tenants].map((tenant) => principalVersion(tenant, user)));
};

const tell = async (tx: Tx, user: PrincipalId, id: string, { reason, now, requestId }: Ending): Promise<void> => {
  const attribution = ownAttribution({ user, id }, requestId);
  const data = { user: principalRef("human", user), reason };
  await emit(tx, { type: "session.ended", subject: `sessions/${id}`, data }, attribution, now);
  await appendInTransaction(tx, {
    tenant: tx.tenant,
    id: newId(),
    time: now,
    action: "session.end",
    outcome: "done",
    attribution,
    target: `sessions/${id}`,
    targetPath: null,
    permission: null,
    bypass: false,
    because: { rule: "own" },
    detail: { reason },
  });
};
