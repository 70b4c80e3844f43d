/** All SQL of the OAuth endpoints: clients by id, opaque tokens, revocations. */
import type { JWK } from "jose";
import { hostTenant, type PrincipalId, type PrincipalKind, type TenantId } from "../../core/ids.ts";
import type { StoredFacts } from "../authority/store.ts";
import type { Database, Tx } from "../platform/database/database.ts";
import type { VerifiableKind } from "../tokens/secret-text.ts";

export type ClientRegistration = {
  readonly tenant: TenantId;
  readonly id: PrincipalId;
  readonly client_id: string;
  readonly scopes: readonly string[];
  readonly format: "jwt" | "opaque";
  readonly ttl: number;
  readonly jwks: { readonly keys: readonly JWK[] } | null;
  readonly facts: StoredFacts;
};

export const readClient = async (database: Database, clientId: string): Promise<ClientRegistration | undefined> => {
  const rows = await database.statement<{ found: ClientRegistration | null }>(
    "oauth.client",
    "select client_facts($1, $2) as found",
    [hostTenant, clientId],
  );
  return rows[0]?.found ?? undefined;
};

export type NewAccessToken = {
  readonly id: string;
  readonly hash: Buffer;
  readonly owner: { readonly kind: PrincipalKind; readonly id: PrincipalId };
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
  /** What introspection says beyond the columns. */
  readonly extra?: object;
  readonly createTime: Date;
  readonly expireTime: Date;
};

export const insertAccessToken = async (tx: Tx, token: NewAccessToken): Promise<void> => {
  await tx.query(
    "oauth.insert_access_token",
    `insert into access_tokens (tenant_id, id, hash, owner_kind, owner_id, client_id, scopes, audience, create_time, expire_time, extra)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      tx.tenant,
      token.id,
      token.hash,
      token.owner.kind,
      token.owner.id,
      token.clientId,
      token.scopes,
      token.audience,
      token.createTime,
      token.expireTime,
      token.extra === undefined ? null : JSON.stringify(token.extra),
    ],
  );
};

/** A stored token, alive or dead: what revocation must know before it decides. */
export type StoredToken = {
  readonly id: string;
  readonly owner_kind: PrincipalKind;
  readonly owner_id: PrincipalId;
  readonly client_id: string | null;
};

const tables = {
  access_token: { find: "select id, owner_kind, owner_id, client_id from access_tokens", end: "update access_tokens" },
  api_token: { find: "select id, owner_kind, owner_id, null as client_id from api_tokens", end: "update api_tokens" },
} as const satisfies Partial<Record<VerifiableKind, unknown>>;

export type StoredTokenKind = keyof typeof tables;

export const findToken = async (tx: Tx, kind: StoredTokenKind, hash: Buffer): Promise<StoredToken | undefined> => {
  const rows = await tx.query<StoredToken>(
    `oauth.find_${kind}`,
    `${tables[kind].find} where tenant_id = $1 and hash = $2`,
    [tx.tenant, hash],
  );
  return rows[0];
};

/** True for the one call that ended it. */
export const endToken = async (tx: Tx, kind: StoredTokenKind, id: string, now: Date): Promise<boolean> => {
  const rows = await tx.query(
    `oauth.end_${kind}`,
    `${tables[kind].end} set revoke_time = $3 where tenant_id = $1 and id = $2 and revoke_time is null and expire_time > $3 returning id`,
    [tx.tenant, id, now],
  );
  return rows.length === 1;
};

/** True for the one call that ended it. The row is kept until the token would have expired anyway. */
export const endJwt = async (tx: Tx, jti: string, now: Date, expires: Date): Promise<boolean> => {
  const rows = await tx.query(
    "oauth.end_jwt",
    `insert into revoked_tokens (tenant_id, jti, revoke_time, expire_time) values ($1, $2, $3, $4)
     on conflict do nothing returning jti`,
    [tx.tenant, jti, now, expires],
  );
  return rows.length === 1;
};
