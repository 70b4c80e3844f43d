/** All SQL of API tokens. */
import { sql } from "kysely";
import type { CredentialId, PrincipalId, PrincipalKind, TenantId } from "../../core/ids.ts";
import type { Result } from "../../core/faults.ts";
import { type Listing, type ListRequest, listPage, type Page, type Paging } from "../operations/listing/list-page.ts";
import type { Tx } from "../platform/database/database.ts";
import { type ApiToken, ownerCollections } from "./model.ts";

type Row = {
  tenant_id: TenantId;
  id: CredentialId;
  owner_kind: PrincipalKind;
  owner_id: PrincipalId;
  display_name: string;
  key_id: string;
  scopes: string[];
  create_time: Date;
  expire_time: Date;
  revoke_time: Date | null;
  replaced_by: CredentialId | null;
  last_used_time: Date | null;
  revision: number;
};

type Tables = { api_tokens: Row & { hash: Buffer } };

const columns = [
  "tenant_id",
  "id",
  "owner_kind",
  "owner_id",
  "display_name",
  "key_id",
  "scopes",
  "create_time",
  "expire_time",
  "revoke_time",
  "replaced_by",
  "last_used_time",
  "revision",
] as const;

const selectTokens = (tx: Tx) =>
  tx.kysely<Tables>().selectFrom("api_tokens").select(columns).where("tenant_id", "=", tx.tenant);

const tokenOf = (row: Row): ApiToken => ({
  tenant: row.tenant_id,
  id: row.id,
  owner: { kind: row.owner_kind, id: row.owner_id },
  displayName: row.display_name,
  keyId: row.key_id,
  scopes: row.scopes,
  createTime: row.create_time,
  expireTime: row.expire_time,
  revokeTime: row.revoke_time,
  replacedBy: row.replaced_by,
  lastUsedTime: row.last_used_time,
  revision: row.revision,
});

export const findToken = async (tx: Tx, id: CredentialId): Promise<ApiToken | undefined> => {
  const row = await selectTokens(tx).where("id", "=", id).executeTakeFirst();
  return row && tokenOf(row);
};

export const insertToken = async (tx: Tx, token: ApiToken, hash: Buffer): Promise<void> => {
  await tx
    .kysely<Tables>()
    .insertInto("api_tokens")
    .values({
      tenant_id: token.tenant,
      id: token.id,
      owner_kind: token.owner.kind,
      owner_id: token.owner.id,
      display_name: token.displayName,
      hash,
      key_id: token.keyId,
      scopes: [...token.scopes],
      create_time: token.createTime,
      expire_time: token.expireTime,
      revoke_time: null,
      replaced_by: null,
      last_used_time: null,
      revision: token.revision,
    })
    .execute();
};

/**
 * Ends a token that is alive. Of any number of calls at once, for rotation or revocation, one gets the token back (invariant 3): the
 * condition is judged again once the row is ours.
 */
export const endToken = async (
  tx: Tx,
  id: CredentialId,
  now: Date,
  replacedBy: CredentialId | null,
): Promise<ApiToken | undefined> => {
  const row = await tx
    .kysely<Tables>()
    .updateTable("api_tokens")
    .set((set) => ({ revoke_time: now, replaced_by: replacedBy, revision: set("revision", "+", 1) }))
    .where("tenant_id", "=", tx.tenant)
    .where("id", "=", id)
    .where("revoke_time", "is", null)
    .where("expire_time", ">", now)
    .returning(columns)
    .executeTakeFirst();
  return row && tokenOf(row);
};

/** A token's state is what its times say now, so the listing is of one moment. */
const listingAt = (now: Date) =>
  ({
    fields: {
      owner: { column: "owner_id", type: "ref", collections: ownerCollections },
      display_name: { column: "display_name", type: "text" },
      key_id: { column: "key_id", type: "text" },
      scopes: { column: "scopes", type: "text_array" },
      state: {
        column: sql<string>`case when revoke_time is not null then 'revoked' when expire_time <= ${now} then 'expired' else 'active' end`,
        type: "text",
      },
      create_time: { column: "create_time", type: "time" },
      expire_time: { column: "expire_time", type: "time" },
      last_used_time: { column: "last_used_time", type: "time" },
    },
  }) as const satisfies Listing;

export const listTokens = async (
  tx: Tx,
  now: Date,
  request: ListRequest,
  paging: Paging,
): Promise<Result<Page<ApiToken>>> => {
  const page = await listPage(selectTokens(tx), listingAt(now), request, paging);
  return "fault" in page ? page : { ...page, rows: page.rows.map(tokenOf) };
};

/** When tokens were last used, in ms since the epoch. A time never goes back, whichever process writes last. */
export const writeLastUsed = async (tx: Tx, uses: ReadonlyMap<string, number>): Promise<void> => {
  await tx.query(
    "credentials.last_used",
    `update api_tokens t set last_used_time = to_timestamp(use.ms / 1000)
       from unnest($2::uuid[], $3::float8[]) as use (id, ms)
      where t.tenant_id = $1 and t.id = use.id
        and (t.last_used_time is null or t.last_used_time < to_timestamp(use.ms / 1000))`,
    [tx.tenant, [...uses.keys()], [...uses.values()]],
  );
};
