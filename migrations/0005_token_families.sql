-- Token families at work: opened, rotated, ended, and asked about, each in one statement. The functions set the tenant themselves and put
-- it back, as those of 0001 do, so that no transaction has to be opened around them and any transaction may call them.

-- Ending what a client was given, in every human's home: its registration's end reaches past one tenant.
create index token_families_by_client on token_families (client_tenant_id, application_id) where revoke_time is null;
create policy seen_by_the_host on token_families for select using (countersign_is_host());
create policy ended_by_the_host on token_families for update using (countersign_is_host()) with check (countersign_is_host());


-- Housekeeping, as in 0001: a family goes when its last refresh token has gone. Its expiry is moved once a day and not at every rotation,
-- so that a rotation touches no index of it; it is up to a day later than the tokens' own.
create index token_families_expired on token_families (expire_time);
create policy expired_removed_by_the_host on token_families for delete using (countersign_is_host() and expire_time < now()
  and not exists (select from refresh_tokens r where r.tenant_id = token_families.tenant_id and r.family_id = token_families.id));

-- What stands behind a human's access token: null where the family has ended, the human is no member any more, their home does not live,
-- or the client is no client.
-- The family lives in the human's home tenant, the client in its own.
create function family_standing(p_tenant uuid, p_user uuid, p_family uuid) returns jsonb
  language plpgsql volatile as $$
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
      join users u on u.tenant_id = f.tenant_id and u.id = f.user_id
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

create or replace function jwt_facts(p_host uuid, p_tenant uuid, p_jti uuid, p_kind text, p_principal uuid, p_family uuid) returns jsonb
  language plpgsql volatile as $$
declare
  v_revoked boolean;
  v_family jsonb;
begin
  perform set_config('countersign.tenant', p_tenant::text, true);
  select exists (select from revoked_tokens where tenant_id = p_tenant and jti = p_jti) into v_revoked;
  if p_family is not null then
    v_family := family_standing(p_tenant, p_principal, p_family);
    v_revoked := v_revoked or v_family is null;
  end if;
  return jsonb_build_object('revoked', v_revoked, 'family', v_family,
    'facts', decision_facts(p_host, p_tenant, p_kind, p_principal, p_tenant, p_tenant));
end $$;

create or replace function credential_facts(p_host uuid, p_tenant uuid, p_kind text, p_hash bytea) returns jsonb
  language plpgsql volatile as $$
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
drop function family_ended(uuid, uuid, uuid);

-- Whether a human may have tokens for a tenant now: they and their home, the tenant and their membership of it, and the session, where
-- the tokens live with one. Held, so that it cannot end before the family that came of it is there to be ended along with it.
-- {"error": what does not stand}, or what ID tokens and the record say of the human.
create function human_standing(p_home uuid, p_user uuid, p_session uuid, p_hold boolean, p_bound uuid, p_now timestamptz) returns jsonb
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
   where u.tenant_id = p_home and u.id = p_user and u.state = 'active' and n.state = 'active';
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

-- What came of a grant: its opaque access token, where the client has such, and the entry in the record of the tenant it is for.
create function record_grant(p_bound uuid, p_home uuid, p_user uuid, p_family uuid, p_session uuid, p_source text, p_client_id text,
    p_now timestamptz, p_jti uuid, p_access_hash bytea, p_access_expire timestamptz, p_scopes text[], p_audience text[], p_extra jsonb,
    p_credential text, p_request text, p_detail jsonb) returns void
  language plpgsql volatile as $$
declare
  v_user text := 'users/' || p_user::text;
begin
  perform set_config('countersign.tenant', p_bound::text, true);
  if p_access_hash is not null then
    insert into access_tokens (tenant_id, id, hash, owner_kind, owner_id, client_id, scopes, audience, create_time, expire_time,
        home_tenant_id, family_id, extra)
      values (p_bound, p_jti, p_access_hash, 'human', p_user, p_client_id, p_scopes, p_audience, p_now, p_access_expire, p_home, p_family,
        p_extra);
  end if;
  insert into audit_entries (tenant_id, id, time, action, outcome, authenticated_principal, subject, actor_of_record, identity_source,
      credential, client_id, session_id, request_id, target, bypass, detail)
    values (p_bound, p_jti, p_now, 'oauth.token', 'done', v_user, v_user, v_user, p_source, p_credential, p_client_id, p_session::text,
      p_request, v_user, false, p_detail);
end $$;

-- Opens a family with its first tokens. p_spec: session, offline, client_tenant, application, client_id, bound, scopes, audience, details,
-- claims, nonce, acr, methods, auth_time (ms). The token may carry less than the family: p_audience.
create function open_family(p_home uuid, p_user uuid, p_family uuid, p_spec jsonb, p_now timestamptz, p_refresh_id uuid,
    p_refresh_hash bytea, p_expire timestamptz, p_jti uuid, p_access_hash bytea, p_access_expire timestamptz, p_audience text[],
    p_jkt text, p_bind boolean, p_credential text, p_request text) returns jsonb
  language plpgsql volatile as $$
declare
  v_human jsonb;
  v_bound uuid := (p_spec ->> 'bound')::uuid;
  v_session uuid := (p_spec ->> 'session')::uuid;
  v_scopes text[] := array(select jsonb_array_elements_text(p_spec -> 'scopes'));
  v_audience text[] := array(select jsonb_array_elements_text(p_spec -> 'audience'));
  v_methods text[] := array(select jsonb_array_elements_text(p_spec -> 'methods'));
  v_auth_time timestamptz := to_timestamp((p_spec ->> 'auth_time')::float8 / 1000);
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  v_human := human_standing(p_home, p_user, v_session, true, v_bound, p_now);
  if v_human ? 'error' then
    return v_human;
  end if;
  perform set_config('countersign.tenant', p_home::text, true);
  insert into token_families (tenant_id, id, user_id, session_id, offline, client_tenant_id, application_id, client_id, bound_tenant_id,
      scopes, audience, authorization_details, claims, nonce, acr, methods, auth_time, dpop_jkt, create_time, use_time, expire_time)
    values (p_home, p_family, p_user, v_session, (p_spec ->> 'offline')::boolean, (p_spec ->> 'client_tenant')::uuid,
      (p_spec ->> 'application')::uuid, p_spec ->> 'client_id', v_bound, v_scopes, v_audience, nullif(p_spec -> 'details', 'null'),
      nullif(p_spec -> 'claims', 'null'), p_spec ->> 'nonce', p_spec ->> 'acr', v_methods, v_auth_time,
      case when p_bind then p_jkt end, p_now, p_now, p_expire + interval '1 day');
  if p_refresh_hash is not null then
    insert into refresh_tokens (tenant_id, id, family_id, hash, create_time, expire_time)
      values (p_home, p_refresh_id, p_family, p_refresh_hash, p_now, p_expire);
  end if;
  perform record_grant(v_bound, p_home, p_user, p_family, v_session, v_human ->> 'source', p_spec ->> 'client_id', p_now, p_jti,
    p_access_hash, p_access_expire, v_scopes, coalesce(p_audience, v_audience),
    jsonb_strip_nulls(jsonb_build_object('acr', p_spec ->> 'acr', 'amr', v_methods, 'auth_time', floor(extract(epoch from v_auth_time)),
      'cnf', case when p_jkt is not null then jsonb_build_object('jkt', p_jkt) end,
      'authorization_details', nullif(p_spec -> 'details', 'null'))),
    p_credential, p_request,
    jsonb_build_object('scope', array_to_string(v_scopes, ' '), 'audience', coalesce(p_audience, v_audience), 'family', p_family));
  perform set_config('countersign.tenant', v_before, true);
  return v_human;
end $$;

-- Redeems an authorization code, once: whoever asks rightly and first has it. Everything it is bound to is in the one condition, so that a
-- wrong verifier, a wrong client or a wrong key spends nothing. {"error": …} says what was wrong with the first that does not match.
create function redeem_code(p_home uuid, p_hash bytea, p_client_tenant uuid, p_application uuid, p_redirect_uri text, p_challenge text,
    p_issuer text, p_now timestamptz, p_family uuid, p_refresh_id uuid, p_refresh_hash bytea, p_expire timestamptz, p_jti uuid,
    p_access_hash bytea, p_access_expire timestamptz, p_audience text[], p_jkt text, p_bind boolean, p_request text) returns jsonb
  language plpgsql volatile as $$
declare
  v_found uuid;
  v_code authorization_codes;
  v_audience text[];
  v_spec jsonb;
  v_opened jsonb;
  v_replayed boolean;
  v_error text;
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  perform set_config('countersign.tenant', p_home::text, true);
  -- The row is named by its key before anything is asked of it: a plan made while the table was empty would read all codes of the tenant.
  select id into v_found from authorization_codes where tenant_id = p_home and hash = p_hash;
  -- a redeemed code is remembered beyond its life, so that a late replay still takes its tokens along
  update authorization_codes set redeem_time = p_now, family_id = p_family, expire_time = p_now + interval '1 day'
   where tenant_id = p_home and id = v_found and redeem_time is null and expire_time > p_now
     and client_tenant_id = p_client_tenant and application_id = p_application
     and (p_redirect_uri = redirect_uri or (p_redirect_uri is null and not redirect_uri_given))
     and code_challenge is not distinct from p_challenge
     and (dpop_jkt is null or dpop_jkt is not distinct from p_jkt)
     and (p_audience is null or p_audience <@ case when cardinality(audience) = 0 then array[p_issuer] else audience end)
   returning * into v_code;
  if v_code.id is null then
    select c.* into v_code from authorization_codes c where c.tenant_id = p_home and c.id = v_found;
    v_replayed := v_code.redeem_time is not null;
    v_error := case
      when v_code.id is null then 'unknown'
      when v_code.client_tenant_id <> p_client_tenant or v_code.application_id <> p_application then 'unknown'
      when v_code.code_challenge is null and p_challenge is not null then 'unchallenged'
      when v_code.code_challenge is distinct from p_challenge then 'verifier'
      when not (p_redirect_uri is not distinct from v_code.redirect_uri or (p_redirect_uri is null and not v_code.redirect_uri_given))
        then 'redirect_uri'
      when v_code.dpop_jkt is not null and v_code.dpop_jkt is distinct from p_jkt then 'key'
      when v_replayed then 'replayed'
      when v_code.expire_time <= p_now then 'expired'
      when p_audience is not null
        and not p_audience <@ case when cardinality(v_code.audience) = 0 then array[p_issuer] else v_code.audience end then 'target'
      -- it was redeemed between the two statements: theirs is the family
      else 'replayed' end;
    perform set_config('countersign.tenant', v_before, true);
    return jsonb_build_object('error', v_error, 'family', v_code.family_id, 'user', v_code.user_id);
  end if;
  v_audience := case when cardinality(v_code.audience) = 0 then array[p_issuer] else v_code.audience end;
  v_spec := jsonb_build_object('session', v_code.session_id, 'offline', 'offline_access' = any(v_code.scopes),
    'client_tenant', v_code.client_tenant_id, 'application', v_code.application_id, 'client_id', v_code.client_id,
    'bound', v_code.bound_tenant_id, 'scopes', v_code.scopes, 'audience', v_audience, 'details', v_code.authorization_details,
    'claims', v_code.claims, 'nonce', v_code.nonce, 'acr', v_code.acr, 'methods', v_code.methods,
    'auth_time', extract(epoch from v_code.auth_time) * 1000);
  v_opened := open_family(p_home, v_code.user_id, p_family, v_spec, p_now, p_refresh_id, p_refresh_hash, p_expire, p_jti, p_access_hash,
    p_access_expire, p_audience, p_jkt, p_bind, 'authorization_code/' || v_code.id::text, p_request);
  perform set_config('countersign.tenant', v_before, true);
  return case when v_opened ? 'error' then v_opened
    else jsonb_build_object('human', v_opened, 'spec', v_spec, 'user', v_code.user_id) end;
end $$;

-- Exchanges a refresh token for the next one, once (p_rotate), or uses a fixed one. As with codes, all it is bound to is in the condition:
-- another client, or another key, spends nothing. A reused one is told as such, and is for the caller to end the family for.
create function rotate_refresh_token(p_home uuid, p_hash bytea, p_client_tenant uuid, p_application uuid, p_jkt text, p_rotate boolean,
    p_now timestamptz, p_next_id uuid, p_next_hash bytea, p_expire timestamptz, p_jti uuid, p_access_hash bytea,
    p_access_expire timestamptz, p_scopes text[], p_audience text[], p_details jsonb, p_request text) returns jsonb
  language plpgsql volatile as $$
declare
  v_found uuid;
  v_family_id uuid;
  v_token uuid;
  v_use_time timestamptz;
  v_expire_time timestamptz;
  v_family token_families;
  v_human jsonb;
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  perform set_config('countersign.tenant', p_home::text, true);
  -- Both rows are named by their keys before they are joined: a family that has been used for months has thousands of tokens, and a plan that
  -- came to the token through its family would read them all.
  select t.id, t.family_id into v_found, v_family_id from refresh_tokens t where t.tenant_id = p_home and t.hash = p_hash;
  if p_rotate then
    update refresh_tokens t set use_time = p_now
      from token_families f
     where t.tenant_id = p_home and t.id = v_found and t.use_time is null and t.expire_time > p_now
       and f.tenant_id = p_home and f.id = v_family_id and f.revoke_time is null
       and f.client_tenant_id = p_client_tenant and f.application_id = p_application
       and (f.dpop_jkt is null or f.dpop_jkt is not distinct from p_jkt)
     returning t.id, t.family_id into v_token, v_family.id;
  else
    select t.id, t.family_id into v_token, v_family.id
      from refresh_tokens t join token_families f on f.tenant_id = p_home and f.id = v_family_id
     where t.tenant_id = p_home and t.id = v_found and t.use_time is null and t.expire_time > p_now and f.revoke_time is null
       and f.client_tenant_id = p_client_tenant and f.application_id = p_application
       and (f.dpop_jkt is null or f.dpop_jkt is not distinct from p_jkt);
  end if;
  if v_token is null then
    select t.use_time, t.expire_time into v_use_time, v_expire_time from refresh_tokens t where t.tenant_id = p_home and t.id = v_found;
    select f.* into v_family from token_families f where f.tenant_id = p_home and f.id = v_family_id;
    perform set_config('countersign.tenant', v_before, true);
    return jsonb_build_object('family', v_family.id, 'error', case
      when v_family.id is null or v_family.client_tenant_id <> p_client_tenant or v_family.application_id <> p_application then 'unknown'
      when v_family.dpop_jkt is not null and v_family.dpop_jkt is distinct from p_jkt then 'key'
      when v_family.revoke_time is not null then 'ended'
      when v_use_time is not null then 'reused'
      else 'expired' end);
  end if;

  -- whoever ends the family either came before, and this finds nothing, or waits for us, and ends what we have just made
  update token_families
     set use_time = p_now, expire_time = case when p_expire > expire_time then p_expire + interval '1 day' else expire_time end
   where tenant_id = p_home and id = v_family.id and revoke_time is null
   returning * into v_family;
  if v_family.user_id is null then
    perform set_config('countersign.tenant', v_before, true);
    return '{"error": "ended"}';
  end if;
  v_human := human_standing(p_home, v_family.user_id, case when v_family.offline then null else v_family.session_id end, false,
    v_family.bound_tenant_id, p_now);
  if v_human ? 'error' then
    -- who is suspended may be resumed: the token is as good then as it was before
    if p_rotate then
      update refresh_tokens set use_time = null where tenant_id = p_home and id = v_token;
    end if;
    perform set_config('countersign.tenant', v_before, true);
    return v_human;
  end if;
  if p_rotate then
    insert into refresh_tokens (tenant_id, id, family_id, hash, create_time, expire_time)
      values (p_home, p_next_id, v_family.id, p_next_hash, p_now, p_expire);
  end if;
  perform record_grant(v_family.bound_tenant_id, p_home, v_family.user_id, v_family.id, v_family.session_id, v_human ->> 'source',
    v_family.client_id, p_now, p_jti, p_access_hash, p_access_expire, coalesce(p_scopes, v_family.scopes),
    coalesce(p_audience, v_family.audience),
    jsonb_strip_nulls(jsonb_build_object('acr', v_family.acr, 'amr', v_family.methods,
      'auth_time', floor(extract(epoch from v_family.auth_time)),
      'cnf', case when p_jkt is not null then jsonb_build_object('jkt', p_jkt) end,
      'authorization_details', coalesce(p_details, v_family.authorization_details))),
    'refresh_token/' || v_token::text, p_request,
    jsonb_build_object('scope', array_to_string(coalesce(p_scopes, v_family.scopes), ' '),
      'audience', coalesce(p_audience, v_family.audience), 'family', v_family.id));
  perform set_config('countersign.tenant', v_before, true);
  return jsonb_build_object('human', v_human, 'user', v_family.user_id, 'family', v_family.id, 'spec', jsonb_build_object(
    'session', v_family.session_id, 'bound', v_family.bound_tenant_id, 'scopes', v_family.scopes, 'audience', v_family.audience,
    'details', v_family.authorization_details, 'claims', v_family.claims, 'nonce', v_family.nonce, 'acr', v_family.acr,
    'methods', v_family.methods, 'auth_time', extract(epoch from v_family.auth_time) * 1000));
end $$;

-- Null stays null.
create function text_array(p_value jsonb) returns text[]
  language sql immutable as $$
  select case when jsonb_typeof(p_value) = 'array' then array(select jsonb_array_elements_text(p_value)) end
$$;

-- Grants that come together share one statement, and so one commit. Each is an array: what it is, then the arguments of the function it
-- stands for; times in ms, hashes in hex. They are told apart and answered in order; a mistake in one is for the caller to sort out.
create function run_grants(p_requests jsonb) returns jsonb
  language plpgsql volatile as $$
declare
  r jsonb;
  v_answer jsonb;
  v_answers jsonb := '[]'::jsonb;
begin
  for r in select one from jsonb_array_elements(p_requests) one loop
    case r ->> 0
      when 'rotate' then
        v_answer := rotate_refresh_token((r ->> 1)::uuid, decode(r ->> 2, 'hex'), (r ->> 3)::uuid, (r ->> 4)::uuid, r ->> 5,
          (r ->> 6)::boolean, to_timestamp((r ->> 7)::float8 / 1000), (r ->> 8)::uuid, decode(r ->> 9, 'hex'),
          to_timestamp((r ->> 10)::float8 / 1000), (r ->> 11)::uuid, decode(r ->> 12, 'hex'), to_timestamp((r ->> 13)::float8 / 1000),
          text_array(r -> 14), text_array(r -> 15), nullif(r -> 16, 'null'), r ->> 17);
      when 'redeem' then
        v_answer := redeem_code((r ->> 1)::uuid, decode(r ->> 2, 'hex'), (r ->> 3)::uuid, (r ->> 4)::uuid, r ->> 5, r ->> 6, r ->> 7,
          to_timestamp((r ->> 8)::float8 / 1000), (r ->> 9)::uuid, (r ->> 10)::uuid, decode(r ->> 11, 'hex'),
          to_timestamp((r ->> 12)::float8 / 1000), (r ->> 13)::uuid, decode(r ->> 14, 'hex'), to_timestamp((r ->> 15)::float8 / 1000),
          text_array(r -> 16), r ->> 17, (r ->> 18)::boolean, r ->> 19);
      when 'issue' then
        v_answer := to_jsonb(issue_code((r ->> 1)::uuid, (r ->> 2)::uuid, decode(r ->> 3, 'hex'), (r ->> 4)::uuid, (r ->> 5)::uuid,
          (r ->> 6)::uuid, (r ->> 7)::uuid, r ->> 8, (r ->> 9)::uuid, r ->> 10, (r ->> 11)::boolean, r ->> 12, text_array(r -> 13),
          text_array(r -> 14), nullif(r -> 15, 'null'), nullif(r -> 16, 'null'), r ->> 17, r ->> 18, text_array(r -> 19),
          to_timestamp((r ->> 20)::float8 / 1000), r ->> 21, to_timestamp((r ->> 22)::float8 / 1000),
          to_timestamp((r ->> 23)::float8 / 1000), r -> 24));
    end case;
    v_answers := v_answers || jsonb_build_array(v_answer);
  end loop;
  return v_answers;
end $$;

-- The tenant a code is for: asked where the client's tokens are opaque, whose text says so before the code is redeemed.
create function code_tenant(p_home uuid, p_hash bytea) returns uuid
  language plpgsql volatile as $$
declare
  v_bound uuid;
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  perform set_config('countersign.tenant', p_home::text, true);
  select bound_tenant_id into v_bound from authorization_codes where tenant_id = p_home and hash = p_hash;
  perform set_config('countersign.tenant', v_before, true);
  return v_bound;
end $$;

-- What a refresh token may at most be exchanged for: asked where a client wants less.
create function refresh_token_grant(p_home uuid, p_hash bytea) returns jsonb
  language plpgsql volatile as $$
declare
  v_found jsonb;
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  perform set_config('countersign.tenant', p_home::text, true);
  select jsonb_build_object('family', f.id, 'user', f.user_id, 'client_tenant', f.client_tenant_id, 'application', f.application_id,
      'client_id', f.client_id, 'bound', f.bound_tenant_id, 'scopes', f.scopes, 'audience', f.audience,
      'details', f.authorization_details, 'jkt', f.dpop_jkt, 'ended', f.revoke_time is not null, 'used', t.use_time is not null,
      'issued', floor(extract(epoch from t.create_time)), 'expires', extract(epoch from t.expire_time) * 1000)
    into v_found
    from refresh_tokens t join token_families f on f.tenant_id = p_home and f.id = t.family_id
   where t.tenant_id = p_home and t.hash = p_hash;
  perform set_config('countersign.tenant', v_before, true);
  return v_found;
end $$;

-- Ends one family. Null where it has ended before, or never was.
create function end_family(p_home uuid, p_family uuid, p_reason text, p_now timestamptz) returns jsonb
  language plpgsql volatile as $$
declare
  v_ended jsonb;
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  perform set_config('countersign.tenant', p_home::text, true);
  update token_families set revoke_time = p_now, revoke_reason = p_reason
   where tenant_id = p_home and id = p_family and revoke_time is null
   returning jsonb_build_object('home', tenant_id, 'id', id, 'user', user_id, 'bound', bound_tenant_id, 'client_id', client_id)
    into v_ended;
  perform set_config('countersign.tenant', v_before, true);
  return v_ended;
end $$;

-- Ends every family of one client, whosever.
create function end_families_of_client(p_client_tenant uuid, p_application uuid, p_reason text, p_now timestamptz) returns jsonb
  language plpgsql volatile as $$
declare
  v_ended jsonb;
  v_before text := coalesce(current_setting('countersign.scope', true), '');
begin
  perform set_config('countersign.scope', 'host', true);
  with ended as (
    update token_families set revoke_time = p_now, revoke_reason = p_reason
     where client_tenant_id = p_client_tenant and application_id = p_application and revoke_time is null
     returning user_id, bound_tenant_id)
  select coalesce(jsonb_agg(distinct jsonb_build_array(bound_tenant_id, user_id)), '[]'::jsonb) into v_ended from ended;
  perform set_config('countersign.scope', v_before, true);
  return v_ended;
end $$;

-- What userinfo says: of the human a token of theirs stands for, and what was asked for when it was granted.
create function user_information(p_bound uuid, p_user uuid, p_family uuid) returns jsonb
  language plpgsql volatile as $$
declare
  v_home uuid;
  v_found jsonb;
begin
  perform set_config('countersign.tenant', p_bound::text, true);
  select home_tenant_id into v_home from memberships where tenant_id = p_bound and user_id = p_user limit 1;
  if v_home is null then
    return null;
  end if;
  perform set_config('countersign.tenant', v_home::text, true);
  select jsonb_build_object('source', u.identity_source, 'email', u.email, 'email_verified', u.email_verified_time is not null,
      'name', u.display_name, 'locale', u.locale, 'updated', floor(extract(epoch from u.update_time)), 'claims', f.claims)
    into v_found
    from users u join token_families f on f.tenant_id = u.tenant_id and f.user_id = u.id
   where u.tenant_id = v_home and u.id = p_user and f.id = p_family;
  return v_found;
end $$;
