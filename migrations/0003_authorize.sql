-- The authorization endpoint's statements: each answers one question of a request in one round trip, under the fences of the tenants it
-- is about, and puts the settings back where it found them.

-- An authorization request under way, by the hash of its handle.
create function authorization_request(p_tenant uuid, p_hash bytea) returns jsonb
  language plpgsql volatile as $$
declare
  v_found jsonb;
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  perform set_config('countersign.tenant', p_tenant::text, true);
  select jsonb_build_object('tenant', tenant_id, 'id', id, 'application', application_id, 'parameters', parameters,
      'dpop_jkt', dpop_jkt, 'created', extract(epoch from create_time) * 1000, 'expires', extract(epoch from expire_time) * 1000,
      'session', session_id, 'bound', bound_tenant_id, 'consented', extract(epoch from consent_time) * 1000,
      'scopes', to_jsonb(scopes), 'finished', finish_time is not null)
    into v_found
    from authorization_requests where tenant_id = p_tenant and hash = p_hash;
  perform set_config('countersign.tenant', v_before, true);
  return v_found;
end $$;

-- What must be known of a human to judge an authorization request: the active tenant it would be for (p_bound, or else the only one the
-- human belongs to; null where there are several, or none), that tenant's policy, what the human has agreed to there, and which second
-- factors there are to ask for.
create function authorize_facts(p_home uuid, p_user uuid, p_bound uuid, p_client_id text) returns jsonb
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
    select jsonb_build_object('scopes', to_jsonb(scopes), 'details', authorization_details) into v_consent
      from consents where tenant_id = p_home and user_id = p_user and client_id = p_client_id and bound_tenant_id = v_bound;
  end if;
  select exists (select from totp_devices where tenant_id = p_home and user_id = p_user and confirm_time is not null),
         exists (select from passkeys where tenant_id = p_home and user_id = p_user)
    into v_totp, v_passkey;
  perform set_config('countersign.tenant', v_tenant_before, true);
  return jsonb_build_object('bound', v_bound, 'several', coalesce(cardinality(v_tenants), 0) > 1, 'policy', v_policy,
    'consent', v_consent, 'identity_source', v_identity_source, 'totp', v_totp, 'passkey', v_passkey);
end $$;

-- The active tenants a human belongs to, last used first, as the picker shows them.
create function tenants_of_human(p_home uuid, p_user uuid, p_search text, p_limit integer) returns jsonb
  language plpgsql volatile as $$
declare
  v_used jsonb;
  v_found jsonb;
  v_tenant_before text := coalesce(current_setting('countersign.tenant', true), '');
  v_scope_before text := coalesce(current_setting('countersign.scope', true), '');
begin
  perform set_config('countersign.tenant', p_home::text, true);
  select coalesce(jsonb_object_agg(bound_tenant_id, used), '{}'::jsonb) into v_used from (
    select bound_tenant_id, extract(epoch from max(use_time)) * 1000 as used
      from token_families where tenant_id = p_home and user_id = p_user group by bound_tenant_id) families;
  perform set_config('countersign.scope', 'host', true);
  select jsonb_agg(jsonb_build_object('tenant', id, 'display_name', display_name, 'type', type, 'last_used', last_used)
      order by last_used desc nulls last, lower(display_name), id)
    into v_found from (
      select n.id, n.display_name, n.type, (v_used ->> n.id::text)::double precision as last_used
        from nodes n
       where n.id in (select m.tenant_id from memberships m where m.user_id = p_user and m.home_tenant_id = p_home)
         and n.tenant_id = n.id and n.parent_id is null and n.state = 'active'
         and (p_search = '' or strpos(lower(n.display_name), lower(p_search)) > 0)
       order by last_used desc nulls last, lower(n.display_name), n.id
       limit p_limit) found;
  perform set_config('countersign.scope', v_scope_before, true);
  perform set_config('countersign.tenant', v_tenant_before, true);
  return coalesce(v_found, '[]'::jsonb);
end $$;
