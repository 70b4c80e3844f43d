/** The SQL of who is in a group, and of what a group has. All that writes here holds the tenant's group memberships first. */
import { isFault, type Result } from "../../../core/faults.ts";
import {
  type BeneficiaryId,
  type BeneficiaryKind,
  beneficiaryCollections,
  type GroupId,
  type NodeId,
  type PrincipalId,
  type PrincipalKind,
  type TenantId,
} from "../../../core/ids.ts";
import type { Beneficiary } from "../../authority/beneficiaries.ts";
import type { Principal } from "../../authority/caller.ts";
import {
  type AssignmentRow,
  type PlacedGrant,
  type StoredAssignment,
  storedAssignment,
} from "../../authority/store.ts";
import type { Listing } from "../../operations/listing/list-page.ts";
import { type ListRequest, listPage, type Page, type Paging } from "../../operations/listing/list-page.ts";
import type { Tx } from "../../platform/database/database.ts";
import { group_nesting_max, type Member } from "./model.ts";

type Tables = {
  group_members: {
    tenant_id: TenantId;
    group_id: GroupId;
    member_kind: BeneficiaryKind;
    member_id: BeneficiaryId;
    create_time: Date;
  };
};

const listing = {
  fields: {
    member: { column: "member_id", type: "ref", collections: Object.values(beneficiaryCollections) },
    create_time: { column: "create_time", type: "time" },
  },
  order: { time: "create_time", id: "member_id" },
} as const satisfies Listing;

/** Who was put into the group, in that order. */
export const listMembers = async (
  tx: Tx,
  group: GroupId,
  request: ListRequest,
  paging: Paging,
): Promise<Result<Page<Member>>> => {
  const query = tx
    .kysely<Tables>()
    .selectFrom("group_members")
    .select(["member_kind", "member_id", "create_time"])
    .where("tenant_id", "=", tx.tenant)
    .where("group_id", "=", group);
  const page = await listPage(query, listing, request, paging);
  if (isFault(page)) return page;
  const rows = page.rows.map((row) => ({
    whose: { kind: row.member_kind, id: row.member_id },
    createTime: row.create_time,
  }));
  return { ...page, rows };
};

const kindsOf = (members: readonly Beneficiary[]): readonly BeneficiaryKind[] => members.map(({ kind }) => kind);
const idsOf = (members: readonly Beneficiary[]): readonly BeneficiaryId[] => members.map(({ id }) => id);

type MemberRow = { member_kind: BeneficiaryKind; member_id: BeneficiaryId };
const memberOf = (row: MemberRow): Beneficiary => ({ kind: row.member_kind, id: row.member_id });

/** Those of them that were not in it. */
export const insertMembers = async (
  tx: Tx,
  group: GroupId,
  members: readonly Beneficiary[],
  now: Date,
): Promise<readonly Beneficiary[]> => {
  const rows = await tx.query<MemberRow>(
    "groups.insert_members",
    `insert into group_members (tenant_id, group_id, member_kind, member_id, create_time)
     select $1, $2, kind, id, $5 from unnest($3::text[], $4::uuid[]) as given (kind, id)
     on conflict do nothing returning member_kind, member_id`,
    [tx.tenant, group, kindsOf(members), idsOf(members), now],
  );
  return rows.map(memberOf);
};

/** Those of them that were in it. */
export const deleteMembers = async (
  tx: Tx,
  group: GroupId,
  members: readonly Beneficiary[],
): Promise<readonly Beneficiary[]> => {
  const rows = await tx.query<MemberRow>(
    "groups.delete_members",
    `delete from group_members m using unnest($3::text[], $4::uuid[]) as given (kind, id)
      where m.tenant_id = $1 and m.group_id = $2 and m.member_kind = given.kind and m.member_id = given.id
     returning m.member_kind, m.member_id`,
    [tx.tenant, group, kindsOf(members), idsOf(members)],
  );
  return rows.map(memberOf);
};

/** Takes everybody out of the group, and the group out of every other. */
export const emptyGroup = async (tx: Tx, group: GroupId): Promise<number> => {
  const rows = await tx.query<{ group_id: GroupId }>(
    "groups.empty",
    `delete from group_members where tenant_id = $1 and (group_id = $2 or (member_kind = 'group' and member_id = $2)) returning group_id`,
    [tx.tenant, group],
  );
  return rows.filter(({ group_id }) => group_id === group).length;
};

export const countMembers = async (tx: Tx, group: GroupId): Promise<number> => {
  const rows = await tx.query<{ members: number }>(
    "groups.count_members",
    "select count(*) as members from group_members where tenant_id = $1 and group_id = $2",
    [tx.tenant, group],
  );
  return rows[0]?.members ?? 0;
};

/** A group and every group it is in, with how many there are in the longest chain from it up to there. */
export const groupsAbove = async (tx: Tx, group: GroupId): Promise<ReadonlyMap<GroupId, number>> => {
  const rows = await tx.query<{ id: GroupId; chain: number }>(
    "groups.above",
    `with recursive above (id, chain) as (
       select $2::uuid, 1
       union
       select m.group_id, a.chain + 1 from above a
         join group_members m on m.tenant_id = $1 and m.member_kind = 'group' and m.member_id = a.id
        where a.chain <= $3
     ) select id, max(chain) as chain from above group by id`,
    [tx.tenant, group, group_nesting_max],
  );
  return new Map(rows.map(({ id, chain }) => [id, chain]));
};

/** How many groups there are in the longest chain from one of these down; 0 of none. */
export const chainBelow = async (tx: Tx, groups: readonly GroupId[]): Promise<number> => {
  const rows = await tx.query<{ chain: number | null }>(
    "groups.below",
    `with recursive below (id, chain) as (
       select id, 1 from unnest($2::uuid[]) as given (id)
       union
       select m.member_id, b.chain + 1 from below b
         join group_members m on m.tenant_id = $1 and m.group_id = b.id and m.member_kind = 'group'
        where b.chain <= $3
     ) select max(chain) as chain from below`,
    [tx.tenant, groups, group_nesting_max],
  );
  return rows[0]?.chain ?? 0;
};

type PrincipalRow = { principal_kind: PrincipalKind; principal_id: PrincipalId };
const principalOf = (row: PrincipalRow): Principal => ({ kind: row.principal_kind, id: row.principal_id });

/** The principals among the members, and all who are in the groups among them: those a change of membership is about. */
export const principalsIn = async (tx: Tx, members: readonly Beneficiary[]): Promise<readonly Principal[]> => {
  const rows = await tx.query<PrincipalRow>(
    "groups.principals_in",
    `select kind as principal_kind, id as principal_id from unnest($2::text[], $3::uuid[]) as given (kind, id) where kind <> 'group'
     union
     select c.principal_kind, c.principal_id from unnest($2::text[], $3::uuid[]) as given (kind, id)
       join group_closure c on c.tenant_id = $1 and c.group_id = given.id
      where given.kind = 'group'`,
    [tx.tenant, kindsOf(members), idsOf(members)],
  );
  return rows.map(principalOf);
};

/** One of the principals who would be in more groups than `limit`, if it were in these too. */
export const overfull = async (
  tx: Tx,
  principals: readonly Principal[],
  groups: readonly GroupId[],
  limit: number,
): Promise<Principal | undefined> => {
  const rows = await tx.query<PrincipalRow>(
    "groups.overfull",
    `select w.kind as principal_kind, w.id as principal_id
       from unnest($2::text[], $3::uuid[]) as w (kind, id)
       left join group_closure c on c.tenant_id = $1 and c.principal_id = w.id and c.principal_kind = w.kind
                                and c.group_id <> all ($4::uuid[])
      group by w.kind, w.id having count(c.group_id) + cardinality($4::uuid[]) > $5 limit 1`,
    [tx.tenant, principals.map(({ kind }) => kind), principals.map(({ id }) => id), groups, limit],
  );
  return rows[0] && principalOf(rows[0]);
};

/** Who is in any of the groups, directly or through others. */
export const principalsBelow = async (tx: Tx, groups: readonly GroupId[]): Promise<readonly Principal[]> => {
  const rows = await tx.query<PrincipalRow>(
    "groups.principals_below",
    `with recursive below (id) as (
       select id from unnest($2::uuid[]) as given (id)
       union
       select m.member_id from below b
         join group_members m on m.tenant_id = $1 and m.group_id = b.id and m.member_kind = 'group'
     )
     select distinct m.member_kind as principal_kind, m.member_id as principal_id from below b
       join group_members m on m.tenant_id = $1 and m.group_id = b.id and m.member_kind <> 'group'`,
    [tx.tenant, groups],
  );
  return rows.map(principalOf);
};

/**
 * Which of the principals are placed at the node or below it: an active service account managed there, a human with a membership there. Held
 * until this transaction ends, so that who is leaving has left, or has to wait and is taken out of what it was put into meanwhile.
 */
export const holdPlacedBelow = async (
  tx: Tx,
  members: readonly Beneficiary[],
  node: NodeId,
): Promise<ReadonlySet<BeneficiaryId>> => {
  const ids = (wanted: PrincipalKind) => idsOf(members.filter(({ kind }) => kind === wanted));
  const humans = await tx.query<{ id: BeneficiaryId }>(
    "groups.hold_humans",
    `select s.user_id as id from memberships s join nodes n on n.tenant_id = $1 and n.id = s.node_id
      where s.tenant_id = $1 and s.user_id = any($2::uuid[]) and $3 = any(n.ancestors) order by s.id for share of s`,
    [tx.tenant, ids("human"), node],
  );
  const services = await tx.query<{ id: BeneficiaryId }>(
    "groups.hold_services",
    `select s.id from service_accounts s join nodes n on n.tenant_id = $1 and n.id = s.node_id
      where s.tenant_id = $1 and s.id = any($2::uuid[]) and s.state = 'active' and $3 = any(n.ancestors) order by s.id for share of s`,
    [tx.tenant, ids("service"), node],
  );
  return new Set([...humans, ...services].map(({ id }) => id));
};

/** Which of the groups are managed at the node or below it. */
export const managedBelow = async (
  tx: Tx,
  groups: readonly GroupId[],
  node: NodeId,
): Promise<ReadonlySet<BeneficiaryId>> => {
  const rows = await tx.query<{ id: GroupId }>(
    "groups.managed_below",
    `select g.id from groups g join nodes n on n.tenant_id = $1 and n.id = g.node_id
      where g.tenant_id = $1 and g.id = any($2::uuid[]) and $3 = any(n.ancestors)`,
    [tx.tenant, groups, node],
  );
  return new Set(rows.map(({ id }) => id));
};

/** What is assigned to the groups anywhere in the tenant, whatever sleeps on the way up; what is left at a deleted node gives nothing again. */
export const assignedTo = async (tx: Tx, groups: readonly GroupId[]): Promise<readonly StoredAssignment[]> => {
  const rows = await tx.query<AssignmentRow>(
    "groups.assigned",
    `select a.id, a.role_name, a.role_id, r.permissions, r.within_grants, a.node_id, a.propagation,
            (extract(epoch from a.expire_time) * 1000)::float8 as expires, a.condition, a.principal_id as group_id
       from role_assignments a join nodes n on n.tenant_id = $1 and n.id = a.node_id and n.state <> 'deleted'
       left join roles r on r.tenant_id = a.tenant_id and r.id = a.role_id
      where a.tenant_id = $1 and a.principal_kind = 'group' and a.principal_id = any($2::uuid[]) order by a.id`,
    [tx.tenant, groups],
  );
  return rows.map(storedAssignment);
};

type GrantRow = {
  id: string;
  node_id: NodeId;
  type: string;
  level: string;
  expires: number | null;
  condition: string | null;
  group_id: GroupId;
};

/** What is granted to the groups anywhere in the tenant. */
export const grantedTo = async (tx: Tx, groups: readonly GroupId[]): Promise<readonly PlacedGrant[]> => {
  const rows = await tx.query<GrantRow>(
    "groups.granted",
    `select g.id, g.node_id, n.type, g.level, (extract(epoch from g.expire_time) * 1000)::float8 as expires, g.condition,
            g.principal_id as group_id
       from resource_grants g join nodes n on n.tenant_id = $1 and n.id = g.node_id and n.state <> 'deleted'
      where g.tenant_id = $1 and g.principal_kind = 'group' and g.principal_id = any($2::uuid[]) order by g.id`,
    [tx.tenant, groups],
  );
  return rows.map(({ id, node_id, type, level, expires, condition, group_id }) => ({
    type,
    stored: [id, node_id, level, expires, condition, group_id],
  }));
};
