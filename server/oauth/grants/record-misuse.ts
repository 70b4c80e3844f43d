/**
 * A code or a refresh token that came twice: one of the two who presented it is a thief, and nobody can say which (RFC 9700 §2.2.2, §4.14).
 * What came of it ends, and the record says so.
 */
import { unattributed } from "../../../core/attribution.ts";
import { formatRef, principalRef, type TenantId } from "../../../core/ids.ts";
import { appendInTransaction } from "../../audit/store.ts";
import { emit } from "../../events/store.ts";
import { newId } from "../../platform/random.ts";
import { endFamily } from "./end-family.ts";
import type { EndReason, GrantNeeds } from "./model.ts";

export type Misused = { readonly home: TenantId; readonly family: string; readonly requestId: string };

/** When it has returned, nothing of the family is accepted anywhere. Nothing is recorded of one that has ended before. */
export const recordMisuse = async (
  needs: Pick<GrantNeeds, "platform">,
  { home, family, requestId }: Misused,
  reason: EndReason & ("code_replayed" | "refresh_token_reused"),
): Promise<void> => {
  const now = needs.platform.clock.now();
  await needs.platform.database.transaction(home, async (tx) => {
    const ended = await endFamily(tx, { home, id: family }, reason, now);
    if (ended === undefined) return;
    const user = principalRef("human", ended.user);
    // Whoever presented it knew the client and no more: nobody is named as having done it.
    const attribution = { ...unattributed, subject: user, client_id: ended.clientId, request_id: requestId };
    const target = formatRef("token-families", ended.id);
    await appendInTransaction(tx, {
      tenant: ended.bound,
      id: newId(),
      time: now,
      action: "oauth.token",
      outcome: "denied",
      attribution,
      target,
      targetPath: null,
      permission: null,
      bypass: false,
      because: { rule: reason },
      detail: { user, client_id: ended.clientId },
    });
    await emit(
      tx,
      {
        type: "token.revoked",
        subject: target,
        data: { token: target, owner: user, client_id: ended.clientId, reason },
      },
      attribution,
      now,
    );
  });
};
