/**
 * The tenant is in the transaction: a repository gets a client that was opened for one tenant, and can't be called without.
 *
 *     await transaction(pool, callerOf(request).tenant_id, (client) => files.read(client, id));
 *
 * It is the first of two fences, the row-level security that reads the setting; the second is `tenant_id` in each statement.
 * `@countersign/sdk/testing` proves that the first one holds.
 */
import { isUuid } from "../core/ids.ts";
import { inTransaction, type Pool, type PooledClient } from "./postgres/tenant-store.ts";

export type TenantOptions = {
  /** What the policies read, by `current_setting('app.tenant_id', true)`; that is its name unless said. */
  readonly setting?: string;
};

export const defaultSetting = "app.tenant_id";
const settingName = /^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$/;

/**
 * Opens a transaction for a tenant, runs `work` in it and commits. Whatever is thrown rolls it back and is thrown on.
 *
 * @param tenantId a UUID, as in `Caller.tenant_id`
 * @throws TypeError without a tenant: nothing is asked of the database
 */
export const transaction = async <Pooled extends PooledClient, T>(
  pool: Pool<Pooled>,
  tenantId: string,
  work: (client: Pooled) => Promise<T>,
  { setting = defaultSetting }: TenantOptions = {},
): Promise<T> => {
  if (typeof tenantId !== "string" || !isUuid(tenantId)) throw new TypeError("transaction(): there is no tenant");
  if (!settingName.test(setting)) throw new TypeError(`transaction(): \`${setting}\` is no name of a setting of yours`);
  return inTransaction(pool, { name: setting, value: tenantId }, work);
};

export type { Client, Pool, PooledClient } from "./postgres/tenant-store.ts";
