-- Lists: what a principal reaches, and who reaches a node, a page at a time, each page in one statement.

-- Children by type, in the order of their ids: a walk down the tree sees the kinds of nodes it is after, and no others.
create index nodes_children on nodes (tenant_id, parent_id, type, id);
drop index nodes_by_parent;
-- Who has something at a node, in the order of their ids.
create index role_assignments_at on role_assignments (tenant_id, node_id, principal_kind, principal_id);
drop index role_assignments_by_node;
create index resource_grants_at on resource_grants (tenant_id, node_id, principal_kind, principal_id);
drop index resource_grants_by_node;

-- Facts about some principals at some nodes, as `decision_facts` has them about one at one: the same words, taken apart, so that what many
-- have in common is said once. `assignments` and `grants` begin with whose they are, a principal's or a group's.
create function facts_between(p_host uuid, p_bound uuid, p_tenant uuid, p_principals uuid[], p_nodes uuid[]) returns jsonb
  language plpgsql stable as $$
declare
  v_who jsonb;
  v_homes uuid[];
  v_home uuid;
  v_members uuid[];
  v_groups jsonb := '{}';
  v_whose uuid[];
  v_paths text[];
  v_steps uuid[];
  v_nodes jsonb;
  v_path jsonb;
  v_assignments jsonb;
  v_grants jsonb;
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  perform set_config('countersign.tenant', p_bound::text, true);
  select coalesce(jsonb_object_agg(s.id, jsonb_build_array('service', s.state)), '{}') into v_who
    from service_accounts s where s.tenant_id = p_bound and s.id = any(p_principals);
  select array_agg(distinct m.home_tenant_id) into v_homes
    from memberships m where m.tenant_id = p_bound and m.user_id = any(p_principals);
  foreach v_home in array coalesce(v_homes, '{}') loop
    select array_agg(distinct m.user_id) into v_members
      from memberships m where m.tenant_id = p_bound and m.user_id = any(p_principals) and m.home_tenant_id = v_home;
    perform set_config('countersign.tenant', v_home::text, true);
    select v_who || coalesce(jsonb_object_agg(u.id, jsonb_build_array('human', u.state)), '{}') into v_who
      from users u where u.tenant_id = v_home and u.id = any(v_members);
    perform set_config('countersign.tenant', p_bound::text, true);
  end loop;

  if p_bound = p_host then
    select jsonb_agg(jsonb_build_array(a.principal_id, a.id, a.role_name, r.id, r.permissions, r.within_grants, null, a.propagation,
        extract(epoch from a.expire_time) * 1000, a.condition, null) order by a.id)
      into v_assignments
      from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
     where a.tenant_id = p_host and a.principal_id = any(p_principals) and a.node_id = p_host
       and a.principal_kind = v_who -> a.principal_id::text ->> 0;
  end if;

  perform set_config('countersign.tenant', p_tenant::text, true);
  -- A limit, so that each is looked up by its key, and nothing else can be made of it.
  select jsonb_agg(jsonb_build_array(n.id, n.ancestors, nullif(jsonb_strip_nulls(jsonb_build_object(
      'owner', case n.owner_kind when 'human' then 'users/' || n.owner_id when 'service' then 'service-accounts/' || n.owner_id end,
      'attributes', nullif(n.attributes, '{}'))), '{}')) order by asked.ordinality), array_agg(n.ancestors::text)
    into v_nodes, v_paths
    from unnest(p_nodes) with ordinality as asked (id, ordinality)
   cross join lateral (select * from nodes where tenant_id = p_tenant and id = asked.id limit 1) n;
  select array_agg(distinct step.id) into v_steps from unnest(v_paths) as one (path) cross join lateral unnest(one.path::uuid[]) as step (id);
  select jsonb_agg((select jsonb_build_array(n.id, n.type, n.state) from nodes n where n.tenant_id = p_tenant and n.id = step.id)) into v_path
    from unnest(v_steps) as step (id);

  if p_bound = p_tenant and p_bound <> p_host then
    select coalesce(jsonb_object_agg(inside.principal_id, inside.groups), '{}') into v_groups
      from (select c.principal_id, jsonb_agg(c.group_id) as groups
              from group_closure c
             where c.tenant_id = p_tenant and c.principal_id = any(p_principals)
               and c.principal_kind = v_who -> c.principal_id::text ->> 0
             group by c.principal_id) inside;
    select array_agg(whose.id) into v_whose
      from (select key::uuid as id from jsonb_each(v_who)
            union select inside.value::uuid from jsonb_each(v_groups) as one, jsonb_array_elements_text(one.value) as inside) whose;
    select jsonb_agg(jsonb_build_array(a.principal_id, a.id, a.role_name, r.id, r.permissions, r.within_grants, a.node_id, a.propagation,
        extract(epoch from a.expire_time) * 1000, a.condition, case a.principal_kind when 'group' then a.principal_id end) order by a.id)
      into v_assignments
      from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
     where a.tenant_id = p_tenant and a.principal_id = any(v_whose) and a.node_id = any(v_steps)
       and a.principal_kind = coalesce(v_who -> a.principal_id::text ->> 0, 'group');
    select jsonb_agg(jsonb_build_array(g.principal_id, g.id, g.node_id, g.level, extract(epoch from g.expire_time) * 1000, g.condition,
        case g.principal_kind when 'group' then g.principal_id end) order by g.id)
      into v_grants
      from resource_grants g
     where g.tenant_id = p_tenant and g.principal_id = any(v_whose) and g.node_id = any(v_steps)
       and g.principal_kind = coalesce(v_who -> g.principal_id::text ->> 0, 'group');
  end if;

  perform set_config('countersign.tenant', v_before, true);
  return jsonb_build_object('principals', v_who, 'groups', v_groups, 'nodes', coalesce(v_nodes, '[]'), 'path', coalesce(v_path, '[]'),
    'assignments', coalesce(v_assignments, '[]'), 'grants', coalesce(v_grants, '[]'));
end $$;

-- The nodes of one type that something of the principal's may reach, from a place on, with the facts to decide each of them.
--
-- What may give the permission is worked out from the model by whoever asks: built-in roles, patterns of custom roles, levels. Where such a
-- binding stands at the root, nodes are taken by type in the order they were made. Elsewhere each binding's node is an anchor: anchors are
-- taken in the order of their ids, those below another left out, and each is walked down in pre-order, through the types that may hold
-- the wanted one (`p_below`: by type, the types to look for below it). A place is an anchor and the way from it down to the node that was
-- seen last; so a page reads what it shows and little more, wherever it begins, and never more than `p_visits` nodes.
create function reachable_nodes(p_host uuid, p_bound uuid, p_kind text, p_principal uuid, p_tenant uuid, p_now timestamptz, p_type text,
    p_below jsonb, p_roles text[], p_host_roles text[], p_patterns text[], p_levels text[], p_place jsonb, p_limit integer, p_visits integer)
  returns jsonb language plpgsql stable as $$
declare
  c_anchors constant integer := 128;
  c_first constant uuid := '00000000-0000-0000-0000-000000000000';
  v_whose uuid[];
  v_found uuid[] := '{}';
  v_place jsonb;
  v_everything boolean := false;
  v_visits integer := 0;
  v_time timestamptz;
  v_last uuid := c_first;
  v_anchors uuid[];
  v_subs boolean[];
  v_above uuid[];
  v_covering uuid[];
  v_anchor record;
  -- the way down from the anchor, and whether to look below its end
  v_way uuid[];
  v_types text[];
  v_into boolean;
  v_depth integer;
  v_parent uuid;
  v_kinds jsonb;
  v_after uuid;
  v_from integer;
  v_id uuid;
  v_type text;
  v_state text;
begin
  if p_bound = p_host and p_tenant <> p_host then
    perform set_config('countersign.tenant', p_host::text, true);
    v_everything := exists (
      select from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
       where a.tenant_id = p_host and a.principal_id = p_principal and a.node_id = p_host and a.principal_kind = p_kind
         and (a.role_name = any(p_host_roles) or r.permissions && p_patterns) and (a.expire_time is null or a.expire_time > p_now));
  end if;
  perform set_config('countersign.tenant', p_tenant::text, true);

  if p_bound = p_tenant and p_bound <> p_host then
    select array_prepend(p_principal, array_agg(c.group_id)) into v_whose
      from group_closure c where c.tenant_id = p_tenant and c.principal_id = p_principal and c.principal_kind = p_kind;
    v_everything := exists (
      select from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
       where a.tenant_id = p_tenant and a.principal_id = any(v_whose) and a.node_id = p_tenant
         and a.principal_kind = case a.principal_id when p_principal then p_kind else 'group' end
         and a.propagation = 'subtree' and (a.role_name = any(p_roles) or r.permissions && p_patterns)
         and (a.expire_time is null or a.expire_time > p_now))
      or exists (
      select from resource_grants g
       where g.tenant_id = p_tenant and g.principal_id = any(v_whose) and g.node_id = p_tenant
         and g.principal_kind = case g.principal_id when p_principal then p_kind else 'group' end
         and g.level = any(p_levels) and (g.expire_time is null or g.expire_time > p_now));
  end if;

  -- A list goes on as it began, whatever was given or taken in between: every node is decided for itself.
  if p_place ? 'time' or (p_place is null and v_everything) then
    v_last := coalesce((p_place ->> 'id')::uuid, c_first);
    v_time := coalesce((p_place ->> 'time')::timestamptz, '-infinity');
    for v_anchor in
      select n.id, n.create_time from nodes n
       where n.tenant_id = p_tenant and n.type = p_type and (n.create_time, n.id) > (v_time, v_last)
       order by n.create_time, n.id limit p_limit
    loop
      v_found := v_found || v_anchor.id;
      if cardinality(v_found) = p_limit then
        v_place := jsonb_build_object('time', v_anchor.create_time::text, 'id', v_anchor.id);
      end if;
    end loop;
  elsif v_whose is not null then
    -- First the rest of the anchor that the last page ended in, then one anchor after another.
    if p_place is not null then
      v_way := array(select jsonb_array_elements_text(p_place -> 'way'))::uuid[];
      v_types := array(select jsonb_array_elements_text(p_place -> 'types'));
      v_into := (p_place ->> 'into')::boolean;
      v_last := v_way[1];
    end if;
    <<walking>>
    loop
      if v_way is null then
        select array_agg(near.node_id order by near.node_id), array_agg(near.sub order by near.node_id) into v_anchors, v_subs
          from (select bound.node_id, bool_or(bound.sub) as sub
                  from (select mine.node_id, mine.sub from unnest(v_whose) as who (id) cross join lateral (
                          select a.node_id, bool_or(a.propagation = 'subtree') as sub
                            from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
                           where a.tenant_id = p_tenant and a.principal_id = who.id and a.node_id > v_last
                             and a.principal_kind = case who.id when p_principal then p_kind else 'group' end
                             and (a.role_name = any(p_roles) or r.permissions && p_patterns)
                             and (a.expire_time is null or a.expire_time > p_now)
                           group by a.node_id order by a.node_id limit c_anchors) mine
                        union all
                        select mine.node_id, true from unnest(v_whose) as who (id) cross join lateral (
                          select g.node_id from resource_grants g
                           where g.tenant_id = p_tenant and g.principal_id = who.id and g.node_id > v_last
                             and g.principal_kind = case who.id when p_principal then p_kind else 'group' end
                             and g.level = any(p_levels) and (g.expire_time is null or g.expire_time > p_now)
                           group by g.node_id order by g.node_id limit c_anchors) mine) bound
                 group by bound.node_id order by bound.node_id limit c_anchors) near;
        exit walking when v_anchors is null;
        -- Of these, the nodes above that are anchors themselves and hold below: what stands under them is theirs to show.
        select array_agg(distinct step.id) into v_above
          from unnest(v_anchors) as anchor (id)
         cross join lateral (select ancestors from nodes where tenant_id = p_tenant and id = anchor.id limit 1) n
         cross join lateral unnest(n.ancestors[2:]) as step (id);
        select array_agg(above.id) into v_covering from (
          select a.node_id as id from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
           where a.tenant_id = p_tenant and a.principal_id = any(v_whose) and a.node_id = any(v_above)
             and a.principal_kind = case a.principal_id when p_principal then p_kind else 'group' end
             and a.propagation = 'subtree' and (a.role_name = any(p_roles) or r.permissions && p_patterns)
             and (a.expire_time is null or a.expire_time > p_now)
          union
          select g.node_id from resource_grants g
           where g.tenant_id = p_tenant and g.principal_id = any(v_whose) and g.node_id = any(v_above)
             and g.principal_kind = case g.principal_id when p_principal then p_kind else 'group' end
             and g.level = any(p_levels) and (g.expire_time is null or g.expire_time > p_now)) above;
      else
        v_anchors := array[v_way[1]];
        v_subs := array[true];
      end if;

      for v_anchor in
        select anchor.id, anchor.sub, n.type, n.ancestors, exists (
            select from unnest(n.ancestors) as step (id)
             where (select above.state from nodes above where above.tenant_id = p_tenant and above.id = step.id) <> 'active') as asleep
          from unnest(v_anchors, v_subs) as anchor (id, sub)
         cross join lateral (select * from nodes where tenant_id = p_tenant and id = anchor.id limit 1) n
         order by anchor.id
      loop
        v_last := v_anchor.id;
        if v_way is null then
          v_visits := v_visits + 1;
          v_way := array[v_anchor.id];
          v_types := array[v_anchor.type];
          v_into := v_anchor.sub;
          if v_anchor.asleep or coalesce(v_anchor.ancestors[2:] && v_covering, false) then
            v_into := false;
          elsif v_anchor.type = p_type then
            v_found := v_found || v_anchor.id;
          end if;
        end if;
        loop
          v_depth := cardinality(v_way);
          if cardinality(v_found) >= p_limit or v_visits >= p_visits then
            v_place := jsonb_build_object('way', to_jsonb(v_way), 'types', to_jsonb(v_types), 'into', v_into);
            exit walking;
          end if;
          exit when v_depth = 1 and not v_into;
          if v_into then
            v_parent := v_way[v_depth];
            v_kinds := p_below -> v_types[v_depth];
            v_after := c_first;
            v_from := 0;
          else
            v_parent := v_way[v_depth - 1];
            v_kinds := p_below -> v_types[v_depth - 1];
            v_after := v_way[v_depth];
            v_from := 0;
            while v_from < jsonb_array_length(v_kinds) and v_kinds ->> v_from <> v_types[v_depth] loop
              v_from := v_from + 1;
            end loop;
            v_way := v_way[1 : v_depth - 1];
            v_types := v_types[1 : v_depth - 1];
          end if;
          v_id := null;
          for v_at in v_from .. coalesce(jsonb_array_length(v_kinds), 0) - 1 loop
            v_type := v_kinds ->> v_at;
            select n.id, n.state into v_id, v_state from nodes n
             where n.tenant_id = p_tenant and n.parent_id = v_parent and n.type = v_type and n.id > v_after
             order by n.id limit 1;
            exit when v_id is not null;
            v_after := c_first;
          end loop;
          v_into := v_id is not null and v_state = 'active';
          if v_id is not null then
            v_visits := v_visits + 1;
            v_way := v_way || v_id;
            v_types := v_types || v_type;
            if v_into and v_type = p_type then
              v_found := v_found || v_id;
            end if;
          end if;
        end loop;
        v_way := null;
      end loop;
      -- The anchor that was to be gone on with may be gone itself.
      v_way := null;
    end loop;
  end if;

  return facts_between(p_host, p_bound, p_tenant, array[p_principal], v_found)
    || jsonb_build_object('place', v_place, 'read', pg_current_snapshot()::text);
end $$;

-- The principals of one kind who have something at a node or above it that may give a permission, from an id on, with the facts to decide
-- each. What is at one node, or in one group, is read `p_scan` principals at a time: where that was not all, nothing beyond the first
-- such end is shown yet.
create function reaching_principals(p_host uuid, p_tenant uuid, p_node uuid, p_kind text, p_now timestamptz, p_roles text[], p_patterns text[],
    p_levels text[], p_after uuid, p_limit integer, p_scan integer)
  returns jsonb language plpgsql stable as $$
declare
  v_ancestors uuid[];
  v_groups uuid[];
  v_found uuid[];
  v_end uuid;
  v_place uuid;
begin
  perform set_config('countersign.tenant', p_tenant::text, true);
  select n.ancestors into v_ancestors from nodes n where n.tenant_id = p_tenant and n.id = p_node;
  if p_tenant <> p_host then
    select array_agg(distinct given.id) into v_groups
      from (select a.principal_id as id
              from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
             where a.tenant_id = p_tenant and a.node_id = any(v_ancestors) and a.principal_kind = 'group'
               and (a.propagation = 'subtree' or a.node_id = p_node) and (a.role_name = any(p_roles) or r.permissions && p_patterns)
               and (a.expire_time is null or a.expire_time > p_now)
            union all
            select g.principal_id
              from resource_grants g
             where g.tenant_id = p_tenant and g.node_id = any(v_ancestors) and g.principal_kind = 'group' and g.level = any(p_levels) and (g.expire_time is null or g.expire_time > p_now)) given;
  end if;

  with scanned as materialized (
    select 'role' as by, step.id as place, mine.id, mine.may
      from unnest(v_ancestors) as step (id) cross join lateral (
        select a.principal_id as id, bool_or((a.propagation = 'subtree' or a.node_id = p_node)
            and (a.role_name = any(p_roles) or r.permissions && p_patterns) and (a.expire_time is null or a.expire_time > p_now)) as may
          from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
         where a.tenant_id = p_tenant and a.node_id = step.id and a.principal_kind = p_kind and a.principal_id > p_after
         group by a.principal_id order by a.principal_id limit p_scan) mine
    union all
    select 'grant', step.id, mine.id, mine.may
      from unnest(v_ancestors) as step (id) cross join lateral (
        select g.principal_id as id, bool_or(g.level = any(p_levels) and (g.expire_time is null or g.expire_time > p_now)) as may
          from resource_grants g
         where g.tenant_id = p_tenant and g.node_id = step.id and g.principal_kind = p_kind and g.principal_id > p_after
         group by g.principal_id order by g.principal_id limit p_scan) mine
    union all
    select 'group', inside.id, mine.id, mine.may
      from unnest(v_groups) as inside (id) cross join lateral (
        select c.principal_id as id, c.principal_kind = p_kind as may from group_closure c
         where c.tenant_id = p_tenant and c.group_id = inside.id and c.principal_id > p_after
         order by c.principal_id limit p_scan) mine
  ), ends as (
    select (array_agg(one.id order by one.id desc))[1] as id from scanned one group by one.by, one.place having count(*) >= p_scan
  ), first_end as (
    select (array_agg(ends.id order by ends.id))[1] as id from ends
  ), chosen as (
    select distinct one.id from scanned one, first_end
     where one.may is true and (first_end.id is null or one.id <= first_end.id)
     order by one.id limit p_limit
  )
  select (select array_agg(chosen.id order by chosen.id) from chosen), (select first_end.id from first_end) into v_found, v_end;

  v_place := case when cardinality(v_found) >= p_limit then v_found[cardinality(v_found)] else v_end end;
  return facts_between(p_host, p_tenant, p_tenant, coalesce(v_found, '{}'), array[p_node])
    || jsonb_build_object('place', v_place, 'found', coalesce(to_jsonb(v_found), '[]'), 'read', pg_current_snapshot()::text);
end $$;

-- One plan for good, as for a single decision: planning each of a walk's statements anew costs more than walking.
alter function facts_between(uuid, uuid, uuid, uuid[], uuid[]) set plan_cache_mode = force_generic_plan;
alter function reachable_nodes(uuid, uuid, text, uuid, uuid, timestamptz, text, jsonb, text[], text[], text[], text[], jsonb, integer, integer)
  set plan_cache_mode = force_generic_plan;
alter function reaching_principals(uuid, uuid, uuid, text, timestamptz, text[], text[], text[], uuid, integer, integer)
  set plan_cache_mode = force_generic_plan;
