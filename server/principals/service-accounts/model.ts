/**
 * Service accounts: callers that are not human. They have their own table, API and lifecycle, and authenticate as OAuth clients.
 *
 *     active → disabled → active
 */
import Type from "typebox";
import { formatRef, type NodeId, type PrincipalId, principalCollections, type TenantId } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import { etagOf } from "../../operations/etag.ts";
import { displayName, etag, id, permissionPatterns, ref, strict, time } from "../../operations/fields.ts";
import { nodeRef } from "../../operations/targets.ts";

export type ServiceAccount = {
  readonly tenant: TenantId;
  readonly id: PrincipalId;
  readonly node: { readonly id: NodeId; readonly type: string };
  readonly clientId: string;
  readonly displayName: string;
  readonly state: "active" | "disabled";
  readonly scopes: readonly string[];
  readonly accessTokenFormat: "jwt" | "opaque";
  readonly accessTokenTtlSeconds: number;
  readonly jwks: unknown;
  readonly revision: number;
  readonly createTime: Date;
  readonly updateTime: Date;
};

export const collection = principalCollections.service;

/** How long an access token lives unless the account says otherwise. */
export const accessTokenTtlSecondsDefault = 900;

/** Live secrets an account may have at once: the one in use, and its replacement while it is rolled out. */
export const liveSecretsMax = 2;

/** A rotation may let the old secret live on this long at most. */
export const overlapSecondsMax = 7 * 24 * 3600;

export const accessTokenFormat = Type.Union([Type.Literal("jwt"), Type.Literal("opaque")], {
  description: "jwt (RFC 9068), which anyone can verify, or opaque, which only introspection can",
});
export const accessTokenTtl = Type.Integer({
  minimum: 60,
  maximum: 86400,
  description: "how long its access tokens live",
});
export const scopes = permissionPatterns("what its access tokens may at most carry; `*` unless said otherwise", 1);
/** RFC 7517: public keys only; checked further when written. */
export const jwks = Type.Object(
  { keys: Type.Array(Type.Record(Type.String({ maxLength: 32 }), Type.Unknown()), { minItems: 1, maxItems: 10 }) },
  { additionalProperties: false, description: "public keys for private_key_jwt (RFC 7523)" },
);

export const serviceAccountOutput = strict({
  id,
  resource: ref("service-accounts/{uuid}"),
  parent: ref("the perimeter it belongs to"),
  display_name: displayName,
  client_id: Type.String(),
  state: Type.Union([Type.Literal("active"), Type.Literal("disabled")]),
  scopes,
  access_token_format: accessTokenFormat,
  access_token_ttl_seconds: accessTokenTtl,
  jwks: Type.Union([jwks, Type.Null()]),
  etag,
  create_time: time,
  update_time: time,
});

export const render = (model: Model, account: ServiceAccount) => ({
  id: account.id as string,
  resource: formatRef(collection, account.id),
  parent: nodeRef(model, account.node),
  display_name: account.displayName,
  client_id: account.clientId,
  state: account.state,
  scopes: [...account.scopes],
  access_token_format: account.accessTokenFormat,
  access_token_ttl_seconds: account.accessTokenTtlSeconds,
  jwks: account.jwks as never,
  etag: etagOf(account.revision),
  create_time: account.createTime.toISOString(),
  update_time: account.updateTime.toISOString(),
});
