-- The ground floor: the fence between tenants, the tree, principals, credentials, authority, and the record.
--
-- Rules every tenant table keeps: the primary key, every unique constraint and every foreign key begin with tenant_id; row-level
-- security is forced; the one policy compares tenant_id with the tenant the transaction was opened for.

create function countersign_tenant() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('countersign.tenant', true), '')::uuid;

create function countersign_is_host() returns boolean
  language sql stable parallel safe
  return coalesce(current_setting('countersign.scope', true), '') = 'host';

-- The tree --------------------------------------------------------------------------------------------------------------------

-- A node is a perimeter or a registered resource. A tenant is the root of its tree: there id = tenant_id.
create table nodes (
  tenant_id    uuid not null,
  id           uuid not null,
  type         text not null,
  parent_id    uuid,
  -- from the node itself up to the root: the path a decision walks
  ancestors    uuid[] not null,
  display_name text not null,
  state        text not null check (state in ('active', 'suspended', 'deleted')),
  revision     bigint not null default 1,
  create_time  timestamptz not null,
  update_time  timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, parent_id) references nodes (tenant_id, id),
  check ((parent_id is null) = (id = tenant_id)),
  check (ancestors[1] = id and ancestors[cardinality(ancestors)] = tenant_id),
  check (cardinality(ancestors) <= 32)
);
create index nodes_by_type on nodes (tenant_id, type, create_time, id);
create index nodes_by_parent on nodes (tenant_id, parent_id);
create index nodes_roots on nodes (type, create_time, id) where parent_id is null;

-- Principals ------------------------------------------------------------------------------------------------------------------

-- A human. tenant_id is the home: who manages the identity. Belonging to a tenant, home or not, is a membership.
create table users (
  tenant_id       uuid not null,
  id              uuid not null,
  node_id         uuid not null,
  email           text not null,
  display_name    text not null,
  state           text not null check (state in ('active', 'suspended', 'deleted')),
  identity_source text not null,
  revision        bigint not null default 1,
  create_time     timestamptz not null,
  update_time     timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, node_id) references nodes (tenant_id, id)
);
create unique index users_email on users (tenant_id, lower(email)) where state <> 'deleted';
create index users_by_time on users (tenant_id, create_time, id);

create table memberships (
  tenant_id      uuid not null,
  id             uuid not null,
  user_id        uuid not null,
  home_tenant_id uuid not null,
  node_id        uuid not null,
  revision       bigint not null default 1,
  create_time    timestamptz not null,
  update_time    timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, user_id, node_id),
  foreign key (tenant_id, node_id) references nodes (tenant_id, id)
);
create index memberships_by_user on memberships (user_id);
create index memberships_by_time on memberships (tenant_id, create_time, id);

create table service_accounts (
  tenant_id                uuid not null,
  id                       uuid not null,
  node_id                  uuid not null,
  client_id                text not null,
  display_name             text not null,
  state                    text not null check (state in ('active', 'disabled')),
  -- what its tokens may at most carry
  scopes                   text[] not null,
  access_token_format      text not null check (access_token_format in ('jwt', 'opaque')),
  access_token_ttl_seconds integer not null check (access_token_ttl_seconds between 60 and 86400),
  -- public keys for private_key_jwt, or null
  jwks                     jsonb,
  revision                 bigint not null default 1,
  create_time              timestamptz not null,
  update_time              timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, client_id),
  foreign key (tenant_id, node_id) references nodes (tenant_id, id)
);
create index service_accounts_by_time on service_accounts (tenant_id, create_time, id);

-- Routing, not data: which tenant an OAuth client_id lives in. Client ids are public, immutable and never reused.
create table client_directory (
  client_id          text primary key,
  tenant_id          uuid not null,
  service_account_id uuid not null
);

-- Credentials -----------------------------------------------------------------------------------------------------------------

create table client_secrets (
  tenant_id          uuid not null,
  id                 uuid not null,
  service_account_id uuid not null,
  -- SHA-256 of the whole secret; the secret itself is shown once and never stored
  hash               bytea not null,
  key_id             text not null,
  create_time        timestamptz not null,
  expire_time        timestamptz,
  revoke_time        timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, hash),
  foreign key (tenant_id, service_account_id) references service_accounts (tenant_id, id)
);
create index client_secrets_by_owner on client_secrets (tenant_id, service_account_id);

create table api_tokens (
  tenant_id      uuid not null,
  id             uuid not null,
  owner_kind     text not null check (owner_kind in ('human', 'service')),
  owner_id       uuid not null,
  display_name   text not null,
  hash           bytea not null,
  key_id         text not null,
  scopes         text[] not null check (cardinality(scopes) > 0),
  create_time    timestamptz not null,
  expire_time    timestamptz not null,
  revoke_time    timestamptz,
  -- the token that took this one's place, written by the rotation that revoked it
  replaced_by    uuid,
  last_used_time timestamptz,
  revision       bigint not null default 1,
  primary key (tenant_id, id),
  unique (tenant_id, hash),
  check (expire_time <= create_time + interval '366 days')
);
create index api_tokens_by_time on api_tokens (tenant_id, create_time, id);
create index api_tokens_by_owner on api_tokens (tenant_id, owner_id);

-- Opaque access tokens. A JWT needs no row until it is revoked.
create table access_tokens (
  tenant_id   uuid not null,
  id          uuid not null,
  hash        bytea not null,
  owner_kind  text not null check (owner_kind in ('human', 'service')),
  owner_id    uuid not null,
  client_id   text not null,
  scopes      text[] not null,
  audience    text[] not null,
  create_time timestamptz not null,
  expire_time timestamptz not null,
  revoke_time timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, hash)
);

create table revoked_tokens (
  tenant_id   uuid not null,
  jti         uuid not null,
  revoke_time timestamptz not null,
  expire_time timestamptz not null,
  primary key (tenant_id, jti)
);

-- RFC 7523 §3: an assertion's jti is used once. Spent by an insert that does nothing on conflict.
create table spent_assertions (
  tenant_id   uuid not null,
  client_id   text not null,
  jti_hash    bytea not null,
  expire_time timestamptz not null,
  primary key (tenant_id, client_id, jti_hash)
);

-- Authority -------------------------------------------------------------------------------------------------------------------

-- A tenant's own roles. Built-in ones live in the access model.
create table roles (
  tenant_id     uuid not null,
  id            uuid not null,
  display_name  text not null,
  description   text not null,
  permissions   text[] not null,
  within_grants text[] not null,
  revision      bigint not null default 1,
  create_time   timestamptz not null,
  update_time   timestamptz not null,
  primary key (tenant_id, id)
);
create unique index roles_name on roles (tenant_id, lower(display_name));
create index roles_by_time on roles (tenant_id, create_time, id);

create table role_assignments (
  tenant_id      uuid not null,
  principal_id   uuid not null,
  node_id        uuid not null,
  id             uuid not null,
  principal_kind text not null check (principal_kind in ('human', 'service')),
  -- a built-in role's name, or a custom role's id: exactly one
  role_name      text,
  role_id        uuid,
  propagation    text not null check (propagation in ('subtree', 'self')),
  expire_time    timestamptz,
  revision       bigint not null default 1,
  create_time    timestamptz not null,
  update_time    timestamptz not null,
  -- in the order the decision looks them up: whose, then where
  primary key (tenant_id, principal_id, node_id, id),
  unique (tenant_id, id),
  foreign key (tenant_id, node_id) references nodes (tenant_id, id),
  foreign key (tenant_id, role_id) references roles (tenant_id, id),
  check ((role_name is null) <> (role_id is null))
);
create unique index role_assignments_once on role_assignments
  (tenant_id, principal_id, node_id, coalesce(role_name, role_id::text), propagation);
create index role_assignments_by_time on role_assignments (tenant_id, create_time, id);
create index role_assignments_by_role on role_assignments (tenant_id, role_id) where role_id is not null;

-- The record ------------------------------------------------------------------------------------------------------------------

-- Append only: the application may insert and read, nothing else.
create table audit_entries (
  tenant_id               uuid not null,
  id                      uuid not null,
  time                    timestamptz not null,
  action                  text not null,
  outcome                 text not null check (outcome in ('done', 'denied', 'failed')),
  authenticated_principal text,
  subject                 text,
  actor                   jsonb,
  actor_of_record         text,
  approvers               jsonb,
  identity_source         text,
  credential              text,
  client_id               text,
  session_id              text,
  request_id              text,
  trace_id                text,
  target                  text,
  -- the perimeters above the target, nearest first, as refs: the target client and account are among them
  target_path             jsonb,
  permission              text,
  -- true where only a host role permitted it
  bypass                  boolean not null,
  because                 jsonb,
  detail                  jsonb,
  primary key (tenant_id, id)
);
create index audit_entries_by_time on audit_entries (tenant_id, time, id);

-- Transactional outbox. position is given out after commit, by one relay at a time, so that a reader's cursor never skips an event
-- whose transaction was slower than its neighbour's.
create table events (
  tenant_id uuid not null,
  id        uuid not null,
  xid       xid8 not null default pg_current_xact_id(),
  seq       bigint generated always as identity,
  position  bigint,
  type      text not null,
  subject   text not null,
  time      timestamptz not null,
  data      jsonb not null,
  -- who stands behind it, the five parties as in audit_entries
  attribution jsonb not null,
  primary key (tenant_id, id)
);
create index events_unplaced on events (xid, seq) where position is null;
create index events_placed on events (position) where position is not null;
create index events_by_tenant on events (tenant_id, position) where position is not null;
create table relay_state (
  stream             text primary key,
  delivered_position bigint not null
);

create table idempotency_keys (
  tenant_id    uuid not null,
  principal_id uuid not null,
  route        text not null,
  key          text not null,
  request_hash bytea not null,
  status       integer not null,
  response     jsonb not null,
  expire_time  timestamptz not null,
  primary key (tenant_id, principal_id, route, key)
);

-- The deployment --------------------------------------------------------------------------------------------------------------

-- One row: what proves that the secret key given at start is the one this database was set up with.
create table deployment (
  only_row    boolean primary key default true check (only_row),
  key_check   bytea not null,
  create_time timestamptz not null
);

-- The link with which the first human sets itself up. Global, like the host it belongs to; only the hash is kept.
create table setup_links (
  hash        bytea primary key,
  create_time timestamptz not null,
  expire_time timestamptz not null,
  use_time    timestamptz
);

create table model_versions (
  version     text primary key,
  document    text not null,
  create_time timestamptz not null,
  active      boolean not null
);
create unique index model_versions_active on model_versions (active) where active;

-- Private keys are sealed: AES-256-GCM under a data key that the deployment's secret key wraps, bound to the row's kid.
create table signing_keys (
  kid           text primary key,
  alg           text not null,
  public_jwk    jsonb not null,
  private_sealed bytea not null,
  create_time   timestamptz not null,
  -- signs from here on; published before, for as long as a relying party may cache the key set
  sign_from     timestamptz not null,
  -- verifies until here: the last token it signed has then expired
  verify_until  timestamptz
);

-- The fences ------------------------------------------------------------------------------------------------------------------

do $$
declare
  name text;
begin
  foreach name in array array['users', 'service_accounts', 'client_secrets', 'api_tokens', 'access_tokens', 'revoked_tokens',
    'spent_assertions', 'roles', 'role_assignments', 'audit_entries', 'idempotency_keys']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy of_the_tenant on %I using (tenant_id = countersign_tenant())
      with check (tenant_id = countersign_tenant())', name);
  end loop;
end $$;

-- Where the host must see past one tenant, the policy says exactly how far.
alter table nodes enable row level security;
alter table nodes force row level security;
create policy of_the_tenant on nodes using (tenant_id = countersign_tenant()) with check (tenant_id = countersign_tenant());
create policy roots_for_the_host on nodes for select using (countersign_is_host() and parent_id is null);

alter table memberships enable row level security;
alter table memberships force row level security;
create policy of_the_tenant on memberships using (tenant_id = countersign_tenant()) with check (tenant_id = countersign_tenant());
create policy whereabouts_for_the_host on memberships for select using (countersign_is_host());

alter table events enable row level security;
alter table events force row level security;
create policy of_the_tenant on events using (tenant_id = countersign_tenant()) with check (tenant_id = countersign_tenant());
create policy relay_by_the_host on events using (countersign_is_host()) with check (countersign_is_host());

-- The directory is read before a tenant is known; it is written only for the tenant at hand.
alter table client_directory enable row level security;
alter table client_directory force row level security;
create policy routing on client_directory for select using (true);
create policy of_the_tenant on client_directory for insert with check (tenant_id = countersign_tenant());

grant select, insert, update on nodes, users, service_accounts, client_secrets, api_tokens, access_tokens, roles to countersign_app;
grant delete on roles to countersign_app;
grant select, insert, delete on memberships, role_assignments, revoked_tokens, spent_assertions, idempotency_keys, access_tokens
  to countersign_app;
grant update on memberships, role_assignments, idempotency_keys to countersign_app;
grant select, insert on client_directory, audit_entries to countersign_app;
grant select, insert, update on events, relay_state, signing_keys, model_versions, setup_links to countersign_app;
grant select, insert on deployment to countersign_app;
grant usage, select on all sequences in schema public to countersign_app;

-- Hot statements --------------------------------------------------------------------------------------------------------------

-- What a decision about one principal at one node needs, in one statement and under both fences.
--
-- The tenant is set inside, for the length of the statement, so that no transaction has to be opened around it. A principal of the
-- host (p_bound = the host) has no rows in the tenant asked about; its authority is what is assigned to it at the host.
-- The answer's shape is core/decide's Facts, with roles by name or by their stored patterns. No such node: path is null. A principal's
-- kind that is not known (null) is found out.
create function decision_facts(p_host uuid, p_bound uuid, p_kind text, p_principal uuid, p_tenant uuid, p_node uuid) returns jsonb
  language plpgsql volatile as $$
declare
  v_state text;
  v_kind text := p_kind;
  v_home uuid;
  v_assignments jsonb;
  v_host_assignments jsonb;
  v_path jsonb;
  -- put back at the end: inside a transaction the statements that follow belong to the transaction's own tenant
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  perform set_config('countersign.tenant', p_bound::text, true);
  if v_kind is null or v_kind = 'service' then
    select state into v_state from service_accounts where tenant_id = p_bound and id = p_principal;
    if v_kind is null then
      v_kind := case when v_state is null then 'human' else 'service' end;
    end if;
  end if;
  if v_kind = 'human' then
    select home_tenant_id into v_home from memberships where tenant_id = p_bound and user_id = p_principal limit 1;
    if v_home is not null then
      perform set_config('countersign.tenant', v_home::text, true);
      select u.state into v_state from users u where u.tenant_id = v_home and u.id = p_principal;
      perform set_config('countersign.tenant', p_bound::text, true);
    end if;
  end if;

  if p_bound = p_host then
    select jsonb_agg(jsonb_build_array(a.id, a.role_name, r.id, r.permissions, r.within_grants, null, a.propagation,
        extract(epoch from a.expire_time) * 1000) order by a.id)
      into v_host_assignments
      from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
     where a.tenant_id = p_host and a.principal_id = p_principal and a.node_id = p_host and a.principal_kind = v_kind;
  end if;

  perform set_config('countersign.tenant', p_tenant::text, true);
  select jsonb_agg(jsonb_build_array(n.id, n.type, n.state) order by step.ordinality)
    into v_path
    from nodes target
    cross join lateral unnest(target.ancestors) with ordinality as step (id, ordinality)
    join nodes n on n.tenant_id = p_tenant and n.id = step.id
   where target.tenant_id = p_tenant and target.id = p_node;

  if p_bound = p_tenant and p_bound <> p_host then
    select jsonb_agg(jsonb_build_array(a.id, a.role_name, r.id, r.permissions, r.within_grants, a.node_id, a.propagation,
        extract(epoch from a.expire_time) * 1000) order by a.id)
      into v_assignments
      from nodes target
      cross join lateral unnest(target.ancestors) as step (id)
      join role_assignments a on a.tenant_id = p_tenant and a.principal_id = p_principal and a.node_id = step.id
      left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
     where target.tenant_id = p_tenant and target.id = p_node and a.principal_kind = v_kind;
  end if;

  perform set_config('countersign.tenant', v_before, true);
  return jsonb_build_object('kind', v_kind, 'state', v_state, 'path', v_path,
    'assignments', coalesce(v_assignments, '[]'::jsonb) || coalesce(v_host_assignments, '[]'::jsonb));
end $$;

-- One stored credential by the SHA-256 of its text, with its owner's facts at the root of the tenant it lives in.
-- p_kind: 'client_secret' | 'api_token' | 'access_token'. No such credential: null.
create function credential_facts(p_host uuid, p_tenant uuid, p_kind text, p_hash bytea) returns jsonb
  language plpgsql volatile as $$
declare
  v_found jsonb;
  v_owner_kind text;
  v_owner uuid;
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
    select t.owner_kind, t.owner_id,
      jsonb_build_object('id', t.id, 'client_id', t.client_id, 'scopes', t.scopes, 'audience', t.audience,
        'issued', extract(epoch from t.create_time) * 1000, 'expires', extract(epoch from t.expire_time) * 1000,
        'revoked', t.revoke_time is not null)
      into v_owner_kind, v_owner, v_found
      from access_tokens t where t.tenant_id = p_tenant and t.hash = p_hash;
  end if;
  if v_found is null then
    return null;
  end if;
  return v_found || jsonb_build_object('owner_kind', v_owner_kind, 'owner', v_owner,
    'facts', decision_facts(p_host, p_tenant, v_owner_kind, v_owner, p_tenant, p_tenant));
end $$;

-- A verified JWT's standing now: revoked or not, and its subject's facts at the root of its tenant.
create function jwt_facts(p_host uuid, p_tenant uuid, p_jti uuid, p_kind text, p_principal uuid) returns jsonb
  language plpgsql volatile as $$
declare
  v_revoked boolean;
begin
  perform set_config('countersign.tenant', p_tenant::text, true);
  select exists (select from revoked_tokens where tenant_id = p_tenant and jti = p_jti) into v_revoked;
  return jsonb_build_object('revoked', v_revoked,
    'facts', decision_facts(p_host, p_tenant, p_kind, p_principal, p_tenant, p_tenant));
end $$;

-- Everything a request found missing in the cache, in one statement. Each of the requests is an array: what is asked, then its arguments.
create function look_up(p_host uuid, p_requests jsonb) returns jsonb
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
        v_answer := jwt_facts(p_host, (v_request ->> 1)::uuid, (v_request ->> 2)::uuid, v_request ->> 3, (v_request ->> 4)::uuid);
    end case;
    v_answers := v_answers || jsonb_build_array(v_answer);
  end loop;
  return v_answers;
end $$;

-- Group commit for entries that belong to no larger change (tokens issued): many tenants' rows in one durable statement, each
-- inserted under its own tenant's fence. Rows are arrays in the order of the columns below.
create function append_audit_entries(p_rows jsonb) returns void
  language plpgsql volatile as $$
declare
  v_tenant text;
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  for v_tenant in select distinct r ->> 0 from jsonb_array_elements(p_rows) r loop
    perform set_config('countersign.tenant', v_tenant, true);
    insert into audit_entries (tenant_id, id, time, action, outcome, authenticated_principal, subject, actor, actor_of_record,
        approvers, identity_source, credential, client_id, session_id, request_id, trace_id, target, target_path, permission, bypass,
        because, detail)
      select v_tenant::uuid, (r ->> 1)::uuid, to_timestamp((r ->> 2)::double precision / 1000), r ->> 3, r ->> 4, r ->> 5, r ->> 6,
        nullif(r -> 7, 'null'), r ->> 8, nullif(r -> 9, 'null'), r ->> 10, r ->> 11, r ->> 12, r ->> 13, r ->> 14, r ->> 15, r ->> 16,
        nullif(r -> 17, 'null'), r ->> 18, (r ->> 19)::boolean, nullif(r -> 20, 'null'), nullif(r -> 21, 'null')
        from jsonb_array_elements(p_rows) r where r ->> 0 = v_tenant;
  end loop;
  perform set_config('countersign.tenant', v_before, true);
end $$;

-- A client by its public id, with its keys and its facts: what client authentication without a stored secret begins with.
create function client_facts(p_host uuid, p_client_id text) returns jsonb
  language plpgsql volatile as $$
declare
  v_tenant uuid;
  v_account uuid;
  v_found jsonb;
begin
  select tenant_id, service_account_id into v_tenant, v_account from client_directory where client_id = p_client_id;
  if v_tenant is null then
    return null;
  end if;
  perform set_config('countersign.tenant', v_tenant::text, true);
  select jsonb_build_object('tenant', v_tenant, 'id', a.id, 'client_id', a.client_id, 'scopes', a.scopes,
      'format', a.access_token_format, 'ttl', a.access_token_ttl_seconds, 'jwks', a.jwks)
    into v_found from service_accounts a where a.tenant_id = v_tenant and a.id = v_account;
  if v_found is null then
    return null;
  end if;
  return v_found || jsonb_build_object('facts', decision_facts(p_host, v_tenant, 'service', v_account, v_tenant, v_tenant));
end $$;

-- Housekeeping: what has expired is worth nothing to anybody, so the host may see and remove it, in every tenant, and nothing else.
do $$
declare
  name text;
begin
  foreach name in array array['access_tokens', 'revoked_tokens', 'spent_assertions', 'idempotency_keys']
  loop
    execute format('create index %I on %I (expire_time)', name || '_expired', name);
    execute format('create policy expired_seen_by_the_host on %I for select using (countersign_is_host() and expire_time < now())', name);
    execute format('create policy expired_removed_by_the_host on %I for delete using (countersign_is_host() and expire_time < now())', name);
  end loop;
end $$;
