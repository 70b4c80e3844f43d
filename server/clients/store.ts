/** All SQL of applications and their secrets. */
import { sql } from "kysely";
import { isFault, type Result } from "../../core/faults.ts";
import type { NodeId, PrincipalId, TenantId } from "../../core/ids.ts";
import type { FieldTable } from "../operations/listing/fields.ts";
import { type ListRequest, listPage, type Page, type Paging } from "../operations/listing/list-page.ts";
import { principalVersion, tenantVersion } from "../platform/cache/fresh-cache.ts";
import type { Tx } from "../platform/database/database.ts";
import type { TreeTables } from "../tree/store.ts";
import type { Application, ClientMetadata } from "./model.ts";

type Tables = TreeTables & {
  applications: {
    tenant_id: TenantId;
    id: string;
    node_id: NodeId;
    client_id: string;
    display_name: string;
    state: "active" | "disabled" | "deleted";
    source: Application["source"];
    first_party: boolean;
    metadata: unknown;
    registration_token_hash: Buffer | null;
    revision: number;
    create_time: Date;
    update_time: Date;
  };
  application_secrets: {
    tenant_id: TenantId;
    id: string;
    application_id: string;
    hash: Buffer;
    key_id: string;
    create_time: Date;
    expire_time: Date | null;
    revoke_time: Date | null;
  };
};

const selectApplications = (tx: Tx) =>
  tx
    .kysely<Tables>()
    .selectFrom("applications")
    .innerJoin("nodes", (join) =>
      join.onRef("nodes.tenant_id", "=", "applications.tenant_id").onRef("nodes.id", "=", "applications.node_id"),
    )
    .select([
      "applications.tenant_id",
      "applications.id",
      "applications.node_id",
      "nodes.type as node_type",
      "applications.client_id",
      "applications.display_name",
      "applications.state",
      "applications.source",
      "applications.first_party",
      "applications.metadata",
      "applications.revision",
      "applications.create_time",
      "applications.update_time",
    ])
    .where("applications.tenant_id", "=", tx.tenant)
    .where("applications.state", "<>", "deleted");

type ApplicationRow = Awaited<ReturnType<ReturnType<typeof selectApplications>["execute"]>>[number];

const applicationOf = (row: ApplicationRow): Application => ({
  tenant: row.tenant_id,
  id: row.id,
  node: { id: row.node_id, type: row.node_type },
  clientId: row.client_id,
  displayName: row.display_name,
  state: row.state === "disabled" ? "disabled" : "active",
  source: row.source,
  firstParty: row.first_party,
  metadata: row.metadata as ClientMetadata,
  revision: row.revision,
  createTime: row.create_time,
  updateTime: row.update_time,
});

/** The application, unless it has been deleted: a deleted one answers like one that never was. */
export const findApplication = async (tx: Tx, id: string): Promise<Application | undefined> => {
  const row = await selectApplications(tx).where("applications.id", "=", id).executeTakeFirst();
  return row && applicationOf(row);
};

/** The application that registered itself and was given this token (RFC 7592), if it lives. */
export const findRegistered = async (tx: Tx, id: string, tokenHash: Buffer): Promise<Application | undefined> => {
  const row = await selectApplications(tx)
    .where("applications.id", "=", id)
    .where("applications.source", "=", "registered")
    .where("applications.state", "=", "active")
    .where("applications.registration_token_hash", "=", tokenHash)
    .executeTakeFirst();
  return row && applicationOf(row);
};

type Column =
  | "applications.state"
  | "applications.client_id"
  | "applications.display_name"
  | "applications.source"
  | "applications.node_id"
  | "applications.create_time"
  | "applications.update_time";

const fields = (perimeters: readonly string[]): FieldTable<Column> => ({
  state: { column: "applications.state", type: "text" },
  client_id: { column: "applications.client_id", type: "text" },
  display_name: { column: "applications.display_name", type: "text" },
  source: { column: "applications.source", type: "text" },
  parent: { column: "applications.node_id", type: "ref", collections: perimeters },
  create_time: { column: "applications.create_time", type: "time" },
  update_time: { column: "applications.update_time", type: "time" },
});

/** The tenant's applications, or those of the node `below` and under it. `perimeters` are the collections a parent may be in. */
export const listApplications = async (
  tx: Tx,
  { below, perimeters }: { readonly below: NodeId | undefined; readonly perimeters: readonly string[] },
  request: ListRequest,
  paging: Paging,
): Promise<Result<Page<Application>>> => {
  const query = selectApplications(tx).$if(below !== undefined, (all) =>
    all.where(sql<boolean>`${below}::uuid = any(nodes.ancestors)`),
  );
  const order = { time: "applications.create_time", id: "applications.id" } as const;
  const page = await listPage(query, { fields: fields(perimeters), order }, request, paging);
  return isFault(page) ? page : { ...page, rows: page.rows.map(applicationOf) };
};

export const insertApplication = async (
  tx: Tx,
  application: Application,
  registrationTokenHash: Buffer | null = null,
): Promise<void> => {
  await tx
    .kysely<Tables>()
    .insertInto("applications")
    .values({
      tenant_id: application.tenant,
      id: application.id,
      node_id: application.node.id,
      client_id: application.clientId,
      display_name: application.displayName,
      state: application.state,
      source: application.source,
      first_party: application.firstParty,
      metadata: JSON.stringify(application.metadata),
      registration_token_hash: registrationTokenHash,
      revision: application.revision,
      create_time: application.createTime,
      update_time: application.updateTime,
    })
    .execute();
};

export type ApplicationChange = {
  readonly display_name?: string;
  readonly state?: "active" | "disabled" | "deleted";
  readonly first_party?: boolean;
  readonly metadata?: ClientMetadata;
};

/** Changes the application if it is still at `revision`; what is cached of it falls. */
export const updateApplication = async (
  tx: Tx,
  id: string,
  revision: number,
  { metadata, ...change }: ApplicationChange,
  now: Date,
): Promise<boolean> => {
  const result = await tx
    .kysely<Tables>()
    .updateTable("applications")
    .set({
      ...change,
      ...(metadata === undefined ? {} : { metadata: JSON.stringify(metadata) }),
      ...(change.state === "deleted" ? { registration_token_hash: null } : {}),
      revision: revision + 1,
      update_time: now,
    })
    .where("tenant_id", "=", tx.tenant)
    .where("id", "=", id)
    .where("revision", "=", revision)
    .where("state", "<>", "deleted")
    .executeTakeFirst();
  tx.touch(tenantVersion(tx.tenant));
  return result.numUpdatedRows === 1n;
};

/** How many of the tenant's have come in this way. */
export const countOf = async (tx: Tx, source: Application["source"]): Promise<number> => {
  const rows = await tx.query<{ found: number }>(
    "clients.count_of",
    "select count(*)::int4 as found from applications where tenant_id = $1 and source = $2 and state <> 'deleted'",
    [tx.tenant, source],
  );
  return rows[0]?.found ?? 0;
};

/**
 * Keeps what a metadata document says: a new one, or the one there is, unless an administrator has deleted it. `changed` is whether
 * anything is new besides that it was read again. False where nothing is kept.
 */
export const keepDocument = async (tx: Tx, application: Application, changed: boolean): Promise<boolean> => {
  const rows = await tx.query(
    "clients.keep_document",
    `insert into applications (tenant_id, id, node_id, client_id, display_name, state, source, first_party, metadata, revision,
                               create_time, update_time)
     values ($1, $2, $3, $4, $5, 'active', 'metadata_document', false, $6::jsonb, 1, $7, $7)
     on conflict (tenant_id, client_id) do update
       set display_name = excluded.display_name, metadata = excluded.metadata, update_time = excluded.update_time,
           revision = applications.revision + $8
     where applications.state <> 'deleted'
     returning id`,
    [
      tx.tenant,
      application.id,
      application.node.id,
      application.clientId,
      application.displayName,
      JSON.stringify(application.metadata),
      application.createTime,
      changed ? 1 : 0,
    ],
  );
  if (changed) tx.touch(tenantVersion(tx.tenant));
  return rows.length === 1;
};

export const insertSecret = async (
  tx: Tx,
  secret: {
    readonly id: string;
    readonly application: string;
    readonly hash: Buffer;
    readonly keyId: string;
    readonly createTime: Date;
  },
): Promise<void> => {
  await tx
    .kysely<Tables>()
    .insertInto("application_secrets")
    .values({
      tenant_id: tx.tenant,
      id: secret.id,
      application_id: secret.application,
      hash: secret.hash,
      key_id: secret.keyId,
      create_time: secret.createTime,
      expire_time: null,
      revoke_time: null,
    })
    .execute();
};

/** Ends the application's living secrets: now, or at `expires`. */
export const endSecrets = async (tx: Tx, application: string, now: Date, expires?: Date): Promise<void> => {
  await tx
    .kysely<Tables>()
    .updateTable("application_secrets")
    .set(expires === undefined ? { revoke_time: now } : { expire_time: expires })
    .where("tenant_id", "=", tx.tenant)
    .where("application_id", "=", application)
    .where("revoke_time", "is", null)
    .where((where) => where.or([where("expire_time", "is", null), where("expire_time", ">", expires ?? now)]))
    .execute();
};

/** Secrets that would still authenticate the application. */
export const countLiveSecrets = async (tx: Tx, application: string, now: Date): Promise<number> => {
  const row = await tx
    .kysely<Tables>()
    .selectFrom("application_secrets")
    .select(({ fn }) => fn.countAll<string>().as("live"))
    .where("tenant_id", "=", tx.tenant)
    .where("application_id", "=", application)
    .where("revoke_time", "is", null)
    .where((where) => where.or([where("expire_time", "is", null), where("expire_time", ">", now)]))
    .executeTakeFirstOrThrow();
  return Number(row.live);
};

/**
 * Ends all that the application was given, in every human's home: no access or refresh token of it is accepted once the transaction has
 * committed, and no code that has not been redeemed finds its client.
 */
export const endAllGrants = async (tx: Tx, application: string, reason: string, now: Date): Promise<void> => {
  const rows = await tx.query<{ ended: readonly (readonly [TenantId, PrincipalId])[] }>(
    "clients.end_families",
    "select end_families_of_client($1, $2, $3, $4) as ended",
    [tx.tenant, application, reason, now],
  );
  for (const [bound, user] of rows[0]?.ended ?? []) tx.touch(principalVersion(bound, user));
};
