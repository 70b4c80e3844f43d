/**
 * Invitations: a link by mail that makes whoever holds it a member of a perimeter, with a role there where one was named. The link is
 * used once, and lives for a week; sending it again makes a new one and ends the old.
 *
 *     pending → accepted
 *        │  ↖ (sent again)
 *        └────→ revoked
 */
import Type from "typebox";
import { formatRef, type NodeId, type PrincipalId, principalCollections, type TenantId } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import { type RoleName, roleRef } from "../../authority/assignments-store.ts";
import { etagOf } from "../../operations/etag.ts";
import { displayName, email, etag, id, ref, strict, time } from "../../operations/fields.ts";
import { nodeRef } from "../../operations/targets.ts";

export type Invitation = {
  readonly tenant: TenantId;
  readonly id: string;
  readonly node: { readonly id: NodeId; readonly type: string };
  readonly email: string;
  readonly displayName: string | null;
  readonly role: RoleName | null;
  /** Ref of the principal who invites: what is given must still be the inviter's to give when it is accepted. */
  readonly invitedBy: string;
  readonly state: "pending" | "accepted" | "revoked";
  /** Who accepted. */
  readonly user: PrincipalId | null;
  readonly revision: number;
  readonly createTime: Date;
  readonly updateTime: Date;
  readonly expireTime: Date;
};

export const collection = "invitations";

export const invitation_lifetime_days = 7;
export const lifetimeMs = invitation_lifetime_days * 24 * 3_600_000;

/** Where an invited human goes. The token is used once, and the page that reads it sends no referrer. */
export const invitationUrl = (issuer: string, token: string): string => `${issuer}/invitation?link=${token}`;

export const role = Type.String({
  minLength: 1,
  maxLength: 100,
  description:
    "a built-in role's name, or `roles/{uuid}`; assigned in the perimeter and below when the invitation is accepted",
});

export const invitationOutput = strict({
  id,
  resource: ref("invitations/{uuid}"),
  parent: ref("the perimeter the invited becomes a member of"),
  email,
  display_name: Type.Union([displayName, Type.Null()]),
  role: Type.Union([role, Type.Null()]),
  invited_by: ref("users/{uuid} or service-accounts/{uuid}"),
  state: Type.Union(
    [Type.Literal("pending"), Type.Literal("accepted"), Type.Literal("revoked"), Type.Literal("expired")],
    { description: "`expired` is a pending one whose time has passed; sending it again renews it" },
  ),
  user: Type.Union([ref("users/{uuid}"), Type.Null()], { description: "who accepted" }),
  etag,
  create_time: time,
  update_time: time,
  expire_time: time,
});

export const render = (model: Model, invitation: Invitation, now: number): Type.Static<typeof invitationOutput> => ({
  id: invitation.id,
  resource: formatRef(collection, invitation.id),
  parent: nodeRef(model, invitation.node),
  email: invitation.email,
  display_name: invitation.displayName,
  role: invitation.role === null ? null : roleRef(invitation.role),
  invited_by: invitation.invitedBy,
  state: invitation.state === "pending" && invitation.expireTime.getTime() <= now ? "expired" : invitation.state,
  user: invitation.user === null ? null : formatRef(principalCollections.human, invitation.user),
  etag: etagOf(invitation.revision),
  create_time: invitation.createTime.toISOString(),
  update_time: invitation.updateTime.toISOString(),
  expire_time: invitation.expireTime.toISOString(),
});
