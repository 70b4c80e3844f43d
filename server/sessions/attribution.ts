/** Who stands behind what a human does at this server's own pages: the human alone. */
import { type Attribution, unattributed } from "../../core/attribution.ts";
import { type PrincipalId, principalRef } from "../../core/ids.ts";

/** Of users registered here; a federated one's is its provider's name. */
const platformIdentity = "platform";

export const ownAttribution = (
  of: { readonly user: PrincipalId; readonly id?: string },
  requestId: string | undefined,
): Attribution => {
  const ref = principalRef("human", of.user);
  return {
    ...unattributed,
    authenticated_principal: ref,
    subject: ref,
    actor_of_record: ref,
    identity_source: platformIdentity,
    session_id: of.id ?? null,
    request_id: requestId ?? null,
  };
};
