/**
 * What ends with a membership. Who no longer belongs keeps no authority there, and gets none of it back by becoming a member again: what was
 * given is ended, and not put to sleep.
 */
import { type GrantId, type GroupId, type NodeId, type PrincipalId, rootNode, type TenantId } from "../../core/ids.ts";
import { principalVersion } from "../platform/cache/fresh-cache.ts";
import type { Tx } from "../platform/database/database.ts";
import { deleteAssignmentsBelow, type EndedAssignment } from "./assignments-store.ts";
import { deleteGrantsBelow, endFamiliesFor, isMember, revokeLinksOf, revokeTokensOf } from "./endings-store.ts";
import { leaveGroups } from "./group-members-store.ts";

export type Leaving = { readonly user: PrincipalId; readonly home: TenantId };

export type Ended = {
  readonly assignments: readonly EndedAssignment[];
  readonly grants: readonly GrantId[];
  readonly groups: readonly GroupId[];
  /** Of these how many; all zero while the human still belongs to the tenant by another membership. */
  readonly shareLinks: number;
  readonly apiTokens: number;
  readonly families: number;
};

/**
 * To be called once the membership at the node is gone. At the node and below it, assignments, grants and places in groups end. With the last
 * membership in the tenant everything there ends: wherever it was given, with the human's API tokens, their share links, and what clients
 * hold for this tenant on their behalf.
 */
export const endWithMembership = async (tx: Tx, { user, home }: Leaving, node: NodeId, now: Date): Promise<Ended> => {
  const stays = await isMember(tx, user);
  const from = stays ? node : rootNode(tx.tenant);
  const assignments = await deleteAssignmentsBelow(tx, user, from);
  const grants = await deleteGrantsBelow(tx, user, from);
  const groups = await leaveGroups(tx, user);
  tx.touch(principalVersion(tx.tenant, user));
  if (stays) return { assignments, grants, groups, shareLinks: 0, apiTokens: 0, families: 0 };
  return {
    assignments,
    grants,
    groups,
    shareLinks: await revokeLinksOf(tx, user, now),
    apiTokens: (await revokeTokensOf(tx, user, now)).length,
    families: await endFamiliesFor(tx, user, home, now),
  };
};
