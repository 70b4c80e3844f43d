/**
 * Memberships: that a human belongs to a perimeter of a tenant. Without one in the tenant, none of the human's assignments counts there.
 *
 * A membership says who belongs; what they may do is a role assignment, and ends with it.
 */
import type { Static } from "typebox";
import { formatRef, type NodeId, type PrincipalId, principalCollections, type TenantId } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import { etagOf } from "../../operations/etag.ts";
import { etag, id, ref, strict, time } from "../../operations/fields.ts";
import { nodeRef } from "../../operations/targets.ts";

export type Membership = {
  readonly tenant: TenantId;
  readonly id: string;
  readonly user: PrincipalId;
  /** Where the human's identity is managed. */
  readonly home: TenantId;
  readonly node: { readonly id: NodeId; readonly type: string };
  readonly revision: number;
  readonly createTime: Date;
  readonly updateTime: Date;
};

export const collection = "memberships";

export const membershipOutput = strict({
  id,
  resource: ref("memberships/{uuid}"),
  parent: ref("the perimeter the user belongs to"),
  user: ref("users/{uuid}"),
  etag,
  create_time: time,
  update_time: time,
});

export const render = (model: Model, membership: Membership): Static<typeof membershipOutput> => ({
  id: membership.id,
  resource: formatRef(collection, membership.id),
  parent: nodeRef(model, membership.node),
  user: formatRef(principalCollections.human, membership.user),
  etag: etagOf(membership.revision),
  create_time: membership.createTime.toISOString(),
  update_time: membership.updateTime.toISOString(),
});
