-- Lists again, with plans that read what a page shows: bindings in the order of their index and no further, every node once, and facts in as
-- few words as they can be said in. `reachable_nodes` stays as it is for servers of the release before, and is used by no other.

-- The nodes of one type below what binds these principals, from a place on, in the order `reachable_nodes` has them: who a principal is
-- (itself, then its groups) is known, and whether everything is within reach. `o_place` is null where nothing is left.
--
-- Each binding's node is an anchor: anchors are taken in the order of their ids, those that stand below another one left out, as it will show
-- them. Most have nothing below them; the others are walked down in pre-order, through the types that may hold the wanted one (`p_below`: by
-- type, the types to look for below it). A place is an anchor and the way from it down to the node that was seen last, so a page reads what it
-- shows and little more, wherever it begins, and never looks at more than `p_visits` nodes.
create function nodes_in_reach(p_kind text, p_whose uuid[], p_everything boolean, p_tenant uuid, p_now timestamptz, p_type text, p_below jsonb,
    p_roles text[], p_patterns text[], p_levels text[], p_place jsonb, p_limit integer, p_visits integer, out o_found uuid[], out o_place json)
  language plpgsql stable as $$
declare
  c_anchors_min constant integer := 16;
  c_anchors_max constant integer := 512;
  c_siblings constant integer := 4;
  c_first constant uuid := '00000000-0000-0000-0000-000000000000';
  v_visits integer := 0;
  v_time timestamptz;
  v_last uuid := c_first;
  v_many integer := least(greatest(p_limit, c_anchors_min), c_anchors_max);
  v_inner text[];
  -- anchors: what they are, whether they belong on the page, and whether there is something below to look at
  v_anchors uuid[];
  v_kinds text[];
  v_takes boolean[];
  v_opens boolean[];
  -- the way down from the anchor, which of its steps may have siblings still to come, and whether to look below its end
  v_way uuid[];
  v_types text[];
  v_more boolean[];
  v_into boolean;
  v_depth integer;
  v_below jsonb;
  v_kinds_many integer;
  v_kinds_down text[];
  v_more_down boolean[];
  v_from integer;
  v_parent uuid;
  v_after uuid;
  v_type text;
  v_siblings integer;
  v_wanted integer;
  v_ids uuid[];
  v_active boolean[];
  v_opener integer;
  v_taken integer;
begin
  o_found := '{}';
  -- A list goes on as it began, whatever was given or taken in between: every node is decided for itself.
  if p_place ? 'time' or (p_place is null and p_everything) then
    v_last := coalesce((p_place ->> 'id')::uuid, c_first);
    v_time := coalesce((p_place ->> 'time')::timestamptz, '-infinity');
    select coalesce(array_agg(n.id order by n.create_time, n.id), '{}'),
        case when count(*) >= p_limit
          then (array_agg(json_build_object('time', n.create_time::text, 'id', n.id) order by n.create_time desc, n.id desc))[1] end
      into o_found, o_place
      from (select id, create_time from nodes
             where tenant_id = p_tenant and (type, create_time, id) > (p_type, v_time, v_last) and type <= p_type
             order by type, create_time, id limit p_limit) n;
    return;
  end if;

  select array_agg(distinct kind.name) into v_inner
    from jsonb_each(p_below) as one cross join lateral jsonb_array_elements_text(one.value) as kind (name);
  -- First the rest of the anchor that the last page ended in, then one anchor after another.
  if p_place is not null then
    v_way := array(select jsonb_array_elements_text(p_place -> 'way'))::uuid[];
    v_types := array(select jsonb_array_elements_text(p_place -> 'types'));
    v_more := array_fill(true, array[cardinality(v_way)]);
    v_into := (p_place ->> 'into')::boolean;
    v_anchors := v_way[1:1];
  end if;
  loop
    if v_way is null then
      -- Materialized, so that each part is read once, in this order, and by the index it names.
      with bound as materialized (
        select mine.node_id, mine.sub from unnest(p_whose) as who (id) cross join lateral (
          select a.node_id, bool_or(a.propagation = 'subtree') as sub
            from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
           where a.tenant_id = p_tenant and (a.principal_id, a.node_id) > (who.id, v_last) and a.principal_id <= who.id
             and a.principal_kind = case who.id when p_whose[1] then p_kind else 'group' end
             and (a.role_name = any(p_roles) or r.permissions && p_patterns) and (a.expire_time is null or a.expire_time > p_now)
           group by a.principal_id, a.node_id order by a.principal_id, a.node_id limit v_many) mine
        union all
        select mine.node_id, true from unnest(p_whose) as who (id) cross join lateral (
          select g.node_id from resource_grants g
           where g.tenant_id = p_tenant and (g.principal_id, g.node_id) > (who.id, v_last) and g.principal_id <= who.id
             and g.principal_kind = case who.id when p_whose[1] then p_kind else 'group' end
             and g.level = any(p_levels) and (g.expire_time is null or g.expire_time > p_now)
           group by g.principal_id, g.node_id order by g.principal_id, g.node_id limit v_many) mine
      ), anchor as materialized (
        select near.id, near.sub, n.type, n.state, n.parent_id, n.ancestors[2:] as ancestors
          from (select bound.node_id as id, bool_or(bound.sub) as sub from bound group by bound.node_id order by bound.node_id limit v_many) near
         cross join lateral (select * from nodes where tenant_id = p_tenant and id = near.id limit 1) n
      ), above as materialized (
        select distinct step.id
          from (select distinct on (parent_id) ancestors from anchor order by parent_id) way cross join lateral unnest(way.ancestors) as step (id)
      ), barring as materialized (
        -- what is not active, and what is an anchor itself and holds below: what stands under it is its to show
        select above.id from above
         where (select n.state from nodes n where n.tenant_id = p_tenant and n.id = above.id) <> 'active'
        union all
        select mine.node_id from unnest(p_whose) as who (id) cross join lateral (
          select a.node_id from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
           where a.tenant_id = p_tenant and a.principal_id = who.id and a.node_id = any(array(select id from above))
             and a.principal_kind = case who.id when p_whose[1] then p_kind else 'group' end and a.propagation = 'subtree'
             and (a.role_name = any(p_roles) or r.permissions && p_patterns) and (a.expire_time is null or a.expire_time > p_now)
           order by a.node_id) mine
        union all
        select mine.node_id from unnest(p_whose) as who (id) cross join lateral (
          select g.node_id from resource_grants g
           where g.tenant_id = p_tenant and g.principal_id = who.id and g.node_id = any(array(select id from above))
             and g.principal_kind = case who.id when p_whose[1] then p_kind else 'group' end
             and g.level = any(p_levels) and (g.expire_time is null or g.expire_time > p_now)
           order by g.node_id) mine
      ), judged as materialized (
        select anchor.id, anchor.type, anchor.sub, anchor.state = 'active'
            and not coalesce((select bool_or(step.id in (select id from barring)) from unnest(anchor.ancestors) as step (id)), false) as open
          from anchor
      )
      select array_agg(id order by id), array_agg(type order by id), array_agg(open and type = p_type order by id),
          array_agg(open and sub and (select true from nodes n where n.tenant_id = p_tenant and n.parent_id = judged.id
            and n.type = any(v_inner) limit 1) is not null order by id)
        into v_anchors, v_kinds, v_takes, v_opens
        from judged;
      exit when v_anchors is null;
      v_many := least(2 * v_many, c_anchors_max);
    end if;

    for v_nth in 1 .. cardinality(v_anchors) loop
      v_last := v_anchors[v_nth];
      if v_way is null then
        v_visits := v_visits + 1;
        if v_takes[v_nth] then
          o_found := o_found || v_last;
        end if;
        continue when not v_opens[v_nth] and cardinality(o_found) < p_limit and v_visits < p_visits;
        v_way := array[v_last];
        v_types := v_kinds[v_nth : v_nth];
        v_more := '{true}';
        v_into := v_opens[v_nth];
      end if;
      v_siblings := c_siblings;
      loop
        if cardinality(o_found) >= p_limit or v_visits >= p_visits then
          o_place := json_build_object('way', v_way, 'types', v_types, 'into', v_into);
          return;
        end if;
        v_depth := cardinality(v_way);
        if v_into then
          -- As far down as the first of all children goes: that is how most trees are deep.
          v_wanted := least(p_limit - cardinality(o_found), p_visits - v_visits);
          with recursive first as (
            select v_way[v_depth] as id, v_types[v_depth] as type, true as open, true as more, 0 as depth
            union all
            select next.ids[1], next.types[1], next.opens[1], cardinality(next.ids) > 1, above.depth + 1
              from first above cross join lateral (
                select array_agg(child.id order by child.nth, child.id) as ids, array_agg(child.type order by child.nth, child.id) as types,
                    array_agg(child.state = 'active' order by child.nth, child.id) as opens
                  from (select kind.nth, n.id, n.type, n.state
                          from jsonb_array_elements_text(p_below -> above.type) with ordinality as kind (name, nth)
                         cross join lateral (
                          select * from nodes
                           where tenant_id = p_tenant and (parent_id, type) >= (above.id, kind.name) and (parent_id, type) <= (above.id, kind.name)
                           order by parent_id, type, id limit 2) n
                         order by kind.nth, n.id limit 2) child) next
             where above.open and above.depth < v_wanted and next.ids is not null
          )
          select array_agg(id order by depth), array_agg(type order by depth), array_agg(more order by depth), array_agg(open order by depth)
            into v_ids, v_kinds_down, v_more_down, v_active
            from first where depth > 0;
          v_taken := coalesce(cardinality(v_ids), 0);
          v_visits := v_visits + v_taken;
          v_way := v_way || v_ids;
          v_types := v_types || v_kinds_down;
          v_more := v_more || v_more_down;
          for v_one in 1 .. v_taken loop
            if v_active[v_one] and v_kinds_down[v_one] = p_type then
              o_found := o_found || v_ids[v_one];
            end if;
          end loop;
          v_into := v_taken = v_wanted and v_active[v_taken];
        else
          -- Then what stands beside its end, or beside the nearest step above it that has anything beside it.
          while v_depth > 1 and not v_more[v_depth] loop
            v_depth := v_depth - 1;
          end loop;
          exit when v_depth = 1;
          v_below := p_below -> v_types[v_depth - 1];
          v_kinds_many := coalesce(jsonb_array_length(v_below), 0);
          v_from := 0;
          while v_from < v_kinds_many and v_below ->> v_from <> v_types[v_depth] loop
            v_from := v_from + 1;
          end loop;
          v_parent := v_way[v_depth - 1];
          v_after := v_way[v_depth];
          v_way := v_way[1 : v_depth - 1];
          v_types := v_types[1 : v_depth - 1];
          v_more := v_more[1 : v_depth - 1];
          for v_at in v_from .. v_kinds_many - 1 loop
            v_type := v_below ->> v_at;
            v_wanted := least(v_siblings, p_visits - v_visits, case v_type when p_type then p_limit - cardinality(o_found) end);
            select array_agg(beside.id order by beside.id), array_agg(beside.open order by beside.id),
                array_position(array_agg(beside.opens order by beside.id), true)
              into v_ids, v_active, v_opener
              from (select n.id, n.state = 'active' as open, n.state = 'active' and (
                        select true from nodes below where below.tenant_id = p_tenant and below.parent_id = n.id and below.type = any(v_inner) limit 1
                      ) is not null as opens
                      from nodes n
                     where n.tenant_id = p_tenant and (n.parent_id, n.type, n.id) > (v_parent, v_type, v_after)
                       and (n.parent_id, n.type) <= (v_parent, v_type)
                     order by n.parent_id, n.type, n.id limit v_wanted) beside;
            v_taken := coalesce(v_opener, cardinality(v_ids), 0);
            v_visits := v_visits + v_taken;
            if v_type = p_type then
              for v_one in 1 .. v_taken loop
                if v_active[v_one] then
                  o_found := o_found || v_ids[v_one];
                end if;
              end loop;
            end if;
            v_into := v_opener is not null;
            if v_into or v_taken = v_wanted then
              v_way := v_way || v_ids[v_taken];
              v_types := v_types || v_type;
              v_more := v_more || (v_taken < cardinality(v_ids) or cardinality(v_ids) = v_wanted or v_at < v_kinds_many - 1);
              v_siblings := case when v_into then c_siblings else 4 * v_siblings end;
              exit;
            end if;
            v_after := c_first;
          end loop;
        end if;
      end loop;
      v_way := null;
    end loop;
  end loop;
end $$;

-- One page of the nodes of a type that a principal may reach, with the facts to decide each of them, in as few words as they can be said in: a
-- node's path is its parent's, and each step of all the paths is there once, with the step above it. Nobody there, or nobody active, reaches
-- nothing. What may give the permission is worked out from the model by whoever asks: built-in roles, patterns of custom roles, levels.
create function list_nodes(p_host uuid, p_bound uuid, p_kind text, p_principal uuid, p_tenant uuid, p_now timestamptz, p_type text,
    p_below jsonb, p_roles text[], p_host_roles text[], p_patterns text[], p_levels text[], p_place jsonb, p_limit integer, p_visits integer)
  returns json language plpgsql stable as $$
declare
  v_state text;
  v_home uuid;
  v_whose uuid[];
  v_everything boolean := false;
  v_found uuid[];
  v_place json;
  v_nodes json;
  v_path json;
  v_steps uuid[];
  v_assignments json;
  v_grants json;
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
begin
  perform set_config('countersign.tenant', p_bound::text, true);
  if p_kind = 'service' then
    select s.state into v_state from service_accounts s where s.tenant_id = p_bound and s.id = p_principal;
  else
    select m.home_tenant_id into v_home from memberships m
     where m.tenant_id = p_bound and m.user_id >= p_principal and m.user_id <= p_principal order by m.user_id limit 1;
    if v_home is not null then
      perform set_config('countersign.tenant', v_home::text, true);
      select u.state into v_state from users u where u.tenant_id = v_home and u.id = p_principal;
      perform set_config('countersign.tenant', p_bound::text, true);
    end if;
  end if;
  if v_state = 'active' then
    if p_bound = p_host and p_tenant <> p_host then
      v_everything := exists (
        select from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
         where a.tenant_id = p_host and a.principal_id = p_principal and a.node_id = p_host and a.principal_kind = p_kind
           and (a.role_name = any(p_host_roles) or r.permissions && p_patterns) and (a.expire_time is null or a.expire_time > p_now));
      select json_agg(json_build_array(a.id, a.role_name, r.id, r.permissions, r.within_grants, null, a.propagation,
          extract(epoch from a.expire_time) * 1000, a.condition, null) order by a.id)
        into v_assignments
        from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
       where a.tenant_id = p_host and a.principal_id = p_principal and a.node_id = p_host and a.principal_kind = p_kind;
      perform set_config('countersign.tenant', p_tenant::text, true);
    elsif p_bound = p_tenant and p_bound <> p_host then
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
  end if;

  if v_whose is not null or v_everything then
    select walk.o_found, walk.o_place into v_found, v_place
      from nodes_in_reach(p_kind, v_whose, v_everything, p_tenant, p_now, p_type, p_below, p_roles, p_patterns, p_levels, p_place, p_limit,
        p_visits) walk;
    with page as materialized (
      select asked.ordinality as nth, n.*
        from unnest(v_found) with ordinality as asked (id, ordinality)
       cross join lateral (select * from nodes where tenant_id = p_tenant and id = asked.id limit 1) n
    ), above as materialized (
      select distinct step.id
        from (select distinct on (parent_id) ancestors[2:] as ancestors from page order by parent_id) way
       cross join lateral unnest(way.ancestors) as step (id)
    )
    select
      (select json_agg(json_build_array(id, parent_id, state,
          case when owner_kind is not null or attributes <> '{}' then jsonb_strip_nulls(jsonb_build_object(
            'owner', case owner_kind when 'human' then 'users/' || owner_id when 'service' then 'service-accounts/' || owner_id end,
            'attributes', nullif(attributes, '{}'))) end) order by nth) from page),
      (select json_agg((select json_build_array(n.id, n.parent_id, n.type, n.state) from nodes n where n.tenant_id = p_tenant and n.id = above.id))
         from above),
      array(select id from above union all select id from page)
      into v_nodes, v_path, v_steps;
  end if;
  if v_whose is not null then
    select json_agg(json_build_array(mine.id, mine.role_name, mine.role_id, mine.permissions, mine.within_grants, mine.node_id, mine.propagation,
        extract(epoch from mine.expire_time) * 1000, mine.condition, nullif(who.id, p_principal)))
      into v_assignments
      from unnest(v_whose) as who (id) cross join lateral (
        select a.id, a.role_name, r.id as role_id, r.permissions, r.within_grants, a.node_id, a.propagation, a.expire_time, a.condition
          from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
         where a.tenant_id = p_tenant and a.principal_id = who.id and a.node_id = any(v_steps)
           and a.principal_kind = case who.id when p_principal then p_kind else 'group' end
         order by a.node_id) mine;
    select json_agg(json_build_array(mine.id, mine.node_id, mine.level, extract(epoch from mine.expire_time) * 1000, mine.condition,
        nullif(who.id, p_principal)))
      into v_grants
      from unnest(v_whose) as who (id) cross join lateral (
        select g.id, g.node_id, g.level, g.expire_time, g.condition
          from resource_grants g
         where g.tenant_id = p_tenant and g.principal_id = who.id and g.node_id = any(v_steps)
           and g.principal_kind = case who.id when p_principal then p_kind else 'group' end
         order by g.node_id) mine;
  end if;

  perform set_config('countersign.tenant', v_before, true);
  return json_build_object('state', v_state, 'nodes', coalesce(v_nodes, '[]'), 'path', coalesce(v_path, '[]'),
    'assignments', coalesce(v_assignments, '[]'), 'grants', coalesce(v_grants, '[]'), 'place', v_place);
end $$;

-- As before, with every node read once, and the steps above it taken from as few paths as have them all.
create or replace function facts_between(p_host uuid, p_bound uuid, p_tenant uuid, p_principals uuid[], p_nodes uuid[]) returns jsonb
  language plpgsql stable as $$
declare
  v_who jsonb;
  v_homes uuid[];
  v_home uuid;
  v_members uuid[];
  v_groups jsonb := '{}';
  v_whose uuid[];
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
  with page as materialized (
    select asked.ordinality as nth, n.*
      from unnest(p_nodes) with ordinality as asked (id, ordinality)
     cross join lateral (select * from nodes where tenant_id = p_tenant and id = asked.id limit 1) n
  ), step as materialized (
    select distinct step.id
      from (select distinct on (parent_id) ancestors[2:] as ancestors from page order by parent_id) way
     cross join lateral unnest(way.ancestors) as step (id)
    union
    select id from page
  )
  select
    (select jsonb_agg(jsonb_build_array(id, ancestors, case when owner_kind is not null or attributes <> '{}' then
        jsonb_strip_nulls(jsonb_build_object(
          'owner', case owner_kind when 'human' then 'users/' || owner_id when 'service' then 'service-accounts/' || owner_id end,
          'attributes', nullif(attributes, '{}'))) end) order by nth) from page),
    (select jsonb_agg((select jsonb_build_array(n.id, n.type, n.state) from nodes n where n.tenant_id = p_tenant and n.id = step.id)) from step),
    array(select id from step)
    into v_nodes, v_path, v_steps;

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
    with bound as materialized (
      select who.id as whose, mine.* from unnest(v_whose) as who (id) cross join lateral (
        select a.id, a.role_name, r.id as role_id, r.permissions, r.within_grants, a.node_id, a.propagation, a.expire_time, a.condition,
            a.principal_kind
          from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
         where a.tenant_id = p_tenant and a.principal_id = who.id and a.node_id = any(v_steps)
           and a.principal_kind = coalesce(v_who -> who.id::text ->> 0, 'group')
         order by a.node_id) mine
    )
    select jsonb_agg(jsonb_build_array(whose, id, role_name, role_id, permissions, within_grants, node_id, propagation,
        extract(epoch from expire_time) * 1000, condition, case principal_kind when 'group' then whose end) order by id)
      into v_assignments from bound;
    with granted as materialized (
      select who.id as whose, mine.* from unnest(v_whose) as who (id) cross join lateral (
        select g.id, g.node_id, g.level, g.expire_time, g.condition, g.principal_kind
          from resource_grants g
         where g.tenant_id = p_tenant and g.principal_id = who.id and g.node_id = any(v_steps)
           and g.principal_kind = coalesce(v_who -> who.id::text ->> 0, 'group')
         order by g.node_id) mine
    )
    select jsonb_agg(jsonb_build_array(whose, id, node_id, level, extract(epoch from expire_time) * 1000, condition,
        case principal_kind when 'group' then whose end) order by id)
      into v_grants from granted;
  end if;

  perform set_config('countersign.tenant', v_before, true);
  return jsonb_build_object('principals', v_who, 'groups', v_groups, 'nodes', coalesce(v_nodes, '[]'), 'path', coalesce(v_path, '[]'),
    'assignments', coalesce(v_assignments, '[]'), 'grants', coalesce(v_grants, '[]'));
end $$;

-- One plan for good, as for a single decision, and made alike whatever the planner knows. Where a statement asks for an order, an index has what is
-- wanted in that order, and is to be read only as far as a page goes: that is what ranges of one, and orders by what is the same in every row,
-- are for. Anything else would gather all there is first, and sort it.
do $$
declare
  name regprocedure;
begin
  foreach name in array array[
    'nodes_in_reach(text, uuid[], boolean, uuid, timestamptz, text, jsonb, text[], text[], text[], jsonb, integer, integer)',
    'list_nodes(uuid, uuid, text, uuid, uuid, timestamptz, text, jsonb, text[], text[], text[], text[], jsonb, integer, integer)',
    'facts_between(uuid, uuid, uuid, uuid[], uuid[])']::regprocedure[]
  loop
    execute format('alter function %s set plan_cache_mode = force_generic_plan', name);
    execute format('alter function %s set enable_bitmapscan = off', name);
    execute format('alter function %s set enable_sort = off', name);
  end loop;
end $$;
