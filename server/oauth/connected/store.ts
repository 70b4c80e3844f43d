/** The SQL of the applications that hold something of a human. In transactions of the home tenant, unless said otherwise. */
import type { PrincipalId, TenantId } from "../../../core/ids.ts";
import type { Tx } from "../../platform/database/database.ts";

export type ConnectedRow = {
  readonly client_id: string;
  readonly client_tenant: TenantId | null;
  readonly application: string | null;
  readonly bound: TenantId;
  readonly scopes: readonly string[];
  readonly since: Date;
  readonly used: Date | null;
};

/** By client and tenant: what lives of its tokens, and what was agreed to. */
export const connectedOf = (tx: Tx, user: PrincipalId, now: Date, limit: number): Promise<readonly ConnectedRow[]> =>
  tx.query(
    "connected.list",
    `with held as (
       select client_id, client_tenant_id, application_id, bound_tenant_id, scopes, create_time, use_time from token_families
        where tenant_id = $1 and user_id = $2 and revoke_time is null and expire_time > $3
       union all
       select client_id, null, null, bound_tenant_id, scopes, create_time, null from consents where tenant_id = $1 and user_id = $2)
     select client_id, (array_agg(client_tenant_id) filter (where client_tenant_id is not null))[1] as client_tenant,
            (array_agg(application_id) filter (where application_id is not null))[1] as application, bound_tenant_id as bound,
            (select coalesce(array_agg(distinct scope order by scope), '{}') from held h, unnest(h.scopes) as scope
              where h.client_id = held.client_id and h.bound_tenant_id = held.bound_tenant_id) as scopes,
            min(create_time) as since, max(use_time) as used
       from held group by client_id, bound_tenant_id order by max(coalesce(use_time, create_time)) desc, client_id limit $4`,
    [tx.tenant, user, now, limit],
  );

/** The application's name; in a transaction of the client's tenant. */
export const nameOfClient = async (tx: Tx, clientId: string): Promise<string | undefined> =>
  (
    await tx.query<{ display_name: string }>(
      "connected.client_name",
      "select display_name from applications where tenant_id = $1 and client_id = $2",
      [tx.tenant, clientId],
    )
  )[0]?.display_name;

/** In a transaction of the tenant. */
export const nameOfTenant = async (tx: Tx): Promise<string | undefined> =>
  (
    await tx.query<{ display_name: string }>(
      "connected.tenant_name",
      "select display_name from nodes where tenant_id = $1 and id = $1",
      [tx.tenant],
    )
  )[0]?.display_name;

export const withdrawConsent = async (tx: Tx, user: PrincipalId, clientId: string, bound: TenantId): Promise<boolean> =>
  (
    await tx.query(
      "connected.withdraw",
      "delete from consents where tenant_id = $1 and user_id = $2 and client_id = $3 and bound_tenant_id = $4 returning client_id",
      [tx.tenant, user, clientId, bound],
    )
  ).length === 1;
