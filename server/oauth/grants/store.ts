/** All SQL of token families. Each function of migration 0005 is one statement, and sets the tenants it is about itself. */
import type { PrincipalId, TenantId } from "../../../core/ids.ts";
import type { Database, Tx } from "../../platform/database/database.ts";
import type { Acr, Method } from "../../sessions/model.ts";
import type { ClaimsRequest, EndReason } from "./model.ts";

/** What ID tokens, userinfo and the record say of the human. */
export type StoredHuman = {
  readonly source: string;
  readonly email: string;
  readonly email_verified: boolean;
  readonly name: string;
  readonly locale: string | null;
  /** Seconds since the epoch. */
  readonly updated: number;
};

/** What a family is for, as far as making its tokens needs it. */
export type StoredSpec = {
  readonly session: string | null;
  readonly bound: TenantId;
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
  readonly details: readonly object[] | null;
  readonly claims: ClaimsRequest | null;
  readonly nonce: string | null;
  readonly acr: Acr;
  readonly methods: readonly Method[];
  /** ms since the epoch. */
  readonly auth_time: number;
};

/** What is written with a grant: the next refresh token, and the opaque access token, where there are such. */
export type NewTokens = {
  readonly refresh: { readonly id: string; readonly hash: Buffer } | undefined;
  /** When the refresh token expires; where there is none, when the access token does. */
  readonly familyExpires: Date;
  readonly jti: string;
  readonly accessHash: Buffer | undefined;
  readonly accessExpires: Date;
};

/** A statement on its own, or inside a transaction, whichever tenant that was opened for. */
type Asking = <Row>(name: string, sql: string, values: readonly unknown[]) => Promise<readonly Row[]>;
const over =
  (from: Database | Tx): Asking =>
  (name, sql, values) =>
    "query" in from ? from.query(name, sql, values) : from.statement(name, sql, values);

export type Refused<E extends string> = { readonly error: E; readonly family?: string | null; readonly user?: string };
export type StandingError = "user" | "session" | "membership";

export type Opening = {
  readonly home: TenantId;
  readonly user: PrincipalId;
  readonly family: string;
  readonly spec: StoredSpec & {
    readonly offline: boolean;
    readonly client_tenant: TenantId;
    readonly application: string;
    readonly client_id: string;
  };
  readonly now: Date;
  readonly tokens: NewTokens;
  readonly jkt: string | null;
  /** Whether the refresh tokens are bound to that key too. */
  readonly bind: boolean;
  readonly credential: string;
  readonly requestId: string;
};

export const insertFamily = async (
  from: Database | Tx,
  opening: Opening,
): Promise<StoredHuman | Refused<StandingError>> => {
  const { tokens } = opening;
  const rows = await over(from)<{ opened: StoredHuman | Refused<StandingError> }>(
    "families.open",
    "select open_family($1, $2, $3, $4::jsonb, $5, $6, $7, $8, $9, $10, $11, null, $12, $13, $14, $15) as opened",
    [
      opening.home,
      opening.user,
      opening.family,
      JSON.stringify(opening.spec),
      opening.now,
      tokens.refresh?.id ?? null,
      tokens.refresh?.hash ?? null,
      tokens.familyExpires,
      tokens.jti,
      tokens.accessHash ?? null,
      tokens.accessExpires,
      opening.jkt,
      opening.bind,
      opening.credential,
      opening.requestId,
    ],
  );
  return rows[0]?.opened ?? { error: "user" };
};

type Presenting = {
  readonly home: TenantId;
  readonly hash: Buffer;
  readonly client: { readonly tenant: TenantId; readonly id: string };
  /** The key that was proven. */
  readonly jkt: string | null;
  readonly now: Date;
  readonly tokens: NewTokens;
  /** What the token shall be for, where that is less than what was granted. */
  readonly audience: readonly string[] | null;
  readonly requestId: string;
};

export type Granted = { readonly human: StoredHuman; readonly user: PrincipalId; readonly spec: StoredSpec };
export type CodeError =
  | "unknown"
  | "unchallenged"
  | "verifier"
  | "redirect_uri"
  | "key"
  | "replayed"
  | "expired"
  | "target";

/** What `run_grants` is asked, an array of it at a time. */
export type GrantRequest = readonly ["rotate" | "redeem" | "issue", ...(readonly unknown[])];

/** Runs grants, alone or together with others (`grant-statements.ts`). */
export type GrantStatements = { run(request: GrantRequest): Promise<unknown> };

/** Several grants in one statement, answered in order. */
export const runGrants = async (
  from: Database | Tx,
  requests: readonly GrantRequest[],
): Promise<readonly unknown[]> => {
  const rows = await over(from)<{ answers: readonly unknown[] }>(
    "families.run",
    "select run_grants($1::jsonb) as answers",
    [JSON.stringify(requests)],
  );
  return rows[0]?.answers ?? [];
};

const hex = (hash: Buffer | undefined): string | null => hash?.toString("hex") ?? null;

export const redeemCodeIn = async (
  statements: GrantStatements,
  presenting: Presenting & {
    readonly redirectUri: string | null;
    readonly challenge: string | null;
    readonly issuer: string;
    readonly family: string;
    readonly bind: boolean;
  },
): Promise<Granted | Refused<CodeError | StandingError>> => {
  const { tokens } = presenting;
  const answer = await statements.run([
    "redeem",
    presenting.home,
    hex(presenting.hash),
    presenting.client.tenant,
    presenting.client.id,
    presenting.redirectUri,
    presenting.challenge,
    presenting.issuer,
    presenting.now.getTime(),
    presenting.family,
    tokens.refresh?.id ?? null,
    hex(tokens.refresh?.hash),
    tokens.familyExpires.getTime(),
    tokens.jti,
    hex(tokens.accessHash),
    tokens.accessExpires.getTime(),
    presenting.audience,
    presenting.jkt,
    presenting.bind,
    presenting.requestId,
  ]);
  return answer as Granted | Refused<CodeError | StandingError>;
};

/** The tenant the code's tokens will be for; undefined where there is no such code. */
export const readCodeTenant = async (
  database: Database,
  home: TenantId,
  hash: Buffer,
): Promise<TenantId | undefined> => {
  const rows = await database.statement<{ bound: TenantId | null }>(
    "families.code_tenant",
    "select code_tenant($1, $2) as bound",
    [home, hash],
  );
  return rows[0]?.bound ?? undefined;
};

export type RefreshError = "unknown" | "key" | "ended" | "reused" | "expired";

export const rotateRefreshTokenIn = async (
  statements: GrantStatements,
  presenting: Presenting & {
    readonly rotate: boolean;
    readonly scopes: readonly string[] | null;
    readonly details: readonly object[] | null;
  },
): Promise<(Granted & { readonly family: string }) | Refused<RefreshError | StandingError>> => {
  const { tokens } = presenting;
  const answer = await statements.run([
    "rotate",
    presenting.home,
    hex(presenting.hash),
    presenting.client.tenant,
    presenting.client.id,
    presenting.jkt,
    presenting.rotate,
    presenting.now.getTime(),
    tokens.refresh?.id ?? null,
    hex(tokens.refresh?.hash),
    tokens.familyExpires.getTime(),
    tokens.jti,
    hex(tokens.accessHash),
    tokens.accessExpires.getTime(),
    presenting.scopes,
    presenting.audience,
    presenting.details,
    presenting.requestId,
  ]);
  return answer as (Granted & { readonly family: string }) | Refused<RefreshError | StandingError>;
};

/** A refresh token, alive or dead, and what it may at most be exchanged for. */
export type RefreshGrant = {
  readonly family: string;
  readonly user: PrincipalId;
  readonly client_tenant: TenantId;
  readonly application: string;
  readonly client_id: string;
  readonly bound: TenantId;
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
  readonly details: readonly object[] | null;
  readonly jkt: string | null;
  readonly ended: boolean;
  readonly used: boolean;
  /** Seconds since the epoch. */
  readonly issued: number;
  /** ms since the epoch. */
  readonly expires: number;
};

export const readRefreshGrant = async (
  from: Database | Tx,
  home: TenantId,
  hash: Buffer,
): Promise<RefreshGrant | undefined> => {
  const rows = await over(from)<{ found: RefreshGrant | null }>(
    "families.refresh_grant",
    "select refresh_token_grant($1, $2) as found",
    [home, hash],
  );
  return rows[0]?.found ?? undefined;
};

export type StoredEnding = {
  readonly home: TenantId;
  readonly id: string;
  readonly user: PrincipalId;
  readonly bound: TenantId;
  readonly client_id: string;
};

export const markEnded = async (
  tx: Tx,
  home: TenantId,
  id: string,
  reason: EndReason,
  now: Date,
): Promise<StoredEnding | undefined> => {
  const rows = await tx.query<{ ended: StoredEnding | null }>(
    "families.end",
    "select end_family($1, $2, $3, $4) as ended",
    [home, id, reason, now],
  );
  return rows[0]?.ended ?? undefined;
};

/** What a human has given one client, in the human's home tenant; for one tenant, or (null) for all. */
export const markEndedOfConsent = async (
  tx: Tx,
  user: PrincipalId,
  clientId: string,
  bound: TenantId | null,
  reason: EndReason,
  now: Date,
): Promise<readonly (readonly [TenantId, PrincipalId])[]> => {
  const rows = await tx.query<{ bound_tenant_id: TenantId }>(
    "families.end_of_consent",
    `update token_families set revoke_time = $5, revoke_reason = $6
      where tenant_id = $1 and user_id = $2 and client_id = $3 and ($4::uuid is null or bound_tenant_id = $4) and revoke_time is null
      returning bound_tenant_id`,
    [tx.tenant, user, clientId, bound, now, reason],
  );
  return rows.map((row) => [row.bound_tenant_id, user] as const);
};

export const readUserInformation = async (
  database: Database,
  bound: TenantId,
  user: PrincipalId,
  family: string,
): Promise<(StoredHuman & { readonly claims: ClaimsRequest | null }) | undefined> => {
  const rows = await database.statement<{
    found: (StoredHuman & { readonly claims: ClaimsRequest | null }) | null;
  }>("families.user_information", "select user_information($1, $2, $3) as found", [bound, user, family]);
  return rows[0]?.found ?? undefined;
};
