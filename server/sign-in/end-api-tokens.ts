/**
 * Ends every API token of a human, in each tenant they belong to: whoever had the account before it was recovered may have made one, and
 * would keep with it what the new password was to take from them. Tokens of service accounts are the tenants' own, and stay.
 */
import { principalRef } from "../../core/ids.ts";
import { revokeTokensOf } from "../authority/endings-store.ts";
import type { Human } from "../credentials/human.ts";
import { tokenRef } from "../credentials/model.ts";
import { emit } from "../events/store.ts";
import { principalVersion } from "../platform/cache/fresh-cache.ts";
import type { Tx } from "../platform/database/database.ts";
import { tenantsOf } from "../principals/memberships/store.ts";
import { ownAttribution } from "../sessions/attribution.ts";
import { inTenant } from "./account/store.ts";
import type { Visit } from "./needs.ts";
import { record } from "./record.ts";

/** In a transaction of the home; returns how many there were. Each tenant's own log and listeners hear of its own. */
export const endApiTokens = async (tx: Tx, human: Human, request: Visit, now: number): Promise<number> => {
  const { user, home } = human;
  const owner = principalRef("human", user);
  const attribution = ownAttribution({ user }, request.requestId);
  let count = 0;
  for (const tenant of new Set([home, ...(await tenantsOf(tx, user))])) {
    await inTenant(tx, tenant, async (there) => {
      const ended = await revokeTokensOf(there, user, new Date(now));
      if (ended.length === 0) return;
      count += ended.length;
      tx.touch(principalVersion(tenant, user));
      for (const token of ended) {
        const data = { token: tokenRef(token), owner, reason: "the password was reset" };
        await emit(there, { type: "token.revoked", subject: tokenRef(token), data }, attribution, now);
      }
      const detail = { tokens: ended.map(tokenRef) };
      await record(there, {
        action: "sign-in.end-api-tokens",
        outcome: "done",
        human: { home: tenant, user },
        request,
        now,
        detail,
      });
    });
  }
  return count;
};
