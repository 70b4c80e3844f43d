-- A code and its entry in the record, in one statement: it sets the tenant itself and puts it back, as those of 0001 do. The session is held,
-- so that a code never outlives it. False where the session has ended.
create function issue_code(p_home uuid, p_id uuid, p_hash bytea, p_user uuid, p_session uuid, p_client_tenant uuid, p_application uuid,
    p_client_id text, p_bound uuid, p_redirect_uri text, p_redirect_uri_given boolean, p_code_challenge text, p_scopes text[],
    p_audience text[], p_details jsonb, p_claims jsonb, p_nonce text, p_acr text, p_methods text[], p_auth_time timestamptz,
    p_dpop_jkt text, p_now timestamptz, p_expire timestamptz, p_entry jsonb) returns boolean
  language plpgsql volatile as $$
declare
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
  v_issued boolean;
begin
  perform set_config('countersign.tenant', p_home::text, true);
  insert into authorization_codes
      (tenant_id, id, hash, user_id, session_id, client_tenant_id, application_id, client_id, bound_tenant_id, redirect_uri,
       redirect_uri_given, code_challenge, scopes, audience, authorization_details, claims, nonce, acr, methods, auth_time, dpop_jkt,
       create_time, expire_time)
    select p_home, p_id, p_hash, p_user, p_session, p_client_tenant, p_application, p_client_id, p_bound, p_redirect_uri,
           p_redirect_uri_given, p_code_challenge, p_scopes, p_audience, p_details, p_claims, p_nonce, p_acr, p_methods, p_auth_time,
           p_dpop_jkt, p_now, p_expire
      from sessions where tenant_id = p_home and id = p_session and user_id = p_user and state = 'full' and expire_time > p_now for share;
  v_issued := found;
  if v_issued then
    perform append_audit_entries(jsonb_build_array(p_entry));
  end if;
  perform set_config('countersign.tenant', v_before, true);
  return v_issued;
end $$;

-- Who is at the door with a cookie, and what must be known of them to judge their request: find_session and authorize_facts in one
-- statement. {"session": null} where there is nobody.
create function authorize_visit(p_home uuid, p_user uuid, p_hash bytea, p_now timestamptz, p_bound uuid, p_client_id text) returns jsonb
  language plpgsql volatile as $$
declare
  v_session jsonb := find_session(p_home, p_user, p_hash, p_now);
begin
  return jsonb_build_object('session', v_session,
    'facts', case when v_session is not null then authorize_facts(p_home, p_user, p_bound, p_client_id) end);
end $$;
