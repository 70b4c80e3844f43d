/** All SQL of service accounts and their client secrets. */
import { sql } from "kysely";
import { isFault, type Result } from "../../../core/faults.ts";
import type { NodeId, PrincipalId, TenantId } from "../../../core/ids.ts";
import type { FieldTable } from "../../operations/listing/fields.ts";
import { type ListRequest, listPage, type Page, type Paging } from "../../operations/listing/list-page.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { TreeTables } from "../../tree/store.ts";
import type { ServiceAccount } from "./model.ts";

type Tables = TreeTables & {
  service_accounts: {
    tenant_id: TenantId;
    id: PrincipalId;
    node_id: NodeId;
    client_id: string;
    display_name: string;
    state: "active" | "disabled";
    scopes: string[];
    access_token_format: "jwt" | "opaque";
    access_token_ttl_seconds: number;
    jwks: unknown;
    revision: number;
    create_time: Date;
    update_time: Date;
  };
  client_directory: { client_id: string; tenant_id: TenantId; service_account_id: PrincipalId };
  client_secrets: {
    tenant_id: TenantId;
    id: string;
    service_account_id: PrincipalId;
    hash: Buffer;
    key_id: string;
    create_time: Date;
    expire_time: Date | null;
    revoke_time: Date | null;
  };
};

export const selectServiceAccounts = (tx: Tx) =>
  tx
    .kysely<Tables>()
    .selectFrom("service_accounts")
    .innerJoin("nodes", (join) =>
      join
        .onRef("nodes.tenant_id", "=", "service_accounts.tenant_id")
        .onRef("nodes.id", "=", "service_accounts.node_id"),
    )
    .select([
      "service_accounts.tenant_id",
      "service_accounts.id",
      "service_accounts.node_id",
      "nodes.type as node_type",
      "service_accounts.client_id",
      "service_accounts.display_name",
      "service_accounts.state",
      "service_accounts.scopes",
      "service_accounts.access_token_format",
      "service_accounts.access_token_ttl_seconds",
      "service_accounts.jwks",
      "service_accounts.revision",
      "service_accounts.create_time",
      "service_accounts.update_time",
    ])
    .where("service_accounts.tenant_id", "=", tx.tenant);

export type ServiceAccountRow = Awaited<ReturnType<ReturnType<typeof selectServiceAccounts>["execute"]>>[number];

export const serviceAccountOf = (row: ServiceAccountRow): ServiceAccount => ({
  tenant: row.tenant_id,
  id: row.id,
  node: { id: row.node_id, type: row.node_type },
  clientId: row.client_id,
  displayName: row.display_name,
  state: row.state,
  scopes: row.scopes,
  accessTokenFormat: row.access_token_format,
  accessTokenTtlSeconds: row.access_token_ttl_seconds,
  jwks: row.jwks,
  revision: row.revision,
  createTime: row.create_time,
  updateTime: row.update_time,
});

export const findServiceAccount = async (tx: Tx, id: PrincipalId): Promise<ServiceAccount | undefined> => {
  const row = await selectServiceAccounts(tx).where("service_accounts.id", "=", id).executeTakeFirst();
  return row && serviceAccountOf(row);
};

type Column =
  | "service_accounts.state"
  | "service_accounts.client_id"
  | "service_accounts.display_name"
  | "service_accounts.node_id"
  | "service_accounts.create_time"
  | "service_accounts.update_time";

const fields = (perimeters: readonly string[]): FieldTable<Column> => ({
  state: { column: "service_accounts.state", type: "text" },
  client_id: { column: "service_accounts.client_id", type: "text" },
  display_name: { column: "service_accounts.display_name", type: "text" },
  parent: { column: "service_accounts.node_id", type: "ref", collections: perimeters },
  create_time: { column: "service_accounts.create_time", type: "time" },
  update_time: { column: "service_accounts.update_time", type: "time" },
});

/** The tenant's accounts, or those of the node `below` and under it. `perimeters` are the collections a parent may be in. */
export const listServiceAccounts = async (
  tx: Tx,
  { below, perimeters }: { readonly below: NodeId | undefined; readonly perimeters: readonly string[] },
  request: ListRequest,
  paging: Paging,
): Promise<Result<Page<ServiceAccount>>> => {
  const query = selectServiceAccounts(tx).$if(below !== undefined, (all) =>
    all.where(sql<boolean>`${below}::uuid = any(nodes.ancestors)`),
  );
  const order = { time: "service_accounts.create_time", id: "service_accounts.id" } as const;
  const page = await listPage(query, { fields: fields(perimeters), order }, request, paging);
  return isFault(page) ? page : { ...page, rows: page.rows.map(serviceAccountOf) };
};

export const insertServiceAccount = async (tx: Tx, account: ServiceAccount): Promise<void> => {
  const db = tx.kysely<Tables>();
  await db
    .insertInto("service_accounts")
    .values({
      tenant_id: account.tenant,
      id: account.id,
      node_id: account.node.id,
      client_id: account.clientId,
      display_name: account.displayName,
      state: account.state,
      scopes: [...account.scopes],
      access_token_format: account.accessTokenFormat,
      access_token_ttl_seconds: account.accessTokenTtlSeconds,
      jwks: account.jwks === null ? null : JSON.stringify(account.jwks),
      revision: account.revision,
      create_time: account.createTime,
      update_time: account.updateTime,
    })
    .execute();
  await db
    .insertInto("client_directory")
    .values({ client_id: account.clientId, tenant_id: account.tenant, service_account_id: account.id })
    .execute();
};

export type ServiceAccountChange = {
  readonly display_name?: string;
  readonly state?: "active" | "disabled";
  readonly scopes?: string[];
  readonly access_token_format?: "jwt" | "opaque";
  readonly access_token_ttl_seconds?: number;
  readonly jwks?: string | null;
};

/** Changes the account if it is still at `revision`. */
export const updateServiceAccount = async (
  tx: Tx,
  id: PrincipalId,
  revision: number,
  change: ServiceAccountChange,
  now: Date,
): Promise<boolean> => {
  const result = await tx
    .kysely<Tables>()
    .updateTable("service_accounts")
    .set({ ...change, revision: revision + 1, update_time: now })
    .where("tenant_id", "=", tx.tenant)
    .where("id", "=", id)
    .where("revision", "=", revision)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
};

export const insertClientSecret = async (
  tx: Tx,
  secret: {
    readonly id: string;
    readonly account: PrincipalId;
    readonly hash: Buffer;
    readonly keyId: string;
    readonly createTime: Date;
    readonly expireTime?: Date;
  },
): Promise<void> => {
  await tx
    .kysely<Tables>()
    .insertInto("client_secrets")
    .values({
      tenant_id: tx.tenant,
      id: secret.id,
      service_account_id: secret.account,
      hash: secret.hash,
      key_id: secret.keyId,
      create_time: secret.createTime,
      expire_time: secret.expireTime ?? null,
      revoke_time: null,
    })
    .execute();
};

/** Ends the account's living secrets: now, or at `expires`. Returns how many there were. */
export const endClientSecrets = async (
  tx: Tx,
  account: PrincipalId,
  now: Date,
  expires: Date | undefined,
): Promise<number> => {
  const result = await tx
    .kysely<Tables>()
    .updateTable("client_secrets")
    .set(expires === undefined ? { revoke_time: now } : { expire_time: expires })
    .where("tenant_id", "=", tx.tenant)
    .where("service_account_id", "=", account)
    .where("revoke_time", "is", null)
    .where((where) => where.or([where("expire_time", "is", null), where("expire_time", ">", expires ?? now)]))
    .executeTakeFirst();
  return Number(result.numUpdatedRows);
};

/** Secrets that would still authenticate the account. */
export const countLiveSecrets = async (tx: Tx, account: PrincipalId, now: Date): Promise<number> => {
  const row = await tx
    .kysely<Tables>()
    .selectFrom("client_secrets")
    .select(({ fn }) => fn.countAll<string>().as("live"))
    .where("tenant_id", "=", tx.tenant)
    .where("service_account_id", "=", account)
    .where("revoke_time", "is", null)
    .where((where) => where.or([where("expire_time", "is", null), where("expire_time", ">", now)]))
    .executeTakeFirstOrThrow();
  return Number(row.live);
};
