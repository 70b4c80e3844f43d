/**
 * Leaving a tenant: memberships, roles, grants, API tokens and what clients hold for it end at once. The last one who could assign roles stays, or nobody inside
 * could ever give authority again; and nobody leaves their home, which is where the account is: that is deleting it.
 */
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import { principalRef, rootNode, type TenantId } from "../../../core/ids.ts";
import { appendInTransaction } from "../../audit/store.ts";
import { endWithMembership } from "../../authority/endings.ts";
import { keepingAssigner } from "../../authority/keep-assigner.ts";
import { emit } from "../../events/store.ts";
import type { Tx } from "../../platform/database/database.ts";
import { newId } from "../../platform/random.ts";
import { ownAttribution } from "../../sessions/attribution.ts";
import type { SignIn } from "../needs.ts";
import { undo, transactionOrUndone } from "../undo.ts";
import { deleteMemberships, inTenant } from "./store.ts";
import { type Asking, note } from "./visit.ts";

const notMember = (): Fault => fault("not_found", "you are not a member there");
const isLast = (): Fault =>
  fault("not_admissible", "you are the last one there who can give roles; give such a role to somebody else first");

export const leaveTenant = (needs: SignIn, asking: Asking, tenant: TenantId): Promise<Result<void>> => {
  const { session } = asking;
  if (tenant === session.home) return Promise.resolve(fault("not_admissible", "your account is kept there"));
  return transactionOrUndone<void>(needs.platform.database, session.home, async (tx) => {
    const now = needs.platform.clock.now();
    const refused = await endIn(needs, tx, asking, tenant, now);
    // What was ended before it was refused is as it was.
    if (refused !== undefined) throw undo(refused);
    await note(tx, asking, "leave-tenant", now, { tenant });
    return undefined;
  });
};

/** Ends all the human has in a tenant. In a transaction of the home. */
export const endIn = (
  { model }: Pick<SignIn, "model">,
  tx: Tx,
  asking: Asking,
  tenant: TenantId,
  now: number,
): Promise<Fault | undefined> =>
  inTenant(tx, tenant, async (there) => {
    const left = await keepingAssigner(there, { model, now }, () => leave(there, asking, now), isLast);
    return isFault(left) ? left : undefined;
  });

const leave = async (there: Tx, { session, request }: Asking, now: number): Promise<Result<object>> => {
  const { user } = session;
  if ((await deleteMemberships(there, user)) === 0) return notMember();
  const ended = await endWithMembership(there, { user, home: session.home }, rootNode(there.tenant), new Date(now));
  const attribution = ownAttribution(session, request.requestId);
  const subject = principalRef("human", user);
  const data = {
    user: subject,
    ended_role_assignments: ended.assignments.length,
    ended_resource_grants: ended.grants.length,
    left_groups: ended.groups.length,
    revoked_share_links: ended.shareLinks,
    revoked_api_tokens: ended.apiTokens,
    ended_authorizations: ended.families,
  };
  await emit(there, { type: "membership.left", subject, data }, attribution, now);
  await appendInTransaction(there, {
    tenant: there.tenant,
    id: newId(),
    time: now,
    action: "account.leave",
    outcome: "done",
    attribution,
    target: subject,
    targetPath: null,
    permission: null,
    bypass: false,
    because: { rule: "own" },
    detail: data,
  });
  return data;
};
