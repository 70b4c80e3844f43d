/** All SQL of users. */
import { sql } from "kysely";
import { isFault, type Result } from "../../../core/faults.ts";
import type { NodeId, PrincipalId, TenantId } from "../../../core/ids.ts";
import type { FieldTable } from "../../operations/listing/fields.ts";
import { type ListRequest, listPage, type Page, type Paging } from "../../operations/listing/list-page.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { TreeTables } from "../../tree/store.ts";
import type { User, UserState } from "./model.ts";

type Tables = TreeTables & {
  users: {
    tenant_id: TenantId;
    id: PrincipalId;
    node_id: NodeId;
    email: string;
    display_name: string;
    state: UserState;
    signs_in: boolean;
    identity_source: string;
    revision: number;
    create_time: Date;
    update_time: Date;
  };
};

const selectUsers = (tx: Tx) =>
  tx
    .kysely<Tables>()
    .selectFrom("users")
    .innerJoin("nodes", (join) =>
      join.onRef("nodes.tenant_id", "=", "users.tenant_id").onRef("nodes.id", "=", "users.node_id"),
    )
    .select([
      "users.tenant_id",
      "users.id",
      "users.node_id",
      "nodes.type as node_type",
      "users.email",
      "users.display_name",
      "users.state",
      "users.signs_in",
      "users.identity_source",
      "users.revision",
      "users.create_time",
      "users.update_time",
    ])
    .where("users.tenant_id", "=", tx.tenant)
    .where("users.state", "in", ["active", "suspended"]);

type Row = Awaited<ReturnType<ReturnType<typeof selectUsers>["execute"]>>[number];

const userOf = (row: Row): User => ({
  tenant: row.tenant_id,
  id: row.id,
  node: { id: row.node_id, type: row.node_type },
  email: row.email,
  displayName: row.display_name,
  state: row.state,
  signsIn: row.signs_in,
  identitySource: row.identity_source,
  revision: row.revision,
  createTime: row.create_time,
  updateTime: row.update_time,
});

export const findUser = async (tx: Tx, id: PrincipalId): Promise<User | undefined> => {
  const row = await selectUsers(tx).where("users.id", "=", id).executeTakeFirst();
  return row && userOf(row);
};

/**
 * The user, whose state then stands until this transaction ends. Who suspends a user changes it first and reads the memberships then, so a
 * membership is either among those read, or finds the user suspended.
 */
export const holdUser = async (tx: Tx, id: PrincipalId): Promise<User | undefined> => {
  const row = await selectUsers(tx).where("users.id", "=", id).forShare("users").executeTakeFirst();
  return row && userOf(row);
};

type Column =
  | "users.state"
  | "users.email"
  | "users.display_name"
  | "users.identity_source"
  | "users.node_id"
  | "users.create_time"
  | "users.update_time";

const fields = (perimeters: readonly string[]): FieldTable<Column> => ({
  state: { column: "users.state", type: "text" },
  signs_in: { column: sql<string>`users.signs_in::text`, type: "text" },
  email: { column: "users.email", type: "text" },
  display_name: { column: "users.display_name", type: "text" },
  identity_source: { column: "users.identity_source", type: "text" },
  parent: { column: "users.node_id", type: "ref", collections: perimeters },
  create_time: { column: "users.create_time", type: "time" },
  update_time: { column: "users.update_time", type: "time" },
});

/** The tenant's users, or those of the node `below` and under it. `perimeters` are the collections a parent may be in. */
export const listUsers = async (
  tx: Tx,
  { below, perimeters }: { readonly below: NodeId | undefined; readonly perimeters: readonly string[] },
  request: ListRequest,
  paging: Paging,
): Promise<Result<Page<User>>> => {
  const query = selectUsers(tx).$if(below !== undefined, (all) =>
    all.where(sql<boolean>`${below}::uuid = any(nodes.ancestors)`),
  );
  const listing = { fields: fields(perimeters), order: { time: "users.create_time", id: "users.id" } } as const;
  const page = await listPage(query, listing, request, paging);
  return isFault(page) ? page : { ...page, rows: page.rows.map(userOf) };
};

/** False where the tenant has a user with this e-mail address already, whatever its case. */
export const insertUser = async (tx: Tx, user: User): Promise<boolean> => {
  const result = await tx
    .kysely<Tables>()
    .insertInto("users")
    .values({
      tenant_id: user.tenant,
      id: user.id,
      node_id: user.node.id,
      email: user.email,
      display_name: user.displayName,
      state: user.state,
      signs_in: user.signsIn,
      identity_source: user.identitySource,
      revision: user.revision,
      create_time: user.createTime,
      update_time: user.updateTime,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
};

/** Changes the user if it is still at `revision`. */
export const updateUser = async (
  tx: Tx,
  id: PrincipalId,
  revision: number,
  change: { readonly display_name?: string; readonly state?: UserState; readonly signs_in?: boolean },
  now: Date,
): Promise<boolean> => {
  const result = await tx
    .kysely<Tables>()
    .updateTable("users")
    .set({ ...change, revision: revision + 1, update_time: now })
    .where("tenant_id", "=", tx.tenant)
    .where("id", "=", id)
    .where("revision", "=", revision)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
};
