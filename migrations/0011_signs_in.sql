-- People who never sign in: registered and managed by those above them, who act where a human has to stand behind an action. What they may
-- do is decided as for anybody. For everything that lets a human in they are nobody: no session, no token, no code, whatever was issued before.

alter table users add column signs_in boolean not null default true;

-- Which of these humans sign in at all, asked by a tenant they are members of. Their homes know.
create function who_signs_in(p_tenant uuid, p_users uuid[]) returns uuid[]
  language plpgsql stable as $$
declare
  v_home record;
  v_found uuid[] := '{}';
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  perform set_config('countersign.tenant', p_tenant::text, true);
  for v_home in select m.home_tenant_id as id, array_agg(distinct m.user_id) as users
      from memberships m where m.tenant_id = p_tenant and m.user_id = any(p_users) group by m.home_tenant_id loop
    perform set_config('countersign.tenant', v_home.id::text, true);
    v_found := v_found || array(select u.id from users u where u.tenant_id = v_home.id and u.id = any(v_home.users) and u.signs_in);
  end loop;
  perform set_config('countersign.tenant', v_before, true);
  return v_found;
end $$;

-- Where a session is found, as 0004, and what stands behind tokens, as 0005: of one who signs in.
create or replace function find_session(p_home uuid, p_user uuid, p_hash bytea, p_now timestamptz) returns jsonb
  language plpgsql volatile as $$
declare
  v_found record;
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  perform set_config('countersign.tenant', p_home::text, true);
  select s.id, s.user_id, s.state, s.methods, s.acr, s.auth_time, s.create_time, s.seen_time into v_found
    from sessions s
    join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
    join nodes n on n.tenant_id = s.tenant_id and n.id = s.tenant_id
   where s.tenant_id = p_home and s.user_id = p_user and s.secret_hash = p_hash and s.state <> 'ended'
     and s.expire_time > p_now and s.seen_time + make_interval(secs => s.idle_seconds) > p_now
     and u.state = 'active' and u.signs_in and n.state = 'active';
  if v_found.id is not null and v_found.seen_time <= p_now - interval '1 minute' then
    update sessions set seen_time = p_now
     where tenant_id = p_home and id = v_found.id and state <> 'ended' and seen_time <= p_now - interval '1 minute';
  end if;
  perform set_config('countersign.tenant', v_before, true);
  if v_found.id is null then
    return null;
  end if;
  return jsonb_build_object('tenant', p_home, 'id', v_found.id, 'user', v_found.user_id, 'state', v_found.state,
    'methods', v_found.methods, 'acr', v_found.acr, 'authenticated', extract(epoch from v_found.auth_time) * 1000,
    'created', extract(epoch from v_found.create_time) * 1000);
end $$;

create or replace function human_standing(p_home uuid, p_user uuid, p_session uuid, p_hold boolean, p_bound uuid, p_now timestamptz) returns jsonb
  language plpgsql volatile as $$
declare
  v_found jsonb;
  v_seen timestamptz;
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  perform set_config('countersign.tenant', p_home::text, true);
  select jsonb_build_object('source', u.identity_source, 'email', u.email, 'email_verified', u.email_verified_time is not null,
      'name', u.display_name, 'locale', u.locale, 'updated', floor(extract(epoch from u.update_time)))
    into v_found
    from users u join nodes n on n.tenant_id = u.tenant_id and n.id = u.tenant_id
   where u.tenant_id = p_home and u.id = p_user and u.state = 'active' and u.signs_in and n.state = 'active';
  if v_found is null then
    v_found := '{"error": "user"}';
  elsif p_session is not null then
    if p_hold then
      select seen_time into v_seen from sessions
       where tenant_id = p_home and id = p_session and user_id = p_user and state = 'full' and expire_time > p_now
         and seen_time + make_interval(secs => idle_seconds) > p_now
         for no key update;
    else
      -- whoever is asked for more meanwhile keeps what was granted before
      select seen_time into v_seen from sessions
       where tenant_id = p_home and id = p_session and user_id = p_user and state <> 'ended' and expire_time > p_now
         and seen_time + make_interval(secs => idle_seconds) > p_now;
    end if;
    if v_seen is null then
      v_found := '{"error": "session"}';
    elsif v_seen < p_now - interval '1 minute' then
      -- an application at work is its human at work
      update sessions set seen_time = p_now where tenant_id = p_home and id = p_session and state <> 'ended' and seen_time < p_now;
    end if;
  end if;
  if not v_found ? 'error' then
    perform set_config('countersign.tenant', p_bound::text, true);
    if not exists (select from memberships m join nodes n on n.tenant_id = m.tenant_id and n.id = m.tenant_id
        where m.tenant_id = p_bound and m.user_id = p_user and m.home_tenant_id = p_home and n.state = 'active') then
      v_found := '{"error": "membership"}';
    end if;
  end if;
  perform set_config('countersign.tenant', v_before, true);
  return v_found;
end $$;

create or replace function family_standing(p_tenant uuid, p_user uuid, p_family uuid) returns jsonb
  language plpgsql stable as $$
declare
  v_home uuid;
  v_client_tenant uuid;
  v_application uuid;
  v_found jsonb;
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  perform set_config('countersign.tenant', p_tenant::text, true);
  select home_tenant_id into v_home from memberships where tenant_id = p_tenant and user_id = p_user limit 1;
  if v_home is not null then
    perform set_config('countersign.tenant', v_home::text, true);
    select f.client_tenant_id, f.application_id, jsonb_build_object('session', f.session_id, 'source', u.identity_source)
      into v_client_tenant, v_application, v_found
      from token_families f
      join users u on u.tenant_id = f.tenant_id and u.id = f.user_id and u.signs_in
      join nodes home on home.tenant_id = f.tenant_id and home.id = f.tenant_id and home.state = 'active'
     where f.tenant_id = v_home and f.id = p_family and f.user_id = p_user and f.bound_tenant_id = p_tenant and f.revoke_time is null;
    if v_found is not null then
      perform set_config('countersign.tenant', v_client_tenant::text, true);
      -- as the client stands: itself, and the perimeters it belongs to
      if not exists (select from applications a join nodes n on n.tenant_id = a.tenant_id and n.id = a.node_id
           where a.tenant_id = v_client_tenant and a.id = v_application and a.state = 'active'
             and not exists (select from nodes above where above.tenant_id = v_client_tenant and above.id = any(n.ancestors)
               and above.state <> 'active')) then
        v_found := null;
      end if;
    end if;
  end if;
  perform set_config('countersign.tenant', v_before, true);
  return v_found;
end $$;

create or replace function credential_facts(p_host uuid, p_tenant uuid, p_kind text, p_hash bytea) returns jsonb
  language plpgsql stable as $$
declare
  v_found jsonb;
  v_owner_kind text;
  v_owner uuid;
  v_family uuid;
  v_standing jsonb;
begin
  perform set_config('countersign.tenant', p_tenant::text, true);
  if p_kind = 'client_secret' then
    select 'service', s.service_account_id,
      jsonb_build_object('id', s.id, 'client_id', a.client_id, 'node', a.node_id, 'scopes', a.scopes, 'format', a.access_token_format,
        'ttl', a.access_token_ttl_seconds, 'issued', extract(epoch from s.create_time) * 1000,
        'expires', extract(epoch from s.expire_time) * 1000, 'revoked', s.revoke_time is not null)
      into v_owner_kind, v_owner, v_found
      from client_secrets s join service_accounts a on a.tenant_id = s.tenant_id and a.id = s.service_account_id
     where s.tenant_id = p_tenant and s.hash = p_hash;
  elsif p_kind = 'api_token' then
    select t.owner_kind, t.owner_id,
      jsonb_build_object('id', t.id, 'client_id', null, 'scopes', t.scopes, 'issued', extract(epoch from t.create_time) * 1000,
        'expires', extract(epoch from t.expire_time) * 1000, 'revoked', t.revoke_time is not null)
      into v_owner_kind, v_owner, v_found
      from api_tokens t where t.tenant_id = p_tenant and t.hash = p_hash;
    if v_owner_kind = 'human' and not v_owner = any(who_signs_in(p_tenant, array[v_owner])) then
      v_found := v_found || '{"revoked": true}'::jsonb;
    end if;
  else
    select t.owner_kind, t.owner_id, t.family_id,
      jsonb_build_object('id', t.id, 'client_id', t.client_id, 'scopes', t.scopes, 'audience', t.audience, 'family_id', t.family_id,
        'extra', t.extra, 'issued', extract(epoch from t.create_time) * 1000, 'expires', extract(epoch from t.expire_time) * 1000,
        'revoked', t.revoke_time is not null)
      into v_owner_kind, v_owner, v_family, v_found
      from access_tokens t where t.tenant_id = p_tenant and t.hash = p_hash;
    if v_family is not null then
      v_standing := family_standing(p_tenant, v_owner, v_family);
      v_found := v_found || jsonb_build_object('family', v_standing)
        || case when v_standing is null then '{"revoked": true}'::jsonb else '{}'::jsonb end;
    end if;
  end if;
  if v_found is null then
    return null;
  end if;
  return v_found || jsonb_build_object('owner_kind', v_owner_kind, 'owner', v_owner,
    'facts', decision_facts(p_host, p_tenant, v_owner_kind, v_owner, p_tenant, p_tenant));
end $$;
