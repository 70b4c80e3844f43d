/**
 * Accepting an invitation: takes it, once, and gives what it says. Whoever accepts has proven who they are before, and that the link
 * was theirs; this is the part inside the inviting tenant.
 *
 * What is given must still be the inviter's to give (invariant 8): an administrator who has lost a role since does not hand it out through
 * a link that lies in somebody's mailbox. The membership stands; the role is left out, and the answer says so.
 */
import { type PrincipalId, hostTenant, parseRef, principalKindOf, type TenantId } from "../../../core/ids.ts";
import { isFault } from "../../../core/faults.ts";
import type { Model } from "../../../core/model/model.ts";
import { contains, union } from "../../../core/model/permissions.ts";
import { beyondHeld, findRole, insertAssignment, roleRef } from "../../authority/assignments-store.ts";
import { heldThroughout } from "../../authority/held.ts";
import { principalVersion } from "../../platform/cache/fresh-cache.ts";
import type { Tx } from "../../platform/database/database.ts";
import { newId } from "../../platform/random.ts";
import { insertMembership } from "../../principals/memberships/store.ts";
import type { Invitation } from "./model.ts";
import { takeInvitation } from "./store.ts";

type Accepting = { readonly user: PrincipalId; readonly home: TenantId };

export type Fulfilled = {
  /** The role assigned, as `owner` or `roles/{uuid}`; null where there was none to give, or not any more. */
  readonly role: string | null;
  /** False where the user was a member already. */
  readonly joined: boolean;
};

/** In a transaction of the inviting tenant. Undefined where the invitation was taken, revoked or has expired meanwhile. */
export const fulfilInvitation = async (
  tx: Tx,
  model: Model,
  invitation: Invitation,
  { user, home }: Accepting,
  now: number,
): Promise<Fulfilled | undefined> => {
  const at = new Date(now);
  if (!(await takeInvitation(tx, invitation.id, user, at))) return undefined;
  const joined = await insertMembership(tx, {
    tenant: tx.tenant,
    id: newId(),
    user,
    home,
    node: invitation.node,
    revision: 1,
    createTime: at,
    updateTime: at,
  });
  const role = await giveRole(tx, model, invitation, user, now);
  tx.touch(principalVersion(tx.tenant, user));
  return { role, joined };
};

const giveRole = async (
  tx: Tx,
  model: Model,
  { role, node, invitedBy }: Invitation,
  user: PrincipalId,
  now: number,
): Promise<string | null> => {
  if (role === null) return null;
  const found = await findRole(tx, model, roleRef(role));
  const inviter = parseRef(invitedBy);
  const kind = inviter && principalKindOf(inviter.collection);
  if (isFault(found) || inviter === undefined || kind === undefined) return null;
  const principal = { kind, id: inviter.id as PrincipalId };
  // Whoever invites does so as a principal of this tenant, or of the host.
  const asking = (tenant: TenantId) => ({ model, caller: { principal, tenant, scopes: undefined }, now });
  const held = union(
    await heldThroughout(tx, node.id, asking(tx.tenant)),
    tx.tenant === hostTenant ? [] : await heldThroughout(tx, node.id, asking(hostTenant)),
  );
  const assigning = model.vocabulary.get("role-assignments:create");
  if (assigning === undefined || !contains(held, assigning) || beyondHeld(model, found, held) !== undefined)
    return null;
  await insertAssignment(tx, {
    id: newId(),
    principal: { kind: "human", id: user },
    node: node.id,
    role: found.role,
    propagation: "subtree",
    expireTime: null,
    now: new Date(now),
  });
  return found.ref;
};
