-- People sign in: who they are (passwords, second factors, passkeys), where (sessions, devices), through what (applications), and what
-- came of it (authorization requests, codes, token families, refresh tokens, consents).
--
-- Everything that belongs to a human lives in the human's home tenant, whichever tenant a token is bound to: ending a session ends, in one
-- transaction, all that came of it. Everything that belongs to a client lives in the client's tenant.

alter table users
  add column email_verified_time timestamptz,
  add column locale text;

-- Routing, not data: in which home tenants an e-mail address is known, by the SHA-256 of its lower-case text. Kept by a trigger, so that
-- no way of making a user can forget it.
create table login_directory (
  tenant_id    uuid not null,
  user_id      uuid not null,
  email_digest bytea not null,
  primary key (tenant_id, user_id)
);
create index login_directory_by_email on login_directory (email_digest);

create function keep_login_directory() returns trigger
  language plpgsql as $$
begin
  if new.state = 'deleted' then
    delete from login_directory where tenant_id = new.tenant_id and user_id = new.id;
  else
    insert into login_directory (tenant_id, user_id, email_digest)
      values (new.tenant_id, new.id, sha256(convert_to(lower(new.email), 'UTF8')))
      on conflict (tenant_id, user_id) do update set email_digest = excluded.email_digest;
  end if;
  return null;
end $$;
create trigger keep_login_directory after insert or update of email, state on users
  for each row execute function keep_login_directory();

-- The owner of the tables is fenced like everybody else; for one statement it is not.
alter table users no force row level security;
insert into login_directory (tenant_id, user_id, email_digest)
  select tenant_id, id, sha256(convert_to(lower(email), 'UTF8')) from users where state <> 'deleted';
alter table users force row level security;

-- Credentials of humans -------------------------------------------------------------------------------------------------------

create table passwords (
  tenant_id   uuid not null,
  user_id     uuid not null,
  -- argon2id, or an imported hash that the next sign-in replaces
  hash        text not null,
  create_time timestamptz not null,
  update_time timestamptz not null,
  primary key (tenant_id, user_id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);

create table totp_devices (
  tenant_id     uuid not null,
  id            uuid not null,
  user_id       uuid not null,
  display_name  text not null,
  -- the seed, sealed for this row
  secret_sealed bytea not null,
  -- the last time step used: it only rises, so a code is used once
  last_step     bigint not null default 0,
  create_time   timestamptz not null,
  -- null until the first code was right
  confirm_time  timestamptz,
  use_time      timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index totp_devices_by_user on totp_devices (tenant_id, user_id);

create table recovery_codes (
  tenant_id   uuid not null,
  user_id     uuid not null,
  hash        bytea not null,
  create_time timestamptz not null,
  use_time    timestamptz,
  primary key (tenant_id, user_id, hash),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);

create table passkeys (
  tenant_id     uuid not null,
  id            uuid not null,
  user_id       uuid not null,
  credential_id bytea not null,
  public_key    bytea not null,
  counter       bigint not null,
  transports    text[] not null,
  aaguid        uuid,
  backed_up     boolean not null,
  display_name  text not null,
  create_time   timestamptz not null,
  use_time      timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, credential_id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index passkeys_by_user on passkeys (tenant_id, user_id);

-- What was signed by us and may be used once: passkey challenges, DPoP proofs. Spent by an insert that does nothing on conflict.
create table spent_once (
  tenant_id   uuid not null,
  purpose     text not null,
  hash        bytea not null,
  expire_time timestamptz not null,
  primary key (tenant_id, purpose, hash)
);

-- Links sent by mail: a new password, a proven address. Only the hash is kept.
create table mail_links (
  tenant_id   uuid not null,
  id          uuid not null,
  user_id     uuid not null,
  purpose     text not null check (purpose in ('verify_email', 'reset_password', 'change_email')),
  -- the address it was sent to, which is what using it proves
  email       text not null,
  hash        bytea not null,
  create_time timestamptz not null,
  expire_time timestamptz not null,
  use_time    timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, hash),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index mail_links_by_user on mail_links (tenant_id, user_id);

create table invitations (
  tenant_id    uuid not null,
  id           uuid not null,
  node_id      uuid not null,
  email        text not null,
  display_name text,
  -- a built-in role's name, or a custom role's id, or neither
  role_name    text,
  role_id      uuid,
  -- ref of the principal who invites: what is given must still be the inviter's to give when it is accepted
  invited_by   text not null,
  hash         bytea not null,
  state        text not null check (state in ('pending', 'accepted', 'revoked')),
  user_id      uuid,
  revision     bigint not null default 1,
  create_time  timestamptz not null,
  update_time  timestamptz not null,
  expire_time  timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, hash),
  foreign key (tenant_id, node_id) references nodes (tenant_id, id),
  foreign key (tenant_id, role_id) references roles (tenant_id, id)
);
create unique index invitations_once on invitations (tenant_id, node_id, lower(email)) where state = 'pending';
create index invitations_by_time on invitations (tenant_id, create_time, id);

-- Mail to be sent, in the transaction that wants it sent. What it says may hold a link, so it is sealed.
create table mail_outbox (
  tenant_id         uuid not null,
  id                uuid not null,
  content_sealed    bytea not null,
  create_time       timestamptz not null,
  next_attempt_time timestamptz not null,
  attempts          integer not null default 0,
  expire_time       timestamptz not null,
  primary key (tenant_id, id)
);
create index mail_outbox_due on mail_outbox (next_attempt_time);

-- What a tenant asks of its people ----------------------------------------------------------------------------------------------

create table sign_in_policies (
  tenant_id   uuid not null,
  document    jsonb not null,
  revision    bigint not null,
  create_time timestamptz not null,
  update_time timestamptz not null,
  primary key (tenant_id)
);

create table brandings (
  tenant_id    uuid not null,
  display_name text,
  accent_color text,
  logo         bytea,
  logo_type    text,
  revision     bigint not null,
  create_time  timestamptz not null,
  update_time  timestamptz not null,
  primary key (tenant_id)
);

create table domains (
  tenant_id   uuid not null,
  id          uuid not null,
  name        text not null,
  state       text not null check (state in ('pending', 'verified')),
  -- public: what the TXT record must say
  challenge   text not null,
  revision    bigint not null default 1,
  create_time timestamptz not null,
  update_time timestamptz not null,
  primary key (tenant_id, id)
);
create unique index domains_name on domains (tenant_id, lower(name));
create index domains_by_time on domains (tenant_id, create_time, id);

-- Routing: whose a verified domain is. One tenant's at most.
create table verified_domains (
  name      text primary key,
  tenant_id uuid not null
);

-- Sessions ----------------------------------------------------------------------------------------------------------------------

create table sessions (
  tenant_id          uuid not null,
  -- stays for the session's life; the secret changes at every change of privilege
  id                 uuid not null,
  user_id            uuid not null,
  secret_hash        bytea not null,
  -- partial: the first factor was right and another is still asked for
  state              text not null check (state in ('partial', 'full', 'ended')),
  -- RFC 8176 amr
  methods            text[] not null,
  acr                text not null,
  auth_time          timestamptz not null,
  user_agent         text not null,
  address            text not null,
  create_time        timestamptz not null,
  seen_time          timestamptz not null,
  -- the absolute end; the idle one is counted from seen_time
  expire_time        timestamptz not null,
  idle_seconds       integer not null,
  end_time           timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index sessions_by_user on sessions (tenant_id, user_id, create_time);

-- A browser that may leave out the second factor, for as long as the tenant's policy says.
create table remembered_devices (
  tenant_id    uuid not null,
  id           uuid not null,
  user_id      uuid not null,
  hash         bytea not null,
  display_name text not null,
  create_time  timestamptz not null,
  expire_time  timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, hash),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);

-- OAuth clients -----------------------------------------------------------------------------------------------------------------

create table applications (
  tenant_id                uuid not null,
  id                       uuid not null,
  node_id                  uuid not null,
  -- `app_live_…`, which says where it lives; or the URL of a client ID metadata document
  client_id                text not null,
  display_name             text not null,
  state                    text not null check (state in ('active', 'disabled', 'deleted')),
  -- registered by an administrator, by itself (RFC 7591), or read from its metadata document
  source                   text not null check (source in ('managed', 'registered', 'metadata_document')),
  -- the deployment's or the tenant's own: nobody is asked for consent
  first_party              boolean not null,
  -- RFC 7591 §2, in its names
  metadata                 jsonb not null,
  registration_token_hash  bytea,
  revision                 bigint not null default 1,
  create_time              timestamptz not null,
  update_time              timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, client_id),
  foreign key (tenant_id, node_id) references nodes (tenant_id, id)
);
create index applications_by_time on applications (tenant_id, create_time, id);

create table application_secrets (
  tenant_id      uuid not null,
  id             uuid not null,
  application_id uuid not null,
  hash           bytea not null,
  key_id         text not null,
  create_time    timestamptz not null,
  expire_time    timestamptz,
  revoke_time    timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, hash),
  foreign key (tenant_id, application_id) references applications (tenant_id, id)
);
create index application_secrets_by_owner on application_secrets (tenant_id, application_id);

-- An authorization request under way, in the client's tenant: pushed (RFC 9126), or kept while a human signs in and consents.
create table authorization_requests (
  tenant_id       uuid not null,
  id              uuid not null,
  hash            bytea not null,
  application_id  uuid not null,
  via             text not null check (via in ('pushed', 'page')),
  parameters      jsonb not null,
  dpop_jkt        text,
  create_time     timestamptz not null,
  expire_time     timestamptz not null,
  -- what the human at the browser has answered so far
  session_id      uuid,
  bound_tenant_id uuid,
  consent_time    timestamptz,
  scopes          text[],
  finish_time     timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, hash),
  foreign key (tenant_id, application_id) references applications (tenant_id, id)
);

-- What a human has agreed to, per client and bound tenant, in the human's home tenant.
create table consents (
  tenant_id             uuid not null,
  user_id               uuid not null,
  client_id             text not null,
  bound_tenant_id       uuid not null,
  scopes                text[] not null,
  authorization_details jsonb,
  create_time           timestamptz not null,
  update_time           timestamptz not null,
  primary key (tenant_id, user_id, client_id, bound_tenant_id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);

-- What came of one authorization: every access and refresh token that goes back to it falls with it.
create table token_families (
  tenant_id             uuid not null,
  id                    uuid not null,
  user_id               uuid not null,
  -- null where there was no browser: device flow without one, the password grant
  session_id            uuid,
  -- ends with the session, or outlives it (offline_access)
  offline               boolean not null,
  client_tenant_id      uuid not null,
  application_id        uuid not null,
  client_id             text not null,
  -- the tenant its tokens are bound to
  bound_tenant_id       uuid not null,
  scopes                text[] not null,
  audience              text[] not null,
  authorization_details jsonb,
  claims                jsonb,
  nonce                 text,
  acr                   text not null,
  methods               text[] not null,
  auth_time             timestamptz not null,
  -- RFC 9449: the key its refresh tokens are bound to
  dpop_jkt              text,
  create_time           timestamptz not null,
  use_time              timestamptz not null,
  expire_time           timestamptz not null,
  revoke_time           timestamptz,
  revoke_reason         text,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index token_families_by_user on token_families (tenant_id, user_id, create_time);
create index token_families_by_session on token_families (tenant_id, session_id) where session_id is not null;

create table authorization_codes (
  tenant_id             uuid not null,
  id                    uuid not null,
  hash                  bytea not null,
  user_id               uuid not null,
  session_id            uuid,
  client_tenant_id      uuid not null,
  application_id        uuid not null,
  client_id             text not null,
  bound_tenant_id       uuid not null,
  redirect_uri          text not null,
  -- whether the request named it, so that the token request must
  redirect_uri_given    boolean not null,
  code_challenge        text,
  scopes                text[] not null,
  audience              text[] not null,
  authorization_details jsonb,
  claims                jsonb,
  nonce                 text,
  acr                   text not null,
  methods               text[] not null,
  auth_time             timestamptz not null,
  dpop_jkt              text,
  create_time           timestamptz not null,
  expire_time           timestamptz not null,
  redeem_time           timestamptz,
  -- set when redeemed: what a replay revokes
  family_id             uuid,
  primary key (tenant_id, id),
  unique (tenant_id, hash)
);

create table refresh_tokens (
  tenant_id   uuid not null,
  id          uuid not null,
  family_id   uuid not null,
  hash        bytea not null,
  create_time timestamptz not null,
  expire_time timestamptz not null,
  -- when it was exchanged for the next one
  use_time    timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, hash),
  foreign key (tenant_id, family_id) references token_families (tenant_id, id)
);
create index refresh_tokens_by_family on refresh_tokens (tenant_id, family_id);

-- RFC 8628. Kept at the host, since a user code does not say whose client it is for.
create table device_authorizations (
  tenant_id             uuid not null,
  id                    uuid not null,
  device_hash           bytea not null,
  user_code_hash        bytea not null,
  client_tenant_id      uuid not null,
  application_id        uuid not null,
  client_id             text not null,
  scopes                text[] not null,
  audience              text[] not null,
  authorization_details jsonb,
  dpop_jkt              text,
  state                 text not null check (state in ('pending', 'approved', 'denied', 'redeemed')),
  interval_seconds      integer not null,
  poll_time             timestamptz,
  create_time           timestamptz not null,
  expire_time           timestamptz not null,
  -- who approved, at home, and what is bound
  home_tenant_id        uuid,
  user_id               uuid,
  session_id            uuid,
  bound_tenant_id       uuid,
  acr                   text,
  methods               text[],
  auth_time             timestamptz,
  family_id             uuid,
  primary key (tenant_id, id),
  unique (tenant_id, device_hash),
  unique (tenant_id, user_code_hash)
);

-- Back-channel logout: who is still to be told that a session has ended.
create table logout_notices (
  tenant_id         uuid not null,
  id                uuid not null,
  user_id           uuid not null,
  session_id        uuid not null,
  client_tenant_id  uuid not null,
  application_id    uuid not null,
  create_time       timestamptz not null,
  next_attempt_time timestamptz not null,
  attempts          integer not null default 0,
  expire_time       timestamptz not null,
  primary key (tenant_id, id)
);
create index logout_notices_due on logout_notices (next_attempt_time);

-- An access token of a human: the family it came of lives in the human's home tenant.
alter table access_tokens
  add column home_tenant_id uuid,
  add column family_id uuid,
  -- what introspection says beyond the columns: cnf, acr, auth_time, authorization_details
  add column extra jsonb;

-- The fences --------------------------------------------------------------------------------------------------------------------

do $$
declare
  name text;
begin
  foreach name in array array['passwords', 'totp_devices', 'recovery_codes', 'passkeys', 'spent_once', 'mail_links', 'invitations',
    'mail_outbox', 'sign_in_policies', 'brandings', 'domains', 'sessions', 'remembered_devices', 'applications', 'application_secrets',
    'authorization_requests', 'consents', 'token_families', 'authorization_codes', 'refresh_tokens', 'device_authorizations',
    'logout_notices']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy of_the_tenant on %I using (tenant_id = countersign_tenant())
      with check (tenant_id = countersign_tenant())', name);
    execute format('grant select, insert, update, delete on %I to countersign_app', name);
  end loop;
end $$;

-- The directories are read before a tenant is known; they are written only for the tenant at hand.
do $$
declare
  name text;
begin
  foreach name in array array['login_directory', 'verified_domains']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy routing on %I for select using (true)', name);
    execute format('create policy of_the_tenant on %I for insert with check (tenant_id = countersign_tenant())', name);
    execute format('create policy changed_by_the_tenant on %I for update using (tenant_id = countersign_tenant())
      with check (tenant_id = countersign_tenant())', name);
    execute format('create policy removed_by_the_tenant on %I for delete using (tenant_id = countersign_tenant())', name);
    execute format('grant select, insert, update, delete on %I to countersign_app', name);
  end loop;
end $$;

-- Deliveries are made by the host, for every tenant.
create policy sent_by_the_host on mail_outbox using (countersign_is_host()) with check (countersign_is_host());
create policy sent_by_the_host on logout_notices using (countersign_is_host()) with check (countersign_is_host());

-- Housekeeping, as in 0001.
do $$
declare
  name text;
begin
  foreach name in array array['spent_once', 'mail_links', 'remembered_devices', 'authorization_requests', 'authorization_codes',
    'refresh_tokens', 'device_authorizations']
  loop
    execute format('create index %I on %I (expire_time)', name || '_expired', name);
    execute format('create policy expired_seen_by_the_host on %I for select using (countersign_is_host() and expire_time < now())', name);
    execute format('create policy expired_removed_by_the_host on %I for delete using (countersign_is_host() and expire_time < now())', name);
  end loop;
end $$;

-- Hot statements ----------------------------------------------------------------------------------------------------------------

-- Whether what a human's token came of has been ended. The family lives in the human's home tenant.
create function family_ended(p_tenant uuid, p_user uuid, p_family uuid) returns boolean
  language plpgsql volatile as $$
declare
  v_home uuid;
  v_ended boolean;
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  if p_family is null then
    return false;
  end if;
  perform set_config('countersign.tenant', p_tenant::text, true);
  select home_tenant_id into v_home from memberships where tenant_id = p_tenant and user_id = p_user limit 1;
  if v_home is not null then
    perform set_config('countersign.tenant', v_home::text, true);
    select revoke_time is not null into v_ended from token_families
     where tenant_id = v_home and id = p_family and user_id = p_user and bound_tenant_id = p_tenant;
  end if;
  perform set_config('countersign.tenant', v_before, true);
  -- no family, or no membership any more: ended
  return coalesce(v_ended, true);
end $$;

drop function jwt_facts(uuid, uuid, uuid, text, uuid);
create function jwt_facts(p_host uuid, p_tenant uuid, p_jti uuid, p_kind text, p_principal uuid, p_family uuid) returns jsonb
  language plpgsql volatile as $$
declare
  v_revoked boolean;
begin
  perform set_config('countersign.tenant', p_tenant::text, true);
  select exists (select from revoked_tokens where tenant_id = p_tenant and jti = p_jti) into v_revoked;
  return jsonb_build_object('revoked', v_revoked or family_ended(p_tenant, p_principal, p_family),
    'facts', decision_facts(p_host, p_tenant, p_kind, p_principal, p_tenant, p_tenant));
end $$;

create or replace function credential_facts(p_host uuid, p_tenant uuid, p_kind text, p_hash bytea) returns jsonb
  language plpgsql volatile as $$
declare
  v_found jsonb;
  v_owner_kind text;
  v_owner uuid;
  v_family uuid;
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
      jsonb_build_object('id', t.id, 'client_id', t.client_id, 'scopes', t.scopes, 'audience', t.audience, 'family', t.family_id,
        'extra', t.extra, 'issued', extract(epoch from t.create_time) * 1000, 'expires', extract(epoch from t.expire_time) * 1000,
        'revoked', t.revoke_time is not null)
      into v_owner_kind, v_owner, v_family, v_found
      from access_tokens t where t.tenant_id = p_tenant and t.hash = p_hash;
    if v_family is not null and family_ended(p_tenant, v_owner, v_family) then
      v_found := v_found || '{"revoked": true}'::jsonb;
    end if;
  end if;
  if v_found is null then
    return null;
  end if;
  return v_found || jsonb_build_object('owner_kind', v_owner_kind, 'owner', v_owner,
    'facts', decision_facts(p_host, p_tenant, v_owner_kind, v_owner, p_tenant, p_tenant));
end $$;

-- An application by its client id, in the tenant the id says it lives in: its registration, its live secrets, and whether the place it
-- belongs to lives.
create function application_facts(p_tenant uuid, p_client_id text) returns jsonb
  language plpgsql volatile as $$
declare
  v_found jsonb;
  v_id uuid;
begin
  perform set_config('countersign.tenant', p_tenant::text, true);
  select a.id, jsonb_build_object('tenant', p_tenant, 'id', a.id, 'client_id', a.client_id, 'display_name', a.display_name,
      'state', a.state, 'source', a.source, 'first_party', a.first_party, 'metadata', a.metadata, 'revision', a.revision,
      'updated', extract(epoch from a.update_time) * 1000,
      -- the perimeter it belongs to, and all above it, the tenant last
      'tenant_state', case when not exists (select from nodes above where above.tenant_id = p_tenant
        and above.id = any(n.ancestors) and above.state <> 'active') then 'active' else 'suspended' end)
    into v_id, v_found
    from applications a join nodes n on n.tenant_id = a.tenant_id and n.id = a.node_id
   where a.tenant_id = p_tenant and a.client_id = p_client_id and a.state <> 'deleted';
  if v_found is null then
    return null;
  end if;
  return v_found || jsonb_build_object('secrets', coalesce((select jsonb_agg(jsonb_build_array(encode(s.hash, 'hex'),
      extract(epoch from s.expire_time) * 1000)) from application_secrets s
     where s.tenant_id = p_tenant and s.application_id = v_id and s.revoke_time is null), '[]'::jsonb));
end $$;

create or replace function look_up(p_host uuid, p_requests jsonb) returns jsonb
  language plpgsql volatile as $$
declare
  v_request jsonb;
  v_answer jsonb;
  v_answers jsonb := '[]'::jsonb;
begin
  for v_request in select r from jsonb_array_elements(p_requests) r loop
    case v_request ->> 0
      when 'facts' then
        v_answer := decision_facts(p_host, (v_request ->> 1)::uuid, v_request ->> 2, (v_request ->> 3)::uuid, (v_request ->> 4)::uuid,
          (v_request ->> 5)::uuid);
      when 'credential' then
        v_answer := credential_facts(p_host, (v_request ->> 1)::uuid, v_request ->> 2, decode(v_request ->> 3, 'hex'));
      when 'jwt' then
        v_answer := jwt_facts(p_host, (v_request ->> 1)::uuid, (v_request ->> 2)::uuid, v_request ->> 3, (v_request ->> 4)::uuid,
          (v_request ->> 5)::uuid);
      when 'application' then
        v_answer := application_facts((v_request ->> 1)::uuid, v_request ->> 2);
    end case;
    v_answers := v_answers || jsonb_build_array(v_answer);
  end loop;
  return v_answers;
end $$;

-- Who an e-mail address stands for where people sign in to a tenant (p_context; null where they sign in to no tenant in particular): its own
-- user first, then a member of it, then, proven addresses before others, the oldest. One row, or none.
create function sign_in_account(p_host uuid, p_digest bytea, p_context uuid) returns jsonb
  language plpgsql volatile as $$
declare
  v_candidate record;
  v_found jsonb;
  v_best jsonb;
  v_member boolean;
  v_rank integer;
  v_best_rank integer := 100;
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  for v_candidate in select tenant_id, user_id from login_directory where email_digest = p_digest order by tenant_id limit 20 loop
    v_member := false;
    if p_context is not null and p_context <> v_candidate.tenant_id then
      perform set_config('countersign.tenant', p_context::text, true);
      select exists (select from memberships where tenant_id = p_context and user_id = v_candidate.user_id
        and home_tenant_id = v_candidate.tenant_id) into v_member;
    end if;
    perform set_config('countersign.tenant', v_candidate.tenant_id::text, true);
    select jsonb_build_object('tenant', u.tenant_id, 'id', u.id, 'email', u.email, 'display_name', u.display_name, 'state', u.state,
        'identity_source', u.identity_source, 'locale', u.locale,
        'email_verified', u.email_verified_time is not null, 'created', extract(epoch from u.create_time) * 1000,
        'tenant_state', n.state, 'password', p.hash)
      into v_found
      from users u
      left join passwords p on p.tenant_id = u.tenant_id and p.user_id = u.id
      left join nodes n on n.tenant_id = u.tenant_id and n.id = u.tenant_id
     where u.tenant_id = v_candidate.tenant_id and u.id = v_candidate.user_id;
    continue when v_found is null;
    v_rank := case when v_candidate.tenant_id = p_context then 0 when v_member then 1
                   when (v_found ->> 'email_verified')::boolean then 2 else 3 end;
    if v_rank < v_best_rank or (v_rank = v_best_rank and (v_found ->> 'created')::float8 < (v_best ->> 'created')::float8) then
      v_best := v_found;
      v_best_rank := v_rank;
    end if;
  end loop;
  perform set_config('countersign.tenant', v_before, true);
  return v_best;
end $$;

-- A tenant's sign-in policy and face, for those who are about to sign in to it. Nothing of it is secret.
create function tenant_front(p_tenant uuid) returns jsonb
  language plpgsql volatile as $$
declare
  v_front jsonb;
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  perform set_config('countersign.tenant', p_tenant::text, true);
  select jsonb_build_object('tenant', n.id, 'type', n.type, 'display_name', n.display_name, 'state', n.state, 'policy', p.document,
      'brand', case when b.tenant_id is null then null else jsonb_build_object('display_name', b.display_name,
        'accent_color', b.accent_color, 'has_logo', b.logo is not null, 'revision', b.revision) end)
    into v_front
    from nodes n
    left join sign_in_policies p on p.tenant_id = n.tenant_id
    left join brandings b on b.tenant_id = n.tenant_id
   where n.tenant_id = p_tenant and n.id = p_tenant;
  perform set_config('countersign.tenant', v_before, true);
  return v_front;
end $$;
