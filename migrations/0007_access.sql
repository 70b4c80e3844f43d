-- Access on a tree: groups, resource grants by level, conditions, share links; and decisions that know all of them.

-- What a condition may ask about a node. The owner is a principal of the tenant; attributes are the application's own words.
alter table nodes add column owner_kind text check (owner_kind in ('human', 'service'));
alter table nodes add column owner_id uuid;
alter table nodes add column attributes jsonb not null default '{}' check (jsonb_typeof(attributes) = 'object' and pg_column_size(attributes) <= 8192);
alter table nodes add constraint nodes_owner check ((owner_kind is null) = (owner_id is null));

-- Groups ----------------------------------------------------------------------------------------------------------------------

create table groups (
  tenant_id    uuid not null,
  id           uuid not null,
  -- where it is managed: who administers one client has groups of that client
  node_id      uuid not null,
  display_name text not null,
  description  text not null,
  revision     bigint not null default 1,
  create_time  timestamptz not null,
  update_time  timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, node_id) references nodes (tenant_id, id)
);
create unique index groups_name on groups (tenant_id, node_id, lower(display_name));
create index groups_by_time on groups (tenant_id, create_time, id);

-- As written: who was put into a group, a group among them.
create table group_members (
  tenant_id   uuid not null,
  group_id    uuid not null,
  member_kind text not null check (member_kind in ('human', 'service', 'group')),
  member_id   uuid not null,
  create_time timestamptz not null,
  primary key (tenant_id, group_id, member_id),
  foreign key (tenant_id, group_id) references groups (tenant_id, id),
  check (group_id <> member_id)
);
create index group_members_by_member on group_members (tenant_id, member_id);

-- As read: every group a principal is in, directly or through another. Flattened when members change, so that a decision never walks.
create table group_closure (
  tenant_id      uuid not null,
  principal_id   uuid not null,
  group_id       uuid not null,
  principal_kind text not null check (principal_kind in ('human', 'service')),
  primary key (tenant_id, principal_id, group_id),
  foreign key (tenant_id, group_id) references groups (tenant_id, id)
);
create index group_closure_by_group on group_closure (tenant_id, group_id, principal_id);

-- Bindings --------------------------------------------------------------------------------------------------------------------

alter table role_assignments drop constraint role_assignments_principal_kind_check;
alter table role_assignments add constraint role_assignments_principal_kind_check check (principal_kind in ('human', 'service', 'group'));
-- CEL; null holds always
alter table role_assignments add column condition text check (length(condition) between 1 and 2000);
drop index role_assignments_once;
create unique index role_assignments_once on role_assignments
  (tenant_id, principal_id, node_id, coalesce(role_name, role_id::text), propagation, coalesce(condition, ''));
create index role_assignments_by_node on role_assignments (tenant_id, node_id);

create table resource_grants (
  tenant_id      uuid not null,
  principal_id   uuid not null,
  node_id        uuid not null,
  id             uuid not null,
  principal_kind text not null check (principal_kind in ('human', 'service', 'group')),
  -- a level of the node's type; the model in force says what it gives
  level          text not null,
  condition      text check (length(condition) between 1 and 2000),
  expire_time    timestamptz,
  revision       bigint not null default 1,
  create_time    timestamptz not null,
  update_time    timestamptz not null,
  -- in the order the decision looks them up: whose, then where
  primary key (tenant_id, principal_id, node_id, id),
  unique (tenant_id, id),
  foreign key (tenant_id, node_id) references nodes (tenant_id, id)
);
create unique index resource_grants_once on resource_grants (tenant_id, principal_id, node_id, level, coalesce(condition, ''));
create index resource_grants_by_node on resource_grants (tenant_id, node_id);
create index resource_grants_by_time on resource_grants (tenant_id, create_time, id);

-- A link that opens one resource to whoever has it: only the SHA-256 of its secret is kept, and its password as argon2id.
create table share_links (
  tenant_id     uuid not null,
  id            uuid not null,
  node_id       uuid not null,
  level         text not null,
  display_name  text not null,
  hash          bytea not null,
  key_id        text not null,
  password_hash text,
  -- whose rights it lends: it opens nothing that they may not, at the moment it is opened
  creator_kind  text not null check (creator_kind in ('human', 'service')),
  creator_id    uuid not null,
  -- null: as often as one likes
  uses_max      integer check (uses_max between 1 and 1000000),
  uses          integer not null default 0 check (uses >= 0 and (uses_max is null or uses <= uses_max)),
  -- wrong passwords since the last right one; too many end it
  failures      integer not null default 0,
  create_time   timestamptz not null,
  expire_time   timestamptz not null,
  revoke_time   timestamptz,
  last_use_time timestamptz,
  revision      bigint not null default 1,
  primary key (tenant_id, id),
  unique (tenant_id, hash),
  foreign key (tenant_id, node_id) references nodes (tenant_id, id),
  check (expire_time <= create_time + interval '366 days')
);
create index share_links_by_time on share_links (tenant_id, create_time, id);
create index share_links_by_node on share_links (tenant_id, node_id);

do $$
declare
  name text;
begin
  foreach name in array array['groups', 'group_members', 'group_closure', 'resource_grants', 'share_links']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy of_the_tenant on %I using (tenant_id = countersign_tenant())
      with check (tenant_id = countersign_tenant())', name);
  end loop;
end $$;
grant select, insert, update, delete on groups, resource_grants to countersign_app;
grant select, insert, delete on group_members, group_closure to countersign_app;
grant select, insert, update on share_links to countersign_app;

-- Hot statements --------------------------------------------------------------------------------------------------------------

-- Facts about one principal at one node, as before, and now: what it has through groups, its grants on the path, conditions, and what
-- is stored of the target itself. Bindings are found by whose, then where, in one walk of one index that visits only the pages on which one
-- of them could be (PostgreSQL 17: arrays as index conditions). No join with the lists: given one, the planner may start at the node, and
-- read everybody's bindings at the root, or all of the tenant's, to keep one.
-- Stable, so that all of it, and all that is looked up with it, is read under one snapshot, `read`: a role that was taken before a grant was
-- given is never seen beside it.
create or replace function decision_facts(p_host uuid, p_bound uuid, p_kind text, p_principal uuid, p_tenant uuid, p_node uuid) returns jsonb
  language plpgsql stable as $$
declare
  v_read text := pg_current_snapshot()::text;
  v_state text;
  v_kind text := p_kind;
  v_home uuid;
  v_whose uuid[];
  v_ancestors uuid[];
  v_resource jsonb;
  v_assignments jsonb;
  v_host_assignments jsonb;
  v_grants jsonb;
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
        extract(epoch from a.expire_time) * 1000, a.condition, null) order by a.id)
      into v_host_assignments
      from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
     where a.tenant_id = p_host and a.principal_id = p_principal and a.node_id = p_host and a.principal_kind = v_kind;
  end if;

  perform set_config('countersign.tenant', p_tenant::text, true);
  select n.ancestors, nullif(jsonb_strip_nulls(jsonb_build_object(
      'owner', case n.owner_kind when 'human' then 'users/' || n.owner_id when 'service' then 'service-accounts/' || n.owner_id end,
      'attributes', nullif(n.attributes, '{}'))), '{}')
    into v_ancestors, v_resource
    from nodes n where n.tenant_id = p_tenant and n.id = p_node;
  -- A subquery and no join: each step is looked up by its key, and nothing else can be made of it.
  select jsonb_agg((select jsonb_build_array(n.id, n.type, n.state) from nodes n where n.tenant_id = p_tenant and n.id = step.id)
      order by step.ordinality)
    into v_path
    from unnest(v_ancestors) with ordinality as step (id, ordinality);

  if p_bound = p_tenant and p_bound <> p_host and v_path is not null then
    select array_prepend(p_principal, array_agg(c.group_id)) into v_whose
      from group_closure c where c.tenant_id = p_tenant and c.principal_id = p_principal and c.principal_kind = v_kind;
    select jsonb_agg(jsonb_build_array(a.id, a.role_name, r.id, r.permissions, r.within_grants, a.node_id, a.propagation,
        extract(epoch from a.expire_time) * 1000, a.condition, case a.principal_kind when 'group' then a.principal_id end) order by a.id)
      into v_assignments
      from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
     where a.tenant_id = p_tenant and a.principal_id = any(v_whose) and a.node_id = any(v_ancestors)
       and a.principal_kind = case a.principal_id when p_principal then v_kind else 'group' end;
    select jsonb_agg(jsonb_build_array(g.id, g.node_id, g.level, extract(epoch from g.expire_time) * 1000, g.condition,
        case g.principal_kind when 'group' then g.principal_id end) order by g.id)
      into v_grants
      from resource_grants g
     where g.tenant_id = p_tenant and g.principal_id = any(v_whose) and g.node_id = any(v_ancestors)
       and g.principal_kind = case g.principal_id when p_principal then v_kind else 'group' end;
  end if;

  perform set_config('countersign.tenant', v_before, true);
  return jsonb_build_object('kind', v_kind, 'state', v_state, 'path', v_path, 'read', v_read,
    'assignments', coalesce(v_assignments, '[]'::jsonb) || coalesce(v_host_assignments, '[]'::jsonb),
    'grants', coalesce(v_grants, '[]'::jsonb), 'resource', v_resource);
end $$;

alter function look_up(uuid, jsonb) stable;
alter function client_facts(uuid, text) stable;
alter function credential_facts(uuid, uuid, text, bytea) stable;
alter function jwt_facts(uuid, uuid, uuid, text, uuid, uuid) stable;
alter function family_standing(uuid, uuid, uuid) stable;
alter function application_facts(uuid, text) stable;

-- One plan for good, made without looking at whom it is for: planning anew costs more than reading, and a plan for one tenant is wrong for the
-- next. What it is to be made from is said here, since an average over all tenants would let it read all of a tenant's bindings to find
-- one, which is cheap in most and ruinous in the largest.
alter function look_up(uuid, jsonb) set plan_cache_mode = force_generic_plan;
alter function decision_facts(uuid, uuid, text, uuid, uuid, uuid) set plan_cache_mode = force_generic_plan;
alter table role_assignments alter column tenant_id set (n_distinct = 2);
alter table resource_grants alter column tenant_id set (n_distinct = 2);
