/** The SQL of what is given at nodes, to whomever: what a change of place, or of what conditions ask about, would hand on. */
import type { NodeId } from "../../../core/ids.ts";
import type { Tx } from "../../platform/database/database.ts";

/** A role, built in or with its stored patterns. */
export type GivenRole = {
  readonly role_name: string | null;
  readonly permissions: readonly string[] | null;
  readonly within_grants: readonly string[] | null;
};
/** A level, and the type of the node it is a level of. */
export type GivenLevel = { readonly type: string; readonly level: string };

export type Given = { readonly roles: readonly GivenRole[]; readonly levels: readonly GivenLevel[] };

/**
 * What is assigned and granted at these nodes and reaches below them, each role and level once. Whoever has it may be suspended, and a
 * condition may not hold now; both can change. What has expired can not.
 */
export const givenAt = async (tx: Tx, nodes: readonly NodeId[], now: Date): Promise<Given> => ({
  roles: await tx.query<GivenRole>(
    "moving.roles_given",
    `select distinct a.role_name, r.permissions, r.within_grants
       from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
      where a.tenant_id = $1 and a.node_id = any($2::uuid[]) and a.propagation = 'subtree'
        and (a.expire_time is null or a.expire_time > $3)`,
    [tx.tenant, nodes, now],
  ),
  levels: await tx.query<GivenLevel>(
    "moving.levels_given",
    `select distinct n.type, g.level from resource_grants g join nodes n on n.tenant_id = $1 and n.id = g.node_id
      where g.tenant_id = $1 and g.node_id = any($2::uuid[]) and (g.expire_time is null or g.expire_time > $3)`,
    [tx.tenant, nodes, now],
  ),
});

/** The same for what reaches the first of the nodes, a path from a target up to the root, under a condition. */
export const givenUnderConditions = async (tx: Tx, path: readonly NodeId[], now: Date): Promise<Given> => ({
  roles: await tx.query<GivenRole>(
    "moving.conditional_roles",
    `select distinct a.role_name, r.permissions, r.within_grants
       from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
      where a.tenant_id = $1 and a.node_id = any($2::uuid[]) and (a.propagation = 'subtree' or a.node_id = $3)
        and a.condition is not null and (a.expire_time is null or a.expire_time > $4)`,
    [tx.tenant, path, path[0], now],
  ),
  levels: await tx.query<GivenLevel>(
    "moving.conditional_levels",
    `select distinct n.type, g.level from resource_grants g join nodes n on n.tenant_id = $1 and n.id = g.node_id
      where g.tenant_id = $1 and g.node_id = any($2::uuid[]) and g.condition is not null
        and (g.expire_time is null or g.expire_time > $3)`,
    [tx.tenant, path, now],
  ),
});
