/** The SQL of authorization requests under way, of what is asked about the human who answers them, and of the codes they end in. */
import type { PrincipalId, TenantId } from "../../../core/ids.ts";
import type { AuditEntry } from "../../audit/model.ts";
import { entryRow } from "../../audit/store.ts";
import type { SignInPolicy } from "../../policies/model.ts";
import type { Database, Tx } from "../../platform/database/database.ts";
import type { Session } from "../../sessions/model.ts";
import { type SessionKey, sessionOf, type StoredSession } from "../../sessions/store.ts";
import type { ClaimsRequest } from "../grants/model.ts";
import { type GrantRequest, type GrantStatements, runGrants } from "../grants/store.ts";
import type { Form } from "../protocol.ts";
import type { StoredRequest } from "./model.ts";

export type NewRequest = {
  readonly id: string;
  readonly hash: Buffer;
  readonly application: string;
  readonly via: "pushed" | "page";
  readonly parameters: Form;
  readonly dpopJkt: string | null;
  readonly createTime: Date;
  readonly expireTime: Date;
  readonly session: string | null;
  readonly bound: TenantId | null;
};

export const insertRequest = async (tx: Tx, request: NewRequest): Promise<void> => {
  await tx.query(
    "authorize.insert_request",
    `insert into authorization_requests
       (tenant_id, id, hash, application_id, via, parameters, dpop_jkt, create_time, expire_time, session_id, bound_tenant_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      tx.tenant,
      request.id,
      request.hash,
      request.application,
      request.via,
      JSON.stringify(request.parameters),
      request.dpopJkt,
      request.createTime,
      request.expireTime,
      request.session,
      request.bound,
    ],
  );
};

type StoredRow = {
  readonly tenant: TenantId;
  readonly id: string;
  readonly application: string;
  readonly parameters: Form;
  readonly dpop_jkt: string | null;
  readonly created: number;
  readonly expires: number;
  readonly session: string | null;
  readonly bound: TenantId | null;
  readonly consented: number | null;
  readonly scopes: readonly string[] | null;
  readonly finished: boolean;
};

/** The request as it waits; undefined where there is none, or where it has been finished. */
export const readStoredRequest = async (
  database: Database,
  tenant: TenantId,
  handle: string,
  hash: Buffer,
): Promise<StoredRequest | undefined> => {
  const [row] = await database.statement<{ found: StoredRow | null }>(
    "authorize.request",
    "select authorization_request($1, $2) as found",
    [tenant, hash],
  );
  const found = row?.found ?? undefined;
  if (found === undefined || found.finished) return undefined;
  return {
    tenant: found.tenant,
    id: found.id,
    handle,
    application: found.application,
    parameters: found.parameters,
    dpopJkt: found.dpop_jkt,
    createTime: found.created,
    expireTime: found.expires,
    session: found.session,
    bound: found.bound,
    consentTime: found.consented,
    scopes: found.scopes,
  };
};

/** What a session's human has answered; what another's had is gone with it. False where the request does not wait any more. */
export type Answers = {
  readonly session: string | null;
  readonly bound: TenantId | null;
  readonly consentTime: Date | null;
  readonly scopes: readonly string[] | null;
  readonly expireTime: Date;
};

export const answerRequest = async (tx: Tx, id: string, answers: Answers, now: Date): Promise<boolean> => {
  const rows = await tx.query(
    "authorize.answer_request",
    `update authorization_requests
        set session_id = $3, bound_tenant_id = $4, consent_time = $5, scopes = $6, expire_time = greatest(expire_time, $7)
      where tenant_id = $1 and id = $2 and finish_time is null and expire_time > $8 returning id`,
    [tx.tenant, id, answers.session, answers.bound, answers.consentTime, answers.scopes, answers.expireTime, now],
  );
  return rows.length === 1;
};

/** Single use (invariant 3): true for the one visit that finished it. */
export const finishRequest = async (tx: Tx, id: string, now: Date): Promise<boolean> => {
  const rows = await tx.query(
    "authorize.finish_request",
    `update authorization_requests set finish_time = $3
      where tenant_id = $1 and id = $2 and finish_time is null and expire_time > $3 returning id`,
    [tx.tenant, id, now],
  );
  return rows.length === 1;
};

export type StoredFacts = {
  readonly bound: TenantId | null;
  readonly several: boolean;
  readonly policy: Partial<SignInPolicy> | null;
  readonly consent: {
    readonly scopes: readonly string[];
    readonly declined: readonly string[];
    readonly details: readonly object[] | null;
  } | null;
  readonly identity_source: string | null;
  readonly totp: boolean;
  readonly passkey: boolean;
};

type Human = { readonly home: TenantId; readonly user: PrincipalId };

/** `bound` null: whichever tenant is the only one. */
export const readFacts = async (
  database: Database,
  human: Human,
  bound: TenantId | null,
  clientId: string,
): Promise<StoredFacts> => {
  const [row] = await database.statement<{ facts: StoredFacts }>(
    "authorize.facts",
    "select authorize_facts($1, $2, $3, $4) as facts",
    [human.home, human.user, bound, clientId],
  );
  if (row === undefined) throw new Error("authorize_facts answered nothing");
  return row.facts;
};

type StoredVisit = { readonly session: StoredSession | null; readonly facts: StoredFacts | null };

/** The session and what is known of its human, in one statement; undefined where there is no such session. */
export const readVisit = async (
  database: Database,
  { home, user, hash }: SessionKey,
  now: number,
  bound: TenantId | null,
  clientId: string,
): Promise<{ readonly session: Session; readonly facts: StoredFacts } | undefined> => {
  const [row] = await database.statement<{ visit: StoredVisit }>(
    "authorize.visit",
    "select authorize_visit($1, $2, $3, $4, $5, $6) as visit",
    [home, user, hash, new Date(now), bound, clientId],
  );
  const { session, facts } = row?.visit ?? { session: null, facts: null };
  return session === null || facts === null ? undefined : { session: sessionOf(session), facts };
};

export type NewCode = {
  readonly id: string;
  readonly hash: Buffer;
  readonly user: PrincipalId;
  readonly session: string;
  readonly clientTenant: TenantId;
  readonly application: string;
  readonly clientId: string;
  readonly bound: TenantId;
  readonly redirectUri: string;
  readonly redirectUriGiven: boolean;
  readonly codeChallenge: string | null;
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
  readonly details: readonly object[];
  readonly claims: ClaimsRequest | null;
  readonly nonce: string | null;
  readonly acr: string;
  readonly methods: readonly string[];
  readonly authTime: Date;
  readonly dpopJkt: string | null;
  readonly createTime: Date;
  readonly expireTime: Date;
};

/**
 * Issues the code with its entry in the record: together with other grants, or inside a transaction of any tenant. False where the
 * session has ended meanwhile.
 */
export const issueCode = async (
  from: GrantStatements | Tx,
  home: TenantId,
  code: NewCode,
  entry: AuditEntry,
): Promise<boolean> => {
  const request: GrantRequest = [
    "issue",
    home,
    code.id,
    code.hash.toString("hex"),
    code.user,
    code.session,
    code.clientTenant,
    code.application,
    code.clientId,
    code.bound,
    code.redirectUri,
    code.redirectUriGiven,
    code.codeChallenge,
    code.scopes,
    code.audience,
    code.details.length === 0 ? null : code.details,
    code.claims,
    code.nonce,
    code.acr,
    code.methods,
    code.authTime.getTime(),
    code.dpopJkt,
    code.createTime.getTime(),
    code.expireTime.getTime(),
    entryRow(entry),
  ];
  const [issued] = "query" in from ? await runGrants(from, [request]) : [await from.run(request)];
  return issued === true;
};

export type NewConsent = {
  readonly user: PrincipalId;
  readonly clientId: string;
  readonly bound: TenantId;
  readonly scopes: readonly string[];
  readonly declined: readonly string[];
  /** Agreed to before, and taken back by what is declined now. */
  readonly takenBack: readonly string[];
  readonly details: readonly object[];
  readonly now: Date;
};

/** What was agreed to before stays agreed to, unless it was declined now; details are those of the last time. */
export const keepConsent = async (tx: Tx, consent: NewConsent): Promise<void> => {
  await tx.query(
    "authorize.keep_consent",
    `insert into consents (tenant_id, user_id, client_id, bound_tenant_id, scopes, authorization_details, create_time, update_time,
       declined_scopes)
     values ($1, $2, $3, $4, $5, $6, $7, $7, $8)
     on conflict (tenant_id, user_id, client_id, bound_tenant_id) do update
       set scopes = array(select unnest(consents.scopes) except select unnest($9::text[]) union select unnest(excluded.scopes)),
           declined_scopes = array(select unnest(consents.declined_scopes) union select unnest(excluded.declined_scopes)
             except select unnest(excluded.scopes)),
           authorization_details = coalesce(excluded.authorization_details, consents.authorization_details), update_time = excluded.update_time`,
    [
      tx.tenant,
      consent.user,
      consent.clientId,
      consent.bound,
      consent.scopes,
      consent.details.length === 0 ? null : JSON.stringify(consent.details),
      consent.now,
      consent.declined,
      consent.takenBack,
    ],
  );
};
