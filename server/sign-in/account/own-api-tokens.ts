/** A human's own API tokens in one tenant: looking at them, and ending one. Making one is the operation, with all its checks. */
import { fault, isFault, type Result } from "../../../core/faults.ts";
import { type CredentialId, principalRef, type TenantId } from "../../../core/ids.ts";
import { appendInTransaction } from "../../audit/store.ts";
import { type ApiToken, isSame, tokenRef } from "../../credentials/model.ts";
import { endToken, findToken, listTokens } from "../../credentials/store.ts";
import { emit } from "../../events/store.ts";
import { principalVersion } from "../../platform/cache/fresh-cache.ts";
import { newId } from "../../platform/random.ts";
import { ownAttribution } from "../../sessions/attribution.ts";
import type { Session } from "../../sessions/model.ts";
import type { SignIn } from "../needs.ts";
import type { Asking } from "./visit.ts";

/** A page of a human's own is one page. */
const shown_max = 200;

export const ownApiTokens = async (
  { platform }: Pick<SignIn, "platform">,
  { user }: Session,
  tenant: TenantId,
  pageKey: Buffer,
): Promise<readonly ApiToken[]> => {
  const filter = `owner = "${principalRef("human", user)}" AND state = "active"`;
  const found = await platform.database.transaction(tenant, (tx) =>
    listTokens(
      tx,
      new Date(platform.clock.now()),
      { filter, page_size: shown_max },
      { pageKey, query: `own tokens ${user}` },
    ),
  );
  return isFault(found) ? [] : found.rows;
};

/** It takes away one's own access, so no permission is asked for; another's token is not there. */
export const revokeOwnApiToken = (
  { platform }: Pick<SignIn, "platform">,
  { session, request }: Asking,
  tenant: TenantId,
  id: string,
): Promise<Result<void>> =>
  platform.database.transaction(tenant, async (tx): Promise<Result<void>> => {
    const now = platform.clock.now();
    const owner = { kind: "human", id: session.user } as const;
    const token = await findToken(tx, id as CredentialId);
    const ended =
      token !== undefined && isSame(token.owner, owner) ? await endToken(tx, token.id, new Date(now), null) : undefined;
    if (ended === undefined) return fault("not_found", "there is no such token");
    tx.touch(principalVersion(tenant, session.user));
    const attribution = ownAttribution(session, request.requestId);
    const subject = tokenRef(ended.id);
    const data = { token: subject, owner: principalRef("human", session.user), reason: "revoked by its owner" };
    await emit(tx, { type: "token.revoked", subject, data }, attribution, now);
    await appendInTransaction(tx, {
      tenant,
      id: newId(),
      time: now,
      action: "account.revoke-api-token",
      outcome: "done",
      attribution,
      target: subject,
      targetPath: null,
      permission: null,
      bypass: false,
      because: { rule: "own" },
      detail: null,
    });
    return undefined;
  });
