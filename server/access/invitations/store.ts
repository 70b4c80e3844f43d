/** All SQL of invitations. */
import { isFault, type Result } from "../../../core/faults.ts";
import type { NodeId, PrincipalId, RoleId, TenantId } from "../../../core/ids.ts";
import type { FieldTable } from "../../operations/listing/fields.ts";
import { type ListRequest, listPage, type Page, type Paging } from "../../operations/listing/list-page.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { TreeTables } from "../../tree/store.ts";
import { atOrBelow } from "../at-node-store.ts";
import type { Invitation } from "./model.ts";

type Tables = TreeTables & {
  invitations: {
    tenant_id: TenantId;
    id: string;
    node_id: NodeId;
    email: string;
    display_name: string | null;
    role_name: string | null;
    role_id: RoleId | null;
    invited_by: string;
    hash: Buffer;
    state: Invitation["state"];
    user_id: PrincipalId | null;
    revision: number;
    create_time: Date;
    update_time: Date;
    expire_time: Date;
  };
};

const selectInvitations = (tx: Tx) =>
  tx
    .kysely<Tables>()
    .selectFrom("invitations")
    .innerJoin("nodes", (join) =>
      join.onRef("nodes.tenant_id", "=", "invitations.tenant_id").onRef("nodes.id", "=", "invitations.node_id"),
    )
    .select([
      "invitations.tenant_id",
      "invitations.id",
      "invitations.node_id",
      "nodes.type as node_type",
      "invitations.email",
      "invitations.display_name",
      "invitations.role_name",
      "invitations.role_id",
      "invitations.invited_by",
      "invitations.state",
      "invitations.user_id",
      "invitations.revision",
      "invitations.create_time",
      "invitations.update_time",
      "invitations.expire_time",
    ])
    .where("invitations.tenant_id", "=", tx.tenant);

type Row = Awaited<ReturnType<ReturnType<typeof selectInvitations>["execute"]>>[number];

const roleOf = ({ role_name, role_id }: Pick<Row, "role_name" | "role_id">): Invitation["role"] =>
  role_name !== null ? { name: role_name } : role_id === null ? null : { id: role_id };

const invitationOf = (row: Row): Invitation => ({
  tenant: row.tenant_id,
  id: row.id,
  node: { id: row.node_id, type: row.node_type },
  email: row.email,
  displayName: row.display_name,
  role: roleOf(row),
  invitedBy: row.invited_by,
  state: row.state,
  user: row.user_id,
  revision: row.revision,
  createTime: row.create_time,
  updateTime: row.update_time,
  expireTime: row.expire_time,
});

export const findInvitationById = async (tx: Tx, id: string): Promise<Invitation | undefined> => {
  const row = await selectInvitations(tx).where("invitations.id", "=", id).executeTakeFirst();
  return row && invitationOf(row);
};

/** By the hash of the link's token, whatever its state and however old: to show it, never to use it. */
export const findInvitation = async (tx: Tx, hash: Buffer): Promise<Invitation | undefined> => {
  const row = await selectInvitations(tx).where("invitations.hash", "=", hash).executeTakeFirst();
  return row && invitationOf(row);
};

type Column =
  | "invitations.state"
  | "invitations.email"
  | "invitations.node_id"
  | "invitations.user_id"
  | "invitations.create_time"
  | "invitations.expire_time";

const fields = (perimeters: readonly string[]): FieldTable<Column> => ({
  state: { column: "invitations.state", type: "text" },
  email: { column: "invitations.email", type: "text" },
  parent: { column: "invitations.node_id", type: "ref", collections: perimeters },
  user: { column: "invitations.user_id", type: "ref", collections: ["users"] },
  create_time: { column: "invitations.create_time", type: "time" },
  expire_time: { column: "invitations.expire_time", type: "time" },
});

/** The tenant's invitations, or those to the node `below` and what is under it. `perimeters` are the collections a parent may be in. */
export const listInvitations = async (
  tx: Tx,
  { below, perimeters }: { readonly below: NodeId | undefined; readonly perimeters: readonly string[] },
  request: ListRequest,
  paging: Paging,
): Promise<Result<Page<Invitation>>> => {
  const listing = {
    fields: fields(perimeters),
    order: { time: "invitations.create_time", id: "invitations.id" },
  } as const;
  const page = await listPage(selectInvitations(tx).where(atOrBelow(below)), listing, request, paging);
  return isFault(page) ? page : { ...page, rows: page.rows.map(invitationOf) };
};

/** Makes room for another try: one that has expired without an answer is over. */
export const endExpired = async (tx: Tx, node: NodeId, email: string, now: Date): Promise<void> => {
  await tx.query(
    "invitations.end_expired",
    `update invitations set state = 'revoked', revision = revision + 1, update_time = $4
      where tenant_id = $1 and node_id = $2 and lower(email) = lower($3) and state = 'pending' and expire_time <= $4`,
    [tx.tenant, node, email, now],
  );
};

/** False where the address is invited to this perimeter already. */
export const insertInvitation = async (tx: Tx, invitation: Invitation, hash: Buffer): Promise<boolean> => {
  const result = await tx
    .kysely<Tables>()
    .insertInto("invitations")
    .values({
      tenant_id: tx.tenant,
      id: invitation.id,
      node_id: invitation.node.id,
      email: invitation.email,
      display_name: invitation.displayName,
      role_name: invitation.role !== null && "name" in invitation.role ? invitation.role.name : null,
      role_id: invitation.role !== null && "id" in invitation.role ? invitation.role.id : null,
      invited_by: invitation.invitedBy,
      hash,
      state: invitation.state,
      user_id: invitation.user,
      revision: invitation.revision,
      create_time: invitation.createTime,
      update_time: invitation.updateTime,
      expire_time: invitation.expireTime,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
};

/** Invitations a tenant has open. */
export const countPending = async (tx: Tx, now: Date): Promise<number> =>
  (
    await tx.query<{ pending: number }>(
      "invitations.count_pending",
      "select count(*) as pending from invitations where tenant_id = $1 and state = 'pending' and expire_time > $2",
      [tx.tenant, now],
    )
  )[0]?.pending ?? 0;

/** True for the one call that took it (invariant 3): pending, not expired, and from now on this user's. */
export const takeInvitation = async (tx: Tx, id: string, user: PrincipalId, now: Date): Promise<boolean> => {
  const rows = await tx.query(
    "invitations.take",
    `update invitations set state = 'accepted', user_id = $3, revision = revision + 1, update_time = $4
      where tenant_id = $1 and id = $2 and state = 'pending' and expire_time > $4 returning id`,
    [tx.tenant, id, user, now],
  );
  return rows.length === 1;
};

/** Ends a pending one, if it is still at `revision`. */
export const revokeInvitation = async (tx: Tx, id: string, revision: number, now: Date): Promise<boolean> => {
  const rows = await tx.query(
    "invitations.revoke",
    `update invitations set state = 'revoked', revision = revision + 1, update_time = $4
      where tenant_id = $1 and id = $2 and revision = $3 and state = 'pending' returning id`,
    [tx.tenant, id, revision, now],
  );
  return rows.length === 1;
};

/** Replaces a pending one's link, if it is still at `revision`: the old link is worthless from then on. */
export const renewInvitation = async (
  tx: Tx,
  id: string,
  revision: number,
  {
    hash,
    invitedBy,
    now,
    expireTime,
  }: { readonly hash: Buffer; readonly invitedBy: string; readonly now: Date; readonly expireTime: Date },
): Promise<boolean> => {
  const rows = await tx.query(
    "invitations.renew",
    `update invitations set hash = $4, invited_by = $7, revision = revision + 1, update_time = $5, expire_time = $6
      where tenant_id = $1 and id = $2 and revision = $3 and state = 'pending' returning id`,
    [tx.tenant, id, revision, hash, now, expireTime, invitedBy],
  );
  return rows.length === 1;
};
