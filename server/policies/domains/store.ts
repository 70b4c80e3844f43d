/** All SQL of domains, and of the directory that says whose a verified one is. */
import { isFault, type Result } from "../../../core/faults.ts";
import type { TenantId } from "../../../core/ids.ts";
import {
  type Listing,
  type ListRequest,
  listPage,
  type Page,
  type Paging,
} from "../../operations/listing/list-page.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { Domain } from "./model.ts";

type Row = {
  tenant_id: TenantId;
  id: string;
  name: string;
  state: Domain["state"];
  challenge: string;
  revision: number;
  create_time: Date;
  update_time: Date;
};

type Tables = { domains: Row };

const columns = ["tenant_id", "id", "name", "state", "challenge", "revision", "create_time", "update_time"] as const;

const selectDomains = (tx: Tx) =>
  tx.kysely<Tables>().selectFrom("domains").select(columns).where("tenant_id", "=", tx.tenant);

const domainOf = (row: Row): Domain => ({
  id: row.id,
  name: row.name,
  state: row.state,
  challenge: row.challenge,
  revision: row.revision,
  createTime: row.create_time,
  updateTime: row.update_time,
});

export const findDomain = async (tx: Tx, id: string): Promise<Domain | undefined> => {
  const row = await selectDomains(tx).where("id", "=", id).executeTakeFirst();
  return row && domainOf(row);
};

const listing = {
  fields: {
    name: { column: "name", type: "text" },
    state: { column: "state", type: "text" },
    create_time: { column: "create_time", type: "time" },
  },
} as const satisfies Listing;

export const listDomains = async (tx: Tx, request: ListRequest, paging: Paging): Promise<Result<Page<Domain>>> => {
  const page = await listPage(selectDomains(tx), listing, request, paging);
  return isFault(page) ? page : { ...page, rows: page.rows.map(domainOf) };
};

export const countDomains = async (tx: Tx): Promise<number> =>
  (
    await tx.query<{ domains: number }>(
      "domains.count",
      "select count(*) as domains from domains where tenant_id = $1",
      [tx.tenant],
    )
  )[0]?.domains ?? 0;

/** False where the tenant has the name already. */
export const insertDomain = async (tx: Tx, domain: Domain): Promise<boolean> => {
  const result = await tx
    .kysely<Tables>()
    .insertInto("domains")
    .values({
      tenant_id: tx.tenant,
      id: domain.id,
      name: domain.name,
      state: domain.state,
      challenge: domain.challenge,
      revision: domain.revision,
      create_time: domain.createTime,
      update_time: domain.updateTime,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
};

/** False where another tenant has it: of two that verify a name at once, one gets it. */
export const claimName = async (tx: Tx, name: string): Promise<boolean> => {
  const rows = await tx.query(
    "domains.claim",
    "insert into verified_domains (name, tenant_id) values ($1, $2) on conflict do nothing returning name",
    [name, tx.tenant],
  );
  return rows.length === 1;
};

/** Pending becomes verified, if it is still at `revision`. */
export const markVerified = async (tx: Tx, id: string, revision: number, now: Date): Promise<Domain | undefined> => {
  const row = await tx
    .kysely<Tables>()
    .updateTable("domains")
    .set({ state: "verified", revision: revision + 1, update_time: now })
    .where("tenant_id", "=", tx.tenant)
    .where("id", "=", id)
    .where("revision", "=", revision)
    .where("state", "=", "pending")
    .returning(columns)
    .executeTakeFirst();
  return row && domainOf(row);
};

/** Deletes the domain if it is still at `revision`, and with it the tenant's claim to the name. */
export const deleteDomain = async (tx: Tx, { id, name, revision }: Domain): Promise<boolean> => {
  const rows = await tx.query(
    "domains.delete",
    "delete from domains where tenant_id = $1 and id = $2 and revision = $3 returning id",
    [tx.tenant, id, revision],
  );
  if (rows.length === 0) return false;
  await tx.query("domains.release", "delete from verified_domains where tenant_id = $1 and name = $2", [
    tx.tenant,
    name,
  ]);
  return true;
};
