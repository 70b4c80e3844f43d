/**
 * The tokens of a grant. What is stored of them is made before the statement that spends the code or the refresh token; what is signed is
 * signed after it, outside of any transaction that need not wait for it.
 */
import { type PrincipalId, principalRef, type TenantId } from "../../../core/ids.ts";
import type { Client } from "../../clients/model.ts";
import { seconds } from "../../platform/clock.ts";
import { newId } from "../../platform/random.ts";
import { signAccessToken } from "../../tokens/access-token.ts";
import { newSecret } from "../../tokens/secret-text.ts";
import { makeIdToken } from "../id-token.ts";
import type { GrantNeeds, TokenAnswer } from "./model.ts";
import type { NewTokens, StoredHuman, StoredSpec } from "./store.ts";

/** Tokens about to be: `stored` goes into the statement, the texts to the client when it has happened. */
export type Prepared = {
  readonly stored: NewTokens;
  readonly refreshText: string | undefined;
  /** Undefined where the access token is a JWT, which is signed later. */
  readonly accessText: string | undefined;
};

export type Preparing = {
  readonly client: Client;
  readonly home: TenantId;
  readonly user: PrincipalId;
  /** The tenant an opaque access token is for; undefined for a JWT. */
  readonly bound: TenantId | undefined;
  readonly withRefresh: boolean;
  readonly now: number;
};

export const prepareTokens = ({ client, home, user, bound, withRefresh, now }: Preparing): Prepared => {
  const { access_token_ttl_seconds, refresh_token_ttl_seconds } = client.metadata;
  const refresh = withRefresh ? newSecret("refresh_token", home, user) : undefined;
  const access = bound === undefined ? undefined : newSecret("access_token", bound, user);
  const accessExpires = new Date(now + access_token_ttl_seconds * 1000);
  return {
    stored: {
      refresh: refresh && { id: newId(), hash: refresh.hash },
      familyExpires: withRefresh ? new Date(now + refresh_token_ttl_seconds * 1000) : accessExpires,
      jti: newId(),
      accessHash: access?.hash,
      accessExpires,
    },
    refreshText: refresh?.text,
    accessText: access?.text,
  };
};

/** What has been granted, and what of it this access token carries. */
export type Made = {
  readonly client: Client;
  readonly user: PrincipalId;
  readonly human: StoredHuman;
  readonly family: string;
  readonly spec: StoredSpec;
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
  readonly details: readonly object[] | null;
  readonly jkt: string | null;
  readonly refreshed: boolean;
  readonly prepared: Prepared;
  readonly now: number;
};

const accessTokenOf = (needs: GrantNeeds, made: Made): string => {
  if (made.prepared.accessText !== undefined) return made.prepared.accessText;
  const { spec, audience, details, now } = made;
  return signAccessToken(needs.keys.current(), {
    iss: needs.issuer,
    sub: principalRef("human", made.user),
    aud: audience.length === 1 ? (audience[0] ?? needs.issuer) : audience,
    client_id: made.client.clientId,
    iat: seconds(now),
    exp: seconds(now) + made.client.metadata.access_token_ttl_seconds,
    jti: made.prepared.stored.jti,
    scope: made.scopes.join(" "),
    family: made.family,
    acr: spec.acr,
    amr: spec.methods,
    auth_time: seconds(spec.auth_time),
    ...(made.jkt === null ? {} : { cnf: { jkt: made.jkt } }),
    ...(details === null || details.length === 0 ? {} : { authorization_details: details }),
    tenant_id: spec.bound,
  });
};

export const makeAnswer = async (needs: GrantNeeds, made: Made): Promise<TokenAnswer> => {
  const { scopes, details, prepared } = made;
  const accessToken = accessTokenOf(needs, made);
  const subject = { ...made, accessToken };
  return {
    access_token: accessToken,
    token_type: made.jkt === null ? "Bearer" : "DPoP",
    expires_in: made.client.metadata.access_token_ttl_seconds,
    scope: scopes.join(" "),
    ...(prepared.refreshText === undefined ? {} : { refresh_token: prepared.refreshText }),
    // §12.2 of OIDC Core: whatever part of the scope the new access token has, who signed in has not changed.
    ...(made.spec.scopes.includes("openid") ? { id_token: await makeIdToken(needs, subject, made.now) } : {}),
    ...(details === null || details.length === 0 ? {} : { authorization_details: details }),
  };
};
