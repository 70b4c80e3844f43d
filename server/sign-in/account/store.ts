/** The SQL of the account's own use cases. */
import type { PrincipalId, TenantId } from "../../../core/ids.ts";
import type { Tx } from "../../platform/database/database.ts";

/** False where somebody else in the tenant has the address. */
export const changeEmail = async (tx: Tx, user: PrincipalId, email: string, now: Date): Promise<boolean> => {
  // Two that take one address at once are told one after the other.
  await tx.query("account.lock_email", "select pg_advisory_xact_lock(hashtextextended($1, 0))", [
    `address ${email.toLowerCase()} of ${tx.tenant}`,
  ]);
  const rows = await tx.query(
    "account.change_email",
    `update users u set email = $3, email_verified_time = $4, revision = revision + 1, update_time = $4
      where tenant_id = $1 and id = $2 and state = 'active' and not exists (
        select 1 from users o where o.tenant_id = $1 and lower(o.email) = lower($3) and o.id <> $2 and o.state <> 'deleted')
      returning id`,
    [tx.tenant, user, email, now],
  );
  return rows.length === 1;
};

/** The user's id is the transaction's own until it ends; true where the session is the user's and lives. */
export const ownsSession = async (tx: Tx, user: PrincipalId, id: string): Promise<boolean> =>
  (
    await tx.query(
      "account.owns_session",
      "select 1 from sessions where tenant_id = $1 and user_id = $2 and id = $3 and state <> 'ended'",
      [tx.tenant, user, id],
    )
  ).length === 1;

/** What is left of a deleted human: an id that the log still names. */
export const anonymise = async (tx: Tx, user: PrincipalId, now: Date): Promise<boolean> => {
  const rows = await tx.query(
    "account.anonymise",
    `update users set state = 'deleted', email = 'deleted-' || id || '@deleted.invalid', display_name = 'Deleted user', locale = null,
            email_verified_time = null, revision = revision + 1, update_time = $3
      where tenant_id = $1 and id = $2 and state = 'active' returning id`,
    [tx.tenant, user, now],
  );
  return rows.length === 1;
};

/** What the human agreed to, and where they were. What proves them is `removeCredentials`'. */
export const forgetTraces = async (tx: Tx, user: PrincipalId): Promise<void> => {
  await tx.query("account.delete_consents", "delete from consents where tenant_id = $1 and user_id = $2", [
    tx.tenant,
    user,
  ]);
  // Where from and with what: theirs, not the log's.
  await tx.query(
    "account.forget_places",
    "update sessions set user_agent = '', address = '' where tenant_id = $1 and user_id = $2",
    [tx.tenant, user],
  );
};

/** The address somebody was invited by is theirs, not the invitation's. */
export const forgetInvitations = async (tx: Tx, user: PrincipalId): Promise<void> => {
  await tx.query(
    "account.forget_invitations",
    `update invitations set email = 'deleted-' || id || '@deleted.invalid', display_name = null
      where tenant_id = $1 and user_id = $2`,
    [tx.tenant, user],
  );
};

const enterTenant = "select set_config('countersign.tenant', $1, true)";

/**
 * Runs the work in another tenant, inside the same transaction: a human's memberships are in every tenant they belong to, and end together.
 * Should the work fail, so has the transaction, and the setting ends with it.
 */
export const inTenant = async <T>(tx: Tx, tenant: TenantId, work: (there: Tx) => Promise<T>): Promise<T> => {
  await tx.query("account.enter_tenant", enterTenant, [tenant]);
  const done = await work({ ...tx, tenant });
  await tx.query("account.enter_tenant", enterTenant, [tx.tenant]);
  return done;
};

/** Every membership of the user in the transaction's tenant; returns how many there were. */
export const deleteMemberships = async (tx: Tx, user: PrincipalId): Promise<number> =>
  (
    await tx.query(
      "account.delete_memberships",
      "delete from memberships where tenant_id = $1 and user_id = $2 returning id",
      [tx.tenant, user],
    )
  ).length;

/** One statement for what an export says of one tenant. */
export const ownRowsIn = async (tx: Tx, user: PrincipalId): Promise<Readonly<Record<string, unknown>>> =>
  (
    await tx.query<{ found: Readonly<Record<string, unknown>> }>(
      "account.rows_in_tenant",
      `select jsonb_build_object(
         'memberships', coalesce((select jsonb_agg(jsonb_build_object('id', m.id, 'perimeter', m.node_id, 'create_time', m.create_time)
           order by m.create_time) from memberships m where m.tenant_id = $1 and m.user_id = $2), '[]'::jsonb),
         'role_assignments', coalesce((select jsonb_agg(jsonb_build_object('id', a.id, 'perimeter', a.node_id, 'role',
           coalesce(a.role_name, a.role_id::text), 'create_time', a.create_time, 'expire_time', a.expire_time) order by a.create_time)
           from role_assignments a where a.tenant_id = $1 and a.principal_kind = 'human' and a.principal_id = $2), '[]'::jsonb),
         'resource_grants', coalesce((select jsonb_agg(jsonb_build_object('id', g.id, 'resource', g.node_id, 'level', g.level,
           'create_time', g.create_time, 'expire_time', g.expire_time) order by g.create_time)
           from resource_grants g where g.tenant_id = $1 and g.principal_kind = 'human' and g.principal_id = $2), '[]'::jsonb),
         'groups', coalesce((select jsonb_agg(jsonb_build_object('id', m.group_id, 'create_time', m.create_time) order by m.create_time)
           from group_members m where m.tenant_id = $1 and m.member_kind = 'human' and m.member_id = $2), '[]'::jsonb),
         'share_links', coalesce((select jsonb_agg(jsonb_build_object('id', l.id, 'resource', l.node_id, 'level', l.level,
           'display_name', l.display_name, 'create_time', l.create_time, 'expire_time', l.expire_time, 'revoke_time', l.revoke_time)
           order by l.create_time)
           from share_links l where l.tenant_id = $1 and l.creator_kind = 'human' and l.creator_id = $2), '[]'::jsonb),
         'api_tokens', coalesce((select jsonb_agg(jsonb_build_object('id', t.id, 'display_name', t.display_name, 'key_id', t.key_id,
           'scopes', t.scopes, 'create_time', t.create_time, 'expire_time', t.expire_time, 'revoke_time', t.revoke_time,
           'last_used_time', t.last_used_time) order by t.create_time)
           from api_tokens t where t.tenant_id = $1 and t.owner_kind = 'human' and t.owner_id = $2), '[]'::jsonb)) as found`,
      [tx.tenant, user],
    )
  )[0]?.found ?? {};

/** One statement for what an export says of the home. No secret, and nothing that one could be found by. */
export const ownRowsAtHome = async (tx: Tx, user: PrincipalId): Promise<Readonly<Record<string, unknown>>> =>
  (
    await tx.query<{ found: Readonly<Record<string, unknown>> }>(
      "account.rows_at_home",
      `select jsonb_build_object(
         'user', (select jsonb_build_object('id', u.id, 'email', u.email, 'email_verified_time', u.email_verified_time, 'display_name',
           u.display_name, 'locale', u.locale, 'state', u.state, 'identity_source', u.identity_source, 'create_time', u.create_time,
           'update_time', u.update_time) from users u where u.tenant_id = $1 and u.id = $2),
         'password', (select jsonb_build_object('create_time', p.create_time, 'update_time', p.update_time)
           from passwords p where p.tenant_id = $1 and p.user_id = $2),
         'authenticator_apps', coalesce((select jsonb_agg(jsonb_build_object('id', d.id, 'display_name', d.display_name, 'create_time',
           d.create_time, 'use_time', d.use_time)) from totp_devices d where d.tenant_id = $1 and d.user_id = $2), '[]'::jsonb),
         'passkeys', coalesce((select jsonb_agg(jsonb_build_object('id', k.id, 'display_name', k.display_name, 'create_time',
           k.create_time, 'use_time', k.use_time)) from passkeys k where k.tenant_id = $1 and k.user_id = $2), '[]'::jsonb),
         'remembered_devices', coalesce((select jsonb_agg(jsonb_build_object('display_name', r.display_name, 'create_time', r.create_time,
           'expire_time', r.expire_time)) from remembered_devices r where r.tenant_id = $1 and r.user_id = $2), '[]'::jsonb),
         'sessions', coalesce((select jsonb_agg(jsonb_build_object('id', s.id, 'state', s.state, 'user_agent', s.user_agent, 'address',
           s.address, 'create_time', s.create_time, 'seen_time', s.seen_time, 'end_time', s.end_time) order by s.create_time)
           from sessions s where s.tenant_id = $1 and s.user_id = $2), '[]'::jsonb),
         'consents', coalesce((select jsonb_agg(jsonb_build_object('client_id', c.client_id, 'tenant', c.bound_tenant_id, 'scopes',
           c.scopes, 'declined_scopes', c.declined_scopes, 'create_time', c.create_time)) from consents c where c.tenant_id = $1 and c.user_id = $2), '[]'::jsonb),
         'connected_applications', coalesce((select jsonb_agg(jsonb_build_object('client_id', f.client_id, 'tenant', f.bound_tenant_id,
           'scopes', f.scopes, 'create_time', f.create_time, 'revoke_time', f.revoke_time))
           from token_families f where f.tenant_id = $1 and f.user_id = $2), '[]'::jsonb)) as found`,
      [tx.tenant, user],
    )
  )[0]?.found ?? {};

export type LogEntry = {
  readonly id: string;
  readonly time: Date;
  readonly action: string;
  readonly outcome: "done" | "denied" | "failed";
  readonly detail: Readonly<Record<string, unknown>> | null;
  readonly client_id: string | null;
  /** Somebody else did it. */
  readonly by_other: boolean;
};

/**
 * What the home's log says that the human did, or that was done to their account, newest first, after a position. The log is ordered by
 * time; how far back it is read for one page is bounded.
 */
export const ownEntries = (
  tx: Tx,
  ref: string,
  before: Date,
  since: Date,
  limit: number,
): Promise<readonly LogEntry[]> =>
  tx.query(
    "account.own_entries",
    `select id, time, action, outcome, detail, client_id, actor_of_record is not null and actor_of_record <> $2 as by_other
       from audit_entries where tenant_id = $1 and time < $3 and time >= $4 and (target = $2 or actor_of_record = $2)
      order by time desc, id desc limit $5`,
    [tx.tenant, ref, before, since, limit],
  );
