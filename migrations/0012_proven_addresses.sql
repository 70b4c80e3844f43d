-- Whoever registers somebody's address first, and cannot prove it, neither takes nor bars the way of whoever can. The directory knows how
-- an account stands, so that a crowd of accounts nobody has proven is never in front of the one that was; and who an address stands for is
-- decided by proof before age.

-- 0: its address was proven; 1: it was not, but an administrator of its home has made it a member; 2: neither, so nobody gets in by it.
alter table login_directory
  add column standing smallint not null default 2,
  add column proven_time timestamptz;

create function login_standing(p_tenant uuid, p_user uuid, p_proven timestamptz) returns smallint
  language sql stable as $$
  select case when p_proven is not null then 0
              when exists (select from memberships where tenant_id = p_tenant and user_id = p_user) then 1 else 2 end::smallint
$$;

create or replace function keep_login_directory() returns trigger
  language plpgsql as $$
begin
  if new.state = 'deleted' then
    delete from login_directory where tenant_id = new.tenant_id and user_id = new.id;
  else
    insert into login_directory (tenant_id, user_id, email_digest, standing, proven_time)
      values (new.tenant_id, new.id, sha256(convert_to(lower(new.email), 'UTF8')),
        login_standing(new.tenant_id, new.id, new.email_verified_time), new.email_verified_time)
      on conflict (tenant_id, user_id) do update
        set email_digest = excluded.email_digest, standing = excluded.standing, proven_time = excluded.proven_time;
  end if;
  return null;
end $$;
drop trigger keep_login_directory on users;
create trigger keep_login_directory after insert or update of email, email_verified_time, state on users
  for each row execute function keep_login_directory();

-- A password that somebody chose who had neither proven the address nor been made a member. It becomes nobody's way in by a membership that
-- is given afterwards: whoever gives it means the address's owner, who proves it by mail.
alter table passwords add column chosen_by_stranger boolean not null default false;

create function keep_login_standing() returns trigger
  language plpgsql as $$
declare
  v_tenant uuid := coalesce(new.tenant_id, old.tenant_id);
  v_user uuid := coalesce(new.user_id, old.user_id);
begin
  if tg_op = 'INSERT' and not exists (select from memberships
      where tenant_id = v_tenant and user_id = v_user and id <> new.id) then
    update passwords p set chosen_by_stranger = true
     where p.tenant_id = v_tenant and p.user_id = v_user
       and exists (select from users u where u.tenant_id = v_tenant and u.id = v_user and u.email_verified_time is null);
  end if;
  update login_directory d set standing = login_standing(v_tenant, v_user, d.proven_time)
   where d.tenant_id = v_tenant and d.user_id = v_user;
  return null;
end $$;
-- Only at home: what a human joins elsewhere says nothing of the account.
create trigger keep_login_standing_joined after insert on memberships
  for each row when (new.home_tenant_id = new.tenant_id) execute function keep_login_standing();
create trigger keep_login_standing_left after delete on memberships
  for each row when (old.home_tenant_id = old.tenant_id) execute function keep_login_standing();

-- The owner of the tables is fenced like everybody else; for these statements it is not.
alter table users no force row level security;
alter table memberships no force row level security;
alter table passwords no force row level security;
alter table login_directory no force row level security;
update login_directory d set proven_time = u.email_verified_time, standing = login_standing(u.tenant_id, u.id, u.email_verified_time)
  from users u where u.tenant_id = d.tenant_id and u.id = d.user_id;
update passwords p set chosen_by_stranger = true
  from users u
 where u.tenant_id = p.tenant_id and u.id = p.user_id and u.email_verified_time is null
   and exists (select from memberships m where m.tenant_id = p.tenant_id and m.user_id = p.user_id)
   and not exists (select from memberships m where m.tenant_id = p.tenant_id and m.user_id = p.user_id and m.create_time <= p.create_time);
alter table users force row level security;
alter table memberships force row level security;
alter table passwords force row level security;
alter table login_directory force row level security;

drop index login_directory_by_email;
create index login_directory_by_email on login_directory (email_digest, standing, proven_time, tenant_id);

-- Who an e-mail address stands for where people sign in to a tenant (p_context; null where they sign in to no tenant in particular). One row,
-- or none. What comes first in the rank comes first:
--   1. accounts somebody can sign in to: active, in an active tenant, and proven or made a member at home
--   2. the context's own users and members
--   3. proven addresses
--   4. the context's own users
--   5. users of the tenant that has proven the address's domain
-- and of those the one that was proven first, or else the oldest.
create or replace function sign_in_account(p_host uuid, p_digest bytea, p_context uuid) returns jsonb
  language plpgsql volatile as $$
declare
  v_candidate record;
  v_found jsonb;
  v_best jsonb;
  v_own boolean;
  v_member boolean;
  v_rank integer;
  v_best_rank integer := 100;
  v_since float8;
  v_best_since float8;
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  for v_candidate in
    -- The context's own is looked at however many others there are.
    select tenant_id, user_id, standing, proven_time from login_directory where email_digest = p_digest and tenant_id = p_context
    union
    (select tenant_id, user_id, standing, proven_time from login_directory where email_digest = p_digest
      order by standing, proven_time, tenant_id limit 20)
  loop
    v_own := coalesce(v_candidate.tenant_id = p_context, false);
    v_member := false;
    if p_context is not null and not v_own then
      perform set_config('countersign.tenant', p_context::text, true);
      select exists (select from memberships where tenant_id = p_context and user_id = v_candidate.user_id
        and home_tenant_id = v_candidate.tenant_id) into v_member;
    end if;
    perform set_config('countersign.tenant', v_candidate.tenant_id::text, true);
    select jsonb_build_object('tenant', u.tenant_id, 'id', u.id, 'email', u.email, 'display_name', u.display_name, 'state', u.state,
        'identity_source', u.identity_source, 'locale', u.locale,
        'email_verified', u.email_verified_time is not null, 'created', extract(epoch from u.create_time) * 1000,
        'tenant_state', n.state, 'password', p.hash),
      case when u.state = 'active' and n.state = 'active' and v_candidate.standing < 2 then 0 else 16 end
        + case when v_own or v_member then 0 else 8 end
        + case when u.email_verified_time is not null then 0 else 4 end
        + case when v_own then 0 else 2 end
        + case when exists (select from verified_domains d
            where d.name = lower(substring(u.email from '@([^@]*)$')) and d.tenant_id = u.tenant_id) then 0 else 1 end,
      extract(epoch from coalesce(u.email_verified_time, u.create_time))
      into v_found, v_rank, v_since
      from users u
      left join passwords p on p.tenant_id = u.tenant_id and p.user_id = u.id
      left join nodes n on n.tenant_id = u.tenant_id and n.id = u.tenant_id
     where u.tenant_id = v_candidate.tenant_id and u.id = v_candidate.user_id
       -- who never signs in is nobody here
       and u.signs_in;
    continue when v_found is null;
    if v_rank < v_best_rank or (v_rank = v_best_rank and v_since < v_best_since) then
      v_best := v_found;
      v_best_rank := v_rank;
      v_best_since := v_since;
    end if;
  end loop;
  perform set_config('countersign.tenant', v_before, true);
  return v_best;
end $$;

-- A human as signing in sees them, held as they are until the transaction ends: by many at once, or (p_alone) by one who changes how the
-- account is entered. The row is locked first and everything else is read after: whoever has waited for another's change would otherwise
-- read the user as it is now, and the password as it was when they began to wait.
create function hold_account(p_tenant uuid, p_user uuid, p_alone boolean) returns jsonb
  language plpgsql volatile as $$
declare
  v_found jsonb;
begin
  if p_alone then
    perform from users where tenant_id = p_tenant and id = p_user for no key update;
  else
    perform from users where tenant_id = p_tenant and id = p_user for share;
  end if;
  select jsonb_build_object('tenant', u.tenant_id, 'id', u.id, 'email', u.email, 'display_name', u.display_name, 'state', u.state,
      'identity_source', u.identity_source, 'locale', u.locale, 'email_verified', u.email_verified_time is not null,
      'signs_in', u.signs_in,
      'tenant_state', n.state, 'password', p.hash, 'stranger', coalesce(p.chosen_by_stranger, false),
      'member', exists (select from memberships m where m.tenant_id = u.tenant_id and m.user_id = u.id))
    into v_found
    from users u
    join nodes n on n.tenant_id = u.tenant_id and n.id = u.tenant_id
    left join passwords p on p.tenant_id = u.tenant_id and p.user_id = u.id
   where u.tenant_id = p_tenant and u.id = p_user and u.state <> 'deleted';
  return v_found;
end $$;

-- What a human has left out of what an application asked for: it is not asked for again and again, and not given.
alter table consents add column declined_scopes text[] not null default '{}';

-- As 0003, with it.
create or replace function authorize_facts(p_home uuid, p_user uuid, p_bound uuid, p_client_id text) returns jsonb
  language plpgsql volatile as $$
declare
  v_tenants uuid[];
  v_bound uuid;
  v_policy jsonb;
  v_consent jsonb;
  v_identity_source text;
  v_totp boolean;
  v_passkey boolean;
  v_tenant_before text := coalesce(current_setting('countersign.tenant', true), '');
  v_scope_before text := coalesce(current_setting('countersign.scope', true), '');
begin
  -- As the host, which may see whereabouts and roots, for one statement.
  perform set_config('countersign.scope', 'host', true);
  select array_agg(tenant_id) into v_tenants from (
    select distinct m.tenant_id
      from memberships m join nodes n on n.tenant_id = m.tenant_id and n.id = m.tenant_id
     where m.user_id = p_user and m.home_tenant_id = p_home and n.parent_id is null and n.state = 'active'
       and (p_bound is null or m.tenant_id = p_bound)
     limit 2) found;
  perform set_config('countersign.scope', v_scope_before, true);

  if cardinality(v_tenants) = 1 then
    v_bound := v_tenants[1];
    perform set_config('countersign.tenant', v_bound::text, true);
    select document into v_policy from sign_in_policies where tenant_id = v_bound;
  end if;
  perform set_config('countersign.tenant', p_home::text, true);
  select identity_source into v_identity_source from users where tenant_id = p_home and id = p_user;
  if v_bound is not null then
    select jsonb_build_object('scopes', to_jsonb(scopes), 'declined', to_jsonb(declined_scopes), 'details', authorization_details) into v_consent
      from consents where tenant_id = p_home and user_id = p_user and client_id = p_client_id and bound_tenant_id = v_bound;
  end if;
  select exists (select from totp_devices where tenant_id = p_home and user_id = p_user and confirm_time is not null),
         exists (select from passkeys where tenant_id = p_home and user_id = p_user)
    into v_totp, v_passkey;
  perform set_config('countersign.tenant', v_tenant_before, true);
  return jsonb_build_object('bound', v_bound, 'several', coalesce(cardinality(v_tenants), 0) > 1, 'policy', v_policy,
    'consent', v_consent, 'identity_source', v_identity_source, 'totp', v_totp, 'passkey', v_passkey);
end $$;
