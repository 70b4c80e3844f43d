-- Facts for a decision, and no more of the path than a decision looks at: how deep a node is no longer says how long asking takes.

-- What is not active, of which there is little. A path of thirty nodes is looked through for such a one in a single walk of a small index,
-- where reading each node's state took thirty.
create index nodes_not_active on nodes (tenant_id, id) where state <> 'active';

-- As `decision_facts`, with the path cut down: the target first, then, from the target up, what is not active, then where something of the
-- principal's is anchored. The whole path is for explanations, and for what else asks about nodes.
--
-- A setting is set in an assignment, which is evaluated without making a query of it, as `perform` does.
create function relevant_facts(p_host uuid, p_bound uuid, p_principal uuid, p_tenant uuid, p_node uuid) returns jsonb
  language plpgsql stable as $$
declare
  v_read text := pg_current_snapshot()::text;
  v_before text := coalesce(current_setting('countersign.tenant', true), '');
  v_tenant text := set_config('countersign.tenant', p_bound::text, true);
  v_state text;
  v_kind text := 'service';
  v_home uuid;
  v_whose uuid[];
  v_ancestors uuid[];
  v_asleep uuid[];
  v_resource jsonb;
  v_assignments jsonb;
  v_assigned uuid[];
  v_host_assignments jsonb;
  v_grants jsonb;
  v_granted uuid[];
  v_path jsonb;
begin
  select s.state into v_state from service_accounts s where s.tenant_id = p_bound and s.id = p_principal;
  if v_state is null then
    v_kind := 'human';
    select m.home_tenant_id into v_home from memberships m where m.tenant_id = p_bound and m.user_id = p_principal limit 1;
    if v_home is not null then
      v_tenant := set_config('countersign.tenant', v_home::text, true);
      select u.state into v_state from users u where u.tenant_id = v_home and u.id = p_principal;
      v_tenant := set_config('countersign.tenant', p_bound::text, true);
    end if;
  end if;

  if p_bound = p_host then
    select jsonb_agg(jsonb_build_array(a.id, a.role_name, r.id, r.permissions, r.within_grants, null, a.propagation,
        extract(epoch from a.expire_time) * 1000, a.condition, null))
      into v_host_assignments
      from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
     where a.tenant_id = p_host and a.principal_id = p_principal and a.node_id = p_host and a.principal_kind = v_kind;
  end if;

  v_tenant := set_config('countersign.tenant', p_tenant::text, true);
  select n.ancestors, case when n.owner_id is not null or n.attributes <> '{}' then jsonb_strip_nulls(jsonb_build_object(
      'owner', case n.owner_kind when 'human' then 'users/' || n.owner_id when 'service' then 'service-accounts/' || n.owner_id end,
      'attributes', nullif(n.attributes, '{}'))) end,
      (select array_agg(a.id order by array_position(n.ancestors, a.id))
         from nodes a where a.tenant_id = p_tenant and a.id = any(n.ancestors) and a.state <> 'active')
    into v_ancestors, v_resource, v_asleep
    from nodes n where n.tenant_id = p_tenant and n.id = p_node;

  if p_bound = p_tenant and p_bound <> p_host and v_ancestors is not null then
    select array_prepend(p_principal, array_agg(c.group_id)) into v_whose
      from group_closure c where c.tenant_id = p_tenant and c.principal_id = p_principal and c.principal_kind = v_kind;
    select jsonb_agg(jsonb_build_array(a.id, a.role_name, r.id, r.permissions, r.within_grants, a.node_id, a.propagation,
        extract(epoch from a.expire_time) * 1000, a.condition, case a.principal_kind when 'group' then a.principal_id end)),
        array_agg(a.node_id)
      into v_assignments, v_assigned
      from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
     where a.tenant_id = p_tenant and a.principal_id = any(v_whose) and a.node_id = any(v_ancestors)
       and a.principal_kind = case a.principal_id when p_principal then v_kind else 'group' end;
    select jsonb_agg(jsonb_build_array(g.id, g.node_id, g.level, extract(epoch from g.expire_time) * 1000, g.condition,
        case g.principal_kind when 'group' then g.principal_id end)), array_agg(g.node_id)
      into v_grants, v_granted
      from resource_grants g
     where g.tenant_id = p_tenant and g.principal_id = any(v_whose) and g.node_id = any(v_ancestors)
       and g.principal_kind = case g.principal_id when p_principal then v_kind else 'group' end;
  end if;

  if v_ancestors is not null then
    select jsonb_agg((select jsonb_build_array(n.id, n.type, n.state) from nodes n where n.tenant_id = p_tenant and n.id = step.id)
        order by step.ordinality)
      into v_path
      from unnest(v_ancestors) with ordinality as step (id, ordinality)
     where step.ordinality = 1 or step.id = any(v_asleep || v_assigned || v_granted);
  end if;

  v_tenant := set_config('countersign.tenant', v_before, true);
  return jsonb_build_object('kind', v_kind, 'state', v_state, 'path', v_path, 'read', v_read,
    'assignments', coalesce(v_assignments, '[]'::jsonb) || coalesce(v_host_assignments, '[]'::jsonb),
    'grants', coalesce(v_grants, '[]'::jsonb), 'resource', v_resource);
end $$;

create or replace function look_up(p_host uuid, p_requests jsonb) returns jsonb
  language plpgsql stable as $$
declare
  v_request jsonb;
  v_answer jsonb;
  v_answers jsonb := '[]'::jsonb;
begin
  for v_request in select r from jsonb_array_elements(p_requests) r loop
    case v_request ->> 0
      when 'relevant' then
        v_answer := relevant_facts(p_host, (v_request ->> 1)::uuid, (v_request ->> 2)::uuid, (v_request ->> 3)::uuid, (v_request ->> 4)::uuid);
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

-- One plan for good, as before, for whatever a look-up calls; and a plan that follows an index to what is asked for, however few rows there are
-- or seem to be: made while a table is new or has not been analyzed, it would be to read a tenant's bindings, and would be kept.
alter function look_up(uuid, jsonb) set plan_cache_mode = force_generic_plan;
alter function look_up(uuid, jsonb) set enable_bitmapscan = off;
alter function look_up(uuid, jsonb) set enable_seqscan = off;
alter function decision_facts(uuid, uuid, text, uuid, uuid, uuid) set enable_bitmapscan = off;
