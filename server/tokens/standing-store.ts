/** The SQL of the verify path's cold side: one statement for one credential (migrations: `credential_facts`, `jwt_facts`). */
import { hostTenant, type PrincipalId, type PrincipalKind, type TenantId } from "../../core/ids.ts";
import type { StoredFacts } from "../authority/store.ts";
import type { Database } from "../platform/database/database.ts";
import { digestOctets } from "./digest.ts";
import type { VerifiedJwt } from "./access-token.ts";
import type { PresentedSecret } from "./secret-text.ts";

/** A stored credential with its owner's facts. Times are ms since the epoch. */
export type StoredCredential = {
  readonly id: string;
  readonly client_id: string | null;
  readonly scopes: readonly string[];
  readonly audience?: readonly string[];
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

export const readCredential = async (
  database: Database,
  presented: PresentedSecret,
): Promise<StoredCredential | undefined> => {
  const rows = await database.statement<{ found: StoredCredential | null }>(
    "tokens.credential",
    "select credential_facts($1, $2, $3, $4) as found",
    [hostTenant, presented.tenant, presented.kind, digestOctets(presented.digest)],
  );
  return rows[0]?.found ?? undefined;
};

export type StoredJwtStanding = { readonly revoked: boolean; readonly facts: StoredFacts };

export const readJwtStanding = async (
  database: Database,
  tenant: TenantId,
  { claims, principal }: VerifiedJwt,
): Promise<StoredJwtStanding | undefined> => {
  const rows = await database.statement<{ found: StoredJwtStanding }>(
    "tokens.jwt",
    "select jwt_facts($1, $2, $3, $4, $5) as found",
    [hostTenant, tenant, claims.jti, principal.kind, principal.id],
  );
  return rows[0]?.found;
};
