-- Finding a session by its cookie in one statement, before any tenant is set; and removing those whose time is over.

-- The live session with this secret, noted as seen at most once a minute. Null where it has ended, was idle for too long or has expired,
-- or where the human or their tenant is not active.
create function find_session(p_home uuid, p_user uuid, p_hash bytea, p_now timestamptz) returns jsonb
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
     and u.state = 'active' and n.state = 'active';
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

-- Housekeeping, as in 0001.
create index sessions_expired on sessions (expire_time);
create policy expired_seen_by_the_host on sessions for select using (countersign_is_host() and expire_time < now());
create policy expired_removed_by_the_host on sessions for delete using (countersign_is_host() and expire_time < now());

-- Codes not yet redeemed end with their session.
create index authorization_codes_by_user on authorization_codes (tenant_id, user_id);
