/** All SQL of sessions, and of ending what came of them. */
import type { PrincipalId, TenantId } from "../../core/ids.ts";
import type { Database, Tx } from "../platform/database/database.ts";
import type { Acr, Method, Session } from "./model.ts";

/** As `find_session` of the migrations answers. */
export type StoredSession = {
  readonly tenant: TenantId;
  readonly id: string;
  readonly user: PrincipalId;
  readonly state: Session["state"];
  readonly methods: readonly Method[];
  readonly acr: Acr;
  readonly authenticated: number;
  readonly created: number;
};

export const sessionOf = (found: StoredSession): Session => ({
  home: found.tenant,
  id: found.id,
  user: found.user,
  state: found.state,
  methods: found.methods,
  acr: found.acr,
  authTime: Math.round(found.authenticated),
  createTime: Math.round(found.created),
});

/** Where a cookie says its session lives, and what it is found by. */
export type SessionKey = { readonly home: TenantId; readonly user: PrincipalId; readonly hash: Buffer };

const find = "select find_session($1, $2, $3, $4) as found";

export const readSession = async (database: Database, key: SessionKey, now: number): Promise<Session | undefined> => {
  const values = [key.home, key.user, key.hash, new Date(now)];
  const [row] = await database.statement<{ found: StoredSession | null }>("sessions.find", find, values);
  return row?.found ? sessionOf(row.found) : undefined;
};

export const readSessionIn = async (tx: Tx, key: SessionKey, now: number): Promise<Session | undefined> => {
  const values = [key.home, key.user, key.hash, new Date(now)];
  const [row] = await tx.query<{ found: StoredSession | null }>("sessions.find", find, values);
  return row?.found ? sessionOf(row.found) : undefined;
};

export type SessionRow = {
  readonly id: string;
  readonly user: PrincipalId;
  readonly hash: Buffer;
  readonly state: Session["state"];
  readonly methods: readonly Method[];
  readonly acr: Acr;
  readonly userAgent: string;
  readonly address: string;
  readonly now: Date;
  readonly expireTime: Date;
  readonly idleSeconds: number;
};

export const insertSession = async (tx: Tx, row: SessionRow): Promise<void> => {
  await tx.query(
    "sessions.insert",
    `insert into sessions (tenant_id, id, user_id, secret_hash, state, methods, acr, auth_time, user_agent, address, create_time,
       seen_time, expire_time, idle_seconds) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $8, $8, $11, $12)`,
    [
      tx.tenant,
      row.id,
      row.user,
      row.hash,
      row.state,
      row.methods,
      row.acr,
      row.now,
      row.userAgent,
      row.address,
      row.expireTime,
      row.idleSeconds,
    ],
  );
};

export type SessionChange = {
  readonly hash: Buffer;
  readonly state: Session["state"];
  readonly methods: readonly Method[];
  readonly acr: Acr;
  readonly authTime: Date;
  readonly now: Date;
  /** Null leaves it. */
  readonly expireTime: Date | null;
  readonly idleSeconds: number;
};

/** False where the session has ended or changed meanwhile, or is over. */
export const changeSession = async (tx: Tx, session: Session, change: SessionChange): Promise<boolean> => {
  const rows = await tx.query(
    "sessions.change",
    `update sessions set secret_hash = $4, state = $5, methods = $6, acr = $7, auth_time = $8, seen_time = $9,
       expire_time = coalesce($10, expire_time), idle_seconds = $11
      where tenant_id = $1 and id = $2 and user_id = $3 and state = $12 and expire_time > $9 returning id`,
    [
      tx.tenant,
      session.id,
      session.user,
      change.hash,
      change.state,
      change.methods,
      change.acr,
      change.authTime,
      change.now,
      change.expireTime,
      change.idleSeconds,
      session.state,
    ],
  );
  return rows.length === 1;
};

/** The live sessions of a user that end here: the one, or all but one. */
export type WhichSessions = { readonly id: string } | { readonly user: PrincipalId; readonly except: string | null };

/** Holds the session until the transaction ends: false where it has ended. Whoever ends it waits, or has been waited for. */
export const holdSession = async (tx: Tx, { id, user }: Pick<Session, "id" | "user">): Promise<boolean> => {
  const rows = await tx.query(
    "sessions.hold",
    "select id from sessions where tenant_id = $1 and id = $2 and user_id = $3 and state <> 'ended' for update",
    [tx.tenant, id, user],
  );
  return rows.length === 1;
};

export const closeSessions = async (
  tx: Tx,
  which: WhichSessions,
  now: Date,
): Promise<readonly { readonly id: string; readonly user: PrincipalId }[]> =>
  "id" in which
    ? tx.query(
        "sessions.close_one",
        `update sessions set state = 'ended', end_time = $3 where tenant_id = $1 and id = $2 and state <> 'ended'
         returning id, user_id as "user"`,
        [tx.tenant, which.id, now],
      )
    : tx.query(
        "sessions.close_all",
        `update sessions set state = 'ended', end_time = $4
          where tenant_id = $1 and user_id = $2 and state <> 'ended' and ($3::uuid is null or id <> $3)
         returning id, user_id as "user"`,
        [tx.tenant, which.user, which.except, now],
      );

/** Codes that were not redeemed yet: nobody will. */
export const dropCodes = async (tx: Tx, user: PrincipalId, sessions: readonly string[] | null): Promise<void> => {
  await tx.query(
    "sessions.drop_codes",
    `delete from authorization_codes
      where tenant_id = $1 and user_id = $2 and redeem_time is null and ($3::uuid[] is null or session_id = any($3))`,
    [tx.tenant, user, sessions],
  );
};

/** What takes part in a session: a client, by where it lives. */
export type Participant = {
  readonly session: string;
  readonly clientTenant: TenantId;
  readonly application: string;
};

/** The applications that were given tokens because of these sessions, whatever has become of the tokens. */
export const participantsOf = async (
  tx: Tx,
  user: PrincipalId,
  sessions: readonly string[],
): Promise<readonly Participant[]> =>
  tx.query(
    "sessions.participants",
    `select distinct session_id as "session", client_tenant_id as "clientTenant", application_id as "application"
       from token_families where tenant_id = $1 and user_id = $2 and session_id = any($3)`,
    [tx.tenant, user, sessions],
  );

/** Ends the families of these sessions that end with them. */
export const revokeFamiliesOf = async (
  tx: Tx,
  user: PrincipalId,
  sessions: readonly string[],
  reason: string,
  now: Date,
): Promise<number> =>
  (
    await tx.query(
      "sessions.revoke_families",
      `update token_families set revoke_time = $4, revoke_reason = $5
        where tenant_id = $1 and user_id = $2 and session_id = any($3) and not offline and revoke_time is null returning id`,
      [tx.tenant, user, sessions, now, reason],
    )
  ).length;

/** Ends every family of the user, offline and those without a session too, but for those of the session `except`. */
export const revokeAllFamilies = async (
  tx: Tx,
  user: PrincipalId,
  except: string | null,
  reason: string,
  now: Date,
): Promise<number> =>
  (
    await tx.query(
      "sessions.revoke_all_families",
      `update token_families set revoke_time = $4, revoke_reason = $5
        where tenant_id = $1 and user_id = $2 and ($3::uuid is null or session_id is distinct from $3) and revoke_time is null
       returning id`,
      [tx.tenant, user, except, now, reason],
    )
  ).length;

const enterTenant = "select set_config('countersign.tenant', $1, true)";

/**
 * Of these applications those that want to hear of a session's end. They live in other tenants, so the transaction is in theirs for one
 * statement each, and back in its own; should one fail, so has the transaction.
 */
export const listenersAmong = async (tx: Tx, found: readonly Participant[]): Promise<readonly Participant[]> => {
  const listening: Participant[] = [];
  for (const tenant of new Set(found.map((one) => one.clientTenant))) {
    const here = found.filter((one) => one.clientTenant === tenant);
    await tx.query("sessions.enter_tenant", enterTenant, [tenant]);
    const rows = await tx.query<{ id: string }>(
      "sessions.listeners",
      `select id from applications
        where tenant_id = $1 and id = any($2) and state = 'active' and metadata ->> 'backchannel_logout_uri' is not null`,
      [tenant, [...new Set(here.map((one) => one.application))]],
    );
    const ids = new Set(rows.map((row) => row.id));
    listening.push(...here.filter((one) => ids.has(one.application)));
  }
  await tx.query("sessions.enter_tenant", enterTenant, [tx.tenant]);
  return listening;
};

export type LogoutNotice = Participant & {
  readonly id: string;
  readonly user: PrincipalId;
  readonly now: Date;
  readonly expireTime: Date;
};

export const insertLogoutNotice = async (tx: Tx, notice: LogoutNotice): Promise<void> => {
  await tx.query(
    "sessions.logout_notice",
    `insert into logout_notices (tenant_id, id, user_id, session_id, client_tenant_id, application_id, create_time,
       next_attempt_time, expire_time) values ($1, $2, $3, $4, $5, $6, $7, $7, $8)`,
    [
      tx.tenant,
      notice.id,
      notice.user,
      notice.session,
      notice.clientTenant,
      notice.application,
      notice.now,
      notice.expireTime,
    ],
  );
};
