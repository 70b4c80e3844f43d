/** The SQL behind the picker. */
import type { PrincipalId, TenantId } from "../../../core/ids.ts";
import type { Database } from "../../platform/database/database.ts";
import type { HumanTenant } from "./model.ts";

type Row = {
  readonly tenant: TenantId;
  readonly display_name: string;
  readonly type: string;
  readonly last_used: number | null;
};

export const readTenantsOfHuman = async (
  database: Database,
  { home, user }: { readonly home: TenantId; readonly user: PrincipalId },
  search: string,
  limit: number,
): Promise<readonly HumanTenant[]> => {
  const [row] = await database.statement<{ tenants: readonly Row[] }>(
    "authorize.tenants",
    "select tenants_of_human($1, $2, $3, $4) as tenants",
    [home, user, search, limit],
  );
  return (row?.tenants ?? []).map(({ tenant, display_name, type, last_used }) => ({
    tenant,
    displayName: display_name,
    type,
    lastUsed: last_used,
  }));
};
