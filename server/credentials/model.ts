/**
 * API tokens: long-lived bearer tokens for programs. A token's authority is its owner's, narrowed by its scopes and judged anew at every
 * use (design §8). Its text is shown once; what is kept is its hash.
 *
 *     active → revoked (also by rotation, which names the replacement)
 *     active → expired
 */
import Type from "typebox";
import { type CredentialId, formatRef, principalCollections, principalRef, type TenantId } from "../../core/ids.ts";
import type { Principal } from "../authority/caller.ts";
import { etagOf } from "../operations/etag.ts";
import { displayName, etag, id, permissionPatterns, ref, strict, time } from "../operations/fields.ts";

export type ApiToken = {
  readonly tenant: TenantId;
  readonly id: CredentialId;
  readonly owner: Principal;
  readonly displayName: string;
  /** Part of the text, so that whoever finds a token can tell which one it is. */
  readonly keyId: string;
  readonly scopes: readonly string[];
  readonly createTime: Date;
  readonly expireTime: Date;
  readonly revokeTime: Date | null;
  readonly replacedBy: CredentialId | null;
  /** To within some seconds, best effort (last-used.ts). */
  readonly lastUsedTime: Date | null;
  readonly revision: number;
};

export const collection = "api-tokens";

/** No token lives longer (design §8); the database holds the same bound. */
export const api_token_ttl_days_max = 366;

export type TokenState = "active" | "expired" | "revoked";

/** `now` in ms since the epoch. */
export const stateOf = (token: Pick<ApiToken, "revokeTime" | "expireTime">, now: number): TokenState => {
  if (token.revokeTime !== null) return "revoked";
  return token.expireTime.getTime() <= now ? "expired" : "active";
};

export const tokenRef = (token: CredentialId): string => formatRef(collection, token);
export const ownerRef = ({ kind, id: owner }: Principal): string => principalRef(kind, owner);
export const ownerCollections = Object.values(principalCollections) satisfies readonly string[];

export const isSame = (one: Principal, other: Principal): boolean => one.kind === other.kind && one.id === other.id;

export const scopes = permissionPatterns("what it may at most be used for", 1);
const owner = ref("the principal whose authority it carries: users/{uuid} or service-accounts/{uuid}");
const keyId = Type.String({ description: "names the token without revealing it; it is part of the token's text" });

/** The answer to `create`, and with `replaces` to `rotate`: the only ones with the token's text. */
export const newTokenFields = {
  id,
  resource: ref("api-tokens/{uuid}"),
  owner,
  display_name: displayName,
  key_id: keyId,
  scopes,
  expire_time: time,
  create_time: time,
  token: Type.String({ description: "shown once" }),
} as const;

export const tokenOutput = strict({
  id,
  resource: ref("api-tokens/{uuid}"),
  owner,
  display_name: displayName,
  key_id: keyId,
  scopes,
  state: Type.Union([Type.Literal("active"), Type.Literal("expired"), Type.Literal("revoked")]),
  etag,
  create_time: time,
  expire_time: time,
  revoke_time: Type.Union([time, Type.Null()]),
  replaced_by: Type.Union([ref("api-tokens/{uuid}"), Type.Null()], { description: "the token it was rotated into" }),
  last_used_time: Type.Union([time, Type.Null()], { description: "to within some seconds" }),
});

export const render = (token: ApiToken, now: number) => ({
  id: token.id as string,
  resource: tokenRef(token.id),
  owner: ownerRef(token.owner),
  display_name: token.displayName,
  key_id: token.keyId,
  scopes: [...token.scopes],
  state: stateOf(token, now),
  etag: etagOf(token.revision),
  create_time: token.createTime.toISOString(),
  expire_time: token.expireTime.toISOString(),
  revoke_time: token.revokeTime?.toISOString() ?? null,
  replaced_by: token.replacedBy === null ? null : tokenRef(token.replacedBy),
  last_used_time: token.lastUsedTime?.toISOString() ?? null,
});

export const renderNew = (token: ApiToken, text: string) => ({
  id: token.id as string,
  resource: tokenRef(token.id),
  owner: ownerRef(token.owner),
  display_name: token.displayName,
  key_id: token.keyId,
  scopes: [...token.scopes],
  expire_time: token.expireTime.toISOString(),
  create_time: token.createTime.toISOString(),
  token: text,
});
