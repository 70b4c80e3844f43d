/**
 * Applications: OAuth clients that people use (design §1: an OAuth client is an *application* over REST). Service accounts are clients
 * too, and authenticate in the same ways, but are principals; an application is none.
 *
 *     active ⇄ disabled → deleted
 */
import type { NodeId, TenantId } from "../../core/ids.ts";
import type { JWK } from "jose";

/** RFC 7591 §2, RFC 9449 §5.2, RFC 9126 §6, OpenID registration: exactly what is kept, in the registry's names. All resolved: defaults are filled in when written. */
export type ClientMetadata = {
  readonly redirect_uris: readonly string[];
  readonly post_logout_redirect_uris: readonly string[];
  readonly grant_types: readonly GrantType[];
  readonly response_types: readonly "code"[];
  readonly token_endpoint_auth_method: AuthMethod;
  readonly token_endpoint_auth_signing_alg: string | null;
  readonly application_type: "web" | "native";
  /** What its tokens may at most carry: OpenID scopes and permission patterns. */
  readonly scope: string;
  readonly client_uri: string | null;
  readonly logo_uri: string | null;
  readonly policy_uri: string | null;
  readonly tos_uri: string | null;
  readonly contacts: readonly string[];
  readonly jwks: { readonly keys: readonly JWK[] } | null;
  readonly jwks_uri: string | null;
  readonly software_id: string | null;
  readonly software_version: string | null;
  readonly id_token_signed_response_alg: IdTokenAlg;
  readonly request_object_signing_alg: string | null;
  readonly require_signed_request_object: boolean;
  readonly require_pushed_authorization_requests: boolean;
  readonly dpop_bound_access_tokens: boolean;
  readonly authorization_details_types: readonly string[];
  readonly default_max_age: number | null;
  readonly default_acr_values: readonly string[];
  readonly backchannel_logout_uri: string | null;
  readonly backchannel_logout_session_required: boolean;
  /** Ours. */
  readonly access_token_format: "jwt" | "opaque";
  readonly access_token_ttl_seconds: number;
  readonly refresh_token_ttl_seconds: number;
  /** `fixed` only for confidential clients with sender-constrained tokens (FAPI 2.0). */
  readonly refresh_token_rotation: "rotate" | "fixed";
  /** A confidential client may be registered exempt (OAuth 2.1 §7.6). */
  readonly require_pkce: boolean;
};

export type GrantType =
  | "authorization_code"
  | "refresh_token"
  | "urn:ietf:params:oauth:grant-type:device_code"
  /** gRPC `IssueToken` only, for first-party applications a tenant enables; never at the token endpoint. */
  | "password";
export type AuthMethod = "none" | "client_secret_basic" | "client_secret_post" | "private_key_jwt";
export type IdTokenAlg = "RS256" | "ES256" | "PS256" | "EdDSA";

export type Application = {
  readonly tenant: TenantId;
  readonly id: string;
  readonly node: { readonly id: NodeId; readonly type: string };
  readonly clientId: string;
  readonly displayName: string;
  readonly state: "active" | "disabled";
  readonly source: "managed" | "registered" | "metadata_document";
  readonly firstParty: boolean;
  readonly metadata: ClientMetadata;
  readonly revision: number;
  readonly createTime: Date;
  readonly updateTime: Date;
};

export const collection = "applications";

/** What the protocol endpoints need of a client, read in one cached lookup (`application_facts` of migration 0002). */
export type Client = {
  readonly tenant: TenantId;
  readonly id: string;
  readonly clientId: string;
  readonly displayName: string;
  readonly source: Application["source"];
  readonly firstParty: boolean;
  readonly metadata: ClientMetadata;
  /** SHA-256 of each live secret, hex, and its expiry in ms, null for none. */
  readonly secrets: readonly (readonly [string, number | null])[];
};
