/**
 * The SQL of who is in which group, as far as more than one slice writes it: groups themselves, and what ends a membership or an account.
 *
 * `group_members` is what was written, a group among the members; `group_closure` says for every principal each group it is in, directly
 * or through others, and is what decisions read. Whoever changes the first brings the second up to date in the same transaction, and
 * holds the tenant's group memberships meanwhile: of two who each put one group into the other the second must see what the first did,
 * and a principal put into a group that is being put into another must come to be in both.
 */
import type { GroupId, PrincipalId } from "../../core/ids.ts";
import type { Tx } from "../platform/database/database.ts";
import type { Principal } from "./caller.ts";

/**
 * Nobody else changes who is in which group of this tenant until this transaction ends. An advisory lock, because there is no one row
 * that stands for all groups and for nothing else. To be taken after the rows of members (`memberships`, `service_accounts`) are held,
 * by those who hold any.
 */
export const holdGroupMembers = async (tx: Tx): Promise<void> => {
  const sqlText = "select pg_advisory_xact_lock(hashtextextended($1, 0))";
  await tx.query("authority.hold_group_members", sqlText, [lockName(tx)]);
};

/**
 * Nobody changes who is in which group until this transaction ends; others may hold them still, too. For whoever changes what a group has and
 * makes stale what is cached of its members: one who is being put in just then would be overlooked, and keep a yes.
 */
export const holdGroupMembersStill = async (tx: Tx): Promise<void> => {
  const sqlText = "select pg_advisory_xact_lock_shared(hashtextextended($1, 0))";
  await tx.query("authority.hold_group_members_still", sqlText, [lockName(tx)]);
};

const lockName = (tx: Tx): string => JSON.stringify(["group_members", tx.tenant]);

/**
 * Works out anew which groups the principals are in, from `group_members` as this transaction sees it. Answers those for whom it is not
 * what it was: what is cached of them is worthless. The group memberships must be held.
 */
export const flatten = async (tx: Tx, principals: readonly Principal[]): Promise<readonly PrincipalId[]> => {
  if (principals.length === 0) return [];
  const rows = await tx.query<{ principal_id: PrincipalId }>(
    "authority.flatten_groups",
    `with recursive whose (id, kind) as (
       select distinct id, kind from unnest($2::uuid[], $3::text[]) as given (id, kind)
     ), reached (principal_id, kind, group_id) as (
       select w.id, w.kind, m.group_id from whose w
         join group_members m on m.tenant_id = $1 and m.member_id = w.id and m.member_kind = w.kind
       union
       select r.principal_id, r.kind, m.group_id from reached r
         join group_members m on m.tenant_id = $1 and m.member_id = r.group_id and m.member_kind = 'group'
     ), left_behind as (
       delete from group_closure c using whose w
        where c.tenant_id = $1 and c.principal_id = w.id and c.principal_kind = w.kind
          and (c.principal_id, c.group_id) not in (select r.principal_id, r.group_id from reached r)
       returning c.principal_id
     ), joined as (
       insert into group_closure (tenant_id, principal_id, group_id, principal_kind)
       select $1, r.principal_id, r.group_id, r.kind from reached r
       on conflict do nothing returning principal_id
     )
     select principal_id from left_behind union select principal_id from joined`,
    [tx.tenant, principals.map(({ id }) => id), principals.map(({ kind }) => kind)],
  );
  return rows.map((row) => row.principal_id);
};

/**
 * Takes the principal out of every group of the tenant, as when it has left, or its account has ended. Answers the groups it was put into
 * directly. The caller touches the principal's version, and asks first whether it is the last who can assign roles.
 */
export const removeFromGroups = async (tx: Tx, principal: Principal): Promise<readonly GroupId[]> => {
  await holdGroupMembers(tx);
  const rows = await tx.query<{ group_id: GroupId }>(
    "authority.remove_from_groups",
    "delete from group_members where tenant_id = $1 and member_kind = $2 and member_id = $3 returning group_id",
    [tx.tenant, principal.kind, principal.id],
  );
  if (rows.length > 0) await flatten(tx, [principal]);
  return rows.map((row) => row.group_id);
};

/**
 * The same for a human who has left one perimeter of the tenant and may belong to others: out of the groups that none of the memberships
 * still there places at or below. Without any membership left, out of all. To be called once the membership is gone.
 */
export const leaveGroups = async (tx: Tx, user: PrincipalId): Promise<readonly GroupId[]> => {
  await holdGroupMembers(tx);
  const rows = await tx.query<{ group_id: GroupId }>(
    "authority.leave_groups",
    `delete from group_members m using groups g
      where m.tenant_id = $1 and m.member_kind = 'human' and m.member_id = $2 and g.tenant_id = $1 and g.id = m.group_id
        and not exists (
          select from memberships s join nodes n on n.tenant_id = $1 and n.id = s.node_id
           where s.tenant_id = $1 and s.user_id = $2 and g.node_id = any(n.ancestors))
      returning m.group_id`,
    [tx.tenant, user],
  );
  if (rows.length > 0) await flatten(tx, [{ kind: "human", id: user }]);
  return rows.map((row) => row.group_id);
};
