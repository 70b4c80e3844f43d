/**
 * Ends token families: no access or refresh token of one is accepted once the transaction has committed. What was cached of their access
 * tokens depends on the human's version in the tenant they are for, which is touched.
 */
import type { PrincipalId, TenantId } from "../../../core/ids.ts";
import { principalVersion } from "../../platform/cache/fresh-cache.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { EndReason } from "./model.ts";
import { markEnded, markEndedOfConsent } from "./store.ts";

/** A family is named by where it lives. */
export type FamilyKey = { readonly home: TenantId; readonly id: string };
export type EndedFamily = {
  readonly home: TenantId;
  readonly id: string;
  readonly user: PrincipalId;
  readonly bound: TenantId;
  readonly clientId: string;
};

/** Undefined where it has been ended before, or never was. Any transaction will do. `now` in ms since the epoch. */
export const endFamily = async (
  tx: Tx,
  family: FamilyKey,
  reason: EndReason,
  now: number,
): Promise<EndedFamily | undefined> => {
  const ended = await markEnded(tx, family.home, family.id, reason, new Date(now));
  if (ended === undefined) return undefined;
  tx.touch(principalVersion(ended.bound, ended.user));
  return { home: ended.home, id: ended.id, user: ended.user, bound: ended.bound, clientId: ended.client_id };
};

/** What a human has given one client, for one tenant or for all: when they take it back. In a transaction of their home tenant. */
export const endFamiliesOfConsent = async (
  tx: Tx,
  given: { readonly user: PrincipalId; readonly clientId: string; readonly bound: TenantId | null },
  reason: EndReason,
  now: number,
): Promise<number> =>
  touchAll(tx, await markEndedOfConsent(tx, given.user, given.clientId, given.bound, reason, new Date(now)));

const touchAll = (tx: Tx, ended: readonly (readonly [TenantId, PrincipalId])[]): number => {
  for (const [bound, user] of ended) tx.touch(principalVersion(bound, user));
  return ended.length;
};
