/**
 * Token families: what came of one authorization. Every access and refresh token that goes back to it falls with it.
 *
 *     open → (rotated …) → revoked | expired
 */
import type { PrincipalId, TenantId } from "../../../core/ids.ts";
import type { Client, GrantType } from "../../clients/model.ts";
import type { Platform } from "../../platform/platform.ts";
import type { Acr, Method } from "../../sessions/model.ts";
import type { SigningKeys } from "../../tokens/signing-keys.ts";

/** Who has authorized which client to do what, from the moment it is certain. */
export type FamilySpec = {
  readonly client: Client;
  /** The human, at home. */
  readonly home: TenantId;
  readonly user: PrincipalId;
  /** Null where there was no browser. */
  readonly session: string | null;
  /** The tenant the tokens are for. */
  readonly bound: TenantId;
  readonly scopes: readonly string[];
  /** Empty for this server itself. */
  readonly audience: readonly string[];
  readonly details: readonly object[] | null;
  /** OIDC Core §5.5, as it was asked. */
  readonly claims: ClaimsRequest | null;
  readonly nonce: string | null;
  readonly acr: Acr;
  readonly methods: readonly Method[];
  /** ms since the epoch. */
  readonly authTime: number;
  /** RFC 9449: the key whose possession was proven at the token endpoint; null where none was. */
  readonly jkt: string | null;
  /** What it came of, for the record. */
  readonly grant: GrantType;
  readonly requestId: string;
};

/** OIDC Core §5.5: per claim null, or what is asked of it. */
export type ClaimsRequest = {
  readonly id_token?: Readonly<Record<string, unknown>>;
  readonly userinfo?: Readonly<Record<string, unknown>>;
};

export type GrantNeeds = { readonly platform: Platform; readonly issuer: string; readonly keys: SigningKeys };

/** RFC 6749 §5.1, OIDC Core §3.1.3.3. */
export type TokenAnswer = {
  readonly access_token: string;
  readonly token_type: "Bearer" | "DPoP";
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
  /** RFC 9396 §7. */
  readonly authorization_details?: readonly object[];
};

/** Why a family was ended, for the record. */
export type EndReason =
  | "refresh_token_reused"
  | "code_replayed"
  | "revoked_by_client"
  | "revoked_by_user"
  | "session_ended"
  | "client_disabled"
  | "client_deleted"
  | "password_reset"
  | "signed_out_everywhere"
  | "consent_withdrawn"
  | "membership_removed";
