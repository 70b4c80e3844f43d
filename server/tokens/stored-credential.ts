/** What the database knows of a credential, and how it is asked (migrations: `credential_facts`, `jwt_facts`, by way of `look_up`). */
import type { PrincipalId, PrincipalKind, TenantId } from "../../core/ids.ts";
import type { Lookup, StoredFacts } from "../authority/store.ts";
import { digestOctets } from "./digest.ts";
import type { VerifiedJwt } from "./access-token.ts";
import type { PresentedSecret, VerifiableKind } from "./secret-text.ts";

/** What a human's access token says of how they signed in, of its key, and of what they agreed to (RFC 9068 §2.2.1, 9449 §6, 9396 §9). */
export type TokenExtra = {
  readonly acr?: string;
  readonly amr?: readonly string[];
  /** Seconds since the epoch. */
  readonly auth_time?: number;
  readonly cnf?: { readonly jkt: string };
  readonly authorization_details?: readonly object[];
};

/** What stands behind a human's access token (migrations: `family_standing`). */
export type StoredFamily = { readonly session: string | null; readonly source: string };

/** A stored credential with its owner's facts. Times are ms since the epoch. */
export type StoredCredential = {
  readonly id: string;
  readonly client_id: string | null;
  readonly scopes: readonly string[];
  readonly audience?: readonly string[];
  /** What an access token says beyond the columns; with an access token only. */
  readonly extra?: TokenExtra | null;
  /** What a human's access token came of: where, and what stands behind it. */
  readonly family_id?: string | null;
  readonly family?: StoredFamily | null;
  /** The service account's registration; with a client secret only. */
  readonly format?: "jwt" | "opaque";
  readonly ttl?: number;
  readonly issued: number;
  readonly expires: number | null;
  readonly revoked: boolean;
  readonly owner_kind: PrincipalKind;
  readonly owner: PrincipalId;
  readonly facts: StoredFacts;
};

export const credentialLookup = (presented: PresentedSecret<VerifiableKind>): Lookup => [
  "credential",
  presented.tenant,
  presented.kind,
  digestOctets(presented.digest).toString("hex"),
];

/** Whether a verified JWT has been revoked, and its subject's facts. */
export type StoredJwtStanding = {
  readonly revoked: boolean;
  readonly family?: StoredFamily | null;
  readonly facts: StoredFacts;
};

export const jwtLookup = (tenant: TenantId, { claims, principal }: VerifiedJwt): Lookup => [
  "jwt",
  tenant,
  claims.jti,
  principal.kind,
  principal.id,
  claims.family ?? null,
];
