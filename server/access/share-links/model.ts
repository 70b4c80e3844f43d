/**
 * Share links: whoever has the link's text has what its creator lends, at one resource and everything below it, until it ends.
 *
 *     live → used_up | locked (too many wrong passwords) | expired | revoked
 *     live, locked → live under a new text (renewed by its creator)
 *
 * A link has no authority of its own. What it lends is asked of its creator's facts every time it is opened: it never opens more than they
 * may at that moment, and nothing once they have been suspended, removed, or lost the right to share there.
 */
import Type from "typebox";
import { formatRef, type NodeId, principalRef, type ShareLinkId } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import type { Principal } from "../../authority/caller.ts";
import { wrong_passwords_max } from "../../authority/lent.ts";
import { etagOf } from "../../operations/etag.ts";
import { displayName, etag, id, ref, strict, time } from "../../operations/fields.ts";
import { nodeRef } from "../../operations/targets.ts";

export type ShareLink = {
  readonly id: ShareLinkId;
  readonly node: { readonly id: NodeId; readonly type: string };
  readonly level: string;
  readonly displayName: string;
  /** Part of the text, so that whoever finds one can tell which it is. */
  readonly keyId: string;
  readonly hasPassword: boolean;
  /** Whose rights it lends. */
  readonly creator: Principal;
  /** Null: as often as one likes. */
  readonly usesMax: number | null;
  readonly uses: number;
  /** Wrong passwords since the last right one. */
  readonly failures: number;
  readonly createTime: Date;
  readonly expireTime: Date;
  readonly revokeTime: Date | null;
  readonly lastUseTime: Date | null;
  /** Of what was decided about the link; being opened does not raise it. */
  readonly revision: number;
};

export const collection = "share-links";

/** No link lives longer; the database holds the same bound. */
export const share_link_ttl_days_max = 366;
const uses_max_max = 1_000_000;
const password_length_min = 8;
const password_length_max = 256;

export const linkRef = (link: ShareLinkId): string => formatRef(collection, link);

export type LinkState = "live" | "used_up" | "locked" | "expired" | "revoked";

/** `now` in ms since the epoch. */
export const stateOf = (link: ShareLink, now: number): LinkState => {
  if (link.revokeTime !== null) return "revoked";
  if (link.expireTime.getTime() <= now) return "expired";
  if (link.usesMax !== null && link.uses >= link.usesMax) return "used_up";
  return link.failures >= wrong_passwords_max ? "locked" : "live";
};

export const parent = ref("the resource it opens: {type}/{uuid}");
export const usesMax = Type.Integer({ minimum: 1, maximum: uses_max_max, description: "how often it may be opened" });
export const newPassword = Type.String({
  minLength: password_length_min,
  maxLength: password_length_max,
  description: "asked of whoever opens it, beside the link",
});
export const givenPassword = Type.String({ minLength: 1, maxLength: password_length_max });
/** As long as any secret's text may be. */
export const linkText = Type.String({ minLength: 1, maxLength: 300, description: "the link's text" });

const fields = {
  id,
  resource: ref("share-links/{uuid}"),
  parent,
  level: Type.String(),
  display_name: displayName,
  state: Type.Union(
    [
      Type.Literal("live"),
      Type.Literal("used_up"),
      Type.Literal("locked"),
      Type.Literal("expired"),
      Type.Literal("revoked"),
    ],
    { description: "`locked` after too many wrong passwords: its creator can renew it" },
  ),
  creator: ref("whose rights it lends: users/{uuid} or service-accounts/{uuid}"),
  has_password: Type.Boolean(),
  key_id: Type.String({ description: "names the link's text without revealing it; it is part of it" }),
  uses_max: Type.Union([usesMax, Type.Null()], { description: "null where it may be opened as often as one likes" }),
  uses: Type.Integer({ minimum: 0 }),
  etag,
  create_time: time,
  expire_time: time,
  revoke_time: Type.Union([time, Type.Null()]),
  last_use_time: Type.Union([time, Type.Null()]),
} as const;

export const linkOutput = strict(fields);
/** The only answers with the link's text. */
export const newLinkOutput = strict({ ...fields, link: Type.String({ description: "shown once" }) });

export const render = (model: Model, link: ShareLink, now: number) => ({
  id: link.id as string,
  resource: linkRef(link.id),
  parent: nodeRef(model, link.node),
  level: link.level,
  display_name: link.displayName,
  state: stateOf(link, now),
  creator: principalRef(link.creator.kind, link.creator.id),
  has_password: link.hasPassword,
  key_id: link.keyId,
  uses_max: link.usesMax,
  uses: link.uses,
  etag: etagOf(link.revision),
  create_time: link.createTime.toISOString(),
  expire_time: link.expireTime.toISOString(),
  revoke_time: link.revokeTime?.toISOString() ?? null,
  last_use_time: link.lastUseTime?.toISOString() ?? null,
});

/** What an event about a link tells. */
export const told = (link: ReturnType<typeof render>) => ({
  parent: link.parent,
  level: link.level,
  creator: link.creator,
  has_password: link.has_password,
  uses_max: link.uses_max,
  expire_time: link.expire_time,
});
