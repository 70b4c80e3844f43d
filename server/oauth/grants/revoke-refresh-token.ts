/** Revoking a refresh token (RFC 7009 §2.1): the whole family goes with it, its access tokens included. */
import type { Attribution } from "../../../core/attribution.ts";
import { isFault, type Result } from "../../../core/faults.ts";
import { formatRef, principalRef } from "../../../core/ids.ts";
import { appendAndNumber } from "../../audit/store.ts";
import { emit } from "../../events/store.ts";
import { newId } from "../../platform/random.ts";
import { digestOctets } from "../../tokens/digest.ts";
import type { PresentedSecret } from "../../tokens/secret-text.ts";
import { nothingLeft, type Revoked } from "../revoke-access.ts";
import { endFamily } from "./end-family.ts";
import type { EndReason, GrantNeeds } from "./model.ts";
import { type RefreshGrant, readRefreshGrant } from "./store.ts";

export type RefreshRevoker = {
  readonly attribution: Attribution;
  readonly reason: EndReason;
  readonly permission?: string;
};

/** `judge` says by what right, or refuses; undefined where the caller is not to learn that there is such a token. Done for none, too. */
export const revokeRefreshToken = async (
  { platform }: Pick<GrantNeeds, "platform">,
  presented: PresentedSecret<"refresh_token">,
  judge: (grant: RefreshGrant) => Result<RefreshRevoker | undefined>,
): Promise<Result<Revoked>> =>
  platform.database.transaction(presented.tenant, async (tx) => {
    const grant = await readRefreshGrant(tx, presented.tenant, digestOctets(presented.digest));
    const revoker = grant && judge(grant);
    if (grant === undefined || revoker === undefined) return nothingLeft;
    if (isFault(revoker)) return revoker;
    const { attribution, reason, permission = null } = revoker;
    const now = platform.clock.now();
    const ended = await endFamily(tx, { home: presented.tenant, id: grant.family }, reason, now);
    if (ended === undefined) return nothingLeft;
    const target = formatRef("token-families", ended.id);
    const owner = principalRef("human", ended.user);
    const data = { token: target, owner, client_id: ended.clientId, reason };
    await emit(tx, { type: "token.revoked", subject: target, data }, attribution, now);
    const xid = await appendAndNumber(tx, {
      tenant: ended.bound,
      id: newId(),
      time: now,
      action: "oauth.revoke",
      outcome: "done",
      attribution,
      target,
      targetPath: null,
      permission,
      bypass: false,
      because: null,
      detail: { user: owner, client_id: ended.clientId },
    });
    return { consistency: `w${xid}` };
  });
