/** What the database knows of a credential, and how it is asked (migrations: `credential_facts`, `jwt_facts`, by way of `look_up`). */
import type { PrincipalId, PrincipalKind, TenantId } from "../../core/ids.ts";
import type { Lookup, StoredFacts } from "../authority/store.ts";
import { digestOctets } from "./digest.ts";
import type { VerifiedJwt } from "./access-token.ts";
import type { PresentedSecret, VerifiableKind } from "./secret-text.ts";

/** A stored credential with its owner's facts. Times are ms since the epoch. */
export type StoredCredential = {
  readonly id: string;
  readonly client_id: string | null;
  readonly scopes: readonly string[];
  readonly audience?: readonly string[];
  /** What an access token says beyond the columns; with an access token only. */
  readonly extra?: { readonly cnf?: { readonly jkt: string } } | null;
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
export type StoredJwtStanding = { readonly revoked: boolean; readonly facts: StoredFacts };

export const jwtLookup = (tenant: TenantId, { claims, principal }: VerifiedJwt): Lookup => [
  "jwt",
  tenant,
  claims.jti,
  principal.kind,
  principal.id,
  claims.family ?? null,
];
