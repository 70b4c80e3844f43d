/** The tenants a human belongs to. */
import type { PrincipalId } from "../../../core/ids.ts";
import type { TenantId } from "../../../core/ids.ts";
import type { Database } from "../../platform/database/database.ts";
import type { HumanTenant } from "./pending.ts";

/** Active ones only, last used first. `search` is looked for in their names. */
export const tenantsOfHuman = async (
  _database: Database,
  _human: { readonly home: TenantId; readonly user: PrincipalId },
  _search = "",
): Promise<readonly HumanTenant[]> => {
  throw new Error("not written yet");
};
