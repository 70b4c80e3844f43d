/** The SQL behind decisions: facts about one principal at one node, in one statement (migrations: `decision_facts`). */
import type { ResourceFact } from "../../core/decide/types.ts";
import {
  type GroupId,
  hostTenant,
  type NodeId,
  type PrincipalId,
  type PrincipalKind,
  type TenantId,
} from "../../core/ids.ts";
import type { Database, Tx } from "../platform/database/database.ts";
import type { Principal } from "./caller.ts";

/** [id, built-in role, custom role's id, its permissions, its within_grants, anchor, propagation, expiry in ms, condition, group] */
export type StoredAssignment = readonly [
  string,
  string | null,
  string | null,
  readonly string[] | null,
  readonly string[] | null,
  NodeId | null,
  "subtree" | "self",
  number | null,
  string | null,
  GroupId | null,
];

/** [id, node, level, expiry in ms, condition, group] */
export type StoredGrant = readonly [string, NodeId, string, number | null, string | null, GroupId | null];

/** What `decision_facts` answers: names and patterns as stored, which the model in force turns into permission sets. */
export type StoredFacts = {
  /** What the principal was found to be, where only its id was known. */
  readonly kind?: PrincipalKind;
  /** The principal's; null when there is none, or it is no member of the tenant. */
  readonly state: string | null;
  /** [node, type, state], target first; null when there is no such node. */
  readonly path: readonly (readonly [NodeId, string, string])[] | null;
  readonly assignments: readonly StoredAssignment[];
  readonly grants: readonly StoredGrant[];
  /** What is stored of the target; null where that is nothing. */
  readonly resource: ResourceFact | null;
  /** The PostgreSQL snapshot everything was read under, or an older one. */
  readonly read: string;
};

/** Whose authority, bound to which tenant, at which node of which tenant. `bound` and `tenant` differ only for the host's principals. */
export type FactsKey = {
  readonly principal: Principal;
  readonly bound: TenantId;
  readonly tenant: TenantId;
  readonly node: NodeId;
};

export const decisionFactsSql = "select decision_facts($1, $2, $3, $4, $5, $6) as facts";

type Row = { facts: StoredFacts };
const values = (key: FactsKey): readonly unknown[] => [
  hostTenant,
  key.bound,
  key.principal.kind,
  key.principal.id,
  key.tenant,
  key.node,
];

/** Of nobody, nowhere. */
export const noFacts: StoredFacts = { state: null, path: null, assignments: [], grants: [], resource: null, read: "" };

/** One thing to ask for together with others: what, and its arguments as `look_up` of the migrations reads them. */
export type Lookup = readonly [
  "facts" | "relevant" | "credential" | "jwt" | "application",
  ...(readonly (string | null)[]),
];

type Answers = { answers: readonly unknown[] };
const lookUpName = "authority.look_up";
const lookUpSql = "select look_up($1, $2::jsonb) as answers";

/** All that is asked for in one statement, answered in order. */
export const lookUp = async (database: Database, lookups: readonly Lookup[]): Promise<readonly unknown[]> => {
  const rows = await database.statement<Answers>(lookUpName, lookUpSql, [hostTenant, JSON.stringify(lookups)]);
  return rows[0]?.answers ?? [];
};

/** Asks for decision facts. The kind is null where only the principal's id is known. */
export const factsLookup = (
  bound: TenantId,
  kind: PrincipalKind | null,
  principal: PrincipalId,
  tenant: TenantId,
  node: NodeId,
): Lookup => ["facts", bound, kind, principal, tenant, node];

/**
 * Asks for decision facts of whatever the principal's id is the id of, with no more of the path than a decision looks at (`relevantTo`): how
 * deep the node is does not say how long that takes.
 */
export const relevantFactsLookup = (
  bound: TenantId,
  principal: PrincipalId,
  tenant: TenantId,
  node: NodeId,
): Lookup => ["relevant", bound, principal, tenant, node];

/** Inside the transaction that is about to change something, so that what is decided on is what is true when it commits. */
export const readFactsIn = async (tx: Tx, key: FactsKey): Promise<StoredFacts> =>
  (await tx.query<Row>("authority.facts", decisionFactsSql, values(key)))[0]?.facts ?? noFacts;

/** The same for many at once, in order. */
export const readManyFactsIn = async (tx: Tx, keys: readonly FactsKey[]): Promise<readonly StoredFacts[]> => {
  const lookups = keys.map(({ bound, principal, tenant, node }) =>
    factsLookup(bound, principal.kind, principal.id, tenant, node),
  );
  const rows = await tx.query<Answers>(lookUpName, lookUpSql, [hostTenant, JSON.stringify(lookups)]);
  return (rows[0]?.answers ?? []) as readonly StoredFacts[];
};

/** An assignment as the statements that read many of them name its columns. */
export type AssignmentRow = {
  id: string;
  role_name: string | null;
  role_id: string | null;
  permissions: readonly string[] | null;
  within_grants: readonly string[] | null;
  node_id: StoredAssignment[5];
  propagation: StoredAssignment[6];
  expires: number | null;
  condition: string | null;
  group_id: GroupId | null;
};

export const storedAssignment = (row: AssignmentRow): StoredAssignment => [
  row.id,
  row.role_name,
  row.role_id,
  row.permissions,
  row.within_grants,
  row.node_id,
  row.propagation,
  row.expires,
  row.condition,
  row.group_id,
];

/** A grant, and the type of the node it is on. */
export type PlacedGrant = { readonly type: string; readonly stored: StoredGrant };

type GrantRow = {
  id: string;
  node_id: NodeId;
  type: string;
  level: string;
  expires: number | null;
  condition: string | null;
  group_id: GroupId | null;
};

/**
 * The levels granted to the principal anywhere in the tenant, itself or through a group, where and for how long. Whether it has expired or
 * not, and whatever sleeps on the way up.
 */
export const readGrants = async (tx: Tx, principal: Principal): Promise<readonly PlacedGrant[]> => {
  const rows = await tx.query<GrantRow>(
    "authority.grants",
    `select g.id, g.node_id, n.type, g.level, (extract(epoch from g.expire_time) * 1000)::float8 as expires, g.condition,
            case g.principal_kind when 'group' then g.principal_id end as group_id
       from (select $3::uuid as id, $2 as kind
             union all
             select group_id, 'group' from group_closure where tenant_id = $1 and principal_kind = $2 and principal_id = $3) as who
       join resource_grants g on g.tenant_id = $1 and g.principal_id = who.id and g.principal_kind = who.kind
       join nodes n on n.tenant_id = $1 and n.id = g.node_id
      order by g.id`,
    [tx.tenant, principal.kind, principal.id],
  );
  return rows.map(({ id, node_id, type, level, expires, condition, group_id }) => ({
    type,
    stored: [id, node_id, level, expires, condition, group_id],
  }));
};

/**
 * Everything assigned to the principal anywhere in the tenant, itself or through a group, whether it has expired or not: where the path up
 * is active, or, with `asleep`, also where a perimeter on it is suspended and may be resumed.
 */
export const readAssignments = async (
  tx: Tx,
  principal: Principal,
  { asleep }: { readonly asleep: boolean },
): Promise<readonly StoredAssignment[]> => {
  const rows = await tx.query<AssignmentRow>(
    "authority.assignments",
    `select a.id, a.role_name, a.role_id, r.permissions, r.within_grants, nullif(a.node_id, $4) as node_id, a.propagation,
            (extract(epoch from a.expire_time) * 1000)::float8 as expires, a.condition,
            case a.principal_kind when 'group' then a.principal_id end as group_id
       from role_assignments a left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
      where a.tenant_id = $1
        and ((a.principal_kind = $2 and a.principal_id = $3)
          or (a.principal_kind = 'group' and a.principal_id in (
            select group_id from group_closure where tenant_id = $1 and principal_kind = $2 and principal_id = $3)))
        and ($5 or not exists (
          select from nodes n cross join lateral unnest(n.ancestors) as step (id)
            join nodes above on above.tenant_id = $1 and above.id = step.id
           where n.tenant_id = $1 and n.id = a.node_id and above.state <> 'active'))
      order by a.id`,
    // The host's own node is the anchor that decisions know as null.
    [tx.tenant, principal.kind, principal.id, hostTenant, asleep],
  );
  return rows.map(storedAssignment);
};
