/** The SQL of what-if: whom a change concerns and where, and what they have there, read inside the transaction that is about to be undone. */
import { hostTenant, type NodeId, parseRef, type PrincipalId, type ShareLinkId } from "../../../core/ids.ts";
import { wrong_passwords_max } from "../../authority/lent.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { StoredBetween } from "../reach/facts-between.ts";
import type { Concern } from "./concern.ts";

/** A place where access may change, and whose; null is everybody's. */
export type Place = { readonly node: NodeId; readonly below: boolean; readonly whose: string | null };

/** What those in the CTE `whose` have anywhere; the principal or the group it is all about is called `named`. */
const everythingOf = (named: string) => `select a.node_id as node, a.propagation = 'subtree' as below, ${named} as whose
    from whose join role_assignments a on a.tenant_id = $1 and a.principal_id = whose.id
   union all
  select g.node_id, true, ${named}
    from whose join resource_grants g on g.tenant_id = $1 and g.principal_id = whose.id
   order by node limit $3`;

const statements = {
  assignment: `select node_id as node, propagation = 'subtree' as below, principal_id::text as whose
      from role_assignments where tenant_id = $1 and id = $2::uuid limit $3`,
  grant: `select node_id as node, true as below, principal_id::text as whose
      from resource_grants where tenant_id = $1 and id = $2::uuid limit $3`,
  link: `select node_id as node, false as below, creator_id::text as whose
      from share_links where tenant_id = $1 and id = $2::uuid limit $3`,
  membership: `with member (id) as (select user_id from memberships where tenant_id = $1 and id = $2::uuid),
      whose (id) as (select id from member
        union select c.group_id from member join group_closure c on c.tenant_id = $1 and c.principal_id = member.id)
      ${everythingOf("(select id::text from member)")}`,
  role: `select node_id as node, propagation = 'subtree' as below, principal_id::text as whose
      from role_assignments where tenant_id = $1 and role_id = $2::uuid order by principal_id, node_id limit $3`,
  node: `select id as node, true as below, null as whose from nodes where tenant_id = $1 and id = $2::uuid limit $3`,
  principal: `with whose (id) as (select $2::uuid union select group_id from group_closure where tenant_id = $1 and principal_id = $2::uuid)
      ${everythingOf("$2::text")}`,
  group: `with recursive whose (id) as (
        select $2::uuid union select m.group_id from whose join group_members m on m.tenant_id = $1 and m.member_id = whose.id)
      ${everythingOf("$2::text")}`,
} as const;

export const placesOf = async (tx: Tx, concern: Concern, limit: number): Promise<readonly Place[]> => {
  const [kind, id] = asked(concern);
  return tx.query<Place>(`what_if.places_of_${kind}`, statements[kind], [tx.tenant, id, limit]);
};

const asked = (concern: Concern): readonly [keyof typeof statements, string] => {
  if ("assignment" in concern) return ["assignment", concern.assignment];
  if ("grant" in concern) return ["grant", concern.grant];
  if ("link" in concern) return ["link", concern.link];
  if ("membership" in concern) return ["membership", concern.membership];
  if ("role" in concern) return ["role", concern.role];
  if ("node" in concern) return ["node", concern.node];
  const ref = parseRef(concern.beneficiary);
  return [ref?.collection === "groups" ? "group" : "principal", ref?.id ?? concern.beneficiary];
};

/** The node and what is below it, nearest first, so far as there is room. */
export const nodesBelow = async (tx: Tx, node: NodeId, limit: number): Promise<readonly NodeId[]> => {
  const rows = await tx.query<{ id: NodeId }>(
    "what_if.nodes_below",
    `with recursive below (id) as (
       select id from nodes where tenant_id = $1 and id = $2
       union all select n.id from below join nodes n on n.tenant_id = $1 and n.parent_id = below.id)
     select id from below limit $3`,
    [tx.tenant, node, limit],
  );
  return rows.map(({ id }) => id);
};

/** Principals among these ids, and members of the groups among them. */
export const peopleOf = async (tx: Tx, ids: readonly string[], limit: number): Promise<readonly PrincipalId[]> => {
  const rows = await tx.query<{ id: PrincipalId }>(
    "what_if.people_of",
    `select distinct coalesce(c.principal_id, asked.id) as id
       from unnest($2::uuid[]) as asked (id)
       left join groups g on g.tenant_id = $1 and g.id = asked.id
       left join group_closure c on c.tenant_id = $1 and c.group_id = asked.id
      where g.id is null or c.principal_id is not null
      order by id limit $3`,
    [tx.tenant, ids, limit],
  );
  return rows.map(({ id }) => id);
};

/** Everybody who has anything at these nodes or above them. */
export const peopleAround = async (
  tx: Tx,
  nodes: readonly NodeId[],
  limit: number,
): Promise<readonly PrincipalId[]> => {
  const rows = await tx.query<{ id: PrincipalId }>(
    "what_if.people_around",
    `with steps as (
       select distinct step.id from unnest($2::uuid[]) as asked (id) join nodes n on n.tenant_id = $1 and n.id = asked.id
        cross join lateral unnest(n.ancestors) as step (id)),
     given as (
       select a.principal_id, a.principal_kind from steps join role_assignments a on a.tenant_id = $1 and a.node_id = steps.id
       union select g.principal_id, g.principal_kind from steps join resource_grants g on g.tenant_id = $1 and g.node_id = steps.id)
     select distinct coalesce(c.principal_id, given.principal_id) as id
       from given left join group_closure c on c.tenant_id = $1 and given.principal_kind = 'group' and c.group_id = given.principal_id
      where given.principal_kind <> 'group' or c.principal_id is not null
      order by id limit $3`,
    [tx.tenant, nodes, limit],
  );
  return rows.map(({ id }) => id);
};

/** A link that would open if its creator may lend. */
export type LiveLink = {
  readonly id: ShareLinkId;
  readonly node: NodeId;
  readonly level: string;
  readonly creator: PrincipalId;
};

/** The live links that these principals have made, at these nodes. */
export const liveLinks = (
  tx: Tx,
  creators: readonly PrincipalId[],
  nodes: readonly NodeId[],
  now: Date,
  limit: number,
): Promise<readonly LiveLink[]> =>
  tx.query<LiveLink>(
    "what_if.live_links",
    `select l.id, l.node_id as node, l.level, l.creator_id as creator
       from unnest($2::uuid[]) as asked (id) join share_links l on l.tenant_id = $1 and l.node_id = asked.id
      where l.creator_id = any($3::uuid[]) and l.revoke_time is null and l.expire_time > $4
        and l.failures < $5 and (l.uses_max is null or l.uses < l.uses_max)
      order by l.id limit $6`,
    [tx.tenant, nodes, creators, now, wrong_passwords_max, limit],
  );

/** The tenant's own principals, at the tenant's own nodes. */
export const readBetween = async (
  tx: Tx,
  principals: readonly PrincipalId[],
  nodes: readonly NodeId[],
): Promise<StoredBetween> => {
  const [row] = await tx.query<{ facts: StoredBetween }>(
    "what_if.facts_between",
    "select facts_between($1, $2, $2, $3, $4) as facts",
    [hostTenant, tx.tenant, principals, nodes],
  );
  if (row === undefined) throw new Error("a function answers one row");
  return row.facts;
};

/** A place in the transaction that can be gone back to. */
export const mark = async (tx: Tx): Promise<void> => {
  await tx.query("what_if.mark", "savepoint what_if", []);
};
export const goBack = async (tx: Tx): Promise<void> => {
  await tx.query("what_if.go_back", "rollback to savepoint what_if", []);
};
