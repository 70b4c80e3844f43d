-- The access model's versions, and what is stored under the names of a model: whom a change of it concerns.

-- Until when a server may still start with a version that is no longer the active one, so that processes replaced one after another, and
-- one that dies meanwhile, find their model admitted. Null: not at all.
alter table model_versions add column start_until timestamptz;

-- What the tenants have stored under the names asked about, tenant by tenant, each under its own fence: how many, and the first of them as
-- refs. p_asked has an array of names for each kind of name; the host's own roles, patterns and scopes are asked about apart from the
-- tenants', as they mean other things there. What has expired or was taken back is not counted: it comes to nothing under any model.
create function model_uses(p_host uuid, p_tenants uuid[], p_asked jsonb, p_now timestamptz, p_refs_max integer)
  returns table (tenant_id uuid, kind text, name text, used_by text, uses bigint, refs text[])
  language plpgsql volatile as $$
declare
  v_tenant uuid;
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
  v_roles_kind text;
  v_patterns_kind text;
  v_scopes_kind text;
  v_roles text[];
  v_patterns text[];
  v_scopes text[];
  v_levels text[] := array(select jsonb_array_elements_text(p_asked -> 'levels'));
  v_types text[] := array(select jsonb_array_elements_text(p_asked -> 'types'));
  v_placements text[] := array(select jsonb_array_elements_text(p_asked -> 'placements'));
begin
  foreach v_tenant in array p_tenants loop
    perform set_config('countersign.tenant', v_tenant::text, true);
    v_roles_kind := case v_tenant when p_host then 'hostRoles' else 'roles' end;
    v_patterns_kind := case v_tenant when p_host then 'hostPatterns' else 'patterns' end;
    v_scopes_kind := case v_tenant when p_host then 'hostScopes' else 'scopes' end;
    v_roles := array(select jsonb_array_elements_text(p_asked -> v_roles_kind));
    v_patterns := array(select jsonb_array_elements_text(p_asked -> v_patterns_kind));
    v_scopes := array(select jsonb_array_elements_text(p_asked -> v_scopes_kind));

    return query
      with
      -- who has what: directly, and everybody in a group that has it
      held as (
        select a.role_name, a.role_id, a.principal_kind, a.principal_id
          from role_assignments a
         where a.tenant_id = v_tenant and (a.expire_time is null or a.expire_time > p_now)
           and (a.role_name = any (v_roles) or (a.role_id is not null and cardinality(v_patterns) > 0))),
      holders as (
        select h.role_name, h.role_id, h.principal_kind, h.principal_id from held h
        union
        select h.role_name, h.role_id, c.principal_kind, c.principal_id
          from held h join group_closure c on c.tenant_id = v_tenant and c.group_id = h.principal_id
         where h.principal_kind = 'group'),
      custom as (
        select r.id, p.pattern
          from roles r cross join lateral unnest(r.permissions || r.within_grants) as p (pattern)
         where r.tenant_id = v_tenant and p.pattern = any (v_patterns)
         group by r.id, p.pattern),
      granted as (
        select n.type || '/' || g.level as level, g.principal_kind, g.principal_id
          from resource_grants g join nodes n on n.tenant_id = v_tenant and n.id = g.node_id
         where cardinality(v_levels) > 0 and g.tenant_id = v_tenant and (g.expire_time is null or g.expire_time > p_now)
           and n.type || '/' || g.level = any (v_levels)),
      grantees as (
        select g.level, g.principal_kind, g.principal_id from granted g
        union
        select g.level, c.principal_kind, c.principal_id
          from granted g join group_closure c on c.tenant_id = v_tenant and c.group_id = g.principal_id
         where g.principal_kind = 'group'),
      found as (
        select v_roles_kind as in_kind, h.role_name as in_name, 'principals' as by_what,
               case h.principal_kind when 'human' then 'users/' when 'service' then 'service-accounts/' else 'groups/' end || h.principal_id as ref
          from holders h where h.role_name is not null
        union
        select v_roles_kind, i.role_name, 'invitations', 'invitations/' || i.id
          from invitations i
         where i.tenant_id = v_tenant and i.state = 'pending' and i.expire_time > p_now and i.role_name = any (v_roles)
        union
        select v_roles_kind, p.document ->> 'self_registration_role', 'policies', 'sign-in-policies/' || p.tenant_id
          from sign_in_policies p
         where p.tenant_id = v_tenant and p.document ->> 'self_registration_role' = any (v_roles)
        union
        select v_patterns_kind, c.pattern, 'roles', 'roles/' || c.id from custom c
        union
        select v_patterns_kind, c.pattern, 'principals',
               case h.principal_kind when 'human' then 'users/' when 'service' then 'service-accounts/' else 'groups/' end || h.principal_id
          from custom c join holders h on h.role_id = c.id
        union
        select v_patterns_kind, c.pattern, 'invitations', 'invitations/' || i.id
          from custom c join invitations i on i.tenant_id = v_tenant and i.role_id = c.id
         where i.state = 'pending' and i.expire_time > p_now
        union
        select 'levels', g.level, 'principals',
               case g.principal_kind when 'human' then 'users/' when 'service' then 'service-accounts/' else 'groups/' end || g.principal_id
          from grantees g
        union
        select 'levels', n.type || '/' || l.level, 'share_links', 'share-links/' || l.id
          from share_links l join nodes n on n.tenant_id = v_tenant and n.id = l.node_id
         where cardinality(v_levels) > 0 and l.tenant_id = v_tenant and l.revoke_time is null and l.expire_time > p_now and n.type || '/' || l.level = any (v_levels)
        union
        select 'types', n.type, 'nodes', n.type || '/' || n.id
          from nodes n where n.tenant_id = v_tenant and n.state <> 'deleted' and n.type = any (v_types)
        union
        select 'placements', n.type || ' in ' || coalesce(above.type, ''), 'nodes', n.type || '/' || n.id
          from nodes n left join nodes above on above.tenant_id = v_tenant and above.id = n.parent_id
         where cardinality(v_placements) > 0 and n.tenant_id = v_tenant and n.state <> 'deleted' and n.type || ' in ' || coalesce(above.type, '') = any (v_placements)
        union
        select v_scopes_kind, s.scope, 'credentials', 'service-accounts/' || a.id
          from service_accounts a cross join lateral unnest(a.scopes) as s (scope)
         where cardinality(v_scopes) > 0 and a.tenant_id = v_tenant and s.scope = any (v_scopes)
        union
        select v_scopes_kind, s.scope, 'credentials', 'api-tokens/' || t.id
          from api_tokens t cross join lateral unnest(t.scopes) as s (scope)
         where cardinality(v_scopes) > 0 and t.tenant_id = v_tenant and t.revoke_time is null and t.expire_time > p_now and s.scope = any (v_scopes)
        union
        select v_scopes_kind, s.scope, 'credentials', 'applications/' || a.id
          from applications a cross join lateral string_to_table(a.metadata ->> 'scope', ' ') as s (scope)
         where cardinality(v_scopes) > 0 and a.tenant_id = v_tenant and a.state <> 'deleted' and s.scope = any (v_scopes))
      select v_tenant, f.in_kind, f.in_name, f.by_what, count(*), (array_agg(f.ref order by f.ref))[1:p_refs_max]
        from found f group by f.in_kind, f.in_name, f.by_what order by f.in_kind, f.in_name, f.by_what;
  end loop;
  perform set_config('countersign.tenant', v_before, true);
end $$;
